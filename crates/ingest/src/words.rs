//! Which of some words bytes hold, looked for all at once.

use aho_corasick::{AhoCorasick, Match, MatchKind, packed};
use memchr::memchr_iter;

/// Some words, no more than [`Seen`] can tell of. Where one begins another, the first of them is found.
pub(crate) struct Words {
    /// By vector instructions, where the processor has them: several times as fast.
    packed: Option<packed::Searcher>,
    /// Without, and `None` for words that no searcher can be made of, which so few and short are not.
    automaton: Option<AhoCorasick>,
}

/// Which words a line holds, by their places among the words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen(u32);

impl Seen {
    pub(crate) fn has(self, word: usize) -> bool {
        self.0 & (1 << word) != 0
    }

    pub(crate) fn has_any(self, words: std::ops::Range<usize>) -> bool {
        words.into_iter().any(|word| self.has(word))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Words {
    pub(crate) fn new(words: &[&str]) -> Self {
        debug_assert!(words.len() <= u32::BITS as usize);
        let packed = packed::Searcher::new(words);
        let automaton = match packed {
            Some(_) => None,
            None => AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(words).ok(),
        };
        Self { packed, automaton }
    }

    /// Whether one is found for which `holds`, given which it is and where; `true` where they cannot be
    /// looked for.
    pub(crate) fn any(&self, bytes: &[u8], holds: impl FnMut(Match) -> bool) -> bool {
        match (&self.packed, &self.automaton) {
            (Some(searcher), _) => searcher.find_iter(bytes).any(holds),
            (None, Some(searcher)) => searcher.find_iter(bytes).any(holds),
            (None, None) => true,
        }
    }

    /// Gives every line of a block to `each`, with the words in it for which `holds`: all of them where
    /// they cannot be looked for.
    ///
    /// The block is looked through once, which costs less than to begin anew with each line. No word
    /// has a newline in it, so that none is of two lines.
    pub(crate) fn lines<'b>(
        &self,
        block: &'b [u8],
        holds: impl Fn(Match) -> bool,
        each: &mut dyn FnMut(&'b [u8], Seen),
    ) {
        let mut ends = memchr_iter(b'\n', block).chain([block.len()]);
        let mut start = 0;
        let mut end = ends.next().unwrap_or_default();
        let mut seen = Seen::default();
        let is_unknown = self.any(block, |word| {
            while end < word.start() {
                each(&block[start..end], std::mem::take(&mut seen));
                start = end + 1;
                end = ends.next().unwrap_or(block.len());
            }
            let place = word.pattern().as_usize();
            if !seen.has(place) && holds(word) {
                seen.0 |= 1 << place;
            }
            false
        });
        let rest = if is_unknown { Seen(u32::MAX) } else { Seen::default() };
        seen.0 |= rest.0;
        // A block may end with or without a newline: behind its last one is no line.
        while start < block.len() {
            each(&block[start..end], std::mem::replace(&mut seen, rest));
            start = end + 1;
            end = ends.next().unwrap_or(block.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_found_wherever_they_stand() {
        let words = Words::new(&["Accepted ", "sshd", "4624"]);
        let found = |text: &str| {
            let mut all = Vec::new();
            words.any(text.as_bytes(), |word| {
                all.push((word.pattern().as_usize(), word.start()));
                false
            });
            all
        };
        assert_eq!(found(""), []);
        assert_eq!(found("sshd"), [(1, 0)]);
        let long = "x".repeat(100);
        assert_eq!(found(&format!("4624{long}sshd{long}Accepted ")), [(2, 0), (1, 104), (0, 208)]);
    }

    /// One begins another, and the longer one comes first.
    const SOME: [&str; 4] = ["4624", "\"deviceDetail\"", "\"device", "3002"];

    /// By vector instructions, without, and by words that cannot be looked for.
    fn searchers() -> [Words; 3] {
        let builder = || AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(SOME);
        [
            Words::new(&SOME),
            Words { packed: None, automaton: builder().ok() },
            Words { packed: None, automaton: None },
        ]
    }

    fn lines_of(words: &Words, block: &[u8]) -> Vec<(Vec<u8>, Seen)> {
        let mut lines = Vec::new();
        words.lines(block, |_| true, &mut |line, seen| lines.push((line.to_vec(), seen)));
        lines
    }

    proptest! {
        #[test]
        fn a_block_tells_of_each_line_what_the_line_alone_would(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(&SOME[..]).prop_map(str::to_owned),
                    Just("\n".to_owned()),
                    "[a-z0-9\"]{0,40}",
                ],
                0..60,
            ),
        ) {
            let block = pieces.concat();
            let lines: Vec<&str> = block.split_terminator('\n').collect();
            let [packed, automaton, none] = searchers();
            for words in [&packed, &automaton] {
                let told = lines_of(words, block.as_bytes());
                prop_assert_eq!(told.len(), lines.len());
                for (line, (bytes, seen)) in lines.iter().zip(told) {
                    prop_assert_eq!(line.as_bytes(), &*bytes);
                    prop_assert_eq!(seen.has(0), line.contains(SOME[0]));
                    prop_assert_eq!(seen.has(1), line.contains(SOME[1]));
                    prop_assert_eq!(seen.has(2), line.replace(SOME[1], "").contains(SOME[2]));
                    prop_assert_eq!(seen.has(3), line.contains(SOME[3]));
                    prop_assert_eq!(seen.has_any(1..3), seen.has(1) || seen.has(2));
                }
            }
            for (line, (bytes, seen)) in lines.iter().zip(lines_of(&none, block.as_bytes())) {
                prop_assert_eq!(line.as_bytes(), &*bytes);
                prop_assert!((0..SOME.len()).all(|word| seen.has(word)));
            }
        }
    }
}
