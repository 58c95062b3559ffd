//! Certificates by which apps prove themselves.

use inventory::time::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::invalid::Invalid;

/// Bytes of a certificate at most, as PEM or DER.
pub const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;
/// Bits of its RSA key.
const KEY_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// What an app's certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate.
    pub der: Vec<u8>,
    /// Its subject, for people.
    pub subject: String,
    /// When it ceases to hold.
    pub expires: Timestamp,
}

/// Reads a certificate, PEM or DER, whose key can sign assertions (defender-api.md §7.2).
pub fn read(bytes: &[u8], now: Timestamp) -> Result<Certificate, Invalid> {
    if bytes.len() > MAX_CERTIFICATE_BYTES {
        return Err(Invalid::LongCertificate { most: MAX_CERTIFICATE_BYTES });
    }
    // DER begins with the tag of a sequence, which no PEM text does.
    let der = match bytes.first() {
        Some(0x30) => bytes.to_vec(),
        _ => CertificateDer::from_pem_slice(bytes).map_err(|_| Invalid::Certificate)?.to_vec(),
    };
    let certificate = parse(&der, now)?;
    Ok(certificate)
}

fn parse(der: &[u8], now: Timestamp) -> Result<Certificate, Invalid> {
    let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| Invalid::Certificate)?;
    if !rest.is_empty() {
        return Err(Invalid::Certificate);
    }
    let key = parsed.public_key().parsed().map_err(|_| Invalid::CertificateKey)?;
    if !matches!(&key, PublicKey::RSA(rsa) if KEY_BITS.contains(&rsa.key_size())) {
        return Err(Invalid::CertificateKey);
    }
    let not_after = parsed.validity().not_after.timestamp();
    let expires = Timestamp::from_seconds(not_after, 0).ok_or(Invalid::Certificate)?;
    if expires <= now {
        return Err(Invalid::CertificateExpired(expires.to_string()));
    }
    let subject = parsed.subject().to_string().chars().filter(|c| !c.is_control()).collect();
    Ok(Certificate { der: der.to_vec(), subject, expires })
}
