//! Whom a user's `{id}` means: everybody of the name, or a person with all of their accounts.

use inventory::access::scope::Scope;
use inventory::ids::TenantId;
use inventory::query::{UpnLookup, UserLookup, UserSelector};
use store::Store;

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
    Ok(users(&*app.store, scope.tenant(), id, (app.config.upn, lookup)).await?)
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

/// The users that a text means. An identifier that nobody has is read as a name, as it is without people.
pub async fn users(
    store: &dyn Store,
    tenant: TenantId,
    text: &str,
    (upn, lookup): (UpnLookup, UserLookup),
) -> Result<Option<UserSelector>, store::Error> {
    let named = UserSelector::parse(text, upn);
    if lookup == UserLookup::Name {
        return Ok(named);
    }
    let accounts = store.person(tenant, text, named.as_ref()).await?;
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
