//! Facility and severity, which some daemons write beside the tag: they are neither a host nor a
//! program.
//!
//! BusyBox and OpenWrt write `auth.info`, AIX all of a facility's names in `auth|security:info`,
//! FreeBSD's `syslogd -v` `<4.6>` and `-vv` `<auth.info>`, Kiwi `Auth.Info`, ESXi from version 7 on
//! `In(38)`.

/// What syslogd of Linux, the BSDs, AIX, illumos and Kiwi call facilities, beside `local0` and the like.
const FACILITIES: [&str; 23] = [
    "kern",
    "kernel",
    "user",
    "mail",
    "daemon",
    "auth",
    "security",
    "authpriv",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "ftp",
    "ntp",
    "audit",
    "console",
    "clock",
    "caa",
    "aso",
    "megapi",
    "mark",
    "solaris-cron",
];
const SEVERITIES: [&str; 13] = [
    "emerg", "panic", "alert", "crit", "critical", "err", "error", "warning", "warn", "notice",
    "info", "debug", "none",
];

/// Whether a word is one.
pub(super) fn is(word: &str) -> bool {
    if let Some(inner) = word.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
        return is_named(inner)
            || inner.split_once('.').is_some_and(|(a, b)| is_digits(a) && is_digits(b));
    }
    is_of_esxi(word) || is_named(word)
}

/// Solaris and illumos write `[ID 800047 auth.info] ` between the tag and the words. Only this one
/// form, and only at the very front, is cut off.
pub(super) fn id_cut(message: &str) -> &str {
    let cut = message.strip_prefix("[ID ").and_then(|rest| {
        let (number, rest) = rest.split_once(' ')?;
        let (level, rest) = rest.split_once("] ")?;
        (is_digits(number) && is_named(level)).then_some(rest)
    });
    cut.unwrap_or(message)
}

fn is_named(word: &str) -> bool {
    let Some(at) = memchr::memrchr2(b'.', b':', word.as_bytes()) else {
        return false;
    };
    let (facilities, severity) = (&word[..at], &word[at + 1..]);
    let holds = |names: &[&str], name: &str| names.iter().any(|it| it.eq_ignore_ascii_case(name));
    holds(&SEVERITIES, severity)
        && facilities.split('|').all(|name| holds(&FACILITIES, name) || is_numbered(name))
}

/// `local0` to `local7`, and Kiwi's `System0`.
fn is_numbered(name: &str) -> bool {
    let numbered = name.split_at_checked(name.len().saturating_sub(1));
    numbered.is_some_and(|(name, digit)| {
        is_digits(digit) && ["local", "system"].iter().any(|it| it.eq_ignore_ascii_case(name))
    })
}

/// `In(38)`
fn is_of_esxi(word: &str) -> bool {
    let number = word.strip_suffix(')').and_then(|rest| rest.split_once('('));
    number.is_some_and(|(name, number)| {
        ["Em", "Al", "Cr", "Er", "Wa", "No", "In", "Db"].contains(&name) && is_digits(number)
    })
}

fn is_digits(text: &str) -> bool {
    /// A message's id has six, a priority three.
    const MAX_DIGITS: usize = 10;
    !text.is_empty() && text.len() <= MAX_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_severity_is_no_host() {
        for word in [
            "auth.info",
            "authpriv.NOTICE",
            "auth|security:info",
            "<auth.info>",
            "<4.6>",
            "In(38)",
            "Local7.Info",
            "System3.Error",
            "local0.debug",
        ] {
            assert!(is(word), "{word}");
        }
        for word in [
            "",
            "<>",
            "<38>",
            "auth",
            "web-1.example",
            "in(38)",
            "In(a)",
            "web(1)",
            "mail.example",
            "auth.",
            ".info",
            "local.info",
            "é.info",
            "auth|web:info",
            "192.0.2.9",
        ] {
            assert!(!is(word), "{word}");
        }
    }

    #[test]
    fn only_one_form_of_a_message_id_is_cut_off() {
        for (message, expected) in [
            ("[ID 800047 auth.info] hi", "hi"),
            ("[ID 1 auth.info] [ID 2 auth.info] hi", "[ID 2 auth.info] hi"),
            ("[ID 1 a.b] hi", "[ID 1 a.b] hi"),
            (" [ID 1 auth.info] hi", " [ID 1 auth.info] hi"),
            ("[ID x auth.info] hi", "[ID x auth.info] hi"),
            ("[ID 1 auth.info]hi", "[ID 1 auth.info]hi"),
            ("[ID 1", "[ID 1"),
        ] {
            assert_eq!(id_cut(message), expected);
        }
    }
}
