//! Archives: each kind, inside one another, damaged, hostile.

use std::io::Write;

use proptest::prelude::*;

use crate::support::{
    Collected, gzip, nxlog, options, other, read_bytes, read_file, tar, write, zip,
};

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn lines() -> Vec<u8> {
    let lines = [nxlog("ann", 1, ""), other(2), nxlog("bob", 3, "")];
    (lines.join("\n") + "\n").into_bytes()
}

/// Whatever way the bytes came, the two logons were in them, in a file of this name.
fn assert_found(read: &Collected, name: &str) {
    assert_eq!(read.users(), ["ann", "bob"], "{name}");
    assert_eq!(read.rejects, [], "{name}");
    let names: Vec<&str> = read.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, [name]);
    assert_eq!(read.files[0].tally.records, 3);
}

#[test]
fn content_counts_and_names_do_not() {
    let plain = lines();
    let folder = tempfile::tempdir().unwrap();
    for (bytes, inside) in [
        (plain.clone(), ""),
        (gzip(&plain), ""),
        ([gzip(&plain[..300]), gzip(&plain[300..])].concat(), ""),
        (zstd(&plain), ""),
        ([b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec(), zstd(&plain)].concat(), ""),
        ([zstd(&plain[..300]), zstd(&plain[300..])].concat(), ""),
        (zstd(&tar(&[("d/x", &gzip(&plain))])), "/d/x"),
        (zip(&[("d/x", &plain)]), "/d/x"),
        (tar(&[("d/x", &plain)]), "/d/x"),
        (gzip(&tar(&[("d/x", &plain)])), "/d/x"),
        (gzip(&tar(&[("z.bin", &zip(&[("x", &plain)]))])), "/z.bin/x"),
        (zip(&[("t", &gzip(&tar(&[("x", &gzip(&plain))])))]), "/t/x"),
    ] {
        // A name that says something else.
        let path = write(&folder, "events.evtx", &bytes);
        assert_found(&read_file(&path), &format!("{}{inside}", path.display()));
        assert_found(&read_bytes(&bytes), &format!("input{inside}"));
    }
}

#[test]
fn a_stored_zip_and_one_with_other_members_are_read() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer.add_directory("d/", stored).unwrap();
    writer.start_file("__MACOSX/d/._x", stored).unwrap();
    writer.write_all(b"\0\x05\x16\x07\0\x02\0\0Mac OS X").unwrap();
    writer.start_file("d/empty", stored).unwrap();
    writer.start_file("d/x", stored).unwrap();
    writer.write_all(&lines()).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    let read = read_bytes(&bytes);
    assert_found(&read, "input/d/x");
    let skipped: Vec<(&str, &str)> =
        read.skipped.iter().map(|skip| (skip.name.as_str(), skip.reason.as_str())).collect();
    assert_eq!(
        skipped,
        [("input/__MACOSX/d/._x", "not a known format"), ("input/d/empty", "empty"),]
    );
}

#[test]
fn archives_inside_archives_are_read_to_a_depth() {
    let mut bytes = lines();
    for depth in 1..=6 {
        bytes = gzip(&bytes);
        let read = read_bytes(&bytes);
        if depth <= 4 {
            assert_found(&read, "input");
        } else {
            assert_eq!(read.files, []);
            assert!(read.skipped[0].reason.contains("too deep"), "{:?}", read.skipped);
        }
    }
}

#[test]
fn of_a_truncated_gzip_counts_what_could_be_read() {
    let many: String = (0..5_000).map(|n| nxlog("ann", n % 60, "") + "\n").collect();
    let packed = gzip(many.as_bytes());
    let read = read_bytes(&packed[..packed.len() / 2]);
    let tally = read.tally();
    assert!(tally.logons > 100 && tally.logons < 5_000, "{tally:?}");
    // The line that the cut went through is told with the cut and not for itself.
    assert_eq!(tally.rejects, 1, "{:?}", read.rejects);
    assert!(read.rejects[0].reason.starts_with("cannot be read further: "));
    assert!(read.rejects[0].position.to_string().starts_with("byte "));
}

#[test]
fn a_gzip_that_is_none_is_told() {
    let read = read_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\0garbage that is no deflate stream");
    assert_eq!(read.files, []);
    assert!(read.skipped[0].reason.starts_with("cannot be read: "), "{:?}", read.skipped);
}

#[test]
fn a_zstandard_archive_that_is_damaged_or_asks_for_too_much_is_told() {
    let long: Vec<u8> = lines().repeat(5_000);
    let whole = zstd(&long);
    let read = read_bytes(&whole[..whole.len() / 2]);
    assert!(!read.logons.is_empty(), "what is before the cut is read");
    assert!(read.rejects.last().unwrap().reason.starts_with("cannot be read further: "));
    // A frame whose window is 2 GiB (RFC 8878 §3.1.1.1.2): an exponent of 21 over 1 KiB.
    let read = read_bytes(b"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00");
    let reasons: Vec<_> = read.skipped.iter().map(|skipped| &skipped.reason).collect();
    assert!(reasons[0].contains("too much memory"), "{reasons:?}");
    assert_eq!(read.logons, []);
}

#[test]
fn a_damaged_zip_is_told_and_its_other_members_are_read() {
    let mut bytes = zip(&[("a", &lines()), ("b", &lines())]);
    // Within the first member's data: its checksum does not hold any more.
    bytes[200] ^= 0x55;
    let read = read_bytes(&bytes);
    assert!(read.files.iter().any(|file| file.name == "input/b" && file.tally.logons == 2));
    let last = &read.rejects.last().unwrap();
    assert_eq!(last.name, "input/a");
    assert!(last.reason.starts_with("cannot be read further: "), "{last:?}");
    bytes.truncate(bytes.len() - 30);
    let read = read_bytes(&bytes);
    assert!(read.skipped[0].reason.starts_with("a damaged zip: "), "{:?}", read.skipped);
}

#[test]
fn a_tar_that_is_cut_gives_what_is_before_the_cut() {
    let many: String = (0..60).map(|n| nxlog("ann", n, "") + "\n").collect();
    let bytes = tar(&[("a", &lines()), ("b", many.as_bytes())]);
    let read = read_bytes(&bytes[..bytes.len() / 2]);
    assert_eq!(read.files.len(), 2);
    assert_eq!(read.files[0].tally.logons, 2);
    assert!((5..60).contains(&read.files[1].tally.logons));
    assert_eq!(read.files[1].tally.rejects, 1);
    assert_eq!(read.skipped.len(), 1, "the archive's own end: {:?}", read.skipped);
}

#[test]
fn a_bomb_takes_time_but_no_memory() {
    // 200 MB of one line, packed to some 200 KB, as a member between two good ones.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&nxlog("ann", 1, "").into_bytes()).unwrap();
    encoder.write_all(b"\n{\"a\":\"").unwrap();
    let zeros = vec![b'0'; 1 << 20];
    for _ in 0..200 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.write_all(b"\"}\n").unwrap();
    encoder.write_all(&nxlog("bob", 2, "").into_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    assert!(packed.len() < 1 << 20);
    let read = read_bytes(&packed);
    assert_eq!(read.users(), ["ann", "bob"]);
    assert_eq!(read.tally().rejects, 1);
    assert_eq!(read.rejects[0].position.to_string(), "line 2");
    assert!(read.rejects[0].reason.contains("more than 16777216"));
}

#[test]
fn a_break_stops_between_members_too() {
    let bytes = zip(&[("a", &lines()), ("b", &lines())]);
    let mut read = Collected { break_after: Some(1), ..Collected::default() };
    let flow = ingest::read_from(&bytes[..], "input", &options(), &mut read);
    assert!(flow.is_break());
    assert_eq!(read.logons.len(), 2);
}

#[test]
fn names_of_members_do_not_steer_a_terminal() {
    let read = read_bytes(&zip(&[("a\u{1b}[2J\nb", b"nothing of ours")]));
    assert_eq!(read.skipped[0].name, "input/a\u{fffd}[2J\u{fffd}b");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_panic(
        kind in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let plain = lines();
        let mut bytes = match kind {
            0 => gzip(&plain),
            1 => zip(&[("a/b", &plain), ("c", &gzip(&plain))]),
            2 => tar(&[("a/b", &plain), ("c", &gzip(&plain))]),
            _ => gzip(&tar(&[("z", &zip(&[("b", &plain)]))])),
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() / 2 + cut.index(bytes.len() / 2 + 1));
        let read = read_bytes(&bytes);
        prop_assert!(read.logons.len() <= 4);
    }
}
