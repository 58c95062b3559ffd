//! Whether a text is a log of lines, by its first ones; and if it is another's, whose.

use super::{Line, foreign, is_between};
use crate::Format;
use crate::syslog::{self, When};

/// Programs that write no number behind their name. Much text begins with a date and a word.
const NUMBERLESS: [&str; 4] = ["kernel", "sshd", "sudo", "systemd"];
/// Of so many lines nearly all have to have a tag where none is certain.
const NEARLY_ALL_PERCENT: usize = 90;
/// What programs other than syslog's daemons write in the host's place, behind a date.
const SEVERITIES: [&str; 12] = [
    "trace", "debug", "info", "notice", "warn", "warning", "error", "err", "fatal", "critical",
    "crit", "severe",
];

/// What a file is whose first bytes hold lines of a log; `None` when they do not.
pub(crate) fn format(head: &[u8]) -> Option<Format> {
    let mut found = None;
    let (mut lines, mut records, mut tagged) = (0, 0, 0);
    for line in whole_lines(head) {
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() || is_between(&text) {
            continue;
        }
        lines += 1;
        let certain = match Line::parse(&text) {
            Some(Line::Audit(..)) => Some(Format::Auditd),
            // Events behind a header have a reader of their own.
            Some(Line::Syslog(line)) if line.message.starts_with("<Event") => continue,
            Some(Line::Syslog(line)) => {
                let is_certain = !line.pid.is_empty() || NUMBERLESS.contains(&line.program);
                tagged += usize::from(is_certain || is_tagged(&line, &text));
                is_certain.then_some(Format::Syslog)
            }
            None => continue,
        };
        records += 1;
        found = found.or(certain);
    }
    // A text that quotes a line of a log is none.
    found.filter(|_| 2 * records >= lines).or_else(|| {
        let nearly_all = lines > 0 && 100 * tagged >= NEARLY_ALL_PERCENT * lines;
        nearly_all.then_some(Format::Syslog)
    })
}

/// What a text is of whose lines most are of a form that is not read; why, and what to do.
pub(crate) fn foreign_name(head: &[u8]) -> Option<&'static str> {
    let mut lines = 0;
    let mut first = None;
    let mut named = 0;
    for line in whole_lines(head) {
        let text = String::from_utf8_lossy(line);
        if text.trim().is_empty() || is_between(&text) && !foreign::is_header(&text) {
            continue;
        }
        lines += 1;
        let name = foreign::name(&text);
        named += usize::from(name.is_some());
        first = first.or(name);
    }
    first.filter(|_| 2 * named >= lines)
}

/// Whether a line is `DATE HOST TAG: ...`, as syslog's daemons write it and hardly anybody else.
fn is_tagged(line: &syslog::Line<'_>, text: &str) -> bool {
    let is_hosts = !line.host.is_empty()
        && !SEVERITIES.iter().any(|word| word.eq_ignore_ascii_case(line.host))
        && !line.host.contains(['[', '(', '=', '"', ',']);
    let is_stamp = match line.when {
        When::Yearless(_) => true,
        // Other programs' stamps have a blank for the `T`, or no zone.
        When::Full(inventory::time::Stamp::Utc(_)) => {
            let text = syslog::priority_cut(text.trim_start());
            text.as_bytes().get(10).is_none_or(|&byte| byte != b' ')
        }
        When::Full(inventory::time::Stamp::Local(_)) => false,
    };
    is_hosts && is_stamp && !line.program.is_empty() && line.json().is_none()
}

/// The lines of a file's first bytes, without the last, which may go on, unless it is alone.
fn whole_lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = memchr::memrchr(b'\n', head).unwrap_or(head.len());
    head[..end].split(|&byte| byte == b'\n')
}
