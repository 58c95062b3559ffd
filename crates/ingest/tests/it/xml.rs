//! Events in XML: roots, quotes, lines, cut and broken ones.

use ingest::Format;
use inventory::logon::Source;
use proptest::prelude::*;

use crate::support::{Collected, gzip, options, read_bytes, read_bytes_with};

/// A made event; `extra` comes behind the EventData.
fn event(user: &str, computer: &str, extra: &str) -> String {
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
         <Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4624</EventID>\
         <TimeCreated SystemTime='2026-03-01T08:00:00.1234567Z'/>\
         <EventRecordID>77</EventRecordID><Channel>Security</Channel>\
         <Computer>{computer}</Computer></System><EventData>\
         <Data Name='TargetUserSid'>S-1-5-21-1-2-3-1104</Data>\
         <Data Name='TargetUserName'>{user}</Data><Data Name='TargetDomainName'>CORP</Data>\
         <Data Name='TargetLogonId'>0xa1b2c</Data><Data Name='LogonType'>2</Data>\
         <Data Name='IpAddress'>192.0.2.7</Data></EventData>{extra}</Event>"
    )
}

fn told(read: &Collected) -> Vec<String> {
    let told = read.rejects.iter();
    told.map(|reject| format!("{}: {}", reject.position, reject.reason)).collect()
}

/// A made event of an account whose SID a collector turned into its name, dropped, or left.
fn event_of(sid: &str, domain: &str, user: &str) -> String {
    event(user, "SQL-9.lab.example", "").replace("S-1-5-21-1-2-3-1104", sid).replace("CORP", domain)
}

#[test]
fn accounts_of_no_person_are_known_by_their_domain_where_sids_are_names() {
    let noise = [
        event_of("NT SERVICE\\ReportServer", "NT SERVICE", "ReportServer"),
        event_of("-", "NT SERVICE", "SQLTELEMETRY$LAB"),
        event_of("IIS APPPOOL\\shop", "", "shop"),
        event_of("", "NT VIRTUAL MACHINE", "0B3E7D1C-51C8-4F6A-9B1E-3C7B8D0A6F42"),
        event_of("NT INSTANS\\Nätverkstjänst", "NT INSTANS", "Nätverkstjänst"),
        event_of("AUTORIDADE NT\\SISTEMA", "-", "SISTEMA"),
        event_of("", "", "Système"),
        event_of("VIRTUAL USERS\\sshd_4332", "VIRTUAL USERS", "sshd_4332"),
        event_of("Window Manager\\DWM-4", "Window Manager", "DWM-4"),
        // The event says so itself from version 2 on.
        event_of("", "", "shop")
            .replace("</EventData>", "<Data Name='VirtualAccount'>%%1842</Data></EventData>"),
    ];
    let people = [
        event_of("LAB\\Iris.Kahn", "LAB", "Iris.Kahn"),
        event_of("LAB\\iris.kahn", "-", "iris.kahn"),
        event_of("", "NT-LAB", "iris.kahn")
            .replace("</EventData>", "<Data Name='VirtualAccount'>%%1843</Data></EventData>"),
        event_of("%{S-1-5-21-1-2-3-1105}", "LAB", "jo"),
    ];
    let read = read_bytes([noise.concat(), people.concat()].concat().as_bytes());
    assert_eq!((read.tally().records, read.tally().noise), (14, 10));
    let accounts: Vec<_> = read
        .logons
        .iter()
        .map(|it| (it.account.id(), it.account.sid.clone().unwrap_or_default()))
        .collect();
    let expected = [
        ("lab\\iris.kahn", ""),
        ("lab\\iris.kahn", ""),
        ("nt-lab\\iris.kahn", ""),
        ("lab\\jo", "S-1-5-21-1-2-3-1105"),
    ];
    assert_eq!(accounts, expected.map(|(id, sid)| (id.to_owned(), sid.to_owned())));
}

#[test]
fn roots_quotes_and_lines_do_not_matter() {
    let events = [event("ann", "WS-1", ""), event("bob", "WS-2.corp.example", "")];
    let plain = read_bytes(events.concat().as_bytes());
    assert_eq!(plain.rejects, []);
    assert_eq!(plain.users(), ["ann", "bob"]);
    assert_eq!(plain.times(), ["2026-03-01T08:00:00.1234567Z"; 2]);
    assert_eq!(plain.logons[0].source, Source::WefXml);
    assert_eq!(plain.files[0].format, Format::WefXml);
    let machines: Vec<_> = plain.logons.iter().map(|logon| logon.machine.name.as_str()).collect();
    assert_eq!(machines, ["WS-1", "WS-2.corp.example"]);
    let indented = events.join("\r\n").replace("><", ">\r\n\t<");
    for text in [
        events.join("\n"),
        format!("<Events>{}</Events>", events.concat()),
        format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\r\n\
             <Events>\r\n{indented}\r\n</Events>\r\n"
        ),
        events.concat().replace('\'', "\""),
        events.join("\n\n"),
    ] {
        let read = read_bytes(text.as_bytes());
        assert_eq!(
            (read.logons, read.files),
            (plain.logons.clone(), plain.files.clone()),
            "{text}"
        );
        assert_eq!((read.rejects, read.skipped), (vec![], vec![]), "{text}");
    }
    for header in ["<14>1 2026-03-01T08:00:00Z WEC01 x - - - ", "Mar  1 08:00:00 WEC01 x: "] {
        let text = events.clone().map(|event| format!("{header}{event}\n")).concat();
        let read = read_bytes(text.as_bytes());
        assert_eq!((read.logons, read.rejects), (plain.logons.clone(), vec![]), "{text}");
    }
    assert_eq!(read_bytes(&gzip(indented.as_bytes())).logons, plain.logons);
}

#[test]
fn rendered_text_is_not_read() {
    let extra = "<RenderingInfo Culture='de-DE'><Message>Ein Konto wurde angemeldet.\n\
                 4624 TargetUserName eve</Message><Channel>Sicherheit</Channel>\
                 <Keywords><Keyword>Erfolg</Keyword></Keywords></RenderingInfo>";
    let read = read_bytes(event("ann", "WS-1", extra).as_bytes());
    assert_eq!(read.users(), ["ann"]);
}

#[test]
fn other_events_are_counted() {
    let logon = event("ann", "WS-1", "");
    let events = [
        logon.replace("4624", "4625"),
        logon.replace("4624", "4648"),
        logon.replace("4624", "4634"),
        logon.replace(">Security<", ">Application<"),
        logon.replace("Name='TargetUserName'>ann", "Name='TargetUserName'>WS-1$"),
        logon.replace("Name='TargetUserName'>ann", "Name='TargetUserName'>4624"),
    ];
    let read = read_bytes(events.concat().as_bytes());
    assert_eq!(read.users(), ["4624"]);
    let tally = read.tally();
    assert_eq!((tally.records, tally.noise, tally.failures), (6, 1, 1));
}

#[test]
fn broken_events_are_told_by_their_place_and_the_rest_is_read() {
    let whole = event("ann", "WS-1", "");
    let cut = &whole[..whole.len() / 2];
    let events = [
        "...</Data></EventData></Event>".to_owned(),
        whole.clone(),
        cut.to_owned(),
        whole.clone(),
        "rubbish".to_owned(),
        whole.replace("</System>", "</Sys>"),
        whole.replace("LogonType'>2", "LogonType'>99"),
        whole.replace("WS-1", ""),
        whole.replace("2026-03-01T", "yesterday "),
        whole.clone(),
        cut.to_owned(),
    ];
    let at = |index: usize| events[..index].iter().map(|event| event.len() + 1).sum::<usize>();
    let text = ["<Events>", &events[1..].join("\n")].join("\n");
    let read = read_bytes(events.join("\n").replacen("...", "<x>", 1).as_bytes());
    assert_eq!(read.users(), ["ann", "ann", "ann"]);
    let expected = [
        format!("byte {}: an event without its start", at(0)),
        format!("byte {}: an event without its end", at(2)),
        format!("byte {}: text outside of events", at(4) - 1),
        format!("byte {}: not valid XML: ", at(5)),
        format!("byte {}: LogonType `99` is not a logon type", at(6)),
        format!("byte {}: the machine's name is missing; --device gives it", at(7)),
        format!("byte {}: TimeCreated: `yesterday 08:00:00.1234567Z` is not a date", at(8)),
        format!("byte {}: an event without its end", at(10)),
    ];
    let told = told(&read);
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(&expected) {
        assert!(told.starts_with(expected.as_str()), "{told}\n{expected}");
    }
    assert_eq!((read.tally().records, read.tally().rejects), (3, 8));
    let mut options = options();
    options.device = Some("WS-9".to_owned());
    assert_eq!(read_bytes_with(text.as_bytes(), &options).logons.len(), 4);
}

#[test]
fn bytes_that_are_no_utf8_cost_only_themselves() {
    let text = event("J\u{fc}rgen", "WS-1", "");
    // As Windows-1252 has it.
    let bytes: Vec<u8> = text.chars().map(|char| char as u8).collect();
    assert_eq!(read_bytes(&bytes).users(), ["j\u{fffd}rgen"]);
}

#[test]
fn a_cut_archive_gives_its_whole_events() {
    let text = event("ann", "WS-1", "").repeat(2_000);
    let packed = gzip(text.as_bytes());
    let read = read_bytes(&packed[..packed.len() / 2]);
    assert!(read.logons.len() > 100 && read.logons.len() < 2_000, "{}", read.logons.len());
    assert_eq!(read.tally().rejects, 1);
    assert!(read.rejects[0].reason.starts_with("cannot be read further: "));
}

#[test]
fn xml_without_events_is_passed_over() {
    let read = read_bytes(b"<html><EventData/></html>");
    assert!(read.skipped[0].reason.contains("XML without events"), "{:?}", read.skipped);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let event = event("ann", "WS-1", "");
        let text = [event.as_bytes(), b"<Event>4624", &bytes, b"</Event>"].concat();
        let read = read_bytes(&text);
        prop_assert_eq!(read.users()[0], "ann");
    }

    #[test]
    fn markup_never_panics(text in "(<|>|/|Event|System|EventData|Data|&|;|#x?|[0-9]|'|\"|<!\\[CDATA\\[|\\]\\]>|<!--|-->|<!DOCTYPE|<\\?|=| ){0,80}") {
        let text = format!("<Event>4624{text}</Event>{}", event("ann", "WS-1", ""));
        let read = read_bytes(text.as_bytes());
        prop_assert!(read.rejects.iter().all(|reject| !reject.reason.contains("defect")));
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0usize..900, byte: u8) {
        let mut text = event("ann", "WS-1", "").into_bytes();
        let at = at % text.len();
        text[at] = byte;
        prop_assert!(read_bytes(&text).logons.len() <= 1);
    }
}

#[test]
fn elements_may_have_a_prefix() {
    let event = |user: &str| {
        format!(
            "<e:Event><e:System><e:EventID>4624</e:EventID><e:Channel>Security</e:Channel>\
             <e:Computer>WS-1</e:Computer><e:TimeCreated SystemTime=\"2026-03-02T08:15:30Z\"/></e:System>\
             <e:EventData><e:Data Name='TargetUserName'>{user}</e:Data><e:Data Name='LogonType'>2</e:Data>\
             </e:EventData></e:Event>"
        )
    };
    let events = event("ann") + "\r\n" + &event("bob");
    let namespace = "xmlns:e='http://schemas.microsoft.com/win/2004/08/events/event'";
    for text in [
        format!("\u{feff}<?xml version=\"1.0\"?>\r\n<e:Events {namespace}>{events}</e:Events>"),
        events.replace("<e:Event>", &format!("<e:Event {namespace}>")),
    ] {
        let read = read_bytes(text.as_bytes());
        assert_eq!((&read.rejects, &read.skipped), (&vec![], &vec![]), "{text}");
        assert_eq!(read.users(), ["ann", "bob"]);
    }
}
