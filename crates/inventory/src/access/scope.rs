//! What a question may touch: the one argument that every read of the store takes.
//!
//! A scope is made where it is decided who calls, and And-ed onto each question by the store; no
//! handler can ask without one, and none can widen one.

use std::sync::Arc;

use crate::ids::TenantId;

/// A tenant, and of its machines those of some device groups (defender-api.md §8.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    tenant: TenantId,
    groups: Groups,
}

/// The device groups whose machines may be seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Groups {
    /// Every machine, whatever its group.
    All,
    /// Machines of these groups, by id in rising order; 0 stands for machines of no group.
    Only(Arc<[i32]>),
}

impl Groups {
    /// The groups of some ids, in whatever order.
    pub fn only(ids: impl IntoIterator<Item = i32>) -> Self {
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self::Only(ids.into())
    }

    /// Whether machines of a group may be seen.
    pub fn contains(&self, group: i32) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.binary_search(&group).is_ok(),
        }
    }
}

impl Scope {
    /// Every machine of a tenant: for apps (§8.3), administrators and the command line.
    pub fn whole(tenant: TenantId) -> Self {
        Self { tenant, groups: Groups::All }
    }

    /// The machines of a tenant that are in some device groups.
    pub fn new(tenant: TenantId, groups: Groups) -> Self {
        Self { tenant, groups }
    }

    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The device groups.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }
}
