//! Who was where at a moment.

use inventory::session::Presence;
use serde_json::{Value, json};
use server::views::Session;

use super::{Listing, MACHINE_ID};
use crate::cli::Form;
use crate::output;

/// Lists sessions.
pub(super) fn list(form: Form, presences: &[Presence]) -> std::io::Result<()> {
    if form.json {
        let sessions: Vec<Value> = presences
            .iter()
            .map(|presence| {
                json!({
                    "user": presence.account.name,
                    "domain": presence.account.domain,
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
        vec!["USER", "DOMAIN", "MACHINE", MACHINE_ID, "SINCE", "UNTIL", "HOW", "STATE", "FROM"],
    )?;
    presences.iter().try_for_each(|presence| listing.add(row(presence)))?;
    listing.finish()
}

fn row(presence: &Presence) -> Vec<String> {
    let stay = &presence.stay;
    let address = stay.remote_address.map(|address| address.to_string());
    let from: Vec<String> = address.into_iter().chain(stay.remote_name.clone()).collect();
    vec![
        presence.account.name.clone(),
        presence.account.domain.clone(),
        presence.computer_dns_name.clone(),
        presence.machine.to_string(),
        stay.since.whole_second().to_string(),
        stay.until.map_or_else(String::new, |until| until.whole_second().to_string()),
        stay.logon_type.word().to_owned(),
        stay.state.as_str().to_owned(),
        from.join(" "),
    ]
}
