//! Ground truth: what an independent program found in real telemetry, and what this one says by
//! its command line and its API.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The kinds of source that can be read so far.
const KINDS: [&str; 12] = [
    "evtx",
    "nxlog",
    "flatz",
    "wefxml",
    "winlogbeat6",
    "winlogbeat_ecs",
    "sentinel",
    "wtmp",
    "lastlog",
    "journal",
    "authlog",
    "audit",
];

/// One relation: first and last seen to the millisecond, count, types.
type Relation = (String, String, u64, Vec<u64>);
/// By user and machine, both folded.
type Relations = BTreeMap<(String, String), Relation>;

struct Source {
    path: PathBuf,
    slug: String,
    /// What a person has to say to `import`.
    arguments: Vec<String>,
    combined: bool,
    /// It holds the events of others and no more. wtmp and lastlog tell of the logons of the
    /// journal, too, but later, by when the session was there.
    repeats: bool,
    /// Times are compared to the second: the shape has no more.
    coarse: bool,
}

fn sources(data: &Path) -> Vec<Source> {
    let list = std::fs::read_to_string(data.join("sources.tsv")).unwrap();
    list.lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let &[path, kind, options, slug, combined, ..] = &fields[..] else { return None };
            let derived = kind == "-" && path.starts_with("windows/derived/");
            let slug = if derived { slug_of_derived(path) } else { slug.to_owned() };
            (KINDS.contains(&kind) || derived).then(|| Source {
                path: data.join(path),
                slug,
                arguments: arguments(&data.join(path), options),
                combined: combined == "1",
                repeats: combined != "1" && !["wtmp", "lastlog"].contains(&kind),
                coarse: path.contains("nxlog"),
            })
        })
        .collect()
}

/// The truth of a derived file without one of its own: that of the file whose events it holds, or
/// where it has them cut to seconds that of another such shape.
fn slug_of_derived(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap();
    let stem = name.split('.').next().unwrap();
    match name.contains("fluentbit") {
        true => format!("derived/{stem}.nxlog-utc-plus-2.ndjson"),
        false => stem.to_owned(),
    }
}

/// The truth's options, as far as they are not for `import` to find out.
fn arguments(path: &Path, options: &str) -> Vec<String> {
    let options = options.split(';').filter_map(|option| option.split_once('='));
    let arguments = options.filter_map(|(key, value)| {
        let value = value.to_owned();
        Some(match key {
            "tz" => ["--timezone".to_owned(), value],
            "year" => ["--year".to_owned(), value],
            "device" => ["--device".to_owned(), value],
            "passwd" => {
                let file = path.with_file_name(value);
                ["--passwd".to_owned(), file.to_str().unwrap().to_owned()]
            }
            _ => return None,
        })
    });
    arguments.flatten().collect()
}

/// The truth tells Linux' logons by place or method; which type each counts as is ours to say.
fn logon_type(text: &str) -> u64 {
    match text {
        "local" => 2,
        "remote" => 10,
        method if method.starts_with("ssh:") => 10,
        number => number.parse().unwrap(),
    }
}

fn expected(data: &Path, slug: &str, table: &str) -> Relations {
    let file = data.join("truth").join(slug).join(format!("{table}.tsv"));
    let text = std::fs::read_to_string(&file).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let types: BTreeSet<u64> = fields[5].split(',').map(logon_type).collect();
            let types = types.into_iter().collect();
            let key = (fields[0].to_owned(), fields[1].to_owned());
            (key, (fields[2].to_owned(), fields[3].to_owned(), fields[4].parse().unwrap(), types))
        })
        .collect()
}

/// A wire time to the millisecond, cut, as the truth has it.
fn millisecond(time: &str) -> String {
    let (seconds, fraction) = match time.trim_end_matches('Z').split_once('.') {
        Some((seconds, fraction)) => (seconds, fraction),
        None => (time.trim_end_matches('Z'), ""),
    };
    format!("{seconds}.{:0<3.3}Z", fraction)
}

fn merge(relations: &mut Relations, key: (String, String), relation: Relation) {
    match relations.get_mut(&key) {
        None => {
            relations.insert(key, relation);
        }
        Some(known) => {
            known.0 = known.0.clone().min(relation.0);
            known.1 = known.1.clone().max(relation.1);
            known.2 += relation.2;
            let types: BTreeSet<u64> = known.3.iter().chain(&relation.3).copied().collect();
            known.3 = types.into_iter().collect();
        }
    }
}

/// `footfall relations --json`; accounts of one name are one user in the truth.
fn by_command_line(program: &Program, arguments: &[&str]) -> Relations {
    let mut relations = Relations::new();
    let lines = program.run(&[&["relations", "--json"], arguments].concat());
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        let types = line["logonTypes"].as_array().unwrap();
        let relation = (
            millisecond(&text("firstSeen")),
            millisecond(&text("lastSeen")),
            line["logonCount"].as_u64().unwrap(),
            types.iter().map(|kind| kind.as_u64().unwrap()).collect(),
        );
        merge(&mut relations, (text("user"), text("machine")), relation);
    }
    relations
}

fn import(program: &Program, source: &Source) -> Value {
    let mut arguments = vec!["import", "--json"];
    arguments.extend(source.arguments.iter().map(String::as_str));
    arguments.push(source.path.to_str().unwrap());
    program.json(&arguments)
}

#[test]
fn each_source_gives_its_truth_by_command_line_and_api() {
    let Some(data) = shared_data() else { return };
    for source in sources(&data) {
        let program = Program::new();
        import(&program, &source);
        let all = expected(&data, &source.slug, "all");
        assert_eq!(by_command_line(&program, &[]), all, "{}", source.slug);
        let interactive = expected(&data, &source.slug, "interactive");
        let found = by_command_line(&program, &["--interactive"]);
        assert_eq!(found, interactive, "{}", source.slug);
        let again = import(&program, &source);
        for (_, format) in again["formats"].as_object().unwrap() {
            assert_eq!(format["logons"], 0, "{}: {again}", source.slug);
        }
        assert_eq!(by_command_line(&program, &[]), all, "{}, read twice", source.slug);
        check_api(&program, &all);
    }
}

/// What the API says of every user and machine of the truth.
fn check_api(program: &Program, expected: &Relations) {
    let server = program.serve(&["--limits", "off"]);
    let token = program.token(&["Machine.Read.All", "User.Read.All"]);
    let users: BTreeSet<&str> = expected.keys().map(|(user, _)| user.as_str()).collect();
    for user in users {
        let (status, body) = server.get(&format!("/api/users/{user}/machines"), &token);
        assert_eq!(status, 200);
        let names = |value: &Value| value["computerDnsName"].as_str().unwrap().to_lowercase();
        let found: BTreeSet<String> = body["value"].as_array().unwrap().iter().map(names).collect();
        let machines: BTreeSet<String> = expected
            .keys()
            .filter(|(name, _)| name == user)
            .map(|(_, machine)| machine.clone())
            .collect();
        assert_eq!(found, machines, "{user}");

        let listed = program.json(&["machines", user, "--json"]);
        for entry in listed.as_array().unwrap() {
            let key = (user.to_owned(), names(&entry["machine"]));
            let (first, last, count, _) = &expected[&key];
            let time = |name: &str| millisecond(entry[name].as_str().unwrap());
            assert_eq!((&time("firstSeen"), &time("lastSeen")), (first, last));
            assert_eq!(entry["logonCount"], *count);
        }
        assert_eq!(listed.as_array().unwrap().len(), machines.len());
    }
    let machines: BTreeSet<&str> = expected.keys().map(|(_, machine)| machine.as_str()).collect();
    for machine in machines {
        let (status, body) = server.get(&format!("/api/machines/{machine}/logonusers"), &token);
        assert_eq!(status, 200);
        let found: BTreeSet<String> = body["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| {
                let key = (user["accountName"].as_str().unwrap().to_owned(), machine.to_owned());
                let first = &expected[&key].0;
                assert_eq!(user["firstSeen"].as_str().unwrap()[..19], first[..19]);
                key.0
            })
            .collect();
        let users: BTreeSet<String> = expected
            .keys()
            .filter(|(_, name)| name == machine)
            .map(|(user, _)| user.clone())
            .collect();
        assert_eq!(found, users, "{machine}");
    }
}

#[test]
fn all_sources_in_one_database_give_the_same_in_any_order_and_twice() {
    let Some(data) = shared_data() else { return };
    let sources: Vec<Source> =
        sources(&data).into_iter().filter(|source| source.combined || source.repeats).collect();
    assert!(sources.iter().any(|source| source.coarse && !source.combined));
    let forward: Vec<&Source> = sources.iter().collect();
    let backward: Vec<&Source> = sources.iter().rev().collect();
    // Neither: by the last letters of their names, which mixes the folders.
    let mut mixed = forward.clone();
    mixed.sort_by_key(|source| source.path.to_str().unwrap().chars().rev().collect::<String>());
    for order in [&forward, &backward, &mixed] {
        let program = Program::new();
        for _ in 0..2 {
            // The derived shapes hold the events of others once more, cut to seconds: they add nothing.
            order.iter().for_each(|source| drop(import(&program, source)));
            for (table, arguments) in [("all", &[][..]), ("interactive", &["--interactive"])] {
                let truth = expected(&data, "_combined", table);
                assert_eq!(by_command_line(&program, arguments), truth, "{table}");
            }
        }
    }
}

#[test]
fn who_was_there_at_a_moment_is_told_by_what_ended_the_session() {
    let Some(data) = shared_data() else { return };
    let program = Program::new();
    program.import(&[&data.join("windows/evtx/security.evtx")]);
    program.import(&[&data.join("windows/winlogbeat-ecs/wineventlog_raw.lines.jsonl")]);
    // 4624 and 4647 with the logon ids 0x16766 and 0x1f189, as other readers print them.
    for (machine, moment, user, until) in [
        ("win-03dliiofrra", "2016-07-08T22:40:00Z", "fsir", "2016-07-08T22:51:13"),
        ("client1", "2019-08-02T09:50:00Z", "breach", "2019-08-02T09:53:55"),
    ] {
        let there = program.json(&["users", machine, "--at", moment, "--json"]);
        let sessions = there.as_array().unwrap().iter().map(|one| {
            let until = one["session"]["until"].as_str().map(|until| until[..19].to_owned());
            (one["user"].as_str().unwrap().to_owned(), until)
        });
        let sessions: Vec<_> = sessions.collect();
        assert!(sessions.contains(&(user.to_owned(), Some(until.to_owned()))), "{sessions:?}");
        let places = program.json(&["machines", user, "--at", moment, "--json"]);
        assert_eq!(places[0]["machine"].as_str().unwrap().to_lowercase(), machine);
        let after = format!("{}{}", &until[..17], "59Z");
        let gone = program.json(&["machines", user, "--at", &after, "--json"]);
        assert!(!gone.to_string().contains(until), "{gone}");
    }
}
