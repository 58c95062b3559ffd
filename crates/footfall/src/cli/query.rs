//! `footfall query` and `footfall export`.

use std::path::PathBuf;

use clap::Args;

use super::Form;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall query machines --filter \"osPlatform eq 'Windows11' and lastSeen gt 2026-11-01Z\"
  footfall query 'machines?$filter=startswith(computerDnsName,'\\''srv-'\\'')&$orderby=lastSeen desc'
  footfall query users --filter \"accountName in ('jdoe','anna')\" --expand 'machines($select=computerDnsName)' --json
  footfall query users/jdoe/machines --select computerDnsName,lastSeen --csv
  footfall query 'machines/$count' --filter \"healthStatus eq 'Inactive'\"
  footfall query \"machines/findbyip(ip='10.0.0.1',timestamp=2026-11-23T09:30:00Z)\"

The paths and options are those of the API (docs/api/query.md); nothing has to be percent-encoded.")]
pub(crate) struct Query {
    /// A path of the API, with its query options if it has any
    #[arg(value_name = "PATH[?OPTIONS]")]
    pub(crate) path: String,
    /// What must be true of a row
    #[arg(long, value_name = "CONDITION")]
    pub(crate) filter: Option<String>,
    /// The properties that are wanted, separated by commas
    #[arg(long, value_name = "NAMES")]
    pub(crate) select: Option<String>,
    /// Which rows come first: `lastSeen desc,id`
    #[arg(long, value_name = "KEYS")]
    pub(crate) orderby: Option<String>,
    /// Related rows inside each row: `logOnUsers` of machines, `machines` of users
    #[arg(long, value_name = "NAME(...)")]
    pub(crate) expand: Option<String>,
    /// Words in the names of things
    #[arg(long, value_name = "WORDS")]
    pub(crate) search: Option<String>,
    /// Rows at most
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<u64>,
    /// Rows to pass over
    #[arg(long, value_name = "N")]
    pub(crate) skip: Option<u64>,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall export case-117/                  # machines, users, relations and device groups as lines of JSON
  footfall export --csv --force /srv/share/footfall

Every file is written whole or not at all, and readable by its owner only.")]
pub(crate) struct Export {
    /// The folder for the files; it is made where it does not exist
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// Write CSV instead of lines of JSON
    #[arg(long)]
    pub(crate) csv: bool,
    /// Replace files of an earlier export
    #[arg(long)]
    pub(crate) force: bool,
    /// Print what was written as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
