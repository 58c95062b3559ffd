//! Whom a user's `{id}` means: everybody of the name, or a person with all of their accounts.

use inventory::access::scope::Scope;
use inventory::query::{UpnLookup, UserLookup, UserSelector, Window};
use store::{Namesake, Store};

use crate::call::Call;
use crate::error::ApiError;
use crate::state::AppState;

/// The users that an `{id}` of a request means; `None` when it can mean nobody.
pub(crate) async fn selector(
    app: &AppState,
    call: &Call,
    scope: &Scope,
    id: &str,
) -> Result<Option<UserSelector>, ApiError> {
    let lookup = asked(call.target.query().unwrap_or_default())?.unwrap_or(app.config.resolve);
    Ok(users(&*app.store, scope, id, (app.config.upn, lookup)).await?)
}

/// What a query says with `resolve=person` or `resolve=name`, an option of our own. A slip of the pen must
/// not look like a person with few machines.
fn asked(query: &str) -> Result<Option<UserLookup>, ApiError> {
    let mut pairs = odata::pairs::pairs(query).flatten();
    let found = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("resolve"));
    let Some((_, value)) = found else { return Ok(None) };
    match value.trim().to_ascii_lowercase().as_str() {
        "person" => Ok(Some(UserLookup::Person)),
        "name" => Ok(Some(UserLookup::Name)),
        _ => Err(ApiError::OData("The option 'resolve' is 'person' or 'name'.".to_owned())),
    }
}

/// Whether a query says `accounts=true`, an option of our own: a user then tells which accounts share its
/// name.
pub(crate) fn wants_accounts(query: &str) -> bool {
    let mut pairs = odata::pairs::pairs(query).flatten();
    let found = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("accounts"));
    found.is_some_and(|(_, value)| value.trim().eq_ignore_ascii_case("true"))
}

/// Whom a text means, and who else has the name: for answers that merge nobody without a word.
#[derive(Clone, Debug, Default)]
pub struct Meant {
    /// What to ask for; `None` when the text can mean nobody.
    pub user: Option<UserSelector>,
    /// The accounts that are meant, the one on most machines first.
    pub accounts: Vec<Namesake>,
    /// The other accounts of the name, in the same order.
    pub others: Vec<Namesake>,
}

/// The same as [`users`], with the accounts that are meant and those that share the bare name.
pub async fn meant(
    store: &dyn Store,
    scope: &Scope,
    text: &str,
    lookup: (UpnLookup, UserLookup),
    window: Window,
) -> Result<Meant, store::Error> {
    let Some(user) = users(store, scope, text, lookup).await? else {
        return Ok(Meant::default());
    };
    let all = store.namesakes(scope, &user, window).await?;
    let (accounts, others) = all.into_iter().partition(|one| one.is_meant);
    Ok(Meant { user: Some(user), accounts, others })
}

/// The users that a text means. An identifier that nobody has is read as a name, as it is without people.
pub async fn users(
    store: &dyn Store,
    scope: &Scope,
    text: &str,
    (upn, lookup): (UpnLookup, UserLookup),
) -> Result<Option<UserSelector>, store::Error> {
    let named = store.meant(scope, text, upn).await?;
    if lookup == UserLookup::Name {
        return Ok(named);
    }
    let accounts = store.person(scope.tenant(), text, named.as_ref()).await?;
    let of_name = |name: &str| accounts.iter().any(|one| one.key.name == name);
    // Shown under the name that was asked for, where that is one of the person's.
    let name = match (&named, accounts.first()) {
        (_, None) => return Ok(named),
        (Some(named), _) if of_name(&named.name) => named.name.clone(),
        (_, Some(first)) => first.key.name.clone(),
    };
    let accounts = Some(accounts.into_iter().map(|one| one.key).collect());
    Ok(Some(UserSelector { name, domain: None, accounts }))
}
