//! `footfall query`: a question in the language of the API, from the command line.

use std::io::Write;
use std::sync::Arc;

use serde_json::{Map, Value};
use server::clock::SystemClock;
use server::local::{Answer, AskError, Local};
use store::NamesOf;

use crate::cli::Query;
use crate::config::Config;
use crate::near;
use crate::output::{self, Hinted, Outcome};
use crate::place::Place;

/// The columns of a table, unless the person selects others: those of a machine, a user, a device group.
const COLUMNS: &[&[&str]] = &[
    &["computerDnsName", "osPlatform", "version", "lastIpAddress", "healthStatus", "lastSeen"],
    &["accountName", "accountDomain", "firstSeen", "lastSeen", "logonTypes", "logOnMachinesCount"],
    &["id", "deviceGroupName", "priority", "deviceCount", "automationLevel"],
];
/// What is inside a row, shown where it was expanded.
const EXPANDED: &[&str] = &["logOnUsers", "machines"];
/// System query options, whose `$` may be left out here.
const OPTIONS: &[&str] =
    &["filter", "select", "orderby", "expand", "search", "top", "skip", "count", "format"];

/// The service over the place's store, which shows all of its tenant.
pub(crate) async fn local(config: &Config, place: &Place) -> anyhow::Result<Local> {
    let server_config = server::config::Config {
        upn: config.upn(),
        resolve: config.resolve(),
        look_back_days: config.answers.look_back.0,
        logon_types: config.answers.logon_types.0,
        ..server::config::Config::default()
    };
    let (store, tenant) = (Arc::clone(&place.store), place.tenant.clone());
    Ok(Local::new(server_config, store, Arc::new(SystemClock), tenant).await?)
}

/// Asks and prints.
pub(crate) async fn run(config: &Config, args: &Query) -> anyhow::Result<Outcome> {
    let place = Place::open_existing(config).await?;
    let local = local(config, &place).await?;
    let target = target(args)?;
    let accept = if args.form.csv {
        "text/csv, */*;q=0.1"
    } else {
        "application/x-ndjson, application/json;q=0.5, */*;q=0.1"
    };
    let mut answer = match local.get(&target, accept).await {
        Ok(answer) => answer,
        Err(AskError::Unknown { message }) => {
            eprintln!("error: {}", output::printable(&message));
            suggest(&place, &args.path).await;
            return Ok(Outcome::Nothing);
        }
        Err(error) => return Err(explained(error)),
    };
    let kind = answer.content_type().split(';').next().unwrap_or_default().to_owned();
    let rows = match kind.as_str() {
        "application/x-ndjson" if args.form.json => copy(&mut answer).await?,
        "application/x-ndjson" => table(&mut answer, args).await?,
        // The first line of CSV names the columns.
        "text/csv" => copy(&mut answer).await?.saturating_sub(1),
        _ if args.form.csv => {
            let hint = "--json prints it; CSV is for lists";
            return Err(Hinted::error(format!("`{}` is one thing and no list", args.path), hint));
        }
        "application/json" => {
            let mut value: Value = serde_json::from_slice(&answer.read().await?)?;
            // Where it is served says nothing here; the others keep their order.
            value.as_object_mut().map(|entity| entity.shift_remove("@odata.context"));
            match args.form.json {
                true => output::json(&value)?,
                false => output::line(&serde_json::to_string_pretty(&value)?)?,
            }
            1
        }
        _ => {
            output::line(String::from_utf8_lossy(&answer.read().await?).trim_end())?;
            1
        }
    };
    if rows == 0 {
        eprintln!("Nothing is as asked.");
        suggest(&place, &args.path).await;
    }
    Ok(Outcome::of_rows(rows))
}

/// Says on stderr what may have been meant by the user or machine of a path, if it is not known.
async fn suggest(place: &Place, path: &str) {
    let path = path.split('?').next().unwrap_or_default();
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let named = parts.by_ref().find_map(|part| match part.to_ascii_lowercase().as_str() {
        "users" => Some(NamesOf::Users),
        "machines" => Some(NamesOf::Machines),
        _ => None,
    });
    if let (Some(of), Some(name)) = (named, parts.next())
        && let Some(hint) = near::suggestion(place, of, name).await
    {
        eprintln!("hint: {hint}");
    }
}

/// The path with all options: those in it and those of the flags.
fn target(args: &Query) -> anyhow::Result<String> {
    let (path, query) = args.path.split_once('?').unwrap_or((&args.path, ""));
    let mut options = Vec::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        if name.trim().is_empty() {
            return Err(Hinted::error(
                format!("an option of `{}` has no name", args.path),
                "the shell took `$filter` for a variable of its own: use single quotes or --filter",
            ));
        }
        let is_option = OPTIONS.iter().any(|known| known.eq_ignore_ascii_case(name.trim()));
        options.push(format!("{}{name}={value}", if is_option { "$" } else { "" }));
    }
    let (top, skip) = (args.top.map(|it| it.to_string()), args.skip.map(|it| it.to_string()));
    for (name, value) in [
        ("filter", &args.filter),
        ("select", &args.select),
        ("orderby", &args.orderby),
        ("expand", &args.expand),
        ("search", &args.search),
        ("top", &top),
        ("skip", &skip),
    ] {
        if let Some(value) = value {
            options.push(format!("${name}={}", encoded(value)));
        }
    }
    Ok(if options.is_empty() { path.to_owned() } else { format!("{path}?{}", options.join("&")) })
}

/// A value in which nothing ends the option or stands for something else.
fn encoded(value: &str) -> String {
    value.replace('%', "%25").replace('&', "%26").replace('+', "%2B").replace('#', "%23")
}

fn explained(error: AskError) -> anyhow::Error {
    match &error {
        AskError::Refused { status: 400, message } => Hinted::error(
            message.clone(),
            "footfall query --help has examples; docs/api/query.md has the language",
        ),
        _ => error.into(),
    }
}

/// Passes lines on; how many there were, those inside of a field of CSV among them.
async fn copy(answer: &mut Answer) -> anyhow::Result<u64> {
    let mut stdout = std::io::stdout().lock();
    let mut lines = 0;
    while let Some(bytes) = answer.next().await? {
        lines += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        stdout.write_all(&bytes)?;
    }
    stdout.flush()?;
    Ok(lines)
}

/// Prints lines of JSON as a table; how many rows it has.
async fn table(answer: &mut Answer, args: &Query) -> anyhow::Result<u64> {
    let body = answer.read().await?;
    let rows = serde_json::Deserializer::from_slice(&body).into_iter::<Map<String, Value>>();
    let (mut table, mut count) = (None, 0);
    for row in rows {
        let row = row?;
        count += 1;
        let (table, columns) = table.get_or_insert_with(|| {
            let columns = columns(&row, args);
            let head: Vec<_> = columns.iter().map(|name| title(name)).collect();
            let head: Vec<_> = head.iter().map(String::as_str).collect();
            (output::table(&head), columns)
        });
        output::add_row(table, columns.iter().map(|name| cell(row.get(name))));
    }
    if let Some((mut table, _)) = table {
        output::print_table(&mut table)?;
    }
    Ok(count)
}

fn columns(row: &Map<String, Value>, args: &Query) -> Vec<String> {
    let selects = args.select.is_some() || args.path.to_ascii_lowercase().contains("select=");
    let known = COLUMNS.iter().find(|columns| columns.iter().all(|name| row.contains_key(*name)));
    match known {
        Some(columns) if !selects => {
            let expanded = EXPANDED.iter().filter(|name| row.contains_key(**name));
            columns.iter().chain(expanded).map(|name| (*name).to_owned()).collect()
        }
        _ => row.keys().cloned().collect(),
    }
}

/// `computerDnsName` as the head of a column: `COMPUTER DNS NAME`.
fn title(name: &str) -> String {
    let mut title = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_uppercase() && !title.is_empty() {
            title.push(' ');
        }
        title.extend(character.to_uppercase());
    }
    title
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => output::list(
            &items.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>(),
        ),
        // Of what was expanded the names, where they are there.
        Some(Value::Array(items)) => {
            let name = |item: &Value| {
                let named = ["computerDnsName", "accountName", "id", "ipAddress"];
                let name = named.iter().find_map(|key| item[*key].as_str());
                name.map_or_else(|| item.to_string(), str::to_owned)
            };
            output::list(&items.iter().map(name).collect::<Vec<_>>())
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_words() {
        assert_eq!(title("computerDnsName"), "COMPUTER DNS NAME");
        assert_eq!(title("id"), "ID");
    }
}
