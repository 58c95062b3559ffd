//! `footfall person`: whose accounts are whose.

use inventory::person::PersonIdentifier;
use inventory::query::AccountKey;
use serde_json::{Value, json};
use server::administration;
use store::{NamesOf, PersonAccount};

use crate::cli;
use crate::config::Config;
use crate::near;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Carries out a command.
pub(crate) async fn run(config: &Config, command: cli::Person) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let actor = place.actor();
    let administration = place.administration(&actor);
    let (accounts, as_json) = match command {
        cli::Person::Show(args) => match administration.person(&args.user).await {
            Err(administration::Error::Unknown { .. }) => {
                if args.json {
                    output::json(&[(); 0])?;
                }
                return Ok(near::unknown(&place, NamesOf::Users, &args.user).await);
            }
            accounts => (accounts?, args.json),
        },
        cli::Person::Link(args) if args.undo => {
            (administration.undo_link(&args.user).await?, args.json)
        }
        cli::Person::Link(args) => {
            (administration.link(&args.user, &args.others).await?, args.json)
        }
        cli::Person::Unlink(args) if args.undo => {
            (administration.undo_unlink(&args.user).await?, args.json)
        }
        cli::Person::Unlink(args) => (administration.unlink(&args.user).await?, args.json),
    };
    if as_json {
        output::json(&accounts.iter().map(|one| to_json(one, &accounts)).collect::<Vec<_>>())?;
        return Ok(Outcome::Done);
    }
    let mut table = output::table(&["ACCOUNT", "SID", "UPN", "WHY"]);
    for one in &accounts {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let row =
            [one.account.id(), text(&one.account.sid), text(&one.account.upn), why(one, &accounts)];
        output::add_row(&mut table, row);
    }
    output::print_table(&mut table)?;
    Ok(Outcome::Done)
}

/// Why an account is the person's.
fn why(one: &PersonAccount, all: &[PersonAccount]) -> String {
    let mut reasons = Vec::new();
    if let Some(with) = &one.decision.linked_with {
        reasons.push(format!("linked with {}", name_of(with)));
    }
    if one.decision.is_apart {
        reasons.push("unlinked".to_owned());
    }
    reasons.extend(shared(one, all).map(|it| format!("same {}", kind(it))));
    reasons.dedup();
    match (reasons.is_empty(), all.len()) {
        (false, _) => reasons.join(", "),
        (true, 1) => "-".to_owned(),
        // A directory says so, or the name that was asked for is that of several people.
        (true, _) => "a directory, or the name alone".to_owned(),
    }
}

fn shared<'a>(
    one: &'a PersonAccount,
    all: &'a [PersonAccount],
) -> impl Iterator<Item = &'a PersonIdentifier> {
    let others = |it: &&PersonIdentifier| {
        all.iter().any(|other| other.key != one.key && other.identifiers.contains(it))
    };
    one.identifiers.iter().filter(others)
}

fn kind(identifier: &PersonIdentifier) -> &'static str {
    match identifier {
        PersonIdentifier::Sid(_) => "SID",
        PersonIdentifier::ObjectId(_) => "object id",
        PersonIdentifier::Upn(_) => "UPN",
        PersonIdentifier::Mail(_) => "e-mail",
        PersonIdentifier::Name(..) => "domain and name",
    }
}

fn name_of(key: &AccountKey) -> String {
    match key.authority.as_str() {
        "" => key.name.clone(),
        authority => format!("{} ({authority})", key.name),
    }
}

fn to_json(one: &PersonAccount, all: &[PersonAccount]) -> Value {
    json!({
        "id": one.account.id(),
        "accountName": one.account.name,
        "accountDomainName": one.account.domain,
        "accountSid": one.account.sid,
        "accountUpn": one.account.upn,
        "accountObjectId": one.account.object_id,
        "isUnlinked": one.decision.is_apart,
        "linkedWith": one.decision.linked_with.as_ref().map(name_of),
        "shared": shared(one, all).map(kind).collect::<Vec<_>>(),
    })
}
