//! Passwords of operators: argon2id, a bounded number at once.
//!
//! One hash takes tens of megabytes and milliseconds on purpose. Whoever floods the sign-in page
//! shall not get more of the machine than a few of them, and must not be able to tell by the
//! time which user names exist.

use std::sync::LazyLock;

use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand;
use inventory::access::operator::PasswordHash;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Characters of a password at least (NIST SP 800-63B has 8 beside a second factor, 15 without).
pub const MIN_CHARS: usize = 12;
/// Characters of a password at most.
pub const MAX_CHARS: usize = 256;

/// Cost of a hash: OWASP's first choice for argon2id. KiB of memory, passes over it, lanes.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// Hashes that are made at once.
const AT_ONCE: usize = 4;
/// Hashes that wait for their turn; more are refused.
const WAITING: usize = 64;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);
static QUEUE: Semaphore = Semaphore::const_new(AT_ONCE + WAITING);

/// What an unknown user's password is compared with: a hash of the same cost that no password has.
static NOBODYS: LazyLock<PasswordHash> = LazyLock::new(|| {
    let (salt, output) = ("A".repeat(22), "A".repeat(43));
    let cost = format!("m={MEMORY_KIB},t={PASSES},p={LANES}");
    PasswordHash(format!("$argon2id$v=19${cost}${salt}${output}"))
});

/// Why a password was not hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is too short or too long.
    #[error("a password has {MIN_CHARS} to {MAX_CHARS} characters")]
    Length,
    /// Too many are being hashed.
    #[error("too many passwords are being checked; try again in a moment")]
    Busy,
    /// No random bytes, no memory, or a stored hash that cannot be read.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

/// Whether a new password is good enough: its length counts and nothing else.
pub fn check(password: &str) -> Result<(), Error> {
    let chars = password.chars().count();
    if (MIN_CHARS..=MAX_CHARS).contains(&chars) { Ok(()) } else { Err(Error::Length) }
}

/// Checks and hashes a new password.
pub async fn hash(password: &str) -> Result<PasswordHash, Error> {
    check(password)?;
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt).map_err(|_| Error::Hash("the system gave no random bytes".into()))?;
    let password = password.to_owned();
    in_turn(move || {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(wrong)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash: phc::PasswordHash =
            argon2.hash_password_with_salt(password.as_bytes(), &salt).map_err(wrong)?;
        Ok(PasswordHash(hash.to_string()))
    })
    .await
}

/// Whether a password is the one of a hash. Without a hash it is not, after the same time.
pub async fn verify(password: &str, hash: Option<&PasswordHash>) -> Result<bool, Error> {
    // No such password was ever set; cut, so that its length is not what takes the time.
    let fits = password.len() <= MAX_CHARS * 4;
    let password = if fits { password.to_owned() } else { String::new() };
    let is_known = hash.is_some() && fits;
    let hash = hash.unwrap_or(&NOBODYS).clone();
    in_turn(move || {
        let hash = phc::PasswordHash::new(&hash.0).map_err(wrong)?;
        match Argon2::default().verify_password(password.as_bytes(), &hash) {
            Ok(()) => Ok(is_known),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(wrong(error)),
        }
    })
    .await
}

/// Runs a costly function where it stalls nobody, when its turn has come. The turn ends with the
/// function and not with the request that asked for it.
async fn in_turn<T: Send + 'static>(
    run: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let closed = |_| Error::Hash("the server is ending".into());
    let place: SemaphorePermit<'static> = QUEUE.try_acquire().map_err(|_| Error::Busy)?;
    let turn = TURNS.acquire().await.map_err(closed)?;
    let running = tokio::task::spawn_blocking(move || {
        let result = run();
        drop((turn, place));
        result
    });
    running.await.map_err(|error| Error::Hash(error.to_string()))?
}

fn wrong(error: impl std::fmt::Display) -> Error {
    Error::Hash(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_is_right() {
        let set = hash("correct horse battery").await.unwrap();
        assert!(set.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", set.0);
        assert!(verify("correct horse battery", Some(&set)).await.unwrap());
        for wrong in ["correct horse batter", "Correct horse battery", "", &"x".repeat(5_000)] {
            assert!(!verify(wrong, Some(&set)).await.unwrap(), "{wrong}");
        }
        assert!(!verify("correct horse battery", None).await.unwrap());
        assert_ne!(set, hash("correct horse battery").await.unwrap(), "salted");
    }

    #[tokio::test]
    async fn length_is_the_only_rule() {
        for good in ["aaaaaaaaaaaa", &"\u{1F40E}".repeat(MAX_CHARS)] {
            let set = hash(good).await.unwrap();
            assert!(verify(good, Some(&set)).await.unwrap());
        }
        for bad in ["", "elevenchars", &"x".repeat(MAX_CHARS + 1)] {
            assert!(matches!(hash(bad).await, Err(Error::Length)), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_damaged_hash_is_an_error_and_no_refusal() {
        let damaged = PasswordHash("$argon2id$".to_owned());
        assert!(matches!(
            verify("correct horse battery", Some(&damaged)).await,
            Err(Error::Hash(_))
        ));
    }
}
