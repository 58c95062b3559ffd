//! Whom a person at the command line means, and how many others have the name. `server::who` has the rule, which
//! is the API's; what it leaves out, or joins, is told on stderr.

use std::collections::{BTreeSet, HashMap};

use inventory::account::{Account, UserRef};
use inventory::person::{PersonIdentifier, read_identifier};
use inventory::query::{UpnLookup, UserLookup, UserSelector, Window};
use server::who::Meant;
use store::{NamesOf, Namesake};

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
pub(crate) async fn meant(
    config: &Config,
    place: &Place,
    text: &str,
    unknown_realm: UnknownRealm,
) -> anyhow::Result<Result<Meant, Outcome>> {
    let mut meant = ask(config, place, text).await?;
    if let Some(realm) = realm_of_nobody(config, &meant, text) {
        let realm = output::printable(&realm);
        let means_all = config.upn() == UpnLookup::LocalPart;
        if means_all && unknown_realm == UnknownRealm::AsConfigured {
            eprintln!("Nothing is known of the realm {realm}: every account of the name is meant.");
        } else {
            eprintln!("The realm {realm} does not say whom of the name is meant.");
            meant.others.append(&mut meant.accounts);
        }
    }
    if !meant.accounts.is_empty() {
        return Ok(Ok(meant));
    }
    let outcome = near::unknown(place, NamesOf::Users, text).await;
    if !meant.others.is_empty() {
        eprintln!("hint: of that name there is {}", list(&meant.others));
    }
    Ok(Err(outcome))
}

async fn ask(config: &Config, place: &Place, text: &str) -> anyhow::Result<Meant> {
    let (store, scope) = (&*place.store, place.scope());
    if let [PersonIdentifier::ObjectId(_)] = read_identifier(text)[..] {
        let keys = store.accounts(place.tenant.number, text, None).await?;
        if let Some(first) = keys.first() {
            let user =
                UserSelector { name: first.name.clone(), domain: None, accounts: Some(keys) };
            let all = store.namesakes(&scope, &user, Window::ALL).await?;
            let (accounts, others) = all.into_iter().partition(|one| one.is_meant);
            return Ok(Meant { user: Some(user), accounts, others });
        }
    }
    let lookup = (config.upn(), config.resolve());
    let meant = server::who::meant(store, &scope, text, lookup, Window::ALL).await?;
    match (&meant.user, UserRef::parse(text)) {
        // Nobody is meant by a realm that is not to mean anybody; others of the name there may be.
        (None, Some(user)) => {
            let user = UserSelector { name: user.name, domain: None, accounts: None };
            let others = store.namesakes(&scope, &user, Window::ALL).await?;
            Ok(Meant { others, ..meant })
        }
        _ => Ok(meant),
    }
}

/// The realm of a text, where it does not say which of the accounts of the name are meant.
fn realm_of_nobody(config: &Config, meant: &Meant, text: &str) -> Option<String> {
    let user = UserRef::parse(text).filter(|user| user.domain.is_none())?;
    let is_exact = meant.user.as_ref().is_some_and(|user| user.accounts.is_some());
    let is_by_name = config.resolve() == UserLookup::Name;
    user.realm.filter(|_| {
        is_by_name && !is_exact && !(meant.accounts.is_empty() && meant.others.is_empty())
    })
}

/// The accounts as a selector of exactly these.
pub(crate) fn selector(accounts: &[Namesake]) -> UserSelector {
    UserSelector {
        name: accounts.first().map(|one| one.key.name.clone()).unwrap_or_default(),
        domain: None,
        accounts: Some(accounts.iter().map(|one| one.key.clone()).collect()),
    }
}

/// Says on stderr that the accounts are several of a name, or not all of it.
pub(crate) fn tell_of_sharing(meant: &Meant) {
    let names: BTreeSet<&str> = meant.accounts.iter().map(|one| one.key.name.as_str()).collect();
    for name in names {
        let of = |all: &[Namesake]| -> Vec<Namesake> {
            all.iter().filter(|one| one.key.name == name).cloned().collect()
        };
        let (shown, others) = (of(&meant.accounts), of(&meant.others));
        let all = shown.len() + others.len();
        let name = output::printable(name);
        match (all, others.is_empty()) {
            (..2, _) => {}
            (_, true) => eprintln!(
                "{name} is the name of {all} accounts: {}. DOMAIN\\name, name@realm or a SID names one.",
                list(&shown)
            ),
            (_, false) => eprintln!(
                "{name} is the name of {all} accounts. Here is {}; not here is {}.",
                list(&shown),
                list(&others)
            ),
        }
    }
}

fn list(accounts: &[Namesake]) -> String {
    let named = accounts.iter().take(MAX_NAMED);
    let mut named: Vec<_> = named.map(|one| output::printable(&one.account.id())).collect();
    if accounts.len() > MAX_NAMED {
        named.push(format!("and {} more", accounts.len() - MAX_NAMED));
    }
    named.join(", ")
}
