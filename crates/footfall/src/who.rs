//! Whom a person at the command line means: every form of a name into accounts, and how many others have the
//! name. A domain, a realm or an identifier that is known decides; what it leaves out is told on stderr.

use std::collections::{BTreeSet, HashMap};

use inventory::account::{Account, UserRef};
use inventory::person::read_identifier;
use inventory::query::{AccountKey, Page, UpnLookup, UserList, UserLookup, UserSelector, Window};
use inventory::relation::User;
use server::clock::{Clock, SystemClock};
use store::NamesOf;

use crate::config::Config;
use crate::near;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Accounts that are named to a person at most.
const MAX_NAMED: usize = 5;

/// How many accounts have a name, of those that more than one has.
#[derive(Default)]
pub(crate) struct Shared(HashMap<String, u64>);

impl Shared {
    pub(crate) async fn read(place: &Place) -> Result<Self, store::Error> {
        Ok(Self(place.store.shared_names(place.tenant.number).await?))
    }

    /// How many accounts have the name of this one, itself among them.
    pub(crate) fn accounts(&self, account: &Account) -> u64 {
        self.0.get(&account.name).copied().unwrap_or(1)
    }
}

/// What is to happen when a realm is known of no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownRealm {
    /// What the setting `answers.upn` says.
    AsConfigured,
    /// Nobody is meant: for what cannot be undone.
    Nobody,
}

/// The accounts that a text means, over all that is kept; without any the person was told.
pub(crate) async fn accounts(
    config: &Config,
    place: &Place,
    text: &str,
    unknown_realm: UnknownRealm,
) -> anyhow::Result<Result<Vec<User>, Outcome>> {
    let keys = match config.resolve() {
        UserLookup::Name => named(config, place, text, unknown_realm).await?,
        UserLookup::Person => {
            let lookup = (config.upn(), UserLookup::Person);
            let user = server::who::users(&*place.store, place.tenant.number, text, lookup).await?;
            match user {
                Some(UserSelector { accounts: Some(keys), .. }) => keys,
                Some(user) => of_name(place, &user.name, user.domain).await?,
                None => Vec::new(),
            }
        }
    };
    let users = users(place, keys).await?;
    if users.is_empty() {
        let outcome = near::unknown(place, NamesOf::Users, text).await;
        tell_of_namesakes(place, text).await?;
        return Ok(Err(outcome));
    }
    Ok(Ok(users))
}

/// The accounts as a selector of exactly these.
pub(crate) fn selector(users: &[User]) -> UserSelector {
    UserSelector {
        name: users.first().map(|user| user.account.name.clone()).unwrap_or_default(),
        domain: None,
        accounts: Some(users.iter().map(|user| key(&user.account)).collect()),
    }
}

/// Says on stderr that the accounts are not all that have their name, or that they are several.
pub(crate) fn tell_of_sharing(users: &[User], shared: &Shared) {
    let names: BTreeSet<&str> = users.iter().map(|user| user.account.name.as_str()).collect();
    for name in names {
        let of_name: Vec<_> = users.iter().filter(|user| user.account.name == name).collect();
        let all = of_name.first().map_or(0, |user| shared.accounts(&user.account));
        if all < 2 {
            continue;
        }
        let listed = of_name.len() as u64;
        let name = output::printable(name);
        match listed >= all {
            true => eprintln!(
                "{name} is the name of {all} accounts: {}. DOMAIN\\name, name@realm or a SID names one.",
                list(of_name.iter().map(|user| user.account.id()))
            ),
            false => eprintln!(
                "{name} is the name of {}, of which {} is shown here.",
                output::count(all, "account"),
                list(of_name.iter().map(|user| user.account.id()))
            ),
        }
    }
}

/// The accounts that a text names, by the rule of the module's head.
async fn named(
    config: &Config,
    place: &Place,
    text: &str,
    unknown_realm: UnknownRealm,
) -> anyhow::Result<Vec<AccountKey>> {
    let (store, tenant) = (&place.store, place.tenant.number);
    let mut keys: BTreeSet<AccountKey> =
        store.accounts(tenant, text, None).await?.into_iter().collect();
    let Some(user) = UserRef::parse(text) else { return Ok(Vec::new()) };
    let Some(domain) = user.domain.as_ref().or(user.realm.as_ref()) else {
        // An identifier, or a bare name.
        let is_identifier = !read_identifier(text).is_empty();
        if keys.is_empty() && !is_identifier {
            keys.extend(of_name(place, &user.name, None).await?);
        }
        return Ok(keys.into_iter().collect());
    };
    match store.domains(tenant, domain).await? {
        Some(domains) => {
            // The same user, as other logs name the domain.
            let names: BTreeSet<String> = match keys.is_empty() {
                true => [user.name].into(),
                false => keys.iter().map(|key| key.name.clone()).collect(),
            };
            for name in names {
                for domain in &domains {
                    keys.extend(of_name(place, &name, Some(domain.clone())).await?);
                }
            }
        }
        None if user.domain.is_none() && keys.is_empty() => {
            let realm = output::printable(domain);
            let takes_all = config.upn() == UpnLookup::LocalPart;
            if takes_all && unknown_realm == UnknownRealm::AsConfigured {
                eprintln!(
                    "Nothing is known of the realm {realm}: every account of the name is meant."
                );
                keys.extend(of_name(place, &user.name, None).await?);
            } else {
                eprintln!("Nothing is known of the realm {realm}, so nobody is meant.");
            }
        }
        None => {}
    }
    Ok(keys.into_iter().collect())
}

async fn of_name(
    place: &Place,
    name: &str,
    domain: Option<String>,
) -> Result<Vec<AccountKey>, store::Error> {
    let user = UserSelector { name: name.to_owned(), domain, accounts: None };
    // No identifier: the text is empty.
    place.store.accounts(place.tenant.number, "", Some(&user)).await
}

/// The accounts with what they did on all machines.
async fn users(place: &Place, keys: Vec<AccountKey>) -> Result<Vec<User>, store::Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let of = UserSelector { name: String::new(), domain: None, accounts: Some(keys) };
    let list = UserList {
        filter: None,
        of: Some(of),
        window: Window::ALL,
        order: Vec::new(),
        after: None,
        page: Page::ALL,
        now: SystemClock.now(),
    };
    Ok(place.store.users(&place.scope(), list).await?.users)
}

/// Who has the name in other domains than the one that was asked for.
async fn tell_of_namesakes(place: &Place, text: &str) -> anyhow::Result<()> {
    let Some(user) = UserRef::parse(text) else { return Ok(()) };
    if user.domain.is_none() && user.realm.is_none() {
        return Ok(());
    }
    let others = users(place, of_name(place, &user.name, None).await?).await?;
    if !others.is_empty() {
        eprintln!("hint: of that name there is {}", list(others.iter().map(|it| it.account.id())));
    }
    Ok(())
}

fn key(account: &Account) -> AccountKey {
    AccountKey { name: account.name.clone(), authority: account.authority().to_owned() }
}

fn list(ids: impl ExactSizeIterator<Item = String>) -> String {
    let all = ids.len();
    let mut named: Vec<_> = ids.take(MAX_NAMED).map(|id| output::printable(&id)).collect();
    if all > MAX_NAMED {
        named.push(format!("and {} more", all - MAX_NAMED));
    }
    named.join(", ")
}
