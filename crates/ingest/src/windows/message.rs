//! The values of an event in its rendered text, where nothing else of it is left: what `Get-WinEvent`,
//! the Event Viewer and shippers call its message.
//!
//! The text is in the language of a machine, so that its words tell little. What all languages share is
//! the form: sections under headings, each of lines `label: value`, in the order of the event's manifest
//! (windows-itpro-docs, `auditing/event-4624.md` and its neighbours). English labels are looked for
//! first, else the place tells.

use super::EventData;
use crate::field::Field;

/// The longest rendered text of these events has some 70 lines.
const MAX_LINES: usize = 160;

/// Reads the values that the text of an event has; `None` when it is not one of the events that
/// matter ([`EVENT_IDS`](super::EVENT_IDS)), or its text has not their form.
///
/// A security id that the renderer made a name (`CORP\ann`) is left out: the name stands beside it.
pub(crate) fn values<'a>(event_id: &str, message: &'a str) -> Option<EventData<'a>> {
    let text = Text::parse(message);
    match event_id {
        "4624" => logon(&text, "New Logon"),
        "4625" => logon(&text, "Account For Which Logon Failed"),
        "4634" | "4647" | "4800" | "4801" => session(&text),
        "4778" | "4779" => connection(&text),
        _ => None,
    }
}

/// A text's sections, in their order. A line outside of any is one without a heading.
struct Text<'a> {
    sections: Vec<Section<'a>>,
}

#[derive(Default)]
struct Section<'a> {
    heading: &'a str,
    /// Labels and values.
    entries: Vec<(&'a str, &'a str)>,
}

impl<'a> Text<'a> {
    fn parse(message: &'a str) -> Self {
        let lines = || message.lines().take(MAX_LINES);
        let has_indents = lines().any(|line| is_indented(line) && line.contains([':', '：']));
        let mut sections: Vec<Section<'a>> = Vec::new();
        // Whether a line that follows belongs to the last section, and whether one was left out.
        let (mut is_open, mut is_after_gap) = (false, true);
        for line in lines() {
            let Some((label, value)) = entry(line) else {
                is_open &= has_indents;
                is_after_gap = true;
                continue;
            };
            let may_be_heading = has_indents || is_after_gap || is_heading(label);
            if value.is_empty() && !is_indented(line) && may_be_heading {
                sections.push(Section { heading: label, entries: Vec::new() });
                is_open = true;
            } else if let (true, Some(last)) = (is_open, sections.last_mut())
                && is_indented(line) == has_indents
            {
                last.entries.push((label, value));
            } else {
                sections.push(Section { heading: "", entries: vec![(label, value)] });
                is_open = false;
            }
            is_after_gap = false;
        }
        Self { sections }
    }

    /// Where the section with an English heading is.
    fn headed(&self, heading: &str) -> Option<usize> {
        self.sections.iter().position(|section| section.heading.eq_ignore_ascii_case(heading))
    }

    /// Where sections are that tell an account, its fourth value being a logon id or its first an
    /// identifier: the subject's, and then whose logon it is.
    fn accounts(&self) -> impl Iterator<Item = usize> {
        let is_account = |section: &Section<'_>| {
            section.value(0).starts_with("S-1-") || section.value(3).starts_with("0x")
        };
        let sections = self.sections.iter().enumerate();
        sections
            .filter(move |(_, section)| section.entries.len() >= 3 && is_account(section))
            .map(|(at, _)| at)
    }
}

impl<'a> Section<'a> {
    fn value(&self, at: usize) -> &'a str {
        self.entries.get(at).map_or("", |(_, value)| value)
    }

    /// The value with an English label, else the one at its place.
    fn labelled(&self, label: &str, place: usize) -> &'a str {
        let found = self.entries.iter().find(|(name, _)| name.eq_ignore_ascii_case(label));
        found.map_or_else(|| self.value(place), |(_, value)| value)
    }
}

/// A line's label and value; `None` when it has no label. East Asian texts have a wide colon.
fn entry(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let at = line.find([':', '：'])?;
    let (label, rest) = line.split_at(at);
    let value = rest.trim_start_matches([':', '：']);
    (!label.is_empty()).then(|| (label.trim_end(), value.trim()))
}

fn is_indented(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

/// The headings that a text without blank lines and indents is taken apart by.
fn is_heading(label: &str) -> bool {
    const HEADINGS: [&str; 10] = [
        "Subject",
        "Logon Information",
        "New Logon",
        "Account For Which Logon Failed",
        "Failure Information",
        "Process Information",
        "Network Information",
        "Detailed Authentication Information",
        "Session",
        "Additional Information",
    ];
    HEADINGS.iter().any(|heading| heading.eq_ignore_ascii_case(label))
}

/// Of 4624 and 4625: the subject, the logon's type, whose logon it is, the process, the network.
fn logon<'a>(text: &Text<'a>, heading: &str) -> Option<EventData<'a>> {
    let mut accounts = text.accounts();
    let subject = text.headed("Subject").or_else(|| accounts.next())?;
    let whose = text.headed(heading).or_else(|| accounts.find(|&at| at > subject))?;
    let account = text.sections.get(whose)?;
    // Before the account of a logon, or behind the subject.
    let between = text.sections.get(subject + 1..whose).unwrap_or_default();
    let labelled = |name: &str| name.eq_ignore_ascii_case("Logon Type");
    let entries = || between.iter().flat_map(|section| &section.entries);
    let logon_type = entries().find(|(name, _)| labelled(name)).or_else(|| entries().next());
    let network = text.headed("Network Information").unwrap_or(whose + network_after(heading));
    let network = text.sections.get(network);
    let network = |label, at| network.map_or("", |section| section.labelled(label, at));
    let data = EventData {
        target_user_sid: sid(account.labelled("Security ID", 0)),
        target_user_name: account.labelled("Account Name", 1).into(),
        target_domain_name: account.labelled("Account Domain", 2).into(),
        // A failure opens no session.
        target_logon_id: account.labelled("Logon ID", 3).into(),
        logon_type: logon_type.map_or("", |(_, value)| value).into(),
        workstation_name: network("Workstation Name", 0).into(),
        ip_address: network("Source Network Address", 1).into(),
        ..EventData::default()
    };
    let is_type = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_type(data.logon_type.get()).then_some(data)
}

/// How many sections behind the account the network's is: the process is between them, and in a
/// failure its reason.
fn network_after(heading: &str) -> usize {
    if heading == "New Logon" { 2 } else { 3 }
}

/// Of what happens to a session: whose it is, which the text calls the subject.
fn session<'a>(text: &Text<'a>) -> Option<EventData<'a>> {
    let subject = text.headed("Subject").or_else(|| text.accounts().next())?;
    let account = text.sections.get(subject)?;
    let logon_id = account.labelled("Logon ID", 3);
    logon_id.starts_with("0x").then(|| EventData {
        target_user_sid: sid(account.labelled("Security ID", 0)),
        target_user_name: account.labelled("Account Name", 1).into(),
        target_domain_name: account.labelled("Account Domain", 2).into(),
        target_logon_id: logon_id.into(),
        ..EventData::default()
    })
}

/// Of 4778 and 4779, whose subject has no identifier.
fn connection<'a>(text: &Text<'a>) -> Option<EventData<'a>> {
    let first = || text.sections.iter().position(|section| section.value(2).starts_with("0x"));
    let account = text.sections.get(text.headed("Subject").or_else(first)?)?;
    let logon_id = account.labelled("Logon ID", 2);
    logon_id.starts_with("0x").then(|| EventData {
        account_name: account.labelled("Account Name", 0).into(),
        account_domain: account.labelled("Account Domain", 1).into(),
        account_logon_id: logon_id.into(),
        ..EventData::default()
    })
}

fn sid(text: &str) -> Field<'_> {
    if text.starts_with("S-1-") { text.into() } else { Field::default() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As Windows 10 and later write it, the values made.
    const ENGLISH: &str = "An account was successfully logged on.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1-5-18\r\n\tAccount Name:\t\tWS-1$\r\n\tAccount Domain:\t\tCORP\r\n\tLogon ID:\t\t0x3E7\r\n\r\nLogon Information:\r\n\tLogon Type:\t\t10\r\n\tRestricted Admin Mode:\tNo\r\n\tVirtual Account:\t\tNo\r\n\tElevated Token:\t\tYes\r\n\r\nImpersonation Level:\t\tImpersonation\r\n\r\nNew Logon:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1104\r\n\tAccount Name:\t\tann\r\n\tAccount Domain:\t\tCORP\r\n\tLogon ID:\t\t0xA1B2C\r\n\tLinked Logon ID:\t\t0x0\r\n\tNetwork Account Name:\t-\r\n\tNetwork Account Domain:\t-\r\n\tLogon GUID:\t\t{00000000-0000-0000-0000-000000000000}\r\n\r\nProcess Information:\r\n\tProcess ID:\t\t0x2f0\r\n\tProcess Name:\t\tC:\\Windows\\System32\\svchost.exe\r\n\r\nNetwork Information:\r\n\tWorkstation Name:\tLAPTOP-7\r\n\tSource Network Address:\t192.0.2.7\r\n\tSource Port:\t\t0\r\n\r\nDetailed Authentication Information:\r\n\tLogon Process:\t\tUser32 \r\n\tAuthentication Package:\tNegotiate\r\n\tTransited Services:\t-\r\n\tPackage Name (NTLM only):\t-\r\n\tKey Length:\t\t0\r\n\r\nThis event is generated when a logon session is created. It is generated on the computer that was accessed.";
    /// As Windows 7 writes it in German: the type stands by itself.
    const GERMAN: &str = "Ein Konto wurde erfolgreich angemeldet.\n\nAntragsteller:\n\tSicherheits-ID:\t\tS-1-5-18\n\tKontoname:\t\tWS-1$\n\tKontodomäne:\t\tCORP\n\tAnmelde-ID:\t\t0x3e7\n\nAnmeldetyp:\t\t\t10\n\nNeue Anmeldung:\n\tSicherheits-ID:\t\tS-1-5-21-1-2-3-1104\n\tKontoname:\t\tann\n\tKontodomäne:\t\tCORP\n\tAnmelde-ID:\t\t0xa1b2c\n\tAnmelde-GUID:\t\t{00000000-0000-0000-0000-000000000000}\n\nProzessinformationen:\n\tProzess-ID:\t\t0x2f0\n\tProzessname:\t\tC:\\Windows\\System32\\winlogon.exe\n\nNetzwerkinformationen:\n\tArbeitsstationsname:\tLAPTOP-7\n\tQuellnetzwerkadresse:\t192.0.2.7\n\tQuellport:\t\t0\n";

    fn is_ann(text: &str) {
        let data = values("4624", text).unwrap_or_else(|| panic!("{text}"));
        let values = data.values();
        assert_eq!((values.user, values.domain), ("ann", "CORP"), "{text}");
        assert_eq!(values.sid, "S-1-5-21-1-2-3-1104", "{text}");
        assert_eq!(values.logon_id.to_ascii_lowercase(), "0xa1b2c", "{text}");
        assert_eq!(values.logon_type, "10", "{text}");
        assert_eq!((values.workstation, values.address), ("LAPTOP-7", "192.0.2.7"), "{text}");
    }

    #[test]
    fn a_logon_is_read_in_every_version_and_language() {
        is_ann(ENGLISH);
        is_ann(GERMAN);
        // The wide colon of Japanese, the blank before it of French.
        is_ann(&GERMAN.replace(":\t", "：\t").replace(":\n", "：\n"));
        is_ann(&GERMAN.replace(":\t", " :\t").replace(":\n", " :\n"));
    }

    #[test]
    fn what_shippers_lose_of_the_form_does_no_harm() {
        is_ann(&ENGLISH.replace('\t', ""));
        is_ann(&ENGLISH.replace('\t', "    "));
        is_ann(&ENGLISH.replace("\r\n\r\n", "\r\n"));
        is_ann(&ENGLISH.replace('\t', "").replace("\r\n\r\n", "\r\n"));
        is_ann(&GERMAN.replace('\t', ""));
        // Empty values are no headings.
        let unnamed = ENGLISH.replace("LAPTOP-7", "");
        assert_eq!(values("4624", &unnamed).unwrap().values().address, "192.0.2.7");
    }

    #[test]
    fn a_resolved_identifier_is_left_out() {
        for text in [ENGLISH, GERMAN] {
            let text =
                text.replace("S-1-5-21-1-2-3-1104", "CORP\\ann").replace("S-1-5-18", "SYSTEM");
            let data = values("4624", &text).unwrap();
            assert_eq!((data.values().sid, data.values().user), ("", "ann"));
        }
    }

    #[test]
    fn sessions_are_read() {
        let ended = "An account was logged off.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1-5-21-1-2-3-1104\r\n\tAccount Name:\t\tann\r\n\tAccount Domain:\t\tCORP\r\n\tLogon ID:\t\t0x1F\r\n\r\nLogon Type:\t\t\t2\r\n";
        for text in [ended.to_owned(), ended.replace("Subject:", "Antragsteller:")] {
            let data = values("4634", &text).unwrap();
            let values = data.values();
            assert_eq!((values.user, values.logon_id), ("ann", "0x1F"));
        }
        let left = "A session was disconnected from a Window Station.\n\nSubject:\n\tAccount Name:\t\tann\n\tAccount Domain:\t\tCORP\n\tLogon ID:\t\t0x1F\n\nSession:\n\tSession Name:\t\tRDP-Tcp#1\n\nAdditional Information:\n\tClient Name:\t\tPC\n\tClient Address:\t\t192.0.2.1\n";
        for text in [left.to_owned(), left.replace("Subject:", "Antragsteller:")] {
            let data = values("4779", &text).unwrap();
            let values = data.values();
            assert_eq!((values.account, values.account_logon_id), ("ann", "0x1F"));
        }
    }

    #[test]
    fn other_texts_have_no_values() {
        for text in ["", "An account was successfully logged on.", "a: b", ":", "Subject:\n\ta: b"]
        {
            for id in crate::windows::EVENT_IDS {
                assert!(values(id, text).is_none(), "{id}: {text}");
            }
        }
        assert!(values("4688", ENGLISH).is_none());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([ \t]?(Subject|New Logon|a|0x1|S-1-5|：|é)?:?[ \t]?(0x1|S-1|2|ä)?\r?\n?){0,60}") {
            for id in crate::windows::EVENT_IDS {
                let _ = values(id, &text);
            }
        }
    }
}
