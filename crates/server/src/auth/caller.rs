//! Who calls, and what follows from it: the one place of the server where a [`Scope`] is made.

use inventory::access::directory::{Access, RolePermission};
use inventory::access::scope::Scope;
use inventory::access::{Permission, Tenant};
use uuid::Uuid;

use crate::api::Api;
use crate::call::Call;
use crate::error::ApiError;
use crate::issuer::COMMAND_LINE_APP;

/// Who calls.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) tenant: Tenant,
    pub(crate) app_id: Uuid,
    /// The client id as the token has it, where it is no GUID.
    client: Option<String>,
    /// What they may see; made here alone.
    scope: Scope,
    rights: Rights,
}

/// On what ground they call.
#[derive(Debug)]
enum Rights {
    /// An app that acts for itself: its token's roles, as they stand in it.
    App { roles: Vec<String> },
    /// An app that acts for a person.
    Person(Person),
}

/// The person for whom an app acts.
#[derive(Debug)]
pub(crate) struct Person {
    /// What the audit calls them: a name, else an id.
    pub(crate) name: String,
    /// The token's scopes, as they stand in it.
    pub(crate) scopes: Vec<String>,
    /// The token says that there are groups which it does not hold.
    pub(crate) lacks_groups: bool,
    /// What their roles permit.
    pub(crate) access: Access,
}

impl Caller {
    /// An app that acts for itself sees every machine of its tenant (defender-api.md §8.3).
    pub(super) fn app(
        tenant: Tenant,
        app_id: Uuid,
        client: Option<String>,
        roles: Vec<String>,
    ) -> Self {
        let scope = Scope::whole(tenant.number);
        Self { tenant, app_id, client, scope, rights: Rights::App { roles } }
    }

    /// Whoever holds the database may read all of a tenant.
    pub(crate) fn local(tenant: Tenant) -> Self {
        let roles = [Permission::MachineReadAll, Permission::UserReadAll];
        let roles = roles.iter().map(|role| role.as_str().to_owned()).collect();
        Self::app(tenant, COMMAND_LINE_APP, None, roles)
    }

    /// A person sees the machines of their device groups.
    pub(super) fn person(
        tenant: Tenant,
        app_id: Uuid,
        client: Option<String>,
        person: Person,
    ) -> Self {
        let scope = Scope::new(tenant.number, person.access.groups.clone());
        Self { tenant, app_id, client, scope, rights: Rights::Person(person) }
    }

    /// What they may see.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The person, where there is one.
    pub(crate) fn of_person(&self) -> Option<&Person> {
        match &self.rights {
            Rights::App { .. } => None,
            Rights::Person(person) => Some(person),
        }
    }

    /// Tells the log and the audit who calls.
    pub(crate) fn name_in(&self, call: &Call) {
        // The first one to set them; a request is authenticated once.
        let _ = call.tenant.set(self.tenant.number);
        let _ = call.app_id.set(self.app_id);
        if let Some(client) = &self.client {
            let _ = call.note.set(format!("client {client}"));
        }
        if let Some(person) = self.of_person() {
            let _ = call.person.set(person.name.clone());
        }
    }

    /// Refuses what the token does not open (§6.4): an app needs a role in it; a person needs a
    /// scope in it and a role of their own.
    pub(crate) fn require<A: Api>(&self) -> Result<(), ApiError> {
        match &self.rights {
            Rights::App { roles } if holds_any(roles, A::APPLICATION) => Ok(()),
            Rights::App { roles } => {
                Err(ApiError::MissingRoles { required: A::APPLICATION_NAMED, held: roles.clone() })
            }
            Rights::Person(person) => person.require::<A>(),
        }
    }
}

impl Person {
    fn require<A: Api>(&self) -> Result<(), ApiError> {
        if !holds_any(&self.scopes, A::DELEGATED) {
            return Err(ApiError::MissingScopes {
                required: A::DELEGATED_NAMED,
                held: self.scopes.clone(),
            });
        }
        if self.lacks_groups {
            return Err(ApiError::TooManyGroups);
        }
        self.may(A::ROLE).then_some(()).ok_or(ApiError::MissingRolePermission(A::ROLE))
    }

    /// Whether one of their roles permits something.
    pub(crate) fn may(&self, permission: RolePermission) -> bool {
        self.access.permits(permission)
    }
}

/// Whether words of a token hold one of the permissions.
fn holds_any(words: &[String], accepted: &[Permission]) -> bool {
    words.iter().any(|word| accepted.iter().any(|permission| permission.as_str() == word))
}
