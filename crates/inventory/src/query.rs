//! What may be asked of the inventory: which machine, which user, which logons, which rows.

use uuid::Uuid;

use crate::account::UserRef;
use crate::ids::MachineId;
use crate::logon::LogonTypes;
use crate::time::Day;

/// Which logons count for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// No logon before the start of this UTC day; `None` for all that is kept.
    pub since: Option<Day>,
    /// Logons of these types only.
    pub logon_types: LogonTypes,
}

impl Window {
    /// Every logon that is kept.
    pub const ALL: Window = Window { since: None, logon_types: LogonTypes::ALL };
}

/// Which rows of an ordered answer are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// Rows to pass over.
    pub skip: u64,
    /// Rows to give at most.
    pub top: u64,
}

impl Page {
    /// Every row.
    pub const ALL: Page = Page { skip: 0, top: u64::MAX };

    /// Leaves of all rows those that are wanted.
    pub fn cut<R>(self, rows: &mut Vec<R>) {
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX).min(rows.len());
        rows.drain(..skip);
        rows.truncate(usize::try_from(self.top).unwrap_or(usize::MAX));
    }
}

/// The users that an `{id}` of the API or the command line means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserSelector {
    /// The bare name, folded.
    pub name: String,
    /// Only accounts of this domain, folded.
    pub domain: Option<String>,
}

/// What a user principal name means as an `{id}` (defender-api.md §1.2: undocumented).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UpnLookup {
    /// The user of the name before the `@`.
    #[default]
    LocalPart,
    /// Nobody: the vendor's page says that the id is the name and not the UPN.
    Nobody,
}

impl UserSelector {
    /// Reads any form of defender-api.md §1.2; `None` when it can mean nobody.
    pub fn parse(id: &str, upn: UpnLookup) -> Option<Self> {
        let user = UserRef::parse(id)?;
        if user.realm.is_some() && upn == UpnLookup::Nobody {
            return None;
        }
        Some(Self { name: user.name, domain: user.domain })
    }
}

/// The machine that an `{id}` of the API or the command line means (defender-api.md §13.10).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MachineSelector {
    /// The id of 40 hex digits.
    Id(MachineId),
    /// An Entra device id.
    AadDeviceId(Uuid),
    /// A computer name, folded. A full name wins; a name without a dot also finds the machine
    /// whose full name begins with it. Of several the one seen last is meant.
    Name(String),
}

impl MachineSelector {
    /// Reads an id, a GUID or a name; `None` for an empty text.
    pub fn parse(id: &str) -> Option<Self> {
        let id = id.trim();
        if let Some(id) = MachineId::parse(id) {
            return Some(Self::Id(id));
        }
        if let Ok(id) = Uuid::try_parse(id)
            && id != Uuid::nil()
        {
            return Some(Self::AadDeviceId(id));
        }
        (!id.is_empty()).then(|| Self::Name(crate::fold(id)))
    }
}
