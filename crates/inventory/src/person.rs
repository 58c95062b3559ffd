//! Who is who among people: which accounts are one person's (docs/adr/0018-one-person.md).

use uuid::Uuid;

use crate::account::Account;
use crate::fold;

/// The domain that Windows writes for every account of Entra, of whichever organisation.
const ENTRA_DOMAIN: &str = "azuread";

/// What tells a person's accounts from all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonIdentifier {
    /// The SID of an account of a domain, a machine or Entra, in upper case.
    Sid(String),
    /// An Entra object id.
    ObjectId(Uuid),
    /// A user principal name, folded.
    Upn(String),
    /// An e-mail address, folded.
    Mail(String),
    /// A domain in any of its forms, and a name in it, both folded.
    Name(String, String),
}

/// What a directory, or the log of an identity provider, says of one account: which identifiers are its.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdentityReport {
    /// The user name, folded.
    pub name: Option<String>,
    /// The domain in either form, folded.
    pub domain: Option<String>,
    /// The security identifier.
    pub sid: Option<String>,
    /// The user principal name, folded.
    pub upn: Option<String>,
    /// The Entra object id.
    pub object_id: Option<Uuid>,
    /// The e-mail address, folded.
    pub mail: Option<String>,
}

impl IdentityReport {
    /// What it says of the account.
    pub fn identifiers(&self) -> Vec<PersonIdentifier> {
        let domains: Vec<&str> = self.domain.iter().map(String::as_str).collect();
        let mut all = identifiers(
            self.name.as_deref().unwrap_or_default(),
            &domains,
            (self.sid.as_deref(), self.upn.as_deref(), self.object_id),
        );
        all.extend(self.mail.clone().map(PersonIdentifier::Mail));
        all
    }

    /// Whether it says more than one thing: one alone joins nothing.
    pub fn joins(&self) -> bool {
        self.identifiers().len() > 1
    }
}

/// What an account's logons say of it, given the domains under which it was seen.
pub fn identifiers_of(account: &Account, domains: &[&str]) -> Vec<PersonIdentifier> {
    let ids = (account.sid.as_deref(), account.upn.as_deref(), account.object_id);
    identifiers(&account.name, domains, ids)
}

fn identifiers(
    name: &str,
    domains: &[&str],
    (sid, upn, object_id): (Option<&str>, Option<&str>, Option<Uuid>),
) -> Vec<PersonIdentifier> {
    let mut all = Vec::new();
    let sid = sid.filter(|sid| is_own(sid)).map(str::to_ascii_uppercase);
    let object_ids = object_id.into_iter().chain(sid.as_deref().and_then(object_id_of));
    all.extend(object_ids.map(PersonIdentifier::ObjectId));
    all.extend(sid.map(PersonIdentifier::Sid));
    all.extend(upn.map(|upn| PersonIdentifier::Upn(fold(upn))));
    if !name.is_empty() {
        let domains = domains.iter().filter(|it| !it.is_empty() && **it != ENTRA_DOMAIN);
        all.extend(domains.map(|it| PersonIdentifier::Name((*it).to_owned(), name.to_owned())));
    }
    all.sort();
    all.dedup();
    all
}

/// Whether a SID is one account's: of a domain, a machine or Entra. All others are the same on every
/// machine.
fn is_own(sid: &str) -> bool {
    let sid = sid.to_ascii_uppercase();
    sid.starts_with("S-1-5-21-") || sid.starts_with("S-1-12-1-")
}

/// The SID that Windows gives an account of Entra: its object id as four numbers.
pub fn entra_sid(object_id: Uuid) -> String {
    let bytes = object_id.to_bytes_le();
    let numbers = bytes.chunks_exact(4).map(|four| {
        let number = four.iter().rev().fold(0u32, |number, &byte| number << 8 | u32::from(byte));
        format!("-{number}")
    });
    numbers.fold("S-1-12-1".to_owned(), |sid, number| sid + &number)
}

/// The object id that a SID of Entra is.
fn object_id_of(sid: &str) -> Option<Uuid> {
    let numbers = sid.to_ascii_uppercase();
    let numbers = numbers.strip_prefix("S-1-12-1-")?.split('-').map(str::parse::<u32>);
    let numbers: Vec<u32> = numbers.collect::<Result<_, _>>().ok()?;
    let [a, b, c, d] = <[u32; 4]>::try_from(numbers).ok()?;
    let bytes: Vec<u8> = [a, b, c, d].into_iter().flat_map(u32::to_le_bytes).collect();
    Some(Uuid::from_bytes_le(bytes.try_into().ok()?)).filter(|id| !id.is_nil())
}

/// What a text that names a person may be, the most exact reading first; a bare name is in none.
pub fn read_identifier(text: &str) -> Vec<PersonIdentifier> {
    let text = text.trim();
    if is_own(text) {
        return vec![PersonIdentifier::Sid(text.to_ascii_uppercase())];
    }
    if let Ok(id) = Uuid::try_parse(text) {
        return vec![PersonIdentifier::ObjectId(id)];
    }
    let folded = fold(text);
    if let Some((domain, name)) = folded.rsplit_once('\\') {
        let (domain, name) = (domain.to_owned(), name.to_owned());
        let is_whole = !domain.is_empty() && !name.is_empty();
        return is_whole.then_some(PersonIdentifier::Name(domain, name)).into_iter().collect();
    }
    match folded.split_once('@') {
        Some((name, realm)) if !name.is_empty() && !realm.is_empty() => vec![
            PersonIdentifier::Upn(folded.clone()),
            PersonIdentifier::Mail(folded.clone()),
            PersonIdentifier::Name(realm.to_owned(), name.to_owned()),
        ],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_id_is_a_sid_in_another_form() {
        // The numbers' bytes, lowest first, are those of the GUID as Windows lays it out.
        let id = Uuid::parse_str("04030201-0605-0807-090a-0b0c0d0e0f10").unwrap();
        let [a, b, c, d] = [0x0403_0201u32, 0x0807_0605, 0x0c0b_0a09, 0x100f_0e0d];
        assert_eq!(entra_sid(id), format!("S-1-12-1-{a}-{b}-{c}-{d}"));
        assert_eq!(object_id_of(&entra_sid(id)), Some(id));
        assert_eq!(object_id_of("S-1-12-1-1-2-3"), None);
        assert_eq!(object_id_of("S-1-5-21-1-2-3-4"), None);
    }

    #[test]
    fn sids_that_every_machine_has_say_nothing() {
        let account = Account::from_log("jdoe", "", "S-1-5-18").unwrap();
        assert_eq!(identifiers_of(&account, &[]), []);
        let account = Account::from_log("jdoe@a.example", "AzureAD", "S-1-12-1-1-2-3-4").unwrap();
        let found = identifiers_of(&account, &["azuread"]);
        assert_eq!(found.len(), 3, "SID, object id and UPN, but no domain: {found:?}");
    }

    #[test]
    fn a_persons_identifiers_are_read_in_every_form() {
        use PersonIdentifier::{Mail, Name, ObjectId, Sid, Upn};
        let text = |text: &str| text.to_owned();
        assert_eq!(read_identifier("s-1-5-21-1-2-3-4"), [Sid(text("S-1-5-21-1-2-3-4"))]);
        let id = Uuid::from_u128(7);
        assert_eq!(read_identifier(&id.to_string()), [ObjectId(id)]);
        assert_eq!(read_identifier("CORP\\JDoe"), [Name(text("corp"), text("jdoe"))]);
        let mail = text("jdoe@corp.example");
        let name = Name(text("corp.example"), text("jdoe"));
        assert_eq!(read_identifier("JDoe@Corp.Example"), [Upn(mail.clone()), Mail(mail), name]);
        assert_eq!(read_identifier("jdoe"), []);
        assert_eq!(read_identifier("@x"), []);
        assert_eq!(read_identifier("S-1-5-18"), []);
    }
}
