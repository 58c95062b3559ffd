//! A server of the API that does what a script says, however wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A request that was made.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Path and query.
    pub(crate) path: String,
    pub(crate) bearer: String,
    pub(crate) body: String,
    pub(crate) at: Instant,
    /// How many came before it with the same path and query.
    pub(crate) before: usize,
}

pub(crate) enum Reply {
    Json(Value),
    Status(u16, Vec<(&'static str, String)>, String),
    /// As it is, from the status line on.
    Raw(String),
    /// The connection is cut.
    Reset,
    /// A body that does not end.
    Endless,
}

type Script = dyn Fn(&Call) -> Reply + Send + Sync;

pub(crate) struct Source {
    pub(crate) origin: String,
    calls: Arc<Mutex<Vec<Call>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Source {
    /// Answers with what the script says; tokens are given without it.
    pub(crate) fn start(script: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (calls, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let script: Arc<Script> = Arc::new(script);
        let thread = std::thread::spawn({
            let (calls, stop) = (Arc::clone(&calls), Arc::clone(&stop));
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    // Who is ended in the middle of it is not waited for.
                    let _ = serve(stream.unwrap(), &calls, &*script);
                }
            }
        });
        Self { origin, calls, stop, thread: Some(thread) }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Calls of a path, tokens not among them.
    pub(crate) fn of(&self, part: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.path.contains(part)).collect()
    }

    pub(crate) fn forget(&self) {
        self.calls.lock().unwrap().clear();
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.origin.trim_start_matches("http://"));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(stream: TcpStream, calls: &Mutex<Vec<Call>>, script: &Script) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut bearer, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => bearer = value.trim_start_matches("Bearer ").to_owned(),
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let call = {
        let mut calls = calls.lock().unwrap();
        let before = calls.iter().filter(|call| call.path == path).count();
        let body = String::from_utf8(body).unwrap();
        let call = Call { path, bearer, body, at: Instant::now(), before };
        calls.push(call.clone());
        call
    };
    let reply = match script(&call) {
        // A script without a word on it gives tokens.
        Reply::Status(0, ..) if call.path.ends_with("/oauth2/v2.0/token") => {
            Reply::Json(json!({"access_token": "token-0", "expires_in": 3599}))
        }
        reply => reply,
    };
    write(reader.into_inner(), reply)
}

fn write(mut stream: TcpStream, reply: Reply) -> std::io::Result<()> {
    let (status, headers, body) = match reply {
        Reply::Json(body) => (200, Vec::new(), body.to_string()),
        Reply::Status(status, headers, body) => (status, headers, body),
        Reply::Raw(text) => return stream.write_all(text.as_bytes()),
        Reply::Reset => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"value\": [")?;
            return stream.shutdown(std::net::Shutdown::Both);
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            // Until nobody reads any more.
            loop {
                stream.write_all(chunk.as_bytes())?;
            }
        }
    };
    let mut head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
    head += &format!("Date: {}\r\nContent-Length: {}\r\n", http_date(0), body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes())
}

pub(crate) fn now() -> jiff::Timestamp {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    jiff::Timestamp::from_second(now.as_secs() as i64).unwrap()
}

/// The moment in so many seconds, as headers have it.
pub(crate) fn http_date(seconds: i64) -> String {
    let moment = now() + jiff::SignedDuration::from_secs(seconds);
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment).unwrap()
}

/// Nothing is said: of tokens they are given, of anything else it is not there.
pub(crate) fn nothing() -> Reply {
    Reply::Status(0, Vec::new(), String::new())
}

pub(crate) fn id(number: u32) -> String {
    format!("{number:040x}")
}

/// A machine that was seen last so many seconds from now.
pub(crate) fn machine(number: u32, seconds: i64) -> Value {
    let last = now() + jiff::SignedDuration::from_secs(seconds);
    json!({
        "id": id(number), "computerDnsName": format!("ws-{number}.corp.example"),
        "firstSeen": "2026-01-01T00:00:00Z", "lastSeen": last.to_string(),
        "osPlatform": "Windows11", "osBuild": 22631, "machineTags": ["t"],
    })
}

pub(crate) fn machines(rows: Vec<Value>, next: Option<&str>) -> Reply {
    let mut body = json!({"@odata.context": "https://x/api/$metadata#Machines", "value": rows});
    if let Some(next) = next {
        body["@odata.nextLink"] = next.into();
    }
    Reply::Json(body)
}

pub(crate) fn users() -> Reply {
    Reply::Json(json!({"@odata.context": "https://x/api/$metadata#Users", "value": [{
        "id": "corp\\jdoe", "accountName": "jdoe", "accountDomain": "corp", "accountSid": null,
        "firstSeen": "2026-03-04T07:11:02Z", "lastSeen": "2026-06-02T16:48:31Z",
        "mostPrevalentMachineId": null, "leastPrevalentMachineId": null,
        "logonTypes": "Interactive, RemoteInteractive", "logOnMachinesCount": null,
        "isDomainAdmin": false, "isOnlyNetworkUser": null}]}))
}

pub(crate) fn status(status: u16) -> Reply {
    Reply::Status(status, Vec::new(), String::new())
}
