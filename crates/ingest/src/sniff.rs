//! What a file is, by its first bytes.

use memchr::memmem;

use crate::listing::Listing;
use crate::stream::Stream;
use crate::{
    Format, journal, jsonl, lastlog, rows, sevenz, sqlite, tar, textlog, utf16, utmp, xml,
};

/// How much of a file is looked at: up to where an event log's first chunk begins.
const HEAD_BYTES: usize = EVTX_FIRST_CHUNK + EVTX_CHUNK_MAGIC.len();
/// How much of text is looked at: JSON lines can begin with long values, logs with a kernel's.
pub(crate) const TEXT_HEAD_BYTES: usize = 64 * 1024;
const EVTX_FIRST_CHUNK: usize = 4096;
const EVTX_CHUNK_MAGIC: &[u8] = b"ElfChnk\0";

/// The kinds of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Gzip,
    Zstd,
    Zip,
    SevenZ,
    Tar,
    Evtx,
    JsonLines,
    /// An array of JSON objects.
    JsonArray,
    /// A table in CSV.
    Table,
    /// One JSON object or a few, each over several lines or too long for one.
    Json,
    /// Windows events in XML.
    Xml,
    /// JSON objects one behind the other, with nothing between them or lines of their own.
    JsonObjects,
    JournalExport,
    /// Lines of text of which the first ones are of this format.
    TextLog(Format),
    Utmp,
    /// The records of utmp as `last` or `utmpdump` print them.
    Listing(Listing),
    Lastlog,
    Sqlite,
    /// Nothing that can be read, and why.
    Unknown(String),
}

/// Looks at the start of a file.
pub(crate) fn content(stream: &mut Stream<'_>) -> Content {
    let head = stream.look(HEAD_BYTES);
    if !head.is_empty() {
        return match content_of(head) {
            Content::JsonLines if jsonl::is_concatenated(stream.look(TEXT_HEAD_BYTES)) => {
                Content::JsonObjects
            }
            Content::TextLog(_) => textlog_of(stream.look(TEXT_HEAD_BYTES), "not a known format"),
            Content::Unknown(reason) => {
                let head = stream.look(TEXT_HEAD_BYTES);
                match textlog_of(head, &reason) {
                    Content::Unknown(_) if rows::is_known(head) => Content::Table,
                    Content::Unknown(reason) => {
                        Content::Unknown(rows::refusal(head).unwrap_or(reason))
                    }
                    content => content,
                }
            }
            content => content,
        };
    }
    Content::Unknown(match stream.look_error() {
        Some(error) => format!("cannot be read: {error}"),
        None => "empty".to_owned(),
    })
}

/// A log of lines looks like one throughout what is looked at; what does not is told why it is not read.
fn textlog_of(head: &[u8], reason: &str) -> Content {
    match textlog::format(head) {
        Some(format) => Content::TextLog(format),
        None => Content::Unknown(textlog::foreign_name(head).unwrap_or(reason).to_owned()),
    }
}

fn content_of(head: &[u8]) -> Content {
    if head.starts_with(b"\x1f\x8b\x08") {
        return Content::Gzip;
    }
    // The second begins a frame that is to be passed over, as some writers put first (RFC 8878 §3.1.2).
    if head.starts_with(b"\x28\xb5\x2f\xfd") || is_skippable_frame(head) {
        return Content::Zstd;
    }
    // The second is a zip without members.
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Content::Zip;
    }
    if head.starts_with(sevenz::MAGIC) {
        return Content::SevenZ;
    }
    // A log whose first block was overwritten is still one: chunks are found by their place.
    if head.starts_with(b"ElfFile\0") || head.get(EVTX_FIRST_CHUNK..) == Some(EVTX_CHUNK_MAGIC) {
        return Content::Evtx;
    }
    if head.starts_with(sqlite::MAGIC) {
        return Content::Sqlite;
    }
    if tar::is_header(head) {
        return Content::Tar;
    }
    if utmp::is_log(head) {
        return Content::Utmp;
    }
    if lastlog::is_log(head) {
        return Content::Lastlog;
    }
    if journal::is_export(head) {
        return Content::JournalExport;
    }
    if let Some(listing) = Listing::of(head) {
        return Content::Listing(listing);
    }
    if rows::is_known(head) {
        return Content::Table;
    }
    match text(head) {
        Some(b'{') if is_document(head) => Content::Json,
        // `journalctl -o json-seq` separates its entries so.
        Some(b'{' | 0x1e) => Content::JsonLines,
        Some(b'R') if is_numbered(head) => Content::JsonObjects,
        Some(b'[') if is_array_of_objects(head) => Content::JsonArray,
        Some(_) if let Some(format) = textlog::format(head) => Content::TextLog(format),
        // A log that was cut at a size begins within a line.
        Some(_) if line_starts_with_object(head) => Content::JsonLines,
        Some(b'<') if xml::has_start(head) => Content::Xml,
        // The same of XML, whose lines say nothing.
        Some(_) if memmem::find(head, XML_NAMESPACE).is_some() => Content::Xml,
        first => Content::Unknown(reason(head, first)),
    }
}

/// Whether what is appended to a file of these first bytes can be read by itself, line by line; `None`
/// while they are too few to tell, or of no known format.
pub(crate) fn grows_by_lines(head: &[u8]) -> Option<bool> {
    if head.is_empty() {
        return None;
    }
    match content_of(head.get(..HEAD_BYTES).unwrap_or(head)) {
        Content::JsonLines => Some(true),
        // An event a line, if the first is one.
        Content::Xml => {
            let text = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
            let end = text.iter().position(|&byte| byte == b'\n');
            match end {
                Some(end) => Some(text[..end].trim_ascii_end().ends_with(b"</Event>")),
                None => (head.len() >= TEXT_HEAD_BYTES).then_some(false),
            }
        }
        Content::Unknown(_) | Content::TextLog(_) => textlog::format(head).map(|_| true),
        _ => Some(false),
    }
}

fn is_skippable_frame(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

const XML_NAMESPACE: &[u8] = b"http://schemas.microsoft.com/win/2004/08/events/event";

/// Whether each object has a line before it, as evtx_dump writes: `Record 12`.
fn is_numbered(head: &[u8]) -> bool {
    let head = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    let number = head.strip_prefix(b"Record ").unwrap_or_default();
    let rest = number.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && rest[digits..].trim_ascii_start().starts_with(b"{")
}

/// Lines of text may begin with a bracket, too.
fn is_array_of_objects(head: &[u8]) -> bool {
    let mut bytes = head.iter().skip_while(|&&byte| byte != b'[').skip(1);
    bytes.find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// The first byte of text that is no blank, behind a byte order mark.
fn text(head: &[u8]) -> Option<u8> {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    head.trim_ascii_start().first().copied()
}

/// Whether an object goes over several lines, or is an API's answer, which is one long line.
fn is_document(head: &[u8]) -> bool {
    const ANSWERS: [&[u8]; 9] = [
        b"\"tables\"",
        b"\"Tables\"",
        b"\"@odata",
        b"\"value\"",
        b"\"Schema\"",
        b"\"schema\"",
        b"\"Results\"",
        b"\"results\"",
        b"\"Stats\"",
    ];
    let head = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    let inside = head.strip_prefix(b"{").unwrap_or(head);
    let first = inside.trim_ascii_start();
    let blanks = &inside[..inside.len() - first.len()];
    blanks.contains(&b'\n') || ANSWERS.iter().any(|answer| first.starts_with(answer))
}

/// UTF-8's byte order mark, which Windows programs put first.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

fn line_starts_with_object(head: &[u8]) -> bool {
    head.split(|&byte| byte == b'\n').skip(1).any(|line| line.starts_with(b"{\""))
}

/// Whether text that begins with `<` goes on like XML; a line of syslog has a number there.
fn is_markup(head: &[u8]) -> bool {
    let text = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
    text.get(1).is_some_and(|byte| !byte.is_ascii_digit())
}

/// Names what is not read, where that is easy: it saves a person the search.
fn reason(head: &[u8], first: Option<u8>) -> String {
    const MAGICS: [(&[u8], &str); 5] = [
        (b"\xfd7zXZ\0", "an xz archive, which is not read"),
        (b"BZh", "a bzip2 archive, which is not read"),
        (b"Rar!", "a RAR archive, which is not read"),
        (b"\x7fELF", "a program"),
        (b"MZ", "a program"),
    ];
    let known = MAGICS.iter().find(|(magic, _)| head.starts_with(magic));
    let what = match (known, first) {
        (Some((_, what)), _) => what,
        _ if utf16::is_utf32(head) => "text in UTF-32, which is not read; convert it to UTF-8",
        (None, None) => "nothing but blanks",
        (None, Some(b'<')) if is_markup(head) => {
            "not a known format (it looks like XML without events)"
        }
        (None, Some(b'[')) => "not a known format (it looks like a JSON array without objects)",
        _ => "not a known format",
    };
    what.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn logs_that_grow_by_lines_are_told_from_what_is_read_from_its_start() {
        let event = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>";
        for (head, expected) in [
            (&b"Mar  1 10:00:00 web-1 sshd[7]: a\n"[..], Some(true)),
            (b"type=LOGIN msg=audit(1.0:2): pid=1\n", Some(true)),
            (b"{\"a\":1}\n", Some(true)),
            (b"{\"__CURSOR\":\"s=1\",\"__REALTIME_TIMESTAMP\":\"1\"}\n", Some(true)),
            (format!("{event}</Event>\r\n{event}").as_bytes(), Some(true)),
            (format!("\u{feff}{event}\n<System/></Event>").as_bytes(), Some(false)),
            (event.as_bytes(), None),
            (b"[{\"a\":1}]", Some(false)),
            (b"{\"value\":[]}", Some(false)),
            (b"\x1f\x8b\x08\x00", Some(false)),
            (b"ElfFile\0", Some(false)),
            (b"once upon a time\n", None),
            (b"", None),
        ] {
            assert_eq!(grows_by_lines(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn content_is_known_by_its_first_bytes() {
        let mut chunk = vec![0; EVTX_FIRST_CHUNK];
        chunk.extend(EVTX_CHUNK_MAGIC);
        for (head, expected) in [
            (&b"\x1f\x8b\x08\x00"[..], Content::Gzip),
            (b"\x28\xb5\x2f\xfd\x00", Content::Zstd),
            (b"\x51\x2a\x4d\x18\x00", Content::Zstd),
            (b"PK\x03\x04", Content::Zip),
            (b"7z\xbc\xaf\x27\x1c\0\x04", Content::SevenZ),
            (b"SQLite format 3\0\x10", Content::Sqlite),
            (b"ElfFile\0", Content::Evtx),
            (&chunk, Content::Evtx),
            (b"{\"a\":1}\n", Content::JsonLines),
            (b"\xef\xbb\xbf\r\n {\"a\":1}", Content::JsonLines),
            (b"ost\":\"x\"}\n{\"a\":1}", Content::JsonLines),
            (b"\xef\xbb\xbf [\r\n  {\"a\":1}]", Content::JsonArray),
            (b"\"_time\",\"_raw\"\r\n", Content::Table),
            (b"\xef\xbb\xbfTenantId;TimeGenerated [UTC];Computer;Eve", Content::Table),
            (b"{\r\n  \"a\": 1\r\n}", Content::Json),
            (b"{\"@odata.context\": \"x\", \"value\": []}", Content::Json),
            (b"{\"records\":[]}\n", Content::JsonLines),
            (b"\xef\xbb\xbfTimestamp,\"DeviceId\",x\r\n", Content::Table),
            (b"user;footfall;time\n", Content::Table),
            (b"<Event xmlns='x'>", Content::Xml),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\r\n<Events>", Content::Xml),
            (
                b"a</Data></EventData></Event><Event \
                  xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\">",
                Content::Xml,
            ),
        ] {
            assert_eq!(content_of(head), expected);
        }
        for (head, word) in [
            (&b"<EventLog>"[..], "XML"),
            (b"[1,{}]", "array"),
            (b"[2026-03-01] {\"a\":1}", "array"),
            (b"\xff\xfe\0\0{\0\0\0", "UTF-32"),
            (b" \r\n", "blanks"),
            (b"\0\x05\x16\x07", "not a known format"),
        ] {
            let Content::Unknown(reason) = content_of(head) else {
                panic!("{head:?}");
            };
            assert!(reason.contains(word), "{reason}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(head in prop::collection::vec(any::<u8>(), 1..2048)) {
            let _ = content_of(&head);
        }
    }
}
