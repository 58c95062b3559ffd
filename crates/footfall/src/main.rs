//! `footfall`: the command line over the libraries. Each command is a file; `cli` says what there
//! is, `config` what is in force, `output` how it is printed. The process's exit codes are
//! [`output::Outcome`]'s, and 2 for wrong usage or configuration.

mod apps;
mod ask;
mod audit;
mod cli;
mod config;
mod demo;
mod device_groups;
mod export;
mod fleet;
mod forget;
mod groups;
mod import;
mod keys;
mod limits;
mod machine;
mod moment;
mod near;
mod nodes;
mod operators;
mod output;
mod password;
mod person;
mod place;
mod query;
mod retention;
mod roles;
mod serve;
mod signal;
mod status;
mod sync;
mod tenants;
mod watch;
mod who;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use config::Config;
use output::{Hinted, Outcome};
use server::administration;

/// Wrong usage or configuration; clap uses the same.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(&cli.command);
    let config = match Config::load(&cli.global) {
        Ok(config) => config,
        Err(error) => {
            print_error(&error);
            eprintln!("hint: footfall config default prints every setting with its meaning");
            return ExitCode::from(USAGE);
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            print_error(&anyhow::Error::new(error).context("cannot start"));
            return ExitCode::from(Outcome::Failed.code());
        }
    };
    match runtime.block_on(run(cli.command, config, cli.global.database.is_some())) {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error);
            let (hint, code) = advice(&error);
            if let Some(hint) = hint {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(code)
        }
    }
}

/// What the person can do about an error, and the exit code.
fn advice(error: &anyhow::Error) -> (Option<&'static str>, u8) {
    let failed = Outcome::Failed.code();
    if let Some(hint) = Hinted::hint_of(error) {
        return (Some(hint), failed);
    }
    match error.downcast_ref() {
        Some(store::Error::Missing { .. }) => {
            (Some("footfall import makes one; --database names another"), failed)
        }
        Some(store::Error::NotDemo { .. }) => {
            let hint = "without --database and FOOTFALL_DATABASE the demo keeps to an inventory of its own; \
                        or name a file that does not exist yet";
            (Some(hint), USAGE)
        }
        _ => (None, failed),
    }
}

async fn run(command: Command, config: Config, database_named: bool) -> anyhow::Result<Outcome> {
    match command {
        Command::Import(args) => {
            return import::run(&config, &args).await;
        }
        Command::Sync(cli::Sync::Defender(args)) => return sync::run(&config, &args).await,
        Command::Watch(args) => return watch::run(&config, &args).await,
        Command::Serve(args) => serve::run(config.with_listening(&args.listening)?).await?,
        Command::Demo(args) => demo::run(config, &args, database_named).await?,
        Command::Machines(args) => return ask::machines(&config, &args).await,
        Command::Users(args) => return ask::users(&config, &args).await,
        Command::Relations(args) => return ask::relations(&config, &args).await,
        Command::Query(args) => return query::run(&config, &args).await,
        Command::Export(args) => export::run(&config, &args).await?,
        Command::Retention(args) => retention::run(&config, &args).await?,
        Command::Forget(args) => return forget::run(&config, &args).await,
        Command::App(command) => return apps::run(&config, command).await,
        Command::Operator(command) => return operators::run(&config, command).await,
        Command::Group(command) => return groups::run(&config, command).await,
        Command::Role(command) => return roles::run(&config, command).await,
        Command::DeviceGroup(command) => return device_groups::run(&config, command).await,
        Command::Machine(command) => return machine::run(&config, command).await,
        Command::Person(command) => return person::run(&config, command).await,
        Command::Node(command) => return nodes::run(&config, command).await,
        Command::Tenant(command) => return tenants::run(&config, command).await,
        Command::Keys(command) => return keys::run(&config, command).await,
        Command::Token(args) => apps::token(&config, &args).await?,
        Command::Audit(args) => return audit::run(&config, &args).await,
        Command::Limits(args) => limits::run(&config, &args).await?,
        Command::Status(args) => return status::run(&config, &args).await,
        Command::Certificate => apps::certificate(&config).await?,
        Command::Config(cli::Config::Check) => {
            output::line(toml::to_string(&config)?.trim_end())?;
        }
        Command::Config(cli::Config::Default) => output::line(config::DEFAULT.trim_end())?,
    }
    Ok(Outcome::Done)
}

/// Logs to stderr as `RUST_LOG` says. A server tells of itself by default, commands only of what
/// went wrong.
fn log_to_stderr(command: &Command) {
    let default = match command {
        Command::Serve(_) => "info",
        _ => "warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    // What clients send and get is dumped there byte for byte, secrets and tokens among it.
    let filter = ["ureq_proto=off", "ureq_proto::util=off"]
        .iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let colour = std::io::IsTerminal::is_terminal(&std::io::stderr())
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    log.with_ansi(colour).init();
}

fn print_error(error: &anyhow::Error) {
    let text = format!("{error:#}");
    let refused = error.chain().find_map(|cause| cause.downcast_ref::<administration::Error>());
    match refused.and_then(administration::Error::advice) {
        Some(advice) => {
            let what = text.strip_suffix(&advice).unwrap_or(&text);
            eprintln!("error: {}\nhint: {advice}", what.trim_end_matches([':', ' ']));
        }
        None => eprintln!("error: {text}"),
    }
}
