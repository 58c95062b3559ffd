//! Every example of the documents and of the help texts is run.

use super::*;

/// Nouns whose help shows examples.
const NOUNS: &[&str] =
    &["app", "operator", "group", "role", "device-group", "machine", "person", "tenant", "keys"];

/// A database in which the examples find what they name.
struct Furnished {
    program: Program,
    /// An app, its secret and its credential.
    app: [String; 3],
}

impl Furnished {
    fn new() -> Self {
        let program = Program::with_machines();
        for line in [
            "group add 'Tier 1' --local",
            "group add 'Tier 2' --local",
            "group add 'Platform team' --local",
            "operator add anna@corp.example --password-stdin --group 'Tier 1'",
            "role add viewers --permission ViewData --group 'Tier 1' --group 'Tier 2' --group 'Platform team'",
            "role add 'first line' --permission ViewData",
            "device-group add Servers --name-starts-with srv- --access 'Tier 1'",
        ] {
            run(&program, line);
        }
        let app = program.told(&["app", "add", "x", "--permission", "Machine.Read.All", "--json"]);
        let id = app["clientId"].as_str().unwrap().to_owned();
        let credentials = program.told(&["app", "credentials", &id, "--json"]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let app = [
            text(&app["clientId"]),
            text(&app["clientSecret"]),
            text(&credentials[0]["credentialId"]),
        ];
        Self { program, app }
    }

    /// The same for one example alone.
    fn copy(&self) -> Self {
        let program = Program::new();
        for file in std::fs::read_dir(self.program.folder.path()).unwrap() {
            let file = file.unwrap();
            if file.path().is_file() {
                std::fs::copy(file.path(), program.folder.path().join(file.file_name())).unwrap();
            }
        }
        Self { program, app: self.app.clone() }
    }

    /// A line of a document with what is here in the place of what is meant.
    fn adapted(&self, line: &str) -> String {
        let [id, secret, credential] = &self.app;
        let mut line = line
            .replace("$OLD", credential)
            .replace("$SECRET", secret)
            .replace("$ID", id)
            .replace("CLIENT_ID", id)
            .replace("9a41d0c2b3e4f5061728394a5b6c7d8e9f001122", "ws2.corp.example")
            .replace("laptop-7.corp.example", "ws3.corp.example")
            .replace("laptop-old", "ws2.corp.example")
            .replace("jdoe@corp.example", "user1")
            .replace("john@partner.example", "user3")
            .replace("CORP\\jdoe", "CORP\\user1")
            .replace("LAB\\john", "CORP\\user2")
            .replace("show jdoe", "show user1")
            .replace("playbook.pem", "cert.pem")
            .replace("/cases/2025-117/", "logons.json");
        let asks = line.starts_with("operator add") || line.starts_with("operator password");
        if asks && !line.contains("-password") && !line.contains("--password-stdin") {
            line.push_str(" --generate-password");
        }
        line
    }
}

fn run(program: &Program, line: &str) -> String {
    let words = shell::words(line);
    program.ok(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The lines of the program in a text: whole ones, without prompt, comment and pipes.
fn lines_of(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let mut lines = Vec::new();
    for line in joined.lines() {
        let line = line.trim().trim_start_matches("$ ");
        let parts = line.split(" | ").map(str::trim);
        let called = parts.filter_map(|part| {
            part.split_once("footfall ")
                .filter(|(before, _)| before.is_empty() || before.ends_with("$("))
        });
        lines.extend(called.map(|(_, rest)| shell::bare(rest.trim_end_matches(')')).to_owned()));
    }
    lines
}

/// The commands below a noun, as its help lists them.
fn verbs(program: &Program, noun: &str) -> Vec<String> {
    let help = program.run(&[noun, "--help"]);
    let listed =
        help.split("Commands:\n").nth(1).unwrap().lines().take_while(|line| !line.is_empty());
    let words = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let words =
        words.filter_map(|line| line.split_whitespace().next()).filter(|word| *word != "help");
    words.map(str::to_owned).collect()
}

/// What must be there, or must not, before an example.
fn prepare(furnished: &Furnished, line: &str) {
    let words = shell::words(line);
    let program = &furnished.program;
    match [words[0].as_str(), words.get(1).map_or("", String::as_str)] {
        ["operator", "add"] if words[2].starts_with("anna") => {
            drop(run(program, "operator remove anna@corp.example"))
        }
        ["role", "add"] if words[2] == "first line" => {
            drop(run(program, "role remove 'first line'"))
        }
        ["device-group", "add"] if words[2] == "Servers" => {
            drop(run(program, "device-group remove Servers"))
        }
        ["group", "add"] => {
            run(program, "device-group remove Servers");
            run(program, &format!("group remove '{}'", words[2]));
        }
        ["machine", "split"] | ["machine", "merge"] if words[2] == "--undo" => {
            run(program, "machine merge ws5.corp.example ws2.corp.example");
            if words[1] == "split" {
                run(program, "machine split ws2.corp.example");
            }
        }
        ["machine", "split"] => {
            drop(run(program, "machine merge ws5.corp.example ws2.corp.example"))
        }
        ["person", "link"] if words[2] == "--undo" => {
            drop(run(program, "person link user1 'CORP\\user2'"))
        }
        ["person", "unlink"] if words[2] == "--undo" => {
            drop(run(program, "person unlink 'CORP\\user2'"))
        }
        ["tenant", "rename"] if words[2] == "Contoso" => drop(run(program, "tenant add Contoso")),
        ["--tenant", "Contoso"] => drop(run(program, "tenant add Contoso")),
        _ => {}
    }
}

#[test]
fn the_examples_of_the_help_texts_are_done() {
    let furnished = Furnished::new();
    let mut pages =
        vec![vec!["token".to_owned()], vec!["audit".to_owned()], vec!["limits".to_owned()]];
    for noun in NOUNS {
        let verbs = verbs(&furnished.program, noun);
        assert!(!verbs.is_empty(), "{noun}");
        pages.extend(verbs.into_iter().map(|verb| vec![noun.to_string(), verb]));
    }
    assert!(pages.len() >= 45, "{pages:?}");
    let server = furnished.program.serve(&[]);
    let config = furnished.program.folder.path().join("footfall.toml");
    let listen = server.origin.trim_start_matches("http://");
    std::fs::write(&config, format!("[serve]\nlisten = \"{listen}\"\n")).unwrap();
    let mut done = 0;
    for page in pages {
        let mut arguments: Vec<&str> = page.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = furnished.program.run(&arguments);
        let Some((_, examples)) = help.split_once("\nExample") else { continue };
        for line in lines_of(examples) {
            if page[0] == "limits" {
                let line = line.replace("https://footfall.corp.example", &server.origin);
                let words = shell::words(&line);
                let output = furnished
                    .program
                    .command()
                    .args(&words)
                    .env("FOOTFALL_CONFIG", &config)
                    .output()
                    .unwrap();
                let stderr = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{line}: {stderr}");
            } else {
                let copy = furnished.copy();
                let line = copy.adapted(&line);
                prepare(&copy, &line);
                run(&copy.program, &line);
            }
            done += 1;
        }
    }
    assert!(done >= 45, "{done}");
}

#[test]
fn the_page_on_access_is_done_from_top_to_bottom() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/access.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut done = 0;
    for section in page.split("\n## ").skip(1) {
        let (title, text) = section.split_once('\n').unwrap();
        let mut furnished = Furnished::new();
        for line in [
            "device-group remove Servers",
            "role remove 'first line'",
            "operator remove anna@corp.example",
        ] {
            run(&furnished.program, line);
        }
        if title == "People of this server" {
            run(&furnished.program, "group remove 'Tier 1'");
        }
        for block in text.split("```console\n").skip(1) {
            let block = block.split("```").next().unwrap();
            for line in lines_of(block) {
                let line = furnished.adapted(&line);
                let printed = run(&furnished.program, &line);
                // What follows is about the app that was just added.
                if line.starts_with("app add playbook") {
                    let id = printed.lines().find_map(|line| line.strip_prefix("Client id:"));
                    furnished.app[0] = id.unwrap().trim().to_owned();
                }
                done += 1;
            }
        }
        for line in inline(text) {
            run(&furnished.program, &furnished.adapted(&line));
            done += 1;
        }
    }
    assert_eq!(done, 25);
}

/// Whole commands in the running text; those with an ellipsis or less than a verb stand for others.
fn inline(text: &str) -> Vec<String> {
    let prose: String = text.split("```").step_by(2).collect();
    let quoted = prose.split('`').skip(1).step_by(2).map(|code| code.replace('\n', " "));
    let commands = quoted.filter_map(|code| code.strip_prefix("footfall ").map(str::to_owned));
    let is_whole = |line: &String| {
        !line.contains("...")
            && !["app add", "operator unlock", "limits", "audit"].contains(&line.as_str())
    };
    commands.filter(is_whole).collect()
}
