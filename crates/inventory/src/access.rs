//! Who may ask, and of what: tenants, apps and their permissions (defender-api.md §1.3, §3, §4), the
//! people who sign in ([`operator`]), their roles and device groups ([`directory`],
//! [`device_group`]), and what follows for a question ([`scope`]). What was asked and changed is
//! kept as [`audit`].

pub mod audit;
pub mod device_group;
pub mod directory;
pub mod operator;
pub mod scope;
pub mod ticket;

use std::fmt;

use uuid::Uuid;

use crate::ids::TenantId;
use crate::time::Timestamp;

/// A permission that an app can hold, by the vendor's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// Read machine information (delegated).
    MachineRead,
    /// Read all machine profiles (application).
    MachineReadAll,
    /// Read and write machine information (delegated).
    MachineReadWrite,
    /// Read and write all machine information (application).
    MachineReadWriteAll,
    /// Read user profiles.
    UserReadAll,
    /// Read alerts (delegated).
    AlertRead,
    /// Read all alerts (application).
    AlertReadAll,
    /// Read and write alerts (delegated).
    AlertReadWrite,
    /// Read and write all alerts (application).
    AlertReadWriteAll,
    /// Read the server's own administration (delegated).
    AdminRead,
    /// Read the server's own administration (application).
    AdminReadAll,
    /// Change the server's own administration (delegated).
    AdminReadWrite,
    /// Change the server's own administration (application).
    AdminReadWriteAll,
    /// Send telemetry (application). It opens nothing that can be read.
    TelemetryWrite,
}

impl Permission {
    /// Every permission.
    pub const ALL: &'static [Permission] = &[
        Permission::MachineRead,
        Permission::MachineReadAll,
        Permission::MachineReadWrite,
        Permission::MachineReadWriteAll,
        Permission::UserReadAll,
        Permission::AlertRead,
        Permission::AlertReadAll,
        Permission::AlertReadWrite,
        Permission::AlertReadWriteAll,
        Permission::AdminRead,
        Permission::AdminReadAll,
        Permission::AdminReadWrite,
        Permission::AdminReadWriteAll,
        Permission::TelemetryWrite,
    ];

    /// The vendor's name, as it stands in a token.
    pub fn as_str(self) -> &'static str {
        match self {
            Permission::MachineRead => "Machine.Read",
            Permission::MachineReadAll => "Machine.Read.All",
            Permission::MachineReadWrite => "Machine.ReadWrite",
            Permission::MachineReadWriteAll => "Machine.ReadWrite.All",
            Permission::UserReadAll => "User.Read.All",
            Permission::AlertRead => "Alert.Read",
            Permission::AlertReadAll => "Alert.Read.All",
            Permission::AlertReadWrite => "Alert.ReadWrite",
            Permission::AlertReadWriteAll => "Alert.ReadWrite.All",
            Permission::AdminRead => "Footfall.Admin.Read",
            Permission::AdminReadAll => "Footfall.Admin.Read.All",
            Permission::AdminReadWrite => "Footfall.Admin.ReadWrite",
            Permission::AdminReadWriteAll => "Footfall.Admin.ReadWrite.All",
            Permission::TelemetryWrite => "Telemetry.Write",
        }
    }

    /// Whether an app can hold it for itself, as a role in its tokens.
    pub fn is_application(self) -> bool {
        self.as_str().ends_with(".All") || self == Permission::TelemetryWrite
    }

    /// Whether an app can hold it for the people who use it, as a scope in their tokens. The
    /// vendor's words end in `.All` for apps and not for people, but for this one (§7.4).
    pub fn is_delegated(self) -> bool {
        !self.is_application() || self == Permission::UserReadAll
    }

    /// Reads the vendor's name; its case counts, as in a token.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == text)
    }
}

/// A tenant: one organisation's data, apps, people and keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its number in the store.
    pub number: TenantId,
    /// Its id in tokens and token URLs.
    pub id: Uuid,
    /// What people call it; unique without regard to case.
    pub name: String,
    /// Names that stand for it in token URLs beside its id (`contoso.com`), folded.
    pub domains: Vec<String>,
}

/// An app that may ask for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its client id.
    pub client_id: Uuid,
    /// What a person calls it.
    pub name: String,
    /// What it may do: for itself those that are [`Permission::is_application`], for the people who
    /// use it those that are [`Permission::is_delegated`].
    pub permissions: Vec<Permission>,
    /// What it proves itself with; any one of them will do.
    pub credentials: Vec<Credential>,
    /// It runs where no secret is safe (a desktop, a command line) and proves nothing of itself. It
    /// gets tokens for people alone.
    pub is_public: bool,
    /// Where people are sent back to after they signed in; compared character by character.
    pub redirect_uris: Vec<String>,
    /// An administrator agreed for all people to what it asks, so that nobody is asked again.
    pub consented: bool,
    /// When it was added.
    pub created: Timestamp,
    /// When it was revoked; its tokens are refused from then on.
    pub revoked: Option<Timestamp>,
}

/// What an app proves itself with (defender-api.md §7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its id, by which a person removes it.
    pub id: Uuid,
    /// Of which kind, and what there is to compare with.
    pub proof: Proof,
    /// When it was added.
    pub created: Timestamp,
    /// When it ceases to hold.
    pub expires: Option<Timestamp>,
}

/// The kinds of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// SHA-256 of a client secret. The secret is 256 random bits, so a plain hash is enough.
    Secret {
        /// The hash.
        sha256: [u8; 32],
    },
    /// An X.509 certificate, DER, whose key signs the app's assertions.
    Certificate {
        /// The certificate.
        der: Vec<u8>,
    },
    /// Another issuer's tokens, of one subject and audience.
    Federated {
        /// The issuer, as in `iss`; its keys are found by OpenID discovery.
        issuer: String,
        /// The subject, as in `sub`.
        subject: String,
        /// The audience, as in `aud`.
        audience: String,
    },
}

impl App {
    /// The permissions that it holds for itself, as they stand in its tokens.
    pub fn roles(&self) -> impl Iterator<Item = Permission> + '_ {
        self.permissions.iter().copied().filter(|permission| permission.is_application())
    }

    /// The permissions that it may hold for the people who use it.
    pub fn scopes(&self) -> impl Iterator<Item = Permission> + '_ {
        self.permissions.iter().copied().filter(|permission| permission.is_delegated())
    }
}

/// A private key that the server keeps: PKCS#8, DER.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(pub Vec<u8>);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(***)")
    }
}

/// A key that signs tokens (RS256).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Its id in token headers and the key set.
    pub kid: String,
    /// The private key.
    pub key: PrivateKey,
    /// When it was made. The newest key that is in force signs.
    pub created: Timestamp,
    /// Until when tokens that it signed are believed; `None` for a key that still signs.
    pub verifies_until: Option<Timestamp>,
}

/// The authority that signs the certificates which the server makes for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateAuthority {
    /// Its certificate, PEM: what clients are to trust.
    pub certificate_pem: String,
    /// Its private key.
    pub key: PrivateKey,
}
