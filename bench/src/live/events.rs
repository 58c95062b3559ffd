//! Logons of a fleet: 30,000 users with eight machines each, as NXLog's JSON in the envelopes of both
//! ways.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use server::clock::{Clock, SystemClock};

const USERS: u64 = 30_000;
const MACHINES: u64 = 50_000;
const MACHINES_A_USER: u64 = 8;

/// How events are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Hec,
    Bulk,
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Way::Hec => "Splunk's collector",
            Way::Bulk => "Elasticsearch's bulk",
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Way::Hec => "/services/collector/event",
            Way::Bulk => "/_bulk",
        }
    }

    pub(super) fn authorization(self, secret: &str) -> String {
        match self {
            Way::Hec => format!("Splunk {secret}"),
            Way::Bulk => format!("ApiKey {}", STANDARD.encode(secret)),
        }
    }
}

/// Makes events, each with a record number of its own.
#[derive(Default)]
pub(super) struct Events(AtomicU64);

impl Events {
    pub(super) fn made(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// So many events; the first is of a user of its own, if one is named.
    pub(super) fn batch(
        &self,
        way: Way,
        count: u64,
        probe: Option<&str>,
        random: &mut fastrand::Rng,
    ) -> String {
        let first = self.0.fetch_add(count, Ordering::Relaxed);
        let now = SystemClock.now();
        let mut body = String::with_capacity(count as usize * 800);
        for number in first..first + count {
            let user = random.u64(..USERS);
            let machine = (user * MACHINES_A_USER + random.u64(..MACHINES_A_USER)) % MACHINES;
            let name = match probe {
                Some(probe) if number == first => probe.to_owned(),
                _ => format!("live{user}"),
            };
            body.push_str(match way {
                Way::Hec => "{\"sourcetype\":\"nxlog\",\"event\":",
                Way::Bulk => "{\"create\":{\"_index\":\"logs\"}}\n",
            });
            let _ = write!(
                body,
                "{{\"EventTime\":\"{now}\",\"Hostname\":\"live-{machine:05}.corp.example\",\
                 \"Keywords\":\"9232379236109516800\",\"EventType\":\"AUDIT_SUCCESS\",\
                 \"SeverityValue\":2,\"Severity\":\"INFO\",\"EventID\":4624,\
                 \"SourceName\":\"Microsoft-Windows-Security-Auditing\",\
                 \"ProviderGuid\":\"{{54849625-5478-4994-A5BA-3E3B0328C30D}}\",\"Version\":2,\
                 \"TaskValue\":12544,\"OpcodeValue\":0,\"RecordNumber\":{number},\
                 \"Channel\":\"Security\",\"Category\":\"Logon\",\"Opcode\":\"Info\",\
                 \"SubjectUserSid\":\"S-1-5-18\",\"TargetUserSid\":\"S-1-5-21-1-2-3-{}\",\
                 \"TargetUserName\":\"{name}\",\"TargetDomainName\":\"CORP\",\
                 \"TargetLogonId\":\"0x{number:x}\",\"LogonType\":\"{}\",\
                 \"LogonProcessName\":\"User32 \",\"AuthenticationPackageName\":\"Negotiate\",\
                 \"WorkstationName\":\"LIVE-{machine:05}\",\"IpAddress\":\"10.{}.{}.{}\",\
                 \"IpPort\":\"0\"}}",
                1_000 + user,
                [2, 3, 7, 10, 11][random.usize(..5)],
                machine >> 16,
                machine >> 8 & 255,
                machine & 255,
            );
            body.push_str(match way {
                Way::Hec => "}",
                Way::Bulk => "\n",
            });
        }
        body
    }
}
