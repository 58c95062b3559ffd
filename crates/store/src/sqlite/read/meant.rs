//! Whom a user's name means in any of its forms, and who shares it (docs/adr/0007-accounts.md).

use std::collections::{BTreeMap, BTreeSet};

use inventory::account::{Account, UserRef};
use inventory::person::entra_sid;
use inventory::query::{AccountKey, UpnLookup, UserSelector, Window};
use rusqlite::{ToSql, named_params};
use uuid::Uuid;

use super::visible::Visible;
use super::{account_at, account_columns, relations_in, since, who};
use crate::Namesake;
use crate::sqlite::Failure;

/// Accounts of a realm that are looked at for its other names and its SIDs: each tells the same.
const OF_REALM: i64 = 1_000;

/// The domain of accounts of Entra in Windows' own log.
const ENTRA_DOMAIN: &str = "azuread";

/// Whether a text does not say by itself whom it means.
pub(in crate::sqlite) fn needs_accounts(text: &str, upn: UpnLookup) -> bool {
    let realm = || UserRef::parse(text).is_some_and(|user| has_bare_realm(&user));
    sid_of(text).is_some() || (upn == UpnLookup::LocalPart && realm())
}

fn has_bare_realm(user: &UserRef) -> bool {
    user.realm.is_some() && user.domain.is_none()
}

/// A text as a SID, `S-1-` and numbers.
fn sid_of(text: &str) -> Option<String> {
    let sid = text.trim().to_ascii_uppercase();
    let numbers = sid.strip_prefix("S-1-")?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    numbers.split('-').all(is_number).then_some(sid)
}

/// The users that a text means.
pub(in crate::sqlite) fn meant(
    visible: &Visible<'_>,
    text: &str,
    upn: UpnLookup,
) -> Result<Option<UserSelector>, Failure> {
    let named = UserSelector::parse(text, upn);
    if let Some(sid) = sid_of(text) {
        let of_sid = candidates(visible, "account.sid = :key", &sid)?;
        return Ok(match of_sid.first() {
            // Some collectors write the SID for a name that they could not resolve.
            None => named,
            Some(first) => Some(UserSelector {
                name: first.account.name.clone(),
                domain: None,
                accounts: Some(of_sid.into_iter().map(|one| one.key).collect()),
            }),
        });
    }
    let (Some(mut named), Some(user)) = (named, UserRef::parse(text)) else { return Ok(None) };
    if let (true, Some(realm)) = (has_bare_realm(&user), &user.realm) {
        named.accounts = of_realm(visible, &user.name, realm)?;
    }
    Ok(Some(named))
}

/// An account of the name that is asked for.
struct Candidate {
    account: Account,
    key: AccountKey,
    /// The domains under which it was seen.
    forms: BTreeSet<String>,
}

impl Candidate {
    /// The SID of a domain, a machine or Entra.
    fn own_sid(&self) -> Option<&str> {
        self.account.sid.as_deref().filter(|sid| *sid == self.key.authority)
    }
}

fn candidates(
    visible: &Visible<'_>,
    condition: &str,
    key: &dyn ToSql,
) -> Result<Vec<Candidate>, Failure> {
    let mut find = visible.prepare(&format!(
        "SELECT {}, account.authority, account.number FROM account WHERE {condition}
         ORDER BY account.name, account.authority",
        account_columns()
    ))?;
    let mut forms = visible
        .db()
        .prepare_cached("SELECT domain FROM account_domain WHERE account_domain.account = ?1")?;
    let mut rows = find.query(named_params! { ":key": key })?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let account = account_at(row, 0)?;
        let key = AccountKey { name: account.name.clone(), authority: row.get(5)? };
        let number: i64 = row.get(6)?;
        let forms = forms.query_map([number], |row| row.get(0))?.collect::<Result<_, _>>()?;
        found.push(Candidate { account, key, forms });
    }
    Ok(found)
}

/// The accounts of a name that are of a realm; none where the realm is known without them; `None`
/// where nothing is known of the realm.
fn of_realm(
    visible: &Visible<'_>,
    name: &str,
    realm: &str,
) -> Result<Option<Vec<AccountKey>>, Failure> {
    let all = candidates(visible, "account.name = :key", &name)?;
    let upn = format!("{name}@{realm}");
    let told = Told::by_directories(visible, &upn)?;
    let by_itself = |one: &Candidate| {
        one.forms.contains(realm) || one.account.upn.as_deref() == Some(&upn) || told.names(one)
    };
    let mut chosen: Vec<bool> = all.iter().map(by_itself).collect();
    // An account without a SID is one that some source told under the realm: the same user's may be there
    // under the domain's other name.
    if !all.iter().zip(&chosen).any(|(one, &chosen)| chosen && one.own_sid().is_some()) {
        let domain = Domain::of(visible, realm)?;
        let mut is_told = false;
        for (one, chosen) in all.iter().zip(chosen.iter_mut()) {
            *chosen = *chosen || domain.has(one);
            is_told = is_told || (*chosen && one.own_sid().is_some());
        }
        if !is_told {
            // The NetBIOS name of a domain is as a rule the first label of its DNS name.
            let label = realm.split_once('.').map(|(label, _)| label);
            let is_called = |one: &Candidate| {
                label.is_some_and(|label| one.forms.contains(label))
                    && !one.forms.iter().any(|form| form.contains('.'))
            };
            for (one, chosen) in all.iter().zip(chosen.iter_mut()) {
                *chosen = *chosen || is_called(one);
            }
        }
        if !chosen.contains(&true) {
            return Ok((!domain.is_unknown()).then(Vec::new));
        }
    }
    add_without_sid(&all, &mut chosen);
    let keys = all.into_iter().zip(chosen).filter(|(_, is_chosen)| *is_chosen);
    Ok(Some(keys.map(|(one, _)| one.key).collect()))
}

/// Adds the accounts that some source told without the SID, under another form of the domain of one
/// that is chosen; but none that could as well be the one of another SID.
fn add_without_sid(all: &[Candidate], chosen: &mut [bool]) {
    let mut is_chosen: BTreeMap<&str, bool> = BTreeMap::new();
    for (one, &chosen) in all.iter().zip(chosen.iter()) {
        if chosen || one.own_sid().is_some() {
            for form in &one.forms {
                let all_are = is_chosen.entry(form).or_insert(true);
                *all_are = *all_are && chosen;
            }
        }
    }
    for (one, chosen) in all.iter().zip(chosen.iter_mut()) {
        let is_same = |form: &String| is_chosen.get(form.as_str()) == Some(&true);
        *chosen = *chosen || (one.own_sid().is_none() && one.forms.iter().any(is_same));
    }
}

/// What directories say of a user principal name or an e-mail address.
#[derive(Default)]
struct Told {
    sids: BTreeSet<String>,
    domains: BTreeSet<String>,
    object_ids: BTreeSet<Uuid>,
}

impl Told {
    fn by_directories(visible: &Visible<'_>, upn: &str) -> Result<Self, Failure> {
        let mut find = visible.db().prepare_cached(
            "SELECT sid, domain, object_id FROM person_identity
             WHERE tenant = ?1 AND (upn = ?2 AND upn <> '' OR mail = ?2 AND mail <> '')",
        )?;
        let mut told = Self::default();
        let mut rows = find.query((visible.tenant().0, upn))?;
        while let Some(row) = rows.next()? {
            let (sid, domain): (String, String) = (row.get(0)?, row.get(1)?);
            told.sids.extend(Some(sid.to_ascii_uppercase()).filter(|sid| !sid.is_empty()));
            told.domains.extend(Some(domain).filter(|domain| !domain.is_empty()));
            let id: Vec<u8> = row.get(2)?;
            told.object_ids.extend(Uuid::from_slice(&id).ok());
        }
        told.sids.extend(told.object_ids.iter().map(|&id| entra_sid(id)));
        Ok(told)
    }

    fn names(&self, one: &Candidate) -> bool {
        // Which of two SIDs of one domain is meant, the domain does not tell.
        match one.own_sid() {
            Some(sid) if !self.sids.is_empty() => self.sids.contains(sid),
            _ => {
                one.account.object_id.is_some_and(|id| self.object_ids.contains(&id))
                    || one.forms.iter().any(|form| self.domains.contains(form))
            }
        }
    }
}

/// What accounts that were seen under a domain's name, or whose UPNs have the realm, tell of it.
struct Domain {
    /// All names of it.
    forms: BTreeSet<String>,
    /// The SIDs of its accounts without their last number.
    sids: BTreeSet<String>,
}

impl Domain {
    fn of(visible: &Visible<'_>, realm: &str) -> Result<Self, Failure> {
        let mut find = visible.prepare(
            "SELECT account.sid, told.domain FROM (
                 SELECT account.number, account.sid FROM main.account_domain AS named
                 CROSS JOIN account ON account.number = named.account
                 WHERE named.domain = :realm
                 UNION SELECT account.number, account.sid FROM account
                 WHERE substr(account.upn, -length(:suffix)) = :suffix
                 ORDER BY number LIMIT :most) AS account
             JOIN main.account_domain AS told ON told.account = account.number",
        )?;
        let mut domain = Self { forms: BTreeSet::new(), sids: BTreeSet::new() };
        let suffix = format!("@{realm}");
        let bound = named_params! { ":realm": realm, ":suffix": suffix, ":most": OF_REALM };
        let mut rows = find.query(bound)?;
        while let Some(row) = rows.next()? {
            let sid: Option<String> = row.get(0)?;
            domain.sids.extend(sid.as_deref().and_then(domain_sid).map(str::to_owned));
            let form: String = row.get(1)?;
            // Windows writes it for every account of Entra, of whichever organisation.
            if form != ENTRA_DOMAIN || form == realm {
                domain.forms.insert(form);
            }
        }
        Ok(domain)
    }

    fn is_unknown(&self) -> bool {
        self.forms.is_empty()
    }

    fn has(&self, one: &Candidate) -> bool {
        match one.own_sid().and_then(domain_sid) {
            Some(sid) if !self.sids.is_empty() => self.sids.contains(sid),
            _ => one.forms.iter().any(|form| self.forms.contains(form)),
        }
    }
}

/// The SID of the domain or machine that an account is of.
fn domain_sid(sid: &str) -> Option<&str> {
    sid.starts_with("S-1-5-21-").then(|| sid.rsplit_once('-'))?.map(|(domain, _)| domain)
}

/// The accounts that have a user's name.
pub(in crate::sqlite) fn namesakes(
    visible: &Visible<'_>,
    user: &UserSelector,
    window: Window,
) -> Result<Vec<Namesake>, Failure> {
    let (is_of, values) = who::with_values(user)?;
    let names = match &user.accounts {
        Some(accounts) if !accounts.is_empty() => accounts.iter().map(|it| &it.name).collect(),
        _ => BTreeSet::from([&user.name]),
    };
    let names = crate::sqlite::values::to_json(&names)?;
    let mut find = visible.prepare(&format!(
        "SELECT {}, account.authority, ({is_of}) AS is_meant,
             (SELECT count(*) FROM ({})) AS machines
         FROM account WHERE account.name IN (SELECT value FROM json_each(:names))
         ORDER BY is_meant DESC, machines DESC, account.name, account.authority",
        account_columns(),
        relations_in(window, "account = account.number")
    ))?;
    let (from, types) = (since(window), window.logon_types.bits());
    let mut bound: Vec<(&str, &dyn ToSql)> =
        values.iter().map(|(name, value)| (name.as_str(), value as &dyn ToSql)).collect();
    bound.extend::<[(&str, &dyn ToSql); 3]>([
        (":names", &names),
        (":since", &from),
        (":types", &types),
    ]);
    let mut rows = find.query(bound.as_slice())?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let account = account_at(row, 0)?;
        found.push(Namesake {
            key: AccountKey { name: account.name.clone(), authority: row.get(5)? },
            account,
            is_meant: row.get(6)?,
            machines: row.get::<_, i64>(7)?.cast_unsigned(),
        });
    }
    Ok(found)
}
