//! The systemd journal, followed through the program that belongs to it, from where it was left.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use inventory::time::Timestamp;
use serde::Deserialize;
use server::clock::{Clock, SystemClock};
use store::Followed;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::Context;
use super::report::Event;
use crate::import::journal::PROGRAMS;
pub(super) use crate::import::journal::program;

/// What people know it by, and its place.
const NAME: &str = "the journal";
/// A longer entry is passed over.
const MAX_ENTRY_BYTES: usize = 16 * 1024 * 1024;
const READ_BYTES: usize = 256 * 1024;
/// What is waited before the program is started again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "__CURSOR")]
    cursor: String,
}

/// Follows the journal until the watch is to stop, or reads what is there.
pub(super) async fn follow(context: Arc<Context>, program: PathBuf) {
    let mut pause = FIRST_PAUSE;
    let mut cursor = context.places.cursor(NAME);
    loop {
        let read = run(&context, &program, &cursor).await;
        if context.is_stopping() || context.is_once && read.is_ok() {
            return;
        }
        let new = context.places.cursor(NAME);
        match &read {
            Ok(()) => {
                let error = std::io::Error::other("journalctl ended; it is started again");
                tracing::info!(%error);
            }
            Err(error) => context.report.tell(&Event::Failed { path: NAME, error }),
        }
        if new != cursor {
            (cursor, pause) = (new, FIRST_PAUSE);
        } else if read.is_err() && !cursor.is_empty() {
            // A cursor that it does not take: the journal is another. What was read is known.
            cursor.clear();
        } else if context.is_once {
            return;
        }
        let is_over = async {
            while !context.is_stopping() {
                context.wake.notified().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = is_over => return,
        }
        pause = (2 * pause).min(LAST_PAUSE);
    }
}

/// Runs the program once, to its end.
async fn run(context: &Context, program: &Path, cursor: &str) -> std::io::Result<()> {
    let mut command = Command::new(program);
    command.args(["--output=json", "--no-pager", "--quiet", "--all"]);
    for name in PROGRAMS {
        command.args(["-t", name]);
    }
    if !context.is_once {
        command.args(["--follow", "--lines=all"]);
    }
    if !cursor.is_empty() {
        command.arg(format!("--after-cursor={cursor}"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    context.report.tell(&Event::Following { path: NAME.to_owned(), position: 0 });
    read(context, &mut child).await?;
    if context.is_stopping() {
        return child.kill().await;
    }
    let status = child.wait().await?;
    match status.success() {
        true => Ok(()),
        false => Err(std::io::Error::other(format!("journalctl ended with {status}"))),
    }
}

/// Reads what the program writes, until it ends or the watch is to.
async fn read(context: &Context, child: &mut Child) -> std::io::Result<()> {
    let Some(mut stdout) = child.stdout.take() else { return Ok(()) };
    let mut buffer = BytesMut::new();
    let mut is_passing = false;
    loop {
        buffer.reserve(READ_BYTES);
        let is_over = async {
            while !context.is_stopping() {
                // Asked now and then, for others may take the word that wakes.
                let _ = tokio::time::timeout(FIRST_PAUSE, context.wake.notified()).await;
            }
        };
        let count = tokio::select! {
            count = stdout.read_buf(&mut buffer) => count?,
            () = is_over => return Ok(()),
        };
        if count == 0 {
            return Ok(());
        }
        let Some(end) = buffer.iter().rposition(|&byte| byte == b'\n') else {
            if buffer.len() > MAX_ENTRY_BYTES {
                buffer.clear();
                is_passing = true;
            }
            continue;
        };
        let mut text = buffer.split_to(end + 1).freeze();
        let unreadable = u64::from(is_passing);
        if std::mem::take(&mut is_passing) {
            let end = text.iter().position(|&byte| byte == b'\n').unwrap_or(end);
            text = text.slice(end + 1..);
        }
        write(context, &text, unreadable).await;
    }
}

/// Writes entries, and keeps the place behind them.
async fn write(context: &Context, text: &Bytes, unreadable: u64) {
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let records: Vec<Bytes> = lines.map(|line| text.slice_ref(line)).collect();
    let last = records.iter().rev().find_map(|entry| serde_json::from_slice::<Entry>(entry).ok());
    let now = SystemClock.now();
    let taken =
        context.intake.records_patiently(&context.origin(NAME), now, records, unreadable).await;
    let Ok(taken) = taken else { return };
    if let Some(Entry { cursor }) = last {
        context.places.keep(place(cursor, now));
    }
    context.report.tell(&Event::Read { path: NAME, taken: &taken });
}

fn place(cursor: String, at: Timestamp) -> Followed {
    Followed {
        source: NAME.to_owned(),
        device: 0,
        inode: 0,
        position: 0,
        modified: 0,
        head_length: 0,
        head: Vec::new(),
        tail: Vec::new(),
        cursor,
        at,
    }
}
