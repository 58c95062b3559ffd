//! The rule that says which logons relate a user to a machine.
//!
//! Default: every successful logon of an account that is not noise, whatever its type
//! (telemetry.md §1 and §2.4). The configuration can narrow the types and add names and SIDs to
//! the noise; it cannot make failures count.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::account::{UserParts, UserRef};
use crate::fold;
use crate::logon::{LogonType, LogonTypes};

/// Which logons count.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Types that relate; others are counted as noise.
    pub logon_types: LogonTypes,
    /// Names that are noise beside the built-in ones, folded.
    pub ignored_names: HashSet<String>,
    /// SIDs that are noise beside the built-in ones, upper case.
    pub ignored_sids: HashSet<String>,
}

/// What a logon record is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It relates the user to the machine.
    Counts,
    /// It is of no person, or of a type that the configuration leaves out.
    Noise,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            logon_types: LogonTypes::ALL,
            ignored_names: HashSet::new(),
            ignored_sids: HashSet::new(),
        }
    }
}

impl Rule {
    /// Judges a successful logon by the account name and SID as the log has them.
    pub fn judge(&self, user: &str, sid: &str, logon_type: LogonType) -> Verdict {
        if !self.logon_types.contains(logon_type) || self.is_noise(user, sid) {
            Verdict::Noise
        } else {
            Verdict::Counts
        }
    }

    /// Whether an account, named as a log has it, is of no person.
    pub fn is_noise(&self, user: &str, sid: &str) -> bool {
        let Some(UserParts { name, .. }) = UserParts::of(user) else {
            return true;
        };
        let sid = upper(sid.trim());
        name == "-"
            // Computer, gMSA and trust accounts.
            || name.ends_with('$')
            || is_noise_sid(&sid)
            || is_noise_name(name)
            || self.ignored_sids.contains(&*sid)
            || !self.ignored_names.is_empty() && self.ignored_names.contains(&fold(name))
    }

    /// Adds a name (in any form) or a SID to the noise.
    pub fn ignore(&mut self, name_or_sid: &str) {
        let text = name_or_sid.trim();
        if text.len() > 4 && text[..4].eq_ignore_ascii_case("S-1-") {
            self.ignored_sids.insert(text.to_ascii_uppercase());
        } else {
            let name = UserRef::parse(text).map_or_else(|| fold(text), |user| user.name);
            self.ignored_names.insert(name);
        }
    }
}

/// Upper case, as nearly all SIDs have it.
fn upper(sid: &str) -> Cow<'_, str> {
    match sid.bytes().any(|byte| byte.is_ascii_lowercase()) {
        true => Cow::Owned(sid.to_ascii_uppercase()),
        false => Cow::Borrowed(sid),
    }
}

/// SIDs of no person. They come before names, which Windows writes in its own language.
fn is_noise_sid(sid: &str) -> bool {
    const EXACT: [&str; 6] = [
        "S-1-0-0",  // nobody
        "S-1-5-7",  // ANONYMOUS LOGON
        "S-1-5-17", // IUSR
        "S-1-5-18", // SYSTEM
        "S-1-5-19", // LOCAL SERVICE
        "S-1-5-20", // NETWORK SERVICE
    ];
    const PREFIXES: [&str; 6] = [
        "S-1-5-80-",  // services
        "S-1-5-82-",  // IIS application pools
        "S-1-5-83-",  // virtual machines
        "S-1-5-90-",  // desktop window manager
        "S-1-5-96-",  // font driver host
        "S-1-5-111-", // Windows OpenSSH's virtual accounts
    ];
    EXACT.contains(&sid) || PREFIXES.iter().any(|prefix| sid.starts_with(prefix))
}

/// Names of no person, for telemetry without SIDs. They are of ASCII, as is whatever equals them.
fn is_noise_name(name: &str) -> bool {
    const EXACT: [&str; 5] =
        ["system", "local service", "network service", "anonymous logon", "iusr"];
    let numbered = |prefix: &str| {
        let Some((start, rest)) = name.split_at_checked(prefix.len()) else {
            return false;
        };
        start.eq_ignore_ascii_case(prefix)
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_digit())
    };
    EXACT.iter().any(|known| name.eq_ignore_ascii_case(known))
        || numbered("dwm-")
        || numbered("umfd-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(rule: &Rule, user: &str, sid: &str, kind: u32) -> Verdict {
        rule.judge(user, sid, LogonType::new(kind).unwrap())
    }

    #[test]
    fn noise_is_what_the_specification_lists() {
        let rule = Rule::default();
        for (user, sid) in [
            ("", ""),
            ("-", ""),
            ("WS-014$", "S-1-5-21-1-2-3-1000"),
            ("ws-014$@CORP.EXAMPLE", ""),
            ("Système", "S-1-5-18"),
            ("SYSTEM", ""),
            ("netzwerkdienst", "S-1-5-20"),
            ("DWM-3", ""),
            ("UMFD-0", "S-1-5-96-0-0"),
            ("sshd_4332", "S-1-5-111-3847866527-469524349-687026318-516638107-4332"),
            ("defaultapppool", "S-1-5-82-1"),
        ] {
            assert_eq!(judge(&rule, user, sid, 3), Verdict::Noise, "{user} {sid}");
        }
        for (user, sid) in [
            ("Administrator", "S-1-5-21-1-2-3-500"),
            ("root", ""),
            ("svc-backup", "S-1-5-21-1-2-3-1200"),
            ("dwm-admin", ""),
            ("systematic", ""),
        ] {
            assert_eq!(judge(&rule, user, sid, 3), Verdict::Counts, "{user} {sid}");
        }
    }

    #[test]
    fn the_configuration_narrows_types_and_adds_noise() {
        let mut rule = Rule { logon_types: LogonTypes::INTERACTIVE, ..Rule::default() };
        assert_eq!(judge(&rule, "jdoe", "", 3), Verdict::Noise);
        assert_eq!(judge(&rule, "jdoe", "", 10), Verdict::Counts);
        rule.ignore("CORP\\JDoe");
        rule.ignore("s-1-5-21-1-2-3-1200");
        assert_eq!(judge(&rule, "jdoe", "", 10), Verdict::Noise);
        assert_eq!(judge(&rule, "svc", "S-1-5-21-1-2-3-1200", 2), Verdict::Noise);
    }
}
