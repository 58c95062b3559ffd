//! Which lines can matter, told from one look through a block for every word that one must have.
//!
//! A line is left aside for what it lacks, never for what it holds alone: of Windows' events that matter
//! each has its id, standing alone; of the records of other products each has a key of its product. No
//! writer escapes letters or digits, so that such a line has its word as it is.

use std::sync::LazyLock;

use crate::journal::SESSION_START;
use crate::words::{Seen, Words};
use crate::{defender, entra, osquery, windows};

/// Of machines and users in answers of Defender's API, of events of authentication in ECS, and in OCSF,
/// whose class is a number, and of our own format. In Defender's tables a sign-in that succeeded may
/// name no device, and still tells which names are one person's. Where one is a key, the quote behind it is left out: inside a text it has a backslash before it.
const KEYS: [&str; 6] = [
    "\"computerDnsName",
    "\"accountName",
    "\"authentication",
    "3002",
    "\"footfall",
    "\"LogonSuccess",
];
/// Of osquery's results. Without the quote behind it, so that it hides no key that begins there.
const RESULT: &str = "\"unixTime";
/// Of Entra's sign-ins. It comes before what it begins with, so that it is found instead.
const SIGN_IN: &str = "\"deviceDetail\"";
/// What a key begins with in each of Defender's and Intune's rows that matter; the next letter is a
/// capital.
const DEVICE: [&str; 2] = ["\"Device", "\"device"];

/// Programs some of whose words matter, in lines of logs and entries of a journal that something carries.
///
/// The searcher puts words into few buckets by their order, and looks closer where the first letters of the
/// words of a bucket come: of the orders that were tried this one costs least.
const PROGRAMS: [&str; 2] = ["logind", "sshd"];
/// Of laurel's events.
const LAUREL: &str = "USER_";
/// Of records of the audit log that something carries.
const AUDIT: &str = "msg=audit(";

/// Where the words stand among all.
const FIRST_KEY: usize = windows::EVENT_IDS.len();
const RESULT_AT: usize = FIRST_KEY + KEYS.len();
const SIGN_IN_AT: usize = RESULT_AT + 1;
const FIRST_DEVICE: usize = SIGN_IN_AT + 1;
const FIRST_PROGRAM: usize = FIRST_DEVICE + DEVICE.len();
const LAUREL_AT: usize = FIRST_PROGRAM + PROGRAMS.len();
const AUDIT_AT: usize = LAUREL_AT + 1;
const WORDS: usize = AUDIT_AT + 1;

/// What a line can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MayBe {
    /// A record of a known product, or a message of several.
    pub(super) product: bool,
    /// An event of Windows that matters.
    pub(super) event: bool,
    /// A line of a log or an entry of a journal, or what carries one.
    pub(super) carried: bool,
}

impl MayBe {
    /// Whether it is to be parsed.
    pub(super) fn any(self) -> bool {
        self.product || self.event || self.carried
    }

    /// Whether it can be nothing else than an event of Windows.
    pub(super) fn is_event_alone(self) -> bool {
        self.event && !self.product && !self.carried
    }
}

/// Gives every line of a block to `each`, with what it can be.
pub(super) fn lines<'b>(block: &'b [u8], each: &mut dyn FnMut(&'b [u8], MayBe)) {
    static SEARCHER: LazyLock<Words> = LazyLock::new(|| {
        let words = [
            &windows::EVENT_IDS[..],
            &KEYS,
            &[RESULT, SIGN_IN],
            &DEVICE,
            &PROGRAMS,
            &[LAUREL, AUDIT],
        ];
        debug_assert_eq!(words.iter().map(|words| words.len()).sum::<usize>(), WORDS);
        Words::new(&words.concat())
    });
    let holds = |word: aho_corasick::Match| match word.pattern().as_usize() {
        ..FIRST_KEY => windows::stands_alone(block, word.range()),
        FIRST_DEVICE..FIRST_PROGRAM => block.get(word.end()).is_some_and(u8::is_ascii_uppercase),
        _ => true,
    };
    SEARCHER.lines(block, holds, &mut |line, seen| each(line, may_be(line, seen)));
}

fn may_be(line: &[u8], seen: Seen) -> MayBe {
    MayBe {
        product: !seen.is_empty() && may_be_of_product(line, seen),
        event: seen.has_any(0..FIRST_KEY),
        carried: seen.has(AUDIT_AT)
            || seen.has_any(FIRST_PROGRAM..LAUREL_AT) && says_something(line),
    }
}

/// Whether sshd or logind say something of logons, or hide what they say in bytes.
fn says_something(line: &[u8]) -> bool {
    const WORDS: [&str; 5] = ["Accepted ", "Failed ", "New session '", SESSION_START, MESSAGE];
    /// A message that can be a list of bytes, with or without blanks.
    const MESSAGE: &str = "\"MESSAGE\"";
    static SEARCHER: LazyLock<Words> = LazyLock::new(|| Words::new(&WORDS));
    SEARCHER.any(line, |word| {
        WORDS[word.pattern().as_usize()] != MESSAGE || is_list(&line[word.end()..])
    })
}

/// Whether what follows a key is a list.
fn is_list(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    rest.strip_prefix(b":").is_some_and(|value| value.trim_ascii_start().starts_with(b"["))
}

fn may_be_of_product(line: &[u8], seen: Seen) -> bool {
    let names_device = seen.has(SIGN_IN_AT) || seen.has_any(FIRST_DEVICE..FIRST_PROGRAM);
    seen.has_any(FIRST_KEY..RESULT_AT)
        || seen.has(LAUREL_AT)
        || names_device
            && !(seen.has(SIGN_IN_AT) && entra::is_other_sign_in(line))
            && !defender::is_of_other_table(line)
        || seen.has(RESULT_AT) && osquery::may_matter(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_line(line: &str) -> MayBe {
        let mut told = None;
        lines(line.as_bytes(), &mut |_, may_be| told = Some(may_be));
        told.unwrap()
    }

    #[test]
    fn only_lines_that_can_matter_are_taken_apart() {
        for line in [
            r#"{"category":"AdvancedHunting-DeviceLogonEvents","properties":{"DeviceName":"a"}}"#,
            // Event Hubs put several records into one message.
            r#"{"records":[{"category" : "AdvancedHunting-DeviceEvents","properties":{"DeviceId":"b"}}, {"category":"AdvancedHunting-DeviceInfo","properties":{"DeviceName":"a"}}]}"#,
            // A row of a query, whatever its values say.
            r#"{"Timestamp":"x","DeviceName":"a","FileName":"AdvancedHunting-Other"}"#,
            r#"{"appDisplayName":"Windows Sign In","deviceDetail":{"deviceId":"x"}}"#,
            r#"{"records":[{"deviceDetail":{}},{"category":"Devices","properties":{}}]}"#,
            r#"{"unixTime":1,"columns":{"user":"ann","tty":"pts/0"}}"#,
            r#"{"unixTime":1,"columns":{"name":"Ubuntu","platform":"ubuntu","version":"22.04"}}"#,
            r#"{"footfall":"logon"}"#,
            r#"{"ID":"1.2:3","USER_LOGIN":{}}"#,
        ] {
            assert!(of_line(line).product, "{line}");
        }
        for line in [
            r#"{"category":"AdvancedHunting-DeviceProcessEvents","properties":{"DeviceName":"a"}}"#,
            r#"{"appDisplayName":"One Outlook Web","deviceDetail":{"deviceId":"x"}}"#,
            r#"{"unixTime":1,"columns":{"pid":"1","name":"init"}}"#,
            r#"{"class_uid":1007,"device":{"hostname":"a"},"Device":"a"}"#,
            r#"{"EventID":4688}"#,
        ] {
            assert!(!of_line(line).product, "{line}");
        }
    }

    /// The rule as it is said, of a line that is looked at by itself.
    fn must_be(line: &str) -> MayBe {
        let continues = |byte: u8| byte.is_ascii_digit() || byte == b'-';
        let bytes = line.as_bytes();
        let stands_alone = |at: usize| {
            let before = at.checked_sub(1).map(|at| bytes[at]);
            let after = bytes.get(at + 4).copied();
            before != Some(b'.') && !before.is_some_and(continues) && !after.is_some_and(continues)
        };
        let names_device = DEVICE.iter().any(|word| {
            let mut found = line.match_indices(word);
            found.any(|(at, _)| bytes.get(at + word.len()).is_some_and(u8::is_ascii_uppercase))
        });
        let has = |word: &&str| line.contains(*word);
        let is_other_sign_in = line.contains(SIGN_IN)
            && !["Windows Sign In", "\"records\"", "\"value\""].iter().any(has);
        MayBe {
            product: KEYS.iter().any(has)
                || has(&LAUREL)
                || names_device && !is_other_sign_in && !defender::is_of_other_table(bytes)
                || line.contains(RESULT) && osquery::may_matter(bytes),
            event: windows::EVENT_IDS.iter().any(|id| {
                (0..bytes.len())
                    .any(|at| bytes[at..].starts_with(id.as_bytes()) && stands_alone(at))
            }),
            carried: has(&AUDIT)
                || PROGRAMS.iter().any(has)
                    && (["Accepted ", "Failed ", "New session '", SESSION_START].iter().any(has)
                        || line
                            .match_indices("\"MESSAGE\"")
                            .any(|(at, word)| is_list(&bytes[at + word.len()..]))),
        }
    }

    /// A piece of a line: a word that decides, something like one, or a filler.
    fn piece() -> impl Strategy<Value = String> {
        let others = [
            "\"DeviceName\"",
            "\"deviceName\"",
            "\"device\"",
            "\"Device",
            "\"records\"",
            "\"value\"",
            "Windows Sign In",
            "\"category\":\"AdvancedHunting-DeviceInfo\"",
            "\"category\" : \"AdvancedHunting-DeviceEvents\"",
            "\"tty\"",
            "46",
            "24",
            ".",
            "-",
            "\"",
            "{",
            "}",
            " ",
            ",",
            "0",
            "\n",
            "\r\n",
        ];
        prop_oneof![
            prop::sample::select(&windows::EVENT_IDS[..]).prop_map(str::to_owned),
            prop::sample::select(&KEYS[..]).prop_map(str::to_owned),
            prop::sample::select(&[LAUREL, AUDIT, SESSION_START][..]).prop_map(str::to_owned),
            prop::sample::select(&PROGRAMS[..]).prop_map(str::to_owned),
            prop::sample::select(
                &["Accepted ", "Failed ", "New session '", "\"MESSAGE\"", " : [", ":["][..]
            )
            .prop_map(str::to_owned),
            prop::sample::select(&[RESULT, SIGN_IN][..]).prop_map(str::to_owned),
            prop::sample::select(others.to_vec()).prop_map(str::to_owned),
            "[a-zA-Z0-9\":, ]{0,50}",
        ]
    }

    proptest! {
        #[test]
        fn a_block_lets_each_line_through_that_the_rule_would(
            pieces in prop::collection::vec(piece(), 0..80),
        ) {
            let block = pieces.concat();
            let mut told = Vec::new();
            lines(block.as_bytes(), &mut |line, may_be| told.push((line, may_be)));
            let wanted: Vec<(&[u8], MayBe)> = block
                .split_terminator('\n')
                .map(|line| (line.as_bytes(), must_be(line)))
                .collect();
            prop_assert_eq!(told, wanted);
        }
    }
}
