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
    /// Show the records that are one machine, and why
    Identities(Identities),
    /// Say that machines are one, or that they are not after all
    Merge(Merge),
    /// Say that a record is a machine of its own, or take that back
    Split(Split),
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

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall machine identities ws-014.corp.example
  footfall machine identities ws-014 --json")]
pub(crate) struct Identities {
    /// The machine: id, computer name or Entra device id; case does not count
    pub(crate) machine: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall machine merge ws-014.corp.example 9a41d0c2b3e4f5061728394a5b6c7d8e9f001122
  footfall machine merge laptop-7.corp.example laptop-old --json
  footfall machine merge --undo 9a41d0c2b3e4f5061728394a5b6c7d8e9f001122

The others stay in lists with mergedIntoMachineId; their logons count for the survivor.")]
pub(crate) struct Merge {
    /// The machine that all are shown as: id, computer name or Entra device id; with --undo, one that was
    /// merged
    pub(crate) survivor: String,
    /// The machines that are merged into it
    #[arg(required_unless_present = "undo", conflicts_with = "undo")]
    pub(crate) others: Vec<String>,
    /// Undo the merging of a machine: it is by itself again, as far as telemetry lets it
    #[arg(long)]
    pub(crate) undo: bool,
    /// Print JSON: what the machine consists of now
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall machine split 9a41d0c2b3e4f5061728394a5b6c7d8e9f001122
  footfall machine split laptop-old --json
  footfall machine split --undo 9a41d0c2b3e4f5061728394a5b6c7d8e9f001122

What is split stays by itself, whatever telemetry tells, until that is undone.")]
pub(crate) struct Split {
    /// The record that is taken out of its machine: id or computer name; footfall machine identities
    /// shows the records
    pub(crate) machine: String,
    /// Undo the splitting: the record is where telemetry puts it
    #[arg(long)]
    pub(crate) undo: bool,
    /// Print JSON: what the machine consists of now
    #[arg(long)]
    pub(crate) json: bool,
}
