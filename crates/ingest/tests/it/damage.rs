//! Event log files that are not as Windows left them.

use proptest::prelude::*;
use std::path::PathBuf;

use crate::support::{Collected, data, gzip, options, read_bytes, tar, zip};

const HEADER: usize = 4096;
const CHUNK: usize = 65_536;

fn sample(name: &str) -> Option<Vec<u8>> {
    let path: PathBuf = data()?.join("windows/evtx").join(name);
    Some(std::fs::read(path).unwrap())
}

/// 33 chunks of a Windows 7 machine: 2261 records, 88 logons that count.
fn security() -> Option<(Vec<u8>, Collected)> {
    let bytes = sample("security.evtx")?;
    let whole = read_bytes(&bytes);
    assert_eq!(whole.rejects, []);
    assert_eq!(whole.tally().records, 2261);
    Some((bytes, whole))
}

#[test]
fn a_stale_or_broken_file_header_does_not_matter() {
    let Some((mut bytes, whole)) = security() else {
        return;
    };
    // The chunk count and the numbers of the first and last chunk.
    bytes[8..24].fill(0);
    bytes[42..44].fill(0);
    assert_eq!(read_bytes(&bytes), whole);
    // Its checksum, then all of it.
    bytes[124..128].fill(0x5a);
    assert_eq!(read_bytes(&bytes), whole);
    bytes[..HEADER].fill(0);
    assert_eq!(read_bytes(&bytes), whole);
}

#[test]
fn event_logs_are_read_from_streams_and_archives() {
    let Some((bytes, whole)) = security() else {
        return;
    };
    for packed in [gzip(&bytes), zip(&[("x", &bytes)]), gzip(&tar(&[("x", &bytes)]))] {
        let read = read_bytes(&packed);
        assert_eq!(read.logons, whole.logons);
        assert_eq!(read.tally(), whole.tally());
    }
}

#[test]
fn chunks_that_were_never_written_are_passed_over() {
    let Some((mut bytes, whole)) = security() else {
        return;
    };
    bytes.splice(HEADER..HEADER, vec![0; 3 * CHUNK]);
    bytes.extend(vec![0; CHUNK + 777]);
    let read = read_bytes(&bytes);
    assert_eq!(read.rejects, []);
    assert_eq!(read.logons, whole.logons);
}

#[test]
fn a_chunk_that_is_none_is_told_and_the_others_are_read() {
    let Some((mut bytes, whole)) = security() else {
        return;
    };
    bytes.splice(HEADER..HEADER, vec![7; CHUNK]);
    let read = read_bytes(&bytes);
    assert_eq!(read.logons, whole.logons);
    assert_eq!(read.tally().rejects, 1);
    assert_eq!(read.rejects[0].position.to_string(), "chunk 0");
    assert_eq!(read.rejects[0].reason, "not a chunk of an event log");
}

#[test]
fn a_chunk_with_a_wrong_checksum_is_read_record_by_record() {
    let Some((mut bytes, whole)) = security() else {
        return;
    };
    // The stored checksum of the records of chunk 2.
    bytes[HEADER + 2 * CHUNK + 52] ^= 1;
    let read = read_bytes(&bytes);
    assert_eq!(read.logons, whole.logons);
    assert_eq!(read.tally().records, whole.tally().records);
    assert_eq!(read.tally().rejects, 1);
    assert_eq!(read.rejects[0].position.to_string(), "chunk 2");
    assert!(read.rejects[0].reason.contains("checksum"));
}

#[test]
fn a_damaged_record_costs_itself_and_not_the_rest_of_its_chunk() {
    let Some((mut bytes, whole)) = security() else {
        return;
    };
    // The first byte of the fifth record's header.
    let mut at = HEADER + 512;
    for _ in 0..4 {
        let size: [u8; 4] = bytes[at + 4..at + 8].try_into().unwrap();
        at += u32::from_le_bytes(size) as usize;
    }
    bytes[at] = b'X';
    let read = read_bytes(&bytes);
    assert_eq!(read.tally().records, whole.tally().records - 1);
    assert_eq!(read.tally().rejects, 2, "checksum and record: {:?}", read.rejects);
    let lost = whole.logons.len() - read.logons.len();
    assert!(lost <= 1);
}

#[test]
fn a_file_that_is_cut_gives_its_whole_chunks() {
    let Some((bytes, _)) = security() else { return };
    let three = read_bytes(&bytes[..HEADER + 3 * CHUNK]);
    assert_eq!(three.rejects, []);
    let cut = read_bytes(&bytes[..HEADER + 3 * CHUNK + 40_000]);
    assert_eq!(cut.logons, three.logons);
    assert_eq!(cut.tally().records, three.tally().records);
    assert_eq!(cut.tally().rejects, 1);
    assert_eq!(cut.rejects[0].position.to_string(), "chunk 3");
    assert!(cut.rejects[0].reason.contains("40000 bytes"));
    let header = read_bytes(&bytes[..2_000]);
    assert_eq!(header.files.len(), 1);
    assert_eq!(header.tally().rejects, 1);
}

#[test]
fn in_a_cut_gzip_whole_chunks_count() {
    let Some((bytes, whole)) = security() else {
        return;
    };
    let packed = gzip(&bytes);
    let read = read_bytes(&packed[..packed.len() / 2]);
    let records = read.tally().records;
    assert!(records > 100 && records < whole.tally().records, "{records}");
    assert_eq!(read.tally().rejects, 1);
    assert!(read.rejects[0].reason.starts_with("cannot be read further: "));
}

/// What is left out for speed must be nothing that counts: with checksums that do not hold, no
/// record is left out, and the same logons are found.
#[test]
fn records_that_are_left_out_are_no_logons() {
    let Some(data) = data() else { return };
    let mut compared = 0;
    for entry in std::fs::read_dir(data.join("windows/evtx")).unwrap() {
        let mut bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let quick = read_bytes(&bytes);
        for chunk in bytes[HEADER..].chunks_mut(CHUNK) {
            if chunk.starts_with(b"ElfChnk") {
                chunk[52] ^= 1;
            }
        }
        let slow = read_bytes(&bytes);
        assert_eq!(slow.logons, quick.logons);
        assert_eq!(slow.tally().records, quick.tally().records);
        assert_eq!(slow.tally().noise, quick.tally().noise);
        assert_eq!(slow.tally().failures, quick.tally().failures);
        compared += quick.tally().records;
    }
    assert!(compared > 2_000);
}

#[test]
fn a_break_stops_an_event_log() {
    let Some(bytes) = sample("security.evtx") else {
        return;
    };
    let mut read = Collected { break_after: Some(1), ..Collected::default() };
    let flow = ingest::read_from(&bytes[..], "input", &options(), &mut read);
    assert!(flow.is_break());
    assert!(read.logons.len() < 88);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn flipped_bytes_never_panic(
        flips in prop::collection::vec((0usize..65_536, any::<u8>()), 1..40),
        fix_checksums: bool,
    ) {
        let Some(mut bytes) = sample("DE_RDP_Tunneling_4624.evtx") else { return Ok(()) };
        for (at, byte) in flips {
            bytes[HEADER + at] = byte;
        }
        if fix_checksums {
            // NO_CRC32: the parser believes every byte.
            bytes[HEADER + 120] |= 4;
        }
        let read = read_bytes(&bytes);
        prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")), "{:?}", read.rejects);
    }

    #[test]
    fn any_chunk_is_survived(chunk in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let mut bytes = b"ElfFile\0".to_vec();
        bytes.resize(HEADER, 0);
        bytes.extend(b"ElfChnk\0");
        bytes.extend(chunk);
        bytes.resize(HEADER + CHUNK, 0);
        let read = read_bytes(&bytes);
        prop_assert_eq!(read.logons.len(), 0);
    }
}

#[test]
fn counters_are_not_believed_over_the_records() {
    let Some((bytes, whole)) = security() else {
        return;
    };
    // Of each chunk: the number of its last record, then where the free space begins; checksums right.
    for (at, lie) in [(32, 3_u64.to_le_bytes()), (32, 1_000_000_u64.to_le_bytes())] {
        let mut bytes = bytes.clone();
        for chunk in bytes[HEADER..].chunks_exact_mut(CHUNK) {
            if chunk.starts_with(b"ElfChnk\0") {
                let first = u64::from_le_bytes(*chunk[24..].first_chunk().unwrap());
                let number = first + u64::from_le_bytes(lie);
                chunk[at..at + 8].copy_from_slice(&number.to_le_bytes());
                seal(chunk);
            }
        }
        let read = read_bytes(&bytes);
        assert_eq!(read.logons, whole.logons);
        assert!(read.rejects.len() <= 33, "{:?}", read.rejects);
    }
    let mut bytes = bytes;
    for chunk in bytes[HEADER..].chunks_exact_mut(CHUNK) {
        if chunk.starts_with(b"ElfChnk\0") {
            let size = u32::from_le_bytes(*chunk[512 + 4..].first_chunk().unwrap());
            chunk[48..52].copy_from_slice(&(512 + size).to_le_bytes());
            seal(chunk);
        }
    }
    let read = read_bytes(&bytes);
    assert_eq!((read.logons, read.rejects), (whole.logons, vec![]));
}

/// Makes a chunk's checksums right.
fn seal(chunk: &mut [u8]) {
    let end = u32::from_le_bytes(*chunk[48..].first_chunk().unwrap()) as usize;
    let records = crc(&[&chunk[512..end]]);
    chunk[52..56].copy_from_slice(&records.to_le_bytes());
    let header = crc(&[&chunk[..120], &chunk[128..512]]);
    chunk[124..128].copy_from_slice(&header.to_le_bytes());
}

fn crc(parts: &[&[u8]]) -> u32 {
    let mut sum = flate2::Crc::new();
    parts.iter().for_each(|part| sum.update(part));
    sum.sum()
}
