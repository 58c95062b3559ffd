//! What the server's own source must not contain.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// A scope that a handler made for itself would show it what its caller must not see.
#[test]
fn scopes_are_made_in_one_place() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    let makers: Vec<_> = files
        .iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            // Under another name it could be made unseen.
            assert!(!text.contains("Scope as ") && !text.contains("scope::*"), "{path:?}");
            text.contains("Scope::")
        })
        .map(|path| path.strip_prefix(&source).unwrap().to_owned())
        .collect();
    // The administration is for those who see every device anyway.
    let known = ["administration/device_groups.rs", "auth/caller.rs"];
    assert_eq!(makers, known.map(Path::new));
}
