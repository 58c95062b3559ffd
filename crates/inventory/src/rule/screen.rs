//! Logon screens: display managers and greeters open sessions of accounts of their own, in which
//! nobody works.
//!
//! The one idea: whichever log tells of such a session, the same is asked of it. The account tells
//! most; the PAM service, the class that logind gives a session, and the terminal tell the rest, where
//! a log has them.

use crate::account::UserParts;

/// The accounts of logon screens, in lower case and without the underscore that some systems begin
/// names of their own accounts with (`_greetd` of Debian, `_gdm` of the BSDs). Only whole names count,
/// so that `gdm-admin` and `greeter1` are people. Ly and other screens that run as root have none.
const ACCOUNTS: [&str; 12] = [
    "cosmic-greeter",
    "debian-gdm",
    "gdm",
    "gdm-greeter",
    "gnome-initial-setup", // it makes the first account, from GDM's screen
    "greetd",
    "lightdm",
    "lxdm",
    "mbsetupuser", // `_mbsetupuser`: macOS' setup assistant
    "plasmalogin",
    "sddm",
    "xdm",
];
/// The one that a person of another directory could have: `greeter` of greetd's documentation.
const PLAIN: &str = "greeter";
/// What GDM calls its screens beside the first (version 49): `gdm-greeter-2`, ...
const NUMBERED: &str = "gdm-greeter-";
/// What stands where a name is not known: GDM 3 writes the first into wtmp for its screen, PAM and
/// sshd the others. `last` cuts names after eight letters.
const NO_NAMES: [&str; 4] = ["(unknown)", "(unknown", "(unknown user)", "(invalid user)"];
/// PAM services that open a screen's session, or none: `systemd-user` is the user's manager, which
/// lingers without anybody.
const SERVICES: [&str; 3] = ["gdm-launch-environment", "gdm-welcome", "systemd-user"];
/// How the others end: `sddm-greeter`, `lightdm-greeter`, `greetd-greeter`, `plasmalogin-greeter`.
const GREETER: &str = "-greeter";
/// The one of these that people's sessions have, too.
const SHARED: &str = "cosmic-greeter";
/// The numbers of accounts that come with the system, on every distribution; root has 0.
const SYSTEM_NUMBERS: std::ops::Range<u32> = 1..500;

/// Whether an account, named without its domain, is a logon screen's. Whoever comes as such an account
/// by ssh is still nobody: it is a service's. In a domain the plain word is a person's.
pub(super) fn is_account(name: &str, has_domain: bool) -> bool {
    let bare = name.strip_prefix('_').unwrap_or(name);
    let is = |known: &&str| bare.eq_ignore_ascii_case(known);
    let numbered = || {
        let (start, number) = bare.split_at_checked(NUMBERED.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(NUMBERED)
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    ACCOUNTS.iter().any(is)
        || numbered()
        || !has_domain && is(&PLAIN)
        || NO_NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// How a log of Unix says that a session began, beside the account; empty where it does not say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening<'a> {
    /// The PAM service: `sshd`, `gdm-password`.
    pub service: &'a str,
    /// The terminal, with or without `/dev/`: `tty2`, `:0`, `pts/0`.
    pub terminal: &'a str,
    /// The class of the session (`pam_systemd(8)`): `user`, `greeter`, `manager`.
    pub class: &'a str,
}

impl Opening<'_> {
    /// Whether the session can be a person's. The account by itself is for
    /// [`Rule::judge`](super::Rule::judge).
    pub fn is_of_a_person(&self, user: &str) -> bool {
        let service = self.service.trim().to_ascii_lowercase();
        let is_screen =
            SERVICES.contains(&service.as_str()) || service.ends_with(GREETER) && service != SHARED;
        // `user-early`, `user-light` and `user-incomplete` are people's, too.
        let has_class = !self.class.is_empty() && !self.class.starts_with("user");
        !is_screen && !has_class && !self.is_number_on_display(user)
    }

    /// A log that has but numbers, such as lastlog: no person has a system account's, and a screen is
    /// on a display (`:0`) or has a console of its own (`tty1`).
    fn is_number_on_display(&self, user: &str) -> bool {
        let number = UserParts::of(user).and_then(|parts| parts.name.parse().ok());
        let terminal = self.terminal.strip_prefix("/dev/").unwrap_or(self.terminal);
        let console = terminal.strip_prefix("tty").and_then(|rest| rest.bytes().next());
        let is_display = terminal.starts_with(':') || console.is_some_and(|it| it.is_ascii_digit());
        is_display && number.is_some_and(|it| SYSTEM_NUMBERS.contains(&it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_screens_are_told_from_peoples() {
        for name in [
            "gdm",
            "Debian-gdm",
            "gdm-greeter",
            "gdm-greeter-12",
            "_greetd",
            "greetd",
            "sddm",
            "LightDM",
            "_gdm",
            "_mbsetupuser",
            "(unknown)",
            "cosmic-greeter",
            "plasmalogin",
        ] {
            assert!(is_account(name, false) && is_account(name, true), "{name}");
        }
        assert!(is_account("greeter", false) && !is_account("greeter", true));
        for name in [
            "greeter1",
            "gdm-greeter-",
            "gdm-greeter-x",
            "gdm-admin",
            "ly",
            "gdmé",
            "unknown",
            "__gdm",
        ] {
            assert!(!is_account(name, false), "{name}");
        }
    }

    #[test]
    fn service_class_and_terminal_tell_screens_from_people() {
        let opening = |service, terminal, class| Opening { service, terminal, class };
        for (user, opening) in [
            ("otto", opening("gdm-launch-environment", "tty1", "")),
            ("otto", opening("sddm-greeter", "", "")),
            ("otto", opening("systemd-user", "", "")),
            ("otto", opening("", "tty1", "greeter")),
            ("otto", opening("", "", "manager")),
            ("42", opening("", ":0", "")),
            ("117", opening("", "/dev/tty1", "")),
        ] {
            assert!(!opening.is_of_a_person(user), "{user} {opening:?}");
        }
        for (user, opening) in [
            ("otto", opening("gdm-password", "tty2", "user")),
            ("otto", opening("cosmic-greeter", "tty2", "user-early")),
            ("otto", opening("greetd", "tty1", "")),
            ("42", opening("", "pts/0", "")),
            ("42", opening("", "ttyS0", "")),
            ("1042", opening("", ":0", "")),
            ("0", opening("", ":0", "")),
        ] {
            assert!(opening.is_of_a_person(user), "{user} {opening:?}");
        }
    }
}
