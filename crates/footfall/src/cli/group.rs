//! `footfall group`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// List the user groups
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a user group
    #[command(after_help = "Examples:
  footfall group add 'Tier 1' --directory-id 3c1f2d64-9f51-4d0e-8b1f-0d6f4a2b7c10   # of Entra ID
  footfall group add 'Tier 1' --directory-id /soc/tier1                             # of Keycloak
  footfall group add 'Tier 1' --local")]
    Add {
        /// What people call it
        name: String,
        #[command(flatten)]
        kind: Kind,
        /// Print JSON: id, name
        #[arg(long)]
        json: bool,
    },
    /// Give a user group another name
    Rename {
        /// The user group: name or id
        group: String,
        /// Its new name
        #[arg(long)]
        name: String,
    },
    /// Remove a user group, from roles and access lists too; one that is alone on a list stays
    Remove {
        /// The user group: name or id
        group: String,
    },
    /// Put a person into a local user group
    #[command(after_help = "Example:
  footfall group join 'Tier 1' anna@corp.example")]
    Join {
        /// The user group: name or id
        group: String,
        /// The person: user name or id
        user: String,
    },
    /// Take a person out of a local user group
    Leave {
        /// The user group: name or id
        group: String,
        /// The person: user name or id
        user: String,
    },
}

/// Who knows the members.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Kind {
    /// A group of a directory elsewhere: the text that its tokens hold in `groups`
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) directory_id: Option<String>,
    /// A group of people who sign in here
    #[arg(long)]
    pub(crate) local: bool,
}
