//! Writes what fuzzing starts from: a folder for each format, with few records of it.

use std::fs::File;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use samples::{Fleet, Shape};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderMethod};

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
    archives(&folder.join("archives"))
}

/// Those that fuzz/run has no program for.
fn archives(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut lines = Vec::new();
    Shape::NxLog.write(&mut Fleet::of_logons(1), 2_000, &mut lines)?;
    std::fs::write(folder.join("zstd"), zstd::encode_all(&*lines, 3)?)?;
    for method in [EncoderMethod::LZMA, EncoderMethod::LZMA2] {
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).map_err(io::Error::other)?;
        writer.set_content_methods(vec![method.into()]);
        let entry = ArchiveEntry::new_file("logons.json");
        writer.push_archive_entry(entry, Some(&*lines)).map_err(io::Error::other)?;
        let packed = writer.finish()?.into_inner();
        std::fs::write(folder.join(format!("7z-{}", method.name())), packed)?;
    }
    Ok(())
}
