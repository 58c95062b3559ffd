//! The client: a fixed number of connections, one request at a time on each, and no more work for
//! an answer than to find its end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What to ask, and how often.
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) authorization: String,
    pub(crate) paths: Vec<String>,
    pub(crate) connections: usize,
    pub(crate) time: Duration,
}

pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// The body of the first path's answer.
pub(crate) async fn body(load: &Load) -> anyhow::Result<Vec<u8>> {
    let mut connection = Connection::new(load).await?;
    connection.ask(&load.paths[0]).await?;
    Ok(connection.body().to_vec())
}

/// A second of warming up, then the measurement.
pub(crate) async fn run(load: &Load) -> anyhow::Result<Figures> {
    measure(load, Duration::from_secs(1)).await?;
    let start = Instant::now();
    let mut latencies = measure(load, load.time).await?;
    let elapsed = start.elapsed();
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    Ok(Figures {
        per_second: latencies.len() as f64 / elapsed.as_secs_f64(),
        p50: at(0.5),
        p99: at(0.99),
    })
}

async fn measure(load: &Load, time: Duration) -> anyhow::Result<Vec<Duration>> {
    let mut connections = JoinSet::new();
    let end = Instant::now() + time;
    for number in 0..load.connections {
        let mut connection = Connection::new(load).await?;
        let paths = load.paths.clone();
        let mut random = fastrand::Rng::with_seed(number as u64);
        connections.spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < end {
                let path = &paths[random.usize(0..paths.len())];
                let start = Instant::now();
                connection.ask(path).await?;
                latencies.push(start.elapsed());
            }
            Ok::<_, anyhow::Error>(latencies)
        });
    }
    let mut all = Vec::new();
    while let Some(latencies) = connections.join_next().await {
        all.extend(latencies??);
    }
    Ok(all)
}

pub(crate) struct Connection {
    stream: TcpStream,
    authorization: String,
    request: Vec<u8>,
    answer: Vec<u8>,
    body_start: usize,
}

impl Connection {
    async fn new(load: &Load) -> anyhow::Result<Self> {
        Self::to(load.address, &load.authorization).await
    }

    pub(crate) async fn to(address: SocketAddr, authorization: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            authorization: authorization.to_owned(),
            request: Vec::new(),
            answer: Vec::with_capacity(1 << 20),
            body_start: 0,
        })
    }

    pub(crate) async fn ask(&mut self, path: &str) -> anyhow::Result<()> {
        self.request.clear();
        self.request.extend_from_slice(
            format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n",
                self.authorization
            )
            .as_bytes(),
        );
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        let head = loop {
            anyhow::ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "closed");
            if let Some(end) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = std::str::from_utf8(&self.answer[..head])?;
        anyhow::ensure!(text.starts_with("HTTP/1.1 200"), "{text}");
        let length: usize = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .context("an answer without Content-Length")?;
        while self.answer.len() < head + length {
            anyhow::ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "closed");
        }
        self.body_start = head;
        Ok(())
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.answer[self.body_start..]
    }
}
