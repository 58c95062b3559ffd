//! A simulated fleet for `footfall demo`: a company of some hundred people over 60 days, made
//! from a seed, so that the same seed and moment give the same fleet.
//!
//! What is in it: people with a workstation or a roaming laptop of their own, a shop floor that
//! shares terminals, administrators with second accounts, servers that everyone reaches over the
//! network, service accounts that run at night, Linux hosts, and one account that is taken over
//! and walks through the network in the small hours.

use std::net::{IpAddr, Ipv4Addr};

use inventory::account::Account;
use inventory::fold;
use inventory::logon::{EventKey, Logon, LogonType, MachineRef, Source};
use inventory::machine::{
    AdapterType, MachineFacts, MachineIpAddress, MachineReport, OperationalStatus,
};
use inventory::time::{SECONDS_PER_DAY, TICKS_PER_SECOND, Timestamp};

/// Days of history.
const DAYS: i64 = 60;
const PEOPLE: usize = 110;
const NETBIOS: &str = "CORP";
const DNS: &str = "corp.example";
const DOMAIN_SID: &str = "S-1-5-21-2914370715-1190463711-3385120914";

const INTERACTIVE: u32 = 2;
const NETWORK: u32 = 3;
const BATCH: u32 = 4;
const SERVICE: u32 = 5;
const UNLOCK: u32 = 7;
const REMOTE_INTERACTIVE: u32 = 10;
const CACHED_INTERACTIVE: u32 = 11;

const FIRST_NAMES: [&str; 32] = [
    "Amelia", "Bruno", "Chiara", "Diego", "Elif", "Farah", "Gustav", "Hana", "Ivo", "Jana", "Kofi",
    "Lena", "Malik", "Nadia", "Olaf", "Priya", "Quinn", "Rosa", "Sven", "Tariq", "Ulla", "Viktor",
    "Wanda", "Ximena", "Yusuf", "Zoe", "Anton", "Bettina", "Carlos", "Dalia", "Emil", "Freya",
];
const LAST_NAMES: [&str; 28] = [
    "Adler",
    "Brandt",
    "Castillo",
    "Demir",
    "Eriksen",
    "Fontaine",
    "Greco",
    "Hoffmann",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindgren",
    "Moreau",
    "Novak",
    "Okafor",
    "Petrov",
    "Quist",
    "Rossi",
    "Schneider",
    "Tanaka",
    "Ueda",
    "Varga",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zimmer",
    "Keller",
    "Silva",
];

/// What the generator made.
pub(crate) struct Fleet {
    /// Every logon, in no particular order.
    pub(crate) logons: Vec<Logon>,
    /// What the machines report of themselves.
    pub(crate) reports: Vec<MachineReport>,
    /// The account that was taken over.
    pub(crate) victim: String,
    /// An administrator's second account.
    pub(crate) administrator: String,
    /// The server that the intruder came through.
    pub(crate) jump_host: String,
}

/// Makes the fleet of a seed, its last day being the day of `now`.
pub(crate) fn generate(seed: u64, now: Timestamp) -> Fleet {
    let mut random = fastrand::Rng::with_seed(seed);
    let people = people(&mut random);
    let machines = machines(&mut random);
    let mut history = History { random, now, logons: Vec::new(), record: 1, people, machines };
    let first_day = i64::from(now.day().0) - DAYS + 1;
    for day in first_day..first_day + DAYS {
        history.day(day);
    }
    history.intrusion(first_day + DAYS - 9);
    let reports = history.reports();
    Fleet {
        victim: history.people[VICTIM].account.name.clone(),
        administrator: history.people[FIRST_ADMINISTRATOR].second_name(),
        jump_host: history.machines.servers[JUMP_HOST].name.clone(),
        logons: history.logons,
        reports,
    }
}

/// Places in the list of people.
const FIRST_ADMINISTRATOR: usize = 0;
const ADMINISTRATORS: usize = 6;
const VICTIM: usize = 23;
/// People who work at shared terminals: the last of the list.
const SHOP_FLOOR: usize = 20;
/// Place in the list of servers.
const JUMP_HOST: usize = 4;

struct Person {
    account: Account,
    /// Has a laptop and takes it home.
    roams: bool,
}

impl Person {
    fn second_name(&self) -> String {
        format!("adm-{}", self.account.name)
    }

    fn administrator(&self, place: usize) -> Account {
        domain_account(&self.second_name(), 3000 + place)
    }
}

struct Host {
    name: String,
    address: Ipv4Addr,
    facts: MachineFacts,
}

struct Machines {
    workstations: Vec<Host>,
    terminals: Vec<Host>,
    servers: Vec<Host>,
    linux: Vec<Host>,
}

fn domain_account(name: &str, relative_id: usize) -> Account {
    Account {
        name: fold(name),
        domain: fold(NETBIOS),
        sid: Some(format!("{DOMAIN_SID}-{relative_id}")),
        ..Account::default()
    }
}

fn people(random: &mut fastrand::Rng) -> Vec<Person> {
    let mut names: Vec<(&str, &str)> = FIRST_NAMES
        .iter()
        .flat_map(|first| LAST_NAMES.iter().map(move |last| (*first, *last)))
        .collect();
    random.shuffle(&mut names);
    names.truncate(PEOPLE);
    names
        .into_iter()
        .enumerate()
        .map(|(place, (first, last))| Person {
            account: domain_account(&format!("{first}.{last}"), 1100 + place),
            roams: place % 3 == 0 && place < PEOPLE - SHOP_FLOOR,
        })
        .collect()
}

fn machines(random: &mut fastrand::Rng) -> Machines {
    let windows = |random: &mut fastrand::Rng, name: String, address: Ipv4Addr| {
        let (platform, version, build) = *random
            .choice(&[
                ("Windows11", "23H2", 22631),
                ("Windows11", "24H2", 26100),
                ("Windows10", "22H2", 19045),
            ])
            .unwrap_or(&("Windows11", "23H2", 22631));
        host(name, address, platform, version, Some(build))
    };
    let workstations = (0..PEOPLE - SHOP_FLOOR)
        .map(|n| {
            let kind = if n % 3 == 0 { "LT" } else { "WS" };
            let address = Ipv4Addr::new(10, 20, (n / 200) as u8, 10 + (n % 200) as u8);
            windows(random, format!("{kind}-{:03}.{DNS}", n + 1), address)
        })
        .collect();
    let terminals = (0..6)
        .map(|n| {
            windows(random, format!("FLOOR-{:02}.{DNS}", n + 1), Ipv4Addr::new(10, 30, 0, 10 + n))
        })
        .collect();
    let servers = [
        "DC01", "DC02", "FS01", "FS02", "JUMP01", "SQL01", "SQL02", "WEB01", "WEB02", "PRINT01",
        "BACKUP01", "EXCH01",
    ];
    let servers = servers
        .iter()
        .zip(10..)
        .map(|(name, n)| {
            let (platform, version, build) = if n % 3 == 0 {
                ("WindowsServer2022", "21H2", 20348)
            } else {
                ("WindowsServer2019", "1809", 17763)
            };
            let address = Ipv4Addr::new(10, 10, 0, n);
            host(format!("{name}.{DNS}"), address, platform, version, Some(build))
        })
        .collect();
    let linux = ["app01", "app02", "build01", "db01", "git01", "log01"]
        .iter()
        .zip(10..)
        .map(|(name, n)| {
            let (platform, version) =
                if n % 2 == 0 { ("Ubuntu", "22.04") } else { ("RedHatEnterpriseLinux", "9.5") };
            host(format!("{name}.{DNS}"), Ipv4Addr::new(10, 40, 0, n), platform, version, None)
        })
        .collect();
    Machines { workstations, terminals, servers, linux }
}

fn host(
    name: String,
    address: Ipv4Addr,
    platform: &str,
    version: &str,
    build: Option<i64>,
) -> Host {
    let [_, b, c, d] = address.octets();
    let facts = MachineFacts {
        os_platform: Some(platform.to_owned()),
        os_processor: Some("x64".to_owned()),
        os_architecture: Some("64-bit".to_owned()),
        version: Some(version.to_owned()),
        os_build: build,
        is_aad_joined: Some(build.is_some_and(|build| build > 20_000)),
        last_ip_address: Some(IpAddr::V4(address)),
        last_external_ip_address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7))),
        ip_addresses: vec![MachineIpAddress {
            ip_address: IpAddr::V4(address),
            mac_address: Some(format!("00005E{b:02X}{c:02X}{d:02X}")),
            adapter_type: AdapterType::Ethernet,
            operational_status: OperationalStatus::Up,
        }],
        ..MachineFacts::default()
    };
    Host { name, address, facts }
}

struct History {
    random: fastrand::Rng,
    now: Timestamp,
    logons: Vec<Logon>,
    record: u64,
    people: Vec<Person>,
    machines: Machines,
}

impl History {
    fn day(&mut self, day: i64) {
        // 1970-01-01 was a Thursday.
        let weekend = matches!((day + 3).rem_euclid(7), 5 | 6);
        for place in 0..PEOPLE {
            let works = if weekend { 4 } else { 92 };
            if self.random.u32(0..100) >= works {
                continue;
            }
            if place >= PEOPLE - SHOP_FLOOR {
                self.shift(day, place);
            } else {
                self.office_day(day, place);
            }
        }
        if !weekend {
            (0..ADMINISTRATORS).for_each(|place| self.administration(day, place));
        }
        self.services(day);
    }

    /// Someone at the own workstation or laptop, and what that does on servers.
    fn office_day(&mut self, day: i64, place: usize) {
        let account = self.people[place].account.clone();
        let at_home = self.people[place].roams && self.random.u32(0..100) < 35;
        let start = self.hour(8) + i64::from(self.random.u32(0..5400));
        let (name, address) = of(&self.machines.workstations[place]);
        if at_home {
            let private = Ipv4Addr::new(192, 168, 178, 20);
            self.logon(day, start, &account, &name, CACHED_INTERACTIVE, Some(private));
        } else {
            self.logon(day, start, &account, &name, INTERACTIVE, None);
            for server in ["DC01", "FS01", "PRINT01"] {
                if self.random.u32(0..100) < 60 {
                    let server = format!("{server}.{DNS}");
                    self.logon(day, start + 20, &account, &server, NETWORK, Some(address));
                }
            }
        }
        for _ in 0..self.random.u32(1..5) {
            let later = start + i64::from(self.random.u32(1800..28_000));
            self.logon(day, later, &account, &name, UNLOCK, None);
        }
        let develops = place % 7 == 1;
        if develops {
            let target = self.random.usize(0..self.machines.linux.len());
            let (linux, _) = of(&self.machines.linux[target]);
            let user = Account { domain: String::new(), sid: None, ..account };
            self.logon(day, start + 4000, &user, &linux, REMOTE_INTERACTIVE, Some(address));
        }
    }

    /// A shift at whichever shared terminals are free.
    fn shift(&mut self, day: i64, place: usize) {
        let account = self.people[place].account.clone();
        let start = self.hour(if place.is_multiple_of(2) { 6 } else { 14 });
        for _ in 0..self.random.u32(2..6) {
            let terminal = self.random.usize(0..self.machines.terminals.len());
            let (name, _) = of(&self.machines.terminals[terminal]);
            let at = start + i64::from(self.random.u32(0..27_000));
            self.logon(day, at, &account, &name, INTERACTIVE, None);
        }
    }

    /// An administrator's second account, through the jump host, on servers.
    fn administration(&mut self, day: i64, place: usize) {
        let account = self.people[place].administrator(place);
        let (jump, jump_address) = of(&self.machines.servers[JUMP_HOST]);
        let own = self.machines.workstations[place].address;
        let start = self.hour(9) + i64::from(self.random.u32(0..7200));
        self.logon(day, start, &account, &jump, REMOTE_INTERACTIVE, Some(own));
        for _ in 0..self.random.u32(1..4) {
            let server = self.random.usize(0..self.machines.servers.len());
            let (name, _) = of(&self.machines.servers[server]);
            let at = start + i64::from(self.random.u32(60..20_000));
            self.logon(day, at, &account, &name, REMOTE_INTERACTIVE, Some(jump_address));
        }
    }

    /// Nightly backup and monitoring.
    fn services(&mut self, day: i64) {
        let backup = domain_account("svc-backup", 4001);
        let monitor = domain_account("svc-monitor", 4002);
        let (backup_host, backup_address) = of(&self.machines.servers[10]);
        let night = self.hour(1);
        self.logon(day, night, &backup, &backup_host, BATCH, None);
        for server in 0..self.machines.servers.len() {
            let (name, _) = of(&self.machines.servers[server]);
            let at = night + 300 * server as i64;
            self.logon(day, at, &backup, &name, NETWORK, Some(backup_address));
            self.logon(day, at + 90, &monitor, &name, SERVICE, None);
        }
    }

    /// The victim's password in other hands: from outside to the jump host, from there over the
    /// network to most of the fleet, and by remote desktop to the servers worth having.
    fn intrusion(&mut self, day: i64) {
        let account = self.people[VICTIM].account.clone();
        let outside = Ipv4Addr::new(198, 51, 100, 66);
        let (jump, jump_address) = of(&self.machines.servers[JUMP_HOST]);
        let start = self.hour(2) + 1380;
        self.logon(day, start, &account, &jump, REMOTE_INTERACTIVE, Some(outside));
        for target in (0..self.machines.workstations.len()).step_by(2) {
            let (name, _) = of(&self.machines.workstations[target]);
            let at = start + 240 + 7 * target as i64;
            self.logon(day, at, &account, &name, NETWORK, Some(jump_address));
        }
        for (nights, server) in [(0, 5), (1, 2), (1, 3), (2, 0)] {
            let (name, _) = of(&self.machines.servers[server]);
            let at = start + 1800 + 400 * server as i64;
            self.logon(day + nights, at, &account, &name, REMOTE_INTERACTIVE, Some(jump_address));
        }
    }

    fn hour(&self, hour: i64) -> i64 {
        hour * 3600
    }

    /// Adds a logon, unless it would lie in the future.
    fn logon(
        &mut self,
        day: i64,
        second: i64,
        account: &Account,
        machine: &str,
        kind: u32,
        from: Option<Ipv4Addr>,
    ) {
        let ticks = self.random.i64(0..TICKS_PER_SECOND);
        let time = Timestamp::from_seconds(day * SECONDS_PER_DAY + second, ticks);
        let logon_type = LogonType::new(kind);
        let (Some(time), Some(logon_type)) = (time, logon_type) else { return };
        if time > self.now {
            return;
        }
        self.record += 1;
        self.logons.push(Logon {
            account: account.clone(),
            machine: MachineRef::named(machine),
            time,
            logon_type,
            remote_address: from.map(IpAddr::V4),
            remote_name: None,
            source: Source::Simulated,
            key: EventKey { session: self.record, record: Some(self.record) },
        });
    }

    /// One report of each machine, at its last logon.
    fn reports(&self) -> Vec<MachineReport> {
        let machines = &self.machines;
        let hosts = machines
            .workstations
            .iter()
            .chain(&machines.terminals)
            .chain(&machines.servers)
            .chain(&machines.linux);
        let last_seen = |name: &str| {
            let own = self.logons.iter().filter(|logon| logon.machine.name == name);
            own.map(|logon| logon.time).max()
        };
        hosts
            .filter_map(|host| {
                Some(MachineReport {
                    time: last_seen(&host.name)?,
                    machine: MachineRef::named(host.name.clone()),
                    facts: host.facts.clone(),
                })
            })
            .collect()
    }
}

fn of(host: &Host) -> (String, Ipv4Addr) {
    (host.name.clone(), host.address)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn fleet(seed: u64) -> Fleet {
        generate(seed, Timestamp::from_seconds(1_780_000_000, 0).unwrap())
    }

    #[test]
    fn a_seed_gives_one_fleet() {
        assert_eq!(fleet(1).logons, fleet(1).logons);
        assert_ne!(fleet(1).logons, fleet(2).logons);
    }

    #[test]
    fn the_fleet_is_what_it_says() {
        let fleet = fleet(1);
        let users: HashSet<_> = fleet.logons.iter().map(|logon| &logon.account.name).collect();
        assert_eq!(users.len(), PEOPLE + ADMINISTRATORS + 2);
        assert_eq!(fleet.reports.len(), 90 + 6 + 12 + 6);
        let of_victim: HashSet<_> = fleet
            .logons
            .iter()
            .filter(|logon| logon.account.name == fleet.victim)
            .map(|logon| &logon.machine.name)
            .collect();
        assert!(of_victim.len() > 40, "{}", of_victim.len());
        assert!(users.contains(&fleet.administrator));
    }
}
