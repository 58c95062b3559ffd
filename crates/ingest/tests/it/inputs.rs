//! What there is to read: paths, folders, links.

use std::path::PathBuf;

use ingest::input::{Input, discover};

use crate::support::{nxlog, read_file, write};

fn names(inputs: &[Input], root: &std::path::Path) -> Vec<String> {
    let root = format!("{}/", root.display());
    inputs.iter().map(|input| input.name().replace(&root, "")).collect()
}

#[test]
fn a_folder_is_its_files_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b/2.json", "b/10.json", "a.json", "c", ".hidden"] {
        write(&folder, name, b"x");
    }
    let (inputs, skipped) = discover(&[folder.path().to_owned()]);
    assert_eq!(skipped, []);
    assert_eq!(names(&inputs, folder.path()), [".hidden", "a.json", "b/10.json", "b/2.json", "c"]);
    assert!(inputs.iter().all(|input| input.size_bytes() == 1));
}

#[test]
fn what_is_not_there_is_told_and_the_rest_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "a.json", b"x");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let paths: Vec<PathBuf> =
        vec![folder.path().join("missing"), PathBuf::from("-"), folder.path().join("empty"), file];
    let (inputs, skipped) = discover(&paths);
    assert_eq!(inputs[0], Input::Stdin);
    assert_eq!(names(&inputs, folder.path()), ["standard input", "a.json"]);
    let reasons: Vec<&str> = skipped.iter().map(|skip| skip.reason.as_str()).collect();
    assert_eq!(reasons, ["no such file or folder", "a folder without files"]);
    assert!(skipped[0].name.ends_with("missing"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_loops_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    write(&outside, "d/e.json", b"x");
    write(&folder, "a/b.json", b"x");
    let link = |to: PathBuf, name: &str| {
        std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    };
    link(folder.path().to_owned(), "a/loop");
    link(outside.path().join("d"), "linked");
    link(PathBuf::from("/nowhere/at/all"), "broken");
    let (inputs, skipped) = discover(&[folder.path().to_owned()]);
    assert_eq!(names(&inputs, folder.path()), ["a/b.json", "linked/e.json"]);
    let mut reasons: Vec<&str> = skipped.iter().map(|skip| skip.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["a link to a folder that it is in", "no such file or folder"]);
}

#[test]
fn a_folder_is_read_file_by_file() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "1.json", nxlog("ann", 1, "").as_bytes());
    write(&folder, "2.txt", b"nothing of ours");
    write(&folder, "3.log", nxlog("bob", 2, "").as_bytes());
    let read = read_file(folder.path());
    assert_eq!(read.users(), ["ann", "bob"]);
    assert_eq!(read.files.len(), 2);
    assert_eq!(read.skipped.len(), 1);
    assert!(read.skipped[0].name.ends_with("2.txt"));
    assert_eq!(read.skipped[0].reason, "not a known format");
}

#[test]
fn a_file_that_went_away_is_told() {
    let input = Input::File { path: PathBuf::from("/nowhere/a.evtx"), size_bytes: 5 };
    let mut read = crate::support::Collected::default();
    let flow = ingest::read(&input, &crate::support::options(), &mut read);
    assert!(flow.is_continue());
    assert!(read.skipped[0].reason.starts_with("cannot be opened: "));
}
