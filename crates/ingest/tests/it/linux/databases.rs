//! wtmpdb and lastlog2, and what else a file of SQLite can be.

use ingest::Format;
use inventory::logon::Source;
use proptest::prelude::*;
use rusqlite::Connection;

use super::{on, rejects, told};
use crate::support::{Collected, data, gzip, read_bytes_with, read_file_with, tar, zip};

const WTMP: &str = "CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT NOT NULL,
    Login INTEGER, Logout INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT) STRICT;";
const LASTLOG2: &str = "CREATE TABLE Lastlog2(Name TEXT PRIMARY KEY, Time INTEGER, TTY TEXT,
    RemoteHost TEXT, Service TEXT);";
const ROWS: &str = "INSERT INTO wtmp(Type, User, Login, TTY, RemoteHost, Service) VALUES
    (1, 'reboot', 1772362800000000, '~', '6.12.0-1-amd64', NULL),
    (3, 'ann', 1772366400250000, 'pts/0', '192.0.2.7', 'sshd'),
    (3, 'ben', 1772366460000000, ':0', ':0', 'gdm'),
    (3, 'cy', 1772366520000000, 'tty1', NULL, 'login');";

/// The bytes of a database that these statements make.
fn database(statements: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(statements).unwrap();
    drop(connection);
    std::fs::read(path).unwrap()
}

fn read(bytes: &[u8]) -> Collected {
    read_bytes_with(bytes, &on("web-1"))
}

#[test]
fn the_logons_of_both_are_read_wherever_they_are() {
    let bytes = database(&format!("{WTMP}{ROWS}"));
    let expected = ["ann@web-1 10 192.0.2.7", "ben@web-1 2", "cy@web-1 2"];
    for bytes in [
        bytes.clone(),
        gzip(&bytes),
        zip(&[("wtmp.db", &bytes)]),
        tar(&[("var/lib/wtmpdb/wtmp.db", &bytes)]),
    ] {
        let read = read(&bytes);
        assert_eq!((rejects(&read), &read.skipped), (vec![], &vec![]));
        assert_eq!(told(&read), expected);
        assert_eq!(read.files[0].format, Format::Wtmpdb);
        assert_eq!(read.logons[0].source, Source::Wtmpdb);
        assert_eq!(read.times()[0], "2026-03-01T12:00:00.25Z");
        assert_eq!(read.tally().records, 4);
    }
    let rows = "INSERT INTO Lastlog2 VALUES ('ann', 1772366400, 'pts/0', '192.0.2.7', 'sshd'),
        ('dora', 0, '', '', ''), ('eve', NULL, NULL, NULL, NULL), ('root', 1772366460, 'tty1', NULL, 'login');";
    let read = read(&database(&format!("{LASTLOG2}{rows}")));
    assert_eq!((rejects(&read), &read.skipped), (vec![], &vec![]));
    assert_eq!(told(&read), ["ann@web-1 10 192.0.2.7", "root@web-1 2"]);
    assert_eq!(read.files[0].format, Format::Lastlog2);
    assert_eq!(read.tally().records, 4);
}

#[test]
fn they_tell_of_the_same_events_as_the_files_they_replace() {
    let Some(data) = data() else { return };
    let folder = data.join("linux/capture");
    let users = std::fs::read(folder.join("lab-web01.passwd")).unwrap();
    let options =
        ingest::Options { users: ingest::passwd::Passwd::parse(&users), ..on("lab-web01") };
    for (old, new) in [("wtmp", "wtmp.db"), ("lastlog", "lastlog2.db")] {
        let of = |ending: &str| {
            let read = read_file_with(&folder.join(format!("lab-web01.{ending}")), &options);
            assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{ending}");
            let mut events: Vec<_> = read
                .logons
                .into_iter()
                .map(|it| {
                    (it.time, it.account, it.machine, it.key, it.logon_type, it.remote_address)
                })
                .collect();
            events.sort_by_key(|event| (event.0, event.1.name.clone()));
            events
        };
        let expected = of(old);
        assert!(expected.len() >= 3);
        assert_eq!(of(new), expected, "{new}");
    }
}

#[test]
fn older_and_newer_tables_are_read_by_their_columns() {
    // Before version 0.8 there was a PID and no ID.
    let old = "CREATE TABLE wtmp(Type INTEGER, User TEXT NOT NULL, PID INTEGER, Login INTEGER,
        Logout INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT) STRICT;
        INSERT INTO wtmp(Type, User, Login) VALUES (3, 'ann', 1772366400000000);";
    assert_eq!(told(&read(&database(old))), ["ann@web-1 2"]);
    let both = database(&format!(
        "{WTMP}{ROWS}{LASTLOG2} INSERT INTO Lastlog2(Name, Time) VALUES ('dora', 1772366400);"
    ));
    let read = read(&both);
    assert_eq!(read.files.len(), 2);
    assert_eq!(read.logons.len(), 4);
}

#[test]
fn a_database_with_a_log_beside_it_is_read_and_that_is_said() {
    let bytes = database(&format!("PRAGMA journal_mode = WAL; {WTMP}{ROWS}"));
    let read = read(&bytes);
    assert_eq!(read.logons.len(), 3, "{read:?}");
    assert!(read.warnings[0].contains("-wal"), "{:?}", read.warnings);
}

#[test]
fn nothing_of_a_schema_runs() {
    let columns = "Type, User, Login, TTY, RemoteHost";
    for statements in [
        // A view that never ends.
        "CREATE VIEW wtmp AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
             SELECT 3 AS Type, 'x' AS User, i AS Login, '' AS TTY, '' AS RemoteHost FROM n;"
            .to_string(),
        format!("CREATE VIRTUAL TABLE wtmp USING fts5({columns});"),
        "CREATE TABLE wtmp(Type, User, Login AS (zeroblob(1000000000)), TTY, RemoteHost);"
            .to_owned(),
        "CREATE TABLE other(x); INSERT INTO other VALUES (1);".to_owned(),
        "CREATE TABLE wtmp(Type, User, Login, TTY);".to_owned(),
    ] {
        let read = read(&database(&statements));
        assert!(read.files.is_empty(), "{statements}");
        let reason = &read.skipped[0].reason;
        assert!(reason.contains("without a table of logons"), "{reason}");
    }
}

#[test]
fn a_row_that_is_wrong_is_told_and_the_rest_is_read() {
    let rows = "CREATE TABLE wtmp(Type, User, Login, TTY, RemoteHost);
        INSERT INTO wtmp VALUES (3, 'ann', 'noon', '', ''), (3, 'ben', NULL, '', ''),
            (3, 'cy', 9223372036854775807, '', ''), (3, NULL, 1772366400000000, '', ''),
            (3, x'ff', 1772366400000000, '', ''), (3, 'dora', 1772366400000000, x'00', 5);";
    let read = read(&database(rows));
    assert_eq!(told(&read), ["dora@web-1 10 5"]);
    assert_eq!(rejects(&read).len(), 3, "{:?}", rejects(&read));
    assert!(rejects(&read)[0].starts_with("record 1: Login"), "{:?}", rejects(&read));
    assert_eq!(read.tally().noise, 2);
}

#[test]
fn sessions_of_logon_screens_are_no_persons() {
    let rows = format!(
        "{WTMP}{LASTLOG2} INSERT INTO wtmp(Type, User, Login, TTY, RemoteHost, Service) VALUES
            (3, 'sddm', 1772366400000000, 'tty2', ':0', 'sddm-greeter'),
            (3, 'iris', 1772366401000000, 'tty2', ':0', 'sddm'),
            (3, 'dynamic-1', 1772366402000000, 'tty1', NULL, 'gdm-launch-environment'),
            (3, 'iris', 1772366403000000, NULL, NULL, 'systemd-user'),
            (3, 'cosmic-greeter', 1772366404000000, 'tty1', NULL, 'cosmic-greeter'),
            (3, 'iris', 1772366405000000, 'tty3', NULL, 'cosmic-greeter'),
            (3, '_greetd', 1772366406000000, 'tty1', NULL, 'greetd');
         INSERT INTO Lastlog2 VALUES ('lightdm', 1772366400, 'tty7', ':0', 'lightdm-greeter'),
            ('jo', 1772366400, 'tty7', ':0', 'lightdm'), ('lena', 1772366400, 'tty7', ':0', 'x-greeter');"
    );
    let read = read(&database(&rows));
    assert_eq!(told(&read), ["iris@web-1 2", "iris@web-1 2", "jo@web-1 2"]);
    assert_eq!((read.tally().records, read.tally().noise), (10, 7));
}

#[test]
fn a_value_beyond_the_limit_ends_the_reading_with_a_reason() {
    let rows = format!(
        "{WTMP}{ROWS} INSERT INTO wtmp(Type, User, Login)
        VALUES (3, CAST(zeroblob(3000000) AS TEXT), 1772366400000000);"
    );
    let read = read(&database(&rows));
    assert_eq!(read.logons.len(), 3);
    assert!(rejects(&read)[0].contains("cannot be read further"), "{:?}", rejects(&read));
}

/// Pages that lead back to one another would give rows for ever.
#[test]
fn a_tree_that_goes_round_has_an_end() {
    let many = format!(
        "PRAGMA page_size = 512; {WTMP}
         INSERT INTO wtmp(Type, User, Login)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         SELECT 3, 'user' || i, 1772366400000000 + i * 1000000 FROM n;"
    );
    let mut bytes = database(&many);
    let root = &bytes[512..1024];
    assert_eq!(root[0], 5, "the root leads to other pages");
    let cells = usize::from(u16::from_be_bytes([root[3], root[4]]));
    let child = root[12..14].to_vec();
    let first = usize::from(u16::from_be_bytes([child[0], child[1]]));
    let inner: [u8; 4] = bytes[512 + first..512 + first + 4].try_into().unwrap();
    let page = (u32::from_be_bytes(inner) as usize - 1) * 512;
    assert_eq!(bytes[page], 5, "and these to others again");
    // Every child of that page is its first one.
    let count = usize::from(u16::from_be_bytes([bytes[page + 3], bytes[page + 4]]));
    let place = |bytes: &[u8], cell: usize| {
        let at = page + 12 + 2 * cell;
        page + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
    };
    let target: [u8; 4] = bytes[place(&bytes, 0)..][..4].try_into().unwrap();
    for cell in 0..count {
        let at = place(&bytes, cell);
        bytes[at..at + 4].copy_from_slice(&target);
    }
    // And every child of the root is that page; 20 levels of it are what SQLite follows.
    for cell in 0..cells {
        let at = 512 + 12 + 2 * cell;
        let at = 512 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        bytes[at..at + 4].copy_from_slice(&inner);
    }
    let read = read(&bytes);
    assert!(read.tally().records <= bytes.len() as u64 / 6 + 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_changed_byte_never_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        thread_local! {
            static BYTES: Vec<u8> = database(&format!("PRAGMA page_size = 512; {WTMP}{ROWS}{LASTLOG2}
                INSERT INTO Lastlog2 VALUES ('ann', 1772366400, 'pts/0', 'x', 'y');"));
        }
        let mut bytes = BYTES.with(Clone::clone);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let read = read(&bytes);
        prop_assert!(read.tally().records <= bytes.len() as u64);
    }

    #[test]
    fn a_cut_file_never_panics(length in 0usize..3_000) {
        let bytes = database(&format!("PRAGMA page_size = 512; {WTMP}{ROWS}"));
        read(&bytes[..length.min(bytes.len())]);
    }
}
