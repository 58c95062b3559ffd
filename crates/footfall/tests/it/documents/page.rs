//! A page of the documents: its commands, and what it shows of their output.

use std::path::Path;
use std::process::{Command, Stdio};

/// A part of a page under a heading of the second level, which a reader does from top to bottom.
pub(super) struct Section {
    pub(super) page: String,
    pub(super) text: String,
    pub(super) blocks: Vec<Vec<Step>>,
}

/// A command.
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) command: String,
    /// The lines that the page shows under it.
    pub(super) shown: Vec<String>,
    /// Whether its prompt or language is that of another system.
    pub(super) is_foreign: bool,
    /// The exit code, which `<!-- exit: N -->` above the block gives where it is not 0.
    pub(super) exit: i32,
}

struct Fence<'t> {
    line: usize,
    language: &'t str,
    above: &'t str,
    body: Vec<&'t str>,
}

/// Prompts of PowerShell and of Windows' command interpreter.
const FOREIGN_PROMPTS: &[&str] = &["> ", "PS> ", "PS C:\\> ", "C:\\> "];
const FOREIGN_LANGUAGES: &[&str] = &["powershell", "ps1", "pwsh", "cmd", "bat", "batch"];

/// Every page: README.md and what is below docs.
pub(super) fn pages(root: &Path) -> Vec<(String, String)> {
    let mut files = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.retain(|file| file.extension().is_some_and(|it| it == "md"));
    files.sort();
    let name = |file: &Path| {
        file.strip_prefix(root).unwrap().to_str().unwrap().replace(std::path::MAIN_SEPARATOR, "/")
    };
    files.iter().map(|file| (name(file), std::fs::read_to_string(file).unwrap())).collect()
}

pub(super) fn sections(page: &str, text: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    let (mut start, mut first_line) = (0, 1);
    let mut in_fence = false;
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        in_fence ^= line.trim_start().starts_with("```");
        if line.starts_with("## ") && !in_fence {
            sections.push(section(page, &text[start..at], first_line));
            (start, first_line) = (at, number + 1);
        }
        at += line.len();
    }
    sections.push(section(page, &text[start..], first_line));
    sections
}

fn section(page: &str, text: &str, first_line: usize) -> Section {
    let blocks = fences(text, first_line).iter().filter_map(|it| steps(page, it)).collect();
    Section { page: page.to_owned(), text: text.to_owned(), blocks }
}

fn fences(text: &str, first_line: usize) -> Vec<Fence<'_>> {
    let mut fences = Vec::new();
    let mut open: Option<(usize, Fence<'_>)> = None;
    let mut above = "";
    for (at, line) in text.lines().enumerate() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        match (&mut open, bare.strip_prefix("```")) {
            (None, Some(language)) => {
                let fence = Fence {
                    line: first_line + at + 1,
                    language: language.trim(),
                    above,
                    body: Vec::new(),
                };
                open = Some((indent, fence));
            }
            (Some(_), Some(_)) => fences.extend(open.take().map(|(_, fence)| fence)),
            (Some((indent, fence)), None) => fence.body.push(line.get(*indent..).unwrap_or("")),
            (None, None) => above = line.trim(),
        }
    }
    assert!(open.is_none(), "a block of code is not closed:\n{text}");
    fences
}

/// Blocks of a language, with the lines in which they begin.
pub(super) fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let fences = fences(text, 1);
    let of = fences.iter().filter(|fence| fence.language == language);
    of.map(|fence| (fence.line, fence.body.join("\n") + "\n")).collect()
}

/// The commands of a block; `None` for a block of something else.
fn steps(page: &str, fence: &Fence<'_>) -> Option<Vec<Step>> {
    let exit = fence.above.strip_prefix("<!-- exit: ").and_then(|it| it.strip_suffix(" -->"));
    let exit = exit.map_or(0, |code| code.parse().unwrap());
    let step = |line: usize, command: &str, is_foreign: bool| Step {
        line,
        command: command.to_owned(),
        shown: Vec::new(),
        is_foreign,
        exit,
    };
    match fence.language {
        "sh" | "bash" | "shell" => Some(vec![step(fence.line, &fence.body.join("\n"), false)]),
        "http" => {
            let lines = fence.body.iter().enumerate().filter(|(_, line)| !line.trim().is_empty());
            let ask = |line: &str| {
                let (method, path) = line.split_once(' ').unwrap();
                format!("curl -s -X {method} -H \"Authorization: Bearer $TOKEN\" \"$API{path}\"")
            };
            Some(lines.map(|(at, line)| step(fence.line + at, &ask(line), false)).collect())
        }
        language if FOREIGN_LANGUAGES.contains(&language) => {
            let lines = fence.body.iter().enumerate();
            let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with([' ', '#']));
            Some(lines.map(|(at, line)| step(fence.line + at, line, true)).collect())
        }
        "console" => {
            let mut steps: Vec<Step> = Vec::new();
            let mut is_whole = true;
            for (at, line) in fence.body.iter().enumerate() {
                let foreign = FOREIGN_PROMPTS.iter().find_map(|prompt| line.strip_prefix(prompt));
                if let Some(step) = steps.last_mut().filter(|_| !is_whole) {
                    step.command.push('\n');
                    step.command.push_str(line);
                    is_whole = is_complete(&step.command);
                } else if let Some(command) = line.strip_prefix("$ ") {
                    steps.push(step(fence.line + at, command, false));
                    is_whole = is_complete(command);
                } else if let Some(command) = foreign {
                    steps.push(step(fence.line + at, command, true));
                } else {
                    let last = steps.last_mut();
                    let last = last.unwrap_or_else(|| panic!("{page}:{}: no command", fence.line));
                    last.shown.push((*line).to_owned());
                }
            }
            assert!(is_whole, "{page}:{}: a command without an end", fence.line);
            Some(steps)
        }
        _ => None,
    }
}

/// Whether a shell would begin to carry it out.
fn is_complete(command: &str) -> bool {
    if command.ends_with('\\') || command.ends_with('|') {
        return false;
    }
    let checked = Command::new("bash").args(["-n", "-c", command]).stderr(Stdio::null()).status();
    checked.unwrap().success()
}
