//! Files that mean harm: each costs itself, told with its place and reason, and no more memory than
//! any file does.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// MB that an import may take at most: some blocks a core, one line of 16 MiB, a batch of logons.
const MOST_MB: u64 = 200;

/// Writes a file in gzip, so that the disk is not what the test needs.
fn packed(path: &Path, write: impl FnOnce(&mut dyn Write)) {
    let mut gzip = GzEncoder::new(File::create(path).unwrap(), Compression::fast());
    write(&mut gzip);
    gzip.finish().unwrap().sync_all().unwrap();
}

/// The line of a logon of `userN`.
fn good(number: u32) -> String {
    nxlog_lines(1, number)
}

/// Imports a folder; the report, and the most MB of memory that it took.
fn import(program: &Program, folder: &Path) -> (Value, u64) {
    let mut command = program.command();
    command.args(["import", "--json", folder.to_str().unwrap()]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let watch = std::thread::spawn(move || {
        let mut most_mb = 0;
        // The high-water mark grows only, so the last look is nearly all.
        while let Ok(status) = std::fs::read_to_string(&status) {
            let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let Some(kb) = mark.and_then(|mark| mark.split_whitespace().next()) else { break };
            most_mb = kb.parse::<u64>().unwrap() / 1024;
            std::thread::sleep(Duration::from_millis(1));
        }
        most_mb
    });
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    (serde_json::from_slice(&output.stdout).unwrap(), watch.join().unwrap())
}

#[test]
fn harmful_files_cost_themselves_and_no_memory() {
    let program = Program::new();
    let folder = program.folder.path().join("case");
    std::fs::create_dir(&folder).unwrap();
    let megabyte = vec![b'x'; 1 << 20];

    packed(&folder.join("line.json.gz"), |out| {
        out.write_all(good(1).as_bytes()).unwrap();
        out.write_all(b"{\"EventID\":4624,\"Message\":\"").unwrap();
        (0..1024).for_each(|_| out.write_all(&megabyte).unwrap());
        out.write_all(b"\"}\n").unwrap();
        out.write_all(good(2).as_bytes()).unwrap();
    });
    packed(&folder.join("deep.json.gz"), |out| {
        out.write_all(good(3).as_bytes()).unwrap();
        out.write_all(b"{\"EventID\":4624,\"a\":").unwrap();
        (0..8).for_each(|_| out.write_all(&vec![b'['; 1 << 20]).unwrap());
        out.write_all(b"\n").unwrap();
        out.write_all(good(4).as_bytes()).unwrap();
    });
    packed(&folder.join("bytes.json.gz"), |out| {
        out.write_all(good(5).as_bytes()).unwrap();
        (0..200_000).for_each(|_| out.write_all(b"{\"EventID\":4624,\xff\xfe}\n").unwrap());
    });
    let bomb = "<!DOCTYPE e [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>\
        <!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;'>]>\n\
        <Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
        <EventID>4624</EventID><TimeCreated SystemTime='2026-03-01T08:00:00Z'/>\
        <Channel>Security</Channel><Computer>ws-xml</Computer></System><EventData>\
        <Data Name='TargetUserName'>&d;</Data><Data Name='LogonType'>2</Data></EventData></Event>\n";
    std::fs::write(folder.join("entities.xml"), bomb).unwrap();
    // A log whose chunks are none behind their first letters, and one that says it is all there.
    packed(&folder.join("corrupt.evtx.gz"), |out| {
        let mut header = b"ElfFile\0".to_vec();
        header.resize(4096, 0xff);
        out.write_all(&header).unwrap();
        for number in 0..1_000_u32 {
            let mut chunk = b"ElfChnk\0".to_vec();
            chunk.extend(number.to_le_bytes().repeat(4));
            chunk.resize(65_536, 0xff);
            out.write_all(&chunk).unwrap();
        }
    });
    let cut = folder.join("cut.json.gz");
    packed(&cut, |out| {
        (0..20_000_u32).for_each(|number| out.write_all(good(number % 50).as_bytes()).unwrap());
    });
    let file = File::options().write(true).open(&cut).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    // A bomb in a zip in a zip, which claims to hold telemetry.
    let inner = zip_of("bomb.json", |out| {
        out.write_all(good(6).as_bytes()).unwrap();
        (0..1024).for_each(|_| out.write_all(&megabyte).unwrap());
    });
    let outer = zip_of("inner.zip", |out| out.write_all(&inner).unwrap());
    std::fs::write(folder.join("bomb.zip"), outer).unwrap();

    let (report, most_mb) = import(&program, &folder);
    assert!(most_mb < MOST_MB, "{most_mb} MB");
    let rejected = report["rejected"].as_array().unwrap();
    let of = |name: &str| -> Vec<(String, String)> {
        let of_file = rejected.iter().filter(|one| one["name"].as_str().unwrap().contains(name));
        let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
        of_file.map(|one| (text(one, "position"), text(one, "reason"))).collect()
    };
    for (name, position, reason) in [
        ("line.json.gz", "line 2", "more than 16777216"),
        ("deep.json.gz", "line 2", "does not end"),
        ("bytes.json.gz", "line 2", "key must be a string"),
        ("corrupt.evtx.gz", "chunk 0", ""),
        ("cut.json.gz", "byte", "cannot be read further"),
        ("bomb.zip/inner.zip/bomb.json", "line 2", "more than 16777216"),
    ] {
        let rejects = of(name);
        let first = rejects.first().unwrap_or_else(|| panic!("{name}: {report}"));
        assert!(first.0.starts_with(position) && first.1.contains(reason), "{name}: {first:?}");
        assert!(rejects.len() <= 20, "{name}");
    }
    // All of them are counted, the first of each file are told.
    assert_eq!(of("bytes.json.gz").len(), 20);
    assert!(report["formats"]["nxlog"]["rejects"].as_u64().unwrap() >= 200_000);
    assert_eq!(report["formats"]["wef-xml"]["logons"], 1);
    // What stood before and behind them was read.
    let relations = program.run(&["relations", "--json"]);
    for number in 1..=6 {
        assert!(relations.contains(&format!("\"user{number}\"")), "{number}: {relations}");
    }
}

fn zip_of(name: &str, write: impl FnOnce(&mut dyn Write)) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file(name, options).unwrap();
    write(&mut zip);
    zip.finish().unwrap().into_inner()
}
