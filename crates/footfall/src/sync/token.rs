//! An access token, by client credentials (defender-api.md §7.2).

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use super::client::{Answer, Fault, Method, Request};
use super::settings::Settings;

/// Bytes of the answer at most.
const MAX_BYTES: u64 = 1024 * 1024;
/// How long before its end a token is renewed.
const MARGIN: Duration = Duration::from_secs(300);
/// How long a token is taken to hold at most, whatever is said; the source may end it at any time.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A token that nothing prints, and until when it is used.
pub(super) struct Token {
    text: String,
    until: Instant,
}

/// What is answered; numbers are texts in version 1 (defender-api.md §7.1).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Value,
}

pub(super) fn request(settings: &Settings) -> Request {
    let form = vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", settings.client_id.to_string()),
        ("client_secret", settings.secret.0.clone()),
        ("scope", format!("{}/.default", settings.audience)),
    ];
    Request {
        url: format!("{}/{}/oauth2/v2.0/token", settings.authority, settings.directory),
        is_local: settings.authority.is_local(),
        method: Method::Post { form },
        max_bytes: MAX_BYTES,
    }
}

impl Token {
    /// Reads an answer to a request that was sent at a moment.
    pub(super) fn read(answer: Answer, sent: Instant) -> Result<Self, Fault> {
        if answer.status != 200 {
            return Err(answer.into_fault());
        }
        let granted: Granted = serde_json::from_slice(&answer.body).map_err(|error| {
            // Of what else went wrong the text may show the token.
            Fault::Garbage(serde_json::Error::io(std::io::Error::other(format!(
                "no access token ({:?} at line {})",
                error.classify(),
                error.line()
            ))))
        })?;
        if granted.access_token.is_empty()
            || !granted.access_token.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(Fault::Token);
        }
        let seconds = match &granted.expires_in {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let life = Duration::from_secs(seconds.unwrap_or_default()).min(LONGEST);
        // A short one is used for half of its life.
        let until = sent + life.saturating_sub(MARGIN).max(life / 2);
        Ok(Self { text: granted.access_token, until })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The token, while it is to be used.
    pub(super) fn bearer(&self) -> Option<&str> {
        (Instant::now() < self.until).then_some(self.text.as_str())
    }
}
