//! `footfall operator`.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Operator {
    /// Add a person
    Add(AddOperator),
    /// List the people
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a person another password; they are signed out everywhere
    Password {
        /// The person: user name or id
        user: String,
        #[command(flatten)]
        password: PasswordSource,
        /// Print JSON: tenantId, operatorId, userName, and the password when it was generated
        #[arg(long)]
        json: bool,
    },
    /// Shut a person out: no sign-in, and their tokens are refused at once
    Disable {
        /// The person: user name or id
        user: String,
    },
    /// Let a person in again
    Enable {
        /// The person: user name or id
        user: String,
    },
    /// End the lock that failed sign-ins brought
    Unlock {
        /// The person: user name or id
        user: String,
    },
    /// Sign a person out everywhere; their tokens are refused at once
    SignOut {
        /// The person: user name or id
        user: String,
    },
    /// Remove a person
    Remove {
        /// The person: user name or id
        user: String,
    },
    /// Make a person an administrator, who may do everything and sees all devices, or no more
    #[command(after_help = "Example:
  footfall operator administrator anna@corp.example on")]
    Administrator {
        /// The person: user name or id
        user: String,
        /// Whether they are to be one
        switch: Switch,
    },
    /// Enrol a person's authenticator app and print its secret, this once
    #[command(after_help = "Examples:
  footfall operator totp anna@corp.example
  footfall operator totp anna@corp.example --json | jq -r .uri | qrencode -t ansiutf8
  footfall operator totp anna@corp.example --remove     # the phone is lost")]
    Totp {
        /// The person: user name or id
        user: String,
        /// Ask for no code of an authenticator app any more
        #[arg(long, conflicts_with = "json")]
        remove: bool,
        /// Print JSON: userName, uri, secret
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall operator add anna@corp.example --name 'Anna Ek' --administrator
  footfall operator add ben@corp.example --group 'Tier 1' --generate-password
  pass show footfall/ben | head -1 | footfall operator add ben@corp.example --password-stdin

On a terminal the password is asked for, twice and without showing it.")]
pub(crate) struct AddOperator {
    /// What the person signs in with
    #[arg(value_name = "USER_NAME")]
    pub(crate) user_name: String,
    /// What others call the person. Default: the user name
    #[arg(long, value_name = "DISPLAY")]
    pub(crate) name: Option<String>,
    /// The person may do everything and sees all devices
    #[arg(long)]
    pub(crate) administrator: bool,
    /// A local user group that the person is in, by name or id; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
    #[command(flatten)]
    pub(crate) password: PasswordSource,
    /// Print JSON: tenantId, operatorId, userName, and the password when it was generated
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where a new password comes from; without a flag from the terminal.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct PasswordSource {
    /// Read the password from standard input, up to the end of its first line
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Make a password and print it, this once
    #[arg(long, conflicts_with = "password_stdin")]
    pub(crate) generate_password: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}
