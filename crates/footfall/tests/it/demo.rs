//! `footfall demo`: what it prints works when it is pasted.

use super::*;

struct Demo {
    child: Child,
    lines: Vec<String>,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(program: &Program, arguments: &[&str]) -> Demo {
    let mut command = program.command();
    command.env_remove("FOOTFALL_DATABASE");
    let mut child = command
        .args(["demo", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    for line in stdout.lines() {
        let line = line.unwrap();
        let last = line.starts_with("Footfall serves");
        lines.push(line);
        if last {
            break;
        }
    }
    Demo { child, lines }
}

/// Asks what each printed `curl` line asks.
fn answers(demo: &Demo) -> Vec<Value> {
    let token = demo.lines.iter().find_map(|line| line.strip_prefix("TOKEN=")).unwrap();
    let urls = demo.lines.iter().filter(|line| line.starts_with("curl"));
    urls.map(|line| {
        let url = line.split('\'').nth(1).unwrap();
        let mut answer =
            ureq::get(url).header("Authorization", format!("Bearer {token}")).call().unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    })
    .collect()
}

#[test]
fn the_simulated_fleet_answers_its_questions() {
    let program = Program::new();
    let demo = start(&program, &[]);
    let answers = answers(&demo);
    assert_eq!(answers.len(), 3);
    assert!(answers[0]["value"].as_array().unwrap().len() > 40);
    assert!(answers[2]["value"].as_array().unwrap().len() >= 7);
    let entity = &answers[0]["value"][0];
    assert!(entity["osPlatform"].as_str().unwrap().starts_with("Windows"));
    assert!(!program.database().exists(), "the demo keeps nothing");
}

#[test]
fn own_files_are_served_too() {
    let program = Program::new();
    let file = program.folder.path().join("logons.json");
    std::fs::write(&file, nxlog_lines(500, 1)).unwrap();
    let demo = start(&program, &[file.to_str().unwrap()]);
    let answers = answers(&demo);
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|answer| !answer["value"].as_array().unwrap().is_empty()));
}
