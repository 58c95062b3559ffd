//! `footfall audit`: the record of who asked, changed and signed in. Entries are printed as they
//! are read, however many there are.

mod ocsf;

use std::collections::HashMap;
use std::io::{BufWriter, Write};

use inventory::access::Tenant;
use inventory::access::audit::{Deed, Entry, Filter};
use inventory::ids::TenantId;
use serde_json::{Value, json};
use server::clock::{Clock, SystemClock};
use server::issuer::COMMAND_LINE_APP;
use store::Store;
use uuid::Uuid;

use crate::cli::{Audit, DeedKind};
use crate::config::Config;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Entries of a table, unless it is said how many.
const TABLE_ENTRIES: u64 = 100;
/// Names of the columns of CSV: those of JSON as CSV writes names.
const COLUMNS: [&str; 12] = [
    "time",
    "kind",
    "tenant_id",
    "correlation_id",
    "app_id",
    "person",
    "address",
    "operation",
    "detail",
    "status",
    "rows",
    "latency_us",
];

/// What entries refer to by number or id.
struct Names {
    tenants: HashMap<TenantId, Uuid>,
    apps: HashMap<Uuid, String>,
}

/// Prints the entries that are asked for.
pub(crate) async fn run(config: &Config, args: &Audit) -> anyhow::Result<Outcome> {
    let Place { store, tenant } = Place::open_existing(config).await?;
    let filter = filter(args, &tenant);
    let names = Names::read(&*store).await?;
    let stdout = BufWriter::new(std::io::stdout());
    let mut printer = Printer::new(args, stdout)?;
    let mut rows = 0;
    let listed = store
        .audit(&filter, &mut |entry| {
            rows += 1;
            printer.print(&entry, &names)
        })
        .await;
    match listed {
        Err(store::Error::Visitor(error)) => return Err(error.into()),
        listed => listed?,
    }
    printer.finish()?;
    if rows == 0 {
        eprintln!("No entry is as asked.");
    }
    Ok(Outcome::of_rows(rows))
}

fn filter(args: &Audit, tenant: &Tenant) -> Filter {
    let now = SystemClock.now();
    let is_table = !(args.json || args.csv || args.ocsf);
    Filter {
        tenant: (!args.all_tenants).then_some(tenant.number),
        since: args.since.map(|moment| moment.from(now)),
        until: args.until.map(|moment| moment.from(now)),
        deed: args.kind.map(|kind| match kind {
            DeedKind::Call => Deed::Call,
            DeedKind::Admin => Deed::Administration,
            DeedKind::SignIn => Deed::SignIn,
        }),
        app: args.app,
        person: args.person.clone(),
        last: args.last.or(is_table.then_some(TABLE_ENTRIES)),
    }
}

impl Names {
    async fn read(store: &dyn Store) -> Result<Self, store::Error> {
        let mut names = Self { tenants: HashMap::new(), apps: HashMap::new() };
        for tenant in store.tenants().await? {
            names.tenants.insert(tenant.number, tenant.id);
            let apps = store.apps(tenant.number).await?;
            names.apps.extend(apps.into_iter().map(|app| (app.client_id, app.name)));
        }
        names.apps.insert(COMMAND_LINE_APP, "footfall".to_owned());
        Ok(names)
    }

    fn tenant(&self, entry: &Entry) -> Option<Uuid> {
        entry.tenant.and_then(|number| self.tenants.get(&number).copied())
    }

    /// `jdoe (playbook)`, `jdoe`, `playbook` or nothing.
    fn who(&self, entry: &Entry) -> String {
        let app = entry.app.map(|id| self.apps.get(&id).cloned().unwrap_or_else(|| id.to_string()));
        match (&entry.person, app) {
            (Some(person), Some(app)) => format!("{person} ({app})"),
            (Some(person), None) => person.clone(),
            (None, app) => app.unwrap_or_else(|| "-".to_owned()),
        }
    }
}

/// What a kind of deed is called.
fn kind(deed: Deed) -> &'static str {
    match deed {
        Deed::Call => "call",
        Deed::Administration => "admin",
        Deed::SignIn => "sign-in",
    }
}

/// Writes entries in the form that was asked for.
enum Printer<W: Write> {
    Table(W),
    Json(W),
    Ocsf(W),
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> Printer<W> {
    fn new(args: &Audit, mut out: W) -> std::io::Result<Self> {
        if args.json {
            return Ok(Self::Json(out));
        }
        if args.ocsf {
            return Ok(Self::Ocsf(out));
        }
        if args.csv {
            let mut csv = csv::Writer::from_writer(out);
            csv.write_record(COLUMNS).map_err(output::io_error)?;
            return Ok(Self::Csv(Box::new(csv)));
        }
        let head =
            ["TIME", "KIND", "STATUS", "ROWS", "MS", "ADDRESS", "WHO", "OPERATION", "DETAIL"];
        line(&mut out, head.map(str::to_owned))?;
        Ok(Self::Table(out))
    }

    fn print(&mut self, entry: &Entry, names: &Names) -> std::io::Result<()> {
        match self {
            Self::Table(out) => line(out, cells(entry, names)),
            Self::Json(out) => json_line(out, &fields(entry, names)),
            Self::Ocsf(out) => json_line(out, &ocsf::event(entry, names.tenant(entry))),
            Self::Csv(csv) => csv.write_record(record(entry, names)).map_err(output::io_error),
        }
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Table(mut out) | Self::Json(mut out) | Self::Ocsf(mut out) => out.flush(),
            Self::Csv(mut csv) => csv.flush(),
        }
    }
}

fn json_line(out: &mut impl Write, value: &Value) -> std::io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn fields(entry: &Entry, names: &Names) -> Value {
    json!({
        "time": entry.time.to_string(),
        "kind": kind(entry.deed),
        "tenantId": names.tenant(entry),
        "correlationId": entry.correlation,
        "appId": entry.app,
        "person": entry.person,
        "address": entry.address,
        "operation": entry.operation,
        "detail": entry.detail,
        "status": entry.status,
        "rows": entry.rows,
        "latencyUs": entry.latency_us,
    })
}

/// The values of [`fields`], what is not known being empty.
fn record(entry: &Entry, names: &Names) -> Vec<String> {
    let fields = fields(entry, names);
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    fields.as_object().into_iter().flat_map(|fields| fields.values()).map(text).collect()
}

fn cells(entry: &Entry, names: &Names) -> [String; 9] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        entry.time.whole_second().to_string(),
        kind(entry.deed).to_owned(),
        if entry.status == 0 { "-".to_owned() } else { entry.status.to_string() },
        or_dash(entry.rows.map(|rows| rows.to_string())),
        format!("{:.1}", entry.latency_us as f64 / 1000.0),
        or_dash(entry.address.map(|address| address.to_string())),
        names.who(entry),
        entry.operation.clone(),
        entry.detail.clone(),
    ]
}

/// One line of the table. The columns have widths that most entries fit into, since the widest is
/// not known before all are read.
fn line(out: &mut impl Write, cells: [String; 9]) -> std::io::Result<()> {
    const WIDTHS: [usize; 9] = [20, 7, 6, 5, 7, 15, 24, 38, 0];
    let padded = cells.iter().zip(WIDTHS).map(|(cell, width)| {
        let cell = output::printable(cell);
        format!("{cell:<width$}")
    });
    let line = padded.collect::<Vec<_>>().join("  ");
    writeln!(out, "{}", line.trim_end())
}
