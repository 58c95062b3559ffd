//! The values of a JSON record (or of a row of a table) that some shape asks for.
//!
//! A value is known by its path: `winlog.event_data.LogonType`, whether the record nests its
//! objects or writes the dots into its keys.

use serde::{Deserialize, Deserializer};

use crate::field::{Field, Fields, object};
use crate::windows::EventData;

/// The values, each under the name of its key.
#[derive(Debug, Default)]
pub(crate) struct Line<'a> {
    pub(crate) event_id: Field<'a>,
    pub(crate) channel: Field<'a>,
    pub(crate) hostname: Field<'a>,
    pub(crate) record_number: Field<'a>,
    pub(crate) event_time: Field<'a>,
    pub(crate) event_received_time: Field<'a>,
    pub(crate) time_created: Field<'a>,
    pub(crate) computer: Field<'a>,
    pub(crate) event_record_id: Field<'a>,
    pub(crate) time_generated: Field<'a>,
    pub(crate) target_account: Field<'a>,
    /// The table's name.
    pub(crate) table: Field<'a>,
    /// Sysmon's own time, in UTC.
    pub(crate) utc_time: Field<'a>,
    /// The EventData beside the values above.
    pub(crate) data: EventData<'a>,
    /// The EventData in an object of its own.
    pub(crate) nested: EventData<'a>,
    /// The EventData as an object in a text.
    pub(crate) folded: Field<'a>,
    /// The EventData as a list, in the order of the event's manifest.
    pub(crate) inserts: EventData<'a>,
    /// A whole event in XML.
    pub(crate) system: Field<'a>,
    /// The System part in an object of its own.
    pub(crate) system_part: SystemPart<'a>,
    /// `winlog.*` and what the Elastic Common Schema has beside it.
    pub(crate) winlog: Winlog<'a>,
    pub(crate) lower: Lower<'a>,
}

/// `System.*`.
#[derive(Debug, Default)]
pub(crate) struct SystemPart<'a> {
    pub(crate) event_id: Field<'a>,
    pub(crate) channel: Field<'a>,
    pub(crate) computer: Field<'a>,
    pub(crate) event_record_id: Field<'a>,
    pub(crate) time_created: Field<'a>,
}

/// What Winlogbeat 7 and later write.
#[derive(Debug, Default)]
pub(crate) struct Winlog<'a> {
    pub(crate) event_id: Field<'a>,
    pub(crate) event_code: Field<'a>,
    pub(crate) channel: Field<'a>,
    pub(crate) computer_name: Field<'a>,
    pub(crate) record_id: Field<'a>,
    pub(crate) logon_type: Field<'a>,
    pub(crate) logon_id: Field<'a>,
    pub(crate) user_name: Field<'a>,
    pub(crate) user_domain: Field<'a>,
    pub(crate) user_id: Field<'a>,
    pub(crate) source_ip: Field<'a>,
    pub(crate) source_domain: Field<'a>,
}

/// Keys in lower case at the top: Winlogbeat's and Vector's, and those of texts in JSON.
#[derive(Debug, Default)]
pub(crate) struct Lower<'a> {
    pub(crate) event_id: Field<'a>,
    pub(crate) log_name: Field<'a>,
    pub(crate) computer_name: Field<'a>,
    pub(crate) record_number: Field<'a>,
    pub(crate) at_timestamp: Field<'a>,
    pub(crate) channel: Field<'a>,
    pub(crate) computer: Field<'a>,
    pub(crate) record_id: Field<'a>,
    pub(crate) timestamp: Field<'a>,
    /// Texts that may be whole events in XML.
    pub(crate) data: Field<'a>,
    pub(crate) event: Field<'a>,
    pub(crate) raw: Field<'a>,
}

impl<'a> Fields<'a> for Line<'a> {
    fn slot(&mut self, path: &str) -> Option<&mut Field<'a>> {
        // Most keys are asked for by nobody: the first letter leaves most of the names out.
        match path.as_bytes().first()? {
            b'E' | b'S' | b'e' | b's' | b'u' | b'w' if path.contains('.') => self.inner_slot(path),
            b'A'..=b'Z' => self.upper_slot(path),
            _ => self.lower.slot(path),
        }
    }

    fn opens(path: &str) -> bool {
        matches!(
            path,
            "EventData"
                | "StringInserts"
                | "System"
                | "winlog"
                | "winlog.event_data"
                | "winlog.logon"
                | "event"
                | "event_data"
                | "source"
                | "string_inserts"
                | "user"
        )
    }

    fn is_envelope(key: &str) -> bool {
        // Elasticsearch's, in which exports leave what Winlogbeat sent, and that of Splunk's exports.
        matches!(key, "_source" | "result")
    }
}

impl<'a> Line<'a> {
    fn upper_slot(&mut self, key: &str) -> Option<&mut Field<'a>> {
        Some(match key {
            "EventID" => &mut self.event_id,
            "Channel" => &mut self.channel,
            "Hostname" => &mut self.hostname,
            "RecordNumber" => &mut self.record_number,
            "EventTime" => &mut self.event_time,
            "EventReceivedTime" => &mut self.event_received_time,
            "TimeCreated" => &mut self.time_created,
            "Computer" => &mut self.computer,
            "EventRecordID" | "EventRecordId" => &mut self.event_record_id,
            "TimeGenerated" => &mut self.time_generated,
            "TargetAccount" => &mut self.target_account,
            "Type" => &mut self.table,
            "System" => &mut self.system,
            "EventData" => &mut self.folded,
            "UtcTime" => &mut self.utc_time,
            key => return self.data.slot(key),
        })
    }

    fn inner_slot(&mut self, path: &str) -> Option<&mut Field<'a>> {
        const EVENT_DATA: [&str; 3] = ["winlog.event_data.", "event_data.", "EventData."];
        const INSERTS: [&str; 2] = ["StringInserts.", "string_inserts."];
        let behind =
            |prefixes: &[&str]| prefixes.iter().find_map(|prefix| path.strip_prefix(*prefix));
        if let Some(name) = behind(&EVENT_DATA) {
            self.nested.slot(name)
        } else if let Some(index) = behind(&INSERTS) {
            self.inserts.insert_slot(index.parse().ok()?)
        } else {
            self.system_part.slot(path).or_else(|| self.winlog.slot(path))
        }
    }
}

impl<'a> SystemPart<'a> {
    fn slot(&mut self, path: &str) -> Option<&mut Field<'a>> {
        Some(match path {
            "System.EventID" => &mut self.event_id,
            "System.Channel" => &mut self.channel,
            "System.Computer" => &mut self.computer,
            "System.EventRecordID" => &mut self.event_record_id,
            "System.TimeCreated" => &mut self.time_created,
            _ => return None,
        })
    }
}

impl<'a> Winlog<'a> {
    fn slot(&mut self, path: &str) -> Option<&mut Field<'a>> {
        Some(match path {
            "winlog.event_id" => &mut self.event_id,
            "winlog.channel" => &mut self.channel,
            "winlog.computer_name" => &mut self.computer_name,
            "winlog.record_id" => &mut self.record_id,
            "winlog.logon.type" => &mut self.logon_type,
            "winlog.logon.id" => &mut self.logon_id,
            "event.code" => &mut self.event_code,
            "user.name" => &mut self.user_name,
            "user.domain" => &mut self.user_domain,
            "user.id" => &mut self.user_id,
            "source.ip" => &mut self.source_ip,
            "source.domain" => &mut self.source_domain,
            _ => return None,
        })
    }
}

impl<'a> Lower<'a> {
    fn slot(&mut self, key: &str) -> Option<&mut Field<'a>> {
        Some(match key {
            "event_id" => &mut self.event_id,
            "log_name" => &mut self.log_name,
            "computer_name" => &mut self.computer_name,
            "record_number" => &mut self.record_number,
            "channel" => &mut self.channel,
            "computer" => &mut self.computer,
            "record_id" => &mut self.record_id,
            "timestamp" => &mut self.timestamp,
            "@timestamp" => &mut self.at_timestamp,
            "data" => &mut self.data,
            "event" => &mut self.event,
            "_raw" => &mut self.raw,
            _ => return None,
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Line<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_may_be_nested_or_dotted() {
        for json in [
            r#"{"winlog":{"event_data":{"LogonType":"2"},"logon":{"type":"Network"}},"event":{"code":4624}}"#,
            r#"{"winlog.event_data.LogonType":"2","winlog.logon.type":"Network","event.code":"4624"}"#,
            r#"{"winlog":{"event_data.LogonType":2,"logon.type":"Network"},"event":"x","event.code":"4624"}"#,
            r#"{"winlog.event_data":{"LogonType":"2"},"winlog.logon":{"type":"Network"},"event":{"code":"4624","x":{"code":1}}}"#,
            r#"{"_source":{"winlog":{"event_data":{"LogonType":"2"},"logon":{"type":"Network"}},"event":{"code":4624}},"event":[]}"#,
        ] {
            let line = serde_json::from_str::<Line<'_>>(json).unwrap();
            assert_eq!(line.nested.values().logon_type, "2", "{json}");
            assert_eq!(line.winlog.logon_type.get(), "Network", "{json}");
            assert_eq!(line.winlog.event_code.get(), "4624", "{json}");
        }
    }
}
