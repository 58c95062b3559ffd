//! Sources that refuse, break off, lie about the time, lead elsewhere and do not end.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::script::*;
use super::*;

fn of(source: &Source, more: &str) -> String {
    let origin = &source.origin;
    format!(
        "url = \"{origin}\"\nauthority = \"{origin}\"\ntenant_id = \"{TENANT}\"\n\
         client_id = \"{CLIENT}\"\n{IMPATIENT}{more}"
    )
}

fn run(program: &Program, source: &Source) -> Ended {
    ended(&mut sync(program, &of(source, ""), &[]))
}

fn done(program: &Program, source: &Source) -> Value {
    let ended = run(program, source);
    assert_eq!(ended.code, Some(0), "{} {}", ended.summary, ended.stderr);
    ended.summary
}

fn failed(program: &Program, source: &Source) -> String {
    let ended = run(program, source);
    assert_eq!(ended.code, Some(1), "{} {}", ended.summary, ended.stderr);
    for secret in [SECRET, "token-"] {
        assert!(!ended.stderr.contains(secret), "{}", ended.stderr);
    }
    ended.stderr
}

/// One page with machines, and the end.
fn page(call: &Call, rows: Vec<Value>) -> Reply {
    if call.path.contains("$skip") { machines(Vec::new(), None) } else { machines(rows, None) }
}

fn is_token(call: &Call) -> bool {
    call.path.ends_with("/oauth2/v2.0/token")
}

#[test]
fn storms_pass_and_the_source_says_how_long() {
    let source = Source::start(|call| match (call.path.as_str(), call.before) {
        (path, 0) if path.ends_with("token") => status(503),
        (path, _) if path.ends_with("token") => nothing(),
        ("/api/machines", 0) => {
            let body = json!({"error": {"code": "429", "message": "quota exceeded"}});
            Reply::Status(429, vec![("Retry-After", "1".to_owned())], body.to_string())
        }
        ("/api/machines", 1) => Reply::Reset,
        (path, 0) if path.ends_with("logonusers") => {
            Reply::Status(503, vec![("Retry-After", http_date(2))], String::new())
        }
        (path, 1) if path.ends_with("logonusers") => {
            Reply::Status(200, Vec::new(), "{\"value\": [{\"accountName\": \"jd".to_owned())
        }
        (path, _) if path.ends_with("logonusers") => users(),
        _ => page(call, vec![machine(1, -60)]),
    });
    let program = Program::new();
    let summary = done(&program, &source);
    assert_eq!((&summary["asked"], &summary["repeated"]), (&1.into(), &4.into()), "{summary}");
    assert_eq!(summary["calls"], 7);
    let between = |calls: &[Call]| calls[1].at - calls[0].at;
    assert!(between(&source.of("/api/machines")) >= Duration::from_secs(1));
    assert!(between(&source.of("logonusers")) >= Duration::from_secs(1));
    assert_eq!(relations(&program).len(), 2);
    let form = &source.of("token")[0].body;
    assert!(form.contains("grant_type=client_credentials") && form.contains(SECRET), "{form}");
    assert!(form.contains("scope=https%3A%2F%2Fapi.securitycenter.microsoft.com%2F.default"));
}

#[test]
fn a_source_that_stays_broken_is_given_up_and_gone_on_with() {
    let mode = std::sync::Arc::new(AtomicU32::new(0));
    let source = Source::start({
        let mode = std::sync::Arc::clone(&mode);
        move |call| match (call.path.as_str(), mode.load(Ordering::Relaxed)) {
            _ if is_token(call) => nothing(),
            // The second page is never had; later its link is not known any more.
            (path, 0) if path.contains("$skiptoken=two") => status(500),
            (path, 1) if path.contains("$skiptoken=two") => status(400),
            ("/api/machines", _) => machines(
                vec![machine(1, -60), machine(2, -30)],
                Some("/api/machines?$skiptoken=two"),
            ),
            (path, 2..) if path.contains("$skiptoken=two") => machines(vec![machine(3, -9)], None),
            // A machine that is never told of, and one that is not there any more.
            (path, 2) if path.contains(&id(1)) => status(500),
            (path, _) if path.contains(&id(2)) => {
                let body = json!({"error": {"code": "ResourceNotFound", "message": "not found"}});
                Reply::Status(404, Vec::new(), body.to_string())
            }
            (path, _) if path.ends_with("logonusers") => users(),
            _ => page(call, Vec::new()),
        }
    });
    let program = Program::new();
    let stderr = failed(&program, &source);
    assert!(stderr.contains("given up after 3 attempts: the answer is 500"), "{stderr}");
    assert!(source.of("logonusers").is_empty());
    source.forget();
    mode.store(1, Ordering::Relaxed);
    assert!(failed(&program, &source).contains("the answer is 400"));
    // Once at the old place, then from the beginning.
    let pages: Vec<_> = source.of("/api/machines").iter().map(|call| call.path.clone()).collect();
    let two = "/api/machines?$skiptoken=two";
    assert_eq!(pages, [two, "/api/machines", two]);
    source.forget();
    mode.store(2, Ordering::Relaxed);
    let third = run(&program, &source);
    assert_eq!(third.code, Some(1));
    assert!(third.stderr.contains(&format!("machine {}", id(1))), "{}", third.stderr);
    let summary = third.summary;
    assert_eq!((&summary["asked"], &summary["gone"]), (&1.into(), &1.into()), "{summary}");
    assert_eq!((&summary["failed"], &summary["left"]), (&1.into(), &1.into()), "{summary}");
    mode.store(3, Ordering::Relaxed);
    source.forget();
    let last = done(&program, &source);
    assert_eq!(
        (&last["asked"], &last["left"], source.of("logonusers").len()),
        (&1.into(), &0.into(), 1)
    );
}

#[test]
fn a_token_that_ends_in_the_midst_is_renewed_once() {
    // Each token holds for three calls.
    let tokens = std::sync::Arc::new(AtomicU32::new(0));
    let used = std::sync::Arc::new(AtomicU32::new(0));
    let source = Source::start({
        let (tokens, used) = (std::sync::Arc::clone(&tokens), std::sync::Arc::clone(&used));
        move |call| {
            if is_token(call) {
                used.store(0, Ordering::Relaxed);
                let number = tokens.fetch_add(1, Ordering::Relaxed) + 1;
                // As text, as version 1 has it.
                return Reply::Json(
                    json!({"access_token": format!("token-{number}"), "expires_in": "3599"}),
                );
            }
            let current = format!("token-{}", tokens.load(Ordering::Relaxed));
            if call.bearer != current || used.fetch_add(1, Ordering::Relaxed) >= 3 {
                return status(401);
            }
            match call.path.ends_with("logonusers") {
                true => users(),
                false => page(call, (1..=8).map(|number| machine(number, -60)).collect()),
            }
        }
    });
    let program = Program::new();
    let summary = done(&program, &source);
    assert_eq!((&summary["asked"], &summary["repeated"]), (&8.into(), &3.into()), "{summary}");
    assert_eq!(tokens.load(Ordering::Relaxed), 4);
    assert_eq!(relations(&program).len(), 9);
}

#[test]
fn a_token_is_not_used_beyond_its_time_and_one_that_is_refused_is_told() {
    let short = Source::start(|call| match call.path.as_str() {
        _ if is_token(call) => {
            Reply::Json(json!({"access_token": format!("token-{}", call.before), "expires_in": 0}))
        }
        path if path.ends_with("logonusers") => users(),
        _ => page(call, vec![machine(1, -60)]),
    });
    let summary = done(&Program::new(), &short);
    assert_eq!((&summary["calls"], &summary["repeated"]), (&3.into(), &0.into()));
    assert_eq!(short.of("token").len(), 3);

    let refusing = Source::start(|call| if is_token(call) { nothing() } else { status(401) });
    let stderr = failed(&Program::new(), &refusing);
    assert!(stderr.contains("the answer is 401") && stderr.contains("hint: "), "{stderr}");
    assert_eq!((refusing.of("token").len(), refusing.of("/api/").len()), (2, 2));

    let unknown = Source::start(|_| {
        let body = json!({"error": "invalid_client",
            "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1"});
        Reply::Status(401, Vec::new(), body.to_string())
    });
    let stderr = failed(&Program::new(), &unknown);
    assert!(stderr.contains("AADSTS7000215") && stderr.contains("hint: "), "{stderr}");
    assert!(!stderr.contains("Trace ID"));
    assert_eq!(unknown.calls().len(), 1);

    let forbidding = Source::start(|call| match is_token(call) {
        true => nothing(),
        false => {
            let message = "Missing application roles. API required roles: Machine.Read.All";
            let body = json!({"error": {"code": "Forbidden", "message": message}});
            Reply::Status(403, Vec::new(), body.to_string())
        }
    });
    let stderr = failed(&Program::new(), &forbidding);
    assert!(stderr.contains("Missing application roles") && stderr.contains("User.Read.All"));
}

#[test]
fn short_pages_end_nothing_and_wrong_clocks_move_no_mark() {
    const YEAR: i64 = 365 * 86_400;
    let ahead = machine(1, 10 * YEAR);
    let source = Source::start(move |call| match call.path.as_str() {
        _ if is_token(call) => nothing(),
        path if path.ends_with("logonusers") => users(),
        // Pages of the server's, one of them empty; then what it has behind its links.
        "/api/machines" => machines(vec![ahead.clone()], Some("/api/machines?p=2")),
        "/api/machines?p=2" => machines(Vec::new(), Some("/api/machines?p=3")),
        "/api/machines?p=3" => machines(vec![machine(2, -YEAR)], None),
        path if path.contains("$filter") && path.contains("$skip") => machines(Vec::new(), None),
        path if path.ends_with("$skip=2") => machines(vec![machine(3, -7200)], None),
        path if path.ends_with("$skip=3") => machines(vec![machine(4, 7200)], None),
        // What was seen since: the one of the future again, and it is asked no more for it.
        path if path.contains("$filter") => machines(vec![ahead.clone(), machine(5, -5000)], None),
        _ => machines(Vec::new(), None),
    });
    let program = Program::new();
    let summary = done(&program, &source);
    assert_eq!((&summary["listed"], &summary["asked"]), (&4.into(), &4.into()), "{summary}");
    let mark = summary["upTo"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!((7200..7300).contains(&now().duration_since(mark).as_secs()), "{mark}");
    source.forget();
    let second = done(&program, &source);
    assert_eq!((&second["listed"], &second["asked"]), (&2.into(), &1.into()), "{second}");
    let since = mark - jiff::SignedDuration::from_hours(1);
    let path = format!("/api/machines?$filter=lastSeen%20ge%20{since}");
    assert_eq!(source.of("/api/machines")[0].path, path);
    assert_eq!(source.of("logonusers").len(), 1);
    assert_eq!(inventory(&program).len(), 5);
}

#[test]
fn links_to_other_servers_are_not_followed() {
    let other = Source::start(|_| machines(Vec::new(), None));
    let elsewhere = format!("{}/api/machines?$skiptoken=x", other.origin);
    let source = Source::start(move |call| match call.path.as_str() {
        _ if is_token(call) => nothing(),
        "/api/machines" => machines(vec![machine(1, -60)], Some(&elsewhere)),
        _ => nothing(),
    });
    let stderr = failed(&Program::new(), &source);
    assert!(stderr.contains("leads elsewhere"), "{stderr}");
    assert_eq!(source.of("/api/").len(), 1);

    let location = format!("{}/api/machines", other.origin);
    let moved = Source::start(move |call| match is_token(call) {
        true => nothing(),
        false => Reply::Status(302, vec![("Location", location.clone())], String::new()),
    });
    assert!(failed(&Program::new(), &moved).contains("the answer is 302"));
    assert!(other.calls().is_empty());
}

#[test]
fn answers_that_are_too_big_or_none_of_the_api_are_refused() {
    let huge = Source::start(|call| match call.path.as_str() {
        _ if is_token(call) => nothing(),
        // The first machine's do not end; the second's are of another kind, the third's no JSON.
        path if path.contains(&id(1)) => Reply::Endless,
        path if path.contains(&id(2)) => Reply::Json(json!({"value": [{"Id": 1}]})),
        path if path.ends_with("logonusers") => users(),
        _ => page(call, vec![machine(1, -60), machine(2, -61), machine(3, -62)]),
    });
    let program = Program::new();
    let run = run(&program, &huge);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("has more than 16777216 bytes"), "{}", run.stderr);
    assert!(run.stderr.contains("none of this API"), "{}", run.stderr);
    assert_eq!((&run.summary["failed"], &run.summary["asked"]), (&2.into(), &1.into()));

    let length = "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n{";
    let huge = Source::start(move |call| match is_token(call) {
        true => nothing(),
        false => Reply::Raw(length.to_owned()),
    });
    assert!(failed(&Program::new(), &huge).contains("more than 134217728 bytes"));

    let page_of_a_portal = Source::start(|call| match is_token(call) {
        true => nothing(),
        false => Reply::Status(200, Vec::new(), "<html>Sign in</html>".to_owned()),
    });
    let stderr = failed(&Program::new(), &page_of_a_portal);
    assert!(stderr.contains("given up after 3 attempts: the answer cannot be read"), "{stderr}");

    // `$skip` is overlooked: the same page comes for ever.
    let endless = Source::start(|call| match is_token(call) {
        true => nothing(),
        false => machines(vec![machine(1, -60)], None),
    });
    let program = Program::new();
    assert!(failed(&program, &endless).contains("again and again"));
    assert!(endless.of("/api/machines").len() < 10);
    // It does not go on in the circle.
    endless.forget();
    assert!(failed(&program, &endless).contains("again and again"));
    assert_eq!(endless.of("/api/machines")[0].path, "/api/machines");
}

#[test]
fn a_server_that_is_not_there_is_told_soon_and_nothing_shows_a_secret() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let program = Program::new();
    let arguments = ["--tenant-id", TENANT, "--client-id", CLIENT];
    let place = ["--url", &origin, "--authority", &origin];
    // With the patience of the default there would be a minute to wait.
    let ended = ended(&mut sync(&program, "", &[&arguments[..], &place].concat()));
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("--authority"), "{}", ended.stderr);

    let source = Source::start(|call| match call.path.as_str() {
        _ if is_token(call) => nothing(),
        path if path.ends_with("logonusers") => users(),
        _ => page(call, vec![machine(1, -60)]),
    });
    let mut command = sync(&program, &of(&source, ""), &[]);
    let output = command.env("RUST_LOG", "trace").output().unwrap();
    assert!(output.status.success());
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(said.contains("logonusers"), "it logs at all");
    assert!(!said.contains(SECRET) && !said.contains("token-0"), "{said}");
}
