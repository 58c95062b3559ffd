//! `footfall machines`, `users` and `relations`: the questions, from the command line.

mod presence;

use inventory::fold;
use inventory::query::{MachineSelector, Page, PresenceOf};
use inventory::relation::Relation;
use inventory::time::Timestamp;
use serde_json::{Value, json};
use server::clock::{Clock, SystemClock};
use server::views;
use store::RelationRow;

use crate::cli::{Form, Machines, Relations, Users};
use crate::config::Config;
use crate::output::{self, Outcome};
use crate::place::Place;

/// The machines that a user logged on to, the last logon first.
pub(crate) async fn machines(config: &Config, args: &Machines) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let (store, scope) = (&place.store, place.scope());
    let now = SystemClock.now();
    let lookup = (config.upn(), config.resolve());
    let user = server::who::users(&**store, &scope, &args.user, lookup).await?;
    if let Some(moment) = args.at {
        let moment = moment.from(now);
        let found = match user {
            Some(user) => store.presences(&scope, &PresenceOf::User(user), moment).await?,
            None => Vec::new(),
        };
        if found.is_empty() {
            eprintln!("No session of {} at {moment} is known.", args.user);
        }
        presence::list(args.form, &found)?;
        return Ok(Outcome::Done);
    }
    let window = config.window(&args.window, now);
    let mut found = match user {
        Some(user) => store.machines_of_user(&scope, &user, window, Page::ALL).await?,
        None => Vec::new(),
    };
    // The API orders by the machine; a person reads when the user was there.
    found.sort_by_key(|found| (std::cmp::Reverse(found.relation.last_seen), found.machine.id));
    if args.form.json {
        let machines: Vec<Value> = found
            .into_iter()
            .map(|found| {
                let machine = json!(views::Machine::new(found.machine, now));
                with_relation("machine", machine, &found.relation)
            })
            .collect();
        output::json(&machines)?;
    } else if found.is_empty() {
        eprintln!("No logon of {} is known.", args.user);
    } else {
        let rows = found.iter().map(|found| {
            row(
                [found.machine.computer_dns_name.clone(), found.machine.id.to_string()],
                &found.relation,
            )
        });
        let mut listing = Listing::new(args.form, &["MACHINE", MACHINE_ID])?;
        rows.into_iter().try_for_each(|row| listing.add(row))?;
        listing.finish()?;
    }
    Ok(Outcome::Done)
}

/// The users that logged on to a machine, the last logon first.
pub(crate) async fn users(config: &Config, args: &Users) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let (store, scope) = (&place.store, place.scope());
    let machine = match MachineSelector::parse(&args.machine) {
        Some(selector) => store.machine(&scope, &selector).await?,
        None => None,
    };
    let Some(machine) = machine else {
        eprintln!("error: there is no machine `{}`", args.machine);
        eprintln!("hint: footfall relations lists every machine that is known");
        return Ok(Outcome::Failed);
    };
    let now = SystemClock.now();
    if let Some(moment) = args.at {
        let moment = moment.from(now);
        let found = store.presences(&scope, &PresenceOf::Machine(machine.id), moment).await?;
        if found.is_empty() {
            eprintln!("No session on {} at {moment} is known.", machine.computer_dns_name);
        }
        presence::list(args.form, &found)?;
        return Ok(Outcome::Done);
    }
    let window = config.window(&args.window, now);
    let found = store.users_of_machine(&scope, machine.id, window).await?;
    if args.form.json {
        let users: Vec<Value> = found
            .into_iter()
            .map(|user| {
                let relation = user.relation;
                with_relation("user", json!(views::User::new(user)), &relation)
            })
            .collect();
        output::json(&users)?;
    } else {
        let rows = found.iter().map(|user| {
            row([user.account.name.clone(), user.account.domain.clone()], &user.relation)
        });
        let mut listing = Listing::new(args.form, &["USER", "DOMAIN"])?;
        rows.into_iter().try_for_each(|row| listing.add(row))?;
        listing.finish()?;
        if found.is_empty() {
            eprintln!("No logon on {} is known.", machine.computer_dns_name);
        }
    }
    Ok(Outcome::Done)
}

/// Every relation.
pub(crate) async fn relations(config: &Config, args: &Relations) -> anyhow::Result<()> {
    let place = Place::open_existing(config).await?;
    let (store, scope) = (&place.store, place.scope());
    let window = config.window(&args.window, SystemClock.now());
    let mut listing = Listing::new(args.form, &RELATION_HEAD)?;
    let listed = store
        .relations(&scope, window, &mut |relation| {
            if args.form.json {
                output::json(&relation_line(&relation))
            } else {
                listing.add(relation_row(&relation))
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
    Ok(())
}

/// Who and where.
const RELATION_HEAD: [&str; 4] = ["USER", "DOMAIN", "MACHINE", MACHINE_ID];

/// The names of a relation's columns in CSV.
pub(crate) fn relation_columns() -> Vec<String> {
    columns(&RELATION_HEAD).into_iter().map(csv_name).collect()
}

/// One relation for programs: keys folded, so that lines can be compared and joined, and logon
/// types as Windows' numbers.
pub(crate) fn relation_line(row: &RelationRow) -> Value {
    let types: Vec<u8> = row.relation.logon_types.iter().map(|kind| kind.number()).collect();
    json!({
        "user": row.account.name,
        "domain": row.account.domain,
        "machine": fold(&row.computer_dns_name),
        "machineId": row.machine_id.to_string(),
        "firstSeen": row.relation.first_seen.to_string(),
        "lastSeen": row.relation.last_seen.to_string(),
        "logonCount": row.relation.logon_count,
        "logonTypes": types,
    })
}

/// One relation as a row of [`relation_columns`].
pub(crate) fn relation_row(row_of: &RelationRow) -> Vec<String> {
    let who = [row_of.account.name.clone(), row_of.account.domain.clone()];
    let machine = [row_of.computer_dns_name.clone(), row_of.machine_id.to_string()];
    row(who.into_iter().chain(machine), &row_of.relation)
}

fn with_relation(name: &str, entity: Value, relation: &Relation) -> Value {
    json!({
        name: entity,
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
