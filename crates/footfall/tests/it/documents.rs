//! Every command of README.md and of docs is run as it is written, in a folder of its own, and its output has
//! the shape that the page shows.
//!
//! A page needs nothing for that: blocks of the language `console` hold commands behind `$ ` and what they
//! print; `sh` is a script; `http` are requests. `<!-- exit: 1 -->` above a block says that it shows an error.
//! What is not Footfall's, or stands for something else, is in `listed`; files and machines that pages name are
//! made in `place`.

mod listed;
mod page;
mod place;
mod shape;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::listed::{ELSEWHERE, LASTING};
use self::page::{Section, Step};
use self::place::{Lasting, Place};
use super::*;

/// Sections that are done at once.
const AT_ONCE: usize = 4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_command_of_the_pages_is_run_as_written() {
    let pages = page::pages(&root());
    let sections: Vec<Section> =
        pages.iter().flat_map(|(name, text)| page::sections(name, text)).collect();
    let sections: Vec<_> =
        sections.iter().filter(|it| it.blocks.iter().any(|it| !it.is_empty())).collect();
    let furnished = Place::furnished();
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(section) = sections.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = do_section(section, &furnished, &done);
                    faults.lock().unwrap().extend(found);
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(
        faults.is_empty(),
        "{} commands are not as written:\n\n{}",
        faults.len(),
        faults.join("\n\n")
    );
    assert!(done.into_inner() >= 70, "the pages have lost their commands");
}

#[test]
fn what_is_not_as_written_is_found() {
    let page = "# A page\n\n```console\n$ footfall machines jdoe\nMACHINE  NOBODYS  DOMAIN  ACCOUNTS\n\
                $ footfall machines nobody\n$ footfall relations --cvs\n> wevtutil sl Security\n\
                $ curl -s http://127.0.0.1:8080/api/machines\n```\n\n<!-- exit: 3 -->\n\
                ```console\n$ footfall machines jdoe\n```\n\n```powershell\nGet-WinEvent -LogName x\n```\n";
    let furnished = Place::furnished();
    let sections = page::sections("docs/made.md", page);
    let faults = do_section(&sections[0], &furnished, &AtomicUsize::new(0));
    let told = faults.join("\n");
    for line in [
        "4: $ footfall",
        "6: $ footfall",
        "7: $ footfall",
        "8: wevtutil",
        "9: $ curl",
        "14: $",
        "18: Get-",
    ] {
        assert!(told.contains(&format!("docs/made.md:{line}")), "{line}: {told}");
    }
    assert_eq!(faults.len(), 7, "{told}");
}

/// Does a section from top to bottom; what is not as it is written.
fn do_section(section: &Section, furnished: &Place, done: &AtomicUsize) -> Vec<String> {
    let is_here = |step: &&Step| elsewhere(&section.page, &step.command).is_none();
    let here: Vec<_> = section.blocks.iter().flatten().filter(is_here).collect();
    let mut faults = Vec::new();
    for step in here.iter().filter(|step| step.is_foreign) {
        faults.push(format!(
            "{}:{}: {}\n  is of another system: write it into ELSEWHERE (documents/listed.rs) with the reason",
            section.page, step.line, step.command
        ));
    }
    if here.len() == faults.len() {
        return faults;
    }
    let mut place = furnished.copy(&section.text);
    for block in &section.blocks {
        let mut lasting = Vec::new();
        for step in block.iter().filter(is_here).filter(|step| !step.is_foreign) {
            done.fetch_add(1, Ordering::Relaxed);
            if let Err(fault) = do_step(section, step, &mut place, &mut lasting) {
                faults
                    .push(format!("{}:{}: $ {}\n  {fault}", section.page, step.line, step.command));
            }
        }
        for fault in lasting.into_iter().filter_map(Lasting::end) {
            faults.push(format!("{}: {fault}", section.page));
        }
    }
    faults
}

fn do_step(
    section: &Section,
    step: &Step,
    place: &mut Place,
    lasting: &mut Vec<Lasting>,
) -> Result<(), String> {
    let command = place.adapted(&section.page, &step.command);
    let lasts = LASTING.iter().find(|(start, _)| step.command.starts_with(start));
    if let Some((_, sign)) = lasts.filter(|_| !step.command.contains("--once")) {
        let running = place.start(&command, sign)?;
        let printed = running.printed();
        lasting.push(running);
        return fits(step, &printed);
    }
    let output = place.run(&command);
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() != Some(step.exit) {
        return Err(format!("{}: {stdout}{stderr}\n  (run as: {command})", output.status));
    }
    if let Ok(answer) = serde_json::from_str::<Value>(&stdout) {
        let refused =
            |answer: &Value| answer["status"].as_u64().is_some_and(|status| status >= 400);
        let is_empty = answer["value"].as_array().is_some_and(Vec::is_empty);
        if is_empty || answer["responses"].as_array().is_some_and(|all| all.iter().any(refused)) {
            return Err(format!("it found nothing, or was refused: {stdout}"));
        }
    }
    fits(step, &format!("{stdout}{stderr}"))
}

fn fits(step: &Step, printed: &str) -> Result<(), String> {
    match shape::difference(&step.shown, printed) {
        None => Ok(()),
        Some(missing) => Err(format!("the page shows {missing}, and it printed:\n{printed}")),
    }
}

/// Why a command cannot be run here.
fn elsewhere(page: &str, command: &str) -> Option<usize> {
    ELSEWHERE.iter().position(|(of, start, _)| *of == page && command.starts_with(start))
}

#[test]
fn what_is_listed_as_elsewhere_is_on_its_page() {
    let pages = page::pages(&root());
    for (page, command, reason) in ELSEWHERE {
        let text = pages.iter().find(|(name, _)| name == page).map(|(_, text)| text);
        let is_there = text.is_some_and(|text| text.contains(command));
        assert!(
            is_there && !reason.is_empty(),
            "{page} does not have `{command}`: take it out of the list"
        );
    }
}

/// Commands in the running text name commands and flags that exist.
#[test]
fn commands_in_the_running_text_exist() {
    let program = Program::new();
    let mut known = std::collections::HashMap::new();
    let mut faults = BTreeSet::new();
    for (page, text) in page::pages(&root()) {
        let prose: String = text.split("```").step_by(2).collect();
        let quoted = prose.split('`').skip(1).step_by(2).map(|code| code.replace('\n', " "));
        for code in quoted.filter(|code| code.starts_with("footfall ")) {
            let words: Vec<_> = code.split_whitespace().skip(1).collect();
            // Any command, and the help itself.
            if matches!(words.first(), Some(&"COMMAND" | &"help")) {
                continue;
            }
            let is_verb = |word: &&&str| {
                word.starts_with(|it: char| it.is_ascii_lowercase())
                    && !word.contains(['=', '/', '.'])
            };
            let verbs: Vec<_> = words.iter().take_while(is_verb).copied().collect();
            // Of an example whose last words are names the first ones are the command.
            let help = (1..=verbs.len()).rev().find_map(|count| {
                let verbs = verbs[..count].to_vec();
                known
                    .entry(verbs.clone().join(" "))
                    .or_insert_with(|| help(&program, &verbs))
                    .clone()
            });
            let Some(help) = help else {
                faults.insert(format!("{page}: `{code}`: there is no such command"));
                continue;
            };
            for flag in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
                let flag = flag.trim_end_matches("...").split('=').next().unwrap();
                if !help.contains(flag) {
                    faults.insert(format!("{page}: `{code}`: there is no {flag}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

fn help(program: &Program, verbs: &[&str]) -> Option<String> {
    let output = program.command().args(verbs).arg("--help").output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// Blocks that are Footfall's configuration are a good one.
#[test]
fn configurations_of_the_pages_are_sound() {
    let program = Program::new();
    let file = program.folder.path().join("footfall.toml");
    let known = toml_tables(&program.run(&["config", "default"]));
    let mut checked = 0;
    for (page, text) in page::pages(&root()) {
        for (line, block) in page::blocks(&text, "toml") {
            let tables = toml_tables(&block);
            if tables.is_empty() || !tables.is_subset(&known) {
                continue;
            }
            std::fs::write(&file, block).unwrap();
            let arguments = ["--config", file.to_str().unwrap(), "config", "check"];
            let output = program.command().args(arguments).output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{page}:{line}: {stderr}");
            checked += 1;
        }
    }
    assert!(checked >= 5, "{checked}");
}

/// The tables of a configuration, those that are commented out among them.
fn toml_tables(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(|line| line.trim_start_matches(['#', ' ']));
    lines
        .filter(|line| line.starts_with('[') && line.contains(']'))
        .map(|line| line[..=line.rfind(']').unwrap()].to_owned())
        .collect()
}
