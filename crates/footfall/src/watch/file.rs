//! One file: what of it is new, in whole lines, or all of it where its form is read from the start.

use std::fs::{self, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use store::Followed;

use super::places::{FileId, Places};
use super::report::Event;
use super::targets::Target;

/// What is read at once.
const BATCH_BYTES: usize = 1024 * 1024;
/// A longer line is passed over.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;
/// Bytes at either end of what was read that tell whether a file is still the same.
const MARK_BYTES: usize = 256;
/// A last line without an end is whole once nothing came for so long.
const LAST_LINE_AFTER: Duration = Duration::from_secs(10);
/// A file that is read from its start is read once it did not change for so long.
const SETTLED_AFTER: Duration = Duration::from_secs(1);
/// How long a file is kept open after it grew: programs write to a log that was rotated until they are
/// told of it.
const OPEN_FOR: Duration = Duration::from_secs(60);
/// Of a packed log no more is unpacked to see whether it was read.
const MAX_UNPACKED_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// Lines to be written together.
pub(super) struct Batch {
    pub(super) records: Vec<Bytes>,
    /// Lines that were too long.
    pub(super) unreadable: u64,
    /// What it is of, up to the new place.
    bytes: Bytes,
    /// The next bytes go on with a line that is too long.
    is_passing: bool,
}

/// What a look at a file brought.
pub(super) enum Turn {
    Nothing,
    /// It changes just now.
    Unsettled,
    Lines(Batch),
    /// The file, to be read from its start.
    Whole(fs::File),
    /// A packed log that was read before it was packed.
    Known,
}

/// How a file changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    Lines,
    Whole,
}

/// A file that is followed.
pub(super) struct File {
    target: Target,
    place: Followed,
    growth: Option<Growth>,
    open: Option<fs::File>,
    /// The bytes of the marks of the place; `None` until they were compared.
    marks: Option<Marks>,
    /// Size and time at the last look that found nothing more.
    looked: Option<(u64, i64)>,
    /// Size and time when it changed, and when that was seen.
    changed: Option<(u64, i64, Instant)>,
    is_passing: bool,
    has_told: bool,
    /// It was told that it is of no known form.
    is_strange: bool,
    events: Vec<Event<'static>>,
}

#[derive(Default)]
struct Marks {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Marks {
    fn push(&mut self, bytes: &[u8]) {
        let room = MARK_BYTES - self.head.len();
        self.head.extend(bytes.iter().take(room));
        self.tail.extend(bytes.iter().skip(bytes.len().saturating_sub(MARK_BYTES)));
        let excess = self.tail.len().saturating_sub(MARK_BYTES);
        self.tail.drain(..excess);
    }
}

impl File {
    /// A file that was found, and its place if it was read before.
    pub(super) fn new(target: Target, place: Option<Followed>) -> Self {
        let place = place.unwrap_or_else(|| Followed {
            source: target.log.clone(),
            device: target.id.device,
            inode: target.id.inode,
            position: 0,
            modified: 0,
            head_length: 0,
            head: Vec::new(),
            tail: Vec::new(),
            cursor: String::new(),
            at: Timestamp::MIN,
        });
        Self {
            target,
            place,
            growth: None,
            open: None,
            marks: None,
            looked: None,
            changed: None,
            is_passing: false,
            has_told: false,
            is_strange: false,
            events: Vec::new(),
        }
    }

    /// It is found here now.
    pub(super) fn is_at(&mut self, target: Target) {
        if self.target.path != target.path {
            let (from, to) = (self.path(), target.path.display().to_string());
            self.events.push(Event::Rotated { path: from, to });
        }
        self.target = target;
    }

    /// What it was called when it was found first, under which its records are counted.
    pub(super) fn source(&self) -> String {
        self.place.source.clone()
    }

    pub(super) fn path(&self) -> String {
        self.target.path.display().to_string()
    }

    pub(super) fn take_events(&mut self) -> Vec<Event<'static>> {
        std::mem::take(&mut self.events)
    }

    /// Whether more may come although it is in no place that is watched.
    pub(super) fn is_worth_keeping(&self) -> bool {
        let changed = self.changed.is_some_and(|(_, _, when)| when.elapsed() < OPEN_FOR);
        self.open.is_some() && changed
    }

    fn metadata(&self) -> io::Result<Metadata> {
        match &self.open {
            Some(file) => file.metadata(),
            None => fs::metadata(&self.target.path),
        }
    }

    /// Whether there may be something new.
    pub(super) fn is_due(&mut self, is_once: bool) -> bool {
        // What cannot be asked is due, so that its error is told.
        let Ok(metadata) = self.metadata() else { return true };
        let now = (metadata.len(), modified(&metadata));
        if self.changed.is_none_or(|(length, time, _)| (length, time) != now) {
            self.changed = Some((now.0, now.1, Instant::now()));
        }
        let since = self.changed.map_or(Duration::ZERO, |(_, _, when)| when.elapsed());
        if since >= OPEN_FOR {
            self.open = None;
        }
        if self.growth == Some(Growth::Whole) && !is_once && since < SETTLED_AFTER {
            return false;
        }
        let has_last_line = self.growth == Some(Growth::Lines) && self.place.position < now.0;
        self.looked != Some(now) || has_last_line && is_quiet(&metadata)
    }

    /// Reads what is new.
    pub(super) fn read(&mut self, is_once: bool, places: &Places) -> io::Result<Turn> {
        let mut file = match self.open.take() {
            Some(file) => file,
            None => fs::File::open(&self.target.path)?,
        };
        let metadata = file.metadata()?;
        if FileId::of(&self.target.path, &metadata) != self.target.id {
            // Another took its name since it was found; the next pass sees both.
            return Ok(Turn::Unsettled);
        }
        let now = (metadata.len(), modified(&metadata));
        let turn = self.read_from(&mut file, &metadata, is_once, places);
        self.looked = match turn {
            Ok(Turn::Lines(_) | Turn::Unsettled) => None,
            _ => Some(now),
        };
        self.open = Some(file);
        turn
    }

    fn read_from(
        &mut self,
        file: &mut fs::File,
        metadata: &Metadata,
        is_once: bool,
        places: &Places,
    ) -> io::Result<Turn> {
        if self.growth != Some(Growth::Whole) {
            self.compare(file, metadata, places)?;
        }
        if self.growth.is_none() {
            let head = read_at(file, 0, ingest::live::HEAD_BYTES)?;
            self.growth = match ingest::live::grows_by_lines(&head) {
                Some(true) => Some(Growth::Lines),
                Some(false) => Some(Growth::Whole),
                // The next bytes may tell.
                None => {
                    if !head.is_empty() && !std::mem::replace(&mut self.is_strange, true) {
                        let reason = "nothing in it is read so far".to_owned();
                        self.events.push(Event::Skipped { path: self.path(), reason });
                    }
                    return Ok(Turn::Nothing);
                }
            };
            if self.growth == Some(Growth::Lines) && self.place.modified != 0 {
                // It was of another form.
                (self.place.position, self.place.modified) = (0, 0);
            }
            if !std::mem::replace(&mut self.has_told, true) {
                let position = self.place.position;
                self.events.push(Event::Following { path: self.path(), position });
            }
        }
        match self.growth {
            Some(Growth::Lines) => self.lines(file, metadata),
            Some(Growth::Whole) => self.whole(file, metadata, is_once, places),
            None => Ok(Turn::Nothing),
        }
    }

    /// Sees whether the file is what it was up to its place; if not, it begins anew. One that is new goes
    /// on where a log was read to of which it is a copy.
    fn compare(
        &mut self,
        file: &mut fs::File,
        metadata: &Metadata,
        places: &Places,
    ) -> io::Result<()> {
        // Of a form that is read from its start there are no marks.
        if self.place.modified != 0 {
            return Ok(());
        }
        if self.place.head_length == 0 {
            if self.marks.is_none() {
                self.marks = Some(Marks::default());
                if let Some((like, marks)) = copied(file, metadata.len(), &self.path(), places)? {
                    let Followed { position, head_length, head, tail, .. } = like;
                    self.place =
                        Followed { position, head_length, head, tail, ..self.place.clone() };
                    self.marks = Some(marks);
                }
            }
            return Ok(());
        }
        if let Some(marks) = marks_of(file, metadata.len(), &self.place)? {
            self.marks = Some(marks);
            return Ok(());
        }
        self.events.push(Event::Truncated { path: self.path() });
        self.place.source.clone_from(&self.target.log);
        self.place.position = 0;
        self.place.head_length = 0;
        (self.marks, self.growth, self.is_passing) = (Some(Marks::default()), None, false);
        Ok(())
    }

    fn lines(&mut self, file: &mut fs::File, metadata: &Metadata) -> io::Result<Turn> {
        let mut bytes = read_at(file, self.place.position, BATCH_BYTES)?;
        let mut end = end_of_lines(&bytes);
        while end == 0 && bytes.len() >= BATCH_BYTES && bytes.len() < MAX_LINE_BYTES {
            let at = self.place.position + bytes.len() as u64;
            let more = read_at(file, at, BATCH_BYTES)?;
            if more.is_empty() {
                break;
            }
            let before = bytes.len();
            bytes.extend(more);
            end = bytes[before..]
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |at| before + at + 1);
        }
        let mut is_passing = self.is_passing;
        let mut unreadable = 0;
        if end == 0 {
            if bytes.len() >= MAX_LINE_BYTES {
                unreadable = u64::from(!std::mem::replace(&mut is_passing, true));
            } else if bytes.is_empty() || !is_quiet(metadata) {
                return Ok(Turn::Nothing);
            }
            end = bytes.len();
        }
        bytes.truncate(end);
        let bytes = Bytes::from(bytes);
        let mut text = bytes.clone();
        if self.is_passing {
            // The rest of a line that was too long.
            match text.iter().position(|&byte| byte == b'\n') {
                Some(end) => {
                    text = text.slice(end + 1..);
                    is_passing = false;
                }
                None => text = Bytes::new(),
            }
        } else if is_passing {
            text = Bytes::new();
        }
        let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let records = lines.map(|line| text.slice_ref(line)).collect();
        Ok(Turn::Lines(Batch { records, unreadable, bytes, is_passing }))
    }

    fn whole(
        &mut self,
        file: &mut fs::File,
        metadata: &Metadata,
        is_once: bool,
        places: &Places,
    ) -> io::Result<Turn> {
        let now = (metadata.len(), modified(metadata));
        if (self.place.position, self.place.modified) == now {
            return Ok(Turn::Nothing);
        }
        let is_settled = self.changed.is_some_and(|(_, _, when)| when.elapsed() >= SETTLED_AFTER);
        if !is_once && !is_settled {
            return Ok(Turn::Unsettled);
        }
        if self.target.is_maybe_old && self.place.modified == 0 && is_gzip(file)? {
            let packed = packed(file, &self.path(), places);
            if let Packed::Read = packed {
                self.looked = Some(now);
                self.done_whole();
                return Ok(Turn::Known);
            }
        }
        file.seek(SeekFrom::Start(0))?;
        Ok(Turn::Whole(file.try_clone()?))
    }

    /// The batch is on the disk.
    pub(super) fn done(&mut self, batch: &Batch) {
        self.place.position += batch.bytes.len() as u64;
        self.is_passing = batch.is_passing;
        let marks = self.marks.get_or_insert_default();
        marks.push(&batch.bytes);
        self.place.head_length = marks.head.len() as u32;
        self.place.head = hash(&marks.head);
        self.place.tail = hash(&marks.tail);
    }

    /// The file is on the disk as it was at the last look.
    pub(super) fn done_whole(&mut self) {
        if let Some((length, modified)) = self.looked {
            (self.place.position, self.place.modified) = (length, modified);
        }
    }

    /// What was read could not be written now.
    pub(super) fn look_again(&mut self) {
        self.looked = None;
    }

    /// Its place now.
    pub(super) fn place(&self, at: Timestamp) -> Followed {
        Followed { at, ..self.place.clone() }
    }
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// The bytes of a place's marks, if the file has them where they were.
fn marks_of(file: &mut fs::File, length: u64, place: &Followed) -> io::Result<Option<Marks>> {
    if length < place.position {
        return Ok(None);
    }
    let head = read_at(file, 0, place.head_length as usize)?;
    if hash(&head) != place.head {
        return Ok(None);
    }
    let tail_length = place.position.min(MARK_BYTES as u64);
    let tail = read_at(file, place.position - tail_length, tail_length as usize)?;
    Ok((hash(&tail) == place.tail).then_some(Marks { head, tail }))
}

/// The place of a log of which a file is a copy, as it is made in rotation: it is called after the log, and
/// has what was read of it.
fn copied(
    file: &mut fs::File,
    length: u64,
    path: &str,
    places: &Places,
) -> io::Result<Option<(Followed, Marks)>> {
    let head = read_at(file, 0, MARK_BYTES)?;
    let like = places.like(|place| place.position <= length && is_of(place, path, &head));
    let Some(like) = like else { return Ok(None) };
    Ok(marks_of(file, length, &like)?.map(|marks| (like, marks)))
}

/// Whether a file of this name can be what a log became, by its first bytes.
fn is_of(place: &Followed, path: &str, head: &[u8]) -> bool {
    path.len() > place.source.len()
        && path.starts_with(&place.source)
        && head.get(..place.head_length as usize).is_some_and(|head| hash(head) == place.head)
}

/// Whether a file beside a log is what it was, or holds a rest of it that was not read: of a copy, or of
/// what came and went since the log was read last. To what it was programs may still write.
pub(super) fn is_rest(target: &Target, metadata: &Metadata, places: &Places) -> bool {
    if let Some(place) = places.of(target) {
        let is_open = place.modified == 0 && place.position <= metadata.len();
        return place.source == target.log && is_open;
    }
    let Ok(mut file) = fs::File::open(&target.path) else { return false };
    let path = target.path.display().to_string();
    let is_rest = match is_gzip(&mut file) {
        Ok(true) => match packed(&mut file, &path, places) {
            Packed::Read => Some(false),
            Packed::Rest => Some(true),
            Packed::Unknown => None,
        },
        Ok(false) => {
            let copied = copied(&mut file, metadata.len(), &path, places).ok().flatten();
            copied.map(|(place, _)| place.position < metadata.len())
        }
        Err(_) => Some(false),
    };
    is_rest.unwrap_or_else(|| {
        const NANOS_PER_TICK: i64 = 1_000_000_000 / TICKS_PER_SECOND;
        /// File systems stamp by a coarse clock, and to read a file twice does no harm.
        const SLACK: i64 = 2 * TICKS_PER_SECOND;
        let last_read = places.last_read(&target.log).map(|at| (at.ticks() - SLACK).max(0));
        let last_read = last_read.map(|ticks| ticks.saturating_mul(NANOS_PER_TICK));
        last_read.is_some_and(|last_read| modified(metadata) >= last_read)
    })
}

fn is_gzip(file: &mut fs::File) -> io::Result<bool> {
    Ok(read_at(file, 0, 3)? == b"\x1f\x8b\x08")
}

/// What a packed log is of what was read.
enum Packed {
    /// It was read to its end before it was packed.
    Read,
    /// Its end was not read.
    Rest,
    Unknown,
}

fn packed(file: &mut fs::File, path: &str, places: &Places) -> Packed {
    // What cannot be unpacked is told of when it is read.
    try_packed(file, path, places).unwrap_or(Packed::Unknown)
}

fn try_packed(file: &mut fs::File, path: &str, places: &Places) -> io::Result<Packed> {
    file.seek(SeekFrom::Start(0))?;
    let mut unpacked = MultiGzDecoder::new(io::BufReader::new(file)).take(MAX_UNPACKED_BYTES);
    let mut head = Vec::new();
    (&mut unpacked).take(MARK_BYTES as u64).read_to_end(&mut head)?;
    let Some(place) = places.like(|place| is_of(place, path, &head)) else {
        return Ok(Packed::Unknown);
    };
    let mut marks = Marks::default();
    let mut length = head.len() as u64;
    marks.push(&head[..head.len().min(usize::try_from(place.position).unwrap_or(usize::MAX))]);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = unpacked.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        let before = place.position.saturating_sub(length).min(count as u64) as usize;
        marks.push(&buffer[..before]);
        length += count as u64;
    }
    if length < place.position || hash(&marks.tail) != place.tail {
        return Ok(Packed::Unknown);
    }
    Ok(if length == place.position { Packed::Read } else { Packed::Rest })
}

/// Reads so many bytes from there, or those that there are.
fn read_at(file: &mut fs::File, at: u64, bytes: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut read = Vec::new();
    file.take(bytes as u64).read_to_end(&mut read)?;
    Ok(read)
}

/// Behind the last newline.
fn end_of_lines(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1)
}

/// Nanoseconds since 1970.
fn modified(metadata: &Metadata) -> i64 {
    let time = metadata.modified().ok();
    let since = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

/// Whether nothing came for a while.
fn is_quiet(metadata: &Metadata) -> bool {
    let time = metadata.modified().ok();
    // A time that is to come is a clock's fault; nothing is known then, and nothing lost by reading.
    time.is_none_or(|time| time.elapsed().is_ok_and(|since| since >= LAST_LINE_AFTER))
}
