//! Linux' logs (telemetry.md §4).

use std::io::{self, Write};

use serde_json::json;

use crate::fleet::{Fleet, Logon, moment};
use crate::line;

fn host(machine: u32) -> String {
    format!("lnx-{machine:05}")
}

fn accepted(logon: &Logon) -> String {
    let Logon { user, remote, number, .. } = logon;
    format!(
        "Accepted publickey for {user} from {remote} port {} ssh2: ED25519 SHA256:abc",
        number % 60_000 + 1024
    )
}

fn chatter(fleet: &mut Fleet) -> (&'static str, String) {
    let number = fleet.random.u32(1..100_000);
    match fleet.random.u8(0..4) {
        0 => {
            ("CRON", format!("pam_unix(cron:session): session opened for user root(uid={number})"))
        }
        1 => ("sshd", format!("Disconnected from user user{number} 10.0.0.1 port {number}")),
        2 => ("sudo", format!("user{number} : PWD=/home ; USER=root ; COMMAND=/usr/bin/true")),
        _ => ("kernel", format!("device eth0 entered promiscuous mode {number}")),
    }
}

/// Who says what where.
fn said(fleet: &mut Fleet) -> (i64, u32, &'static str, String) {
    if fleet.is_logon() {
        let logon = fleet.logon();
        return (logon.millisecond, logon.machine, "sshd", accepted(&logon));
    }
    let (millisecond, machine) = (fleet.tick(), fleet.machine());
    let (program, text) = chatter(fleet);
    (millisecond, machine, program, text)
}

pub(crate) fn journal(fleet: &mut Fleet, as_json: bool, out: &mut impl Write) -> io::Result<()> {
    let (millisecond, machine, program, text) = said(fleet);
    let pid = fleet.random.u16(100..).to_string();
    let record = json!({
        "__CURSOR": format!("s=7fc0ff;i={millisecond:x}"),
        "__REALTIME_TIMESTAMP": (millisecond * 1000).to_string(),
        "__MONOTONIC_TIMESTAMP": "1728240056", "_BOOT_ID": "811a816284bd41a5a03e444c42e8175d",
        "_TRANSPORT": "syslog", "PRIORITY": "6", "SYSLOG_FACILITY": "4",
        "SYSLOG_IDENTIFIER": program, "_UID": "0", "_GID": "0", "_COMM": program, "_PID": pid,
        "_EXE": format!("/usr/sbin/{program}"), "_SYSTEMD_UNIT": format!("{program}.service"),
        "_MACHINE_ID": format!("{machine:032x}"), "_HOSTNAME": host(machine), "MESSAGE": text,
    });
    if as_json {
        return line(&record, out);
    }
    for (name, value) in record.as_object().into_iter().flatten() {
        writeln!(out, "{name}={}", value.as_str().unwrap_or_default())?;
    }
    out.write_all(b"\n")
}

pub(crate) fn auth_log(fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
    let (millisecond, machine, program, text) = said(fleet);
    let time = moment(millisecond).strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string();
    writeln!(out, "{time} {} {program}[{}]: {text}", host(machine), fleet.random.u16(100..))
}

pub(crate) fn auditd(fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
    if fleet.is_logon() {
        let logon = fleet.logon();
        return writeln!(
            out,
            "node={} type=USER_LOGIN msg=audit({}.{:03}:{}): pid=1203 uid=0 auid={rid} ses=1 \
             msg='op=login id={rid} exe=\"/usr/sbin/sshd\" hostname={remote} addr={remote} \
             terminal=/dev/pts/0 res=success'\x1dUID=\"root\" AUID=\"{user}\" ID=\"{user}\"",
            host(logon.machine),
            logon.millisecond / 1000,
            logon.millisecond % 1000,
            logon.number,
            rid = logon.rid,
            remote = logon.remote,
            user = logon.user,
        );
    }
    let (millisecond, machine) = (fleet.tick(), fleet.machine());
    writeln!(
        out,
        "node={} type=SYSCALL msg=audit({}.{:03}:{}): arch=c000003e syscall=59 success=yes exit=0 \
         a0=55d a1=55e ppid=1 pid={} auid=1000 uid=1000 comm=\"bash\" exe=\"/usr/bin/bash\" key=\"exec\"",
        host(machine),
        millisecond / 1000,
        millisecond % 1000,
        fleet.random.u32(..),
        fleet.random.u16(..),
    )
}

/// A record of 384 bytes, as x86-64 writes it.
pub(crate) fn wtmp(fleet: &mut Fleet, out: &mut impl Write) -> io::Result<()> {
    const USER_PROCESS: i16 = 7;
    const DEAD_PROCESS: i16 = 8;
    let kind = if fleet.is_logon() { USER_PROCESS } else { DEAD_PROCESS };
    let logon = fleet.logon();
    let mut record = [0_u8; 384];
    let mut put = |at: usize, bytes: &[u8]| record[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &kind.to_le_bytes());
    put(4, &((logon.number % 30_000) as u32).to_le_bytes());
    put(8, b"pts/0");
    if kind == USER_PROCESS {
        put(44, logon.user.as_bytes());
        put(76, logon.remote.as_bytes());
    }
    put(340, &((logon.millisecond / 1000) as u32).to_le_bytes());
    put(344, &((logon.millisecond % 1000) as u32 * 1000).to_le_bytes());
    out.write_all(&record)
}
