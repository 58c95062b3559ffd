//! Who vouches for an account that is of no person: the domains under which Windows keeps its own
//! accounts, services, pools, virtual machines and desktops.
//!
//! Collectors drop SIDs or turn them into names, and Windows writes those in its own language. The
//! domain then tells what the SID's prefix would: it is `NT AUTHORITY` or its translation, or one of
//! the few that are never translated. No domain of people has such a name: two words with a blank
//! between them are none that a domain controller takes, and of those with a hyphen only the
//! translations that are known count.

use crate::fold;

/// Domains of accounts that Windows makes for itself, folded; no language translates them.
const VIRTUAL: [&str; 8] = [
    "application package authority",
    "font driver host",    // S-1-5-96: UMFD-n
    "iis apppool",         // S-1-5-82
    "restricted services", // S-1-5-99
    "user manager",        // S-1-5-93: accounts in containers
    "virtual users",       // S-1-5-111: OpenSSH's sshd_n
    "window manager",      // S-1-5-90: DWM-n
    "window manager group",
];
/// How the other word of `NT AUTHORITY` and `NT SERVICE` begins in languages that join both with a
/// hyphen: German, Swedish, Norwegian, Danish, Finnish, Hungarian, Dutch; folded.
const HYPHENATED: [&str; 10] = [
    "authorit", "autor", "dienst", "forvalt", "hallin", "hatós", "instans", "myndig", "service",
    "tjänst",
];
/// The system's own accounts in the languages of Windows, for records that lost domain and SID; folded.
/// (Microsoft's list of well-known SIDs has the English ones.)
const TRANSLATED: [&str; 28] = [
    "système",
    "sistema",
    "система",
    "lokaler dienst",
    "netzwerkdienst",
    "anonymous-anmeldung",
    "service local",
    "service réseau",
    "servicio local",
    "servicio de red",
    "serviço local",
    "serviço de rede",
    "servizio locale",
    "servizio di rete",
    "lokale service",
    "netwerkservice",
    "lokal tjänst",
    "nätverkstjänst",
    "lokal tjeneste",
    "nettverkstjeneste",
    "netværkstjeneste",
    "paikallinen palvelu",
    "verkkopalvelu",
    "usługa lokalna",
    "usługa sieciowa",
    "helyi szolgáltatás",
    "hálózati szolgáltatás",
    "yerel hizmet",
];

/// Whether a domain's accounts are of no person.
pub(super) fn is_of_no_person(domain: &str) -> bool {
    let domain = domain.trim();
    if !domain.contains([' ', '-']) {
        return false;
    }
    let domain = fold(domain);
    VIRTUAL.contains(&domain.as_str()) || is_nt(&domain)
}

/// `NT AUTHORITY`, `NT SERVICE`, `NT VIRTUAL MACHINE`, `NT TASK`, and their translations.
fn is_nt(domain: &str) -> bool {
    if domain.starts_with("nt ") || domain.ends_with(" nt") {
        return true;
    }
    let other = domain.strip_prefix("nt-").or_else(|| domain.strip_suffix("-nt"));
    other.is_some_and(|other| HYPHENATED.iter().any(|start| other.starts_with(start)))
}

/// Whether a name that nothing stands beside is the system's own in some language.
pub(super) fn is_translated(name: &str) -> bool {
    TRANSLATED.contains(&fold(name).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_of_no_person_are_told_in_every_language() {
        for domain in [
            "NT AUTHORITY",
            "nt authority",
            "AUTORITE NT",
            "AUTORITÉ NT",
            "AUTORITA' NT",
            "NT-AUTORITÄT",
            "NT-AUTORIT\u{fffd}T",
            "AUTORIDADE NT",
            "NT INSTANS",
            "NT-INSTANS",
            "NT-MYNDIGHET",
            "NT-forvalter",
            "ZARZĄDZANIE NT",
            "NT SERVICE",
            "IIS AppPool",
            "NT VIRTUAL MACHINE",
            "Window Manager",
            "Font Driver Host",
            "VIRTUAL USERS",
        ] {
            assert!(is_of_no_person(domain), "{domain}");
        }
        for domain in
            ["", "-", "CORP", "NT", "NT-LAB", "CORP-NT", "NTSERVICE", "corp.example", "WINDOW-MGR"]
        {
            assert!(!is_of_no_person(domain), "{domain}");
        }
    }
}
