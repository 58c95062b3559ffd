//! What happens on machines: people with machines of their own, and all that is no logon.

use fastrand::Rng;
use jiff::Timestamp;

const USERS: u32 = 20_000;
const MACHINES: u32 = 10_000;
/// Machines that somebody uses.
const MACHINES_OF_USER: u32 = 5;
/// 2026-03-02T06:00:00Z
const START_S: i64 = 1_772_431_200;

/// Makes events, in the order of time.
pub struct Fleet {
    pub(crate) random: Rng,
    /// Of a hundred records, how many are logons.
    logons: u32,
    /// Of a hundred logons, how many are of machines and services.
    noise: u32,
    record: u64,
    millisecond: i64,
}

/// A Windows Security event.
pub(crate) struct Event {
    pub(crate) id: u16,
    pub(crate) record: u64,
    pub(crate) computer: String,
    pub(crate) millisecond: i64,
    pub(crate) data: Vec<(&'static str, String)>,
    pub(crate) message: String,
}

/// A logon, wherever it was.
pub(crate) struct Logon {
    pub(crate) user: String,
    pub(crate) rid: u32,
    pub(crate) machine: u32,
    pub(crate) remote: String,
    pub(crate) millisecond: i64,
    pub(crate) number: u64,
}

impl Fleet {
    /// As in life: 5 of 100 records are logons, half of them of machines and services.
    pub fn new(seed: u64) -> Self {
        Self { random: Rng::with_seed(seed), logons: 5, noise: 50, record: 0, millisecond: 0 }
    }

    /// Nothing but logons of people.
    pub fn of_logons(seed: u64) -> Self {
        Self { logons: 100, noise: 0, ..Self::new(seed) }
    }

    /// Whether the next record is a logon.
    pub(crate) fn is_logon(&mut self) -> bool {
        self.random.u32(0..100) < self.logons
    }

    /// Whether the next logon is of a machine or a service.
    pub(crate) fn is_noise(&mut self) -> bool {
        self.random.u32(0..100) < self.noise
    }

    /// The next moment, in milliseconds since 1970: some thousand records a second.
    pub(crate) fn tick(&mut self) -> i64 {
        self.record += 1;
        self.millisecond += i64::from(self.random.u32(0..3));
        START_S * 1000 + self.millisecond
    }

    /// Somebody logs on to one of their machines, at it or from another of them.
    pub(crate) fn logon(&mut self) -> Logon {
        let user = self.random.u32(0..USERS);
        let machine = self.machine_of(user);
        let from = self.machine_of(user);
        let millisecond = self.tick();
        Logon {
            user: format!("user{user}"),
            rid: 1_100 + user,
            machine,
            remote: format!("10.{}.{}.{}", from >> 16, from >> 8 & 0xff, from & 0xff),
            millisecond,
            number: self.record,
        }
    }

    fn machine_of(&mut self, user: u32) -> u32 {
        (user * 7 + self.random.u32(0..MACHINES_OF_USER) * 1_009) % MACHINES
    }

    pub(crate) fn address(&mut self) -> String {
        let [one, two, three] = [0; 3].map(|_: u8| self.random.u8(1..250));
        format!("10.{one}.{two}.{three}")
    }

    pub(crate) fn machine(&mut self) -> u32 {
        self.random.u32(0..MACHINES)
    }

    /// The next event of a Security log.
    pub(crate) fn event(&mut self) -> Event {
        if self.is_logon() { self.logon_event() } else { self.other_event() }
    }

    fn logon_event(&mut self) -> Event {
        let is_noise = self.is_noise();
        let logon = self.logon();
        let host = format!("WS-{:05}", logon.machine);
        let (user, sid) = match is_noise {
            true => (format!("{host}$"), "S-1-5-18".to_owned()),
            false => (logon.user, sid(logon.rid)),
        };
        let kind = *self.random.choice(&["2", "3", "3", "3", "7", "10", "11"]).unwrap_or(&"3");
        let data = vec![
            ("SubjectUserSid", "S-1-5-18".to_owned()),
            ("SubjectUserName", format!("{host}$")),
            ("SubjectDomainName", "CORP".to_owned()),
            ("SubjectLogonId", "0x3e7".to_owned()),
            ("TargetUserSid", sid),
            ("TargetUserName", user),
            ("TargetDomainName", "CORP".to_owned()),
            ("TargetLogonId", format!("0x{:x}", 0x10_0000 + logon.number)),
            ("LogonType", kind.to_owned()),
            ("LogonProcessName", "User32 ".to_owned()),
            ("AuthenticationPackageName", "Negotiate".to_owned()),
            ("WorkstationName", host.clone()),
            ("LogonGuid", "{00000000-0000-0000-0000-000000000000}".to_owned()),
            ("TransmittedServices", "-".to_owned()),
            ("LmPackageName", "-".to_owned()),
            ("KeyLength", "0".to_owned()),
            ("ProcessId", "0x2d4".to_owned()),
            ("ProcessName", "C:\\Windows\\System32\\svchost.exe".to_owned()),
            ("IpAddress", logon.remote),
            ("IpPort", self.random.u16(1024..).to_string()),
            ("ImpersonationLevel", "%%1833".to_owned()),
            ("RestrictedAdminMode", "-".to_owned()),
            ("TargetOutboundUserName", "-".to_owned()),
            ("TargetOutboundDomainName", "-".to_owned()),
            ("VirtualAccount", "%%1843".to_owned()),
            ("TargetLinkedLogonId", "0x0".to_owned()),
            ("ElevatedToken", "%%1842".to_owned()),
        ];
        event(4624, logon.number, logon.machine, logon.millisecond, data)
    }

    /// What a Security log is full of.
    fn other_event(&mut self) -> Event {
        let millisecond = self.tick();
        let machine = self.machine();
        let user = self.random.u32(0..USERS);
        let process = format!("0x{:x}", self.random.u16(4..));
        let subject = [
            ("SubjectUserSid", sid(1_100 + user)),
            ("SubjectUserName", format!("user{user}")),
            ("SubjectDomainName", "CORP".to_owned()),
            ("SubjectLogonId", format!("0x{:x}", self.random.u32(0x10000..0x100_0000))),
        ];
        let (id, own): (u16, Vec<(&'static str, String)>) = match self.random.u8(0..100) {
            0..4 => {
                let data = vec![
                    ("TargetUserSid", sid(1_100 + user)),
                    ("TargetUserName", format!("user{user}")),
                    ("TargetDomainName", "CORP".to_owned()),
                    (
                        "TargetLogonId",
                        format!("0x{:x}", 0x10_0000 + self.random.u64(0..=self.record)),
                    ),
                    ("LogonType", "3".to_owned()),
                ];
                return event(4634, self.record, machine, millisecond, data);
            }
            4..50 => (
                4688,
                vec![
                    ("NewProcessId", process),
                    ("NewProcessName", "C:\\Program Files\\App\\worker.exe".to_owned()),
                    ("TokenElevationType", "%%1936".to_owned()),
                    ("ProcessId", "0x1f4".to_owned()),
                    ("CommandLine", format!("worker.exe --job {} --verbose", self.random.u32(..))),
                    ("ParentProcessName", "C:\\Windows\\explorer.exe".to_owned()),
                    ("MandatoryLabel", "S-1-16-8192".to_owned()),
                ],
            ),
            50..65 => (
                4689,
                vec![
                    ("Status", "0x0".to_owned()),
                    ("ProcessId", process),
                    ("ProcessName", "C:\\Program Files\\App\\worker.exe".to_owned()),
                ],
            ),
            65..85 => (
                4663,
                vec![
                    ("ObjectServer", "Security".to_owned()),
                    ("ObjectType", "File".to_owned()),
                    ("ObjectName", format!("D:\\Share\\Folder\\{}.docx", self.random.u32(..))),
                    ("HandleId", "0x3b4".to_owned()),
                    ("AccessList", "%%4416\n\t\t\t\t".to_owned()),
                    ("AccessMask", "0x1".to_owned()),
                    ("ProcessId", process),
                    ("ProcessName", "C:\\Windows\\explorer.exe".to_owned()),
                    ("ResourceAttributes", "S:AI".to_owned()),
                ],
            ),
            _ => (
                5156,
                vec![
                    ("ProcessID", self.random.u16(4..).to_string()),
                    ("Application", "\\device\\harddiskvolume3\\windows\\svchost.exe".to_owned()),
                    ("Direction", "%%14593".to_owned()),
                    ("SourceAddress", self.address()),
                    ("SourcePort", self.random.u16(1024..).to_string()),
                    ("DestAddress", self.address()),
                    ("DestPort", "443".to_owned()),
                    ("Protocol", "6".to_owned()),
                    ("FilterRTID", self.random.u32(0..100_000).to_string()),
                    ("LayerName", "%%14611".to_owned()),
                    ("LayerRTID", "48".to_owned()),
                ],
            ),
        };
        let data = if id == 5156 { own } else { subject.into_iter().chain(own).collect() };
        event(id, self.record, machine, millisecond, data)
    }
}

fn event(
    id: u16,
    record: u64,
    machine: u32,
    millisecond: i64,
    data: Vec<(&'static str, String)>,
) -> Event {
    let mut message = match id {
        4624 => "An account was successfully logged on.".to_owned(),
        4634 => "An account was logged off.".to_owned(),
        4688 => "A new process has been created.".to_owned(),
        4689 => "A process has exited.".to_owned(),
        4663 => "An attempt was made to access an object.".to_owned(),
        _ => "The Windows Filtering Platform has permitted a connection.".to_owned(),
    };
    for (name, value) in &data {
        message += &format!("\r\n\t{name}:\t\t{value}");
    }
    let computer = format!("WS-{machine:05}.corp.example");
    Event { id, record, computer, millisecond, data, message }
}

pub(crate) fn sid(rid: u32) -> String {
    format!("S-1-5-21-1004336348-1177238915-682003330-{rid}")
}

pub(crate) fn moment(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap_or_default()
}
