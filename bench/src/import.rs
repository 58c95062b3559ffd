//! Importing files beside the bare parse of the same bytes by the same crate: EVTX by `evtx` to
//! JSON on two threads, JSON lines by `serde_json` to values on one.

use std::io::{BufRead, BufReader};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::Context;
use evtx::{EvtxParser, ParserSettings};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files to read: EVTX or JSON lines
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The program to measure
    #[arg(long, default_value = "target/release/footfall")]
    program: PathBuf,
    /// Threads of the bare EVTX parse
    #[arg(long, default_value = "2")]
    threads: NonZeroUsize,
    /// How often each file is read; the best time counts
    #[arg(long, default_value_t = 3)]
    times: usize,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    println!("| file | MB | records | bare parse | import | ratio |");
    println!("|---|---|---|---|---|---|");
    for file in &args.files {
        let size_mb = std::fs::metadata(file)?.len() as f64 / 1e6;
        let mut bare = f64::INFINITY;
        let mut import = f64::INFINITY;
        let mut records = 0;
        for _ in 0..args.times.max(1) {
            let start = Instant::now();
            records = parse(file, args.threads)?;
            bare = bare.min(start.elapsed().as_secs_f64());
            import = import.min(import_time(Command::new(&args.program), file)?);
        }
        let name = file.file_name().unwrap_or(file.as_os_str()).display();
        println!(
            "| {name} | {size_mb:.0} | {records} | {:.0} MB/s, {:.0} records/s | {:.0} MB/s, \
             {:.0} records/s | {:.2} |",
            size_mb / bare,
            records as f64 / bare,
            size_mb / import,
            records as f64 / import,
            bare / import
        );
    }
    Ok(())
}

pub(crate) fn parse(file: &Path, threads: NonZeroUsize) -> anyhow::Result<u64> {
    let mut head = [0; 8];
    let read = std::io::Read::read(&mut std::fs::File::open(file)?, &mut head)?;
    if &head[..read] == b"ElfFile\0" {
        let settings = ParserSettings::default().num_threads(threads.get());
        let mut parser = EvtxParser::from_path(file)?.with_configuration(settings);
        return Ok(parser.records_json().filter(Result::is_ok).count() as u64);
    }
    let mut records = 0;
    for line in BufReader::with_capacity(1 << 20, std::fs::File::open(file)?).lines() {
        serde_json::from_str::<serde_json::Value>(&line?).context("a line that is no JSON")?;
        records += 1;
    }
    Ok(records)
}

/// Seconds of a whole import into an empty store: start, reading, commit, end.
pub(crate) fn import_time(mut program: Command, file: &Path) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("import.sqlite").display());
    let start = Instant::now();
    let output = program
        .args(["--database", &url, "import", "--json"])
        .arg(file)
        .output()
        .with_context(|| format!("cannot run {program:?}"))?;
    let seconds = start.elapsed().as_secs_f64();
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(seconds)
}
