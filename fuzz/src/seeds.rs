//! Writes what fuzzing starts from: a folder for each format, with few records of it.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use samples::{Fleet, Shape};

fn main() -> io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("seeds FOLDER"));
    };
    for shape in Shape::ALL {
        let folder = folder.join(shape.name());
        std::fs::create_dir_all(&folder)?;
        for (number, bytes) in [600, 3_000, 9_000].into_iter().enumerate() {
            let mut mixed = File::create(folder.join(format!("mixed-{number}")))?;
            shape.write(&mut Fleet::new(number as u64), bytes, &mut mixed)?;
            let mut logons = File::create(folder.join(format!("logons-{number}")))?;
            shape.write(&mut Fleet::of_logons(number as u64), bytes, &mut logons)?;
        }
    }
    Ok(())
}
