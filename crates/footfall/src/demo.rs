//! `footfall demo`: the main job in one command. A fleet or the person's own files, a server on
//! loopback, an app, a token, and the lines to paste. What it writes never was, so it writes into inventories
//! of demos alone (`own`, and `store::open_demo`).

mod own;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use inventory::access::Permission;
use inventory::access::scope::Scope;
use inventory::ids::TenantId;
use inventory::query::Window;
use server::administration::apps::{AppKind, AppSettings, FirstCredential};
use server::clock::{Clock, SystemClock};
use server::{Server, issuer};
use store::Store;

use self::own::Own;
use crate::cli::Demo;
use crate::config::Config;
use crate::place::Place;
use crate::signal::Interrupts;
use crate::{fleet, import, output, serve};

/// Where the demo listens unless it is told or the port is taken.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// What is worth asking of an inventory.
struct Questions {
    /// A user, and why.
    user: (String, &'static str),
    /// Another user, and why.
    other: Option<(String, &'static str)>,
    /// A machine, and why.
    machine: (String, &'static str),
}

/// Fills an inventory, serves it and says what to ask, until interrupted.
pub(crate) async fn run(mut config: Config, args: &Demo, named: bool) -> anyhow::Result<()> {
    // Gone at the end, unless the person named one. What the configuration names is no demo's.
    let own = if named && !config.is_demos() { None } else { Some(Own::take()?) };
    let name = own.as_ref().map_or_else(|| config.database.clone(), Own::name);
    if let Some(own) = &own {
        config.database = own.database();
    }
    // Ends with its terminal, so that nothing of it stays.
    let mut interrupts = Interrupts::with_hangup()?;
    let settings = store::Settings { longest_question: Some(config.serve.question_timeout.into()) };
    let place = Place::within(store::open_demo(&config.database, settings)?, &config).await?;
    let (store, tenant) = (&place.store, place.tenant.number);
    let stop = Arc::new(AtomicBool::new(false));
    let filling = async {
        match args.paths.is_empty() {
            true => simulate(args.seed, store, tenant).await,
            false => own_files(&config, args, (store, tenant), &stop).await,
        }
    };
    let questions = tokio::select! {
        questions = filling => questions?,
        () = interrupts.next() => {
            stop.store(true, Ordering::Relaxed);
            return Ok(());
        }
    };

    let listener = listen(args)?;
    let address = listener.local_addr()?;
    anyhow::ensure!(address.ip().is_loopback(), "the demo listens on loopback addresses only");
    let token = token(&place).await?;
    let server_config = serve::server_config(&config, address)?;
    let store = Arc::clone(store);
    let server = Server::new(server_config, store, listener, Arc::new(SystemClock)).await?;
    invite(address, &token, &questions, &name)?;
    server.serve(interrupts.next()).await?;
    Ok(())
}

async fn simulate(
    seed: u64,
    store: &Arc<dyn Store>,
    tenant: TenantId,
) -> anyhow::Result<Questions> {
    let fleet = fleet::generate(seed, SystemClock.now());
    let logons = fleet.logons.len() as u64;
    store.record(tenant, fleet.logons).await?;
    store.describe(tenant, fleet.reports).await?;
    let totals = store.totals(&Scope::whole(tenant)).await?;
    output::line(&format!(
        "A simulated fleet over 60 days: {}, {} of {} on {}.",
        output::count(logons, "logon"),
        output::count(totals.relations, "relation"),
        output::count(totals.accounts, "account"),
        output::count(totals.machines, "machine"),
    ))?;
    Ok(Questions {
        user: (fleet.victim, "this account was taken over: where has it been?"),
        other: Some((fleet.administrator, "and this administrator?")),
        machine: (fleet.jump_host, "who has been on the jump host, and how?"),
    })
}

async fn own_files(
    config: &Config,
    args: &Demo,
    (store, tenant): (&Arc<dyn Store>, TenantId),
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<Questions> {
    let mut summary =
        import::import(config, &args.paths, &args.reading, store, tenant, stop).await?;
    summary.totals = store.totals(&Scope::whole(tenant)).await?;
    summary.print_table()?;
    let mut widest: Option<(String, String, usize)> = None;
    let mut current: Option<(String, usize)> = None;
    store
        .relations(&Scope::whole(tenant), Window::ALL, &mut |row| {
            // Relations come by user.
            let machines = match &mut current {
                Some((user, machines)) if *user == row.account.name => {
                    *machines += 1;
                    *machines
                }
                _ => {
                    current = Some((row.account.name.clone(), 1));
                    1
                }
            };
            if widest.as_ref().is_none_or(|(_, _, most)| machines > *most) {
                widest = Some((row.account.name, row.computer_dns_name, machines));
            }
            Ok(())
        })
        .await?;
    let (user, machine, _) = widest
        .context("no logon of a person was found in these files, so there is nothing to ask")?;
    Ok(Questions {
        user: (user, "the user with the most machines: which are they?"),
        other: None,
        machine: (machine, "who else has been on this one of them?"),
    })
}

/// The wanted address; without a wish the usual port, or a free one when it is taken.
fn listen(args: &Demo) -> anyhow::Result<TcpListener> {
    if let Some(address) = args.listen {
        return TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"));
    }
    TcpListener::bind(LISTEN)
        .or_else(|_| TcpListener::bind(SocketAddr::new(LISTEN.ip(), 0)))
        .context("cannot listen on a loopback port")
}

async fn token(place: &Place) -> anyhow::Result<String> {
    let settings = AppSettings {
        name: "demo".to_owned(),
        kind: AppKind::Confidential,
        permissions: vec![Permission::MachineReadAll, Permission::UserReadAll],
        redirect_uris: Vec::new(),
        first: FirstCredential::Secret { expires: None },
    };
    let actor = place.actor();
    let added = place.administration(&actor).add_app(settings).await?;
    let secret = added.secret.context("the app has no secret")?;
    let claim = issuer::Claim {
        client_id: &added.app.client_id.to_string(),
        client_secret: &secret.secret,
        resource: issuer::audience::DEFAULT_RESOURCE,
        own: &[],
    };
    let token = issuer::issue(&*place.store, &place.tenant, claim, actor.now).await?;
    Ok(token.access_token)
}

fn invite(
    address: SocketAddr,
    token: &str,
    questions: &Questions,
    database: &str,
) -> std::io::Result<()> {
    let ask = |path: &str, user: &str, rest: &str, why: &str| {
        let id = user.replace('%', "%25").replace(' ', "%20").replace('\'', "%27");
        output::line(&format!(
            "# {why}\ncurl -sH \"Authorization: Bearer $TOKEN\" 'http://{address}/api/{path}/{id}{rest}'\n"
        ))
    };
    output::line(&format!(
        "\nPaste this into another terminal; the token holds for an hour:\n\nTOKEN={token}\n"
    ))?;
    let select = "/machines?$select=computerDnsName,osPlatform,lastSeen";
    ask("users", &questions.user.0, "/machines", questions.user.1)?;
    if let Some((user, why)) = &questions.other {
        ask("users", user, select, why)?;
    }
    ask("machines", &questions.machine.0, "/logonusers", questions.machine.1)?;
    output::line(&format!(
        "# the first again, without the API\nfootfall --database {} machines {} --interactive\n",
        output::quoted(database),
        output::quoted(&questions.user.0),
    ))?;
    output::line(&format!("Footfall serves http://{address}/api until you press Ctrl-C."))
}
