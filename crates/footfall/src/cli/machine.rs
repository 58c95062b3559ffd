//! `footfall machine`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Machine {
    /// Add and remove tags of a machine; its device group follows
    Tag(Tag),
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
