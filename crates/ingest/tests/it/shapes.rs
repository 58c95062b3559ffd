//! One logon in several shapes is one event (docs/adr/0004-event-identity.md).

use std::collections::BTreeSet;
use std::path::Path;

use inventory::logon::{EventKey, Logon};
use jiff::tz::{TimeZone, offset};

use crate::support::{Collected, data, options, read_file_with};

/// What makes a logon one event.
type Identity = (String, String, String, String, u64, Option<u64>);

fn identities(logons: &[Logon]) -> BTreeSet<Identity> {
    let identity = |logon: &Logon| {
        let EventKey { session, record } = logon.key;
        let (account, machine) = (&logon.account, logon.machine.name.to_lowercase());
        let second = logon.time.whole_second().to_string();
        (machine, account.name.clone(), account.authority().to_owned(), second, session, record)
    };
    logons.iter().map(identity).collect()
}

fn read(path: &Path) -> Collected {
    let mut options = options();
    options.timezone = Some(TimeZone::fixed(offset(2)));
    let read = read_file_with(path, &options);
    assert_eq!(read.skipped, []);
    assert_eq!(read.rejects, []);
    read
}

const SHAPES: [&str; 9] = [
    "fluentbit-map.ndjson",
    "fluentbit-stringinserts.ndjson",
    "nxlog-utc-plus-2.ndjson",
    "openwec.ndjson",
    "splunk-hec.ndjson",
    "vector.ndjson",
    "wef.xml",
    "winlogbeat8-ecs.ndjson",
    "winlogbeat8-plain.ndjson",
];

/// Derived files hold the events of the EVTX that they are named after.
#[test]
fn a_logon_is_one_event_in_whatever_shape_it_comes() {
    let Some(data) = data() else { return };
    for stem in ["DE_RDP_Tunneling_4624", "forwarded-11-hosts"] {
        let original = read(&data.join(format!("windows/evtx/{stem}.evtx")));
        let expected = identities(&original.logons);
        assert!(expected.len() >= 4);
        for shape in SHAPES {
            let path = data.join(format!("windows/derived/{stem}.{shape}"));
            let read = read(&path);
            assert_eq!(identities(&read.logons), expected, "{path:?}");
            let (tally, whole) = (read.tally(), original.tally());
            assert_eq!(tally.logons, whole.logons, "{path:?}");
            assert_eq!((tally.noise, tally.failures), (whole.noise, whole.failures), "{path:?}");
            // What is kept beside the identity is the same, too.
            for (logon, original) in read.logons.iter().zip(&original.logons) {
                assert_eq!(logon.logon_type, original.logon_type, "{path:?}");
                assert_eq!(logon.remote_address, original.remote_address, "{path:?}");
                assert_eq!(logon.remote_name, original.remote_name, "{path:?}");
            }
        }
    }
}
