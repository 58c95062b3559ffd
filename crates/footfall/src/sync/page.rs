//! A page of a list of the API: how many rows, and where the next page is (defender-api.md §5.3).

use inventory::time::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use server::origin::Origin;
use ureq::http::Uri;

use super::client::{Answer, Fault};

/// Bytes of a link at most.
const MAX_LINK_BYTES: usize = 16 * 1024;

/// A page; its body is for the import.
pub(super) struct Page {
    pub(super) rows: u64,
    /// The next page, at the same server.
    pub(super) next: Option<String>,
    /// The server's clock.
    pub(super) date: Option<Timestamp>,
    pub(super) body: Vec<u8>,
}

#[derive(Deserialize)]
struct Envelope {
    value: Vec<IgnoredAny>,
    #[serde(rename = "@odata.nextLink", default)]
    next_link: Option<String>,
}

impl Page {
    /// Reads an answer of the server at an origin.
    pub(super) fn read(answer: Answer, origin: &Origin) -> Result<Self, Fault> {
        if answer.status != 200 {
            return Err(answer.into_fault());
        }
        let envelope: Envelope = serde_json::from_slice(&answer.body).map_err(Fault::Garbage)?;
        let next = envelope.next_link.map(|link| followed(origin, &link)).transpose()?;
        let rows = envelope.value.len() as u64;
        Ok(Self { rows, next, date: answer.date, body: answer.body })
    }
}

/// The address of a link, which must lead to the same server: it gets the token.
fn followed(origin: &Origin, link: &str) -> Result<String, Fault> {
    let refused = || Fault::Link(crate::output::printable(link));
    if link.len() > MAX_LINK_BYTES {
        return Err(refused());
    }
    // Filters are written with blanks as they are, too.
    let mut address = link.replace(' ', "%20");
    if address.starts_with('/') && !address.starts_with("//") {
        address.insert_str(0, &origin.to_string());
    }
    let uri: Uri = address.parse().map_err(|_| refused())?;
    if origin.holds(&uri) { Ok(address) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_same_server_alone() {
        let origin: Origin = "https://api.example".parse().unwrap();
        for (link, address) in [
            (
                "https://api.example/api/machines?$skip=2",
                "https://api.example/api/machines?$skip=2",
            ),
            ("https://API.example:443/api", "https://API.example:443/api"),
            (
                "/api/machines?$filter=a eq 'b'",
                "https://api.example/api/machines?$filter=a%20eq%20'b'",
            ),
        ] {
            assert_eq!(followed(&origin, link).unwrap(), address);
        }
        let long = format!("https://api.example/{}", "a".repeat(MAX_LINK_BYTES));
        for link in [
            "https://evil.example/api/machines",
            "http://api.example/api/machines",
            "//evil.example/api",
            "https://api.example@evil.example/",
            "https://api.example:8443/",
            "machines?$skip=2",
            "",
            &long,
        ] {
            assert!(matches!(followed(&origin, link), Err(Fault::Link(_))), "{link}");
        }
    }
}
