//! A logon: one account, one machine, one moment.

use std::fmt;
use std::net::IpAddr;

use uuid::Uuid;

use crate::account::Account;
use crate::identity::Identifier;
use crate::ids::MachineId;
use crate::time::Timestamp;

/// How the account logged on, as Windows numbers it (SECURITY_LOGON_TYPE; telemetry.md §2.2).
///
/// Any number is kept; the ones Windows defines have names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogonType(u8);

impl LogonType {
    /// The highest number that can be kept in a [`LogonTypes`] set.
    pub const MAX: u8 = 31;

    /// From Windows' number; `None` above [`LogonType::MAX`].
    pub fn new(number: u32) -> Option<Self> {
        u8::try_from(number).ok().filter(|&number| number <= Self::MAX).map(Self)
    }

    /// Windows' number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The vendor's word (telemetry.md §2.2): network logons in clear text are `Network` too.
    pub fn word(self) -> &'static str {
        match self.0 {
            0 => "System",
            2 => "Interactive",
            3 | 8 => "Network",
            4 => "Batch",
            5 => "Service",
            7 => "Unlock",
            9 => "NewCredentials",
            10 => "RemoteInteractive",
            11 => "CachedInteractive",
            12 => "CachedRemoteInteractive",
            13 => "CachedUnlock",
            _ => "Unknown",
        }
    }

    /// Reads the vendor's word or Windows' own (`NetworkCleartext`), in any case, or a number.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse::<u32>() {
            return Self::new(number);
        }
        if text.eq_ignore_ascii_case("NetworkCleartext") {
            return Some(Self(8));
        }
        (0..=13)
            .map(Self)
            .find(|kind| kind.word() != "Unknown" && kind.word().eq_ignore_ascii_case(text))
    }
}

/// A set of logon types.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LogonTypes(u32);

impl LogonTypes {
    /// Every type that can be kept.
    pub const ALL: LogonTypes = LogonTypes(u32::MAX);
    /// What puts a person at the machine: 2, 7, 10, 11, 12, 13 (telemetry.md §2.2).
    pub const INTERACTIVE: LogonTypes =
        LogonTypes(1 << 2 | 1 << 7 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13);
    /// What only reached the machine over the network: 3 and 8.
    pub const NETWORK: LogonTypes = LogonTypes(1 << 3 | 1 << 8);

    /// From one bit a type, bit n for Windows' number n.
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// One bit a type, bit n for Windows' number n.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Adds a type.
    pub fn insert(&mut self, kind: LogonType) {
        self.0 |= 1 << kind.0;
    }

    /// Whether the set holds the type.
    pub fn contains(self, kind: LogonType) -> bool {
        self.0 & (1 << kind.0) != 0
    }

    /// Whether every type of this set is in the other.
    pub fn is_subset(self, other: LogonTypes) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether the set holds nothing.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All of both sets.
    pub fn union(self, other: LogonTypes) -> LogonTypes {
        LogonTypes(self.0 | other.0)
    }

    /// The types in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = LogonType> {
        (0..=LogonType::MAX).map(LogonType).filter(move |&kind| self.contains(kind))
    }

    /// The vendor's words in the order of the numbers, each once.
    pub fn words(self) -> Vec<&'static str> {
        let mut words: Vec<&'static str> = Vec::new();
        for kind in self.iter() {
            if !words.contains(&kind.word()) {
                words.push(kind.word());
            }
        }
        words
    }
}

impl FromIterator<LogonType> for LogonTypes {
    fn from_iter<I: IntoIterator<Item = LogonType>>(types: I) -> Self {
        let mut set = Self::default();
        types.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

impl fmt::Debug for LogonTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(LogonType::number)).finish()
    }
}

/// Which kind of telemetry a logon was read from. The number is what the store keeps, so a
/// number is never given to another source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Source {
    /// Made by the generator of `footfall demo`.
    Simulated = 0,
    /// A Windows event log file.
    Evtx = 1,
    /// NXLog's JSON lines.
    NxLog = 2,
    /// The flat JSON lines of the OTRF captures of 2021 and later.
    FlatJson = 3,
    /// Events in XML (Windows Event Forwarding).
    WefXml = 4,
    /// Winlogbeat's JSON.
    Winlogbeat = 5,
    /// Fluent Bit's JSON.
    FluentBit = 6,
    /// Vector's JSON.
    Vector = 7,
    /// OpenWEC's JSON.
    OpenWec = 8,
    /// Splunk's exports and what it is sent.
    Splunk = 9,
    /// Microsoft Sentinel's tables.
    Sentinel = 10,
    /// Windows events that some other program turned into JSON.
    EventJson = 11,
    /// Linux' wtmp, utmp and btmp.
    Utmp = 20,
    /// What sshd says, in the systemd journal or in a file of syslog.
    Sshd = 21,
    /// What systemd-logind says in the journal.
    Logind = 22,
    /// The Linux audit log.
    Auditd = 23,
    /// Linux' lastlog.
    Lastlog = 24,
    /// wtmpdb.
    Wtmpdb = 25,
    /// lastlog2.
    Lastlog2 = 26,
    /// Microsoft Defender's tables.
    Defender = 30,
    /// osquery's result logs.
    Osquery = 31,
    /// Entra's sign-ins and Intune's devices.
    Entra = 32,
    /// Events in the Elastic Common Schema.
    Ecs = 33,
    /// Events in the Open Cybersecurity Schema Framework.
    Ocsf = 34,
    /// Footfall's own format.
    Own = 40,
}

/// How telemetry names a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MachineRef {
    /// The computer name as reported, full or short; compared without regard to case.
    pub name: String,
    /// The vendor's own id, where the telemetry has it.
    pub id: Option<MachineId>,
    /// The Entra device id, where the telemetry has it.
    pub aad_device_id: Option<Uuid>,
    /// What else the telemetry tells that is the machine's own; seldom more than two.
    pub identifiers: Vec<Identifier>,
}

impl MachineRef {
    /// A machine that telemetry knows by its name only.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), id: None, aad_device_id: None, identifiers: Vec::new() }
    }

    /// The same machine, with an identifier that the telemetry tells of it, where it does.
    pub fn identified(mut self, identifier: Option<Identifier>) -> Self {
        if let Some(identifier) = identifier
            && !self.identifiers.contains(&identifier)
        {
            self.identifiers.push(identifier);
        }
        self
    }

    /// The id the machine has on the wire.
    pub fn machine_id(&self) -> MachineId {
        self.id.unwrap_or_else(|| MachineId::derived_from_name(&self.name))
    }
}

/// What tells one logon from another of the same account, on the same machine, in the same
/// second, whichever file or shipper brought it (docs/adr/0004-event-identity.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventKey {
    /// The new logon session's id (`TargetLogonId`), or a hash of the record where the telemetry
    /// has no such id. Each logon opens a session of its own.
    pub session: u64,
    /// The log's record number; `None` where the shipper drops it.
    pub record: Option<u64>,
}

/// A successful logon of an account that is not noise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logon {
    /// Who logged on.
    pub account: Account,
    /// Where.
    pub machine: MachineRef,
    /// When; shippers cut it to seconds or milliseconds.
    pub time: Timestamp,
    /// How.
    pub logon_type: LogonType,
    /// The other end of the connection; an IPv4 address mapped into IPv6 is kept as IPv4.
    pub remote_address: Option<IpAddr>,
    /// The name that the other end gave itself.
    pub remote_name: Option<String>,
    /// The kind of telemetry it was read from.
    pub source: Source,
    /// What makes it one event however often it is seen.
    pub key: EventKey,
}

/// Reads the remote side as logs have it: `-`, empty and `LOCAL` are none, `::ffff:a.b.c.d` is
/// the IPv4 address, a zone id (`%12`) is cut.
pub fn remote_address(text: &str) -> Option<IpAddr> {
    let address = text.split('%').next()?.trim().parse::<IpAddr>().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_vendors_in_numeric_order() {
        let types: LogonTypes = [10, 3, 8, 2].into_iter().filter_map(LogonType::new).collect();
        assert_eq!(types.words(), ["Interactive", "Network", "RemoteInteractive"]);
    }

    #[test]
    fn a_word_is_read_in_any_case() {
        assert_eq!(LogonType::parse("remoteinteractive").map(LogonType::number), Some(10));
        assert_eq!(LogonType::parse("NetworkCleartext").map(LogonType::number), Some(8));
        assert_eq!(LogonType::parse("11").map(LogonType::number), Some(11));
        assert_eq!(LogonType::parse("Unknown"), None);
        assert_eq!(LogonType::parse("32"), None);
    }

    #[test]
    fn remote_addresses_are_read_as_logs_write_them() {
        assert_eq!(remote_address("::ffff:10.0.0.1"), "10.0.0.1".parse().ok());
        assert_eq!(remote_address("fe80::1%12"), "fe80::1".parse().ok());
        assert_eq!(remote_address("-"), None);
        assert_eq!(remote_address("LOCAL"), None);
    }
}
