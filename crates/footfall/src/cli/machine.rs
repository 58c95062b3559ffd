//! `footfall machine`.

use clap::{Args, Subcommand};
use inventory::machine::ExclusionReason;

#[derive(Debug, Subcommand)]
pub(crate) enum Machine {
    /// Add and remove tags of a machine; its device group follows
    Tag(Tag),
    /// Leave a machine out of account: it stays in all lists, marked as excluded
    Exclude(Exclude),
    /// Take an excluded machine in again
    Include(Include),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  footfall machine exclude ws-014.corp.example --reason InactiveDevice")]
pub(crate) struct Exclude {
    /// The machine: id, computer name or Entra device id; case does not count
    pub(crate) machine: String,
    /// Why: Other, InactiveDevice, DuplicateDevice, DeviceDoesNotExist, DeviceOutOfScope
    #[arg(long, value_name = "REASON", default_value = "Other", value_parser = reason)]
    pub(crate) reason: ExclusionReason,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  footfall machine include ws-014.corp.example")]
pub(crate) struct Include {
    /// The machine: id, computer name or Entra device id; case does not count
    pub(crate) machine: String,
}

fn reason(text: &str) -> Result<ExclusionReason, String> {
    let known = || ExclusionReason::ALL.iter().map(|reason| reason.as_str());
    ExclusionReason::parse(text)
        .ok_or_else(|| format!("write one of {}", known().collect::<Vec<_>>().join(", ")))
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall machine tag ws-014.corp.example --add vip --remove spare
  footfall machine tag ws-014                 # shows the tags")]
pub(crate) struct Tag {
    /// The machine: id, computer name or Entra device id; case does not count
    pub(crate) machine: String,
    /// A tag to add; may be repeated
    #[arg(long = "add", value_name = "TAG", allow_hyphen_values = true)]
    pub(crate) added: Vec<String>,
    /// A tag to remove; may be repeated
    #[arg(long = "remove", value_name = "TAG", allow_hyphen_values = true)]
    pub(crate) removed: Vec<String>,
    /// Print JSON: the machine as the API shows it
    #[arg(long)]
    pub(crate) json: bool,
}
