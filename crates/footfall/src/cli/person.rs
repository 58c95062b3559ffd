//! `footfall person`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    /// Show a person's accounts, and why they are theirs
    Show(ShowPerson),
    /// Say that accounts are one person's, or that they are not after all
    Link(Link),
    /// Say that an account is nobody else's, or take that back
    Unlink(Unlink),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall person show jdoe
  footfall person show jdoe@corp.example --json")]
pub(crate) struct ShowPerson {
    /// User name, DOMAIN\name, user principal name, e-mail, SID or Entra object id
    pub(crate) user: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall person link 'CORP\\jdoe' 'LAB\\john' john@partner.example
  footfall person link --undo 'LAB\\john'")]
pub(crate) struct Link {
    /// An account of the person, named as for show; with --undo, one that was linked
    pub(crate) user: String,
    /// Other accounts of the person
    #[arg(required_unless_present = "undo", conflicts_with = "undo")]
    pub(crate) others: Vec<String>,
    /// Undo the linking of an account
    #[arg(long)]
    pub(crate) undo: bool,
    /// Print JSON: the person's accounts now
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall person unlink 'LAB\\john'
  footfall person unlink --undo 'LAB\\john'")]
pub(crate) struct Unlink {
    /// The account, named as for show
    pub(crate) user: String,
    /// Undo the unlinking: the account is whose logs and directories say
    #[arg(long)]
    pub(crate) undo: bool,
    /// Print JSON: the person's accounts now
    #[arg(long)]
    pub(crate) json: bool,
}
