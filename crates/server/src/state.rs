//! Everything that lives as long as the server.

use std::sync::Arc;

use intake::Intake;
use inventory::access::Tenant;
use inventory::query::Window;
use inventory::time::{Day, Timestamp};
use store::Store;

use crate::answers::Answers;
use crate::audit::Audit;
use crate::auth::Tokens;
use crate::clock::Clock;
use crate::config::Config;
use crate::issuer::throttle::Throttle;
use crate::limits::Quotas;
use crate::load::Load;
use crate::metrics::Requests;
use crate::origin::Origin;
use crate::osquery::Nodes;
use crate::outside::{self, Outside};
use crate::telemetry::hec::Acks;
use crate::telemetry::sender::Senders;
use crate::tenants::Tenants;

/// The state that handlers share.
pub(crate) struct AppState {
    pub(crate) config: Config,
    /// The tenant that exists in every store, as it was at the start.
    pub(crate) tenant: Tenant,
    /// Every tenant.
    pub(crate) tenants: Tenants,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the listener itself is.
    pub(crate) own: Origin,
    /// Tokens that were found good.
    pub(crate) tokens: Tokens,
    /// Identity providers whose tokens are believed.
    pub(crate) outside: Outside,
    /// Calls that were made lately.
    pub(crate) quotas: Quotas,
    /// Sign-ins that failed lately.
    pub(crate) throttle: Throttle,
    /// The record of who did what.
    pub(crate) audit: Arc<Audit>,
    /// Requests that were answered.
    pub(crate) requests: Requests,
    /// How much goes on at once.
    pub(crate) load: Load,
    /// Answers that may still hold.
    pub(crate) answers: Answers,
    /// Where telemetry goes that is sent.
    pub(crate) intake: Intake,
    /// Who may send it.
    pub(crate) senders: Senders,
    /// Numbers under which it is acknowledged.
    pub(crate) acks: Acks,
    /// Machines that report by themselves.
    pub(crate) nodes: Nodes,
}

impl AppState {
    /// Starts the tasks that write the audit and telemetry, so it needs a runtime.
    pub(crate) fn new(
        config: Config,
        tenant: Tenant,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        own: Origin,
    ) -> Result<Self, outside::Error> {
        Ok(Self {
            outside: Outside::new(&config.issuers)?,
            tenants: Tenants::default(),
            senders: Senders::default(),
            acks: Acks::new(clock.now()),
            tokens: Tokens::default(),
            quotas: Quotas::new(config.limits.clone()),
            throttle: Throttle::new(config.failed_sign_ins),
            answers: Answers::new(config.answer_cache_bytes),
            audit: Arc::new(Audit::new(Arc::clone(&store), config.audit_calls)),
            requests: Requests::default(),
            load: Load::new(&config.bounds),
            intake: Intake::start(Arc::clone(&store), config.intake.clone()),
            nodes: Nodes::default(),
            config,
            tenant,
            store,
            clock,
            own,
        })
    }

    /// The logons that an answer given now covers.
    pub(crate) fn window(&self, now: Timestamp) -> Window {
        let since = self.config.look_back_days.map(|days| {
            let days = i32::try_from(days).unwrap_or(i32::MAX);
            Day(now.day().0.saturating_sub(days))
        });
        Window { since, logon_types: self.config.logon_types }
    }
}
