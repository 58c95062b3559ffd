//! HTTPS: a certificate that exists, or one of an authority that the server makes for itself.
//!
//! The authority is kept in the store, so that clients who trust it once go on doing so; the
//! certificate below it is made anew at every start and its key is never written down.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use inventory::access::{CertificateAuthority, PrivateKey};
use inventory::time::{SECONDS_PER_DAY, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{VerifierBuilderError, WantsServerCert, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};
use store::Store;

use crate::config::{Config, Tls};
use crate::origin::Origin;

/// Days for which the authority is good.
const AUTHORITY_DAYS: i64 = 3652;
/// Days for which a certificate is good: the longest that the strictest clients take from an
/// authority of one's own. A server that runs longer has to be started again.
const CERTIFICATE_DAYS: i64 = 825;
/// Names that always lead to the server from its own machine.
const LOCAL_NAMES: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file with the certificate or key could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The file holds no PEM of the right kind.
    #[error("{path} holds no {what} in PEM form")]
    Pem {
        /// The file.
        path: PathBuf,
        /// `certificate` or `private key`.
        what: &'static str,
    },
    /// Certificate and key do not fit together, or TLS cannot use them.
    #[error("TLS does not take the certificate")]
    Rustls(#[from] rustls::Error),
    /// Nothing that senders' certificates could be checked with.
    #[error("TLS does not take the authority of senders")]
    ClientAuthority(#[from] VerifierBuilderError),
    /// Neither a host name nor an address.
    #[error("`{0}` is no name that a certificate can hold")]
    Name(String),
    /// A key that signs nothing.
    #[error("the certificate could not be made")]
    Make(#[from] rcgen::Error),
    /// The store failed.
    #[error("the certificate authority cannot be kept")]
    Store(#[from] store::Error),
}

/// The authority of self-made certificates: the one that the store has, or a new one. Its
/// certificate is what clients are to trust.
pub async fn certificate_authority(
    store: &dyn Store,
    now: Timestamp,
) -> Result<CertificateAuthority, Error> {
    if let Some(authority) = store.certificate_authority().await? {
        return Ok(authority);
    }
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let made = CertificateAuthority {
        certificate_pem: authority_params(&key, now).self_signed(&key)?.pem(),
        key: PrivateKey(key.serialize_der()),
    };
    store.add_certificate_authority(&made).await?;
    // Another process may have been faster; what the store has is what holds.
    Ok(store.certificate_authority().await?.unwrap_or(made))
}

/// What TLS needs for the configuration; `None` for plain HTTP.
pub(crate) async fn server_config(
    config: &Config,
    store: &dyn Store,
    now: Timestamp,
) -> Result<Option<Arc<ServerConfig>>, Error> {
    if config.tls == Tls::Off {
        return Ok(None);
    }
    let identity = identity(&config.tls, config.public_url.as_ref(), store, now).await?;
    let mut config = with_identity(builder()?.with_no_client_auth(), identity)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config)))
}

/// What TLS needs for a listener that is no HTTP. With a client authority its senders have to show a
/// certificate that leads to it. It has the server's certificate; where the server speaks plain HTTP
/// ([`Tls::Off`]), one that it makes for itself.
pub async fn listener_config(
    tls: &Tls,
    client_ca: Option<&Path>,
    store: &dyn Store,
    now: Timestamp,
) -> Result<Arc<ServerConfig>, Error> {
    let identity = identity(tls, None, store, now).await?;
    let config = match client_ca {
        None => with_identity(builder()?.with_no_client_auth(), identity)?,
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
            let provider = Arc::new(default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            with_identity(builder()?.with_client_cert_verifier(verifier.build()?), identity)?
        }
    };
    Ok(Arc::new(config))
}

fn builder() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    Ok(builder.with_protocol_versions(&[&TLS13, &TLS12])?)
}

fn with_identity(
    builder: ConfigBuilder<ServerConfig, WantsServerCert>,
    (chain, key): Identity,
) -> Result<ServerConfig, Error> {
    Ok(builder.with_single_cert(chain, key)?)
}

async fn identity(
    tls: &Tls,
    public_url: Option<&Origin>,
    store: &dyn Store,
    now: Timestamp,
) -> Result<Identity, Error> {
    let names = match tls {
        Tls::Files { certificate, key } => return from_files(certificate, key),
        Tls::Off => &[][..],
        Tls::SelfSigned { names } => names,
    };
    let authority = certificate_authority(store, now).await?;
    let public = public_url.map(Origin::host);
    let mut all: Vec<String> = LOCAL_NAMES.iter().map(|&name| name.to_owned()).collect();
    for name in names.iter().map(String::as_str).chain(public) {
        let name = name.trim_start_matches('[').trim_end_matches(']');
        if !all.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            all.push(name.to_owned());
        }
    }
    self_signed(&authority, all, now)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn from_files(certificate: &Path, key: &Path) -> Result<Identity, Error> {
    let chain = certificates(certificate)?;
    let key_der = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|_| Error::Pem { path: key.to_owned(), what: "private key" })?;
    Ok((chain, key_der))
}

/// The certificates of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates = CertificateDer::pem_slice_iter(&read(path)?).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    certificates.ok_or_else(|| Error::Pem { path: path.to_owned(), what: "certificate" })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn self_signed(
    authority: &CertificateAuthority,
    names: Vec<String>,
    now: Timestamp,
) -> Result<Identity, Error> {
    let authority_key = KeyPair::from_pkcs8_der_and_sign_algo(
        &PrivatePkcs8KeyDer::from(authority.key.0.as_slice()),
        &PKCS_ECDSA_P256_SHA256,
    )?;
    let issuer = Issuer::new(authority_params(&authority_key, now), authority_key);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    for name in &names {
        CertificateParams::new([name.clone()]).map_err(|_| Error::Name(name.clone()))?;
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = named("Footfall");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, CERTIFICATE_DAYS);
    let leaf = params.signed_by(&key, &issuer)?.der().clone();
    let root = CertificateDer::from_pem_slice(authority.certificate_pem.as_bytes())
        .map_err(|_| rcgen::Error::CouldNotParseCertificate)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok((vec![leaf, root], PrivateKeyDer::Pkcs8(key)))
}

/// The authority's own certificate, as far as it follows from its key: that is what a certificate
/// below it refers to. The name carries a part of the key's hash, so that several servers'
/// authorities can stand side by side in one trust store.
fn authority_params(key: &KeyPair, now: Timestamp) -> CertificateParams {
    let hash = digest::digest(&digest::SHA256, key.der_bytes());
    let mut params = CertificateParams::default();
    params.distinguished_name = named(&format!(
        "Footfall local authority {:02x}{:02x}{:02x}{:02x}",
        hash.as_ref()[0],
        hash.as_ref()[1],
        hash.as_ref()[2],
        hash.as_ref()[3],
    ));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, now, AUTHORITY_DAYS);
    params
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Good from yesterday, so that clocks that are a little behind agree.
fn set_validity(params: &mut CertificateParams, now: Timestamp, days: i64) {
    let date = |days: i64| {
        let text = now.plus_seconds(days * SECONDS_PER_DAY).unwrap_or(now).to_string();
        // A timestamp prints as `yyyy-MM-dd...`.
        let number = |range: std::ops::Range<usize>| text[range].parse::<u16>().unwrap_or(1);
        rcgen::date_time_ymd(i32::from(number(0..4)), number(5..7) as u8, number(8..10) as u8)
    };
    params.not_before = date(-1);
    params.not_after = date(days);
}
