//! What collectors of lines put before them: relays, container runtimes, supervisors, Loki.
//!
//! What stands behind is the sender's own line when its whole header is there: a stamp and a tag.
//! Nothing is looked for any further in, so that nobody's words in a message become a header.

use super::stamp::{self, Stamped};
use super::{Line, header, level, tagged, word};

/// Longer than the names of containers and pods.
const MAX_NAME_BYTES: usize = 320;

/// A line that has a stamp, and behind it neither host and tag nor a tag alone. `text` is all that
/// follows the stamp.
pub(super) fn behind_stamp<'a>(
    stamped: &Stamped<'a>,
    text: &'a str,
    depth: usize,
) -> Option<Line<'a>> {
    let (first, after_first) = word(text);
    let (second, after_second) = word(after_first);
    if let Some(line) = containers_cut(text).or_else(|| labels_cut(text)) {
        return whole(stamped, "", line, depth);
    }
    // socklog's, which names where a line came from, and its level like a program.
    if let Some(from) = first.strip_suffix(':') {
        return match (level::is(from), second.strip_suffix(':')) {
            (true, _) => whole(stamped, "", after_first, depth),
            (false, Some(tag)) if level::is(tag) => whole(stamped, from, after_second, depth),
            _ => None,
        };
    }
    let (host, rest) = match level::is(first) {
        true => (second, after_second),
        false => (first, after_first),
    };
    if let Some((address, rest)) = origin_cut(rest).or_else(|| origin_cut(text)) {
        return whole(stamped, address, rest, depth);
    }
    if stamp::read(priority(text)).is_some() {
        return within(stamped, text, depth);
    }
    within(stamped, rest, depth).filter(|_| !host.is_empty())
}

/// A line that has no stamp at its front.
pub(super) fn before_stamp(text: &str, depth: usize) -> Option<Line<'_>> {
    let depth = depth.checked_sub(1)?;
    let (name, rest) = origin_cut(text).or_else(|| container_cut(text).map(|rest| ("", rest)))?;
    let line = header(rest.trim_start(), depth).filter(|line| !line.program.is_empty())?;
    Some(if line.host.is_empty() { Line { host: name, ..line } } else { line })
}

/// The sender's own line, behind a header of a relay.
pub(super) fn within<'a>(outer: &Stamped<'a>, text: &'a str, depth: usize) -> Option<Line<'a>> {
    let line = header(text.trim_start(), depth.checked_sub(1)?)?;
    (!line.program.is_empty()).then(|| Line { when: line.when.near(outer.when), ..line })
}

/// The same, or a line without a stamp of its own. It came from `host`, where that is known.
fn whole<'a>(outer: &Stamped<'a>, host: &'a str, text: &'a str, depth: usize) -> Option<Line<'a>> {
    let text = text.trim_start();
    if let Some(line) = within(outer, text, depth) {
        return Some(if line.host.is_empty() { Line { host, ..line } } else { line });
    }
    let (tag, message) = word(text);
    tagged(outer, host, tag, message).filter(|line| !level::is(line.program))
}

/// `Original Address=192.0.2.9 `, which Kiwi Syslog Server puts behind the priority or behind its
/// header: the address that it had a line from.
fn origin_cut(text: &str) -> Option<(&str, &str)> {
    const TAG: &str = "original address=";
    let tag = text.get(..TAG.len()).filter(|tag| tag.eq_ignore_ascii_case(TAG))?;
    let (address, rest) = word(&text[tag.len()..]);
    address.parse::<std::net::IpAddr>().is_ok().then_some((address, rest))
}

/// `web-1  | LINE` of docker compose, and `[pod/NAME/CONTAINER] LINE` of `kubectl logs --prefix`.
fn container_cut(text: &str) -> Option<&str> {
    let mut end = text.len().min(MAX_NAME_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let front = &text[..end];
    if front.starts_with("[pod/") {
        return front.find("] ").map(|at| &text[at + 2..]);
    }
    let at = front.find(" | ")?;
    let name = front[..at].trim_end();
    (!name.is_empty() && !name.contains(' ')).then(|| &text[at + 3..])
}

/// What follows `stdout F ` in the files of containerd and CRI-O: the stream, and whether it is a full
/// line or part of one (<https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md>).
pub(super) fn containers_cut(text: &str) -> Option<&str> {
    let (stream, rest) = word(text);
    let (tag, line) = word(rest);
    (matches!(stream, "stdout" | "stderr") && matches!(tag, "F" | "P")).then_some(line)
}

/// What follows `{name="value", ...} ` in logcli's output, Loki's labels of a line.
pub(super) fn labels_cut(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('{')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some(rest);
    }
    let name = rest.bytes().take_while(|it| it.is_ascii_alphanumeric() || *it == b'_').count();
    if name == 0 || !rest[name..].starts_with("=\"") {
        return None;
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return Some(&rest[at + 1..]),
            _ => {}
        }
    }
    None
}

fn priority(text: &str) -> &str {
    super::priority_cut(text.trim_start())
}
