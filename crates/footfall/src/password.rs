//! A new password, from wherever the person wants it: standard input, the terminal, or made here.

use std::io::{IsTerminal, Read};

use anyhow::Context;
use console::Term;

use crate::cli::PasswordSource;
use crate::output::Hinted;

/// Bytes that are read of standard input at most.
const MAX_INPUT_BYTES: u64 = 4096;

/// A password that is to be set.
pub(crate) struct NewPassword {
    pub(crate) text: String,
    /// Nobody knows it yet, so it must be shown.
    pub(crate) is_generated: bool,
}

/// Gets a password from where the flags say.
pub(crate) fn obtain(source: PasswordSource) -> anyhow::Result<NewPassword> {
    let known = |text| NewPassword { text, is_generated: false };
    if source.generate_password {
        let text = server::administration::generated_password()?;
        return Ok(NewPassword { text, is_generated: true });
    }
    if source.password_stdin {
        return from_stdin().map(known);
    }
    let terminal = Term::stderr();
    if !terminal.is_term() || !std::io::stdin().is_terminal() {
        return Err(Hinted::error(
            "there is no terminal to ask for a password on".to_owned(),
            "--password-stdin reads it from standard input, --generate-password makes one",
        ));
    }
    ask(&terminal).map(known)
}

fn from_stdin() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let mut stdin = std::io::stdin().lock().take(MAX_INPUT_BYTES + 1);
    stdin.read_to_end(&mut bytes).context("cannot read the password from standard input")?;
    first_line(bytes)
}

/// The first line; a line break at its end is no part of a password.
fn first_line(mut bytes: Vec<u8>) -> anyhow::Result<String> {
    if let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
        bytes.truncate(end);
        bytes.pop_if(|last| *last == b'\r');
    }
    if bytes.len() as u64 > MAX_INPUT_BYTES {
        anyhow::bail!("the password has more than {MAX_INPUT_BYTES} bytes");
    }
    // The error of the conversion would show the bytes.
    String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("the password is no text in UTF-8"))
}

fn ask(terminal: &Term) -> anyhow::Result<String> {
    let read = |question: &str| {
        terminal.write_str(question)?;
        terminal.read_secure_line()
    };
    let cannot = "cannot read the password from the terminal";
    let first = read("New password: ").context(cannot)?;
    let second = read("Once more: ").context(cannot)?;
    anyhow::ensure!(first == second, "the two passwords are not the same; nothing was changed");
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_ends_with_its_line() {
        let line = |text: &str| first_line(text.as_bytes().to_vec()).unwrap();
        assert_eq!(line("nine lives"), "nine lives");
        assert_eq!(line(" nine lives \r\nrest"), " nine lives ");
        assert_eq!(line("nine\r"), "nine\r");
        assert_eq!(line(""), "");
        let error = first_line(vec![0x73, 0xff]).unwrap_err();
        assert!(!format!("{error:#?}").contains('s') || !format!("{error:?}").contains("255"));
        assert!(first_line(vec![b'x'; 5000]).is_err());
    }
}
