//! Rows of CSV under the same rules as lines of JSON: each cell becomes the value that its column
//! has there, an empty one none.

use serde_json::{Map, Value, json};

use crate::object::{Member, Object};

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

/// Every column of every kind of record.
const COLUMNS: [(&str, Cell); 29] = [
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
];
const TAGS: (&str, Cell) = ("machineTags", Cell::Texts);

fn cell(column: &str) -> Option<Cell> {
    let known = COLUMNS.iter().chain([&TAGS]).find(|(name, _)| *name == column);
    known.map(|(_, cell)| *cell)
}

/// The first column that no record has, told with those that there are.
pub(crate) fn unknown_column(columns: &[String]) -> Option<String> {
    let unknown = columns.iter().find(|column| cell(column).is_none())?;
    let known: Vec<&str> = COLUMNS.iter().chain([&TAGS]).map(|(name, _)| *name).collect();
    Some(format!("the column `{unknown}` is not known; there are {}", known.join(", ")))
}

/// The members of a record, whether it is a line or a row.
pub(super) fn members(record: &Object<'_>) -> Result<Map<String, Value>, String> {
    let mut members = Map::new();
    for (name, member) in record.members() {
        let value = match member {
            Member::Json(json) => serde_json::from_str(json)
                .map_err(|_| format!("`{name}` is too deep for a value"))?,
            Member::Cell("") => continue,
            Member::Cell(text) => of_cell(cell(name), text).ok_or_else(|| {
                let start: String = text.chars().take(64).collect();
                format!("{name} `{start}` is none of its kind")
            })?,
        };
        members.insert(name.to_owned(), value);
    }
    Ok(members)
}

fn of_cell(cell: Option<Cell>, text: &str) -> Option<Value> {
    if matches!(cell, Some(Cell::Texts | Cell::Addresses)) && text.starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    Some(match cell {
        Some(Cell::Number) => json!(text.parse::<u32>().ok()?),
        Some(Cell::Flag) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => json!(true),
            "false" | "0" => json!(false),
            _ => return None,
        },
        Some(Cell::Texts) => parts.collect(),
        Some(Cell::Addresses) => parts.map(|part| json!({"ipAddress": part})).collect(),
        Some(Cell::Text) | None => json!(text),
    })
}
