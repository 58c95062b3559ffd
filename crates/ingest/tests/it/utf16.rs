//! Text in UTF-16: whatever is read in UTF-8 is read in it.

use samples::{Fleet, Shape};

use crate::support::{gzip, options, read_bytes, read_bytes_with};

fn encoded(text: &str, mark: &str, is_little: bool) -> Vec<u8> {
    let bytes = |unit: u16| if is_little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    mark.encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
}

#[test]
fn every_format_of_text_is_read_in_utf16() {
    let options = ingest::Options { device: Some("d".to_owned()), year: Some(2026), ..options() };
    for shape in Shape::ALL {
        let mut bytes = Vec::new();
        shape.write(&mut Fleet::new(7), 200_000, &mut bytes).unwrap();
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        let expected = read_bytes_with(&bytes, &options);
        assert!(!expected.logons.is_empty(), "{}", shape.name());
        for (mark, is_little) in [("\u{feff}", true), ("\u{feff}", false), ("", true), ("", false)]
        {
            let wide = encoded(text, mark, is_little);
            let read = read_bytes_with(&wide, &options);
            assert_eq!(read.tally(), expected.tally(), "{} {mark:?} {is_little}", shape.name());
            assert_eq!(read.skipped, expected.skipped, "{}", shape.name());
            let read = read_bytes_with(&gzip(&wide), &options);
            assert_eq!(read.tally(), expected.tally(), "{}", shape.name());
        }
    }
}

#[test]
fn lines_keep_their_numbers_and_half_a_pair_costs_itself_alone() {
    let line = |user: &str| {
        format!(
            "{{\"EventTime\":\"2026-03-01T10:00:00Z\",\"Hostname\":\"h\",\"EventID\":4624,\
             \"Channel\":\"Security\",\"TargetUserName\":\"{user}\",\"LogonType\":2}}\r\n"
        )
    };
    let text = [line("J\u{fc}rgen"), "{\"broken\r\n".to_owned(), line("x?y")].concat();
    let mut wide = encoded(&text, "\u{feff}", true);
    let at = wide.windows(2).rposition(|pair| pair == b"?\0").unwrap();
    wide[at..at + 2].copy_from_slice(&0xd83d_u16.to_le_bytes());
    let read = read_bytes(&wide);
    assert_eq!(read.users(), ["j\u{fc}rgen", "x\u{fffd}y"]);
    let positions: Vec<_> = read.rejects.iter().map(|it| it.position.to_string()).collect();
    assert_eq!(positions, ["line 2"]);
}

#[test]
fn other_wide_text_is_refused_by_its_name() {
    let wide: Vec<u8> =
        "\u{feff}{\"a\":1}".chars().flat_map(|char| u32::from(char).to_le_bytes()).collect();
    assert!(read_bytes(&wide).skipped[0].reason.contains("UTF-32"));
    // A decoded text is not decoded again.
    let twice = encoded(&"a\0b\0c\0d\0e\0f\0g\0h\0i\0".repeat(9), "\u{feff}", true);
    assert!(read_bytes(&twice).skipped[0].reason.contains("not a known format"));
}
