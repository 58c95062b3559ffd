//! Which records of a chunk can be event 4624 or 4625, told from their bytes.
//!
//! A record is BinXML: values, and references to templates that say where in the XML they go. Its
//! event id is in one of these places:
//!
//! 1. in a value of the record, as a number: its bytes hold 4624 (or 4625) in little-endian form,
//!    whatever the width of the number;
//! 2. in the record's own XML or in a value, as text: its bytes hold the digits in UTF-16 or ANSI;
//! 3. in the template, which may be in another record of the chunk. A template's literals are text
//!    only (MS-EVEN6, ValueText), so the chunk holds the digits in UTF-16.
//!
//! So where a chunk has the digits as UTF-16 text anywhere, which is rare, all of its records are
//! candidates; else those whose bytes hold the number or the ANSI digits. Whoever is no candidate
//! is no event 4624 or 4625.
//!
//! A record is left out by ending its BinXML before its first token: the parser then finds no
//! event in it, at next to no cost, while templates and names that it holds for others stay.

use evtx::EvtxChunkData;
use memchr::memmem::find_iter;

const CHUNK_HEADER_BYTES: usize = 512;
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
    if holds_digits(&chunk.data, b"4\x006\x002\x00", 6) {
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
fn header(data: &[u8], at: usize) -> Option<(usize, u64)> {
    let record = data.get(at..)?;
    let size = u32::from_le_bytes(*record.get(4..)?.first_chunk()?) as usize;
    let number = u64::from_le_bytes(*record.get(8..)?.first_chunk()?);
    let whole =
        record.starts_with(RECORD_MAGIC) && (MIN_RECORD_BYTES..=record.len()).contains(&size);
    whole.then_some((size, number))
}

fn is_candidate(binxml: &[u8]) -> bool {
    // 4624 is 0x1210, 4625 is 0x1211.
    memchr::memchr_iter(0x12, binxml).any(|at| at > 0 && matches!(binxml[at - 1], 0x10 | 0x11))
        || holds_digits(binxml, b"462", 3)
}

/// Whether `462` and then a 4 or a 5 are there.
fn holds_digits(bytes: &[u8], prefix: &[u8], last_at: usize) -> bool {
    find_iter(bytes, prefix).any(|at| matches!(bytes.get(at + last_at), Some(b'4' | b'5')))
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
        for id in [&b"\x0f\x10\x12\0"[..], b"\x0f\x11\x12", b"\x0f4624", b"\x0f_4625_"] {
            assert_eq!(left_out(&[none, id, none]), [0, 2], "{id:?}");
        }
        assert_eq!(left_out(&[none, b"\x0f4626", b"\x0f\x12\x10"]), [0, 1, 2]);
        assert_eq!(left_out(&[b"", none]), [1]);
    }

    #[test]
    fn where_a_template_may_hold_the_event_id_all_stay() {
        let none: &[u8] = &[0x0f, 1, 1, 0];
        assert!(left_out(&[none, b"\x0f4\x006\x002\x005\0", none]).is_empty());
    }
}
