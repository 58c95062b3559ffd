//! Everything that lives as long as the server.

use std::sync::Arc;

use inventory::access::Tenant;
use inventory::query::Window;
use inventory::time::{Day, Timestamp};
use store::Store;

use crate::answers::Answers;
use crate::auth::Tokens;
use crate::clock::Clock;
use crate::config::Config;
use crate::limits::Quotas;
use crate::origin::Origin;

/// The state that handlers share.
pub(crate) struct AppState {
    pub(crate) config: Config,
    /// The tenant that every token and every answer belongs to.
    pub(crate) tenant: Tenant,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Where the listener itself is.
    pub(crate) own: Origin,
    /// Tokens that were found good.
    pub(crate) tokens: Tokens,
    /// Calls that were made lately.
    pub(crate) quotas: Quotas,
    /// Answers that may still hold.
    pub(crate) answers: Answers,
}

impl AppState {
    pub(crate) fn new(
        config: Config,
        tenant: Tenant,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        own: Origin,
    ) -> Self {
        Self {
            tokens: Tokens::default(),
            quotas: Quotas::new(config.limits.clone()),
            answers: Answers::new(config.answer_cache_bytes),
            config,
            tenant,
            store,
            clock,
            own,
        }
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
