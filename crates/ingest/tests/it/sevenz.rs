//! 7z archives: whole, nested, damaged, encrypted, hostile.

use std::io::Cursor;

use proptest::prelude::*;
use sevenz_rust2::encoder_options::{EncoderOptions, Lzma2Options, LzmaOptions};
use sevenz_rust2::{
    ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod, SourceReader,
};

use crate::support::{Collected, gzip, nxlog, read_bytes, read_file, tar, write, zip};

/// With the password `secret`, its list of files open and closed; made by another build of the crate.
const ENCRYPTED: &str = "377abcaf271c00046a94648610000000000000006300000000000000a471709d14642143f1041d\
    7a391e11ca6242752c010406000109100a011ae602da00070b0100022406f1070122c8ff3dec54510f50542b713341590b4a\
    701691174eeea012b58d733c8e86ab9dad342121011601000c0c0800080a0146a3e87400000501110f0061002e006a007300\
    6f006e0000000000";
const SEALED: &str = "377abcaf271c00042c6ff93280000000000000005300000000000000c9f2eb10b258ef0ddc5b8afd77\
    a15a4f78c3a6e8294001fc0299625a469fe1477a7b6035a4cfc32638f0d01d91a846d7f26a2143d24ba4d0a01509f5d04567\
    33e78097f043a5b765c45e148b11ea93f9f04676f12000b9c6057de88e8b3b1685dad637ed9e0ee2b0ee92e224a18f93bcaf\
    5c8ead10a7266a67f5b401d3eea12e88d7a7991706100109700a01f6ec622200070b0100022406f1070122c8ffcdccfb42e4\
    f06e96e68c7ca5a6525a75f7ec6687cff420ab82572458843ada3823030101055d0000800001000c666300080a01baf589700000";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn writer(methods: Vec<EncoderConfiguration>) -> ArchiveWriter<Cursor<Vec<u8>>> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    writer.set_content_methods(methods);
    writer
}

/// Each member in a block of its own.
fn sevenz_by(method: EncoderMethod, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = writer(vec![method.into()]);
    for (name, bytes) in members {
        writer.push_archive_entry(ArchiveEntry::new_file(name), Some(*bytes)).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn sevenz(members: &[(&str, &[u8])]) -> Vec<u8> {
    sevenz_by(EncoderMethod::LZMA2, members)
}

fn line(user: &str) -> Vec<u8> {
    nxlog(user, 1, "").into_bytes()
}

fn reasons(read: &Collected) -> String {
    let skipped = read.skipped.iter();
    skipped.map(|it| format!("{}: {}\n", it.name, it.reason)).collect()
}

#[test]
fn members_are_read_however_they_are_packed() {
    let (ann, ben) = (line("ann"), line("ben"));
    let members: [(&str, &[u8]); 2] = [("logs/a.json", &ann), ("b", &ben)];
    let mut solid = writer(vec![EncoderMethod::LZMA2.into()]);
    solid.push_archive_entry::<&[u8]>(ArchiveEntry::new_directory("logs"), None).unwrap();
    let entries = members.iter().map(|(name, _)| ArchiveEntry::new_file(name)).collect();
    let sources = members.iter().map(|(_, bytes)| SourceReader::new(*bytes)).collect();
    solid.push_archive_entries(entries, sources).unwrap();
    let filtered = writer(vec![EncoderMethod::LZMA.into(), EncoderMethod::BCJ_X86_FILTER.into()]);
    let mut filtered = filtered;
    for (name, bytes) in members {
        filtered.push_archive_entry(ArchiveEntry::new_file(name), Some(bytes)).unwrap();
    }
    for archive in [
        sevenz(&members),
        sevenz_by(EncoderMethod::LZMA, &members),
        sevenz_by(EncoderMethod::COPY, &members),
        solid.finish().unwrap().into_inner(),
        filtered.finish().unwrap().into_inner(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = write(&folder, "evidence.bin", &archive);
        for read in [read_bytes(&archive), read_file(&path)] {
            assert_eq!(reasons(&read), "");
            assert_eq!(read.users(), ["ann", "ben"]);
            assert!(read.files[0].name.ends_with("/logs/a.json"), "{:?}", read.files);
        }
    }
}

#[test]
fn archives_are_inside_one_another_to_the_same_depth() {
    let inner = sevenz(&[("a.json", &line("ann"))]);
    for outer in [
        gzip(&inner),
        zip(&[("x.7z", &inner)]),
        tar(&[("x", &inner)]),
        sevenz(&[("x.7z", &inner)]),
        sevenz(&[("x.zip", &zip(&[("y", &gzip(&line("ann")))]))]),
    ] {
        let read = read_bytes(&outer);
        assert_eq!((reasons(&read), read.users()), (String::new(), vec!["ann"]));
    }
    let mut deep = inner;
    for _ in 0..4 {
        deep = sevenz(&[("x.7z", &deep)]);
    }
    assert!(reasons(&read_bytes(&deep)).contains("too deep"));
}

#[test]
fn what_is_encrypted_is_said_to_be() {
    let read = read_bytes(&bytes(ENCRYPTED));
    assert!(reasons(&read).contains("1 of its files are encrypted"), "{}", reasons(&read));
    let read = read_bytes(&bytes(SEALED));
    // The tests' build of the crate could ask for the password.
    assert!(reasons(&read).contains("encrypted"), "{}", reasons(&read));
}

#[test]
fn one_bad_block_does_not_hide_the_others() {
    let mut archive = sevenz_by(
        EncoderMethod::COPY,
        &[("a.json", &line("ann")), ("b.json", &line("ben")), ("c.json", &line("cy"))],
    );
    let place = archive.windows(3).position(|bytes| bytes == b"ben").unwrap();
    archive[place..place + 3].copy_from_slice(b"eve");
    let read = read_bytes(&archive);
    assert!(reasons(&read).contains("checksum") || !read.rejects.is_empty(), "{read:?}");
    assert!(read.users().contains(&"ann") && read.users().contains(&"cy"), "{:?}", read.users());
}

#[test]
fn cut_and_unfinished_archives_are_told() {
    let archive = sevenz(&[("a.json", &line("ann"))]);
    for length in [8, 20, 33, archive.len() - 1] {
        let read = read_bytes(&archive[..length]);
        assert_eq!(read.logons.len(), 0);
        assert_eq!(read.skipped.len(), 1, "{length} {}", reasons(&read));
    }
    let mut unfinished = archive;
    unfinished[8..32].fill(0);
    assert!(reasons(&read_bytes(&unfinished)).contains("not written to its end"));
    let empty = writer(vec![EncoderMethod::COPY.into()]).finish().unwrap().into_inner();
    assert!(!reasons(&read_bytes(&empty)).is_empty());
}

/// How much memory the process may use at most, in KiB, as Linux counts it.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmPeak:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_bomb_takes_time_but_no_memory() {
    // 64 MiB of one line, packed to some 10 KiB, in two archives.
    let one = format!("{}\n", nxlog("ann", 1, "")).into_bytes();
    let long = one.repeat(64 * 1024 * 1024 / one.len());
    let options = EncoderOptions::Lzma2(Lzma2Options::from_level(1));
    let mut packer =
        writer(vec![EncoderConfiguration::new(EncoderMethod::LZMA2).with_options(options)]);
    packer.push_archive_entry(ArchiveEntry::new_file("a.json"), Some(&long[..])).unwrap();
    let records = (long.len() / one.len()) as u64;
    drop(long);
    let bomb = sevenz(&[("x.7z", &packer.finish().unwrap().into_inner())]);
    assert!(bomb.len() < 50_000, "{}", bomb.len());
    let read = ingest_count(&bomb);
    assert_eq!(read, records);
}

/// Counts records without keeping what they say.
fn ingest_count(bytes: &[u8]) -> u64 {
    use std::ops::ControlFlow;
    struct Count(u64);
    impl ingest::Receiver for Count {
        fn logons(
            &mut self,
            _: ingest::Format,
            _: Vec<inventory::logon::Logon>,
        ) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
        fn reports(&mut self, _: Vec<inventory::machine::MachineReport>) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
        fn changes(&mut self, _: Vec<inventory::session::SessionEvent>) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
        fn identities(
            &mut self,
            _: Vec<(inventory::person::IdentityReport, inventory::time::Timestamp)>,
        ) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
        fn file(&mut self, file: ingest::FileReport) {
            self.0 += file.tally.records;
        }
        fn skipped(&mut self, skipped: ingest::reject::Skipped) {
            panic!("{skipped:?}");
        }
        fn rejected(&mut self, reject: ingest::reject::Reject) {
            panic!("{reject:?}");
        }
        fn warning(&mut self, _: &str, _: &str) {}
        fn progress(&mut self, _: u64) {}
    }
    let mut count = Count(0);
    assert!(ingest::read_from(bytes, "x", &crate::support::options(), &mut count).is_continue());
    count.0
}

#[test]
fn a_dictionary_beyond_the_limit_is_refused_before_it_is_made() {
    // LZMA says the size in four bytes, so that the largest is nearly 4 GiB.
    let mut options = LzmaOptions::from_level(1);
    options.set_dictionary_size(1 << 16);
    let configuration =
        EncoderConfiguration::new(EncoderMethod::LZMA).with_options(EncoderOptions::Lzma(options));
    let mut packer = writer(vec![configuration]);
    packer.push_archive_entry(ArchiveEntry::new_file("a.json"), Some(&line("ann")[..])).unwrap();
    let archive = packer.finish().unwrap().into_inner();
    assert_eq!(read_bytes(&archive).users(), ["ann"]);
    let before = peak_kib();
    let hostile = with_dictionary(&archive, 0xffff_fff0);
    let read = read_bytes(&hostile);
    assert!(reasons(&read).contains("4095 MiB of memory"), "{}", reasons(&read));
    if let (Some(before), Some(after)) = (before, peak_kib()) {
        assert!(after - before < 2 * 1024 * 1024, "{before} {after}");
    }
}

/// The archive with another size of its dictionary, its checksums made right again.
fn with_dictionary(archive: &[u8], size: u32) -> Vec<u8> {
    let mut archive = archive.to_vec();
    let list = 32 + u64::from_le_bytes(archive[12..20].try_into().unwrap()) as usize;
    let place = archive[list..]
        .windows(5)
        .position(|bytes| bytes[1..] == (1u32 << 16).to_le_bytes())
        .expect("a list that is not packed")
        + list
        + 1;
    archive[place..place + 4].copy_from_slice(&size.to_le_bytes());
    sealed(archive)
}

/// With the checksums of the list, and of what leads to it.
fn sealed(mut archive: Vec<u8>) -> Vec<u8> {
    let list = 32 + u64::from_le_bytes(archive[12..20].try_into().unwrap()) as usize;
    let sum = crc32(&archive[list..]);
    archive[28..32].copy_from_slice(&sum.to_le_bytes());
    let sum = crc32(&archive[12..32]);
    archive[8..12].copy_from_slice(&sum.to_le_bytes());
    archive
}

/// CRC-32 of ISO 3309, which gzip has, too.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[test]
fn a_list_beyond_the_limit_is_refused_before_it_is_made() {
    // As it is: more members than a list of that size should have.
    let mut archive = sevenz_by(EncoderMethod::COPY, &[("a", b"x")]);
    let list = 32 + u64::from_le_bytes(archive[12..20].try_into().unwrap()) as usize;
    archive.truncate(list);
    archive.push(0x01);
    archive.resize(list + 5 * 1024 * 1024, 0);
    let size = archive.len() - list;
    archive[20..28].copy_from_slice(&(size as u64).to_le_bytes());
    let read = read_bytes(&sealed(archive.clone()));
    assert!(reasons(&read).contains("its list of files has 5 MiB"), "{}", reasons(&read));
    // Packed: the description alone says that it has 256 MiB.
    let description = [
        0x17, 0x06, 0x00, 0x01, 0x09, 0x05, 0x00, 0x07, 0x0b, 0x01, 0x00, 0x01, 0x23, 0x03, 0x01,
        0x01, 0x05, 0x5d, 0, 0, 1, 0, 0x0c, 0xf0, 0, 0, 0, 0x10, 0x00, 0x00,
    ];
    archive.truncate(list);
    archive.extend(description);
    archive[20..28].copy_from_slice(&(description.len() as u64).to_le_bytes());
    let read = read_bytes(&sealed(archive));
    assert!(reasons(&read).contains("its list of files has 256 MiB"), "{}", reasons(&read));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_changed_byte_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        seal in any::<bool>(),
    ) {
        thread_local! {
            static ARCHIVE: Vec<u8> = sevenz(&[("a.json", &line("ann")), ("b.json", &line("ben"))]);
        }
        let mut archive = ARCHIVE.with(Clone::clone);
        for (at, byte) in changes {
            let at = 32 + at.index(archive.len() - 32);
            archive[at] = byte;
        }
        read_bytes(&if seal { sealed(archive) } else { archive });
    }
}
