//! Who was where at a moment.

use inventory::session::Presence;
use serde_json::{Value, json};
use server::views::Session;

use super::{ACCOUNTS, DOMAIN, Listing, MACHINE_ID, USER, who_cells};
use crate::cli::Form;
use crate::output;
use crate::who::Shared;

/// Lists sessions.
pub(super) fn list(form: Form, presences: &[Presence], shared: &Shared) -> std::io::Result<()> {
    if form.json {
        let sessions: Vec<Value> = presences
            .iter()
            .map(|presence| {
                json!({
                    "user": presence.account.name,
                    "domain": presence.account.domain,
                    "accounts": shared.accounts(&presence.account),
                    "machine": presence.computer_dns_name,
                    "machineId": presence.machine.to_string(),
                    "session": Session::new(&presence.stay),
                })
            })
            .collect();
        return output::json(&sessions);
    }
    let mut listing = Listing::of(
        form,
        vec![
            USER, DOMAIN, ACCOUNTS, "MACHINE", MACHINE_ID, "SINCE", "UNTIL", "HOW", "STATE", "FROM",
        ],
    )?;
    presences.iter().try_for_each(|presence| listing.add(row(presence, shared)))?;
    listing.finish()
}

fn row(presence: &Presence, shared: &Shared) -> Vec<String> {
    let stay = &presence.stay;
    let address = stay.remote_address.map(|address| address.to_string());
    let from: Vec<String> = address.into_iter().chain(stay.remote_name.clone()).collect();
    let mut row = who_cells(&presence.account, shared).to_vec();
    row.extend([
        presence.computer_dns_name.clone(),
        presence.machine.to_string(),
        stay.since.whole_second().to_string(),
        stay.until.map_or_else(String::new, |until| until.whole_second().to_string()),
        stay.logon_type.word().to_owned(),
        stay.state.as_str().to_owned(),
        from.join(" "),
    ]);
    row
}
