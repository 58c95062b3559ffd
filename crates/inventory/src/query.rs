//! What may be asked of the inventory: which machine, which user, which logons, which rows.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::UserRef;
use crate::filter::{Condition, Sort};
use crate::ids::MachineId;
use crate::logon::LogonTypes;
use crate::machine::Machine;
use crate::relation::User;
use crate::time::{Day, Timestamp};

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

/// What makes an account one: its name, and what tells it from others of that name
/// ([`Account::authority`](crate::account::Account::authority)).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountKey {
    /// The name, folded.
    pub name: String,
    /// The SID, or the domain.
    pub authority: String,
}

/// The users that an `{id}` of the API or the command line means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UserSelector {
    /// The bare name, folded.
    pub name: String,
    /// Only accounts of this domain, folded; empty for those without one.
    pub domain: Option<String>,
    /// Exactly these accounts, whatever their names: those of a person. `None` for those of the name.
    pub accounts: Option<Vec<AccountKey>>,
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

/// Whom a user's `{id}` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UserLookup {
    /// Everybody who has an account of the name, as the vendor has it.
    #[default]
    Name,
    /// The person whom any identifier of theirs names, with all of their accounts.
    Person,
}

impl UserSelector {
    /// Reads any form of defender-api.md §1.2; `None` when it can mean nobody.
    pub fn parse(id: &str, upn: UpnLookup) -> Option<Self> {
        let user = UserRef::parse(id)?;
        if user.realm.is_some() && upn == UpnLookup::Nobody {
            return None;
        }
        // `\name` has a domain, which is empty: the account that stands in none.
        let is_of_none = user.domain.is_none() && id.contains('\\');
        let domain = if is_of_none { Some(String::new()) } else { user.domain };
        Some(Self { name: user.name, domain, accounts: None })
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

/// The machines that had an address around a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressSelector {
    /// Which address, in its own form: no IPv4 address inside an IPv6 one.
    pub address: IpAddr,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl AddressSelector {
    /// Seconds before and after the moment that `findbyip` takes in (defender-api.md §4).
    pub const AROUND_S: i64 = 15 * 60;

    /// The machines that had an address at most so many seconds before or after a moment.
    pub fn around(address: IpAddr, moment: Timestamp, seconds: i64) -> Self {
        Self {
            address: address.to_canonical(),
            from: moment.plus_seconds(-seconds).unwrap_or(Timestamp::MIN),
            until: moment.plus_seconds(seconds).unwrap_or(Timestamp::MAX),
        }
    }
}

/// Who was where at a moment: of what it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceOf {
    /// Where a user was.
    User(UserSelector),
    /// Who was on a machine.
    Machine(MachineId),
}

/// A question for a list of machines.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineList {
    /// What must be true of them; `None` for nothing.
    pub filter: Option<Condition>,
    /// Only machines that this user logged on to.
    pub of_user: Option<UserSelector>,
    /// Only machines that had this address.
    pub of_address: Option<AddressSelector>,
    /// Logons that count, for the user above and for `logOnUsers`.
    pub window: Window,
    /// Which come first.
    pub order: Order,
    /// Only those that come after this place of the order.
    pub after: Option<Place>,
    /// Which of these.
    pub page: Page,
    /// The moment on which health depends.
    pub now: Timestamp,
}

impl MachineList {
    /// Every machine, the one seen last first, a page of them.
    pub fn all(page: Page, now: Timestamp) -> Self {
        Self {
            filter: None,
            of_user: None,
            of_address: None,
            window: Window::ALL,
            order: Order::LastSeen,
            after: None,
            page,
            now,
        }
    }
}

/// The order of machines.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// The one seen last first, then by id.
    LastSeen,
    /// By id, which never changes: for walks over many pages.
    Id,
    /// By keys, then by id.
    By(Vec<Sort>),
}

/// A place in an order of machines: where a walk goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The values of the order's keys, as the store compares them.
    pub keys: Vec<Key>,
    /// The machine's id.
    pub id: MachineId,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum Key {
    Null,
    Integer(i64),
    Double(f64),
    Text(String),
}

/// The machines of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// In their order.
    pub machines: Vec<Machine>,
    /// The place of the last one; `None` without any.
    pub end: Option<Place>,
}

/// A question for a list of users: accounts with what they did on the machines of a scope.
#[derive(Clone, Debug, PartialEq)]
pub struct UserList {
    /// What must be true of them; `None` for nothing.
    pub filter: Option<Condition>,
    /// Only the accounts that this means.
    pub of: Option<UserSelector>,
    /// Logons that count.
    pub window: Window,
    /// Which come first; then, and without any, by name and by what tells accounts of one name apart.
    pub order: Vec<Sort>,
    /// Only those that come after this place of the order.
    pub after: Option<UserPlace>,
    /// Which of these.
    pub page: Page,
    /// The moment on which the health of their machines depends.
    pub now: Timestamp,
}

/// A place in an order of users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserPlace {
    /// The values of the order's keys, as the store compares them; the account's name and authority are
    /// the last two.
    pub keys: Vec<Key>,
}

/// The users of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedUsers {
    /// In their order.
    pub users: Vec<User>,
    /// The place of the last one; `None` without any.
    pub end: Option<UserPlace>,
}
