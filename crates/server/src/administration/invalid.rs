//! What is refused whatever the store holds.

use inventory::access::Permission;

/// Characters of a name at most.
pub const MAX_NAME_CHARS: usize = 256;
/// Characters of a redirect URI, or of a part of a federated credential, at most.
pub const MAX_URI_CHARS: usize = 2_000;

/// Why what was given makes no sense, and what to give instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum Invalid {
    #[error("the {0} is empty: write one")]
    Empty(&'static str),
    #[error("the {what} has more than {most} characters: shorten it")]
    TooLong { what: &'static str, most: usize },
    #[error("the {0} holds a blank or control character where none may be: remove it")]
    Character(&'static str),
    #[error("a {what} is listed {found} times over, and {most} are allowed: remove some")]
    TooMany { what: &'static str, found: usize, most: usize },

    #[error("`{0}` is no domain: write it like contoso.com")]
    Domain(String),
    #[error("a user name has no blanks and is no id: write it like anna@contoso.com")]
    UserName,

    #[error(
        "a public app acts for people alone and cannot hold {}: leave it out, or add a confidential \
         app",
        .0.as_str()
    )]
    PublicPermission(Permission),
    #[error("a public app keeps no secret: leave it out, or add a confidential app")]
    PublicSecret,
    #[error(
        "the redirect URI `{0}` is no absolute URI: write it like https://app.example/signed-in"
    )]
    RedirectUri(String),
    #[error("the redirect URI `{0}` has a fragment: leave out what begins with #")]
    RedirectFragment(String),
    #[error(
        "the redirect URI `{0}` would send codes in clear: write https, or http to localhost or a \
         loopback address"
    )]
    RedirectInsecure(String),
    #[error(
        "the redirect URI `{0}` has a scheme that is not possible: write https; a public app may use \
         a scheme of its own, like com.example.app"
    )]
    RedirectScheme(String),

    #[error("the expiry lies in the past: write a later moment")]
    Expired,
    #[error("this is no X.509 certificate: give one certificate as PEM or DER")]
    Certificate,
    #[error("a certificate has at most {most} bytes: give the app's own certificate alone")]
    LongCertificate { most: usize },
    #[error("the certificate expired at {0}: give one that is in force")]
    CertificateExpired(String),
    #[error("the certificate's key is not RSA with 2048 to 8192 bits: give one with such a key")]
    CertificateKey,
    #[error("the issuer `{0}` is no https URL: write it as the `iss` of its tokens has it")]
    Issuer(String),

    #[error("there are {found} tags, and {most} are allowed: remove some")]
    Tags { found: usize, most: usize },
}

/// A name without blanks around it.
pub(super) fn name(what: &'static str, text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    bounded(what, text, MAX_NAME_CHARS)?;
    if text.chars().any(char::is_control) {
        return Err(Invalid::Character(what));
    }
    Ok(text.to_owned())
}

/// A text that goes over the wire as it is: printable ASCII without blanks, or letters beyond it.
pub(super) fn word(what: &'static str, text: &str) -> Result<String, Invalid> {
    bounded(what, text, MAX_URI_CHARS)?;
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Invalid::Character(what));
    }
    Ok(text.to_owned())
}

fn bounded(what: &'static str, text: &str, most: usize) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::Empty(what));
    }
    if text.chars().count() > most {
        return Err(Invalid::TooLong { what, most });
    }
    Ok(())
}
