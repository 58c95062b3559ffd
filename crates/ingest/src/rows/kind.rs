//! What a table is, by the names of its columns.

use super::head::Head;
use super::viewed::Viewed;
use crate::{Format, defender, native, textlog};

/// The kinds of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Our own.
    Own,
    /// Hunting results of Defender.
    Defender,
    /// Sign-ins of Entra in a Log Analytics workspace.
    SignIns,
    /// Events of Windows whose columns are their fields, of this format.
    Events(Format),
    /// What the Event Viewer saves: its five columns, and the message behind them without a name.
    EventViewer,
    /// Any other table with a column of whole records or lines of logs; its rows tell what it is.
    Texts,
}

/// The columns that hold whole records or lines.
const TEXTS: [&str; 12] = [
    "_raw",
    "raw",
    "rawxml",
    "rawevent",
    "syslogmessage",
    "message",
    "msg",
    "log",
    "line",
    "fullmessage",
    "eventoriginal",
    "xml",
];

impl Kind {
    /// What a table is; `None` when its columns are of nothing that is read.
    pub(super) fn of(head: &Head) -> Option<Self> {
        if head.names.len() < 2 {
            return head.names.first().filter(|name| *name == "_raw").map(|_| Kind::Texts);
        }
        let names: Vec<&str> = head.names.iter().map(|name| unmarked(name)).collect();
        let plain: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let has = |wanted: &str| names.contains(&wanted);
        let has_plain = |wanted: &str| plain.iter().any(|name| name == wanted);
        if native::is_table(&names) {
            return Some(Kind::Own);
        }
        if defender::is_table(&names) {
            return Some(Kind::Defender);
        }
        if has("DeviceDetail") && (has("UserPrincipalName") || has("AppDisplayName")) {
            return Some(Kind::SignIns);
        }
        if is_of_event_viewer(head) {
            return Some(Kind::EventViewer);
        }
        let is_of_sentinel = has("TimeGenerated") || has("TenantId") && has("SourceSystem");
        if is_of_sentinel && (has("Computer") || has("EventID")) && !has("SyslogMessage") {
            return Some(Kind::Events(Format::Sentinel));
        }
        let has_event_id =
            plain.iter().any(|name| name.ends_with("eventid") || name.ends_with("eventcode"));
        let of_get_winevent = ["logname", "providername", "machinename", "timecreated"];
        let of_get_eventlog = has_plain("instanceid") || has_plain("replacementstrings");
        // Velociraptor's rows have the parts of an event as objects.
        let has_parts = has("System") && (has("EventData") || has("UserData")) || has("Event");
        if has_event_id
            || of_get_eventlog
            || has_parts
            || has_plain("id") && of_get_winevent.iter().any(|name| has_plain(name))
        {
            let is_of_winlogbeat = names.iter().any(|name| name.starts_with("winlog."));
            let is_of_ecs = names.iter().any(|name| name.starts_with("event."));
            return Some(match () {
                () if has("_raw") => Kind::Texts,
                () if is_of_winlogbeat => Kind::Events(Format::Winlogbeat),
                () if is_of_ecs => Kind::Texts,
                () => Kind::Events(Format::EventJson),
            });
        }
        let is_of_ecs = has("event.category") || has("event.action") || has("class_uid");
        let has_text = TEXTS.iter().any(|text| has_plain(text));
        (is_of_ecs || has_text).then_some(Kind::Texts)
    }
}

/// What a file is whose first bytes begin a table that is read.
pub(crate) fn is_known(head: &[u8]) -> bool {
    // A line of a log may hold such names, too.
    let end = memchr::memchr(b'\n', head).map_or(head.len(), |end| end + 1);
    textlog::format(&head[..end]).is_none()
        && Head::parse(head).is_some_and(|head| Kind::of(&head).is_some())
}

/// Why a file is not read that is evidently a table; `None` when it is none.
pub(crate) fn refusal(head: &[u8]) -> Option<String> {
    /// So many columns are named.
    const NAMED: usize = 6;
    let head = Head::parse(head)?;
    let is_name = |name: &String| !name.is_empty() && name.len() <= 64;
    // Prose has commas as well: two rows of equally many short names or more are a table.
    let is_table = head.names.len() >= 2
        && head.names.len() == head.first.len()
        && head.names.iter().all(is_name);
    if !is_table {
        return None;
    }
    let names: Vec<String> =
        head.names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    let more = if head.names.len() > NAMED { ", ..." } else { "" };
    let names = names.join(", ");
    Some(format!("a table whose columns ({names}{more}) are of no kind that is read"))
}

/// Whether a table is the Event Viewer's, whose header has the language of its user: a level or keywords, a
/// date, a source, an event id and a category, and behind them in each row the message.
fn is_of_event_viewer(head: &Head) -> bool {
    let [_, date, source, event_id, _, _] = head.first.as_slice() else { return false };
    let is_number = !event_id.is_empty() && event_id.bytes().all(|byte| byte.is_ascii_digit());
    head.names.len() == 5 && is_number && !source.is_empty() && Viewed::parse(date).is_some()
}

/// A column's name without the zone behind it: `TimeGenerated [UTC]`.
pub(super) fn unmarked(name: &str) -> &str {
    let name = name.trim();
    name.strip_suffix(']').and_then(|name| name.rsplit_once(" [")).map_or(name, |(name, _)| name)
}

/// A name without case, blanks and signs.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars().filter(|char| char.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}
