//! The rule that says which logons relate a user to a machine.
//!
//! Default: every successful logon of an account that is not noise, whatever its type
//! (telemetry.md §1 and §2.4). The configuration can narrow the types and add names, domains and SIDs
//! to the noise; it cannot make failures count.

mod authority;
mod screen;

use std::borrow::Cow;
use std::collections::HashSet;

use crate::account::{UserParts, UserRef, real_sid, resolved_sid};
use crate::fold;
use crate::logon::{LogonType, LogonTypes};
use crate::time::Timestamp;

pub use screen::Opening;

/// Which logons count.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Types that relate; others are counted as noise.
    pub logon_types: LogonTypes,
    /// Names that are noise beside the built-in ones, folded.
    pub ignored_names: HashSet<String>,
    /// Domains all of whose accounts are noise beside the built-in ones, folded.
    pub ignored_domains: HashSet<String>,
    /// SIDs that are noise beside the built-in ones, upper case.
    pub ignored_sids: HashSet<String>,
    /// The latest time that a record may tell: what lies further ahead is some clock's fault. `None` takes
    /// every time.
    pub latest: Option<Timestamp>,
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
            ignored_domains: HashSet::new(),
            ignored_sids: HashSet::new(),
            latest: None,
        }
    }
}

impl Rule {
    /// Whether a time lies further ahead than a record may tell.
    pub fn is_ahead(&self, time: Timestamp) -> bool {
        self.latest.is_some_and(|latest| time > latest)
    }

    /// Judges a successful logon by the account's name, domain and SID as the log has them.
    pub fn judge(&self, user: &str, domain: &str, sid: &str, logon_type: LogonType) -> Verdict {
        if !self.logon_types.contains(logon_type) || self.is_noise(user, domain, sid) {
            Verdict::Noise
        } else {
            Verdict::Counts
        }
    }

    /// Whether an account, named as a log has it, is of no person. The domain can also stand before the
    /// name, and the name in place of the SID.
    pub fn is_noise(&self, user: &str, domain: &str, sid: &str) -> bool {
        let Some(UserParts { name, domain: own, .. }) = UserParts::of(user) else {
            return true;
        };
        let (sid, resolved) = (real_sid(sid), resolved_sid(sid).and_then(UserParts::of));
        let domain = Some(domain.trim()).filter(|it| !it.is_empty() && *it != "-");
        let resolved_domain = resolved.as_ref().and_then(|it| it.domain);
        let domains = [domain, own, resolved_domain];
        let is_of_no_person = |name: &str| {
            let is_nameless = sid.is_none() && domains == [None; 3];
            name == "-"
                // Computer, gMSA and trust accounts.
                || name.ends_with('$')
                || is_noise_name(name)
                || sid.is_none() && screen::is_account(name, domains != [None; 3])
                || is_nameless && authority::is_translated(name)
                || !self.ignored_names.is_empty() && self.ignored_names.contains(&fold(name))
        };
        is_of_no_person(name)
            || resolved.is_some_and(|it| is_of_no_person(it.name))
            || sid.is_some_and(|sid| self.is_noise_sid(&upper(sid)))
            || domains.into_iter().flatten().any(|domain| self.is_noise_domain(domain))
    }

    fn is_noise_sid(&self, sid: &str) -> bool {
        is_noise_sid(sid) || self.ignored_sids.contains(sid)
    }

    fn is_noise_domain(&self, domain: &str) -> bool {
        let is_ignored = || self.ignored_domains.contains(&fold(domain.trim()));
        authority::is_of_no_person(domain) || !self.ignored_domains.is_empty() && is_ignored()
    }

    /// Adds a name (in any form), a SID, or with `DOMAIN\*` all accounts of a domain to the noise.
    pub fn ignore(&mut self, text: &str) {
        let text = text.trim();
        if let Some(sid) = real_sid(text) {
            self.ignored_sids.insert(sid.to_ascii_uppercase());
        } else if let Some(domain) = text.strip_suffix("\\*") {
            self.ignored_domains.insert(fold(domain.trim()));
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
    const EXACT: [&str; 8] = [
        "system",
        "local service",
        "network service",
        "anonymous logon",
        "iusr",
        // S-1-0-0 where a collector writes its name.
        "null sid",
        // The pools that IIS brings.
        "defaultapppool",
        "classic .net apppool",
    ];
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
        || numbered("sshd_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(rule: &Rule, user: &str, sid: &str, kind: u32) -> Verdict {
        rule.judge(user, "", sid, LogonType::new(kind).unwrap())
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
    fn where_sids_are_names_or_missing_the_domain_tells() {
        let rule = Rule::default();
        for (user, domain, sid) in [
            ("MSSQL$PAY", "NT SERVICE", "NT SERVICE\\MSSQL$PAY"),
            ("SQLTELEMETRY", "", "NT Service\\SQLTELEMETRY"),
            ("IIS APPPOOL\\shop", "", ""),
            ("Système", "AUTORITÉ NT", "-"),
            ("jobb", "NT INSTANS", ""),
            ("Sistema", "", ""),
            ("sshd_12", "VIRTUAL USERS", ""),
            ("sshd_12", "", ""),
            ("3F2504E0-4F89-11D3-9A0C-0305E82C3301", "NT VIRTUAL MACHINE", ""),
            ("Lena", "CORP", "S-1-5-18"),
            ("Lena", "", "NULL SID"),
            ("gdm", "", ""),
            ("gdm", "web-1", ""),
        ] {
            assert!(rule.is_noise(user, domain, sid), "{user} {domain} {sid}");
        }
        for (user, domain, sid) in [
            ("lena.ortiz", "CORP", "CORP\\lena.ortiz"),
            ("lena.ortiz", "NT-LAB", ""),
            ("sistema", "CORP", ""),
            ("sshd_admin", "", ""),
            ("gdm", "CORP", "S-1-5-21-1-2-3-1200"),
            ("greeter", "CORP", ""),
        ] {
            assert!(!rule.is_noise(user, domain, sid), "{user} {domain} {sid}");
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
        rule.ignore("Kiosk Users\\*");
        assert!(rule.is_noise("otto", "KIOSK USERS", ""));
        assert!(rule.is_noise("kiosk users\\otto", "", ""));
        assert!(!rule.is_noise("otto", "CORP", ""));
    }
}
