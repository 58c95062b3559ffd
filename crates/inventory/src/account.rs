//! Accounts, and the forms in which people and telemetry name them.

use uuid::Uuid;

use crate::fold;

/// An account as telemetry names it. Names and domains are folded: Windows account names know no
/// case, and the vendor answers them in lower case (defender-api.md §1.2, §9.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Account {
    /// The user name without domain or realm, folded; never empty. The key of
    /// `GET /api/users/{id}/machines`.
    pub name: String,
    /// NetBIOS or DNS domain, or the host for a local account, folded; empty when unknown.
    pub domain: String,
    /// Security identifier, `S-1-...`.
    pub sid: Option<String>,
    /// User principal name, folded, where the telemetry has one.
    pub upn: Option<String>,
    /// Entra object id.
    pub object_id: Option<Uuid>,
}

impl Account {
    /// Reads a user name as logs have it: bare, `DOMAIN\name` or `name@realm`, with the domain
    /// and SID that the log gives beside it (`-` and empty count as absent). Where a collector put the
    /// account's name in place of the SID, it is none; it can tell the domain.
    ///
    /// `None` when no name is left.
    pub fn from_log(user: &str, domain: &str, sid: &str) -> Option<Self> {
        fn present(text: &str) -> Option<&str> {
            Some(text.trim()).filter(|text| !text.is_empty() && *text != "-")
        }
        let reference = UserRef::parse(user)?;
        let resolved = || UserRef::parse(resolved_sid(sid)?).filter(|it| it.name == reference.name);
        Some(Self {
            upn: reference.realm.as_ref().map(|realm| format!("{}@{realm}", reference.name)),
            domain: present(domain)
                .map(fold)
                .or_else(|| reference.domain.clone().or_else(|| resolved()?.domain))
                .unwrap_or_default(),
            sid: real_sid(sid).map(str::to_ascii_uppercase),
            name: reference.name,
            object_id: None,
        })
    }

    /// Its id as a user: `domain\name`, or the bare name without a domain (defender-api.md §3.1).
    pub fn id(&self) -> String {
        match self.domain.as_str() {
            "" => self.name.clone(),
            domain => format!("{domain}\\{}", self.name),
        }
    }

    /// Its id as a user among others: where some user of the name has a domain, the one without has an
    /// empty one, `\name`, since the bare name means all of them (docs/adr/0007-accounts.md).
    pub fn id_among(&self, shares_name: bool) -> String {
        match shares_name && self.domain.is_empty() {
            true => format!("\\{}", self.name),
            false => self.id(),
        }
    }

    /// What tells this account from another of the same name: the SID of a domain, machine or
    /// Entra account, else the domain.
    ///
    /// A SID joins the NetBIOS and the DNS form of one domain, which one machine's log mixes.
    pub fn authority(&self) -> &str {
        match &self.sid {
            Some(sid) if sid.starts_with("S-1-5-21-") || sid.starts_with("S-1-12-1-") => sid,
            _ => &self.domain,
        }
    }
}

/// A user as a person names one: `name`, `DOMAIN\name` or `name@realm`, folded and trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRef {
    /// The bare name; never empty.
    pub name: String,
    /// What stood before a backslash.
    pub domain: Option<String>,
    /// What stood behind an `@`.
    pub realm: Option<String>,
}

impl UserRef {
    /// Reads a user's name; `None` when nothing is left of it.
    pub fn parse(text: &str) -> Option<Self> {
        let parts = UserParts::of(text)?;
        Some(Self {
            name: fold(parts.name),
            domain: parts.domain.map(fold),
            realm: parts.realm.map(fold),
        })
    }
}

/// The SID in a field of SIDs. Windows' own tools write it as `%{S-1-...}` where it stands for itself.
pub(crate) fn real_sid(text: &str) -> Option<&str> {
    let text = text.trim();
    let text = text.strip_prefix("%{").and_then(|it| it.strip_suffix('}')).unwrap_or(text);
    let has_start = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("S-1-"));
    (has_start && text.is_ascii()).then_some(text)
}

/// The account's name, with or without its domain, that stands in a field of SIDs: collectors can
/// look the SID up and write what they found in its place.
pub(crate) fn resolved_sid(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty() && text != "-" && real_sid(text).is_none()).then_some(text)
}

/// The parts of a user's name as they stand there. No fold makes or takes away a border between them.
pub(crate) struct UserParts<'t> {
    /// The bare name; never empty.
    pub(crate) name: &'t str,
    /// What stood before a backslash.
    pub(crate) domain: Option<&'t str>,
    realm: Option<&'t str>,
}

impl<'t> UserParts<'t> {
    /// `None` when nothing is left of the name.
    pub(crate) fn of(text: &'t str) -> Option<Self> {
        let text = text.trim();
        // As the truth of telemetry has it: the last backslash and the first `@` are the borders.
        let (domain, rest) = match text.bytes().rposition(|byte| byte == b'\\') {
            Some(at) => (Some(&text[..at]), &text[at + 1..]),
            None => (None, text),
        };
        let (name, realm) = match rest.bytes().position(|byte| byte == b'@') {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        let some = |part: Option<&'t str>| part.filter(|part| !part.is_empty());
        (!name.is_empty()).then(|| Self { name, domain: some(domain), realm: some(realm) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_of_a_users_name() {
        let parts =
            |text: &str| UserRef::parse(text).map(|user| (user.name, user.domain, user.realm));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parts(" User1 "), Some(("user1".into(), None, None)));
        assert_eq!(parts("CONTOSO\\User1"), Some(("user1".into(), some("contoso"), None)));
        assert_eq!(parts("user1@Contoso.com"), Some(("user1".into(), None, some("contoso.com"))));
        assert_eq!(parts("chris phillips"), Some(("chris phillips".into(), None, None)));
        assert_eq!(parts("@contoso.com"), None);
        assert_eq!(parts("  "), None);
    }

    #[test]
    fn an_entra_joined_device_logs_the_upn_as_name() {
        let account =
            Account::from_log("RSmith@contoso.com", "AzureAD", "S-1-12-1-1-2-3-4").unwrap();
        assert_eq!(account.name, "rsmith");
        assert_eq!(account.domain, "azuread");
        assert_eq!(account.upn.as_deref(), Some("rsmith@contoso.com"));
        assert_eq!(account.authority(), "S-1-12-1-1-2-3-4");
    }

    #[test]
    fn a_name_in_place_of_a_sid_is_no_sid_and_tells_the_domain() {
        let account = Account::from_log("Mia.Roth", "-", "LAB\\mia.roth").unwrap();
        assert_eq!((account.domain.as_str(), account.sid), ("lab", None));
        let account = Account::from_log("mia.roth", "CORP", "LAB\\mia.roth").unwrap();
        assert_eq!(account.domain, "corp");
        let account = Account::from_log("mia.roth", "", "LAB\\somebody").unwrap();
        assert_eq!((account.domain.as_str(), account.sid), ("", None));
        let account = Account::from_log("mia.roth", "", "%{s-1-5-21-1-2-3-4}").unwrap();
        assert_eq!(account.sid.as_deref(), Some("S-1-5-21-1-2-3-4"));
    }

    #[test]
    fn a_sid_joins_both_forms_of_a_domain() {
        let sid = "S-1-5-21-1-2-3-1104";
        let short = Account::from_log("jdoe", "CORP", sid).unwrap();
        let long = Account::from_log("JDOE", "corp.example", sid).unwrap();
        assert_eq!(short.authority(), long.authority());
        let linux = Account::from_log("jdoe", "", "").unwrap();
        assert_eq!(linux.authority(), "");
    }
}
