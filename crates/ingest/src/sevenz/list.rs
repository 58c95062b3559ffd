//! How large an archive's list of members is, before it is read: what reads it takes memory for
//! every member that it may have, some hundred times as much as the list itself has bytes.
//!
//! The list is at the end, as it is or packed; a packed one is preceded by a description that says
//! how large it is (7zFormat.txt, "Streams Info").

use std::io::{self, Read, Seek, SeekFrom};

/// The largest list: of some thirty thousand members with long names.
const MAX_LIST_BYTES: u64 = 4 * 1024 * 1024;
/// The largest description of a packed list; it has some forty bytes.
const MAX_DESCRIPTION_BYTES: u64 = 4096;
const SIGNATURE_BYTES: u64 = 32;

mod ids {
    pub(super) const END: u8 = 0x00;
    pub(super) const HEADER: u8 = 0x01;
    pub(super) const PACK_INFO: u8 = 0x06;
    pub(super) const UNPACK_INFO: u8 = 0x07;
    pub(super) const SIZE: u8 = 0x09;
    pub(super) const CRC: u8 = 0x0a;
    pub(super) const FOLDER: u8 = 0x0b;
    pub(super) const UNPACK_SIZE: u8 = 0x0c;
    pub(super) const ENCODED_HEADER: u8 = 0x17;
}

/// Refuses an archive whose list is too large, or not where it should be.
pub(super) fn check(file: &mut (impl Read + Seek)) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut start = [0; SIGNATURE_BYTES as usize];
    file.read_exact(&mut start)?;
    let number = |at: usize| {
        let bytes = start[at..].first_chunk::<8>().copied().unwrap_or_default();
        u64::from_le_bytes(bytes)
    };
    let (offset, size) = (number(12), number(20));
    if start[8..].iter().all(|&byte| byte == 0) {
        // What is there of it would have to be looked for.
        return Err(refusal("it was not written to its end"));
    }
    if size == 0 {
        return Ok(());
    }
    let place = SIGNATURE_BYTES.checked_add(offset).ok_or_else(|| refusal("its end is nowhere"))?;
    file.seek(SeekFrom::Start(place))?;
    let mut description = Vec::new();
    file.take(size.min(MAX_DESCRIPTION_BYTES)).read_to_end(&mut description)?;
    let list_bytes = match description.first() {
        Some(&ids::HEADER) => size,
        Some(&ids::ENCODED_HEADER) => packed(&description[1..])
            .ok_or_else(|| refusal("its list of files is described in no usual way"))?,
        Some(_) => return Err(refusal("its list of files is damaged")),
        None => return Err(refusal("it ends too early")),
    };
    if list_bytes > MAX_LIST_BYTES {
        return Err(refusal(&format!(
            "its list of files has {} MiB, more than {}; pack it in parts",
            list_bytes >> 20,
            MAX_LIST_BYTES >> 20
        )));
    }
    Ok(())
}

fn refusal(text: &str) -> io::Error {
    io::Error::other(text.to_owned())
}

/// How large the list is that one packed stream holds. Every writer makes one stream of it, so
/// that any other description is refused.
fn packed(mut rest: &[u8]) -> Option<u64> {
    let rest = &mut rest;
    expect(rest, ids::PACK_INFO)?;
    number(rest)?;
    (number(rest)? == 1).then_some(())?;
    expect(rest, ids::SIZE)?;
    number(rest)?;
    if next_is(rest, ids::CRC) {
        digests(rest)?;
    }
    expect(rest, ids::END)?;
    expect(rest, ids::UNPACK_INFO)?;
    expect(rest, ids::FOLDER)?;
    (number(rest)? == 1).then_some(())?;
    // Described here, and not in yet another stream.
    expect(rest, 0)?;
    let coders = number(rest).filter(|count| (1..=4).contains(count))?;
    for _ in 0..coders {
        let flags = byte(rest)?;
        skip(rest, usize::from(flags & 0x0f))?;
        if flags & 0x10 != 0 {
            // One stream in and one out is not complex.
            (number(rest)? == 1 && number(rest)? == 1).then_some(())?;
        }
        if flags & 0x20 != 0 {
            let count = number(rest)?;
            skip(rest, usize::try_from(count).ok()?)?;
        }
    }
    for _ in 1..coders {
        number(rest)?;
        number(rest)?;
    }
    expect(rest, ids::UNPACK_SIZE)?;
    // One for each coder; the list is what the last of the chain gives, so none may be larger.
    (0..coders).map(|_| number(rest)).try_fold(0, |largest, size| Some(size?.max(largest)))
}

fn digests(rest: &mut &[u8]) -> Option<()> {
    expect(rest, ids::CRC)?;
    // All are defined: of one.
    expect(rest, 1)?;
    skip(rest, 4)
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, behind) = rest.split_first()?;
    *rest = behind;
    Some(*first)
}

fn next_is(rest: &[u8], id: u8) -> bool {
    rest.first() == Some(&id)
}

fn expect(rest: &mut &[u8], id: u8) -> Option<()> {
    (byte(rest)? == id).then_some(())
}

fn skip(rest: &mut &[u8], count: usize) -> Option<()> {
    *rest = rest.get(count..)?;
    Some(())
}

/// The format's numbers: the first byte's leading ones count the bytes that follow, lowest first;
/// what is left of it stands above them.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let first = byte(rest)?;
    let count = first.leading_ones() as usize;
    let mut value = 0;
    for index in 0..count {
        value |= u64::from(byte(rest)?) << (8 * index);
    }
    if count < 7 {
        let high = u64::from(first & (0x7f >> count));
        value |= high << (8 * count);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_have_the_formats_lengths() {
        for (bytes, value) in [
            (&[0x00][..], 0),
            (&[0x7f], 0x7f),
            (&[0x80, 0x80], 0x80),
            (&[0xbf, 0xff], 0x3fff),
            (&[0xc0, 0x00, 0x40], 0x4000),
            (&[0xff, 1, 2, 3, 4, 5, 6, 7, 8], 0x0807_0605_0403_0201),
        ] {
            let rest = &mut &bytes[..];
            assert_eq!(number(rest), Some(value), "{bytes:x?}");
            assert!(rest.is_empty());
        }
        assert_eq!(number(&mut &[0xc0, 0][..]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), offset in 0u64..300) {
            let mut file = bytes;
            if file.len() >= 20 {
                file[12..20].copy_from_slice(&offset.to_le_bytes());
            }
            let _ = check(&mut Cursor::new(&file));
            let _ = packed(&file);
        }
    }
}
