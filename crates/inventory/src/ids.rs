//! Identifiers of machines and tenants.

use std::fmt;

use aws_lc_rs::digest;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A machine's id: 40 lower-case hex digits on the wire (defender-api.md §2.1, row 1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId(pub [u8; 20]);

/// A tenant's number in the store. Its public id is a GUID; this one never leaves the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(pub i64);

impl MachineId {
    /// Reads 40 hex digits of either case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: &[u8; 40] = text.as_bytes().try_into().ok()?;
        let mut id = [0; 20];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = (high * 16 + low) as u8;
        }
        Some(Self(id))
    }

    /// The id of a machine for which telemetry gives no Defender id: derived from its name, so
    /// that the same machine gets the same id on every server and after a new start
    /// (docs/adr/0002-machine-ids.md).
    pub fn derived_from_name(name: &str) -> Self {
        let mut text = b"footfall:machine:name:".to_vec();
        text.extend_from_slice(crate::fold(name).as_bytes());
        let hash = digest::digest(&digest::SHA256, &text);
        let mut id = [0; 20];
        id.copy_from_slice(&hash.as_ref()[..20]);
        Self(id)
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 40];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// As its text.
impl Serialize for MachineId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MachineId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not 40 hex digits"))
    }
}

impl fmt::Debug for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MachineId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_forty_hex_digits_only() {
        let text = "3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90";
        assert_eq!(MachineId::parse(text).unwrap().to_string(), text);
        assert_eq!(MachineId::parse(&text.to_uppercase()).unwrap().to_string(), text);
        assert_eq!(MachineId::parse(&text[1..]), None);
        assert_eq!(MachineId::parse(&text.replace('c', "g")), None);
    }

    #[test]
    fn a_derived_id_ignores_case_and_never_changes() {
        let id = MachineId::derived_from_name("WS-014.corp.example");
        assert_eq!(id, MachineId::derived_from_name("ws-014.CORP.example"));
        // Written down: a change of the derivation would make every stored id an orphan.
        assert_eq!(id.to_string(), "81d2ace821999d7698fefd23f4a17f5b3ddb3eba");
    }
}
