//! Machines that report by themselves: osquery's nodes, and the secrets with which they enroll
//! (telemetry.md §3.1).

use std::net::IpAddr;

use uuid::Uuid;

use crate::time::Timestamp;

/// A secret with which machines enroll. Of the secret itself only a hash is kept, which is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrollSecret {
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Since when nobody enrolls with it any more. Who did stays enrolled.
    pub revoked: Option<Timestamp>,
}

/// What a machine tells of itself when it enrolls. Texts are bounded by who reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrollment {
    /// What the machine calls itself to whoever collects its results, by whichever setting.
    pub host_identifier: String,
    /// The UUID of its board, where that is its own.
    pub hardware: Option<Uuid>,
    /// The machine's name.
    pub host_name: String,
    /// What it runs on.
    pub platform: Platform,
    /// The version of osquery.
    pub version: String,
    /// From where it enrolled.
    pub address: Option<IpAddr>,
}

/// An enrolled machine. Of its key only a hash is kept, which is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id here.
    pub id: Uuid,
    /// What it told of itself; the address is the last one from which it came.
    pub enrollment: Enrollment,
    /// By which secret it came.
    pub secret: String,
    /// When it enrolled last.
    pub enrolled: Timestamp,
    /// When it was heard of last, within a minute or so.
    pub last_seen: Timestamp,
    /// Since when it was asked who is logged on, until it answers.
    pub asked: Option<Timestamp>,
    /// Since when it is not heard any more.
    pub revoked: Option<Timestamp>,
}

/// That a machine was heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Which one.
    pub node: Uuid,
    /// When.
    pub time: Timestamp,
    /// From where.
    pub address: Option<IpAddr>,
}

/// What an agent runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Windows.
    Windows,
    /// Linux.
    Linux,
    /// macOS.
    MacOs,
    /// What is none of these, or does not say.
    Other,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Platform; 4] =
        [Platform::Windows, Platform::Linux, Platform::MacOs, Platform::Other];

    /// From osquery's sum of bits: 2 is Windows, 8 Linux, 16 macOS, beside 1 for POSIX and 4 for BSD
    /// (telemetry.md §3.1).
    pub fn from_bits(bits: u64) -> Self {
        let has = |bit| bits & bit != 0;
        match () {
            () if has(2) => Platform::Windows,
            () if has(8) => Platform::Linux,
            () if has(16) => Platform::MacOs,
            () => Platform::Other,
        }
    }

    /// Its name, which the store keeps and people read.
    pub fn as_str(self) -> &'static str {
        match self {
            Platform::Windows => "windows",
            Platform::Linux => "linux",
            Platform::MacOs => "macos",
            Platform::Other => "other",
        }
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_sums_of_bits() {
        for (bits, platform) in [
            (2, Platform::Windows),
            (9, Platform::Linux),
            (21, Platform::MacOs),
            (5, Platform::Other),
            (0, Platform::Other),
        ] {
            assert_eq!(Platform::from_bits(bits), platform, "{bits}");
            assert_eq!(Platform::parse(platform.as_str()), Some(platform));
        }
    }
}
