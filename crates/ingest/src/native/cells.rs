//! Rows of CSV under the same rules as lines of JSON: each cell becomes the value that its column
//! has there, an empty one none.

use serde_json::{Value, json};

use super::members::Given;

/// What stands in a column.
#[derive(Clone, Copy)]
enum Cell {
    Text,
    Number,
    Flag,
    /// Several, with `;` between them, or a list in JSON.
    Texts,
    Addresses,
}

/// How many columns there are.
pub(super) const COLUMNS: usize = 30;

/// Every column of every kind of record.
const KNOWN: [(&str, Cell); COLUMNS] = [
    ("footfall", Cell::Text),
    ("time", Cell::Text),
    ("user", Cell::Text),
    ("domain", Cell::Text),
    ("sid", Cell::Text),
    ("upn", Cell::Text),
    ("objectId", Cell::Text),
    ("mail", Cell::Text),
    ("device", Cell::Text),
    ("deviceId", Cell::Text),
    ("aadDeviceId", Cell::Text),
    ("logonType", Cell::Text),
    ("remoteAddress", Cell::Text),
    ("remoteName", Cell::Text),
    ("sessionId", Cell::Text),
    ("osPlatform", Cell::Text),
    ("osProcessor", Cell::Text),
    ("osArchitecture", Cell::Text),
    ("osBuild", Cell::Number),
    ("version", Cell::Text),
    ("agentVersion", Cell::Text),
    ("lastIpAddress", Cell::Text),
    ("lastExternalIpAddress", Cell::Text),
    ("ipAddresses", Cell::Addresses),
    ("isAadJoined", Cell::Flag),
    ("riskScore", Cell::Text),
    ("exposureLevel", Cell::Text),
    ("onboardingStatus", Cell::Text),
    ("managedBy", Cell::Text),
    ("machineTags", Cell::Texts),
];

fn cell(column: &str) -> Option<Cell> {
    let known = KNOWN.iter().find(|(name, _)| *name == column);
    known.map(|(_, cell)| *cell)
}

/// The first column that no record has, told with those that there are.
pub(crate) fn unknown_column(columns: &[String]) -> Option<String> {
    let unknown = columns.iter().find(|column| cell(column).is_none())?;
    let known: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
    Some(format!("the column `{unknown}` is not known; there are {}", known.join(", ")))
}

/// What a cell says in its column.
pub(super) fn value<'a>(column: &str, text: &'a str) -> Result<Given<'a>, String> {
    let cell = match cell(column) {
        Some(Cell::Text) | None => return Ok(Given::Text(text)),
        Some(cell) => cell,
    };
    of_cell(cell, text).map(Box::new).map(Given::Made).ok_or_else(|| {
        let start: String = text.chars().take(64).collect();
        format!("{column} `{start}` is none of its kind")
    })
}

fn of_cell(cell: Cell, text: &str) -> Option<Value> {
    if matches!(cell, Cell::Texts | Cell::Addresses) && text.starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    Some(match cell {
        Cell::Number => json!(text.parse::<u32>().ok()?),
        Cell::Flag => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => json!(true),
            "false" | "0" => json!(false),
            _ => return None,
        },
        Cell::Texts => parts.collect(),
        Cell::Addresses => parts.map(|part| json!({"ipAddress": part})).collect(),
        Cell::Text => json!(text),
    })
}
