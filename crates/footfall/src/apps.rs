//! `footfall app`, `token` and `certificate`: what clients need.

use serde_json::json;
use server::clock::{Clock, SystemClock};
use server::origin::Origin;
use server::{apps, issuer, tls};

use crate::cli;
use crate::config::Config;
use crate::output::{self, Outcome};

/// Adds, lists and revokes apps.
pub(crate) async fn run(config: &Config, command: cli::App) -> anyhow::Result<Outcome> {
    let store = match &command {
        cli::App::Add { .. } => store::open(&config.database)?,
        cli::App::List { .. } | cli::App::Revoke { .. } => store::open_existing(&config.database)?,
    };
    let tenant = store.default_tenant().await?;
    match command {
        cli::App::Add { name, permissions, json } => {
            let app = apps::add(&*store, tenant, &name, permissions, SystemClock.now()).await?;
            if json {
                output::json(&json!({
                    "tenantId": app.tenant_id,
                    "clientId": app.client_id,
                    "clientSecret": app.client_secret,
                }))?;
            } else {
                output::line(&format!("Tenant id:      {}", app.tenant_id))?;
                output::line(&format!("Client id:      {}", app.client_id))?;
                output::line(&format!("Client secret:  {}", app.client_secret))?;
                eprintln!("The secret is not shown again.");
            }
        }
        cli::App::List { json } => list(&store.apps(tenant.number).await?, json)?,
        cli::App::Revoke { client_id } => {
            if !store.revoke_app(tenant.number, client_id, SystemClock.now()).await? {
                eprintln!("error: there is no app {client_id}");
                eprintln!("hint: footfall app list shows the apps");
                return Ok(Outcome::Failed);
            }
            eprintln!("Revoked; its tokens are refused from now on.");
        }
    }
    Ok(Outcome::Done)
}

fn list(apps: &[inventory::access::App], json: bool) -> std::io::Result<()> {
    let permissions = |app: &inventory::access::App| -> Vec<&str> {
        app.permissions.iter().map(|permission| permission.as_str()).collect()
    };
    if json {
        let apps: Vec<_> = apps
            .iter()
            .map(|app| {
                json!({
                    "clientId": app.client_id,
                    "name": app.name,
                    "permissions": permissions(app),
                    "created": app.created.to_string(),
                    "revoked": app.revoked.map(|at| at.to_string()),
                })
            })
            .collect();
        return output::json(&apps);
    }
    let mut table = output::table(&["NAME", "CLIENT ID", "PERMISSIONS", "CREATED", "REVOKED"]);
    for app in apps {
        let cells = [
            app.name.clone(),
            app.client_id.to_string(),
            permissions(app).join(" "),
            app.created.whole_second().to_string(),
            app.revoked.map_or_else(|| "-".to_owned(), |at| at.whole_second().to_string()),
        ];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)
}

/// Prints an access token, issued as the token endpoint would.
pub(crate) async fn token(config: &Config, args: &cli::Token) -> anyhow::Result<()> {
    let store = store::open_existing(&config.database)?;
    let tenant = store.default_tenant().await?;
    let own = own_origins(config)?;
    let claim = issuer::Claim {
        client_id: &args.client_id.to_string(),
        client_secret: &args.client_secret,
        resource: &args.resource,
        own: &own.iter().collect::<Vec<_>>(),
    };
    let token = issuer::issue(&*store, tenant, claim, SystemClock.now()).await?;
    output::line(&token.access_token)?;
    Ok(())
}

/// The audiences that are the server's own addresses, as far as the configuration tells them.
fn own_origins(config: &Config) -> anyhow::Result<Vec<Origin>> {
    let listen = config.serve.listen;
    let of = |scheme: &str| format!("{scheme}://{listen}").parse::<Origin>();
    let mut own: Vec<Origin> = of("http").into_iter().chain(of("https")).collect();
    own.extend(config.public_url()?);
    Ok(own)
}

/// Prints the certificate of the authority that signs self-made certificates.
pub(crate) async fn certificate(config: &Config) -> anyhow::Result<()> {
    let store = store::open(&config.database)?;
    let authority = tls::certificate_authority(&*store, SystemClock.now()).await?;
    output::line(authority.certificate_pem.trim_end())?;
    Ok(())
}
