//! `footfall operator`: the people who sign in here.

use inventory::access::directory::{Directory, Refused};
use inventory::access::operator::Operator;
use serde_json::{Value, json};
use server::administration::Error;
use server::administration::operators::{Entry, NewOperator, OperatorChange, Rank};
use server::issuer::totp;

use crate::cli::{self, AddOperator, PasswordSource, Switch};
use crate::config::Config;
use crate::output::{self, Outcome};
use crate::password::{self, NewPassword};
use crate::place::Place;

/// Adds, lists, changes and removes people.
pub(crate) async fn run(config: &Config, command: cli::Operator) -> anyhow::Result<Outcome> {
    let place = match &command {
        cli::Operator::Add { .. } => Place::open(config).await?,
        _ => Place::open_existing(config).await?,
    };
    let actor = place.actor();
    let administration = place.administration(&actor);
    match command {
        cli::Operator::Add(args) => add(&place, args).await?,
        cli::Operator::List { json } => list(&place, json).await?,
        cli::Operator::Password { user, password, json } => {
            set_password(&place, &user, password, json).await?;
        }
        cli::Operator::Disable { user } => {
            let change = OperatorChange { entry: Some(Entry::Disabled), ..Default::default() };
            administration.change_operator(&user, change).await?;
            eprintln!("Shut out; tokens of {} are refused from now on.", output::printable(&user));
        }
        cli::Operator::Enable { user } => {
            let change = OperatorChange { entry: Some(Entry::Enabled), ..Default::default() };
            administration.change_operator(&user, change).await?;
            eprintln!("{} may sign in again.", output::printable(&user));
        }
        cli::Operator::Unlock { user } => {
            administration.unlock(&user).await?;
            eprintln!("{} may try to sign in again.", output::printable(&user));
        }
        cli::Operator::SignOut { user } => {
            administration.sign_out(&user).await?;
            eprintln!(
                "Signed out; tokens of {} are refused from now on.",
                output::printable(&user)
            );
        }
        cli::Operator::Remove { user } => {
            administration.remove_operator(&user).await?;
            eprintln!("Removed {}.", output::printable(&user));
        }
        cli::Operator::Administrator { user, switch } => {
            let rank = if switch == Switch::On { Rank::Administrator } else { Rank::Member };
            let change = OperatorChange { rank: Some(rank), ..Default::default() };
            administration.change_operator(&user, change).await?;
            let words = if switch == Switch::On { "an" } else { "no" };
            eprintln!("{} is {words} administrator from now on.", output::printable(&user));
        }
        cli::Operator::Totp { user, remove: true, .. } => {
            administration.remove_totp(&user).await?;
            eprintln!("{} signs in without an authenticator app.", output::printable(&user));
        }
        cli::Operator::Totp { user, remove: false, json } => enrol(&place, &user, json).await?,
    }
    Ok(Outcome::Done)
}

async fn add(place: &Place, args: AddOperator) -> anyhow::Result<()> {
    let actor = place.actor();
    let administration = place.administration(&actor);
    // Before the password is asked for and the person is there.
    let directory = administration.directory().await?.directory;
    args.groups.iter().try_for_each(|group| check_local(&directory, group))?;
    let password = password::obtain(args.password)?;
    let new = NewOperator {
        user_name: &args.user_name,
        display_name: args.name.as_deref().unwrap_or(&args.user_name),
        password: &password.text,
        rank: if args.administrator { Rank::Administrator } else { Rank::Member },
    };
    let operator = administration.add_operator(new).await?;
    let id = operator.id.to_string();
    for group in &args.groups {
        administration.add_member(group, &id).await?;
    }
    show(place, &operator, &password, args.json)?;
    eprintln!("Added {}.", output::printable(&operator.user_name));
    Ok(())
}

fn check_local(directory: &Directory, group: &str) -> Result<(), Error> {
    let group = group.to_owned();
    match directory.user_group(&group) {
        Some(known) if known.members.is_some() => Ok(()),
        Some(_) => Err(Refused::NotLocal { group }.into()),
        None => Err(Refused::Unknown { what: "user group", name: group }.into()),
    }
}

async fn set_password(
    place: &Place,
    user: &str,
    source: PasswordSource,
    json: bool,
) -> anyhow::Result<()> {
    let actor = place.actor();
    let administration = place.administration(&actor);
    let operator = administration.operator(user).await?;
    let password = password::obtain(source)?;
    administration.set_password(&operator.id.to_string(), &password.text).await?;
    if json || password.is_generated {
        show(place, &operator, &password, json)?;
    }
    eprintln!(
        "Changed the password of {}, who is signed out everywhere.",
        output::printable(&operator.user_name)
    );
    Ok(())
}

/// Shows who it is, and the password when nobody knows it yet.
fn show(
    place: &Place,
    operator: &Operator,
    password: &NewPassword,
    json: bool,
) -> std::io::Result<()> {
    let generated = password.is_generated.then_some(&password.text);
    if json {
        let mut printed = json!({
            "tenantId": place.tenant.id,
            "operatorId": operator.id,
            "userName": operator.user_name,
        });
        if let Some(password) = generated {
            printed["password"] = json!(password);
        }
        return output::json(&printed);
    }
    output::line(&format!("Tenant id:    {}", place.tenant.id))?;
    output::line(&format!("Operator id:  {}", operator.id))?;
    if let Some(password) = generated {
        output::line(&format!("Password:     {password}"))?;
        eprintln!("The password is not shown again.");
    }
    Ok(())
}

async fn enrol(place: &Place, user: &str, json: bool) -> anyhow::Result<()> {
    let actor = place.actor();
    let (operator, secret) = place.administration(&actor).enrol_totp(user).await?;
    let uri = totp::uri(&secret, &operator.user_name);
    let secret = totp::written(&secret);
    if json {
        let printed = json!({ "userName": operator.user_name, "uri": uri, "secret": secret });
        output::json(&printed)?;
    } else {
        output::line(&format!("URI:     {uri}"))?;
        output::line(&format!("Secret:  {secret}"))?;
    }
    eprintln!(
        "The secret is not shown again; {} needs a code of the authenticator app from now on.",
        output::printable(&operator.user_name)
    );
    Ok(())
}

async fn list(place: &Place, json: bool) -> anyhow::Result<()> {
    let operators = place.store.operators(place.tenant.number).await?;
    let directory = place.store.directory(place.tenant.number).await?.directory;
    if json {
        let operators: Vec<_> = operators.iter().map(|one| described(one, &directory)).collect();
        output::json(&operators)?;
        return Ok(());
    }
    let head = ["USER NAME", "NAME", "OPERATOR ID", "STATE", "ADMINISTRATOR", "TOTP", "GROUPS"];
    let mut table = output::table(&head);
    let yes = |holds: bool| if holds { "yes" } else { "-" }.to_owned();
    let now = place.actor().now;
    for operator in &operators {
        let state = match (operator.disabled, operator.locked_until) {
            (Some(_), _) => "disabled".to_owned(),
            (None, Some(until)) if until > now => format!("locked until {}", until.whole_second()),
            _ => "enabled".to_owned(),
        };
        let cells = [
            operator.user_name.clone(),
            operator.display_name.clone(),
            operator.id.to_string(),
            state,
            yes(operator.is_administrator),
            yes(operator.totp.is_some()),
            groups(operator, &directory).join(", "),
        ];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)?;
    Ok(())
}

fn described(operator: &Operator, directory: &Directory) -> Value {
    json!({
        "operatorId": operator.id,
        "userName": operator.user_name,
        "name": operator.display_name,
        "administrator": operator.is_administrator,
        "totp": operator.totp.is_some(),
        "groups": groups(operator, directory),
        "created": operator.created.to_string(),
        "disabled": operator.disabled.map(|at| at.to_string()),
        "lockedUntil": operator.locked_until.map(|at| at.to_string()),
    })
}

/// The names of the local groups that someone is in.
fn groups(operator: &Operator, directory: &Directory) -> Vec<String> {
    let is_in = |members: &Option<Vec<_>>| {
        members.as_ref().is_some_and(|members| members.contains(&operator.id))
    };
    let groups = directory.user_groups.iter().filter(|group| is_in(&group.members));
    groups.map(|group| group.display_name.clone()).collect()
}
