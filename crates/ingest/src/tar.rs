//! The members of a tar archive, read once from front to end.
//!
//! Of the format only what a reader of logs needs: regular files and their names and sizes, in
//! the ustar, GNU and pax forms. It is our own because everything that a header announces is
//! bounded here, names too, which a member can otherwise make as long as the archive.

use std::io::{self, Read};

use crate::reject::printable;

const BLOCK: usize = 512;
/// How long the records that describe the next member may be together.
const MAX_DESCRIPTION_BYTES: u64 = 1024 * 1024;

/// Whether a file's first bytes are a tar header.
pub(crate) fn is_header(head: &[u8]) -> bool {
    head.first_chunk::<BLOCK>().is_some_and(|block| Header(block).checksum_holds() && block[0] != 0)
}

/// Reads an archive member by member.
pub(crate) struct Archive<R> {
    inner: R,
    /// What is left of the current member, with the padding behind it.
    unread: u64,
    padding: u64,
    written: Option<u64>,
}

impl<R: Read> Archive<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, unread: 0, padding: 0, written: None }
    }

    /// When the current file was written, in seconds since 1970.
    pub(crate) fn written(&self) -> Option<u64> {
        self.written
    }

    /// Goes to the next regular file and gives its name; `None` at the end.
    pub(crate) fn next_file(&mut self) -> io::Result<Option<String>> {
        let mut long_name: Option<Vec<u8>> = None;
        let mut long_size: Option<u64> = None;
        loop {
            self.skip_member()?;
            let mut block = [0; BLOCK];
            if !self.read_block(&mut block)? || block.iter().all(|&byte| byte == 0) {
                return Ok(None);
            }
            let header = Header(&block);
            if !header.checksum_holds() {
                return Err(damaged("a header's checksum does not hold"));
            }
            let mut size = header.size().ok_or_else(|| damaged("a size is no number"))?;
            let kind = block[156];
            if !matches!(kind, b'L' | b'K' | b'x' | b'g') {
                // A pax size stands for one that is too big for the header.
                size = long_size.take().unwrap_or(size);
            }
            self.unread = size;
            let padded = size.checked_next_multiple_of(BLOCK as u64);
            self.padding = padded.ok_or_else(|| damaged("a size is too big"))? - size;
            match kind {
                b'L' => long_name = Some(self.read_description()?),
                b'x' => {
                    let records = self.read_description()?;
                    for (key, value) in pax_records(&records) {
                        match key {
                            b"path" => long_name = Some(value.to_vec()),
                            b"size" => long_size = decimal(value),
                            _ => {}
                        }
                    }
                }
                0 | b'0' | b'7' => {
                    let name = long_name.take().unwrap_or_else(|| header.name());
                    let name = String::from_utf8_lossy(until_nul(&name)).into_owned();
                    if !name.ends_with('/') {
                        self.written = header.written();
                        return Ok(Some(printable(&name)));
                    }
                }
                // Links, folders, devices, global pax records, sparse files.
                b'K' | b'g' => {}
                _ => long_name = None,
            }
        }
    }

    fn skip_member(&mut self) -> io::Result<()> {
        let rest = self.unread.saturating_add(self.padding);
        let skipped = io::copy(&mut (&mut self.inner).take(rest), &mut io::sink())?;
        // The last member's padding is left out by some writers.
        if skipped < self.unread {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (self.unread, self.padding) = (0, 0);
        Ok(())
    }

    /// `false` at the end of the input, which some writers leave without the two empty blocks.
    fn read_block(&mut self, block: &mut [u8; BLOCK]) -> io::Result<bool> {
        let mut filled = 0;
        while filled < BLOCK {
            match self.inner.read(&mut block[filled..]) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn read_description(&mut self) -> io::Result<Vec<u8>> {
        if self.unread > MAX_DESCRIPTION_BYTES {
            return Err(damaged("a member's name is too long"));
        }
        let mut bytes = Vec::new();
        self.take(MAX_DESCRIPTION_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The rest of the current member. An archive that ends too early is an error.
impl<R: Read> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.unread).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.unread -= count as u64;
        Ok(count)
    }
}

fn damaged(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

struct Header<'a>(&'a [u8; BLOCK]);

impl Header<'_> {
    /// The sum of all bytes, its own field taken as blanks.
    fn checksum_holds(&self) -> bool {
        let sum: u64 = self
            .0
            .iter()
            .enumerate()
            .map(|(at, &byte)| match at {
                148..156 => u64::from(b' '),
                _ => u64::from(byte),
            })
            .sum();
        octal(&self.0[148..156]) == Some(sum)
    }

    fn size(&self) -> Option<u64> {
        let field = &self.0[124..136];
        if field[0] & 0x80 == 0 {
            return octal(field);
        }
        // GNU: from 8 GiB on a binary number with the top bit set.
        let (high, low) = field.split_at(4);
        let low = low.first_chunk::<8>().map(|low| u64::from_be_bytes(*low));
        low.filter(|_| high == [0x80, 0, 0, 0])
    }

    fn written(&self) -> Option<u64> {
        octal(&self.0[136..148])
    }

    fn name(&self) -> Vec<u8> {
        let name = until_nul(&self.0[..100]);
        let prefix = until_nul(&self.0[345..500]);
        // GNU's own form has times where POSIX has the prefix.
        if prefix.is_empty() || &self.0[257..263] != b"ustar\0" {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = until_nul(field).trim_ascii();
    digits.iter().try_fold(0u64, |value, &digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

fn decimal(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Records of the form `LENGTH KEY=VALUE\n`, the length counting all of the record.
fn pax_records(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let blank = bytes.iter().position(|&byte| byte == b' ')?;
        let length = usize::try_from(decimal(&bytes[..blank])?).ok()?;
        let record = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
        bytes = &bytes[length..];
        let equals = record.iter().position(|&byte| byte == b'=')?;
        Some((&record[..equals], &record[equals + 1..]))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(bytes: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut archive = Archive::new(bytes);
        let mut found = Vec::new();
        while let Some(name) = archive.next_file()? {
            let mut content = Vec::new();
            archive.read_to_end(&mut content)?;
            found.push((name, content));
        }
        Ok(found)
    }

    fn sample(long: &str) -> Vec<u8> {
        let mut builder = ::tar::Builder::new(Vec::new());
        for (name, content) in [("a/b.json", &b"one"[..]), (long, b"two"), ("c", b"")] {
            let mut header = ::tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append_data(&mut header, name, content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn members_come_with_their_names_and_bytes() {
        let long = "folder/".repeat(40) + "x.json";
        let bytes = sample(&long);
        assert!(is_header(&bytes));
        let expected = vec![
            ("a/b.json".to_owned(), b"one".to_vec()),
            (long, b"two".to_vec()),
            ("c".to_owned(), Vec::new()),
        ];
        assert_eq!(names(&bytes).unwrap(), expected);
    }

    #[test]
    fn an_archive_cut_short_is_an_error() {
        let bytes = sample("d");
        for length in [400, 514, 1024 + 100] {
            assert!(names(&bytes[..length]).is_err(), "{length}");
        }
        // Without the empty blocks at the end it is still whole.
        assert_eq!(names(&bytes[..1024 + 1024 + 512]).unwrap().len(), 3);
    }

    #[test]
    fn a_size_that_no_archive_has_is_an_error() {
        let mut bytes = sample("d");
        // GNU's binary form.
        bytes[124..136].copy_from_slice(&[0x80, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
        let sum: u32 = (0..BLOCK)
            .map(|at| if (148..156).contains(&at) { 32 } else { u32::from(bytes[at]) })
            .sum();
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert!(is_header(&bytes));
        assert_eq!(names(&bytes).unwrap_err().to_string(), "a size is too big");
    }

    #[test]
    fn pax_records_are_read() {
        let records: Vec<_> = pax_records(b"13 path=a/bc\n12 size=100\nrest").collect();
        assert_eq!(records, [(&b"path"[..], &b"a/bc"[..]), (b"size", b"100")]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(at in 0usize..3000, byte: u8, cut in 0usize..4000) {
            let mut bytes = sample("d");
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(cut);
            let _ = names(&bytes);
        }
    }
}
