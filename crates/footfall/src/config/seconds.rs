//! Lengths of time in the configuration: `30s`, `1h`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A length of time, not none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Seconds(u32);

impl Seconds {
    pub(crate) fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<String> for Seconds {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match crate::moment::seconds(&text)? {
            0 => Err(format!("`{text}` is no time at all")),
            seconds => Ok(Self(seconds)),
        }
    }
}

impl From<Seconds> for String {
    fn from(Seconds(seconds): Seconds) -> String {
        format!("{seconds}s")
    }
}

impl From<Seconds> for Duration {
    fn from(Seconds(seconds): Seconds) -> Duration {
        Duration::from_secs(seconds.into())
    }
}
