//! `footfall export`: everything in the inventory as files for other tools.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use serde_json::json;
use server::clock::{Clock, SystemClock};
use server::local::Local;
use store::RelationRow;
use tempfile::NamedTempFile;

use crate::ask;
use crate::cli::{Export, WindowArgs};
use crate::config::Config;
use crate::output::{self, Hinted};
use crate::place::Place;
use crate::query;
use crate::who::Shared;

/// Sets of the API, by path and by the name of their file.
const SETS: &[(&str, &str)] =
    &[("machines", "machines"), ("users", "users"), ("deviceGroups", "device-groups")];
/// The file of relations, which no set of the API has.
const RELATIONS: &str = "relations";

/// A file that was written.
struct Written {
    name: String,
    rows: u64,
}

/// Writes all files.
pub(crate) async fn run(config: &Config, args: &Export) -> anyhow::Result<()> {
    let place = Place::open_existing(config).await?;
    let folder = &args.folder;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let extension = if args.csv { "csv" } else { "ndjson" };
    let file_name = |name: &str| format!("{name}.{extension}");
    let names = SETS.iter().map(|(_, name)| *name).chain([RELATIONS]);
    let there = names.map(file_name).find(|name| folder.join(name).exists());
    if let (Some(name), false) = (there, args.force) {
        let file = folder.join(name);
        let what = format!("{} is there already", file.display());
        return Err(Hinted::error(what, "--force replaces the files of an earlier export"));
    }
    let local = query::local(config, &place).await?;
    let mut written = Vec::new();
    for (path, name) in SETS {
        let name = file_name(name);
        let rows = set(&local, path, args.csv, folder, &name).await?;
        written.push(Written { name, rows });
    }
    let name = file_name(RELATIONS);
    let rows = relations(config, &place, args.csv, folder, &name).await?;
    written.push(Written { name, rows });
    report(args, &written)
}

/// A set of the API, as it comes.
async fn set(
    local: &Local,
    path: &str,
    csv: bool,
    folder: &Path,
    name: &str,
) -> anyhow::Result<u64> {
    let accept = if csv { "text/csv" } else { "application/x-ndjson" };
    let mut answer = local.get(path, accept).await?;
    let mut file = begin(folder)?;
    // A field of CSV may hold a line break, and then quotes tell that it does.
    let (mut rows, mut quoted) = (0, false);
    while let Some(bytes) = answer.next().await? {
        for byte in &bytes {
            quoted ^= csv && *byte == b'"';
            rows += u64::from(*byte == b'\n' && !quoted);
        }
        file.write_all(&bytes).with_context(|| format!("cannot write {name}"))?;
    }
    finish(file, folder, name)?;
    // The first line of CSV names the columns.
    Ok(rows.saturating_sub(u64::from(csv)))
}

/// Who was on which machine, when and how.
async fn relations(
    config: &Config,
    place: &Place,
    csv: bool,
    folder: &Path,
    name: &str,
) -> anyhow::Result<u64> {
    let window = config.window(&WindowArgs::default(), SystemClock.now());
    let mut sink = match csv {
        true => Sink::Csv(Box::new(csv::Writer::from_writer(begin(folder)?))),
        false => Sink::Lines(begin(folder)?),
    };
    let shared = Shared::read(place).await?;
    let mut rows = 0;
    let listed = place
        .store
        .relations(&place.scope(), window, &mut |row| {
            rows += 1;
            sink.add(&row, &shared, rows == 1)
        })
        .await;
    match listed {
        Err(store::Error::Visitor(error)) => {
            return Err(anyhow::Error::new(error).context(format!("cannot write {name}")));
        }
        listed => listed?,
    }
    finish(sink.into_file()?, folder, name)?;
    Ok(rows)
}

type File = BufWriter<NamedTempFile>;

/// Where relations are written.
enum Sink {
    Csv(Box<csv::Writer<File>>),
    Lines(File),
}

impl Sink {
    fn add(&mut self, row: &RelationRow, shared: &Shared, is_first: bool) -> std::io::Result<()> {
        match self {
            Self::Csv(writer) => {
                if is_first {
                    writer.write_record(ask::relation_columns()).map_err(output::io_error)?;
                }
                writer.write_record(ask::relation_row(row, shared)).map_err(output::io_error)
            }
            Self::Lines(file) => {
                serde_json::to_writer(&mut *file, &ask::relation_line(row, shared))?;
                file.write_all(b"\n")
            }
        }
    }

    fn into_file(self) -> anyhow::Result<File> {
        match self {
            Self::Csv(writer) => Ok(writer.into_inner().map_err(|error| error.into_error())?),
            Self::Lines(file) => Ok(file),
        }
    }
}

/// A file without a name, beside those that it will be one of.
fn begin(folder: &Path) -> anyhow::Result<File> {
    let file = NamedTempFile::new_in(folder)
        .with_context(|| format!("cannot write in {}", folder.display()))?;
    Ok(BufWriter::new(file))
}

fn finish(file: File, folder: &Path, name: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", folder.join(name).display());
    let file = file.into_inner().map_err(|error| error.into_error()).with_context(failed)?;
    file.as_file().sync_all().with_context(failed)?;
    file.persist(folder.join(name)).map_err(|error| error.error).with_context(failed)?;
    Ok(())
}

fn report(args: &Export, written: &[Written]) -> anyhow::Result<()> {
    if args.json {
        let files: Vec<_> = written
            .iter()
            .map(|file| json!({"file": args.folder.join(&file.name), "rows": file.rows}))
            .collect();
        return Ok(output::json(&files)?);
    }
    for file in written {
        let name = args.folder.join(&file.name);
        eprintln!("{}: {}", name.display(), output::count(file.rows, "row"));
    }
    Ok(())
}
