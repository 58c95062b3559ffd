//! `footfall machines`, `users` and `relations`: the questions, from the command line.

mod presence;

use inventory::account::Account;
use inventory::fold;
use inventory::query::{MachineSelector, PresenceOf};
use inventory::relation::{Relation, UserMachine};
use inventory::time::Timestamp;
use serde_json::{Value, json};
use server::clock::{Clock, SystemClock};
use server::views;
use store::{NamesOf, RelationRow};

use crate::cli::{Form, Machines, Relations, Users};
use crate::config::Config;
use crate::near;
use crate::output::{self, Outcome};
use crate::place::Place;
use crate::who::{self, Shared, UnknownRealm};

/// The machines that a user logged on to, the last logon first. Of several accounts each has its own row.
pub(crate) async fn machines(config: &Config, args: &Machines) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let (store, scope) = (&place.store, place.scope());
    let now = SystemClock.now();
    let (meant, is_known) =
        match who::meant(config, &place, &args.user, UnknownRealm::AsConfigured).await? {
            Ok(meant) => {
                who::tell_of_sharing(&meant);
                (meant.accounts, true)
            }
            Err(_) => (Vec::new(), false),
        };
    let shared = Shared::read(&place).await?;
    if let Some(moment) = args.at {
        let moment = moment.from(now);
        let of = PresenceOf::User(who::selector(&meant));
        let found = store.presences(&scope, &of, moment).await?;
        if found.is_empty() && is_known {
            eprintln!("No session of {} at {moment} is known.", args.user);
        }
        presence::list(args.form, &found, &shared)?;
        return Ok(Outcome::of_rows(found.len() as u64));
    }
    let window = config.window(&args.window, now);
    let accounts: Vec<Account> = meant.into_iter().map(|one| one.account).collect();
    let machines = store.machines_of_accounts(&scope, accounts.clone(), window).await?;
    let mut found: Vec<(&Account, UserMachine)> = accounts
        .iter()
        .zip(machines)
        .flat_map(|(account, machines)| machines.into_iter().map(move |machine| (account, machine)))
        .collect();
    // The API orders by the machine; a person reads when the user was there.
    found.sort_by_key(|(_, it)| (std::cmp::Reverse(it.relation.last_seen), it.machine.id));
    let rows = found.len() as u64;
    if args.form.json {
        let found = found.into_iter().map(|(account, found)| {
            let machine = json!(views::Machine::new(found.machine, now));
            with_relation(("machine", machine), account, &shared, &found.relation)
        });
        output::json(&found.collect::<Vec<Value>>())?;
    } else {
        let mut listing =
            Listing::new(args.form, &["MACHINE", MACHINE_ID, USER, DOMAIN, ACCOUNTS])?;
        for (account, found) in &found {
            let machine = [found.machine.computer_dns_name.clone(), found.machine.id.to_string()];
            let who = who_cells(account, &shared);
            listing.add(row(machine.into_iter().chain(who), &found.relation))?;
        }
        listing.finish()?;
    }
    if rows == 0 && is_known {
        eprintln!("No logon of {} is known that is as asked.", output::printable(&args.user));
    }
    Ok(Outcome::of_rows(rows))
}

/// The users that logged on to a machine, the last logon first.
pub(crate) async fn users(config: &Config, args: &Users) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let (store, scope) = (&place.store, place.scope());
    let machine = match MachineSelector::parse(&args.machine) {
        Some(selector) => store.machine(&scope, &selector).await?,
        None => None,
    };
    let shared = Shared::read(&place).await?;
    let now = SystemClock.now();
    if let Some(moment) = args.at {
        let moment = moment.from(now);
        let found = match &machine {
            Some(machine) => {
                store.presences(&scope, &PresenceOf::Machine(machine.id), moment).await?
            }
            None => Vec::new(),
        };
        presence::list(args.form, &found, &shared)?;
        if let (Some(machine), true) = (&machine, found.is_empty()) {
            eprintln!("No session on {} at {moment} is known.", machine.computer_dns_name);
        }
        return match machine {
            Some(_) => Ok(Outcome::of_rows(found.len() as u64)),
            None => Ok(near::unknown(&place, NamesOf::Machines, &args.machine).await),
        };
    }
    let window = config.window(&args.window, now);
    let found = match &machine {
        Some(machine) => store.users_of_machine(&scope, machine.id, window).await?,
        None => Vec::new(),
    };
    let rows = found.len() as u64;
    if args.form.json {
        let users = found.into_iter().map(|user| {
            let (account, relation) = (user.account.clone(), user.relation);
            with_relation(("user", json!(views::User::new(user))), &account, &shared, &relation)
        });
        output::json(&users.collect::<Vec<Value>>())?;
    } else {
        let mut listing = Listing::new(args.form, &[USER, DOMAIN, ACCOUNTS])?;
        for user in &found {
            listing.add(row(who_cells(&user.account, &shared), &user.relation))?;
        }
        listing.finish()?;
    }
    let Some(machine) = machine else {
        return Ok(near::unknown(&place, NamesOf::Machines, &args.machine).await);
    };
    if rows == 0 {
        eprintln!("No logon on {} is known that is as asked.", machine.computer_dns_name);
    }
    Ok(Outcome::of_rows(rows))
}

/// Every relation.
pub(crate) async fn relations(config: &Config, args: &Relations) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let (store, scope) = (&place.store, place.scope());
    let window = config.window(&args.window, SystemClock.now());
    let shared = Shared::read(&place).await?;
    let mut listing = Listing::new(args.form, &RELATION_HEAD)?;
    let mut rows = 0;
    let listed = store
        .relations(&scope, window, &mut |relation| {
            rows += 1;
            if args.form.json {
                output::json(&relation_line(&relation, &shared))
            } else {
                listing.add(relation_row(&relation, &shared))
            }
        })
        .await;
    match listed {
        Err(store::Error::Visitor(error)) => return Err(error.into()),
        listed => listed?,
    }
    if !args.form.json {
        listing.finish()?;
    }
    if rows == 0 {
        eprintln!("No relation is known that is as asked.");
    }
    Ok(Outcome::of_rows(rows))
}

const USER: &str = "USER";
const DOMAIN: &str = "DOMAIN";
/// How many accounts have the user's name, in all domains: more than one are not one user.
const ACCOUNTS: &str = "ACCOUNTS";
/// Who and where.
const RELATION_HEAD: [&str; 5] = [USER, DOMAIN, ACCOUNTS, "MACHINE", MACHINE_ID];

fn who_cells(account: &Account, shared: &Shared) -> [String; 3] {
    let accounts = shared.accounts(account).to_string();
    [account.name.clone(), account.domain.clone(), accounts]
}

/// The names of a relation's columns in CSV.
pub(crate) fn relation_columns() -> Vec<String> {
    columns(&RELATION_HEAD).into_iter().map(csv_name).collect()
}

/// One relation for programs: keys folded, so that lines can be compared and joined, and logon
/// types as Windows' numbers.
pub(crate) fn relation_line(row: &RelationRow, shared: &Shared) -> Value {
    let types: Vec<u8> = row.relation.logon_types.iter().map(|kind| kind.number()).collect();
    json!({
        "user": row.account.name,
        "domain": row.account.domain,
        "accounts": shared.accounts(&row.account),
        "machine": fold(&row.computer_dns_name),
        "machineId": row.machine_id.to_string(),
        "firstSeen": row.relation.first_seen.to_string(),
        "lastSeen": row.relation.last_seen.to_string(),
        "logonCount": row.relation.logon_count,
        "logonTypes": types,
    })
}

/// One relation as a row of [`relation_columns`].
pub(crate) fn relation_row(row_of: &RelationRow, shared: &Shared) -> Vec<String> {
    let who = who_cells(&row_of.account, shared);
    let machine = [row_of.computer_dns_name.clone(), row_of.machine_id.to_string()];
    row(who.into_iter().chain(machine), &row_of.relation)
}

fn with_relation(
    (name, entity): (&str, Value),
    account: &Account,
    shared: &Shared,
    relation: &Relation,
) -> Value {
    json!({
        name: entity,
        "account": account.id(),
        "domain": account.domain,
        "accounts": shared.accounts(account),
        "firstSeen": relation.first_seen.to_string(),
        "lastSeen": relation.last_seen.to_string(),
        "logonTypes": relation.logon_types.words(),
        "logonCount": relation.logon_count,
    })
}

/// What a relation adds to the columns of who and where.
const RELATION: [&str; 4] = ["FIRST SEEN", "LAST SEEN", "HOW", "COUNT"];

fn columns<'a>(head: &[&'a str]) -> Vec<&'a str> {
    head.iter().copied().chain(RELATION).collect()
}

fn row(who: impl IntoIterator<Item = String>, relation: &Relation) -> Vec<String> {
    let time = |time: Timestamp| time.whole_second().to_string();
    let mut row: Vec<String> = who.into_iter().collect();
    row.extend([
        time(relation.first_seen),
        time(relation.last_seen),
        relation.logon_types.words().join(", "),
        relation.logon_count.to_string(),
    ]);
    row
}

/// A column that programs need and that has no room in a table.
const MACHINE_ID: &str = "MACHINE ID";

/// Rows as a table or as CSV.
enum Listing {
    Csv(Box<csv::Writer<std::io::Stdout>>),
    Table { table: Box<comfy_table::Table>, hidden: Option<usize> },
}

impl Listing {
    fn new(form: Form, head: &[&str]) -> std::io::Result<Self> {
        Self::of(form, columns(head))
    }

    fn of(form: Form, mut columns: Vec<&str>) -> std::io::Result<Self> {
        if form.csv {
            let mut csv = csv::Writer::from_writer(std::io::stdout());
            csv.write_record(columns.iter().map(|name| csv_name(name)))
                .map_err(output::io_error)?;
            return Ok(Self::Csv(Box::new(csv)));
        }
        let hidden = columns.iter().position(|&name| name == MACHINE_ID);
        hidden.map(|index| columns.remove(index));
        Ok(Self::Table { table: Box::new(output::table(&columns)), hidden })
    }

    fn add(&mut self, mut row: Vec<String>) -> std::io::Result<()> {
        match self {
            Self::Csv(csv) => csv.write_record(row).map_err(output::io_error),
            Self::Table { table, hidden } => {
                hidden.map(|index| row.remove(index));
                output::add_row(table, row);
                Ok(())
            }
        }
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Csv(mut csv) => csv.flush(),
            Self::Table { table, .. } if table.is_empty() => Ok(()),
            Self::Table { mut table, .. } => output::print_table(&mut table),
        }
    }
}

/// `FIRST SEEN` as a column name of CSV: `first_seen`.
fn csv_name(title: &str) -> String {
    title.to_lowercase().replace(' ', "_")
}
