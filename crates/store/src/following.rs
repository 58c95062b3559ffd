//! What is kept of files and journals that are followed.

use inventory::time::Timestamp;

/// How far something that is followed was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The path under which it was found first, or a journal's name.
    pub source: String,
    /// The file's device, as the system numbers it; 0 where it does not.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Bytes of it that are done with.
    pub position: u64,
    /// When it was written, in nanoseconds since 1970, of one that is read anew when it changed.
    pub modified: i64,
    /// How many of its first bytes `head` stands for.
    pub head_length: u32,
    /// A hash of its first bytes.
    pub head: Vec<u8>,
    /// A hash of the last bytes before the position.
    pub tail: Vec<u8>,
    /// Where the journal goes on.
    pub cursor: String,
    /// When this was kept.
    pub at: Timestamp,
}
