//! What the Linux formats have in common: a name, a place and a remote side become a [`Logon`].
//!
//! The forms of one log give the same event: what sshd said is one logon, whether it comes from
//! the journal or from auth.log, and so is what wtmp and lastlog both hold
//! (docs/adr/0004-event-identity.md). That is why a format hashes what all forms of its log have.

use aws_lc_rs::digest::{SHA256, digest};
use inventory::account::Account;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source, remote_address};
use inventory::rule::{Opening, Verdict};
use inventory::time::Timestamp;

use crate::Options;
use crate::windows::{FieldError, MAX_NAME_BYTES, present};

/// What a person is told who could know the names.
pub(crate) const NAMELESS: &str =
    "users are named by their numbers where no name is known; --passwd names them";

/// A successful logon as a format found it.
pub(crate) struct Entry<'a> {
    pub(crate) user: &'a str,
    /// The machine that the record names; empty when it names none.
    pub(crate) host: &'a str,
    pub(crate) time: Timestamp,
    pub(crate) place: Place,
    /// Address or name of the remote side.
    pub(crate) remote: &'a str,
    pub(crate) source: Source,
    pub(crate) key: EventKey,
}

/// From where somebody logged on; which type that counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the machine: Interactive.
    Local,
    /// Over the network, by ssh or otherwise: RemoteInteractive.
    Remote,
}

impl Place {
    pub(crate) fn number(self) -> u32 {
        match self {
            Place::Local => 2,
            Place::Remote => 10,
        }
    }
}

/// Makes a logon of an entry whose log tells how it began; `None` when it is noise.
pub(crate) fn logon_of(
    options: &Options,
    entry: &Entry<'_>,
    opening: Opening<'_>,
) -> Result<Option<Logon>, FieldError> {
    match opening.is_of_a_person(entry.user) {
        true => logon(options, entry),
        false => Ok(None),
    }
}

/// Makes a logon of an entry; `None` when it is noise.
pub(crate) fn logon(options: &Options, entry: &Entry<'_>) -> Result<Option<Logon>, FieldError> {
    let Some(logon_type) = LogonType::new(entry.place.number()) else {
        return Ok(None);
    };
    if options.rule.judge(entry.user, "", "", logon_type) == Verdict::Noise {
        return Ok(None);
    }
    let Some(account) = Account::from_log(entry.user, "", "") else {
        return Ok(None);
    };
    let device = options.device.as_deref();
    let host = present(entry.host).or(device).ok_or(FieldError::Computer)?;
    let remote = present(entry.remote);
    for (field, text) in [
        ("the machine's name", host),
        ("the user's name", entry.user),
        ("the remote side", remote.unwrap_or_default()),
    ] {
        if text.len() > MAX_NAME_BYTES {
            return Err(FieldError::TooLong { field });
        }
    }
    let remote_address = remote.and_then(remote_address);
    // A log may hold what other hosts sent to this one.
    let is_own = device.is_some_and(|device| label(device).eq_ignore_ascii_case(label(host)));
    Ok(Some(Logon {
        account,
        machine: MachineRef::named(host).identified(options.machine_id.filter(|_| is_own)),
        time: entry.time,
        logon_type,
        remote_name: remote.filter(|_| remote_address.is_none()).map(str::to_owned),
        remote_address,
        source: entry.source,
        key: entry.key,
    }))
}

/// What a host is called without its domain.
pub(crate) fn label(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

/// Stands for the session of a record: the first 8 bytes, big-endian, of SHA-256 over the parts,
/// a zero byte behind each; the top bit is set. It is stored, so it must stay what it is.
pub(crate) fn session(parts: &[&str]) -> u64 {
    const TOP_BIT: u64 = 1 << 63;
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(part.as_bytes());
        bytes.push(0);
    }
    let hash = digest(&SHA256, &bytes);
    let first = hash.as_ref().iter().take(8);
    first.fold(0, |value, &byte| value << 8 | u64::from(byte)) | TOP_BIT
}

/// The text of a field of fixed width: up to its first NUL, or all of it.
pub(crate) fn fixed(field: &[u8]) -> std::borrow::Cow<'_, str> {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end])
}

#[cfg(test)]
mod tests {
    use inventory::identity::{Identifier, IdentifierKind};

    use super::*;

    fn entry<'a>(user: &'a str, remote: &'a str) -> Entry<'a> {
        Entry {
            user,
            host: "web-1",
            time: Timestamp::MIN,
            place: Place::Remote,
            remote,
            source: Source::Sshd,
            key: EventKey { session: 1, record: None },
        }
    }

    fn on(device: &str) -> Options {
        Options { device: Some(device.to_owned()), ..Options::default() }
    }

    #[test]
    fn lines_of_other_hosts_are_not_of_the_installation() {
        let id = Identifier::parse(IdentifierKind::MachineId, "0f4b6e1c2d3a4c5b8e9fa0b1c2d3e4f5");
        let told = |device: &str, host: &str| {
            let options = Options { machine_id: id, ..on(device) };
            let entry = Entry { host, ..entry("ann", "") };
            logon(&options, &entry).unwrap().unwrap().machine.identifiers.into_iter().next()
        };
        assert_eq!(told("web-1", ""), id);
        assert_eq!(told("web-1", "WEB-1.corp.example"), id);
        assert_eq!(told("web-1", "web-10"), None);
    }

    #[test]
    fn the_remote_side_is_an_address_or_a_name() {
        let read = |remote| logon(&Options::default(), &entry("Ann", remote)).unwrap().unwrap();
        assert_eq!(read("2001:db8::7").remote_address, "2001:db8::7".parse().ok());
        assert_eq!(read("2001:db8::7").remote_name, None);
        assert_eq!(read("bastion").remote_name.as_deref(), Some("bastion"));
        assert_eq!(read("-").remote_name, None);
        assert_eq!(read("").account.name, "ann");
    }

    #[test]
    fn noise_needs_no_machine_and_others_do() {
        let nameless = Entry { host: "", ..entry("WS1$", "") };
        assert!(logon(&Options::default(), &nameless).unwrap().is_none());
        let nameless = Entry { host: "", ..entry("ann", "") };
        let error = logon(&Options::default(), &nameless).unwrap_err();
        assert!(error.to_string().contains("--device"));
        let named = logon(&on("web-2"), &nameless).unwrap().unwrap();
        assert_eq!(named.machine.name, "web-2");
    }

    #[test]
    fn a_session_stays_what_it_is() {
        // The first eight bytes of `printf 'a\0b\0' | sha256sum`, with the top bit set.
        assert_eq!(session(&["a", "b"]), SESSION_A_B);
        assert_ne!(session(&["ab"]), session(&["a", "b"]));
    }

    const SESSION_A_B: u64 = 0x8fb2_0ef6_3ced_4145;
}
