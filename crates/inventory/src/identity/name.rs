//! Which names tell one machine from all others.

use std::net::IpAddr;

use uuid::Uuid;

use crate::fold;
use crate::ids::MachineId;

/// What a name of two parts ends with where nobody gave the machine a domain: multicast DNS, home
/// routers, installers.
const NO_DOMAINS: [&str; 5] = ["local", "localdomain", "lan", "home", "localhost"];

/// The folded name, where it is a machine's full DNS name: one without a domain is many machines'.
pub fn full_name(name: &str) -> Option<String> {
    let name = fold(name.trim().trim_end_matches('.'));
    let (host, domain) = name.split_once('.')?;
    let is_full = !host.is_empty()
        && host != "localhost"
        && !domain.is_empty()
        && !NO_DOMAINS.contains(&domain)
        && name.parse::<IpAddr>().is_err();
    is_full.then_some(name)
}

/// The first part of a name; `None` of one that is an identifier or an address and no name.
pub(super) fn host_label(name: &str) -> Option<String> {
    let is_identifier = Uuid::try_parse(name).is_ok() || MachineId::parse(name).is_some();
    if is_identifier || name.parse::<IpAddr>().is_ok() {
        return None;
    }
    let name = fold(name);
    Some(name.split('.').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_name_has_a_domain_of_its_own() {
        assert_eq!(full_name("WS-1.Corp.Example.").as_deref(), Some("ws-1.corp.example"));
        assert_eq!(full_name("ws-1.corp").as_deref(), Some("ws-1.corp"));
        assert_eq!(full_name("dc.corp.local").as_deref(), Some("dc.corp.local"));
        let bare =
            ["ws-1", "macbook.local", "localhost.localdomain", "10.0.0.1", ".corp", "pc.", ""];
        for name in bare {
            assert_eq!(full_name(name), None, "{name}");
        }
    }

    #[test]
    fn an_identifier_is_no_name() {
        assert_eq!(host_label("WS-1.corp").as_deref(), Some("ws-1"));
        assert_eq!(host_label("4c4c4544-0051-3310-8052-b4c04f4a4d32"), None);
        assert_eq!(host_label("3f0c9b7a5d1e4826b0c7d9e1f2a34b5c6d7e8f90"), None);
        assert_eq!(host_label("10.0.0.1"), None);
    }
}
