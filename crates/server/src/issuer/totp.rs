//! Codes of authenticator apps (RFC 6238): six digits, 30 seconds, HMAC-SHA-1, as every such app
//! knows them.

use aws_lc_rs::{constant_time, hmac, rand};
use data_encoding::BASE32_NOPAD;
use inventory::access::operator::{Operator, TotpSecret};
use inventory::access::ticket::{Ticket, TicketKind};
use inventory::ids::TenantId;
use inventory::time::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use store::Store;

use crate::issuer::handed_out::sha256;

/// Digits of a code.
pub const DIGITS: usize = 6;
/// How long a code is shown, in seconds.
pub const STEP_S: i64 = 30;
/// Bytes of a secret: as many as SHA-1 has (RFC 4226 §4).
pub const SECRET_BYTES: usize = 20;
/// Codes before and after the present one that are taken too, for clocks that differ.
const WINDOW: i64 = 1;
/// What authenticator apps show as the issuer.
const ISSUER: &str = "Footfall";

/// A new secret; `None` when the system gave no random bytes.
pub(crate) fn new_secret() -> Option<TotpSecret> {
    let mut bytes = vec![0; SECRET_BYTES];
    rand::fill(&mut bytes).ok()?;
    Some(TotpSecret(bytes))
}

/// A secret as a person types it.
pub fn written(secret: &TotpSecret) -> String {
    BASE32_NOPAD.encode(&secret.0)
}

/// Reads what [`written`] wrote.
pub(crate) fn read(text: &str) -> Option<TotpSecret> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).take(64).collect();
    let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
    (bytes.len() == SECRET_BYTES).then_some(TotpSecret(bytes))
}

/// What an authenticator app reads from a picture.
pub fn uri(secret: &TotpSecret, user_name: &str) -> String {
    let account = utf8_percent_encode(user_name, NON_ALPHANUMERIC);
    let secret = written(secret);
    format!("otpauth://totp/{ISSUER}:{account}?secret={secret}&issuer={ISSUER}")
}

/// The step of time whose code this is, if it is one of those that are taken now.
pub(crate) fn matching_step(secret: &TotpSecret, code: &str, now: Timestamp) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).take(DIGITS + 1).collect();
    let present = now.seconds().div_euclid(STEP_S);
    let mut found = None;
    for step in present - WINDOW..=present + WINDOW {
        let right = code_of(secret, step);
        if constant_time::verify_slices_are_equal(right.as_bytes(), code.as_bytes()).is_ok() {
            found = Some(step);
        }
    }
    found
}

/// Takes a code, once: whoever looked over a person's shoulder comes too late.
pub(crate) async fn accept(
    store: &dyn Store,
    tenant: TenantId,
    operator: &Operator,
    code: &str,
    now: Timestamp,
) -> Result<bool, store::Error> {
    let Some(secret) = &operator.totp else { return Ok(false) };
    let Some(step) = matching_step(secret, code, now) else { return Ok(false) };
    let ends_s = (step + WINDOW + 1) * STEP_S;
    let used = Ticket {
        kind: TicketKind::TotpCode,
        key: sha256(&format!("{} {step}", operator.id)),
        expires: Timestamp::from_seconds(ends_s, 0).unwrap_or(Timestamp::MAX),
        operator: None,
        app: None,
        family: None,
        data: "{}".to_owned(),
    };
    store.add_ticket(tenant, &used, now).await
}

fn code_of(secret: &TotpSecret, step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret.0);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    // RFC 4226 §5.3: the low half of the last byte says where the 31 bits stand.
    let at = usize::from(bytes[bytes.len() - 1] & 0xf);
    let word = [bytes[at] & 0x7f, bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    format!("{:06}", u32::from_be_bytes(word) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238 appendix B, of whose eight digits the last six count.
        let secret = TotpSecret(b"12345678901234567890".to_vec());
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(matching_step(&secret, code, at(seconds)), Some(seconds / 30));
            assert_eq!(matching_step(&secret, code, at(seconds + 30)), Some(seconds / 30));
            assert_eq!(matching_step(&secret, code, at(seconds - 30)), Some(seconds / 30));
            assert_eq!(matching_step(&secret, code, at(seconds + 60)), None);
            assert_eq!(matching_step(&secret, code, at(seconds - 60)), None);
        }
        let spaced = matching_step(&secret, " 287 082 ", at(59));
        assert_eq!(spaced, Some(1));
        for wrong in ["", "28708", "2870820", "287083", "２８７０８２", &"1".repeat(10_000)] {
            assert_eq!(matching_step(&secret, wrong, at(59)), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_written_and_read() {
        let secret = new_secret().unwrap();
        assert_eq!(read(&written(&secret)), Some(secret.clone()));
        assert_eq!(read(&written(&secret).to_lowercase()), Some(secret.clone()));
        for bad in ["", "MFRA", "1", &"A".repeat(33), &"A".repeat(10_000)] {
            assert_eq!(read(bad), None, "{bad}");
        }
        let uri = uri(&secret, "anna&x=y@corp.example");
        assert!(uri.starts_with("otpauth://totp/Footfall:anna%26x%3Dy%40corp%2Eexample?secret="));
    }
}
