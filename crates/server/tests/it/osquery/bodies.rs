//! Bodies as osquery's source writes them, with the truth about what they tell, from beside the
//! checkout.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;

/// The folder of osquery's telemetry, where it is.
fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/osquery/made");
    if folder.join("truth.tsv").is_file() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there is no ground truth at {}", folder.display());
    None
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// `user device first count` of each relation that the API tells.
async fn told(server: &Server) -> BTreeSet<String> {
    let token = server.reader().await;
    let mut told = BTreeSet::new();
    let users = server.get("/api/users?$expand=machines", &token).await.json();
    for user in users["value"].as_array().unwrap() {
        let name = user["accountName"].as_str().unwrap();
        let machines = server.get(&format!("/api/users/{name}/machines"), &token).await.json();
        for machine in machines["value"].as_array().unwrap() {
            let machine = machine["computerDnsName"].as_str().unwrap().to_lowercase();
            told.insert(format!("{name} {machine}"));
        }
    }
    told
}

/// The same of the truth, for those devices that a body tells of.
fn truth(folder: &Path, of: &str) -> BTreeSet<String> {
    let text = read(folder, "truth.tsv");
    let rows = text.lines().skip(1).map(|row| row.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row[1] == of).map(|row| format!("{} {}", row[0], row[1])).collect()
}

#[tokio::test]
async fn recorded_bodies_tell_what_is_true() {
    let Some(folder) = shared() else { return };
    let server = Server::start(unlimited()).await;
    let secret = server.enroll_secret("recorded").await;
    let enroll = read(&folder, "tls/enroll.request.json").replace("s3cret-for-tests", &secret);
    let answer = server.osquery("enroll", enroll).await.json();
    let key = answer["node_key"].as_str().unwrap().to_owned();
    let with_key = |text: String| text.replace("k-9b2e1c1a", &key);
    for call in ["config", "distributed_read"] {
        let body = with_key(read(&folder, &format!("tls/{call}.request.json")));
        assert_taken(&server.osquery(&call.replace('_', "/"), body).await);
    }
    let results = with_key(read(&folder, "tls/log.result.request.json"));
    assert_taken(&server.osquery("log", results.clone()).await);
    let status = with_key(read(&folder, "tls/log.status.request.json"));
    assert_taken(&server.osquery("log", status).await);
    let expected = truth(&folder, "lnx-srv-02");
    assert!(!expected.is_empty());
    assert_eq!(told(&server).await, expected);
    // The packed one has another key inside: the header's counts.
    let packed = std::fs::read(folder.join("tls/log.result.request.json.gz")).unwrap();
    let shown = format!("NodeKey {key}");
    let headers = [(header::CONTENT_ENCODING, "gzip"), (header::AUTHORIZATION, shown.as_str())];
    assert_taken(&server.osquery_with("log", packed.clone(), &headers).await);
    assert_invalid(&server.osquery_with("log", packed, &headers[..1]).await);
    let write = with_key(read(&folder, "tls/distributed_write.request.json"));
    assert_taken(&server.osquery("distributed/write", write).await);
    assert_eq!(told(&server).await, expected);
    let machines = server.get("/api/machines", &server.reader().await).await.names();
    assert_eq!(machines, ["lnx-srv-02"]);
    let refused = read(&folder, "tls/enroll.refused.response.json");
    let answer = server.osquery("enroll", enrollment("wrong", "a", "", "9")).await;
    assert_eq!(answer.json(), serde_json::from_str::<Value>(&refused).unwrap());
}

/// Whatever form a version writes its lines in, sent as the logger sends them.
#[tokio::test]
async fn every_form_of_a_line_is_taken_from_the_node_that_it_is_of() {
    let Some(folder) = shared() else { return };
    for file in [
        "osqueryd.results.log",
        "osqueryd.results.batch.log",
        "osqueryd.results.v2-strings.log",
        "osqueryd.snapshots.log",
    ] {
        let server = Server::start(unlimited()).await;
        let secret = server.enroll_secret("all").await;
        let text = read(&folder, file);
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let own = |host: &str| -> Vec<Value> {
            let is_own = |line: &&Value| {
                let names = [&line["decorations"]["hostname"], &line["hostIdentifier"]];
                names
                    .iter()
                    .any(|own| own.as_str().is_some_and(|own| own.eq_ignore_ascii_case(host)))
            };
            lines.iter().filter(is_own).cloned().collect()
        };
        let truths = read(&folder, "truth.tsv");
        let mut expected = BTreeSet::new();
        let hosts: BTreeSet<_> = truths
            .lines()
            .skip(1)
            .map(|row| row.split('\t').collect::<Vec<_>>())
            .map(|row| (row[1].to_owned(), row[6].to_owned()))
            .collect();
        for (host, hardware) in hosts {
            let key = server.enroll(&secret, &host, &hardware).await;
            assert_taken(&server.osquery("log", log(&key, &own(&host))).await);
            expected.extend(truth(&folder, &host));
        }
        let told = told(&server).await;
        // A snapshot has those sessions alone that there were when it was made.
        match file.contains("snapshots") {
            true => assert!(told.len() > 2 && told.is_subset(&expected), "{file}: {told:?}"),
            false => assert_eq!(told, expected, "{file}"),
        }
    }
}
