//! The configuration: the commented default, the file, then flags (which clap fills from the
//! environment too). Unknown keys and bad values are errors that name the file and the key.

mod issuer;
pub(crate) mod listener;
mod seconds;
mod sync;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use inventory::logon::{LogonType, LogonTypes};
use inventory::query::{UpnLookup, UserLookup, Window};
use inventory::rule::Rule;
use inventory::time::{Day, Timestamp};
use serde::{Deserialize, Serialize};
use server::limits::Limit;
use server::origin::Origin;
use server::outside::OutsideIssuer;
use server::proxies::{self, TrustedProxies};

use self::seconds::Seconds;
use crate::cli::{Global, LimitsMode, Listening, TlsMode, WindowArgs};

/// The commented file that `footfall config default` prints; it is also what is in force where
/// nothing else is said.
pub(crate) const DEFAULT: &str = include_str!("config.default.toml");

/// The name that `--database` knows the demo's inventory by.
pub(crate) const DEMO: &str = "demo";
/// The demo's inventory in its folder.
pub(crate) const DEMO_FILE: &str = "inventory.sqlite";

/// What is in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default = "default_database")]
    pub(crate) database: String,
    /// Whether the database is that of `footfall demo`, asked for by its name.
    #[serde(skip)]
    is_demos: bool,
    /// The tenant that a command works on, as the command line names it; the file cannot.
    #[serde(skip)]
    pub(crate) tenant: Option<String>,
    pub(crate) retention: Days,
    pub(crate) serve: Serve,
    pub(crate) rule: RuleConfig,
    pub(crate) answers: Answers,
    pub(crate) users: Users,
    pub(crate) limits: Limits,
    pub(crate) osquery: Osquery,
    pub(crate) audit: Audit,
    pub(crate) intake: Intake,
    #[serde(default)]
    pub(crate) metrics: Metrics,
    pub(crate) sync: sync::Sync,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) issuer: Vec<issuer::Issuer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) listener: Vec<listener::Listener>,
}

/// How much of what is sent may wait.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Intake {
    pub(crate) max_waiting: NonZeroUsize,
    pub(crate) max_held_mib: NonZeroUsize,
    pub(crate) patience: Seconds,
}

/// Where metrics are.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metrics {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Serve {
    pub(crate) listen: SocketAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<Tls>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls_cert: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) tls_names: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,
    pub(crate) tenant_names: Vec<String>,
    pub(crate) password_grant: bool,
    pub(crate) max_requests: NonZeroUsize,
    pub(crate) max_connections: NonZeroUsize,
    pub(crate) question_timeout: Seconds,
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) forwarded_header: ForwardedHeader,
}

/// The header in which trusted proxies name their clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ForwardedHeader {
    XForwardedFor,
    Forwarded,
}

/// Machines that report by osquery's TLS API.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Osquery {
    pub(crate) enabled: bool,
    pub(crate) sessions_interval: Seconds,
    pub(crate) history_interval: Seconds,
    pub(crate) addresses_interval: Seconds,
    pub(crate) facts_interval: Seconds,
    pub(crate) distributed: bool,
    pub(crate) distributed_interval: Seconds,
}

impl Osquery {
    /// The settings as the server takes them.
    pub(crate) fn to_server(self) -> server::osquery::Settings {
        server::osquery::Settings {
            enabled: self.enabled,
            sessions_interval: self.sessions_interval.into(),
            history_interval: self.history_interval.into(),
            addresses_interval: self.addresses_interval.into(),
            facts_interval: self.facts_interval.into(),
            distributed_interval: self.distributed.then(|| self.distributed_interval.into()),
        }
    }
}

/// What is kept of who asked, changed and signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audit {
    pub(crate) calls: bool,
    pub(crate) retention: Days,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tls {
    Off,
    SelfSigned,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleConfig {
    pub(crate) logon_types: Types,
    pub(crate) ignore: Vec<String>,
    pub(crate) max_ahead: Seconds,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answers {
    pub(crate) look_back: Days,
    pub(crate) logon_types: Types,
    pub(crate) upn: Upn,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Users {
    pub(crate) resolve: Resolve,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Resolve {
    Name,
    Person,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Upn {
    LocalPart,
    Nobody,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) mode: LimitsMode,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) api: BTreeMap<String, Quota>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quota {
    pub(crate) per_minute: u32,
    pub(crate) per_hour: u32,
}

/// A number of days, or `everything`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Days(pub(crate) Option<u32>);

/// A set of logon types: `all`, or names and numbers.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "TypesText", into = "TypesText")]
pub(crate) struct Types(pub(crate) LogonTypes);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum TypesText {
    Word(String),
    List(Vec<toml::Value>),
}

/// Reads a number of days: `30d`.
pub(crate) fn days(text: &str) -> Result<u32, String> {
    text.strip_suffix('d')
        .and_then(|number| number.parse().ok())
        .filter(|days| (1..=1_000_000).contains(days))
        .ok_or_else(|| format!("`{text}` is no number of days: write 30d"))
}

impl TryFrom<String> for Days {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "everything" {
            return Ok(Self(None));
        }
        days(&text)
            .map(|days| Self(Some(days)))
            .map_err(|error| format!("{error} or \"everything\""))
    }
}

impl From<Days> for String {
    fn from(days: Days) -> String {
        days.0.map_or_else(|| "everything".to_owned(), |days| format!("{days}d"))
    }
}

impl Days {
    /// The first day that counts: today and so many whole days before it do.
    pub(crate) fn first_day(self, now: Timestamp) -> Option<Day> {
        self.0.map(|days| Day(now.day().0 - days as i32))
    }
}

impl TryFrom<TypesText> for Types {
    type Error = String;

    fn try_from(text: TypesText) -> Result<Self, String> {
        let list = match text {
            TypesText::Word(word) if word == "all" => return Ok(Self(LogonTypes::ALL)),
            TypesText::Word(word) => {
                return Err(format!("`{word}`: write \"all\" or a list of types"));
            }
            TypesText::List(list) => list,
        };
        let types = list.into_iter().map(|value| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            LogonType::parse(&text).ok_or_else(|| format!("`{text}` is no logon type"))
        });
        Ok(Self(types.collect::<Result<LogonTypes, _>>()?))
    }
}

impl From<Types> for TypesText {
    fn from(types: Types) -> Self {
        if types.0 == LogonTypes::ALL {
            return Self::Word("all".to_owned());
        }
        Self::List(types.0.iter().map(|kind| toml::Value::from(i64::from(kind.number()))).collect())
    }
}

impl Config {
    /// Reads the file that is named, or the one in the user's configuration folder where there is
    /// one, over the defaults; then the global flags.
    pub(crate) fn load(global: &Global) -> anyhow::Result<Self> {
        let mut config = match file(global)? {
            Some(path) => Self::from_file(&path)?,
            None => Self::from_text("")?,
        };
        if let Some(database) = &global.database {
            config.database.clone_from(database);
        }
        if config.database == DEMO {
            let folder =
                demo_folder().context("there is no folder for the demo: HOME is not set")?;
            config.database = format!("sqlite:{}", folder.join(DEMO_FILE).display());
            config.is_demos = true;
        }
        config.tenant.clone_from(&global.tenant);
        Ok(config)
    }

    fn from_file(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        Self::from_text(&text).with_context(|| format!("the configuration {}", path.display()))
    }

    fn from_text(text: &str) -> anyhow::Result<Self> {
        // Read on its own first, so that an error shows the line of the person's own file.
        let own: toml::Table = toml::from_str(text)?;
        let mut merged: toml::Table = toml::from_str(DEFAULT)?;
        merge(&mut merged, own);
        let config: Self =
            merged.try_into().map_err(|error| anyhow!("{}", error.to_string().trim_end()))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        let serve = &self.serve;
        if serve.tls_cert.is_some() != serve.tls_key.is_some() {
            anyhow::bail!("serve.tls_cert and serve.tls_key go together");
        }
        if serve.tls.is_some() && serve.tls_cert.is_some() {
            anyhow::bail!("serve.tls and serve.tls_cert exclude each other");
        }
        self.limits.to_server()?;
        self.public_url()?;
        self.trusted_proxies()?;
        self.issuers()?;
        for (at, listener) in self.listener.iter().enumerate() {
            listener.check().with_context(|| format!("listener {}", at + 1))?;
        }
        self.sync.check()?;
        Ok(())
    }

    /// Whether the database is that of `footfall demo`, which makes and removes it: no other command does.
    pub(crate) fn is_demos(&self) -> bool {
        self.is_demos
    }

    /// Flags of `serve` over the configuration.
    pub(crate) fn with_listening(mut self, flags: &Listening) -> anyhow::Result<Self> {
        let serve = &mut self.serve;
        if let Some(listen) = flags.listen {
            serve.listen = listen;
        }
        if let Some(mode) = flags.tls {
            serve.tls = Some(match mode {
                TlsMode::Off => Tls::Off,
                TlsMode::SelfSigned => Tls::SelfSigned,
            });
            (serve.tls_cert, serve.tls_key) = (None, None);
        }
        if flags.tls_cert.is_some() {
            serve.tls = None;
            (serve.tls_cert, serve.tls_key) = (flags.tls_cert.clone(), flags.tls_key.clone());
        }
        serve.tls_names.extend(flags.tls_names.iter().cloned());
        if flags.public_url.is_some() {
            serve.public_url.clone_from(&flags.public_url);
        }
        if let Some(mode) = flags.limits {
            self.limits.mode = mode;
        }
        self.check()?;
        Ok(self)
    }

    /// The rule for what is read at this moment.
    pub(crate) fn rule(&self, now: Timestamp) -> Rule {
        let latest = now.plus_seconds(self.rule.max_ahead.get().into());
        let mut rule = Rule { logon_types: self.rule.logon_types.0, latest, ..Rule::default() };
        for entry in &self.rule.ignore {
            rule.ignore(entry);
        }
        rule
    }

    /// Which logons count for an answer at a moment; flags win over the configuration.
    pub(crate) fn window(&self, flags: &WindowArgs, now: Timestamp) -> Window {
        let logon_types = if flags.interactive {
            LogonTypes::INTERACTIVE
        } else if flags.logon_types.is_empty() {
            self.answers.logon_types.0
        } else {
            flags.logon_types.iter().copied().collect()
        };
        let look_back = flags.look_back.map_or(self.answers.look_back, |days| Days(Some(days)));
        Window { since: look_back.first_day(now), logon_types }
    }

    /// Where clients reach the server, when that is not where it listens.
    pub(crate) fn public_url(&self) -> anyhow::Result<Option<Origin>> {
        let url = self.serve.public_url.as_deref().map(str::parse).transpose();
        url.context("serve.public_url")
    }

    /// Proxies whose word on their clients' addresses counts.
    pub(crate) fn trusted_proxies(&self) -> anyhow::Result<TrustedProxies> {
        let header = match self.serve.forwarded_header {
            ForwardedHeader::XForwardedFor => proxies::ForwardedHeader::XForwardedFor,
            ForwardedHeader::Forwarded => proxies::ForwardedHeader::Forwarded,
        };
        TrustedProxies::new(&self.serve.trusted_proxies, header).context("serve.trusted_proxies")
    }

    /// The identity providers whose tokens are believed.
    pub(crate) fn issuers(&self) -> anyhow::Result<Vec<OutsideIssuer>> {
        let issuers: Vec<_> = self.issuer.iter().map(issuer::Issuer::to_server).collect();
        OutsideIssuer::check_all(&issuers).context("issuer")?;
        Ok(issuers)
    }

    pub(crate) fn resolve(&self) -> UserLookup {
        match self.users.resolve {
            Resolve::Name => UserLookup::Name,
            Resolve::Person => UserLookup::Person,
        }
    }

    /// What a user principal name means.
    pub(crate) fn upn(&self) -> UpnLookup {
        match self.answers.upn {
            Upn::LocalPart => UpnLookup::LocalPart,
            Upn::Nobody => UpnLookup::Nobody,
        }
    }
}

impl Limits {
    /// The limits as the server takes them.
    pub(crate) fn to_server(&self) -> anyhow::Result<server::limits::Limits> {
        let mut limits = match self.mode {
            LimitsMode::Vendor => server::limits::Limits::vendor(),
            LimitsMode::Off => server::limits::Limits::off(),
        };
        for (api, quota) in &self.api {
            let context = || format!("limits.api.{api}");
            let limit = match (quota.per_minute, quota.per_hour) {
                (0, 0) => None,
                (minute, hour) => Some(Limit::new(minute, hour).with_context(context)?),
            };
            limits.set(api, limit).with_context(context)?;
        }
        Ok(limits)
    }
}

/// The configuration file: the one named, else the user's own where it exists.
fn file(global: &Global) -> anyhow::Result<Option<PathBuf>> {
    if let Some(path) = &global.config {
        return Ok(Some(path.clone()));
    }
    let folder = xdg("XDG_CONFIG_HOME", ".config");
    let path = folder.map(|folder| folder.join("footfall/config.toml"));
    Ok(path.filter(|path| path.is_file()))
}

fn default_database() -> String {
    let folder = data_folder().unwrap_or_else(|| PathBuf::from("."));
    format!("sqlite:{}", folder.join("footfall/footfall.sqlite").display())
}

/// The folder of the inventory that [`DEMO`] names.
pub(crate) fn demo_folder() -> Option<PathBuf> {
    data_folder().map(|folder| folder.join("footfall/demo"))
}

fn data_folder() -> Option<PathBuf> {
    xdg("XDG_DATA_HOME", ".local/share")
}

/// A folder of the XDG base directory specification; relative values are ignored, as it demands.
fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| {
        let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"))?;
        Some(PathBuf::from(home).join(below_home))
    })
}

/// Lays one table over another, key by key.
fn merge(under: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(toml::Value::Table(under)), toml::Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        format!("{:#}", Config::from_text(text).unwrap_err())
    }

    #[test]
    fn the_default_is_complete_and_sound() {
        let config = Config::from_text("").unwrap();
        assert_eq!(config.serve.listen.port(), 8080);
        assert_eq!(config.rule.logon_types.0, LogonTypes::ALL);
        // What is in force can be written and read again.
        let text = toml::to_string(&config).unwrap();
        Config::from_text(&text).unwrap();
    }

    #[test]
    fn every_setting_that_is_commented_out_is_known() {
        let uncommented = DEFAULT
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(setting) if setting.contains(" = ") || setting.starts_with('[') => setting,
                _ => line,
            })
            // These two exclude each other.
            .filter(|line| !line.starts_with("tls = "))
            .collect::<Vec<_>>()
            .join("\n");
        let config = Config::from_text(&uncommented).unwrap();
        assert!(config.serve.tls_cert.is_some());
        assert_eq!(config.limits.api.len(), 1);
        assert_eq!(config.issuer.len(), 2);
        assert_eq!(config.listener.len(), 1);
    }

    #[test]
    fn errors_name_what_is_wrong() {
        assert!(
            error("[serve]\nlisten = 5").contains("listen"),
            "{}",
            error("[serve]\nlisten = 5")
        );
        assert!(error("retention = \"soon\"").contains("30d"));
        assert!(error("retentoin = \"30d\"").contains("retentoin"));
        assert!(error("[rule]\nlogon_types = [\"Telepathy\"]").contains("Telepathy"));
        assert!(error("[serve]\ntls_cert = \"a\"").contains("go together"));
        assert!(error("[limits.api.nothing]\nper_minute = 1\nper_hour = 1").contains("nothing"));
        assert!(error("[serve]\ntrusted_proxies = [\"10.0.0.0/40\"]").contains("10.0.0.0/40"));
        assert!(error("[serve]\nmax_requests = 0").contains("max_requests"));
        assert!(error("[serve]\nquestion_timeout = \"0s\"").contains("no time"));
        assert!(error("[[issuer]]\nkind = \"entra\"\ntenants = []").contains("needs `tenants`"));
        let clear = "[[issuer]]\nkind = \"openid\"\nissuer = \"http://sso.corp.example\"";
        assert!(error(clear).contains("https://HOST/PATH"));
        let secure = clear.replace("http:", "https:");
        assert!(error(&format!("{secure}\n{secure}")).contains("configured twice"));
        assert!(error(&format!("{secure}\nrealm = \"x\"")).contains("realm"));
        let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
        for (more, expected) in [
            ("kind = \"lines\"\nprotocol = \"udp\"", "listener 1: lines do not come over udp"),
            ("kind = \"syslog\"\nprotocol = \"tls\"\ntls_key = \"k\"", "go together"),
            ("kind = \"syslog\"\nprotocol = \"tcp\"\nclient_ca = \"c\"", "are for `protocol"),
            ("kind = \"syslog\"\nprotocol = \"tcp\"\nallow = [\"lan\"]", "`lan` is no address"),
            ("kind = \"syslog\"\nprotocol = \"tcp\"\ntimezone = \"Mars\"", "timezone: no such"),
            ("kind = \"syslog\"\nprotocol = \"relp\"", "relp"),
            ("kind = \"syslog\"\nprotocol = \"tcp\"\nport = 514", "port"),
        ] {
            let error = error(&format!("{listener}{more}"));
            assert!(error.contains(expected), "{error}");
        }
        assert!(error("[sync.defender]\nper_minute = 0").contains("sync.defender"));
        assert!(error("[sync.defender]\nurl = \"http://a.example\"").contains("https"));
        assert!(error("[sync.defender]\ntenant_id = \"a/b\"").contains("tenant_id"));
        assert!(error("[sync.defender]\npage_rows = 20000").contains("10000"));
        assert!(error("x = ").contains("line 1"), "{}", error("x = "));
    }
}
