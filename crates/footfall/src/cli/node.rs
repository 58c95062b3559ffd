//! `footfall node`.

use clap::Subcommand;

/// What is changed about osquery's nodes.
#[derive(Debug, Subcommand)]
pub(crate) enum Node {
    /// List the nodes
    #[command(after_help = "Examples:
  footfall node list
  footfall node list --json | jq -r '.[] | select(.revoked == null).hostName'")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Hear a node no more, and do not let its machine enroll again
    #[command(after_help = "Examples:
  footfall node revoke ws-014
  footfall node revoke 1d6a2c84-0f5c-4b43-9d5e-6a1f0c2b7e90

`footfall node remove` lets it enroll again. A machine that is in wrong hands may call itself another
one: revoke the secret that it knows, too.")]
    Revoke {
        /// The node: host name, host identifier or id
        node: String,
    },
    /// Forget a node: its machine may enroll anew, and stays in the inventory
    #[command(after_help = "Example:
  footfall node remove ws-014")]
    Remove {
        /// The node: host name, host identifier or id
        node: String,
    },
    /// Ask nodes to tell at once who is logged on, and all else that they would tell later
    #[command(after_help = "Examples:
  footfall node refresh ws-014
  footfall node refresh             # all of them

A node hears of it when it asks the next time: within `osquery.distributed_interval`, and one that is
off, once it is on again. `footfall node list` shows which did not answer yet.")]
    Refresh {
        /// The node: host name, host identifier or id. Default: all of them
        node: Option<String>,
    },
    /// The secrets with which machines enroll
    #[command(subcommand)]
    Secret(NodeSecret),
}

/// What is changed about the secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeSecret {
    /// Make a secret and print it, this once
    #[command(after_help = "Examples:
  footfall node secret add servers > /etc/osquery/enroll_secret
  footfall node secret add laptops --json")]
    Add {
        /// What people call it
        name: String,
        /// Print JSON: name, secret
        #[arg(long)]
        json: bool,
    },
    /// List the secrets; they themselves are not shown
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// End a secret: no machine enrolls with it any more, those that did stay enrolled
    #[command(after_help = "Example:
  footfall node secret revoke laptops")]
    Revoke {
        /// Its name
        name: String,
    },
}
