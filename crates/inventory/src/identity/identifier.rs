//! What telemetry tells of a machine that is more its own than a name.

use uuid::{Uuid, uuid};

/// Hardware UUIDs that vendors leave in boards by the thousand: they tell nothing. The first three are
/// those that osquery knows for placeholders; the fourth is the first as the other byte order has it;
/// the last is a board without a service tag.
const PLACEHOLDERS: [Uuid; 5] = [
    uuid!("03000200-0400-0500-0006-000700080009"),
    uuid!("03020100-0504-0706-0809-0a0b0c0d0e0f"),
    uuid!("10000000-0000-8000-0040-000000000000"),
    uuid!("00020003-0004-0005-0006-000700080009"),
    uuid!("4c4c4544-0000-2010-8020-80c04f202020"),
];

/// What an identifier is of. The number is what the store keeps, so that none is ever given to another
/// kind; the order is how much an identifier says, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum IdentifierKind {
    /// An installation of Linux: `/etc/machine-id`.
    MachineId = 1,
    /// A board, or a virtual one: the SMBIOS UUID.
    HardwareUuid = 2,
    /// A device's registration in Entra.
    EntraDeviceId = 3,
    /// An installation of osquery: its `hostIdentifier`, where that is a UUID.
    OsqueryHost = 4,
    /// The full DNS name.
    DnsName = 5,
}

impl IdentifierKind {
    /// Every kind, the one that says the most first.
    pub const ALL: [IdentifierKind; 5] = [
        IdentifierKind::MachineId,
        IdentifierKind::HardwareUuid,
        IdentifierKind::EntraDeviceId,
        IdentifierKind::OsqueryHost,
        IdentifierKind::DnsName,
    ];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            IdentifierKind::MachineId => "machine-id",
            IdentifierKind::HardwareUuid => "hardware UUID",
            IdentifierKind::EntraDeviceId => "Entra device id",
            IdentifierKind::OsqueryHost => "osquery host identifier",
            IdentifierKind::DnsName => "DNS name",
        }
    }

    /// What programs call it.
    pub fn key(self) -> &'static str {
        match self {
            IdentifierKind::MachineId => "machineId",
            IdentifierKind::HardwareUuid => "hardwareUuid",
            IdentifierKind::EntraDeviceId => "aadDeviceId",
            IdentifierKind::OsqueryHost => "osqueryHostIdentifier",
            IdentifierKind::DnsName => "dnsName",
        }
    }

    /// The number that the store keeps.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// From the number that the store keeps.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// An identifier that telemetry tells beside a machine's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    /// What it is of.
    pub kind: IdentifierKind,
    /// Its value.
    pub value: Uuid,
}

impl Identifier {
    /// Reads an identifier; `None` of a text that is no UUID, and of one that tells nothing because
    /// many machines have it.
    pub fn parse(kind: IdentifierKind, text: &str) -> Option<Self> {
        let value = Uuid::try_parse(text.trim()).ok()?;
        tells(value).then_some(Self { kind, value })
    }
}

/// Whether a value can be one machine's: not all bytes alike, not a vendor's placeholder.
fn tells(value: Uuid) -> bool {
    let bytes = value.as_bytes();
    !bytes.iter().all(|byte| *byte == bytes[0]) && !PLACEHOLDERS.contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_read_in_every_form() {
        let read = |text| Identifier::parse(IdentifierKind::MachineId, text).map(|one| one.value);
        let expected = Uuid::try_parse("0f4b6e1c-2d3a-4c5b-8e9f-a0b1c2d3e4f5").ok();
        assert_eq!(read("0f4b6e1c2d3a4c5b8e9fa0b1c2d3e4f5"), expected);
        assert_eq!(read("0F4B6E1C-2D3A-4C5B-8E9F-A0B1C2D3E4F5 "), expected);
        assert_eq!(read("ws-1"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn what_many_machines_have_is_none() {
        let read = |text| Identifier::parse(IdentifierKind::HardwareUuid, text);
        assert_eq!(read("00000000-0000-0000-0000-000000000000"), None);
        assert_eq!(read("FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"), None);
        assert_eq!(read("03000200-0400-0500-0006-000700080009"), None);
        assert!(read("03000200-0400-0500-0006-000700080008").is_some());
    }

    #[test]
    fn a_kind_keeps_its_number() {
        let numbers = IdentifierKind::ALL.map(IdentifierKind::number);
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        for kind in IdentifierKind::ALL {
            assert_eq!(IdentifierKind::from_number(kind.number()), Some(kind));
        }
    }
}
