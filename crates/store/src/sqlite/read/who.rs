//! Which accounts a user's name, or a person, means.

use inventory::query::UserSelector;
use rusqlite::types::Value as Sql;

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
    let mut condition = format!("account.name = {name}");
    if user.domain.as_deref() == Some("") {
        condition += " AND NOT EXISTS (SELECT 1 FROM account_domain
            WHERE account_domain.account = account.number)";
    } else if let Some(domain) = &user.domain {
        let domain = parameter(Sql::Text(domain.clone()));
        condition += &format!(
            " AND EXISTS (SELECT 1 FROM account_domain
                WHERE account_domain.account = account.number AND domain = {domain})"
        );
    }
    Ok(condition)
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
