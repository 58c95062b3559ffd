//! The names of users whose number is all that a log has, from the lines of `getent passwd`.

use std::collections::HashMap;

/// Names by user number.
#[derive(Clone, Debug, Default)]
pub struct Passwd {
    names: HashMap<u32, String>,
}

impl Passwd {
    /// Reads the lines of a passwd file. Of several names of one number the first holds, as
    /// getpwuid(3) has it; lines that are no entry are passed over.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut users = Self::default();
        for line in text.lines() {
            let mut fields = line.split(':');
            let (name, uid) = (fields.next().unwrap_or_default().trim(), fields.nth(1));
            if let (false, Some(Ok(uid))) = (name.is_empty(), uid.map(str::parse)) {
                users.names.entry(uid).or_insert_with(|| name.to_owned());
            }
        }
        users
    }

    /// The name of a number.
    pub fn name(&self, uid: u32) -> Option<&str> {
        self.names.get(&uid).map(String::as_str)
    }

    /// The names that begin so.
    pub(crate) fn beginning_with<'a>(&'a self, start: &'a str) -> impl Iterator<Item = &'a str> {
        self.names.values().map(String::as_str).filter(move |name| name.starts_with(start))
    }

    /// Whether no name is known.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_other_lines_are_not() {
        let users = Passwd::parse(
            b"root:x:0:0:r:/root:/bin/sh\r\n# 1\nann:x:1001:\ntoor:x:0:0\n+::::\nx:y:z\n",
        );
        assert_eq!(users.name(0), Some("root"));
        assert_eq!(users.name(1001), Some("ann"));
        assert_eq!(users.name(1), None);
    }
}
