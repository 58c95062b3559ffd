//! `footfall audit` and `footfall limits`.

use clap::{Args, ValueEnum};
use server::origin::Origin;
use uuid::Uuid;

use super::client_id;
use crate::moment::Moment;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall audit                                  # the last 100 entries
  footfall audit --since 24h --kind sign-in
  footfall audit --person jdoe --since 2026-01-01 --until 2026-02-01 --csv > january.csv
  footfall audit --ocsf --since 7d > events.ndjson

JSON has a line for each entry: time, kind (call, admin, sign-in), tenantId, correlationId, appId,
person, address, operation, detail, status (0: none was sent), rows, latencyUs; null where nothing
is known. OCSF is of version 1.6.0: API Activity for calls, Authentication for sign-ins and Entity
Management for changes.")]
pub(crate) struct Audit {
    /// Not before: 24h, 30m, 7d, 2026-01-01 or 2026-01-01T10:00:00Z; without a zone it is UTC
    #[arg(long, value_name = "WHEN", value_parser = crate::moment::parse)]
    pub(crate) since: Option<Moment>,
    /// Before, written as above
    #[arg(long, value_name = "WHEN", value_parser = crate::moment::parse)]
    pub(crate) until: Option<Moment>,
    /// Only what this app asked
    #[arg(long, value_name = "CLIENT-ID", value_parser = client_id)]
    pub(crate) app: Option<Uuid>,
    /// Only what this person asked, changed or signed in for; case does not count
    #[arg(long, value_name = "NAME")]
    pub(crate) person: Option<String>,
    /// Only this kind
    #[arg(long)]
    pub(crate) kind: Option<DeedKind>,
    /// Only the last so many. Default: 100 for a table, all for the other forms
    #[arg(long, value_name = "N")]
    pub(crate) last: Option<u64>,
    /// Entries of every tenant, and of requests whose tenant is not known
    #[arg(long)]
    pub(crate) all_tenants: bool,
    /// Print JSON, one entry a line
    #[arg(long, conflicts_with_all = ["csv", "ocsf"])]
    pub(crate) json: bool,
    /// Print events of the Open Cybersecurity Schema Framework, JSON, one a line
    #[arg(long, conflicts_with = "csv")]
    pub(crate) ocsf: bool,
    /// Print CSV
    #[arg(long)]
    pub(crate) csv: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeedKind {
    /// Calls of the API
    Call,
    /// Changes of the administration
    Admin,
    /// Sign-ins and requests for tokens
    SignIn,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall limits
  footfall limits --server https://footfall.corp.example --json

The server is asked where the configuration says that it listens, with a token that is signed with
the key in the database. A certificate is believed that the database's own authority signed, or one
of serve.tls_cert.")]
pub(crate) struct LimitsArgs {
    /// Where the server is, if not where the configuration says
    #[arg(long, value_name = "URL", value_parser = origin)]
    pub(crate) server: Option<Origin>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall status
  footfall status --silent-after 15m --check   # exit code 1 when somebody is silent
  footfall status --json

What is counted of senders lies in the database. With metrics.listen in the configuration the running
server is asked, too, how much waits and how long transactions take.")]
pub(crate) struct Status {
    /// Who has sent nothing for so long is silent
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = crate::moment::seconds)]
    pub(crate) silent_after: u32,
    /// Fail when somebody is silent
    #[arg(long)]
    pub(crate) check: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn origin(text: &str) -> Result<Origin, String> {
    text.parse().map_err(|error: server::config::Error| error.to_string())
}
