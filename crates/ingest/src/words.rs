//! Whether bytes hold one of some words, looked for all at once.

use aho_corasick::{AhoCorasick, Match, packed};

/// Some words.
pub(crate) struct Words {
    /// By vector instructions, where the processor has them: several times as fast.
    packed: Option<packed::Searcher>,
    /// Without, and `None` for words that no searcher can be made of, which so few and short are not.
    automaton: Option<AhoCorasick>,
}

impl Words {
    pub(crate) fn new(words: &[&str]) -> Self {
        Self { packed: packed::Searcher::new(words), automaton: AhoCorasick::new(words).ok() }
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
}

#[cfg(test)]
mod tests {
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
}
