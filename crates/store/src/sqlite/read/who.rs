//! Which accounts a user's name, or a person, means; and which are one user (docs/adr/0007-accounts.md):
//! those of a name that share a form of their domain, shown with its NetBIOS form, and those without any.

use inventory::account::Account;
use inventory::query::UserSelector;
use rusqlite::types::Value as Sql;

use super::DOMAIN;
use crate::sqlite::Failure;
use crate::sqlite::values::to_json;

/// That a row of `account` is one of a user's. `parameter` keeps a value and gives its name.
pub(super) fn is_of(
    user: &UserSelector,
    parameter: &mut dyn FnMut(Sql) -> String,
) -> Result<String, Failure> {
    if let Some(accounts) = &user.accounts {
        let keys: Vec<_> = accounts.iter().map(|key| [&key.name, &key.authority]).collect();
        let keys = parameter(Sql::Text(to_json(&keys)?));
        return Ok(format!(
            "(account.name, account.authority) IN (
                 SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]')
                 FROM json_each({keys}))"
        ));
    }
    let name = parameter(Sql::Text(user.name.clone()));
    Ok(match &user.domain {
        None => format!("account.name = {name}"),
        Some(domain) => in_domain(&name, &parameter(Sql::Text(domain.clone()))),
    })
}

/// The same with the parameters' names and values, for a question that has no others of such names.
pub(in crate::sqlite) fn with_values(
    user: &UserSelector,
) -> Result<(String, Vec<(String, Sql)>), Failure> {
    let mut values: Vec<(String, Sql)> = Vec::new();
    let condition = is_of(user, &mut |value| {
        let name = format!(":who{}", values.len());
        values.push((name.clone(), value));
        name
    })?;
    Ok((condition, values))
}

/// That a row of `account` is of a user with a name and a domain, which are expressions: the domain that
/// the user is shown with means all of the user's accounts, any other form those that have it.
pub(super) fn in_domain(name: &str, domain: &str) -> String {
    let forms = forms(&format!("SELECT {domain}"), name);
    format!(
        "account.name = {name} AND CASE WHEN {domain} = '' THEN NOT EXISTS (
             SELECT 1 FROM account_domain WHERE account_domain.account = account.number)
         ELSE account.number IN (WITH RECURSIVE {forms}
             SELECT told.account FROM account_domain AS told
             WHERE told.of_name = {name} AND (told.domain = {domain}
                 OR {domain} = (SELECT domain FROM form {SHOWN_FIRST})
                 AND told.domain IN (SELECT domain FROM form))) END"
    )
}

/// NetBIOS forms come before others.
const SHOWN_FIRST: &str = "ORDER BY instr(domain, '.') > 0, domain LIMIT 1";

/// The table `form` of the domains under which a user was seen, from some of them on.
fn forms(first: &str, name: &str) -> String {
    format!(
        "form(domain) AS ({first} UNION
             SELECT theirs.domain FROM form
             JOIN account_domain AS shared
                 ON shared.of_name = {name} AND shared.domain = form.domain
             JOIN account AS other ON other.number = shared.account
             JOIN account_domain AS theirs ON theirs.account = shared.account)"
    )
}

/// The domain that the user of a row of `account` is shown with, empty without any. Most accounts are
/// alone with their name.
pub(super) fn domain_of_user() -> String {
    let own = "SELECT own.domain FROM account_domain AS own WHERE own.account = account.number";
    let forms = forms(own, "account.name");
    format!(
        "(CASE WHEN EXISTS (SELECT 1 FROM account AS other
             WHERE other.name = account.name AND other.number <> account.number)
         THEN coalesce((WITH RECURSIVE {forms} SELECT domain FROM form {SHOWN_FIRST}), '')
         ELSE {DOMAIN} END)"
    )
}

/// Whether a row of `account` is of the user without a domain while others of the name have one.
pub(super) const SHARES_NAME: &str = "(NOT EXISTS (
        SELECT 1 FROM account_domain WHERE account_domain.account = account.number)
    AND EXISTS (SELECT 1 FROM account_domain AS told
        JOIN account AS other ON other.number = told.account
        WHERE told.of_name = account.name))";

/// What accounts of one user have in common: of each fact the value, if there are not several.
pub(super) fn in_common(accounts: Vec<Account>) -> Account {
    fn only<T: PartialEq + Clone>(
        all: &[Account],
        of: impl Fn(&Account) -> &Option<T>,
    ) -> Option<T> {
        let mut told = all.iter().filter_map(|one| of(one).as_ref());
        let first = told.next()?;
        told.all(|other| other == first).then(|| first.clone())
    }
    let (sid, upn) = (only(&accounts, |one| &one.sid), only(&accounts, |one| &one.upn));
    let object_id = only(&accounts, |one| &one.object_id);
    let first = accounts.into_iter().next().unwrap_or_default();
    Account { sid, upn, object_id, ..first }
}
