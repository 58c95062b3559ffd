//! Archives taken apart, to a bounded depth, and each file in them handed to its reader.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use flate2::read::MultiGzDecoder;
use inventory::time::{Stamp, Timestamp};
use jiff::tz::TimeZone;
use zip::ZipArchive;

use crate::reject::printable;
use crate::session::Session;
use crate::sniff::{self, Content};
use crate::stream::{Stream, Whole};
use crate::tar;
use crate::utf16::{self, Utf8};
use crate::{
    document, evtx, journal, jsonl, lastlog, listing, rows, sevenz, textlog, utmp, wtmpdb, xml,
};

/// How many archives may be inside one another; gzip and Zstandard count as one each.
const MAX_DEPTH: usize = 4;
/// How many members of one archive are read; each costs time even when it is empty.
const MAX_MEMBERS: usize = 1_000_000;
/// How much of a zip or 7z that cannot be sought in is put into a temporary file.
const MAX_SPOOL_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Reads a file in which can be sought: a zip or a 7z is then read where it is.
pub(crate) fn read_seekable(
    session: &mut Session<'_>,
    name: &str,
    mut file: impl Read + Seek,
) -> ControlFlow<()> {
    let content = {
        let mut stream = Stream::new(&mut file);
        sniff::content(&mut stream)
    };
    if let Err(error) = file.seek(SeekFrom::Start(0)) {
        session.skipped(name, format!("cannot be read: {error}"));
        return ControlFlow::Continue(());
    }
    match content {
        Content::Zip => read_zip(session, name, file, 0),
        Content::SevenZ => sevenz::read(session, name, file, 0),
        _ => read(session, name, Stream::new(file), 0),
    }
}

/// Reads a file, inside so many archives, by what it is.
pub(crate) fn read(
    session: &mut Session<'_>,
    name: &str,
    mut stream: Stream<'_>,
    depth: usize,
) -> ControlFlow<()> {
    if let Some(order) = utf16::order(stream.look(utf16::HEAD_BYTES)) {
        stream = Stream::new(Utf8::new(stream, order));
    }
    let content = sniff::content(&mut stream);
    let is_archive = matches!(
        content,
        Content::Gzip | Content::Zstd | Content::Zip | Content::SevenZ | Content::Tar
    );
    if is_archive && depth >= MAX_DEPTH {
        session.skipped(name, format!("an archive inside {MAX_DEPTH} others, which is too deep"));
        return ControlFlow::Continue(());
    }
    match content {
        Content::Gzip => {
            let decoder = MultiGzDecoder::new(stream);
            let seconds = decoder.header().map_or(0, |header| header.mtime());
            let written = Timestamp::from_seconds(seconds.into(), 0);
            session
                .as_written(written, |session| read(session, name, Stream::new(decoder), depth + 1))
        }
        Content::Zstd => match zstd::Decoder::new(stream) {
            Ok(decoder) => read(session, name, Stream::new(decoder), depth + 1),
            Err(error) => {
                session.skipped(name, format!("a Zstandard archive that cannot be read: {error}"));
                ControlFlow::Continue(())
            }
        },
        Content::Zip => match spool(stream) {
            Ok(file) => read_zip(session, name, file, depth),
            Err(error) => {
                session.skipped(name, format!("a zip that cannot be unpacked: {error}"));
                ControlFlow::Continue(())
            }
        },
        Content::SevenZ => match spool(stream) {
            Ok(file) => sevenz::read(session, name, file, depth),
            Err(error) => {
                session.skipped(name, format!("a 7z that cannot be unpacked: {error}"));
                ControlFlow::Continue(())
            }
        },
        Content::Tar => read_tar(session, name, stream, depth),
        Content::Evtx => evtx::read(session, name, stream),
        Content::JsonLines => jsonl::read(session, name, stream),
        Content::Json => document::read(session, name, stream),
        Content::JsonObjects => jsonl::read_objects(session, name, stream),
        Content::JsonArray => jsonl::read_array(session, name, stream),
        Content::Table => rows::read(session, name, stream),
        Content::Xml => xml::read(session, name, stream),
        Content::JournalExport => journal::read_export(session, name, stream),
        Content::TextLog(format) => textlog::read(session, name, stream, format),
        Content::Utmp => utmp::read(session, name, stream),
        Content::Listing(listing) => listing::read(session, name, stream, listing),
        Content::Lastlog => lastlog::read(session, name, stream),
        Content::Sqlite => wtmpdb::read(session, name, stream),
        Content::Unknown(reason) => {
            session.skipped(name, reason);
            ControlFlow::Continue(())
        }
    }
}

/// The list of members of a zip, and of a 7z, is at its end, so that one from a stream has to be kept first.
fn spool(stream: Stream<'_>) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    let copied = io::copy(&mut stream.take(MAX_SPOOL_BYTES + 1), &mut file)?;
    if copied > MAX_SPOOL_BYTES {
        return Err(io::Error::other(format!(
            "it is more than {} GiB and not a file of its own",
            MAX_SPOOL_BYTES >> 30
        )));
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

fn read_zip(
    session: &mut Session<'_>,
    name: &str,
    file: impl Read + Seek,
    depth: usize,
) -> ControlFlow<()> {
    let mut archive = match ZipArchive::new(BufReader::new(file)) {
        Ok(archive) => archive,
        Err(error) => {
            session.skipped(name, format!("a damaged zip: {error}"));
            return ControlFlow::Continue(());
        }
    };
    if archive.is_empty() {
        session.skipped(name, "an archive without files");
    }
    for index in 0..archive.len() {
        if index == MAX_MEMBERS {
            session.skipped(name, too_many_members());
            break;
        }
        let member_name = archive.name_for_index(index).and_then(Result::ok);
        let path = match &member_name {
            Some(member) => format!("{name}/{}", printable(member)),
            None => format!("{name}/#{index}"),
        };
        drop(member_name);
        match archive.by_index(index) {
            Ok(member) if member.is_dir() || member.is_symlink() => {}
            Ok(member) => {
                let size_bytes = member.size();
                let written = member.last_modified().and_then(zip_time);
                let stream = Stream::new(Whole::new(member, size_bytes));
                session.as_written(written, |session| read(session, &path, stream, depth + 1))?;
            }
            Err(error) => session.skipped(&path, format!("cannot be unpacked: {error}")),
        }
    }
    ControlFlow::Continue(())
}

/// A zip's times are those of a wall clock somewhere, which is near enough.
fn zip_time(time: zip::DateTime) -> Option<Timestamp> {
    let text = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    Stamp::parse(&text).ok()?.in_zone(&TimeZone::UTC).ok()
}

fn read_tar(
    session: &mut Session<'_>,
    name: &str,
    stream: Stream<'_>,
    depth: usize,
) -> ControlFlow<()> {
    let mut archive = tar::Archive::new(stream);
    for _ in 0..MAX_MEMBERS {
        match archive.next_file() {
            Ok(Some(member)) => {
                let path = format!("{name}/{}", member);
                let seconds = archive.written().and_then(|seconds| i64::try_from(seconds).ok());
                let written = seconds.and_then(|seconds| Timestamp::from_seconds(seconds, 0));
                session.as_written(written, |session| {
                    read(session, &path, Stream::new(&mut archive), depth + 1)
                })?;
            }
            Ok(None) => return ControlFlow::Continue(()),
            Err(error) => {
                session.skipped(name, format!("the archive cannot be read further: {error}"));
                return ControlFlow::Continue(());
            }
        }
    }
    session.skipped(name, too_many_members());
    ControlFlow::Continue(())
}

fn too_many_members() -> String {
    format!("only the first {MAX_MEMBERS} files of the archive are read")
}
