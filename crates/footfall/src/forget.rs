//! `footfall forget`: erases a person, and proves it.

use std::io::IsTerminal;

use inventory::query::{Page, UserList, UserSelector, Window};
use inventory::relation::User;
use serde_json::json;
use server::clock::{Clock, SystemClock};

use crate::cli::Forget;
use crate::config::Config;
use crate::output::{self, Hinted, Outcome};
use crate::place::Place;
use crate::who::{self, UnknownRealm};

/// Erases the accounts that a name means.
pub(crate) async fn run(config: &Config, args: &Forget) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    // What a realm may mean is no ground to erase somebody.
    let meant = match who::meant(config, &place, &args.user, UnknownRealm::Nobody).await? {
        Ok(meant) => meant,
        Err(outcome) => return Ok(outcome),
    };
    who::tell_of_sharing(&meant);
    let user = who::selector(&meant.accounts);
    let known = accounts(&place, &user).await?;
    show(&known);
    if !args.yes && !agreed()? {
        eprintln!("Nothing was forgotten.");
        return Ok(Outcome::Failed);
    }
    let actor = place.actor();
    let done = place.administration(&actor).forget(&user).await?;
    let left = accounts(&place, &user).await?.len();
    let forgotten = &done.forgotten;
    if args.json {
        output::json(&json!({
            "accounts": forgotten.accounts.len(),
            "relations": forgotten.relations,
            "logons": forgotten.logons,
            "machines": forgotten.machines,
            "auditEntries": done.entries,
            "pseudonym": done.pseudonym,
            "left": left,
        }))?;
    } else {
        output::line(&format!(
            "Erased {}, {} and {}, and {} of which nothing else was known.",
            output::count(forgotten.accounts.len() as u64, "account"),
            output::count(forgotten.relations, "relation"),
            output::count(forgotten.logons, "logon"),
            output::count(forgotten.machines, "machine"),
        ))?;
        output::line(&format!(
            "In the audit {} stands for the name ({} changed). Left in the inventory: {}.",
            done.pseudonym,
            if done.entries == 1 {
                "1 entry".to_owned()
            } else {
                format!("{} entries", done.entries)
            },
            output::count(left as u64, "account"),
        ))?;
        eprintln!("hint: importing the same logs again brings the person back");
    }
    anyhow::ensure!(
        left == 0,
        "somebody recorded new logons of the person meanwhile; run it again"
    );
    Ok(Outcome::Done)
}

/// The accounts that a name means, over all that is kept.
async fn accounts(place: &Place, user: &UserSelector) -> anyhow::Result<Vec<User>> {
    let list = UserList {
        filter: None,
        of: Some(user.clone()),
        window: Window::ALL,
        order: Vec::new(),
        after: None,
        page: Page::ALL,
        now: SystemClock.now(),
    };
    Ok(place.store.users(&place.scope(), list).await?.users)
}

fn show(users: &[User]) {
    let mut table = output::table(&["ACCOUNT", "SID", "MACHINES", "LOGONS", "FIRST", "LAST"]);
    for user in users {
        let cells = [
            user.account.id(),
            user.account.sid.clone().unwrap_or_else(|| "-".to_owned()),
            user.machines.to_string(),
            user.relation.logon_count.to_string(),
            user.relation.first_seen.whole_second().to_string(),
            user.relation.last_seen.whole_second().to_string(),
        ];
        output::add_row(&mut table, cells);
    }
    output::show_table(&mut table);
}

/// Whether the person says yes.
fn agreed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        let what = "this cannot be undone".to_owned();
        return Err(Hinted::error(what, "--yes says that it is meant"));
    }
    Ok(output::agrees("Erase all of this for good?")?)
}
