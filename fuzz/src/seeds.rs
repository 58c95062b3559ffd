//! Writes what fuzzing starts from: a folder for each format, with few records of it.

use std::fs::File;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use samples::{Fleet, Shape};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderMethod};

fn main() -> io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("seeds FOLDER"));
    };
    for shape in Shape::ALL {
        let folder = folder.join(shape.name());
        std::fs::create_dir_all(&folder)?;
        for (number, bytes) in [600, 3_000, 9_000].into_iter().enumerate() {
            let mut mixed = File::create(folder.join(format!("mixed-{number}")))?;
            shape.write(&mut Fleet::new(number as u64), bytes, &mut mixed)?;
            let mut logons = File::create(folder.join(format!("logons-{number}")))?;
            shape.write(&mut Fleet::of_logons(number as u64), bytes, &mut logons)?;
        }
    }
    lines(&folder)?;
    tables(&folder.join("tables"))?;
    records(&folder.join("records"))?;
    carriers(&folder.join("carriers"))?;
    archives(&folder.join("archives"))
}

/// What shippers put around lines and entries: a record each, and all of them.
fn carriers(folder: &Path) -> io::Result<()> {
    const RECORDS: &str = include_str!("../../crates/footfall/tests/carriers.ndjson");
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("all"), RECORDS)?;
    for (number, record) in RECORDS.lines().enumerate() {
        std::fs::write(folder.join(number.to_string()), record)?;
    }
    Ok(())
}

/// Headers of relays, collectors and other systems, which no fleet of ours writes.
fn lines(folder: &Path) -> io::Result<()> {
    const SAID: &str =
        "Accepted publickey for ann from 192.0.2.7 port 5021 ssh2: ED25519 SHA256:abc";
    const HEADERS: [&str; 16] = [
        "<38>Mar  2 08:15:30 relay-1 <38>Mar  2 08:15:29 web-1 sshd[7]: ",
        "<38>1 2026-03-02T08:15:30Z relay-1 - - - - Mar  2 08:15:29 web-1 sshd[7]: ",
        "<86>Original Address=192.0.2.11 Mar  2 08:15:29 web-1 sshd[7]: ",
        "2026-03-02 08:15:30\tAuth.Info\tweb-1\tMar  2 08:15:29 web-1 sshd[7]: ",
        "2026-03-02T08:15:31.123456789Z stdout F Mar  2 08:15:29 web-1 sshd[7]: ",
        "2026-03-02T08:15:31Z {job=\"a \\\" b\"} Mar  2 08:15:29 web-1 sshd[7]: ",
        "sshd-1  | 2026-03-02T08:15:31.123Z Mar  2 08:15:29 web-1 sshd[7]: ",
        "@4000000069a5472d0a1b2c3d 192.0.2.11: auth.info: Mar  2 08:15:29 sshd[7]: ",
        "2026-03-02_08:15:31.12345 auth.info: Mar  2 08:15:29 web-1 sshd[7]: ",
        "Mar  2 2026 08:15:29 UTC: web-1 sshd[7]: ",
        "2026 Mar  2 08:15:29.5 web-1 auth|security:info sshd[7]: ",
        "Mar  2 08:15:29 <auth.info> web-1 sshd[7]: [ID 800047 auth.info] ",
        "2026-03-02T08:15:29Z In(38) sshd[7]: ",
        "Mon 2026-03-02 08:15:30 CET web-1 sshd@3-192.0.2.1:22-192.0.2.7:5.service[7]: ",
        "1772439330.123456 web-1 sshd[7]: ",
        "2026-03-02 08:15:30.123456+0000  localhost sshd[7]: (libsystem_c.dylib) [a:b] ",
    ];
    const LAUREL: &str = r#"{"ID":"1772448000.755:1","NODE":"web-1","USER_LOGIN":[{"pid":7,"ses":1,"msg":{"op":"login","acct":"a%20b","exe":"/usr/sbin/sshd","addr":"192.0.2.7","res":"success"},"AUID":"ann"}]}"#;
    let lines = HEADERS.map(|header| format!("{header}{SAID}\n")).concat();
    std::fs::write(folder.join(Shape::AuthLog.name()).join("headers"), lines)?;
    std::fs::write(folder.join(Shape::Auditd.name()).join("laurel"), format!("{LAUREL}\n"))
}

/// Tables of programs that write no shape of ours, and answers of Kusto.
fn tables(folder: &Path) -> io::Result<()> {
    const SEEDS: [(&str, &str); 6] = [
        (
            "powershell",
            "#TYPE x\r\n\"Message\",\"Id\",\"LogName\",\"ProviderName\",\"MachineName\",\"TimeCreated\"\r\n\"An account\r\n\r\nSubject:\r\n\tSecurity ID:\tS-1-5-18\r\n\tAccount Name:\tWS$\r\n\tLogon ID:\t0x3E7\r\n\r\nLogon Type:\t2\r\n\r\nNew Logon:\r\n\tSecurity ID:\tS-1-5-21-1\r\n\tAccount Name:\tann\r\n\",\"4624\",\"Security\",\"Microsoft-Windows-Security-Auditing\",\"WS\",\"3/2/2026 8:15:30 AM\"\r\n",
        ),
        (
            "event-viewer",
            "Keywords,Date and Time,Source,Event ID,Task Category\r\nAudit Success,02.03.2026 08:15:30,Microsoft-Windows-Security-Auditing,4624,Logon,\"An account\"\r\n",
        ),
        (
            "kibana",
            "\"@timestamp\",\"winlog.event_id\",\"winlog.channel\",\"winlog.computer_name\",\"winlog.event_data.TargetUserName\",\"winlog.event_data.LogonType\"\n\"Mar 2, 2026 @ 08:15:30.123\",\"4,624\",Security,WS,ann,2\n",
        ),
        (
            "log-analytics",
            "sep=;\nTimeGenerated [UTC];EventLog;Source;Computer;EventID;EventData\n2. M\u{e4}rz 2026, 08:15;Security;Microsoft-Windows-Security-Auditing;WS;4624;<DataItem><EventData><Data Name='TargetUserName'>ann</Data><Data Name='LogonType'>2</Data></EventData></DataItem>\n",
        ),
        (
            "kusto",
            r#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated"},{"name":"HostName"},{"name":"SyslogMessage"},{"name":"ProcessName"}],"rows":[["2026-03-02T08:15:30Z","web-1","Accepted password for ann from 192.0.2.7 port 1 ssh2","sshd"]]}]}"#,
        ),
        ("utf16", "T\0i\0m\0e\0s\0t\0a\0m\0p\0,\0D\0e\0v\0i\0c\0e\0I\0d\0\n\0"),
    ];
    std::fs::create_dir_all(folder)?;
    SEEDS.iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
}

/// Records of utmp as text, and of other systems.
fn records(folder: &Path) -> io::Result<()> {
    const LAST: &str = "\
ann      pts/1        192.0.2.7        Sun Mar  1 12:02 - 13:01  (00:59)
olga.beer              :0               Sun Mar  1 12:01 - down  (1+03:45)
ann      tty1                          2026-03-01T12:01:02+00:00 - crash (00:45)    gate.example
reboot   system boot  6.1.0-18-amd64   Sun Mar  1 12:00:00 2026   still running

wtmp begins Sun Mar  1 12:00:00 2026
";
    const DUMP: &str = "\
[7] [01234] [ts/1] [ann     ] [pts/1       ] [192.0.2.7           ] [192.0.2.7      ] [2026-03-01T12:02:10,250000+00:00]
[6] [01234] [    ] [root    ] [ssh:notty   ] [                    ] [0.0.0.0        ] [Sat Nov 10 20:22:14 2018 +07]
";
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("last"), LAST)?;
    std::fs::write(folder.join("utmpdump"), DUMP)?;
    let mut macos = vec![0; 2 * 628];
    let mut put = |at: usize, bytes: &[u8]| macos[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"utmpx-1.00");
    put(296, &10_i16.to_le_bytes());
    put(628, b"ann");
    put(628 + 260, b"console");
    put(628 + 296, &7_i16.to_le_bytes());
    put(628 + 300, &1_772_366_400_i32.to_le_bytes());
    std::fs::write(folder.join("macos"), macos)
}

/// Those that fuzz/run has no program for.
fn archives(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut lines = Vec::new();
    Shape::NxLog.write(&mut Fleet::of_logons(1), 2_000, &mut lines)?;
    std::fs::write(folder.join("zstd"), zstd::encode_all(&*lines, 3)?)?;
    for method in [EncoderMethod::LZMA, EncoderMethod::LZMA2] {
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).map_err(io::Error::other)?;
        writer.set_content_methods(vec![method.into()]);
        let entry = ArchiveEntry::new_file("logons.json");
        writer.push_archive_entry(entry, Some(&*lines)).map_err(io::Error::other)?;
        let packed = writer.finish()?.into_inner();
        std::fs::write(folder.join(format!("7z-{}", method.name())), packed)?;
    }
    Ok(())
}
