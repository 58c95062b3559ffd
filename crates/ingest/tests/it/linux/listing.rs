//! What `last`, `lastb` and `utmpdump` print. The texts are util-linux 2.38's of a made wtmp.

use ingest::{Format, Options};
use inventory::logon::{EventKey, Source};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{on, rejects, told};
use crate::support::{read_bytes_with, read_file_with, write};

const LAST: &str = "\
cy       pts/3        tmux(296574).%12 Mon Mar  2 13:00   still logged in
bob      pts/2        192.0.2.8 via mo Sun Mar  1 12:02   gone - no logout
bob      pts/1        bastion.corp.exa Sun Mar  1 12:02 - 13:01  (00:59)
lena     pts/0        2001:db8:1:2:3:4 Sun Mar  1 12:01 - crash (1+03:45)
olga              :0               Sun Mar  1 12:01 - down  (1+03:45)
olga                                   Sun Mar  1 12:01 - down  (1+03:45)
(unknown :0           :0               Sun Mar  1 12:01 - down  (1+03:45)
ann      tty1                          Sun Mar  1 12:01 - down  (1+03:45)
reboot   system boot  6.1.0-18-amd64   Sun Mar  1 12:00 - 15:46 (1+03:46)

wtmp begins Sun Mar  1 12:00:00 2026
";

const LAST_F: &str = "\
shutdown system down  6.1.0-18-amd64   Mon Mar  2 15:46:40 2026 - Thu Jan  1 00:00:00 1970 (-20514+15:46)
ruth     pts/1        192.0.2.7        Sun Mar  1 12:02:10 2026 - Sun Mar  1 13:01:40 2026  (00:59)
date     |                             Mon Mar  2 14:58:29 2026   gone - no logout
shutdown runlevel 0                    Mon Mar  2 14:58:29 2026   gone - no logout
runlevel (to lvl 5)   6.1.0-18-amd64   Sun Mar  1 12:00:05 2026 - Mon Mar  2 15:46:40 2026 (1+03:46)
ruth     tty2                          Sun Mar  1 12:01:02 2026 - down                     (1+03:45)

wtmp begins Sun Mar  1 12:00:00 2026
";

const LAST_ISO_A: &str = "\
lena.ortiz-mueller pts/0        2026-03-01T14:01:40+02:00 - down                     (1+03:45)    2001:db8:1:2:3:4:5:6
ruth     pts/1        2026-03-01T14:02:10+02:00 - 2026-03-01T15:01:40+02:00  (00:59)     192.0.2.7
olga.beer              2026-03-01T14:01:11+02:00 - down                     (1+03:45)    :0
runlevel (to lvl \\322)   2026-03-01T14:00:05+02:00 - 2026-03-02T15:46:40+00:00 (-20514+15:4 6.1.0-18-amd64

wtmp begins 2026-03-01T14:00:00+02:00
";

const DUMP: &str = "\
Utmp dump of wtmp
[2] [00000] [~~  ] [reboot  ] [~           ] [6.1.0-18-amd64      ] [0.0.0.0        ] [2026-03-01T12:00:00,000000+00:00]
[7] [01234] [ts/1] [ruth    ] [pts/1       ] [192.0.2.7           ] [192.0.2.7      ] [2026-03-01T12:02:10,250000+00:00]
[7] [01234] [    ] [olga.beer] [            ] [:0                  ] [0.0.0.0        ] [2026-03-01T12:01:11,000000+00:00]
[7] [01234] [    ] [lena.ortiz-mueller] [:0          ] [:0                  ] [0.0.0.0        ] [2026-03-01T12:01:11,000000+00:00]
[8] [01234] [ts/1] [        ] [pts/1       ] [                    ] [0.0.0.0        ] [2026-03-01T13:01:40,000000+00:00]
";

#[test]
fn what_last_prints_is_read() {
    let read = read_bytes_with(LAST.as_bytes(), &on("web-1"));
    // Of addresses that are cut nothing is known; what a blank ends is whole.
    let expected =
        ["ann@web-1 2", "lena@web-1 10", "bob@web-1 10", "bob@web-1 10 192.0.2.8", "cy@web-1 2"];
    assert_eq!(told(&read), expected);
    assert_eq!(read.times()[0], "2026-03-01T12:01:00Z");
    let tally = read.tally();
    assert_eq!((tally.records, tally.noise, tally.failures, tally.rejects), (9, 1, 2, 0));
    assert_eq!((read.files[0].format, read.logons[0].source), (Format::Utmp, Source::Utmp));
    assert!(read.warnings[0].contains("--timezone"), "{:?}", read.warnings);
}

#[test]
fn a_logon_with_its_second_is_the_same_in_text_and_in_the_file() {
    let utc = Options { timezone: Some(TimeZone::UTC), ..on("web-1") };
    for text in [LAST_F, LAST_ISO_A, DUMP] {
        let read = read_bytes_with(text.as_bytes(), &utc);
        assert_eq!(read.rejects, [], "{text}");
        let ruth =
            read.logons.iter().find(|logon| logon.remote_address == "192.0.2.7".parse().ok());
        let ruth = ruth.expect(text);
        assert_eq!(ruth.time.seconds(), 1_772_366_530);
        // The first eight bytes of `printf 'utmp\0pts/1\000192.0.2.7\0' | sha256sum`, with the top bit set.
        assert_eq!(ruth.key, EventKey { session: PTS_1, record: None });
    }
    let read = read_bytes_with(LAST_F.as_bytes(), &utc);
    assert_eq!((read.users(), read.warnings.len()), (vec!["ruth", "ruth"], 0));
    let read = read_bytes_with(LAST_ISO_A.as_bytes(), &on("web-1"));
    assert_eq!(
        told(&read),
        ["ruth@web-1 10 192.0.2.7", "lena.ortiz-mueller@web-1 10 2001:db8:1:2:3:4:5:6"]
    );
    assert_eq!((read.tally().failures, read.warnings), (1, Vec::new()));
    let read = read_bytes_with(DUMP.as_bytes(), &on("web-1"));
    assert_eq!(told(&read), ["ruth@web-1 10 192.0.2.7", "lena.ortiz-mueller@web-1 2"]);
    assert_eq!((read.tally().records, read.tally().failures), (5, 1));
}

const PTS_1: u64 = 0xbcbc_d838_e118_b42e;

#[test]
fn the_last_line_and_the_weekdays_tell_the_year() {
    let text = "\
ann      tty1                          Sun Mar  1 12:01   still logged in
ann      tty1                          Wed Dec 31 23:59 - 00:10  (00:11)
ann      tty1                          Thu Feb 29 08:00 - 08:10  (00:10)
";
    let times = ["2024-02-29T08:00:00Z", "2025-12-31T23:59:00Z", "2026-03-01T12:01:00Z"];
    let crlf = format!("\u{feff}{}", LAST_F.replace('\n', "\r\n"));
    assert_eq!(read_bytes_with(crlf.as_bytes(), &on("web-1")).users(), ["ruth", "ruth"]);
    let with_end = format!("{text}\nwtmp begins Thu Feb 29 07:59:00 2024\n");
    assert_eq!(read_bytes_with(with_end.as_bytes(), &on("web-1")).times(), times);
    let named = format!("{text}\nwtmp.1 beginnt Thu Feb 29 07:59:00 2024\n");
    assert_eq!(read_bytes_with(named.as_bytes(), &on("web-1")).times(), times);
    // Without it a person says the year of the first line, or the file's date does.
    let mut down = times;
    down.reverse();
    let of_year = Options { year: Some(2026), ..on("web-1") };
    assert_eq!(read_bytes_with(text.as_bytes(), &of_year).times(), down);
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "last.txt", text.as_bytes());
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_772_500_000);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    let read = read_file_with(&path, &on("web-1"));
    assert_eq!(read.times(), down);
    assert!(read.warnings.iter().any(|text| text.contains("--year")), "{:?}", read.warnings);
    let read = read_bytes_with(text.as_bytes(), &on("web-1"));
    assert_eq!((read.logons.len(), read.tally().rejects), (0, 3));
    assert!(rejects(&read)[0].contains("--year"), "{:?}", rejects(&read));
    // Two listings behind one another.
    let both = format!("{with_end}{}", with_end.replace("ann ", "ben "));
    assert_eq!(read_bytes_with(both.as_bytes(), &on("web-1")).logons.len(), 6);
}

#[test]
fn what_lastb_prints_are_failures() {
    let rows = "\
root     ssh:notty    192.0.2.7        Sun Mar  1 12:02 - 12:02  (00:00)
         ssh:notty    192.0.2.7        Sun Mar  1 12:01 - 12:01  (00:00)
";
    let of_console = "olga     tty1                          Sun Mar  1 12:02 - 12:02  (00:00)\n";
    for (text, failures) in [
        (rows.to_owned(), 2),
        (format!("{rows}{of_console}"), 3),
        (format!("{of_console}\nbtmp begins Sun Mar  1 12:01:00 2026\n"), 1),
        (format!("{of_console}\nbtmp-20260301 begins 2026-03-01T12:01:00+00:00\n"), 1),
        (
            "[6] [00077] [    ] [root    ] [ssh:notty   ] [192.0.2.7           ] [192.0.2.7      ] \
             [2026-03-01T12:02:10,000000+00:00]\n"
                .to_owned(),
            1,
        ),
    ] {
        let read = read_bytes_with(text.as_bytes(), &on("web-1"));
        assert_eq!((read.logons.len(), read.tally().failures), (0, failures), "{text}");
    }
    let copy = format!("{of_console}\ncopy begins Sun Mar  1 12:01:00 2026\n");
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "web-1.lastb.txt", copy.as_bytes());
    assert_eq!(read_file_with(&path, &on("web-1")).tally().failures, 1);
}

#[test]
fn a_name_that_the_column_cut_is_the_one_that_is_known() {
    let text = "\
olga.bee tty1                          Sun Mar  1 12:01:00 2026   still logged in

wtmp begins Sun Mar  1 12:00:00 2026
";
    let read = read_bytes_with(text.as_bytes(), &on("web-1"));
    assert_eq!(read.users(), ["olga.bee"]);
    assert!(read.warnings.iter().any(|text| text.contains("last -w")), "{:?}", read.warnings);
    let knowing = |passwd: &[u8]| {
        let users = ingest::passwd::Passwd::parse(passwd);
        read_bytes_with(text.as_bytes(), &Options { users, ..on("web-1") })
    };
    assert_eq!(knowing(b"olga.beer:x:1000:1000::/:/bin/sh\n").users(), ["olga.beer"]);
    let two = knowing(b"olga.beer:x:1000:1000::/:/bin/sh\nolga.beer2:x:1001:1001::/:/bin/sh\n");
    assert_eq!((two.logons.len(), two.tally().rejects), (0, 1));
    let wide = format!(
        "konstantin pts/0        192.0.2.7        Sun Mar  1 12:02:00 2026 - down   (00:01)\n{text}"
    );
    let read = read_bytes_with(wide.as_bytes(), &on("web-1"));
    assert_eq!(read.users(), ["olga.bee", "konstantin"]);
    assert!(!read.warnings.iter().any(|text| text.contains("last -w")), "{:?}", read.warnings);
}

#[test]
fn last_of_macos_and_freebsd_has_other_columns() {
    let macos = "\
rosa       console                         Mon Mar  2 08:15   still logged in
sven       ttys001   198.51.100.11         Mon Mar  2 09:15 - 09:20  (00:05)
_mbsetupuser  console                      Mon Mar  2 08:12 - 08:14  (00:02)
reboot     ~                               Mon Mar  2 08:05
shutdown   ~                               Mon Mar  2 08:00

wtmp begins Mon Mar  2 08:00
";
    let read = read_bytes_with(macos.as_bytes(), &Options { year: Some(2026), ..on("mac-1") });
    assert_eq!(told(&read), ["rosa@mac-1 2", "sven@mac-1 10 198.51.100.11"]);
    assert_eq!((read.tally().records, read.tally().noise), (5, 1));
    let freebsd = "\
ruth       pts/0    192.0.2.7              Sun Mar  1 12:01 - 12:03  (00:02)
boot time                                  Sun Mar  1 12:00
shutdown time                              Sun Mar  1 11:59

utx.log begins Sun Mar  1 11:50:00 UTC 2026
";
    let read = read_bytes_with(freebsd.as_bytes(), &Options { year: Some(2026), ..on("bsd-1") });
    assert_eq!(told(&read), ["ruth@bsd-1 10 192.0.2.7"]);
    assert_eq!(read.tally().records, 3);
}

#[test]
fn dates_of_older_utmpdump_name_their_zone() {
    let row = |date: &str| {
        format!(
            "[7] [20500] [ts/0] [root    ] [pts/0       ] [192.0.2.7           ] [192.0.2.7      ] [{date}]\n"
        )
    };
    for (date, expected) in [
        ("Sat Nov 10 20:22:14 2018 +07", "2018-11-10T13:22:14Z"),
        ("Sat Nov 10 20:22:14 2018 CET", "2018-11-10T19:22:14Z"),
        ("Sat Nov 10 20:22:14 2018 UTC", "2018-11-10T20:22:14Z"),
        ("2018-11-10T20:22:14,804944+0000", "2018-11-10T20:22:14.804944Z"),
    ] {
        let read = read_bytes_with(row(date).as_bytes(), &on("web-1"));
        assert_eq!(read.times(), [expected], "{date} {:?}", read.rejects);
    }
    let ambiguous = row("Sat Nov 10 20:22:14 2018 CST");
    let read = read_bytes_with(ambiguous.as_bytes(), &on("web-1"));
    assert!(rejects(&read)[0].contains("--timezone"), "{:?}", rejects(&read));
    let timezone = TimeZone::get("Asia/Shanghai").ok();
    let read = read_bytes_with(ambiguous.as_bytes(), &Options { timezone, ..on("web-1") });
    assert_eq!(read.times(), ["2018-11-10T12:22:14Z"]);
}

#[test]
fn text_that_only_quotes_a_listing_is_none() {
    for text in [
        "We ran last today:\nann      tty1                          Sun Mar  1 12:01   still logged in\n",
        "it begins\n",
        "ann tty1 Sun Mar 1 12:01 and so on\n",
        "[7] [once] [upon] [a] [time] [there] [was] [2026-03-01T12:00:00+00:00]\n",
        "Utmp dump of nothing\n",
    ] {
        let read = read_bytes_with(text.as_bytes(), &on("web-1"));
        assert_eq!((read.files, read.skipped.len()), (Vec::new(), 1), "{text}");
    }
    let late = format!("{LAST_F}{}no line of it\n", LAST_F.repeat(30));
    let read = read_bytes_with(late.as_bytes(), &on("web-1"));
    assert_eq!((read.logons.len(), read.tally().rejects), (62, 1));
    assert_eq!(rejects(&read), ["line 249: not a line of `last`"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_panics(
        flips in prop::collection::vec((0usize..900, any::<char>()), 0..20),
        length in 0usize..900,
    ) {
        for text in [LAST, LAST_F, LAST_ISO_A, DUMP] {
            let mut chars: Vec<char> = text.chars().collect();
            for &(at, char) in &flips {
                if let Some(place) = chars.get_mut(at) {
                    *place = char;
                }
            }
            let text: String = chars.into_iter().take(length).collect();
            let read = read_bytes_with(text.as_bytes(), &on("web-1"));
            prop_assert!(!read.rejects.iter().any(|reject| reject.reason.contains("defect")));
        }
    }
}
