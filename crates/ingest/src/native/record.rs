//! The records, member by member. Each type refuses what the schema refuses.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use inventory::change::{MAX_TAG_CHARS, MAX_TAGS};
use inventory::ids::MachineId;
use inventory::logon::LogonType;
use inventory::machine::{
    AdapterType, ExposureLevel, ManagedBy, OnboardingStatus, OperationalStatus, RiskScore,
};
use inventory::time::{Stamp, Timestamp};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};
use serde_json::Value;
use uuid::Uuid;

/// Characters of a name at most.
const MAX_NAME_CHARS: usize = 1024;
/// Addresses of a machine at most.
const MAX_ADDRESSES: usize = 1024;
/// The words of logon types that may be written; any number may, too.
const WORDS: [&str; 12] = [
    "System",
    "Interactive",
    "Network",
    "Batch",
    "Service",
    "Unlock",
    "NetworkCleartext",
    "NewCredentials",
    "RemoteInteractive",
    "CachedInteractive",
    "CachedRemoteInteractive",
    "CachedUnlock",
];
/// Windows' number for a type that nobody knows.
const UNKNOWN_TYPE: u32 = 1;

/// A record of one kind or another.
#[derive(Debug)]
pub(super) enum Record<'a> {
    Logon(LogonRecord<'a>),
    Machine(MachineRecord<'a>),
    Account(AccountRecord<'a>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub(super) struct LogonRecord<'a> {
    pub(super) time: Time,
    user: User<'a>,
    domain: Option<Name<'a>>,
    sid: Option<Sid<'a>>,
    upn: Option<Name<'a>>,
    object_id: Option<Guid>,
    device: Option<Name<'a>>,
    device_id: Option<DeviceId>,
    aad_device_id: Option<Guid>,
    logon_type: Option<Way>,
    pub(super) remote_address: Option<Address>,
    pub(super) remote_name: Option<Name<'a>>,
    pub(super) session_id: Option<Name<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub(super) struct MachineRecord<'a> {
    pub(super) time: Time,
    device: Option<Name<'a>>,
    device_id: Option<DeviceId>,
    aad_device_id: Option<Guid>,
    pub(super) os_platform: Option<Name<'a>>,
    pub(super) os_processor: Option<Name<'a>>,
    pub(super) os_architecture: Option<Name<'a>>,
    pub(super) os_build: Option<Build>,
    pub(super) version: Option<Name<'a>>,
    pub(super) agent_version: Option<Name<'a>>,
    pub(super) last_ip_address: Option<Address>,
    pub(super) last_external_ip_address: Option<Address>,
    pub(super) ip_addresses: Option<List<AdapterAddress<'a>, MAX_ADDRESSES>>,
    pub(super) is_aad_joined: Option<bool>,
    pub(super) risk_score: Option<Word<RiskScore>>,
    pub(super) exposure_level: Option<Word<ExposureLevel>>,
    pub(super) onboarding_status: Option<Word<OnboardingStatus>>,
    pub(super) managed_by: Option<Word<ManagedBy>>,
    pub(super) machine_tags: Option<List<Tag<'a>, MAX_TAGS>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub(super) struct AccountRecord<'a> {
    pub(super) time: Option<MaybeTime>,
    user: User<'a>,
    domain: Option<Name<'a>>,
    sid: Option<Sid<'a>>,
    upn: Option<Name<'a>>,
    object_id: Option<Guid>,
    pub(super) mail: Option<Name<'a>>,
}

/// One address of an adapter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound(deserialize = "'de: 'a"))]
pub(super) struct AdapterAddress<'a> {
    pub(super) ip_address: Address,
    pub(super) mac_address: Option<Mac<'a>>,
    #[serde(rename = "type")]
    pub(super) adapter_type: Option<Word<AdapterType>>,
    pub(super) operational_status: Option<Word<OperationalStatus>>,
}

/// The members of a record that name an account.
pub(super) struct AccountNames<'r> {
    pub(super) user: &'r str,
    pub(super) domain: &'r str,
    pub(super) sid: &'r str,
    pub(super) upn: &'r str,
    pub(super) object_id: Option<Uuid>,
}

/// The members of a record that name a machine.
pub(super) struct Device<'r> {
    pub(super) name: &'r str,
    pub(super) id: Option<MachineId>,
    pub(super) aad_device_id: Option<Uuid>,
}

/// Records name accounts and machines in the same members.
macro_rules! names {
    (account of $($record:ident),+) => {$(
        impl $record<'_> {
            pub(super) fn account(&self) -> AccountNames<'_> {
                AccountNames {
                    user: &self.user.0,
                    domain: self.domain.as_ref().map_or("", |name| &name.0),
                    sid: self.sid.as_ref().map_or("", |sid| &sid.0),
                    upn: self.upn.as_ref().map_or("", |name| &name.0),
                    object_id: self.object_id.as_ref().and_then(|id| id.0),
                }
            }
        }
    )+};
    (machine of $($record:ident),+) => {$(
        impl $record<'_> {
            pub(super) fn device(&self) -> Device<'_> {
                Device {
                    name: self.device.as_ref().map_or("", |name| &name.0),
                    id: self.device_id.as_ref().and_then(|id| id.0),
                    aad_device_id: self.aad_device_id.as_ref().and_then(|id| id.0),
                }
            }
        }
    )+};
}

names!(account of LogonRecord, AccountRecord);
names!(machine of LogonRecord, MachineRecord);

/// A text, borrowed where nothing in it is escaped.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    struct Text;
    impl<'de> Visitor<'de> for Text {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
            Ok(Cow::Borrowed(text))
        }

        fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
            Ok(Cow::Owned(text.to_owned()))
        }
    }
    deserializer.deserialize_str(Text)
}

/// Refuses a text for what it is.
fn refused<E: serde::de::Error>(text: &str, is: impl fmt::Display) -> E {
    let start: String = text.chars().take(64).collect();
    E::custom(format_args!("`{start}` is {is}"))
}

/// A text that is kept as it is, or refused.
macro_rules! kept {
    ($($(#[$doc:meta])* $name:ident if $fits:expr, $is:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $name<'a>(pub(super) Cow<'a, str>);

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = text(deserializer)?;
                let fits: fn(&str) -> bool = $fits;
                if fits(&text) { Ok(Self(text)) } else { Err(refused(&text, $is)) }
            }
        }
    )+};
}

kept! {
    /// A name, or any other text.
    Name if is_short, "too long, more than 1024 characters";
    /// The name of a user; there is one.
    User if |text| is_short(text) && !text.trim().is_empty(), "no user's name of 1 to 1024 characters";
    Sid if |text| text.is_empty() || is_sid(text), "no SID such as S-1-5-21-1-2-3-1104";
    Mac if |text| text.is_empty() || is_mac(text), "no MAC address of 12 hex digits";
    Tag if |text| !text.trim().is_empty() && text.chars().count() <= MAX_TAG_CHARS,
        "no tag of 1 to 200 characters";
}

/// A type that is made of a text, or refuses it.
macro_rules! made {
    ($($(#[$doc:meta])* $name:ident($inner:ty) = $read:expr, $is:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(super) struct $name(pub(super) $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = text(deserializer)?;
                let read: fn(&str) -> Option<$inner> = $read;
                read(&text).map(Self).ok_or_else(|| refused(&text, $is))
            }
        }
    )+};
}

made! {
    Guid(Option<Uuid>) = guid, "no GUID such as 80fe8ff8-2624-418e-9591-41f0491218f9";
    DeviceId(Option<MachineId>) = |text| match text {
        "" => Some(None),
        text => MachineId::parse(text).map(Some),
    }, "no id of 40 hex digits";
    Address(Option<IpAddr>) = |text| match text {
        "" => Some(None),
        text => text.parse::<IpAddr>().ok().map(|address| Some(address.to_canonical())),
    }, "no IP address";
    Time(Timestamp) = time, "no time such as 2026-03-01T08:00:00Z (RFC 3339, with its zone)";
    /// A time that may be left empty.
    MaybeTime(Option<Timestamp>) = |text| match text {
        "" => Some(None),
        text => time(text).map(Some),
    }, "no time such as 2026-03-01T08:00:00Z (RFC 3339, with its zone)";
}

fn is_short(text: &str) -> bool {
    // Bytes first: neither a short text nor one of a million characters need be counted.
    text.len() <= MAX_NAME_CHARS
        || text.len() <= 4 * MAX_NAME_CHARS && text.chars().count() <= MAX_NAME_CHARS
}

/// `S-1` and numbers, a `-` before each.
fn is_sid(text: &str) -> bool {
    let Some(numbers) = text.strip_prefix("S-1-").filter(|_| is_short(text)) else {
        return false;
    };
    let mut last = b'-';
    let fits = numbers.bytes().all(|byte| {
        let fits = byte.is_ascii_digit() || byte == b'-' && last != b'-';
        last = byte;
        fits
    });
    fits && last != b'-'
}

/// With its hyphens, as everybody writes it.
fn guid(text: &str) -> Option<Option<Uuid>> {
    if text.is_empty() {
        return Some(None);
    }
    let id = Uuid::try_parse(text).ok().filter(|_| text.len() == 36)?;
    Some(Some(id).filter(|id| !id.is_nil()))
}

/// Six pairs with nothing, `-` or `:` between each two.
fn is_mac(text: &str) -> bool {
    let mut rest = text.as_bytes();
    for pair in 0..6 {
        if pair > 0
            && let [b'-' | b':', behind @ ..] = rest
        {
            rest = behind;
        }
        let [high, low, behind @ ..] = rest else { return false };
        if !high.is_ascii_hexdigit() || !low.is_ascii_hexdigit() {
            return false;
        }
        rest = behind;
    }
    rest.is_empty()
}

/// RFC 3339, as strictly as the schema has it: with a `T`, seconds and a zone.
fn time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let (day, clock) = (bytes.get(..10)?, bytes.get(10..19)?);
    let has_form = day.iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    }) && clock.iter().enumerate().all(|(at, byte)| match at {
        0 => *byte == b'T',
        3 | 6 => *byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let rest = text.get(19..)?;
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|char: char| char.is_ascii_digit()),
        None => rest,
    };
    let digits = rest.len() - zone.len();
    let has_zone = zone == "Z"
        || matches!(zone.as_bytes(), [b'+' | b'-', a, b, b':', c, d]
            if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()));
    // Nine digits and their point.
    let fits = digits != 1 && digits <= 10;
    // A leap second is taken for the one before it, which the schema does not know.
    let is_leap = bytes.get(17..19) == Some(b"60");
    if !(has_form && has_zone && fits) || is_leap {
        return None;
    }
    Stamp::parse(text).ok()?.in_zone(&TimeZone::UTC).ok()
}

/// A logon type: the number of Windows, as a number or a text, or a word. Empty is unknown.
#[derive(Clone, Copy, Debug)]
struct Way(Option<LogonType>);

struct WayVisitor;

impl LogonRecord<'_> {
    /// How somebody logged on; unknown where the record does not say.
    pub(super) fn logon_type(&self) -> Option<LogonType> {
        self.logon_type.and_then(|way| way.0).or_else(|| LogonType::new(UNKNOWN_TYPE))
    }
}

impl Visitor<'_> for WayVisitor {
    type Value = Way;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a logon type")
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Way, E> {
        let kind = u32::try_from(number).ok().and_then(LogonType::new);
        kind.map(|kind| Way(Some(kind))).ok_or_else(|| no_way(number))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Way, E> {
        u64::try_from(number).map_or_else(|_| Err(no_way(number)), |number| self.visit_u64(number))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Way, E> {
        // 2.0 is an integer, too (JSON Schema 2020-12, core §4.2.3).
        let fits = number.fract() == 0.0 && (0.0..=f64::from(LogonType::MAX)).contains(&number);
        if fits { self.visit_u64(number as u64) } else { Err(no_way(number)) }
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Way, E> {
        Err(no_way(value))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Way, E> {
        if text.is_empty() {
            return Ok(Way(None));
        }
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit())
            && !(text.len() > 1 && text.starts_with('0'));
        let is_known = is_number || WORDS.contains(&text);
        let kind = LogonType::parse(text).filter(|_| is_known);
        kind.map(|kind| Way(Some(kind))).ok_or_else(|| no_way(text))
    }
}

/// Refuses a value that is no logon type.
fn no_way<E: serde::de::Error>(value: impl Into<Value>) -> E {
    let text: String = value.into().to_string().chars().take(64).collect();
    E::custom(format_args!("{text} is no logon type: 0 to 31, or {}", WORDS.join(", ")))
}

impl<'de> Deserialize<'de> for Way {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WayVisitor)
    }
}

/// A build number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Build(pub(super) i64);

impl<'de> Deserialize<'de> for Build {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        let fits = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        if !fits {
            return Err(D::Error::custom(format_args!("{number} is no build, 0 to {}", u32::MAX)));
        }
        Ok(Self(number as i64))
    }
}

/// One of a set of words as the wire format has them; empty is none.
#[derive(Debug)]
pub(super) struct Word<T>(pub(super) Option<T>);

impl<'de, T: Wire> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text(deserializer)?;
        if text.is_empty() {
            return Ok(Self(None));
        }
        let known = T::parse_exactly(&text).map(|word| Self(Some(word)));
        known.ok_or_else(|| refused(&text, format_args!("none of {}", T::words().join(", "))))
    }
}

/// An enumeration of the wire format.
pub(super) trait Wire: Sized {
    fn parse_exactly(text: &str) -> Option<Self>;
    fn words() -> Vec<&'static str>;
}

macro_rules! wire {
    ($($name:ident),+ $(,)?) => {$(
        impl Wire for $name {
            fn parse_exactly(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }

            fn words() -> Vec<&'static str> {
                Self::ALL.iter().map(|word| word.as_str()).collect()
            }
        }
    )+};
}

wire!(AdapterType, ExposureLevel, ManagedBy, OnboardingStatus, OperationalStatus, RiskScore);

/// At most so many of something.
#[derive(Debug)]
pub(super) struct List<T, const MAX: usize>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<T>::deserialize(deserializer)?;
        if items.len() > MAX {
            return Err(D::Error::custom(format_args!("a list of more than {MAX} items")));
        }
        Ok(Self(items))
    }
}
