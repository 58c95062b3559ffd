//! Bytes of event logs into [`Logon`]s, [`SessionEvent`]s and [`MachineReport`]s, with counted
//! outcomes.
//!
//! The one idea: [`read()`] takes an input apart, archive by archive and file by file, knows each
//! file's format by its content and never by its name, and tells a [`Receiver`] what it found, in
//! the order of the input. Nothing here knows the store, the clock or an async runtime, and no
//! byte of an input can make it panic or take memory without a bound.
//!
//! Reading order follows the data: [`input`] (what there is to read), `archive` and `sniff` (what
//! is in it), `pipeline` (both cores at work, results in order), then a file for each format:
//! `evtx`, `xml`, and `jsonl` and `rows`, whose records have a `shape`, with a small file for each
//! (`nxlog`, `flat`, `winlogbeat`, `fluent_bit`, `vector`, `openwec`, `splunk`, `sentinel`), or are read
//! by `event_json`, which finds an event in any JSON.
//! `windows` turns the fields of a Windows logon event into a [`Logon`], whichever shape brought
//! them; `event_xml` finds them in one event in XML. `product` judges the records of other products
//! (`defender`, `osquery`, `entra`, `ecs`, `ocsf`, our own `native`), whether lines, a `document` or `rows` brought them;
//! `platform` has the vendor's names of operating systems.
//!
//! Of Linux: `utmp` and `lastlog` (records of one size), `wtmpdb` (both in `sqlite`), `listing` (utmp as text),
//! `textlog` (lines of `syslog` and of `auditd`; of the latter also `laurel`), `journal`; `sshd` and `logind` read what these
//! say in any of them, `linux` makes the [`Logon`].
//!
//! Every record in JSON goes through `record`, whichever way it comes: by itself, in an answer (`kusto`, `product`), or in what
//! a shipper puts around it (`carrier`); what is not read is named by `foreign`. Lines and entries that were in it are read
//! in their order by `sequence`. What comes without a file, record by record, is read by [`live`], by the same.
//!
//! CONTRIBUTING.md says where a new format goes.

mod archive;
mod auditd;
mod carrier;
mod defender;
mod document;
mod ecs;
mod entra;
mod event_json;
mod event_xml;
mod evtx;
mod field;
mod flat;
mod fluent_bit;
mod foreign;
pub mod input;
mod journal;
mod jsonl;
mod kusto;
mod lastlog;
mod laurel;
mod line;
mod linux;
mod listing;
pub mod live;
mod logind;
mod native;
mod nxlog;
mod object;
mod ocsf;
mod openwec;
mod osquery;
pub mod passwd;
mod pipeline;
mod platform;
mod product;
mod record;
pub mod reject;
mod reports;
mod rows;
mod sentinel;
mod sequence;
mod session;
mod sevenz;
mod shape;
mod sniff;
mod splunk;
mod sqlite;
mod sshd;
mod stream;
mod syslog;
mod tar;
mod textlog;
mod utf16;
mod utmp;
mod vector;
mod windows;
mod winlogbeat;
mod words;
mod wtmpdb;
mod xml;
mod zone;

use std::fs::File;
use std::io::Read;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use inventory::identity::Identifier;
use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::rule::Rule;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;
use jiff::tz::TimeZone;

use crate::input::Input;
use crate::passwd::Passwd;
use crate::reject::{Reject, Skipped};
use crate::session::Session;
use crate::stream::{Metered, Stream};

/// What a reader may choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which logons count; the others are counted as noise.
    pub rule: Rule,
    /// The machine of sources, and of single records, that do not name theirs.
    pub device: Option<String>,
    /// The installation that logs of Linux are of, where they do not say it themselves. Lines of other
    /// hosts are not of it.
    pub machine_id: Option<Identifier>,
    /// The zone of stamps that lack one; without it what the records show of it, else UTC.
    pub timezone: Option<TimeZone>,
    /// The year of stamps that lack one: of a file's first. Without it the file's date tells.
    pub year: Option<i16>,
    /// When what has no date of its own was written: it tells the year where nothing else does.
    pub written: Option<Timestamp>,
    /// The names of users of whom a log has only the number.
    pub users: Passwd,
    /// How many threads parse, beside the calling one, which reads and delivers.
    pub threads: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rule: Rule::default(),
            device: None,
            machine_id: None,
            timezone: None,
            year: None,
            written: None,
            users: Passwd::default(),
            threads: NonZeroUsize::MIN,
        }
    }
}

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// A Windows event log file, of a machine's own log or saved from a collector's.
    Evtx,
    /// NXLog's JSON lines (and OpenWEC's form of them).
    NxLog,
    /// The flat JSON lines of the OTRF captures of 2021 and later.
    FlatJson,
    /// Events in XML, as Windows Event Forwarding, `wevtutil` and the Event Viewer write them.
    WefXml,
    /// Winlogbeat's JSON lines, with or without the Elastic Common Schema.
    Winlogbeat,
    /// The JSON lines of Fluent Bit's `winevtlog` input.
    FluentBit,
    /// The JSON lines of Vector's `windows_event_log` source.
    Vector,
    /// OpenWEC's own JSON lines.
    OpenWec,
    /// Events in XML in Splunk's JSON.
    Splunk,
    /// Microsoft Sentinel's tables of Windows events.
    Sentinel,
    /// Windows events that some other program turned into JSON.
    EventJson,
    /// Linux' wtmp, btmp and utmp.
    Utmp,
    /// Linux' lastlog.
    Lastlog,
    /// wtmpdb, which has wtmp's place on newer systems.
    Wtmpdb,
    /// lastlog2, which has lastlog's.
    Lastlog2,
    /// The systemd journal, as JSON lines or in its export form.
    Journal,
    /// Lines of syslog: auth.log, secure.
    Syslog,
    /// The Linux audit log.
    Auditd,
    /// Microsoft Defender's tables: streaming export, Event Hubs messages, hunting results.
    Defender,
    /// Result logs of osquery.
    Osquery,
    /// Sign-ins of Entra, devices of Intune.
    Entra,
    /// Events in the Elastic Common Schema that are not Windows'.
    Ecs,
    /// Events in the Open Cybersecurity Schema Framework.
    Ocsf,
    /// Footfall's own lines and tables.
    Own,
}

impl Format {
    /// All of them, in the order of reports.
    pub const ALL: [Format; 24] = [
        Format::Evtx,
        Format::NxLog,
        Format::FlatJson,
        Format::WefXml,
        Format::Winlogbeat,
        Format::FluentBit,
        Format::Vector,
        Format::OpenWec,
        Format::Splunk,
        Format::Sentinel,
        Format::EventJson,
        Format::Utmp,
        Format::Lastlog,
        Format::Wtmpdb,
        Format::Lastlog2,
        Format::Journal,
        Format::Syslog,
        Format::Auditd,
        Format::Defender,
        Format::Osquery,
        Format::Entra,
        Format::Ecs,
        Format::Ocsf,
        Format::Own,
    ];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Evtx => "EVTX",
            Format::NxLog => "NXLog JSON",
            Format::FlatJson => "flat JSON",
            Format::WefXml => "WEF XML",
            Format::Winlogbeat => "Winlogbeat",
            Format::FluentBit => "Fluent Bit",
            Format::Vector => "Vector",
            Format::OpenWec => "OpenWEC",
            Format::Splunk => "Splunk",
            Format::Sentinel => "Sentinel",
            Format::EventJson => "event JSON",
            Format::Utmp => "wtmp/btmp",
            Format::Lastlog => "lastlog",
            Format::Wtmpdb => "wtmpdb",
            Format::Lastlog2 => "lastlog2",
            Format::Journal => "journal",
            Format::Syslog => "syslog",
            Format::Auditd => "auditd",
            Format::Defender => "Defender",
            Format::Osquery => "osquery results",
            Format::Entra => "Entra and Intune",
            Format::Ecs => "ECS",
            Format::Ocsf => "OCSF",
            Format::Own => "Footfall",
        }
    }

    /// What programs call it.
    pub fn key(self) -> &'static str {
        match self {
            Format::Evtx => "evtx",
            Format::NxLog => "nxlog",
            Format::FlatJson => "flat-json",
            Format::WefXml => "wef-xml",
            Format::Winlogbeat => "winlogbeat",
            Format::FluentBit => "fluent-bit",
            Format::Vector => "vector",
            Format::OpenWec => "openwec",
            Format::Splunk => "splunk",
            Format::Sentinel => "sentinel",
            Format::EventJson => "event-json",
            Format::Utmp => "utmp",
            Format::Lastlog => "lastlog",
            Format::Wtmpdb => "wtmpdb",
            Format::Lastlog2 => "lastlog2",
            Format::Journal => "journal",
            Format::Syslog => "syslog",
            Format::Auditd => "auditd",
            Format::Defender => "defender",
            Format::Osquery => "osquery",
            Format::Entra => "entra",
            Format::Ecs => "ecs",
            Format::Ocsf => "ocsf",
            Format::Own => "footfall",
        }
    }
}

/// What was counted in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that could be read, of whatever kind.
    pub records: u64,
    /// Successful logons that count, each time they are in the file: the store finds repeats.
    pub logons: u64,
    /// Successful logons that the rule leaves out.
    pub noise: u64,
    /// Failed logons.
    pub failures: u64,
    /// Reports of machines about themselves.
    pub reports: u64,
    /// What happened to sessions of accounts that are no noise: ends, locks, reconnections.
    pub changes: u64,
    /// Records, lines or chunks that could not be read.
    pub rejects: u64,
    /// The earliest time among the logons that count.
    pub first: Option<Timestamp>,
    /// The latest time among the logons that count.
    pub last: Option<Timestamp>,
    /// The latest time that was rejected because it lies ahead ([`Rule::latest`]).
    pub ahead: Option<Timestamp>,
}

impl Tally {
    /// Adds what another file counted.
    pub fn add(&mut self, other: &Tally) {
        self.records += other.records;
        self.logons += other.logons;
        self.noise += other.noise;
        self.failures += other.failures;
        self.reports += other.reports;
        self.changes += other.changes;
        self.rejects += other.rejects;
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.into_iter().chain(other.last).max();
        self.ahead = self.ahead.max(other.ahead);
    }

    /// Whether nothing at all was counted.
    pub fn is_empty(&self) -> bool {
        *self == Tally::default()
    }

    fn count_logon(&mut self, time: Timestamp) {
        self.logons += 1;
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }
}

/// A file, or a member of an archive, that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// The path, with the path inside the archive behind it: `a.zip/b/c.json`.
    pub name: String,
    /// What it was. A file of JSON lines that mixes formats has a report for each.
    pub format: Format,
    /// What was counted.
    pub tally: Tally,
}

/// Takes what [`read()`] finds. Calls come in the order of the input, on the calling thread.
pub trait Receiver {
    /// Logons that count, in the order of the file. [`ControlFlow::Break`] stops the reading.
    fn logons(&mut self, format: Format, logons: Vec<Logon>) -> ControlFlow<()>;

    /// What machines reported of themselves, in the order of the file. [`ControlFlow::Break`] stops
    /// the reading.
    fn reports(&mut self, reports: Vec<MachineReport>) -> ControlFlow<()>;

    /// What happened to sessions, in the order of the file. [`ControlFlow::Break`] stops the
    /// reading.
    fn changes(&mut self, changes: Vec<SessionEvent>) -> ControlFlow<()>;
    /// Which identifiers are one account's, as directories and identity providers say, and when they
    /// said it. [`ControlFlow::Break`] stops the reading.
    fn identities(&mut self, identities: Vec<(IdentityReport, Timestamp)>) -> ControlFlow<()>;

    /// A file was read to its end, or as far as it could be.
    fn file(&mut self, file: FileReport);

    /// A file was passed over.
    fn skipped(&mut self, skipped: Skipped);

    /// A piece of a file could not be read. At most [`reject::MAX_PER_FILE`] of a file are told;
    /// all are counted in [`Tally::rejects`].
    fn rejected(&mut self, reject: Reject);

    /// Something was assumed about a file that a person may know better.
    fn warning(&mut self, name: &str, text: &str);

    /// So many more bytes of the input itself, packed as it may be, are done with.
    fn progress(&mut self, bytes: u64);
}

/// Reads one input to its end, or until the receiver breaks.
pub fn read(input: &Input, options: &Options, receiver: &mut dyn Receiver) -> ControlFlow<()> {
    let path = match input {
        Input::Stdin => {
            return read_from(std::io::stdin().lock(), input.name(), options, receiver);
        }
        Input::File { path, .. } => path,
    };
    let name = input.name();
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            receiver.skipped(Skipped::new(name, format!("cannot be opened: {error}")));
            return ControlFlow::Continue(());
        }
    };
    if !metadata.is_file() {
        // A pipe given by its path: readable, but not to be sought in.
        return read_from(file, name, options, receiver);
    }
    let mut session = Session::new(options, receiver, Some(metadata.len()));
    let written = metadata.modified().ok().and_then(|time| jiff::Timestamp::try_from(time).ok());
    let metered = Metered::new(file, session.meter());
    let flow = session.as_written(written.map(Timestamp::from_jiff), |session| {
        archive::read_seekable(session, &name, metered)
    });
    if flow.is_continue() {
        session.finish();
    }
    flow
}

/// Reads what comes out of `reader` to its end, or until the receiver breaks; `name` is what
/// reports call it.
pub fn read_from(
    reader: impl Read,
    name: impl Into<String>,
    options: &Options,
    receiver: &mut dyn Receiver,
) -> ControlFlow<()> {
    let mut session = Session::new(options, receiver, None);
    let stream = Stream::new(Metered::new(reader, session.meter()));
    let name = name.into();
    let flow =
        session.as_written(options.written, |session| archive::read(session, &name, stream, 0));
    if flow.is_continue() {
        session.finish();
    }
    flow
}
