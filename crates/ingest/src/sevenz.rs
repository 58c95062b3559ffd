//! 7z archives, unpacked member by member (7zFormat.txt of the LZMA SDK).
//!
//! A 7z says at its end how much memory its reader needs: for the list of its members, and for the
//! dictionaries of its blocks. Both are looked at before anything is allocated for them.

mod list;

use std::io::{self, BufReader, Read, Seek};
use std::ops::ControlFlow;

use inventory::time::Timestamp;
use sevenz_rust2::{Archive, ArchiveEntry, Block, BlockDecoder, EncoderMethod, Error, Password};

use crate::archive;
use crate::reject::printable;
use crate::session::Session;
use crate::stream::{Stream, Whole};

/// What every archive begins with.
pub(crate) const MAGIC: &[u8] = b"7z\xbc\xaf\x27\x1c";
/// The dictionaries of one block at most: as large as 7-Zip makes them at its highest level.
const MAX_DICTIONARY_BYTES: u64 = 256 * 1024 * 1024;
/// What a decoder may take, in KiB: a dictionary, and what comes with it.
const MEMORY_KIB: usize = 320 * 1024;
/// What reading the list may take, in KiB: 7-Zip's and py7zr's need some 16 MiB of dictionary.
const LIST_MEMORY_KIB: usize = 64 * 1024;
/// Seconds from 1601 to 1970.
const NT_EPOCH_S: i64 = 11_644_473_600;
const NT_TICKS_PER_SECOND: u64 = 10_000_000;

/// Reads the members of an archive that is inside so many others.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    file: impl Read + Seek,
    depth: usize,
) -> ControlFlow<()> {
    let mut file = BufReader::new(file);
    let archive = match open(&mut file) {
        Ok(archive) => archive,
        Err(reason) => {
            session.skipped(name, format!("a 7z archive {reason}"));
            return ControlFlow::Continue(());
        }
    };
    if archive.files.is_empty() {
        session.skipped(name, "an archive without files");
    }
    let mut encrypted = 0;
    for (index, block) in archive.blocks.iter().enumerate() {
        let password = Password::empty();
        let decoder = BlockDecoder::new_with_memory_limit(
            1, MEMORY_KIB, index, &archive, &password, &mut file,
        );
        if is_encrypted(block) {
            encrypted += decoder.entry_count();
            continue;
        }
        if let Some(bytes) = dictionaries(block).filter(|bytes| *bytes > MAX_DICTIONARY_BYTES) {
            let mib = bytes >> 20;
            session.skipped(
                name,
                format!("a part of it needs {mib} MiB of memory, which is too much"),
            );
            continue;
        }
        let mut flow = ControlFlow::Continue(());
        let unpacked = decoder.for_each_entries(&mut |entry, reader| {
            flow = read_member(session, name, entry, reader, depth);
            Ok(flow.is_continue())
        });
        flow?;
        if let Err(error) = unpacked {
            session.skipped(name, format!("a part of it cannot be unpacked: {}", reason(&error)));
        }
    }
    if encrypted > 0 {
        session.skipped(name, format!("{encrypted} of its files are encrypted; unpack it first"));
    }
    ControlFlow::Continue(())
}

fn open(file: &mut (impl Read + Seek)) -> Result<Archive, String> {
    list::check(file).map_err(|error| format!("that is not read: {error}"))?;
    file.rewind().map_err(|error| format!("that cannot be read: {error}"))?;
    let read = Archive::read_with_memory_limit(file, &Password::empty(), LIST_MEMORY_KIB);
    read.map_err(|error| format!("that cannot be read: {}", reason(&error)))
}

fn read_member(
    session: &mut Session<'_>,
    name: &str,
    entry: &ArchiveEntry,
    reader: &mut dyn Read,
    depth: usize,
) -> ControlFlow<()> {
    if entry.is_directory || !entry.has_stream {
        return ControlFlow::Continue(());
    }
    let path = format!("{name}/{}", printable(&entry.name));
    let stream = Stream::new(Whole::new(reader, entry.size));
    session.as_written(written(entry), |session| archive::read(session, &path, stream, depth + 1))
}

fn written(entry: &ArchiveEntry) -> Option<Timestamp> {
    let ticks = u64::from(entry.last_modified_date);
    let seconds = i64::try_from(ticks / NT_TICKS_PER_SECOND).ok()?;
    let time = Timestamp::from_seconds(seconds - NT_EPOCH_S, 0);
    time.filter(|_| entry.has_last_modified_date)
}

fn is_encrypted(block: &Block) -> bool {
    let ids = block.coders.iter().map(sevenz_rust2::Coder::encoder_method_id);
    ids.into_iter().any(|id| id == EncoderMethod::ID_AES256_SHA256)
}

/// What the dictionaries of a block's coders take together; `None` where none has one.
fn dictionaries(block: &Block) -> Option<u64> {
    let sizes = block.coders.iter().filter_map(|coder| {
        let properties = coder.properties();
        if coder.encoder_method_id() == EncoderMethod::ID_LZMA {
            let size: [u8; 4] = properties.get(1..5)?.try_into().ok()?;
            return Some(u64::from(u32::from_le_bytes(size)));
        }
        if coder.encoder_method_id() == EncoderMethod::ID_LZMA2 {
            let bits = u64::from(*properties.first()?);
            // Beyond 40 it is no size; the decoder says so.
            return Some((2 | (bits & 1)) << (bits / 2 + 11).min(40));
        }
        None
    });
    sizes.reduce(u64::saturating_add)
}

/// The crate's reasons are for those who debug it.
fn reason(error: &Error) -> String {
    match error {
        Error::Io(error, _) | Error::MaybeBadPassword(error) => io_reason(error),
        Error::MaxMemLimited { actaul_kb, .. } => {
            format!("it needs {} MiB of memory, which is too much", actaul_kb / 1024)
        }
        Error::PasswordRequired => "it is encrypted".to_owned(),
        Error::UnsupportedCompressionMethod(method) if method.starts_with("AES") => {
            "its list of files is encrypted; unpack it first".to_owned()
        }
        Error::UnsupportedCompressionMethod(method) => {
            format!("it is packed by {method}, which is not read; LZMA and LZMA2 are")
        }
        Error::ChecksumVerificationFailed | Error::NextHeaderCrcMismatch => {
            "a checksum is wrong".to_owned()
        }
        Error::Other(text) | Error::Unsupported(text) => text.clone().into_owned(),
        other => format!("{other:?}"),
    }
}

fn io_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    }
}
