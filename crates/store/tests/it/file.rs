//! The file itself: who may read it, and which files are refused.

use store::Error;

use super::*;

fn url(path: &std::path::Path) -> String {
    format!("sqlite:{}", path.display())
}

fn refused(url: &str) -> Error {
    match store::open(url) {
        Ok(_) => panic!("{url} was opened"),
        Err(error) => error,
    }
}

#[test]
fn other_urls_are_refused() {
    for url in ["", "sqlite:", "postgres://localhost/footfall", "/tmp/x.sqlite"] {
        assert!(matches!(refused(url), Error::Url(_)), "{url}");
    }
}

#[test]
fn a_newer_schema_and_a_foreign_database_are_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.sqlite");
    drop(store::open(&url(&path)).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    drop(connection);
    let error = refused(&url(&path));
    assert!(matches!(error, Error::Newer { found: 999, .. }), "{error}");
    assert!(error.to_string().contains("update the program"), "{error}");

    let path = folder.path().join("foreign.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(connection);
    assert!(matches!(refused(&url(&path)), Error::Foreign { .. }));

    let path = folder.path().join("text.sqlite");
    std::fs::write(&path, "This is no database. ".repeat(100)).unwrap();
    assert!(matches!(refused(&url(&path)), Error::Open { .. }));
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new().await;
    for entry in std::fs::read_dir(fixture.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn many_openings_at_once_make_one_database() {
    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let path = folder.path().join("deep/er/footfall.sqlite");
    let openings: Vec<_> = (0..8)
        .map(|_| {
            let url = url(&path);
            std::thread::spawn(move || store::open(&url).unwrap())
        })
        .collect();
    let mut tenants = Vec::new();
    for opening in openings {
        let store = opening.join().unwrap();
        tenants.push(store.default_tenant().await.unwrap().id);
    }
    tenants.dedup();
    assert_eq!(tenants.len(), 1);
}
