//! Who may ask: tenants, apps, their permissions (defender-api.md §1.3, §3, §4) and keys.

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
        }
    }

    /// Reads the vendor's name; its case counts, as in a token.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == text)
    }
}

/// A tenant: one organisation's data, apps and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its number in the store.
    pub number: TenantId,
    /// Its id in tokens and token URLs.
    pub id: Uuid,
}

/// An app that may ask for tokens with a client secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its client id.
    pub client_id: Uuid,
    /// What a person calls it.
    pub name: String,
    /// What it may do.
    pub permissions: Vec<Permission>,
    /// SHA-256 of its client secret. The secret is 256 random bits, so a plain hash is enough.
    pub secret_sha256: [u8; 32],
    /// When it was added.
    pub created: Timestamp,
    /// When it was revoked; its tokens are refused from then on.
    pub revoked: Option<Timestamp>,
}

/// A private key that the server keeps: PKCS#8, DER.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(pub Vec<u8>);

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
    /// When it was made.
    pub created: Timestamp,
}

/// The authority that signs the certificates which the server makes for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateAuthority {
    /// Its certificate, PEM: what clients are to trust.
    pub certificate_pem: String,
    /// Its private key.
    pub key: PrivateKey,
}
