//! `footfall keys`.

use clap::Subcommand;

use crate::moment::seconds;

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// List the keys: their ids, and until when they hold
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Sign with a new key from now on
    #[command(after_help = "Examples:
  footfall keys rotate                  # tokens of the old key hold until they expire
  footfall keys rotate --overlap 0s     # the key may be known to others: every token ends now")]
    Rotate {
        /// How long tokens that an older key signed are still believed
        #[arg(long, value_name = "TIME", value_parser = seconds, default_value = "2h")]
        overlap: u32,
    },
}
