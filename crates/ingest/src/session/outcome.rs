//! What was made of a part of a file: counts, what it held, and what could not be read.

use inventory::logon::Logon;
use inventory::machine::MachineReport;
use inventory::person::IdentityReport;
use inventory::rule::Rule;
use inventory::session::SessionEvent;
use inventory::time::Timestamp;

use crate::carrier::{Carried, Piece};
use crate::reject::{Position, Rejects};
use crate::reports;
use crate::windows::{FieldError, Kind};
use crate::{Format, Tally};

/// Why a record is rejected of which nothing is understood.
const UNKNOWN: &str = "of no kind that is read";

/// What a part of a file held of one format.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) format: Format,
    pub(crate) tally: Tally,
    pub(crate) logons: Vec<Logon>,
    pub(crate) reports: Vec<MachineReport>,
    pub(crate) changes: Vec<SessionEvent>,
    /// Which identifiers are one account's, and when that was told.
    pub(crate) identities: Vec<(IdentityReport, Timestamp)>,
}

impl Part {
    /// Counts a logon record that could be read: one that counts, or noise.
    pub(crate) fn count(&mut self, rule: &Rule, logon: Option<Logon>) -> Result<(), FieldError> {
        if let Some(logon) = &logon {
            self.check(rule, logon.time)?;
        }
        self.tally.records += 1;
        match logon {
            Some(logon) => {
                self.tally.count_logon(logon.time);
                self.logons.push(logon);
            }
            None => self.tally.noise += 1,
        }
        Ok(())
    }

    /// Refuses a time that lies too far ahead.
    pub(crate) fn check(&mut self, rule: &Rule, time: Timestamp) -> Result<(), FieldError> {
        if !rule.is_ahead(time) {
            return Ok(());
        }
        self.tally.ahead = self.tally.ahead.max(Some(time));
        Err(FieldError::Ahead(time))
    }

    /// Counts a record in which a machine tells of itself.
    pub(crate) fn report(&mut self, rule: &Rule, report: MachineReport) -> Result<(), FieldError> {
        self.check(rule, report.time)?;
        self.tally.records += 1;
        self.tally.reports += 1;
        match self.reports.last_mut() {
            Some(last) if reports::are_one(last, &report) => reports::join(last, report),
            _ => self.reports.push(report),
        }
        Ok(())
    }

    /// Counts a record of something that happened to a session: of a person's, or noise.
    pub(crate) fn change(
        &mut self,
        rule: &Rule,
        change: Option<SessionEvent>,
    ) -> Result<(), FieldError> {
        if let Some(change) = &change {
            self.check(rule, change.time)?;
        }
        self.tally.records += 1;
        if let Some(change) = change {
            self.tally.changes += 1;
            self.changes.push(change);
        }
        Ok(())
    }

    /// Counts a record that is no logon.
    pub(crate) fn count_other(&mut self, kind: Kind) {
        self.tally.records += 1;
        self.tally.failures += u64::from(kind == Kind::Failure);
    }

    /// Counts a logon whose record was counted when it came: it had to wait for others.
    pub(crate) fn count_waited(&mut self, logon: Logon) {
        self.tally.count_logon(logon.time);
        self.logons.push(logon);
    }

    /// Counts one more logon of a record that told one.
    pub(crate) fn another(&mut self, rule: &Rule, logon: Logon) -> Result<(), FieldError> {
        self.check(rule, logon.time)?;
        self.count_waited(logon);
        Ok(())
    }

    /// Counts a moment more at which a machine was there.
    pub(crate) fn sighting(
        &mut self,
        rule: &Rule,
        report: MachineReport,
    ) -> Result<(), FieldError> {
        self.check(rule, report.time)?;
        self.reports.push(report);
        Ok(())
    }
}

/// What a worker made of a part of a file.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// One for each format that was in it.
    pub(super) parts: Vec<Part>,
    pub(crate) rejects: Rejects,
    /// How many lines it was; the positions of rejects count from its first.
    pub(crate) lines: u64,
    /// A stamp without zone was read, in the zone that is assumed for the file.
    pub(crate) zone_assumed: bool,
    /// What is to be read in the order of the file, behind this part.
    pub(crate) carried: Vec<Piece>,
    /// Records of the file's own format that were passed over: known not to matter.
    pub(crate) unread: u64,
    /// What the first of the records that are not understood seems to be.
    pub(super) unknown: Option<&'static str>,
}

impl Outcome {
    /// Adds what follows, whose positions are of the file and not of the part.
    pub(crate) fn append(&mut self, other: Outcome) {
        self.unread += other.unread;
        self.unknown = self.unknown.or(other.unknown);
        self.carried.extend(other.carried);
        self.rejects.append(other.rejects);
        for part in other.parts {
            let sum = self.part(part.format);
            sum.tally.add(&part.tally);
            sum.logons.extend(part.logons);
            sum.reports.extend(part.reports);
            sum.changes.extend(part.changes);
            sum.identities.extend(part.identities);
        }
    }

    /// Rejects a record of which nothing is understood.
    pub(crate) fn unknown(&mut self, position: Position, like: &'static str) {
        match like {
            "" => self.rejects.push(position, UNKNOWN),
            like => self.rejects.push(position, format_args!("{UNKNOWN}; it looks like {like}")),
        }
        self.unknown.get_or_insert(like);
    }

    /// The format of the first record that was understood.
    pub(crate) fn format(&self) -> Option<Format> {
        let carried = self.carried.first().map(|(_, carried)| match carried {
            Carried::Journal(_) => Format::Journal,
            Carried::Xml(_) => Format::WefXml,
            Carried::Text(_) | Carried::Json(..) => Format::Syslog,
        });
        self.parts.first().map(|part| part.format).or(carried)
    }

    /// The part of a format.
    pub(crate) fn part(&mut self, format: Format) -> &mut Part {
        let at = match self.parts.iter().position(|part| part.format == format) {
            Some(at) => at,
            None => {
                self.parts.push(Part {
                    format,
                    tally: Tally::default(),
                    logons: Vec::new(),
                    reports: Vec::new(),
                    changes: Vec::new(),
                    identities: Vec::new(),
                });
                self.parts.len() - 1
            }
        };
        &mut self.parts[at]
    }
}
