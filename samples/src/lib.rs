//! Telemetry as products write it, made: what measurements read, and where fuzzing starts from.
//!
//! [`Fleet`] makes what happens on machines, of which few records are logons, as in life; a
//! [`Shape`] writes it down as one product does (telemetry.md §2.3, §3 to §6 have the fields). The
//! same seed gives the same bytes.

mod fleet;
mod linux;
mod products;
mod windows;

use std::io::{self, Write};

pub use self::fleet::Fleet;

/// How telemetry is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Shape {
    NxLog,
    FlatJson,
    WefXml,
    Winlogbeat6,
    Winlogbeat,
    WinlogbeatEcs,
    FluentBit,
    FluentBitMap,
    Vector,
    OpenWec,
    Splunk,
    Sentinel,
    SentinelCsv,
    EventJson,
    JournalJson,
    JournalExport,
    AuthLog,
    Auditd,
    Wtmp,
    Defender,
    DefenderCsv,
    Osquery,
    Entra,
    Ecs,
    Ocsf,
    Own,
    OwnCsv,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Shape; 27] = [
        Shape::NxLog,
        Shape::FlatJson,
        Shape::WefXml,
        Shape::Winlogbeat6,
        Shape::Winlogbeat,
        Shape::WinlogbeatEcs,
        Shape::FluentBit,
        Shape::FluentBitMap,
        Shape::Vector,
        Shape::OpenWec,
        Shape::Splunk,
        Shape::Sentinel,
        Shape::SentinelCsv,
        Shape::EventJson,
        Shape::JournalJson,
        Shape::JournalExport,
        Shape::AuthLog,
        Shape::Auditd,
        Shape::Wtmp,
        Shape::Defender,
        Shape::DefenderCsv,
        Shape::Osquery,
        Shape::Entra,
        Shape::Ecs,
        Shape::Ocsf,
        Shape::Own,
        Shape::OwnCsv,
    ];

    /// Its name, fit for a file.
    pub fn name(self) -> &'static str {
        match self {
            Shape::NxLog => "nxlog",
            Shape::FlatJson => "flat-json",
            Shape::WefXml => "wef-xml",
            Shape::Winlogbeat6 => "winlogbeat6",
            Shape::Winlogbeat => "winlogbeat",
            Shape::WinlogbeatEcs => "winlogbeat-ecs",
            Shape::FluentBit => "fluent-bit",
            Shape::FluentBitMap => "fluent-bit-map",
            Shape::Vector => "vector",
            Shape::OpenWec => "openwec",
            Shape::Splunk => "splunk",
            Shape::Sentinel => "sentinel",
            Shape::SentinelCsv => "sentinel-csv",
            Shape::EventJson => "event-json",
            Shape::JournalJson => "journal-json",
            Shape::JournalExport => "journal-export",
            Shape::AuthLog => "auth-log",
            Shape::Auditd => "auditd",
            Shape::Wtmp => "wtmp",
            Shape::Defender => "defender",
            Shape::DefenderCsv => "defender-csv",
            Shape::Osquery => "osquery",
            Shape::Entra => "entra",
            Shape::Ecs => "ecs",
            Shape::Ocsf => "ocsf",
            Shape::Own => "own",
            Shape::OwnCsv => "own-csv",
        }
    }

    /// The shape of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }

    /// Whether the records are in JSON.
    pub fn is_json(self) -> bool {
        !matches!(
            self,
            Shape::WefXml
                | Shape::SentinelCsv
                | Shape::JournalExport
                | Shape::AuthLog
                | Shape::Auditd
                | Shape::Wtmp
                | Shape::DefenderCsv
                | Shape::OwnCsv
        )
    }

    /// Writes records until there are so many bytes; how many records that are.
    pub fn write(self, fleet: &mut Fleet, bytes: u64, out: &mut impl Write) -> io::Result<u64> {
        let mut out = Counted { out, bytes: 0 };
        let mut records = 0;
        match self {
            Shape::SentinelCsv => out.write_all(windows::SENTINEL_HEADER.as_bytes())?,
            Shape::DefenderCsv => out.write_all(products::DEFENDER_HEADER.as_bytes())?,
            Shape::OwnCsv => out.write_all(products::OWN_HEADER.as_bytes())?,
            _ => {}
        }
        while out.bytes < bytes {
            self.record(fleet, &mut out)?;
            records += 1;
        }
        Ok(records)
    }

    fn record(self, fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
        match self {
            Shape::NxLog => windows::nxlog(&fleet.event(), out),
            Shape::FlatJson => windows::flat(&fleet.event(), out),
            Shape::WefXml => windows::xml(&fleet.event(), out).and_then(|()| out.write_all(b"\n")),
            Shape::Winlogbeat6 => windows::winlogbeat_6(&fleet.event(), out),
            Shape::Winlogbeat => windows::winlogbeat(&fleet.event(), false, out),
            Shape::WinlogbeatEcs => windows::winlogbeat(&fleet.event(), true, out),
            Shape::FluentBit => windows::fluent_bit(&fleet.event(), false, out),
            Shape::FluentBitMap => windows::fluent_bit(&fleet.event(), true, out),
            Shape::Vector => windows::vector(&fleet.event(), out),
            Shape::OpenWec => windows::openwec(&fleet.event(), out),
            Shape::Splunk => windows::splunk(&fleet.event(), out),
            Shape::Sentinel => windows::sentinel(&fleet.event(), out),
            Shape::SentinelCsv => windows::sentinel_row(&fleet.event(), out),
            Shape::EventJson => windows::event_json(&fleet.event(), out),
            Shape::JournalJson => linux::journal(fleet, true, out),
            Shape::JournalExport => linux::journal(fleet, false, out),
            Shape::AuthLog => linux::auth_log(fleet, out),
            Shape::Auditd => linux::auditd(fleet, out),
            Shape::Wtmp => linux::wtmp(fleet, out),
            Shape::Defender => products::defender(fleet, out),
            Shape::DefenderCsv => products::defender_row(fleet, out),
            Shape::Osquery => products::osquery(fleet, out),
            Shape::Entra => products::entra(fleet, out),
            Shape::Ecs => products::ecs(fleet, out),
            Shape::Ocsf => products::ocsf(fleet, out),
            Shape::Own => products::own(fleet, out),
            Shape::OwnCsv => products::own_row(fleet, out),
        }
    }
}

/// Counts what is written.
struct Counted<'a, W> {
    out: &'a mut W,
    bytes: u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A value as one line of JSON.
fn line(value: &serde_json::Value, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
