//! The machines of a thousand users, in one question and in a thousand, over HTTP on the loopback
//! interface: one connection, one request after the other.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use server::Server;
use server::clock::SystemClock;
use server::config::Config;
use store::Store;

use super::{Args, at, ms, rows_of};
use crate::fleet;
use crate::http::client::Connection;

const USERS: u64 = 1_000;

pub(crate) async fn measure(
    args: &Args,
    machines: u64,
    config: Config,
    store: Arc<dyn Store>,
    token: &str,
) -> anyhow::Result<()> {
    let address = serve(config, store)?;
    let mut connection = Connection::to(address, &format!("Bearer {token}")).await?;
    let each = (machines / fleet::MACHINES_A_USER / USERS).max(1);
    let names: Vec<String> = (0..USERS).map(|place| format!("user{}", place * each)).collect();
    let all =
        format!("/api/users?$filter=accountName+in+('{}')&$expand=machines", names.join("','"));
    let (mut together, mut singly, mut found) = (Vec::new(), Vec::new(), 0);
    for time in 0..args.times {
        // A parameter that nothing reads keeps answers from being remembered ones.
        let start = Instant::now();
        connection.ask(&format!("{all}&n={time}")).await?;
        together.push(start.elapsed());
        let in_one: usize = rows_of(connection.body())?
            .iter()
            .map(|user| user["machines"].as_array().map_or(0, Vec::len))
            .sum();
        let mut whole = Duration::ZERO;
        found = 0;
        for name in &names {
            let start = Instant::now();
            connection.ask(&format!("/api/users/{name}/machines?n={time}")).await?;
            whole += start.elapsed();
            found += rows_of(connection.body())?.len();
        }
        singly.push(whole);
        anyhow::ensure!(in_one == found, "{in_one} machines in one, {found} singly");
    }
    println!(
        "{found} machines of {USERS} users over HTTP: {} in one question, {} in {USERS}",
        ms(at(&mut together, 0.5)),
        ms(at(&mut singly, 0.5)),
    );
    Ok(())
}

/// A server on a thread of its own, which ends with the process.
fn serve(config: Config, store: Arc<dyn Store>) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        let served = runtime.block_on(async {
            let server = Server::new(config, store, listener, Arc::new(SystemClock)).await?;
            server.serve(std::future::pending()).await
        });
        if let Err(error) = served {
            eprintln!("the server ended: {error}");
        }
    });
    Ok(address)
}
