//! `GET /api/users/{id}/machines` with a valid token, beside a bare hyper server that sends the
//! same bytes: the same client, one core for it and one for the server.

pub(crate) mod client;
pub(crate) mod floor;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

use crate::fill::{self, CLASSES};
use client::{Figures, Load};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the filled store is kept from run to run; without it a new one is made each time
    #[arg(long)]
    database: Option<PathBuf>,
    /// The program to measure
    #[arg(long, default_value = "target/release/footfall")]
    program: PathBuf,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections at once
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Set by the program when it starts itself again on its own core
    #[arg(long, hide = true)]
    pinned: bool,
}

/// Users that are asked for again and again, as a playbook does with the accounts of an incident.
const FEW_USERS: u64 = 100;

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if !args.pinned {
        // The client on the second core; the servers are started on the first.
        let status = Command::new("taskset")
            .args(["-c", "1"])
            .args(std::env::args_os())
            .arg("--pinned")
            .status()
            .context("taskset (util-linux) is needed")?;
        anyhow::ensure!(status.success(), "the measurement failed");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let database = args.database.clone().unwrap_or_else(|| folder.path().join("bench.sqlite"));
    let url = format!("sqlite:{}", database.display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if !database.exists() {
        eprintln!("filling {}", database.display());
        let store = store::open(&url)?;
        runtime.block_on(fill::fill(&store))?;
    }
    let (_, token) = app(&args.program, &url, "Machine.Read.All")?;
    println!(
        "| machines a user | users asked for | server | requests/s | of the floor | p50 | p99 |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (machines, users) in CLASSES {
        let server = Server::footfall(&args.program, &url)?;
        let load = |users: u64, address: SocketAddr| Load {
            address,
            authorization: format!("Bearer {token}"),
            paths: (0..users)
                .map(|place| format!("/api/users/{}/machines", fill::user(machines, place)))
                .collect(),
            connections: args.connections,
            time: Duration::from_secs(args.seconds),
        };
        let body = runtime.block_on(client::body(&load(1, server.address)))?;
        let body_file = folder.path().join("body.json");
        std::fs::write(&body_file, &body)?;
        let floor_server = Server::floor(&body_file)?;
        let floor = runtime.block_on(client::run(&load(FEW_USERS, floor_server.address)))?;
        drop(floor_server);
        let few = runtime.block_on(client::run(&load(FEW_USERS, server.address)))?;
        let all = runtime.block_on(client::run(&load(users, server.address)))?;
        row(machines, "-", "bare hyper", &floor, &floor);
        row(machines, &format!("{FEW_USERS}"), "footfall", &few, &floor);
        row(machines, &format!("{users}"), "footfall", &all, &floor);
    }
    Ok(())
}

fn row(machines: u64, users: &str, server: &str, figures: &Figures, floor: &Figures) {
    println!(
        "| {machines} | {users} | {server} | {:.0} | {:.2} | {} µs | {} µs |",
        figures.per_second,
        figures.per_second / floor.per_second,
        figures.p50.as_micros(),
        figures.p99.as_micros(),
    );
}

/// An app with a permission, made with the program itself: its `CLIENT_ID:SECRET`, and a token.
pub(crate) fn app(program: &Path, url: &str, permission: &str) -> anyhow::Result<(String, String)> {
    let run = |arguments: &[&str]| -> anyhow::Result<String> {
        let output = Command::new(program)
            .args(["--database", url])
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {}", program.display()))?;
        anyhow::ensure!(output.status.success(), "{} failed", program.display());
        Ok(String::from_utf8(output.stdout)?)
    };
    let app = run(&["app", "add", "bench", "--permission", permission, "--json"])?;
    let app: serde_json::Value = serde_json::from_str(&app)?;
    let text = |key: &str| app[key].as_str().unwrap_or_default().to_owned();
    let (id, secret) = (text("clientId"), text("clientSecret"));
    let token = run(&["token", "--client-id", &id, "--client-secret", &secret])?;
    Ok((format!("{id}:{secret}"), token.trim().to_owned()))
}

/// A server, ended when dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// On the first core.
    fn footfall(program: &Path, url: &str) -> anyhow::Result<Self> {
        let mut command = Command::new("taskset");
        Self::start(command.args(["-c", "0"]).arg(program).args(Self::arguments(url)))
    }

    /// The same wherever the system puts it.
    pub(crate) fn on_all_cores(program: &Path, url: &str) -> anyhow::Result<Self> {
        Self::start(Command::new(program).args(Self::arguments(url)))
    }

    fn arguments(url: &str) -> [&str; 9] {
        let listen = ["serve", "--listen", "127.0.0.1:0", "--tls", "off", "--limits", "off"];
        let mut arguments = ["--database", url, "", "", "", "", "", "", ""];
        arguments[2..].copy_from_slice(&listen);
        arguments
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn floor(body: &Path) -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        Self::start(Command::new("taskset").args(["-c", "0"]).arg(own).arg("floor").arg(body))
    }

    /// Starts a server and reads its address from the line that it prints when it is ready.
    fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command.env("RUST_LOG", "warn").stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.split(['/', ' ', '\n']).next())
            .and_then(|address| address.parse().ok())
            .with_context(|| format!("the server did not say where it listens: {line}"))?;
        Ok(Self { child, address })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
