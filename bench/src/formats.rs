//! Importing a made file of each format, of which few records are logons, beside what is least: to
//! count its lines (`wc -l`, or `zcat` of the packed file), and to parse every record by the crate
//! that reads the format.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use samples::{Fleet, Shape};

use crate::import::import_time;

/// What the file in gzip is called among the formats.
const PACKED: &str = "nxlog.gz";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Formats to measure, and nxlog.gz; without any all of them
    formats: Vec<String>,
    /// MB of each file
    #[arg(long, default_value_t = 1000)]
    mb: u64,
    /// Records that are nothing but logons of people
    #[arg(long)]
    logons: bool,
    /// An event log of which a file of EVTX is made, by repeating its chunks
    #[arg(long)]
    evtx: Option<PathBuf>,
    /// The program to measure
    #[arg(long, default_value = "target/release/footfall")]
    program: PathBuf,
    /// How often each file is read; the best time counts
    #[arg(long, default_value_t = 3)]
    times: usize,
    /// Where the files are made
    #[arg(long)]
    folder: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    println!(
        "| format | MB | records | `wc -l` | bare parse | one core | two cores | of the bare parse |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let folder = match &args.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    for shape in Shape::ALL {
        if args.formats.is_empty() || args.formats.iter().any(|name| name == shape.name()) {
            let file = folder.path().join(shape.name());
            let records = make(shape, args, &file)?;
            measure(shape.name(), &file, records, args, || bare(shape, &file))?;
            std::fs::remove_file(&file)?;
        }
    }
    if let Some(log) = &args.evtx {
        let file = folder.path().join("evtx");
        repeat_chunks(log, args.mb * 1_000_000, &file)?;
        let threads = std::num::NonZeroUsize::new(2).context("two")?;
        let records = crate::import::parse(&file, threads)?;
        measure("evtx", &file, records, args, || crate::import::parse(&file, threads).map(drop))?;
    }
    if args.formats.is_empty() || args.formats.iter().any(|name| name == PACKED) {
        packed(args, folder.path())?;
    }
    Ok(())
}

fn make(shape: Shape, args: &Args, file: &Path) -> anyhow::Result<u64> {
    let mut fleet = if args.logons { Fleet::of_logons(1) } else { Fleet::new(1) };
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    let records = shape.write(&mut fleet, args.mb * 1_000_000, &mut out)?;
    out.flush()?;
    Ok(records)
}

fn measure(
    name: &str,
    file: &Path,
    records: u64,
    args: &Args,
    parse: impl Fn() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mb = std::fs::metadata(file)?.len() as f64 / 1e6;
    let (mut lines, mut bare, mut one, mut two) = (f64::MAX, f64::MAX, f64::MAX, f64::MAX);
    for _ in 0..args.times.max(1) {
        lines = lines.min(seconds(|| run_quietly(Command::new("wc").arg("-l").arg(file)))?);
        bare = bare.min(seconds(&parse)?);
        let mut on_one_core = Command::new("taskset");
        on_one_core.args(["-c", "0"]).arg(&args.program);
        one = one.min(import_time(on_one_core, file)?);
        two = two.min(import_time(Command::new(&args.program), file)?);
    }
    let records = records as f64;
    println!(
        "| {name} | {mb:.0} | {records} | {:.0} MB/s | {:.0} MB/s | {:.0} MB/s | {:.0} MB/s, \
         {:.0} records/s | {:.2} |",
        mb / lines,
        mb / bare,
        mb / one,
        mb / two,
        records / two,
        bare / two,
    );
    Ok(())
}

/// The same file packed, beside `zcat`.
fn packed(args: &Args, folder: &Path) -> anyhow::Result<()> {
    let (plain, gz) = (folder.join("nxlog"), folder.join("nxlog.gz"));
    let records = make(Shape::NxLog, args, &plain)? as f64;
    let packed =
        Command::new("gzip").args(["-1", "-c"]).arg(&plain).stdout(File::create(&gz)?).status()?;
    anyhow::ensure!(packed.success(), "gzip failed");
    let mb = std::fs::metadata(&plain)?.len() as f64 / 1e6;
    let (mut zcat, mut two) = (f64::MAX, f64::MAX);
    for _ in 0..args.times.max(1) {
        zcat = zcat.min(seconds(|| run_quietly(Command::new("zcat").arg(&gz)))?);
        two = two.min(import_time(Command::new(&args.program), &gz)?);
    }
    println!(
        "\nnxlog in gzip: `zcat` {:.0} MB/s, import {:.0} MB/s ({:.0} records/s), {:.2} of `zcat`",
        mb / zcat,
        mb / two,
        records / two,
        zcat / two
    );
    Ok(())
}

fn seconds(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

fn run_quietly(command: &mut Command) -> anyhow::Result<()> {
    anyhow::ensure!(command.stdout(Stdio::null()).status()?.success(), "{command:?} failed");
    Ok(())
}

/// Parses every record by the crate that reads the format, on one thread.
fn bare(shape: Shape, file: &Path) -> anyhow::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(file)?);
    match shape {
        Shape::WefXml => {
            let mut xml = quick_xml::Reader::from_reader(reader);
            let mut buffer = Vec::new();
            while !matches!(xml.read_event_into(&mut buffer)?, quick_xml::events::Event::Eof) {
                buffer.clear();
            }
        }
        Shape::SentinelCsv | Shape::DefenderCsv => {
            let mut rows = csv::Reader::from_reader(reader);
            let mut row = csv::ByteRecord::new();
            while rows.read_byte_record(&mut row)? {}
        }
        Shape::Wtmp => {
            let mut record = [0; 384];
            while reader.read_exact(&mut record).is_ok() {
                std::hint::black_box(&record);
            }
        }
        _ if shape.is_json() => {
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line)? > 0 {
                serde_json::from_slice::<serde_json::Value>(&line)?;
                line.clear();
            }
        }
        _ => {
            for line in reader.lines() {
                std::hint::black_box(line?.split(' ').count());
            }
        }
    }
    Ok(())
}

/// A log of so many bytes: the header and the chunks of another, again and again.
fn repeat_chunks(log: &Path, bytes: u64, file: &Path) -> anyhow::Result<()> {
    const HEADER: usize = 4096;
    const CHUNK: usize = 64 * 1024;
    let log = std::fs::read(log).with_context(|| format!("cannot read {}", log.display()))?;
    anyhow::ensure!(log.len() > HEADER + CHUNK, "the event log has no chunk");
    let mut out = BufWriter::new(File::create(file)?);
    out.write_all(&log[..HEADER])?;
    let chunks = log[HEADER..].chunks_exact(CHUNK).filter(|chunk| chunk.starts_with(b"ElfChnk"));
    let chunks: Vec<_> = chunks.collect();
    let mut written = 0;
    while written < bytes {
        for chunk in &chunks {
            out.write_all(chunk)?;
            written += CHUNK as u64;
        }
    }
    Ok(out.flush()?)
}
