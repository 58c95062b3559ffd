//! What belongs to a row, as tables: the users of machines, the machines of users.

use crate::sqlite::read::who;

/// Accounts of relations, with what they did there.
// Without statistics SQLite might look at every account of the tenant for each relation: CROSS JOIN
// keeps the order.
pub(super) fn users(relations: &str) -> String {
    format!(
        "(SELECT account.number, account.name, {} AS domain, account.sid, related.first_seen,
             related.last_seen, related.logon_types, NULL AS machines, NULL AS most_prevalent,
             NULL AS least_prevalent, {} AS shares_name, related.machine AS met_machine
         FROM ({relations}) AS related
         CROSS JOIN account ON account.number = related.account)",
        who::domain_of_user(),
        who::SHARES_NAME
    )
}

/// Machines of relations, looked up in the same order.
pub(super) fn machines(relations: &str) -> String {
    format!(
        "(SELECT machine.*, related.account AS met_account FROM ({relations}) AS related
         CROSS JOIN machine ON machine.number = related.machine)"
    )
}
