//! What records that are not read seem to be: to name it saves a person the search.

use crate::object::Object;

/// The first whose members a record has tells; a name in words that go on "it looks like ...".
const KINDS: [(&[&str], &str); 18] = [
    (&["event_simpleName"], "CrowdStrike Falcon's events, which are not read"),
    (&["event.login.userName"], "SentinelOne's Deep Visibility events, which are not read"),
    (&["agentDetectionInfo"], "SentinelOne's threats, which are not read"),
    (&["eventMessage", "processImagePath"], "macOS' unified log, which is not read"),
    (&["machTimestamp"], "macOS' unified log, which is not read"),
    (&["eventVersion", "eventSource", "eventName"], "AWS CloudTrail, which is not read"),
    (&["auditID", "stage", "verb"], "the audit log of Kubernetes, which is not read"),
    (&["flow_id", "event_type"], "Suricata's events, which are not read"),
    (&["id.orig_h", "uid"], "Zeek's logs, which are not read"),
    (&["published", "eventType", "actor"], "Okta's system log, which is not read"),
    (&["protoPayload", "logName"], "audit logs of Google Cloud, which are not read"),
    (&["StringInserts"], "Fluent Bit's older input, winlog"),
    (&["sourcetype"], "Splunk events that are not Windows' XML"),
    (&["resourceLogs"], "OpenTelemetry's logs"),
    (&["operationName", "category"], "an Azure diagnostic export of another category"),
    (&["records"], "Event Hubs messages"),
    (&["hits"], "an answer of Elasticsearch"),
    (&["winlog"], "Winlogbeat's events, but without what tells one"),
];

/// What a record seems to be.
pub(crate) fn name(record: &Object<'_>) -> Option<&'static str> {
    let has = |path: &&str| record.opens(path) || !record.text_at(path).is_empty();
    KINDS.iter().find(|(keys, _)| keys.iter().all(has)).map(|(_, name)| *name)
}
