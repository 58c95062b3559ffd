//! What a chunk's header says of its records, held against the records themselves.
//!
//! The header counts them and says where they end. A log that was caught while it was written, or that
//! a tool put together, counts too few or too many, its checksums right all the same. Each record says
//! its own length and number, so those are believed: what goes on behind the last counted one, number by
//! number, belongs to the chunk. What the chunk held before it was used anew has older numbers, and is
//! not read.

use evtx::EvtxChunkData;

use super::candidates::{CHUNK_HEADER_BYTES, header};

/// Corrects what the header says of where the records end.
pub(super) fn correct(chunk: &mut EvtxChunkData) {
    let mut at = CHUNK_HEADER_BYTES;
    let mut last = None;
    while let Some((size, number)) = whole(&chunk.data, at) {
        let is_counted = at < chunk.header.free_space_offset as usize
            && last != Some(chunk.header.last_event_record_id);
        if !is_counted && last.is_none_or(|last: u64| last.checked_add(1) != Some(number)) {
            break;
        }
        (last, at) = (Some(number), at + size);
        if !is_counted {
            chunk.header.last_event_record_id = number;
            chunk.header.last_event_record_number =
                chunk.header.last_event_record_number.saturating_add(1);
        }
        let (start, end) = (at - size, at);
        let grow =
            |counted: u32, found: usize| counted.max(u32::try_from(found).unwrap_or(counted));
        chunk.header.free_space_offset = grow(chunk.header.free_space_offset, end);
        chunk.header.last_event_record_data_offset =
            grow(chunk.header.last_event_record_data_offset, start);
    }
}

/// The size and the number of the record that begins there, where the copy of the size at its end agrees.
fn whole(data: &[u8], at: usize) -> Option<(usize, u64)> {
    let (size, number) = header(data, at)?;
    let end = data.get(..at + size)?;
    let copy = u32::from_le_bytes(*end.last_chunk()?);
    (copy as usize == size).then_some((size, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chunk of records with these numbers, whose header says that the last one is `last` and that they
    /// end behind the first `counted`.
    fn corrected(numbers: &[u64], last: u64, counted: usize) -> (u64, usize) {
        const SIZE: usize = 32;
        let mut data = b"ElfChnk\0".to_vec();
        data.resize(CHUNK_HEADER_BYTES, 0);
        for number in numbers {
            data.extend(b"**\0\0");
            data.extend((SIZE as u32).to_le_bytes());
            data.extend(number.to_le_bytes());
            data.extend([0; SIZE - 20]);
            data.extend((SIZE as u32).to_le_bytes());
        }
        data.resize(64 * 1024, 0);
        data[32..40].copy_from_slice(&last.to_le_bytes());
        let end = (CHUNK_HEADER_BYTES + counted * SIZE) as u32;
        data[48..52].copy_from_slice(&end.to_le_bytes());
        let mut chunk = EvtxChunkData::new(data, false).unwrap();
        correct(&mut chunk);
        let end = chunk.header.free_space_offset as usize;
        (chunk.header.last_event_record_id, (end - CHUNK_HEADER_BYTES) / SIZE)
    }

    #[test]
    fn records_that_are_not_counted_go_on_with_the_last_ones_number() {
        // Right, too few by number, by place, by both; and too many.
        assert_eq!(corrected(&[1, 2, 3], 3, 3), (3, 3));
        assert_eq!(corrected(&[1, 2, 3], 2, 3), (3, 3));
        assert_eq!(corrected(&[1, 2, 3], 3, 1), (3, 3));
        assert_eq!(corrected(&[1, 2, 3], 1, 1), (3, 3));
        assert_eq!(corrected(&[1, 2, 3], 9, 9), (9, 9));
        // What the chunk held before is not of it.
        assert_eq!(corrected(&[7, 8, 3, 4], 8, 2), (8, 2));
        assert_eq!(corrected(&[7, 8, 3, 4], 8, 4), (8, 4));
        // Numbers of a log that was put together need not follow one another.
        assert_eq!(corrected(&[7, 3, 9], 9, 3), (9, 3));
    }
}
