//! Measurements of Footfall, each beside a floor in the same run. The figures and the machine they
//! were taken on are in docs/performance.md.
//!
//! ```text
//! cargo build --release --workspace
//! target/release/bench http                # the API call beside a bare hyper server
//! target/release/bench import FILE.evtx    # reading files beside the bare parse
//! target/release/bench formats             # a made file of each format, beside the bare parse
//! target/release/bench record              # logons into the store: time and bytes
//! target/release/bench groups              # 1,000,000 machines follow 2,000 device groups
//! target/release/bench questions           # the documented filters over 100,000 machines
//! target/release/bench audit               # entries of the audit: time and bytes
//! target/release/bench tokens              # the check of a token, remembered and new
//! target/release/bench live --seconds 600  # 50 senders while questions are asked
//! ```

mod audit;
mod caller;
mod fill;
mod fleet;
mod formats;
mod groups;
mod http;
mod import;
mod live;
mod questions;
mod record;
mod tokens;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Requests per second and latencies of GET /api/users/{id}/machines beside a bare server
    Http(http::Args),
    /// The bare server (started by `http`)
    #[command(hide = true)]
    Floor { body: PathBuf },
    /// MB/s and records/s of importing files beside the bare parse by the same crate
    Import(import::Args),
    /// MB/s and records/s of importing a made file of each format beside `wc -l` and the bare parse
    Formats(formats::Args),
    /// Logons per second into the store, and the bytes that they take
    Record(record::Args),
    /// Time for all machines to follow new device groups, and what questions cost meanwhile
    Groups(groups::Args),
    /// Time of questions in the query language, by filter
    Questions(questions::Args),
    /// Entries per second into the audit and out of it
    Audit(audit::Args),
    /// µs of a request whose token is remembered, or new, beside the bare check of a signature
    Tokens(tokens::Args),
    /// Delay from event to answer, questions meanwhile, memory, and the most events per second
    Live(live::Args),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Http(args) => http::run(&args),
        Command::Floor { body } => http::floor::serve(&body),
        Command::Import(args) => import::run(&args),
        Command::Formats(args) => formats::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Groups(args) => groups::run(&args),
        Command::Questions(args) => questions::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Tokens(args) => tokens::run(&args),
        Command::Live(args) => live::run(&args),
    }
}
