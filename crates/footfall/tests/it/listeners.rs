//! `[[listener]]` through real sockets: what is sent is on the disk, once, and what may not be is refused.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::*;

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with listeners, and where they are.
struct Listening {
    child: Child,
    /// Kept, since the server would fail to write to a closed pipe.
    _stdout: BufReader<std::process::ChildStdout>,
    addresses: Vec<String>,
}

impl Listening {
    /// Starts a server with one listener for each text of settings.
    fn start(program: &Program, listeners: &[&str]) -> Self {
        let config = program.folder.path().join("footfall.toml");
        let sections = listeners
            .iter()
            .map(|settings| format!("[[listener]]\naddress = \"127.0.0.1:0\"\n{settings}\n"));
        std::fs::write(&config, sections.collect::<String>()).unwrap();
        let mut child = program
            .command()
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            line
        };
        assert!(line().starts_with("Footfall serves http"));
        let addresses = listeners.iter().map(|_| {
            let line = line();
            let found = line.trim_end().split_once("://").map(|(_, address)| address.to_owned());
            found.unwrap_or_else(|| panic!("no listener: {line}"))
        });
        let addresses = addresses.collect();
        Self { child, _stdout: stdout, addresses }
    }

    fn connect(&self, at: usize) -> TcpStream {
        TcpStream::connect(&self.addresses[at]).unwrap()
    }

    #[cfg(unix)]
    fn terminate(&mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn database(program: &Program) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(program.database()).unwrap();
    connection.busy_timeout(PATIENCE).unwrap();
    connection
}

pub(crate) fn events(program: &Program) -> i64 {
    database(program).query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap()
}

/// Waits until so many events are there, and a little longer: there must not be more.
pub(crate) fn wait_for_events(program: &Program, expected: i64) {
    let start = Instant::now();
    while events(program) < expected {
        assert!(start.elapsed() < PATIENCE, "{} of {expected}", events(program));
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(events(program), expected);
}

/// Received, accepted and rejected of each sender, once so many were received in all.
fn senders(program: &Program, received: i64) -> Vec<(String, i64, i64, i64)> {
    let start = Instant::now();
    loop {
        let db = database(program);
        let mut find = db
            .prepare(
                "SELECT kind || ' ' || name, received, accepted, rejected FROM sender ORDER BY 1",
            )
            .unwrap();
        let rows =
            find.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        let rows: Vec<(String, i64, i64, i64)> = rows.unwrap().collect::<Result<_, _>>().unwrap();
        if rows.iter().map(|row| row.1).sum::<i64>() >= received {
            return rows;
        }
        assert!(start.elapsed() < PATIENCE, "{rows:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// sshd's words, in RFC 5424 or RFC 3164.
pub(crate) fn said(n: u32, is_new: bool) -> String {
    let words = format!(
        "Accepted publickey for user{} from 192.0.2.7 port {} ssh2: ED25519 SHA256:x",
        n % 40,
        1024 + n % 60_000
    );
    let (minute, second) = (n / 60 % 60, n % 60);
    match is_new {
        true => format!(
            "<86>1 2026-03-01T10:{minute:02}:{second:02}.25Z web-{} sshd {n} - - {words}",
            n % 7
        ),
        false => format!("<86>Mar  1 10:{minute:02}:{second:02} web-{} sshd[{n}]: {words}", n % 7),
    }
}

const SYSLOG: &str = "kind = \"syslog\"\nprotocol = \"tcp\"\ntimezone = \"UTC\"";
const LINES: &str = "kind = \"lines\"\nprotocol = \"tcp\"";

#[test]
fn both_framings_of_syslog_come_in_pieces_and_count_once() {
    let program = Program::new();
    let server = Listening::start(&program, &[SYSLOG]);
    let mut stream = Vec::new();
    for n in 0..60 {
        let message = said(n, n % 3 > 0);
        match n % 4 {
            0 => stream.extend(format!("{message}\n").into_bytes()),
            1 => stream.extend(format!("{} {message}", message.len()).into_bytes()),
            2 => stream.extend(format!("{message}\0").into_bytes()),
            _ => stream.extend(format!("{} {message}\n", message.len() + 1).into_bytes()),
        }
    }
    // The last has no end but the stream's.
    stream.extend(said(60, true).into_bytes());
    for (at, piece) in [1, 3, stream.len()].into_iter().enumerate() {
        let mut sender = server.connect(0);
        sender.set_nodelay(true).unwrap();
        for piece in stream.chunks(piece) {
            sender.write_all(piece).unwrap();
        }
        sender.shutdown(Shutdown::Write).unwrap();
        // It is closed once all is written.
        assert_eq!(sender.read(&mut [0]).unwrap(), 0);
        assert_eq!(events(&program), 61);
        let came = 61 * (at as i64 + 1);
        assert_eq!(senders(&program, came), [("syslog-tcp 127.0.0.1".to_owned(), came, 61, 0)]);
    }
}

#[test]
fn lines_are_json_or_xml_and_the_senders_machine_and_zone_are_configured() {
    let program = Program::new();
    let settings = format!("{LINES}\ndevice = \"db-1\"\ntimezone = \"Europe/Berlin\"");
    let server = Listening::start(&program, &[&settings]);
    let mut sender = server.connect(0);
    let event = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
        <Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4624</EventID>\
        <TimeCreated SystemTime='2026-03-01T08:00:00Z'/><EventRecordID>9</EventRecordID>\
        <Channel>Security</Channel><Computer>ws-9</Computer></System><EventData>\
        <Data Name='TargetUserName'>xavier</Data><Data Name='LogonType'>2</Data></EventData></Event>";
    let zoneless = r#"{"EventTime":"2026-03-01 12:00:00","EventID":4624,"Channel":"Security","RecordNumber":5,"TargetUserName":"zoe","LogonType":2}"#;
    sender.write_all(nxlog_lines(3, 1).as_bytes()).unwrap();
    sender
        .write_all(format!("\r\n{event}\n{zoneless}\nnonsense\n{{\"a\":1}}\n").as_bytes())
        .unwrap();
    sender.shutdown(Shutdown::Write).unwrap();
    assert_eq!(sender.read(&mut [0]).unwrap(), 0);
    assert_eq!(events(&program), 5);
    let found = senders(&program, 7);
    assert_eq!(found, [("lines-tcp 127.0.0.1".to_owned(), 7, 5, 2)]);
    let zoe = program.json(&["machines", "zoe", "--json"]);
    assert_eq!(zoe[0]["machine"]["computerDnsName"], "db-1");
    assert_eq!(zoe[0]["firstSeen"], "2026-03-01T11:00:00Z");
}

#[test]
fn a_session_that_sshd_told_of_counts_once() {
    let program = Program::new();
    let server = Listening::start(&program, &[SYSLOG]);
    let mut sender = server.connect(0);
    let session = |n: u32, user: &str, kind: &str| {
        format!(
            "<38>1 2026-03-01T10:00:{:02}.5Z web-0 systemd-logind 5 - - New session '{n}' of user \
             '{user}' with class 'user' and type '{kind}'.\n",
            n + 1
        )
    };
    // In batches of their own: what is remembered goes from one to the next.
    for text in [said(0, true) + "\n", session(0, "user0", "tty"), session(1, "user0", "wayland")] {
        sender.write_all(text.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(200));
    }
    wait_for_events(&program, 2);
}

#[test]
fn audit_records_come_by_way_of_syslog() {
    let program = Program::new();
    let server = Listening::start(&program, &[SYSLOG]);
    let mut sender = server.connect(0);
    let record = "type=USER_LOGIN msg=audit(1772359200.100:7): pid=9 uid=0 auid=1000 ses=3 msg='op=login \
        id=1000 exe=\"/usr/sbin/sshd\" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'";
    let text = format!(
        "<13>Mar  1 10:00:00 web-1 audisp-syslog[5]: {record}#035UID=\"root\" AUID=\"ann\" ID=\"ann\"\n\
         <13>Mar  1 10:00:00 web-1 nginx[5]: {record}\n"
    );
    sender.write_all(text.as_bytes()).unwrap();
    sender.shutdown(Shutdown::Write).unwrap();
    assert_eq!(sender.read(&mut [0]).unwrap(), 0);
    assert_eq!(events(&program), 1);
    let machines = program.json(&["machines", "ann", "--json"]);
    assert_eq!(machines[0]["machine"]["computerDnsName"], "web-1");
}

#[test]
fn connections_are_bounded_and_the_silent_ones_end() {
    let program = Program::new();
    let settings = format!("{SYSLOG}\nmax_connections = 1\nidle_timeout = \"1s\"");
    let server = Listening::start(&program, &[&settings]);
    let mut first = server.connect(0);
    first.write_all(format!("{}\n", said(1, true)).as_bytes()).unwrap();
    wait_for_events(&program, 1);
    let start = Instant::now();
    // It waits for a place: the system took it, the server did not.
    let mut second = server.connect(0);
    second.write_all(format!("{}\n", said(2, true)).as_bytes()).unwrap();
    // The first is silent, and ends.
    assert_eq!(first.read(&mut [0]).unwrap(), 0);
    assert!(start.elapsed() < Duration::from_secs(5));
    wait_for_events(&program, 2);
}

/// An authority of senders, and a certificate of one.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "senders");
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn sender(&self, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        (vec![certificate.der().clone()], key)
    }
}

/// Sends over TLS, and whether the server took it to the end.
fn send_over_tls(
    program: &Program,
    server: &Listening,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    text: &str,
) -> std::io::Result<()> {
    let mut roots = RootCertStore::empty();
    let trusted = program.run(&["certificate"]);
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, server.connect(0));
    stream.write_all(text.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()?;
    stream.sock.shutdown(Shutdown::Write)?;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).map(drop)
}

#[test]
fn over_tls_a_sender_is_who_its_certificate_says() {
    let program = Program::new();
    let authority = Authority::new();
    let path = program.folder.path().join("senders.pem");
    std::fs::write(&path, &authority.pem).unwrap();
    let settings = format!(
        "kind = \"syslog\"\nprotocol = \"tls\"\nclient_ca = \"{}\"",
        path.display().to_string().replace('\\', "/")
    );
    let server = Listening::start(&program, &[&settings]);
    let message = said(1, true);
    let text = format!("{} {message}{}\n", message.len(), said(2, true));
    send_over_tls(&program, &server, Some(authority.sender("collector-1")), &text).unwrap();
    assert_eq!(events(&program), 2);
    assert!(send_over_tls(&program, &server, None, &said(3, true)).is_err());
    let stranger = Authority::new().sender("collector-1");
    assert!(send_over_tls(&program, &server, Some(stranger), &said(4, true)).is_err());
    // In clear.
    let mut clear = server.connect(0);
    clear.write_all(format!("{}\n", said(5, true)).as_bytes()).unwrap();
    let _ = clear.read_to_end(&mut Vec::new());
    let expected = [("syslog-tls collector-1".to_owned(), 2, 2, 0)];
    assert_eq!(senders(&program, 2), expected);
}

#[test]
fn who_is_not_allowed_is_turned_away() {
    let program = Program::new();
    let udp = SYSLOG.replace("tcp", "udp");
    let elsewhere = "allow = [\"10.0.0.0/8\", \"::1\"]";
    let tcp = format!("{SYSLOG}\n{elsewhere}");
    let server = Listening::start(&program, &[&tcp, &format!("{udp}\n{elsewhere}"), &udp]);
    let text = format!("{}\n", said(1, true));
    let mut denied = server.connect(0);
    let _ = denied.write_all(text.as_bytes());
    let read = denied.read(&mut [0]);
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(text.as_bytes(), &server.addresses[1]).unwrap();
    socket.send_to(said(2, true).as_bytes(), &server.addresses[2]).unwrap();
    wait_for_events(&program, 1);
    assert_eq!(senders(&program, 1), [("syslog-udp 127.0.0.1".to_owned(), 1, 1, 0)]);
}

#[test]
fn datagrams_are_messages_of_both_forms() {
    let program = Program::new();
    let server = Listening::start(&program, &[&SYSLOG.replace("tcp", "udp")]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let long = said(4, true) + &" ".repeat(60_000);
    for message in [said(1, true), said(2, false) + "\n", said(3, true) + "\0", long, "\0".into()] {
        socket.send_to(message.as_bytes(), &server.addresses[0]).unwrap();
    }
    wait_for_events(&program, 4);
}

#[test]
fn messages_that_are_too_long_are_counted_and_cost_only_themselves() {
    let program = Program::new();
    let server = Listening::start(&program, &[SYSLOG, LINES]);
    let long = "x".repeat(1024 * 1024);
    let mut sender = server.connect(0);
    // All of what is announced to be one message is passed over, lines that look like messages too.
    let mut counted = format!("<1>{long}\n").into_bytes();
    counted.extend(format!("{}\n", said(3, true)).repeat(50_000).into_bytes());
    let text = format!("{}\n<1>{long}\n{}\n{} ", said(1, true), said(2, true), counted.len());
    sender.write_all(text.as_bytes()).unwrap();
    sender.write_all(&counted).unwrap();
    sender.write_all(format!("{}\n", said(4, true)).as_bytes()).unwrap();
    sender.shutdown(Shutdown::Write).unwrap();
    assert_eq!(sender.read(&mut [0]).unwrap(), 0);
    assert_eq!(events(&program), 3);
    assert_eq!(senders(&program, 5), [("syslog-tcp 127.0.0.1".to_owned(), 5, 3, 2)]);

    let mut sender = server.connect(1);
    let large = nxlog_lines(1, 7).replace("\"EventID\"", &format!("\"x\":\"{long}\",\"EventID\""));
    sender.write_all(large.as_bytes()).unwrap();
    sender.write_all(b"{\"x\":\"").unwrap();
    for _ in 0..17 {
        sender.write_all(long.as_bytes()).unwrap();
    }
    sender.write_all(format!("\"}}\n{}", nxlog_lines(1, 8)).as_bytes()).unwrap();
    sender.shutdown(Shutdown::Write).unwrap();
    assert_eq!(sender.read(&mut [0]).unwrap(), 0);
    assert_eq!(events(&program), 5);
    assert_eq!(senders(&program, 8)[0], ("lines-tcp 127.0.0.1".to_owned(), 3, 2, 1));
}

#[test]
fn a_database_that_somebody_holds_stalls_the_sender_and_loses_nothing() {
    const COUNT: u32 = 60_000;
    let program = Program::new();
    let server = Listening::start(&program, &[SYSLOG]);
    let held = database(&program);
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut sender = server.connect(0);
    sender.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let text: String = (0..COUNT).map(|n| said(n, true) + "\n").collect();
    let bytes = text.as_bytes();
    let mut sent = 0;
    let stalled = loop {
        match sender.write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(error) => break error,
        }
        assert!(sent < bytes.len(), "the sender was never told to wait");
    };
    assert!(matches!(stalled.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{stalled}");
    assert_eq!(events(&program), 0);
    held.execute_batch("ROLLBACK").unwrap();
    sender.set_write_timeout(None).unwrap();
    sender.write_all(&bytes[sent..]).unwrap();
    sender.shutdown(Shutdown::Write).unwrap();
    assert_eq!(sender.read(&mut [0]).unwrap(), 0);
    assert_eq!(events(&program), i64::from(COUNT));
}

#[cfg(unix)]
#[test]
fn a_server_that_is_ended_has_written_what_was_sent_until_it_said_so() {
    let program = Program::new();
    let mut server = Listening::start(&program, &[SYSLOG]);
    let mut sender = server.connect(0);
    let sending = std::thread::spawn(move || {
        let mut sent = 0;
        loop {
            // What careful shippers do before they write: has the server said that it goes?
            sender.set_nonblocking(true).unwrap();
            let is_told = matches!(sender.read(&mut [0]), Ok(0));
            sender.set_nonblocking(false).unwrap();
            if is_told {
                return sent;
            }
            sender.write_all(format!("{}\n", said(sent, true)).as_bytes()).unwrap();
            sent += 1;
        }
    });
    let start = Instant::now();
    while events(&program) < 2_000 {
        assert!(start.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
    server.terminate();
    let sent = sending.join().unwrap();
    assert_eq!(events(&program), i64::from(sent));
}

/// syslog-ng over TLS does not look whether its connection ended; behind an end that it did not see its
/// first write would still succeed, and be lost.
#[cfg(unix)]
#[test]
fn a_sender_that_sees_no_end_loses_nothing_to_an_orderly_stop() {
    let program = Program::new();
    let mut server = Listening::start(&program, &[SYSLOG]);
    let mut stream = server.connect(0);
    stream.write_all(format!("{}\n", said(1, true)).as_bytes()).unwrap();
    wait_for_events(&program, 1);
    server.terminate();
    assert!(stream.write(said(2, true).as_bytes()).is_err());
}

#[test]
fn what_is_written_outlives_a_kill() {
    const COUNT: u32 = 5_000;
    let program = Program::new();
    let mut server = Listening::start(&program, &[LINES]);
    let mut sender = server.connect(0);
    sender.write_all(nxlog_lines(COUNT, 1).as_bytes()).unwrap();
    wait_for_events(&program, COUNT.into());
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert_eq!(events(&program), i64::from(COUNT));
    // And the shipper that sends all again changes nothing.
    let server = Listening::start(&program, &[LINES]);
    let mut sender = server.connect(0);
    sender.write_all(nxlog_lines(COUNT + 1, 1).as_bytes()).unwrap();
    sender.shutdown(Shutdown::Write).unwrap();
    assert_eq!(sender.read(&mut [0]).unwrap(), 0);
    assert_eq!(events(&program), i64::from(COUNT) + 1);
}

#[test]
fn an_address_that_is_taken_ends_the_start() {
    let program = Program::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = program.folder.path().join("footfall.toml");
    let text = format!("[[listener]]\n{LINES}\naddress = \"{}\"\n", taken.local_addr().unwrap());
    std::fs::write(&config, text).unwrap();
    let mut command = program.command();
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&config);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("listener 1 on 127.0.0.1"), "{stderr}");
}
