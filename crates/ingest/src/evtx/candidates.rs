//! Which records of a chunk can be events that matter, told from their bytes.
//!
//! A record is BinXML: values, and references to templates that say where in the XML they go. Its
//! event id is in one of these places:
//!
//! 1. in a value of the record, as a number: its bytes hold 4624 (or another of [`EVENT_IDS`]) in
//!    little-endian form, whatever the width of the number;
//! 2. in the record's own XML or in a value, as text: its bytes hold the digits in UTF-16 or ANSI;
//! 3. in the template, which may be in another record of the chunk. A template's literals are text
//!    only (MS-EVEN6, ValueText), so the chunk holds the digits in UTF-16.
//!
//! So where a chunk has the digits as UTF-16 text anywhere, standing alone, which is rare, all of
//! its records are candidates; else those whose bytes hold the number or the ANSI digits. Whoever
//! is no candidate is no event that matters.
//!
//! A record is left out by ending its BinXML before its first token: the parser then finds no
//! event in it, at next to no cost, while templates and names that it holds for others stay.

use evtx::EvtxChunkData;
use memchr::memmem::find_iter;

use crate::windows::EVENT_IDS;

pub(super) const CHUNK_HEADER_BYTES: usize = 512;
/// Magic, size, number, time.
const RECORD_HEADER_BYTES: usize = 24;
/// The header, and the copy of the size behind the BinXML.
const MIN_RECORD_BYTES: usize = RECORD_HEADER_BYTES + 4;
const RECORD_MAGIC: &[u8] = b"**\0\0";
const END_OF_STREAM: u8 = 0;

/// Leaves out the records that are no candidates; where their BinXML begins, in order.
///
/// To be called where the checksum holds only: elsewhere a record should be parsed for its damage
/// to be told.
pub(super) fn leave_out_others(chunk: &mut EvtxChunkData) -> Vec<u64> {
    if holds_wide_digits(&chunk.data) {
        return Vec::new();
    }
    let end = chunk.data.len().min(chunk.header.free_space_offset as usize);
    let mut left_out = Vec::new();
    let mut at = CHUNK_HEADER_BYTES;
    // Where the walk ends early the rest of the records are candidates.
    while let Some((size, number)) = header(&chunk.data[..end], at) {
        let binxml = at + RECORD_HEADER_BYTES;
        let next = at + size;
        if binxml < next - 4 && !is_candidate(&chunk.data[binxml..next - 4]) {
            chunk.data[binxml] = END_OF_STREAM;
            left_out.push(binxml as u64);
        }
        at = next;
        if number == chunk.header.last_event_record_id {
            break;
        }
    }
    left_out
}

/// The size and the number of the record that begins there.
pub(super) fn header(data: &[u8], at: usize) -> Option<(usize, u64)> {
    let record = data.get(at..)?;
    let size = u32::from_le_bytes(*record.get(4..)?.first_chunk()?) as usize;
    let number = u64::from_le_bytes(*record.get(8..)?.first_chunk()?);
    let whole =
        record.starts_with(RECORD_MAGIC) && (MIN_RECORD_BYTES..=record.len()).contains(&size);
    whole.then_some((size, number))
}

fn is_candidate(binxml: &[u8]) -> bool {
    // 4624 is 0x1210 and 4801 is 0x12C1: the upper byte of all is the same.
    const LOWER: [u8; 8] = [0x10, 0x11, 0x1a, 0x27, 0xaa, 0xab, 0xc0, 0xc1];
    memchr::memchr_iter(0x12, binxml).any(|at| at > 0 && LOWER.contains(&binxml[at - 1]))
        || memchr::memchr_iter(b'4', binxml).any(|at| {
            binxml[at..].first_chunk().is_some_and(|digits: &[u8; 4]| is_event_id(digits))
        })
}

/// Whether an event id is there in UTF-16, with no digit on either side.
fn holds_wide_digits(bytes: &[u8]) -> bool {
    let digit = |at: Option<usize>| {
        let byte = at.and_then(|at| bytes.get(at..at + 2));
        byte.is_some_and(|wide| wide[0].is_ascii_digit() && wide[1] == 0)
    };
    find_iter(bytes, b"4\0").any(|at| {
        let Some(wide) = bytes.get(at..at + 8) else { return false };
        let digits = [wide[0], wide[2], wide[4], wide[6]];
        [1, 3, 5, 7].iter().all(|&at| wide[at] == 0)
            && is_event_id(&digits)
            && !digit(at.checked_sub(2))
            && !digit(Some(at + 8))
    })
}

fn is_event_id(digits: &[u8; 4]) -> bool {
    EVENT_IDS.iter().any(|id| id.as_bytes() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chunk with one record for each of these, and what is left out of it.
    fn left_out(records: &[&[u8]]) -> Vec<usize> {
        let mut data = b"ElfChnk\0".to_vec();
        data.resize(CHUNK_HEADER_BYTES, 0);
        let mut starts = Vec::new();
        for (number, binxml) in records.iter().enumerate() {
            let size = (MIN_RECORD_BYTES + binxml.len()) as u32;
            data.extend(RECORD_MAGIC);
            data.extend(size.to_le_bytes());
            data.extend((number as u64 + 1).to_le_bytes());
            data.extend([0; 8]);
            starts.push(data.len() as u64);
            data.extend(*binxml);
            data.extend(size.to_le_bytes());
        }
        let end = data.len() as u32;
        data[48..52].copy_from_slice(&end.to_le_bytes());
        data[32] = records.len() as u8;
        data.resize(64 * 1024, 0);
        let mut chunk = EvtxChunkData::new(data, false).unwrap();
        let left_out = leave_out_others(&mut chunk);
        for &start in &left_out {
            assert_eq!(chunk.data[start as usize], END_OF_STREAM);
        }
        let place = |start: &u64| starts.iter().position(|other| other == start).unwrap();
        left_out.iter().map(place).collect()
    }

    #[test]
    fn records_that_hold_the_event_id_stay() {
        let none: &[u8] = &[0x0f, 1, 1, 0, 0x12, 0x10, 0x20];
        for id in
            [&b"\x0f\x10\x12\0"[..], b"\x0f\x11\x12", b"\x0f\xc1\x12", b"\x0f4624", b"\x0f_4801_"]
        {
            assert_eq!(left_out(&[none, id, none]), [0, 2], "{id:?}");
        }
        assert_eq!(left_out(&[none, b"\x0f4626", b"\x0f\x12\x10"]), [0, 1, 2]);
        assert_eq!(left_out(&[b"", none]), [1]);
    }

    #[test]
    fn where_a_template_may_hold_the_event_id_all_stay() {
        let none: &[u8] = &[0x0f, 1, 1, 0];
        assert!(left_out(&[none, b"\x0f4\x006\x002\x005\0", none]).is_empty());
        assert_eq!(left_out(&[none, b"\x0f4\x006\x002\x005\x006\0"]), [0, 1]);
    }
}
