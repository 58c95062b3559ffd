//! `footfall tenant`.

use inventory::access::Tenant;
use serde_json::{Value, json};
use server::administration::tenants;

use crate::cli::{self, AddTenant, RenameTenant};
use crate::config::Config;
use crate::output::{self, Outcome};
use crate::place::Place;

/// Lists, adds and renames tenants.
pub(crate) async fn run(config: &Config, command: cli::Tenant) -> anyhow::Result<Outcome> {
    match command {
        cli::Tenant::List { json } => {
            let place = Place::open_existing(config).await?;
            list(&place.store.tenants().await?, json)?;
        }
        cli::Tenant::Add(args) => add(&Place::open(config).await?, args).await?,
        cli::Tenant::Rename(args) => rename(Place::open_existing(config).await?, args).await?,
    }
    Ok(Outcome::Done)
}

async fn add(place: &Place, args: AddTenant) -> anyhow::Result<()> {
    let actor = place.actor();
    let administration = place.administration(&actor);
    let tenant = administration.add_tenant(args.id, &args.name, &args.domains).await?;
    if args.json {
        output::json(&described(&tenant))?;
    } else {
        output::line(&format!("Tenant id:  {}", tenant.id))?;
    }
    eprintln!(
        "Added the tenant {}; --tenant names it to other commands.",
        output::printable(&tenant.name)
    );
    Ok(())
}

async fn rename(place: Place, args: RenameTenant) -> anyhow::Result<()> {
    let tenant = tenants::find(&*place.store, &args.which).await?;
    let place = Place { store: place.store, tenant };
    let name = args.name.as_deref().unwrap_or(&place.tenant.name);
    let domains = match args.no_domain || !args.domains.is_empty() {
        true => &args.domains,
        false => &place.tenant.domains,
    };
    // The entry in the audit is of the tenant that is changed.
    let actor = place.actor();
    place.administration(&actor).rename_tenant(name, domains).await?;
    eprintln!("Changed the tenant {}.", output::printable(name));
    Ok(())
}

fn list(tenants: &[Tenant], json: bool) -> std::io::Result<()> {
    if json {
        return output::json(&tenants.iter().map(described).collect::<Vec<_>>());
    }
    let mut table = output::table(&["NAME", "TENANT ID", "DOMAINS"]);
    for tenant in tenants {
        let cells = [tenant.name.clone(), tenant.id.to_string(), output::list(&tenant.domains)];
        output::add_row(&mut table, cells);
    }
    output::print_table(&mut table)
}

fn described(tenant: &Tenant) -> Value {
    json!({ "tenantId": tenant.id, "name": tenant.name, "domains": tenant.domains })
}
