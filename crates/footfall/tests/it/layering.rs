//! Dependencies point one way (docs/adr/0001-workspace.md), and documents lead to what exists.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// What each crate may use of ours.
const LAYERS: [(&str, &[&str]); 10] = [
    ("odata", &[]),
    ("inventory", &["odata"]),
    ("ingest", &["inventory"]),
    ("store", &["inventory"]),
    ("intake", &["inventory", "ingest", "store"]),
    ("server", &["odata", "inventory", "ingest", "store", "intake"]),
    ("footfall", &["odata", "inventory", "ingest", "store", "intake", "server"]),
    ("samples", &[]),
    ("bench", &["inventory", "ingest", "store", "intake", "server", "samples"]),
    ("fuzz", &["inventory", "ingest", "samples"]),
];

/// What the pure crates must not know: runtimes, sockets, databases, the clock's wrappers.
const IMPURE: [&str; 6] = ["tokio", "axum", "hyper", "rusqlite", "rustls", "reqwest"];

/// What one of them may know all the same: some logs are files of SQLite. `ingest::sqlite` alone
/// uses it, to read what it is given (ADR 1).
const EXCEPTIONS: [(&str, &str); 1] = [("ingest", "rusqlite")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn dependencies_point_one_way() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages: BTreeMap<String, BTreeSet<String>> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            let normal = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
            (text(&package["name"]), normal.map(|dependency| text(&dependency["name"])).collect())
        })
        .collect();
    let known: BTreeSet<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    assert_eq!(found, known, "a new crate needs its layer here and in docs/adr/0001-workspace.md");
    for (name, allowed) in LAYERS {
        for dependency in &packages[name] {
            let ours = known.contains(dependency.as_str());
            assert!(!ours || allowed.contains(&dependency.as_str()), "{name} uses {dependency}");
            let pure = ["odata", "inventory", "ingest"].contains(&name);
            let excepted = EXCEPTIONS.contains(&(name, dependency.as_str()));
            let impure = IMPURE.contains(&dependency.as_str());
            assert!(!pure || !impure || excepted, "{name} uses {dependency}");
        }
    }
}

/// The exception of [`EXCEPTIONS`] holds for one file.
#[test]
fn only_the_reader_of_sqlite_files_knows_sqlite() {
    let mut folders = vec![root().join("crates/ingest/src")];
    let mut users = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().contains("rusqlite") {
                users.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    assert_eq!(users, ["sqlite.rs"]);
}

#[test]
fn every_decision_is_in_the_index() {
    let folder = root().join("docs/adr");
    let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || index.contains(&format!("({name})")), "{name}");
    }
}

/// Links of one document to another, and to files of the project.
#[test]
fn documents_link_to_what_exists() {
    let mut documents = vec![root().join("docs/performance.md"), root().join("docs/adr/README.md")];
    for entry in std::fs::read_dir(root())
        .unwrap()
        .chain(std::fs::read_dir(root().join("docs/adr")).unwrap())
    {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            documents.push(path);
        }
    }
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            let outside = link.starts_with("http") || target.is_empty();
            let exists = document.parent().unwrap().join(target).exists();
            assert!(outside || exists, "{}: {link}", document.display());
        }
    }
}
