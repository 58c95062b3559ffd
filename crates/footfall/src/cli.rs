//! The command line: every command, flag and example in one place. The commands of a noun with
//! several verbs are in a file of their own.

mod app;
mod audit;
mod device_group;
mod group;
mod keys;
mod machine;
mod node;
mod operator;
mod person;
mod query;
mod role;
mod sync;
mod tenant;

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use ingest::passwd::Passwd;
use jiff::tz::{Offset, TimeZone};
use uuid::Uuid;

use crate::moment::Moment;

pub(crate) use app::{AddApp, App, ChangeApp, Federate};
pub(crate) use audit::{Audit, DeedKind, LimitsArgs, Status};
pub(crate) use device_group::{AddDeviceGroup, ChangeDeviceGroup, DeviceGroup, SetAccess, Showing};
pub(crate) use group::{Group, Kind};
pub(crate) use keys::Keys;
pub(crate) use machine::{Exclude, Identities, Include, Machine, Merge, Split, Tag};
pub(crate) use node::{Node, NodeSecret};
pub(crate) use operator::{AddOperator, Operator, PasswordSource, Switch};
pub(crate) use person::Person;
pub(crate) use query::{Export, Query};
pub(crate) use role::{ChangeRole, Role};
pub(crate) use sync::{Sync, SyncDefender, directory};
pub(crate) use tenant::{AddTenant, RenameTenant, Tenant};

const EXIT_CODES: &str = "Exit codes:
  0    done; of a question: something was found
  1    failed (import: nothing could be read; watch, sync: not everything could)
  2    wrong usage or configuration
  3    nothing found: the question names what is not known, or no row is as asked. It is so in machines,
       users, relations, query, audit, person show, machine identities and forget, in every form; --json
       and --csv then print an empty list
  130  interrupted";

/// Which devices has this user been on? Logon telemetry in, the Defender for Endpoint machine and
/// user API out.
#[derive(Debug, Parser)]
#[command(name = "footfall", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Where the inventory is kept: sqlite:PATH, or `demo` for that of a running `footfall demo`. Default:
    /// a file in the user's data folder
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "FOOTFALL_DATABASE",
        hide_env_values = true
    )]
    pub(crate) database: Option<String>,
    /// Configuration file (TOML). Default: footfall/config.toml in the user's configuration
    /// folder, where there is one
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "FOOTFALL_CONFIG",
        hide_env_values = true
    )]
    pub(crate) config: Option<PathBuf>,
    /// The tenant, by name, id or domain. Default: the one that every database begins with
    #[arg(
        long,
        global = true,
        value_name = "TENANT",
        env = "FOOTFALL_TENANT",
        hide_env_values = true
    )]
    pub(crate) tenant: Option<String>,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "a process has one")]
pub(crate) enum Command {
    /// Read logon telemetry into the inventory
    Import(Import),
    /// Read another server of the API into the inventory
    #[command(subcommand)]
    Sync(Sync),
    /// Follow logs as they grow
    Watch(Watch),
    /// Serve the API
    Serve(Serve),
    /// Show the main job at once: a simulated fleet, or your own files, a server and a token
    Demo(Demo),
    /// The machines that a user logged on to
    Machines(Machines),
    /// The users that logged on to a machine
    Users(Users),
    /// Every relation between a user and a machine
    Relations(Relations),
    /// Ask in the language of the API, filters and all
    Query(Query),
    /// Write the whole inventory into files for other tools
    Export(Export),
    /// Forget what is older than the configuration keeps
    Retention(Retention),
    /// Erase a person: logons, relations, names and identifiers
    Forget(Forget),
    /// The apps that may ask for tokens
    #[command(subcommand)]
    App(App),
    /// The people who sign in here
    #[command(subcommand)]
    Operator(Operator),
    /// The user groups: of a directory elsewhere, or of people who sign in here
    #[command(subcommand)]
    Group(Group),
    /// The roles: what user groups may do
    #[command(subcommand)]
    Role(Role),
    /// The device groups: which machines a user group may see
    #[command(subcommand)]
    DeviceGroup(DeviceGroup),
    /// One machine
    #[command(subcommand)]
    Machine(Machine),
    /// Whose accounts are whose
    #[command(subcommand)]
    Person(Person),
    /// Machines that report by osquery's TLS API
    #[command(subcommand)]
    Node(Node),
    /// The tenants: organisations whose data are apart
    #[command(subcommand)]
    Tenant(Tenant),
    /// The keys that sign tokens
    #[command(subcommand)]
    Keys(Keys),
    /// Print an access token
    Token(Token),
    /// Who asked, changed and signed in
    Audit(Audit),
    /// What is left of the limits of a running server, and how busy it is
    Limits(LimitsArgs),
    /// Who sends telemetry, what became of it, and who went silent
    Status(Status),
    /// Print the certificate that clients must trust when the server makes its own
    Certificate,
    /// The configuration
    #[command(subcommand)]
    Config(Config),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall import Security.evtx
  footfall import /cases/2025-117/          # a folder, and all that is in it
  footfall import --timezone Europe/Berlin nxlog.json.gz evidence.zip
  footfall import --device web-1 wtmp       # a file that does not name its machine
  sudo footfall import --this-machine       # what this host has
  footfall import --this-machine --root /mnt/image
  zcat export.gz | footfall import --json -

Formats are recognised by content. Windows: event logs (EVTX); Security events in XML, as JSON of NXLog,
Winlogbeat, Fluent Bit, Vector, OpenWEC, Splunk, Sentinel, Wazuh, OpenTelemetry and others, in JSON that
dumpers of event logs or PowerShell made, in tables (EvtxECmd, Export-Csv, Log Analytics, Kibana). Linux: wtmp,
btmp, utmp, lastlog, wtmpdb, lastlog2, what last and utmpdump print, utmp of macOS and the BSDs, auth.log
and secure in any form, the audit log, the systemd journal, each in whatever JSON a shipper puts around it.
Microsoft Defender: streaming export, Event Hubs, hunting as JSON or CSV, answers of its API. osquery result
logs. Entra sign-ins, Intune devices. Logons in ECS and OCSF. Footfall's own CSV and JSON for everything else.
Plain, in UTF-8 or UTF-16, or in gzip, Zstandard, zip, 7z and tar; JSON is lines, an array, or objects one
behind the other. A file that was read before adds nothing again.

Every record is read, known not to matter, or rejected with its reason. Exit code 1: nothing was understood.")]
pub(crate) struct Import {
    /// Files and folders; `-` is standard input
    #[arg(required_unless_present = "this_machine", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Read the logs that this machine has
    #[arg(long, conflicts_with = "paths")]
    pub(crate) this_machine: bool,
    /// With --this-machine: those of the machine whose files are here, a mounted disk image say
    #[arg(long, value_name = "DIR", requires = "this_machine")]
    pub(crate) root: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall watch /var/log/auth.log
  footfall watch --journal
  footfall watch --device dc-1 /srv/logs/           # a folder, and all that comes into it
  footfall watch --once /var/log/auth.log           # what is new since the last time, for cron

Records of a line each (JSON, XML, syslog, the audit log) are read as they are written, through rotation
and truncation; files of other forms (EVTX, wtmp, SQLite, archives) are read again when they changed, which
adds what is new. How far each was read is kept in the database, so that the next run goes on there.
Packed logs of a folder that were read before they were packed are left out. Ends with Ctrl-C or SIGTERM
once what was read is written.")]
pub(crate) struct Watch {
    /// Files and folders; they need not exist yet
    #[arg(required_unless_present = "journal", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Follow the systemd journal of this machine (journalctl)
    #[arg(long)]
    pub(crate) journal: bool,
    /// Read what is there, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// Print what happens as lines of JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args, Default)]
pub(crate) struct Reading {
    /// The machine, for sources that do not name theirs
    #[arg(long, value_name = "NAME")]
    pub(crate) device: Option<String>,
    /// The zone of times that have none: +02:00 or Area/City
    #[arg(long, value_name = "ZONE", value_parser = time_zone, allow_hyphen_values = true)]
    pub(crate) timezone: Option<TimeZone>,
    /// The year of dates that have none: of the first in each file. Default: by the file's date
    #[arg(long, value_name = "YYYY", value_parser = clap::value_parser!(i16).range(1970..=9999))]
    pub(crate) year: Option<i16>,
    /// The names of users of whom a Linux log has only the number: the lines of `getent passwd`
    #[arg(long, value_name = "FILE", value_parser = passwd)]
    pub(crate) passwd: Option<Passwd>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall serve
  footfall serve --listen 0.0.0.0:8443 --tls self-signed --tls-name footfall.corp.example
  footfall serve --listen 0.0.0.0:443 --tls-cert fullchain.pem --tls-key key.pem
  footfall serve --tls off --public-url https://footfall.corp.example   # behind a proxy

One line on stdout says when the server is ready, and where; the log goes to stderr (RUST_LOG).
Without --tls, HTTP is spoken on loopback addresses only; any other gets a certificate that
the server makes for itself (footfall certificate prints what clients must trust).")]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) listening: Listening,
}

#[derive(Debug, Args)]
pub(crate) struct Listening {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", env = "FOOTFALL_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<SocketAddr>,
    /// Speak HTTP, or HTTPS with a certificate that the server makes for itself
    #[arg(long, env = "FOOTFALL_TLS", hide_env_values = true, conflicts_with_all = ["tls_cert", "tls_key"])]
    pub(crate) tls: Option<TlsMode>,
    /// Certificate chain (PEM)
    #[arg(
        long,
        value_name = "FILE",
        env = "FOOTFALL_TLS_CERT",
        hide_env_values = true,
        requires = "tls_key"
    )]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(
        long,
        value_name = "FILE",
        env = "FOOTFALL_TLS_KEY",
        hide_env_values = true,
        requires = "tls_cert"
    )]
    pub(crate) tls_key: Option<PathBuf>,
    /// A name that the self-made certificate holds beside localhost; may be repeated
    #[arg(long = "tls-name", value_name = "NAME")]
    pub(crate) tls_names: Vec<String>,
    /// The address that clients use, when it is not the one they connect to (a proxy in front)
    #[arg(long, value_name = "URL", env = "FOOTFALL_PUBLIC_URL", hide_env_values = true)]
    pub(crate) public_url: Option<String>,
    /// The vendor's limits (100 calls a minute, 1,500 an hour, for each API and app), or none
    #[arg(long, env = "FOOTFALL_LIMITS", hide_env_values = true)]
    pub(crate) limits: Option<LimitsMode>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TlsMode {
    Off,
    SelfSigned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LimitsMode {
    Vendor,
    Off,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall demo                       # a simulated fleet
  footfall demo /cases/2025-117/      # your own event logs
  footfall --database sqlite:case.sqlite demo evidence.zip   # and keep the inventory
  footfall --database demo machines anton.demir              # ask it while it runs

The inventory is one of its own and gone at the end, unless --database or FOOTFALL_DATABASE names
another. That must be a new file, or one that a demo made: into any other the demo does not write.")]
pub(crate) struct Demo {
    /// Files and folders of your own, in place of the simulated fleet
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Loopback address and port to listen on; without it 127.0.0.1:8080, or a free port when
    /// that one is taken
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Seed of the simulated fleet
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall machines jdoe
  footfall machines 'CORP\\jdoe' --logon-type Interactive --logon-type RemoteInteractive
  footfall machines jdoe --at 2026-11-20T08:30:00Z
  footfall machines jdoe --at '2h ago'
  footfall machines S-1-5-21-1004336348-1177238915-682003330-1104
  footfall machines jdoe --json | jq -r '.[].machine.computerDnsName'

A bare name means every account of that name; each has its own rows. DOMAIN\\name and name@realm mean the
accounts of that domain, in its NetBIOS and its DNS form, where anything is known of it; a realm of which
nothing is known means what the setting answers.upn says. ACCOUNTS is how many accounts have the name, in all
domains.")]
pub(crate) struct Machines {
    /// The user: name, DOMAIN\name, name@realm, SID or Entra object id; case does not count
    pub(crate) user: String,
    /// Only where the user was at this moment, with the sessions: 2026-11-20T08:30:00Z, 2026-11-20,
    /// 2h or '2h ago'
    #[arg(long, value_name = "MOMENT", value_parser = crate::moment::parse, conflicts_with = "window")]
    pub(crate) at: Option<Moment>,
    #[command(flatten)]
    pub(crate) window: WindowArgs,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall users ws-014.corp.example
  footfall users ws-014 --at 2026-11-20T08:30:00Z
  footfall users ws-014 --interactive --csv")]
pub(crate) struct Users {
    /// The machine: id, computer name or Entra device id; case does not count
    pub(crate) machine: String,
    /// Only who was there at this moment, with the sessions: 2026-11-20T08:30:00Z, 2026-11-20,
    /// 2h or '2h ago'
    #[arg(long, value_name = "MOMENT", value_parser = crate::moment::parse, conflicts_with = "window")]
    pub(crate) at: Option<Moment>,
    #[command(flatten)]
    pub(crate) window: WindowArgs,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall relations --json > relations.ndjson
  footfall relations --interactive --csv > interactive.csv")]
pub(crate) struct Relations {
    #[command(flatten)]
    pub(crate) window: WindowArgs,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// Which logons count for an answer.
#[derive(Debug, Args, Default)]
#[group(id = "window", multiple = true)]
pub(crate) struct WindowArgs {
    /// Only logons of this type, by name or Windows number; may be repeated
    #[arg(long = "logon-type", value_name = "TYPE", value_parser = logon_type)]
    pub(crate) logon_types: Vec<inventory::logon::LogonType>,
    /// Only logons at the machine: types 2, 7, 10, 11, 12 and 13
    #[arg(long, conflicts_with = "logon_types")]
    pub(crate) interactive: bool,
    /// Only logons of today and so many days before it: 30d. Overrides the configured look-back
    #[arg(long, value_name = "DAYS", value_parser = crate::config::days)]
    pub(crate) look_back: Option<u32>,
}

/// The form of what is printed; without a flag a table.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Form {
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print CSV
    #[arg(long)]
    pub(crate) csv: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall retention
  FOOTFALL_CONFIG=/etc/footfall.toml footfall retention --json

`footfall import` and a running server do the same by themselves. The settings are `retention` and
`audit.retention` (footfall config default).")]
pub(crate) struct Retention {
    /// Print what was forgotten as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  footfall forget jdoe                 # in every domain; shows what it is and asks
  footfall forget 'CORP\\jdoe' --yes --json > forgotten.json

The name stays nowhere: in the audit a pseudonym stands in its place. It cannot be undone.")]
pub(crate) struct Forget {
    /// The user: name, DOMAIN\name, name@realm, SID or Entra object id; case does not count
    pub(crate) user: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  TOKEN=$(footfall token --client-id $ID --client-secret $SECRET)
  curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8080/api/users/jdoe/machines")]
pub(crate) struct Token {
    /// The app's client id
    #[arg(long, env = "FOOTFALL_CLIENT_ID", hide_env_values = true, value_parser = client_id)]
    pub(crate) client_id: Uuid,
    /// The app's client secret
    #[arg(
        long,
        env = "FOOTFALL_CLIENT_SECRET",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub(crate) client_secret: String,
    /// The audience that the token is for
    #[arg(long, value_name = "AUD", default_value = "https://api.securitycenter.microsoft.com")]
    pub(crate) resource: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Check the configuration and print what is in force
    Check,
    /// Print the commented default configuration
    Default,
}

/// Flags of which a change needs one. The group that clap makes of a struct holds what is changed too,
/// and would be content with that.
fn changes(flags: &'static [&'static str]) -> ArgGroup {
    ArgGroup::new("changes").required(true).multiple(true).args(flags)
}

fn client_id(text: &str) -> Result<Uuid, String> {
    Uuid::try_parse(text)
        .map_err(|_| "write the client id, a GUID: footfall app list shows it".to_owned())
}

fn logon_type(text: &str) -> Result<inventory::logon::LogonType, String> {
    inventory::logon::LogonType::parse(text).ok_or_else(|| {
        "write a Windows number or a name such as Interactive, Network, RemoteInteractive"
            .to_owned()
    })
}

/// Reads `+02:00`, `-0530`, `UTC`, `Z` or the name of a region such as `Europe/Berlin`.
fn passwd(path: &str) -> Result<Passwd, String> {
    /// A million users take some 64 MiB.
    const MAX_BYTES: u64 = 256 * 1024 * 1024;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let users = Passwd::parse(&bytes);
    match users.is_empty() {
        true => Err("no line is an entry of passwd, `name:x:1000:...`".to_owned()),
        false => Ok(users),
    }
}

pub(crate) fn time_zone(text: &str) -> Result<TimeZone, String> {
    if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    let offset = text.strip_prefix('+').map(|rest| (1, rest));
    let offset = offset.or_else(|| text.strip_prefix('-').map(|rest| (-1, rest)));
    if let Some((sign, rest)) = offset {
        let digits: String = rest.chars().filter(|&char| char != ':').collect();
        let valid = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = |part: &str| part.parse::<i32>().ok();
        let seconds = if valid {
            number(&digits[..2])
                .zip(number(&digits[2..]))
                .filter(|&(hours, minutes)| hours <= 14 && minutes < 60)
                .map(|(hours, minutes)| sign * (hours * 60 + minutes) * 60)
        } else {
            None
        };
        return seconds
            .and_then(|seconds| Offset::from_seconds(seconds).ok())
            .map(TimeZone::fixed)
            .ok_or_else(|| "an offset is written +02:00 or -05:30".to_owned());
    }
    TimeZone::get(text).map_err(|_| {
        "no such zone: write an offset (+02:00) or a region (Europe/Berlin)".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn zones_are_offsets_or_regions() {
        let offset = |text: &str| {
            time_zone(text).map(|zone| zone.to_offset(jiff::Timestamp::UNIX_EPOCH).seconds())
        };
        assert_eq!(offset("+02:00"), Ok(7200));
        assert_eq!(offset("-0530"), Ok(-19800));
        assert_eq!(offset("utc"), Ok(0));
        assert_eq!(offset("Europe/Berlin"), Ok(3600));
        for wrong in ["+2", "+25:00", "+02:75", "Mars/Olympus", ""] {
            assert!(time_zone(wrong).is_err(), "{wrong}");
        }
    }
}
