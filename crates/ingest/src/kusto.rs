//! Answers of Kusto, the engine of Log Analytics and of hunting: tables whose rows are lists of cells
//! under a list of columns.
//!
//! `{"tables":[{"name","columns":[{"name","type"}],"rows":[[..]]}]}` is what the Log Analytics API answers,
//! `{"Tables":[{"TableName","Columns":[{"ColumnName"}],"Rows":[[..]]}]}` Kusto's older one.

use crate::object::{Object, elements};
use crate::rows::Table;

/// More columns than any table has.
const MAX_COLUMNS: usize = 2048;

/// Whether an object is such an answer.
pub(crate) fn is_answer(object: &Object<'_>) -> bool {
    let tables = object.nested("tables").or_else(|| object.nested("Tables"));
    tables.is_some_and(|tables| tables.starts_with('['))
}

/// Gives each row of an answer to `each` as a JSON object, until it says to stop; whether one of the
/// tables is of a kind that is read. What follows is not a table of rows is passed over.
pub(crate) fn rows(object: &Object<'_>, each: &mut dyn FnMut(&str) -> bool) -> bool {
    let mut known = false;
    for tables in ["tables", "Tables"].iter().filter_map(|key| object.nested(key)) {
        // It is part of what was parsed: it is valid.
        let _ = elements(tables, &mut |table| {
            let Ok(table) = Object::parse(table) else { return true };
            let names = columns(&table);
            let Some(kind) = Table::of(names) else { return true };
            known = true;
            let rows = table.nested("rows").or_else(|| table.nested("Rows")).unwrap_or("[]");
            let mut goes_on = true;
            let _ = elements(rows, &mut |row| {
                if row.starts_with('[') {
                    goes_on = each(&kind.object(&cells(row)));
                }
                goes_on
            });
            goes_on
        });
    }
    known
}

fn columns(table: &Object<'_>) -> Vec<String> {
    let list = table.nested("columns").or_else(|| table.nested("Columns")).unwrap_or("[]");
    let mut names = Vec::new();
    let _ = elements(list, &mut |column| {
        let column = Object::parse(column).unwrap_or_default();
        let keys = ["name", "ColumnName", "Name"];
        let name = keys.iter().map(|key| column.text(key)).find(|name| !name.is_empty());
        names.push(name.unwrap_or_default().into_owned());
        names.len() < MAX_COLUMNS
    });
    names
}

/// The cells of a row as a table in CSV has them.
fn cells(row: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let _ = elements(row, &mut |cell| {
        cells.push(match cell.as_bytes().first() {
            Some(b'"') => serde_json::from_str(cell).unwrap_or_default(),
            _ if cell == "null" => String::new(),
            _ => cell.to_owned(),
        });
        cells.len() < MAX_COLUMNS
    });
    cells
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn told(answer: &Value) -> (bool, Vec<Value>) {
        let text = answer.to_string();
        let object = Object::parse(&text).unwrap();
        let mut told = Vec::new();
        let known = rows(&object, &mut |row| {
            told.push(serde_json::from_str(row).unwrap());
            true
        });
        (known, told)
    }

    #[test]
    fn rows_become_objects() {
        let row = json!(["2026-03-02T08:15:30Z", "WS-1", 4624, "ann", null, "{\"a\":1}"]);
        let names = ["TimeGenerated", "Computer", "EventID", "TargetUserName", "x", "Properties"];
        let new: Vec<_> = names.iter().map(|name| json!({"name": name, "type": "t"})).collect();
        let old: Vec<_> = names.iter().map(|name| json!({"ColumnName": name})).collect();
        for answer in [
            json!({"tables": [{"name": "PrimaryResult", "columns": new, "rows": [row, row]}]}),
            json!({"Tables": [{"TableName": "Table_0", "Columns": old, "Rows": [row, row]}]}),
        ] {
            let (known, told) = told(&answer);
            assert!(known && is_answer(&Object::parse(&answer.to_string()).unwrap()));
            assert_eq!(told.len(), 2);
            let expected = json!({"TimeGenerated": "2026-03-02T08:15:30Z", "Computer": "WS-1",
                "EventID": "4624", "TargetUserName": "ann", "Properties": {"a": 1}});
            assert_eq!(told[0], expected);
        }
        let empty = json!({"tables": [{"name": "PrimaryResult", "columns": new, "rows": []}]});
        assert_eq!(told(&empty), (true, vec![]));
        assert_eq!(
            told(&json!({"tables": [{"columns": [{"name": "a"}], "rows": [[1]]}]})).1.len(),
            0
        );
        assert_eq!(told(&json!({"tables": [1, {"rows": 2}, {}]})), (false, vec![]));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"(\[|\]|\{|\}|"tables":|"columns":|"rows":|"name":|"EventID"|"Computer"|,|1|null){0,40}"#) {
            if let Ok(object) = Object::parse(&text) {
                let _ = rows(&object, &mut |_| true);
            }
        }
    }
}
