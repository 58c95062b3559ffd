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

/// The demo as a person starts it, without a database of theirs.
fn demo(program: &Program) -> Command {
    let mut command = program.command();
    command.env_remove("FOOTFALL_DATABASE").args(["demo", "--listen", "127.0.0.1:0"]);
    command
}

fn everything(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|it| it.is_file())
        .map(|it| (it.clone(), std::fs::read(it).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn the_demo_writes_into_no_inventory_that_is_not_its_own() {
    let program = Program::new();
    let file = program.folder.path().join("small.json");
    std::fs::write(&file, nxlog_lines(3, 7)).unwrap();
    program.import(&[&file]);
    // A foreign database, and one of an older schema, are left as they are, too.
    let older = program.folder.path().join("older.sqlite");
    let db = rusqlite::Connection::open(&older).unwrap();
    db.execute_batch("CREATE TABLE machine (number); PRAGMA user_version = 1").unwrap();
    drop(db);
    let before = everything(program.folder.path());
    let real = format!("sqlite:{}", program.database().display());
    let mut by_flag = demo(&program);
    by_flag.args(["--database", &real]);
    let mut by_environment = demo(&program);
    by_environment.env("FOOTFALL_DATABASE", &real);
    let mut by_files = demo(&program);
    by_files.arg(&file).env("FOOTFALL_DATABASE", &real);
    let mut into_older = demo(&program);
    into_older.env("FOOTFALL_DATABASE", format!("sqlite:{}", older.display()));
    for mut command in [by_flag, by_environment, by_files, into_older] {
        let output = command.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("is no demo's inventory") && stderr.contains("hint:"), "{stderr}");
        assert_eq!(everything(program.folder.path()), before);
    }
    assert_eq!(program.run(&["query", "machines/$count"]), "3\n");
}

#[test]
fn what_the_configuration_names_is_not_the_demos() {
    let program = Program::new();
    let file = program.folder.path().join("small.json");
    std::fs::write(&file, nxlog_lines(3, 7)).unwrap();
    program.import(&[&file]);
    let config = program.folder.path().join("footfall.toml");
    std::fs::write(&config, format!("database = \"sqlite:{}\"", program.database().display()))
        .unwrap();
    let demo = start(&program, &["--config", config.to_str().unwrap()]);
    assert!(!answers(&demo)[0]["value"].as_array().unwrap().is_empty());
    drop(demo);
    assert_eq!(program.run(&["query", "machines/$count"]), "3\n");
}

#[test]
fn an_inventory_that_a_demo_made_is_used_again() {
    let program = Program::new();
    let kept = program.folder.path().join("kept.sqlite");
    let url = format!("sqlite:{}", kept.display());
    for _ in 0..2 {
        let demo = start(&program, &["--database", &url]);
        assert!(demo.lines.iter().any(|line| line.contains(&url)), "{:?}", demo.lines);
        drop(demo);
    }
    let machines = program.json(&["--database", &url, "machines", "anton.demir", "--json"]);
    assert!(machines.as_array().unwrap().len() > 40);
}

#[cfg(unix)]
#[test]
fn the_demos_inventory_is_found_by_its_name_while_it_runs() {
    let program = Program::new();
    let asked = ["--database", "demo", "machines", "anton.demir", "--interactive"];
    let mut running = start(&program, &[]);
    let line = running.lines.iter().find(|line| line.starts_with("footfall ")).unwrap();
    assert_eq!(line.split(' ').skip(1).collect::<Vec<_>>(), asked);
    assert!(program.run(&asked).starts_with("MACHINE"), "as README shows it");
    // A second one has a place of its own.
    let second = start(&program, &[]);
    let line = second.lines.iter().find(|line| line.starts_with("footfall ")).unwrap();
    assert!(line.contains("--database sqlite:/"), "{line}");
    drop(second);
    program.run(&asked);
    let pid = running.child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    assert_eq!(running.child.wait().unwrap().code(), Some(0), "it ends with its terminal");
    for arguments in [&asked[..], &["--database", "demo", "import", "/dev/null"]] {
        let output = program.command().args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("there is no database"), "nothing of it stays: {stderr}");
    }
    // What a killed demo left is no obstacle.
    let mut killed = start(&program, &[]);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    drop(start(&program, &[]));
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
