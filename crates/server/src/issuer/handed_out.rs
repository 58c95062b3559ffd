//! Random texts that are handed out, and the hashes under which they are found again.

use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Random bytes of what is handed out.
const BYTES: usize = 32;

/// 256 random bits as text that needs no escaping; `None` when the system gave none.
pub(crate) fn random() -> Option<String> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// What the store keeps of it: the key of a ticket.
pub(crate) fn sha256(text: &str) -> [u8; 32] {
    let mut key = [0; digest::SHA256_OUTPUT_LEN];
    key.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    key
}
