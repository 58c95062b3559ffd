//! `footfall app`, `token` and `certificate`: what clients need.

mod credentials;

use inventory::access::App;
use serde_json::json;
use server::administration::apps::{AppChange, AppKind, AppSettings, FirstCredential};
use server::clock::{Clock, SystemClock};
use server::origin::Origin;
use server::{issuer, tls};

use crate::cli::{self, AddApp, ChangeApp};
use crate::config::Config;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Adds, lists, changes and revokes apps, and what they prove themselves with.
pub(crate) async fn run(config: &Config, command: cli::App) -> anyhow::Result<Outcome> {
    let place = match &command {
        cli::App::Add { .. } => Place::open(config).await?,
        _ => Place::open_existing(config).await?,
    };
    match command {
        cli::App::Add(args) => add(&place, args).await?,
        cli::App::List { json } => list(&place.store.apps(place.tenant.number).await?, json)?,
        cli::App::Change(args) => change(&place, args).await?,
        cli::App::Revoke { client_id } => {
            let actor = place.actor();
            place.administration(&actor).revoke_app(client_id).await?;
            eprintln!("Revoked; its tokens are refused from now on.");
        }
        cli::App::Secret { client_id, expires, json } => {
            credentials::add_secret(&place, client_id, expires, json).await?;
        }
        cli::App::Certificate { client_id, file } => {
            credentials::add_certificate(&place, client_id, &file).await?;
        }
        cli::App::Federate(args) => credentials::federate(&place, args).await?,
        cli::App::Credentials { client_id, json } => {
            credentials::list(&place, client_id, json).await?;
        }
        cli::App::RemoveCredential { client_id, credential_id } => {
            let actor = place.actor();
            place.administration(&actor).remove_credential(client_id, credential_id).await?;
            eprintln!("Removed; the app gets no more tokens by it.");
        }
    }
    Ok(Outcome::Done)
}

async fn add(place: &Place, args: AddApp) -> anyhow::Result<()> {
    let actor = place.actor();
    let administration = place.administration(&actor);
    let has_secret = !(args.public || args.no_secret);
    let settings = AppSettings {
        name: args.name,
        kind: if args.public { AppKind::Public } else { AppKind::Confidential },
        permissions: args.permissions,
        redirect_uris: args.redirect_uris,
        first: match has_secret {
            true => FirstCredential::Secret { expires: None },
            false => FirstCredential::None,
        },
    };
    let added = administration.add_app(settings).await?;
    let client_id = added.app.client_id;
    if args.consented {
        let change = AppChange { consented: Some(true), ..AppChange::default() };
        administration.change_app(client_id, change).await?;
    }
    if args.json {
        let mut printed = json!({ "tenantId": place.tenant.id, "clientId": client_id });
        if let Some(secret) = &added.secret {
            printed["clientSecret"] = json!(secret.secret);
        }
        output::json(&printed)?;
        return Ok(());
    }
    output::line(&format!("Tenant id:      {}", place.tenant.id))?;
    output::line(&format!("Client id:      {client_id}"))?;
    match &added.secret {
        Some(secret) => {
            output::line(&format!("Client secret:  {}", secret.secret))?;
            eprintln!("The secret is not shown again.");
        }
        None => eprintln!("Added the app {}.", output::printable(&added.app.name)),
    }
    Ok(())
}

async fn change(place: &Place, args: ChangeApp) -> anyhow::Result<()> {
    // clap gives no empty lists: what was not said is to stay.
    let said = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let change = AppChange {
        name: args.name,
        permissions: (!args.permissions.is_empty()).then_some(args.permissions),
        redirect_uris: said(&args.redirect_uris),
        consented: args.consented,
    };
    let actor = place.actor();
    let app = place.administration(&actor).change_app(args.client_id, change).await?;
    eprintln!("Changed the app {}.", output::printable(&app.name));
    Ok(())
}

fn list(apps: &[App], json: bool) -> std::io::Result<()> {
    let permissions = |app: &App| -> Vec<String> {
        app.permissions.iter().map(|permission| permission.as_str().to_owned()).collect()
    };
    if json {
        let apps: Vec<_> = apps
            .iter()
            .map(|app| {
                json!({
                    "clientId": app.client_id,
                    "name": app.name,
                    "permissions": permissions(app),
                    "public": app.is_public,
                    "redirectUris": app.redirect_uris,
                    "consented": app.consented,
                    "created": app.created.to_string(),
                    "revoked": app.revoked.map(|at| at.to_string()),
                })
            })
            .collect();
        return output::json(&apps);
    }
    let head = ["NAME", "CLIENT ID", "KIND", "PERMISSIONS", "CREATED", "REVOKED"];
    let mut table = output::table(&head);
    for app in apps {
        let cells = [
            app.name.clone(),
            app.client_id.to_string(),
            if app.is_public { "public" } else { "confidential" }.to_owned(),
            output::list(&permissions(app)),
            app.created.whole_second().to_string(),
            output::moment(app.revoked),
        ];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)
}

/// Prints an access token, issued as the token endpoint would.
pub(crate) async fn token(config: &Config, args: &cli::Token) -> anyhow::Result<()> {
    let place = Place::open_existing(config).await?;
    let own = own_origins(config)?;
    let claim = issuer::Claim {
        client_id: &args.client_id.to_string(),
        client_secret: &args.client_secret,
        resource: &args.resource,
        own: &own.iter().collect::<Vec<_>>(),
    };
    let token = issuer::issue(&*place.store, &place.tenant, claim, SystemClock.now()).await?;
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
