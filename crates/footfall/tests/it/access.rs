//! Who may ask what, from the command line: apps, people, groups, roles, device groups, tenants and
//! keys, as `docs/access.md` tells it.

mod examples;
mod running;
mod shell;

use std::io::Write;
use std::process::Output;

use self::shell::scrubbed;
use super::*;

/// A certificate of an app, whose key nobody has any more. It holds until 2126.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIDCTCCAfGgAwIBAgIUOH61PclbmwbC7BQTLdDHfJvWUbUwDQYJKoZIhvcNAQEL
BQAwEzERMA8GA1UEAwwIcGxheWJvb2swIBcNMjYxMTI1MTc1MTI3WhgPMjEyNjEx
MDExNzUxMjdaMBMxETAPBgNVBAMMCHBsYXlib29rMIIBIjANBgkqhkiG9w0BAQEF
AAOCAQ8AMIIBCgKCAQEArKbFoygIlposXy44w+bBW60HS+G3QoHkKkuldm6GJzgv
CR4/b6TKBwjFUrme3USPcuoYTTxSGx8J/MR0N970AKgPFSlriJQny8rISwlPRPyE
lfV9Y7wc3fC1Om6CZfSaNCSRK5R62ivI1AwoI/5jOtlbjpE6p6SjHK1LCVHlsdYJ
xa6dzRLyojewbAQM1xjpZwr4KM1SV5mpKLMyV7NJLTDDoCScOPBjejCHgrGS5kbw
goHgAHEuWhawaie2zyP2OrgGFeLl6lYPpUcx5jO0JdgGZeFJp4DrjA/W/XdOr7/D
q/30a/9n89PCK89wlqr8KcCJOe9X68/Cqy29FipqcwIDAQABo1MwUTAdBgNVHQ4E
FgQUVm3N1cNeUcR9SeBFYDHvkMkIrLEwHwYDVR0jBBgwFoAUVm3N1cNeUcR9SeBF
YDHvkMkIrLEwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAAO/p
S+D5sBeALizYCygdpB49DSYjNcjx9jLVHrcaYPnk7yYxwHVPOrcv9dsbPcD1LXTD
YkEFDf9rSSWM7dLVInLRBAk/84uHWVswH01pyvI2yfgfK8NbK/Md5KmEHFowpl4N
qcDajVPlHkMejas/N+wDhuomgyX7PGUGJX0v6cyXzSoWE7k4hxtJeUfFl+b3AbMd
K/IoN7/Abc2ZJQn20nwlFg8WYQXTrFBUIWNpRnPSLWqAstVExU+Ak7rDOb8RRD0X
Eqhl4yZWCOeBX3qFR1CdF4BZyDNRP+4tkUmlk6a+1YAFjgqEK/o8eNxXFzbyyWlO
nfYhq6qMb8cjg0X7gg==
-----END CERTIFICATE-----
";
const PASSWORD: &str = "correct horse battery";

impl Program {
    /// Fifteen machines, two of which have names of documents.
    fn with_machines() -> Self {
        let program = Self::new();
        let file = program.folder.path().join("logons.json");
        let lines = nxlog_lines(15, 1);
        let lines = lines.replace("ws14.corp", "ws-014.corp").replace("ws15.corp", "srv-1.corp");
        std::fs::write(&file, lines).unwrap();
        std::fs::write(program.folder.path().join("cert.pem"), CERTIFICATE).unwrap();
        program.import(&[&file]);
        program
    }

    /// Runs beside its files, with a password on standard input.
    fn output(&self, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command.args(arguments).current_dir(self.folder.path()).env("USER", "admin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that reads nothing may have ended.
        let _ = writeln!(child.stdin.take().unwrap(), "{PASSWORD}");
        child.wait_with_output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn told(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }
}

/// A story of commands and what they print.
struct Story<'p> {
    program: &'p Program,
    text: String,
}

impl Story<'_> {
    /// Runs a command line, which must end well, or with nothing found; what it wrote to stdout.
    fn run(&mut self, line: &str) -> String {
        let words = shell::words(line);
        let output = self.program.output(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(matches!(output.status.code(), Some(0 | 3)), "{line}: {stderr}");
        let told: String = stderr.lines().map(|line| format!("! {line}\n")).collect();
        self.text += &scrubbed(&format!("$ footfall {line}\n{stdout}{told}\n"));
        stdout
    }

    fn json(&mut self, line: &str) -> Value {
        serde_json::from_str(&self.run(line)).unwrap()
    }
}

fn story(program: &Program) -> Story<'_> {
    Story { program, text: String::new() }
}

#[test]
fn apps_and_their_credentials() {
    let program = Program::with_machines();
    let mut story = story(&program);
    let app = story
        .json("app add playbook --permission Machine.Read.All --permission User.Read.All --json");
    let id = app["clientId"].as_str().unwrap();
    let first = app["clientSecret"].as_str().unwrap();
    story.run("app add console --public --permission Machine.Read --redirect-uri http://localhost --redirect-uri myapp://signed-in --consented");
    story.run("app add pipeline --permission Machine.Read.All --no-secret");
    story.run("app add siem --permission Machine.Read.All");
    story.run(&format!(
        "app change {id} --name hunting --permission Machine.Read.All --consented true"
    ));
    story.run(&format!(
        "app change {id} --redirect-uri https://app.example/signed-in --consented false"
    ));
    let second = story.json(&format!("app secret {id} --expires 90d --json"));
    story.run(&format!("app secret {id}"));
    story.run(&format!("app certificate {id} cert.pem"));
    story.run(&format!(
        "app federate {id} --issuer https://ci.example --subject repo:soc/x --audience api://soc"
    ));
    let credentials = story.json(&format!("app credentials {id} --json"));
    let ids: Vec<_> =
        credentials.as_array().unwrap().iter().map(|it| &it["credentialId"]).collect();
    assert_eq!(ids.len(), 5);
    story.run(&format!("app credentials {id}"));
    // A secret is worth a token until it is removed.
    let second_secret = second["clientSecret"].as_str().unwrap();
    for secret in [first, second_secret] {
        story.run(&format!("token --client-id {id} --client-secret {secret} --resource https://api.securitycenter.windows.com"));
    }
    story.run(&format!("app remove-credential {id} {}", second["credentialId"].as_str().unwrap()));
    let refused = program.output(&["token", "--client-id", id, "--client-secret", second_secret]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("AADSTS7000215"));
    story.run(&format!("app revoke {id}"));
    story.run("app list --json");
    story.run("app list");
    insta::assert_snapshot!(story.text);
    // Secrets were printed when they were made.
    let audit = program.ok(&["audit", "--json"]);
    for printed in [program.ok(&["app", "list", "--json"]), audit] {
        assert!(!printed.contains(first) && !printed.contains(second_secret));
    }
}

#[test]
fn people_groups_and_roles() {
    let program = Program::with_machines();
    let mut story = story(&program);
    story.run("role list");
    story.run("group add 'Tier 1' --local --json");
    story.run("group add Lead --local");
    story.run("group add 'SOC of Entra' --directory-id 3c1f2d64-9f51-4d0e-8b1f-0d6f4a2b7c10");
    let anna = story.json("operator add Anna@corp.example --name 'Anna Ek' --group 'tier 1' --group lead --password-stdin --json");
    assert!(anna.get("password").is_none(), "it is known");
    let ben = story.json("operator add ben --administrator --generate-password --json");
    assert_eq!(ben["password"].as_str().unwrap().len(), 26);
    story.run("operator add cem --generate-password");
    story.run("operator password ben --password-stdin");
    story.run("operator password ben --password-stdin --json");
    story.run("operator password ben --generate-password");
    let again = story.json("operator password ben --generate-password --json");
    assert_ne!(again["password"], ben["password"]);
    story.run("operator administrator ben off");
    story.run("operator administrator cem on");
    story.run("operator disable ben");
    story.run("operator unlock ben");
    story.run("operator sign-out ben");
    story.run("operator totp anna@corp.example --json");
    story.run("operator totp cem");
    story.run("group join Lead cem");
    story.run("operator list --json");
    story.run("operator list");
    story.run("operator totp cem --remove");
    story.run("operator enable ben");
    story.run("operator remove ben");
    story.run("group leave Lead cem");
    story.run("group rename Lead --name Leads");
    story.run(
        "role add 'first line' --description asks --permission ViewData --group 'Tier 1' --json",
    );
    story.run("role add other --permission ViewData --permission AlertsInvestigation");
    story.run("role change other --name 'second line' --description 'asks and tags' --permission ViewData");
    story.run("role assign 'second line' leads");
    story.run("role assign 1 'SOC of Entra'");
    story.run("role list --json");
    story.run("role list");
    story.run("group list --json");
    story.run("group list");
    story.run("role unassign 'second line' Leads");
    story.run("role remove 'second line'");
    story.run("group remove leads");
    insta::assert_snapshot!(story.text);
    let audit = program.ok(&["audit", "--json"]);
    for password in
        [PASSWORD, ben["password"].as_str().unwrap(), again["password"].as_str().unwrap()]
    {
        assert!(!audit.contains(password));
    }
}

#[test]
fn device_groups_and_tags() {
    let program = Program::with_machines();
    let mut story = story(&program);
    story.run("group add 'Tier 2' --local");
    story.run("group add Platform --local");
    story.run("role add viewer --permission ViewData --group 'Tier 2' --group Platform");
    story.run("device-group add Servers --name-starts-with srv- --access 'tier 2' --description 'what serves'");
    story.run("device-group add Many --name-starts-with WS --rank 1 --yes --json");
    story.run("device-group list");
    story.run("device-group move many --rank 2");
    story.run("device-group change Many --name Workstations --description 'at desks' --name-ends-with 4.corp.example --name-ends-with ws1.corp.example --access 'Tier 2' --access Platform --rank 1");
    story.run("device-group show workstations");
    story.run("device-group show Workstations --json");
    story.run("device-group access Workstations Platform");
    story.run("device-group access ungrouped 'Tier 2' Platform");
    story.run("device-group access Servers --everyone");
    story.run("device-group list --json");
    story.run("device-group show ungrouped");
    story.run("device-group show UNGROUPED --json");
    story.run("device-group preview Servers");
    let preview =
        story.program.told(&["device-group", "preview", "--name-contains", "ws", "--json"]);
    assert_eq!(preview.as_array().unwrap().len(), 10, "the first ten");
    story.run("machine tag ws-014.corp.example --add vip --add lab");
    story.run("machine tag WS-014 --add -x --remove LAB");
    story.run("device-group add VIP --tag-equals VIP --tag-starts-with v --tag-ends-with ip --tag-contains i --rank 1");
    story.run("machine tag ws-014.corp.example");
    let tagged = story.program.told(&["machine", "tag", "ws-014.corp.example", "--json"]);
    assert_eq!(tagged["machineTags"], serde_json::json!(["vip", "-x"]));
    assert_eq!(tagged["rbacGroupName"], "VIP");
    story.run("device-group add Corp --domain-equals corp.example --domain-starts-with corp --domain-ends-with .example --domain-contains orp --os Windows11 --os Windows10 --name-equals ws1.corp.example --name-contains zzz");
    story.run("device-group show Corp");
    story.run("device-group remove VIP");
    insta::assert_snapshot!(story.text);
}

#[test]
fn tenants_and_keys() {
    let program = Program::with_machines();
    let mut story = story(&program);
    story.run("tenant add Contoso --domain contoso.com --domain contoso.onmicrosoft.com --json");
    story.run("tenant add Fabrikam --id 6f5d1c1e-3b0a-4d52-9a60-0c1a2f9f3a77");
    story.run("tenant rename default --name Corp");
    story.run("tenant rename contoso.com --domain contoso.example");
    story.run("tenant rename Fabrikam --no-domain");
    story.run("tenant list --json");
    story.run("tenant list");
    story.run("--tenant contoso import logons.json");
    story.run("--tenant contoso.example app add theirs --permission Machine.Read.All");
    story.run("--tenant Fabrikam machines user7");
    for (tenant, apps) in [("Contoso", 1), ("Corp", 0), ("6f5d1c1e-3b0a-4d52-9a60-0c1a2f9f3a77", 0)]
    {
        let listed = program.told(&["--tenant", tenant, "app", "list", "--json"]);
        assert_eq!(listed.as_array().unwrap().len(), apps, "{tenant}");
    }
    insta::assert_snapshot!(story.text);

    program.token(&["Machine.Read.All"]);
    let first = program.told(&["keys", "list", "--json"]);
    assert_eq!(first[0]["state"], "signs");
    let second = program.ok(&["keys", "rotate"]);
    let third = program.ok(&["keys", "rotate", "--overlap", "30m"]);
    let keys = program.told(&["keys", "list", "--json"]);
    let of = |index: usize| {
        (keys[index]["kid"].as_str().unwrap(), keys[index]["state"].as_str().unwrap())
    };
    assert_eq!(of(0), (third.trim(), "signs"));
    assert_eq!(of(1), (second.trim(), "believed"));
    assert_eq!(of(2), (first[0]["kid"].as_str().unwrap(), "believed"));
    program.ok(&["keys", "rotate", "--overlap", "0s"]);
    let keys = program.told(&["keys", "list", "--json"]);
    let states: Vec<_> = keys.as_array().unwrap().iter().map(|key| &key["state"]).collect();
    assert_eq!(states[0], "signs");
    assert!(states[1..].iter().all(|state| *state == "ended"), "{keys}");
    assert!(program.ok(&["keys", "list"]).starts_with("KEY ID"));
}

#[test]
fn a_dry_run_and_a_refusal_save_nothing() {
    let program = Program::with_machines();
    program.ok(&["device-group", "add", "Servers", "--name-starts-with", "srv-"]);
    let before = program.ok(&["device-group", "list", "--json"]);
    let audit = program.ok(&["audit", "--json"]).lines().count();
    for arguments in [
        &["add", "All", "--name-contains", "s", "--dry-run"][..],
        &["change", "Servers", "--name-contains", "s", "--rank", "1", "--name", "All", "--dry-run"],
        &["preview", "--name-contains", "s"],
        &["preview", "--domain-equals", "nothing.example"],
    ] {
        let output = program.output(&[&["device-group"], arguments].concat());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{arguments:?}: {stderr}");
        if arguments.contains(&"--dry-run") {
            assert!(stderr.ends_with("Nothing was changed.\n"), "{stderr}");
            assert_eq!(stderr.lines().filter(|line| line.contains(".corp.example")).count(), 10);
            assert!(stderr.starts_with("The first 10 machines that match the rules:"), "{stderr}");
            assert!(output.stdout.is_empty());
        }
    }
    for arguments in [
        &["add", "All", "--name-contains", "s", "--access", "nobody"][..],
        &["add", "All", "--name-contains", "s", "--rank", "9"],
        &["change", "Servers", "--name-contains", "s", "--access", "nobody"],
        &["change", "Servers", "--name-contains", "s", "--rank", "2"],
    ] {
        let output = program.output(&[&["device-group"], arguments].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    }
    assert_eq!(program.ok(&["device-group", "list", "--json"]), before);
    // The refusals are in the audit, the dry runs are not.
    assert_eq!(program.ok(&["audit", "--json"]).lines().count(), audit + 4);
    let nothing = Program::new();
    let output = nothing.output(&["device-group", "add", "x", "--os", "Windows11", "--dry-run"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!nothing.database().exists(), "who only looks makes no database");
}

/// On a terminal, which `script` makes, a change is asked for.
#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_the_change_is_asked_for() {
    let program = Program::with_machines();
    let binary = assert_cmd::cargo::cargo_bin!("footfall").display().to_string();
    let on_terminal = |arguments: &str, answer: &str| -> Option<(i32, String)> {
        let mut command = program.command();
        let line = format!("{binary} device-group {arguments}");
        let database = command.get_envs().find(|(name, _)| *name == "FOOTFALL_DATABASE");
        let database = database.unwrap().1.unwrap().to_owned();
        command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).env("FOOTFALL_DATABASE", database);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            eprintln!("SKIPPED: there is no `script` that makes a terminal");
            return None;
        };
        let _ = writeln!(child.stdin.take().unwrap(), "{answer}");
        let output = child.wait_with_output().unwrap();
        Some((output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let Some((code, said)) = on_terminal("add Servers --name-starts-with srv-", "n") else {
        return;
    };
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("Add the device group Servers? [y/N]") && said.contains("srv-1"),
        "{said}"
    );
    assert!(said.contains("Nothing was changed."), "{said}");
    assert_eq!(program.told(&["device-group", "list", "--json"]).as_array().unwrap().len(), 1);
    let (code, said) = on_terminal("add Servers --name-starts-with srv-", "Yes").unwrap();
    assert_eq!(code, 0, "{said}");
    let (code, said) = on_terminal("change Servers --name-contains ws", "").unwrap();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("Change the device group Servers? [y/N]"), "{said}");
    let (code, said) = on_terminal("change Servers --name-contains ws --yes", "n").unwrap();
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("[y/N]"), "{said}");
    assert_eq!(program.told(&["device-group", "show", "Servers", "--json"])["machines"], 14);
}

/// What cannot be done. `{id}` is an app, `{nil}` is none.
const MISTAKES: &[&str] = &[
    "app revoke {nil}",
    "app secret {nil}",
    "app certificate {id} missing.pem",
    "app certificate {id} no.pem",
    "app federate {id} --issuer http://ci.example --subject x",
    "app remove-credential {id} {nil}",
    "app change {id} --redirect-uri http://app.example/",
    "app add console --public --permission Machine.Read.All",
    "operator add anna --password-stdin",
    "operator add ben --group Nobody --password-stdin",
    "operator add ben --group Remote --password-stdin",
    "operator add 'ben ek' --password-stdin",
    "operator add ben",
    "operator password anna",
    "operator disable nobody",
    "group add 'tier 1' --local",
    "group join Remote anna",
    "group join 'Tier 1' nobody",
    "group leave Idle anna",
    "group remove Nobody",
    "group remove 'Tier 1'",
    "role add VIEWER --permission ViewData",
    "role add x --permission ManagePortalSettings",
    "role remove viewer",
    "role remove 1",
    "role unassign viewer Idle",
    "device-group access Servers Idle",
    "device-group access Nothing 'Tier 1'",
    "device-group show Nothing",
    "device-group preview Nothing",
    "device-group remove ungrouped",
    "device-group move ungrouped --rank 1",
    "device-group move Servers --rank 2",
    "device-group change Nothing --name x",
    "device-group add Servers --name-equals x",
    "device-group add x --name-equals 1 --name-equals 2 --name-equals 3 --name-equals 4 --name-equals 5 --name-equals 6 --name-equals 7 --name-equals 8 --name-equals 9 --name-equals 10 --name-equals 11",
    "device-group add x --name-equals ''",
    "machine tag nothing --add x",
    "machine tag ws-014.corp.example --add ''",
    "tenant add default",
    "tenant add x --domain localhost",
    "tenant rename nothing --name x",
    "--tenant nothing app list",
];

#[test]
fn mistakes_are_told_with_what_to_do() {
    let program = Program::with_machines();
    let id = program.told(&["app", "add", "x", "--permission", "Machine.Read.All", "--json"]);
    let id = id["clientId"].as_str().unwrap();
    program.ok(&["group", "add", "Tier 1", "--local"]);
    program.ok(&["group", "add", "Idle", "--local"]);
    program.ok(&["group", "add", "Remote", "--directory-id", "r"]);
    program.ok(&["operator", "add", "anna", "--password-stdin", "--group", "Tier 1"]);
    program.ok(&["role", "add", "viewer", "--permission", "ViewData", "--group", "Tier 1"]);
    program.ok(&[
        "device-group",
        "add",
        "Servers",
        "--name-starts-with",
        "srv-",
        "--access",
        "Tier 1",
    ]);
    std::fs::write(program.folder.path().join("no.pem"), "no certificate").unwrap();
    let nil = "8a5a7f6a-0000-4000-8000-000000000000";
    let mut table = String::new();
    for line in MISTAKES {
        let line = line.replace("{id}", id).replace("{nil}", nil);
        let words = shell::words(&line);
        let output = program.output(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {stderr}");
        assert!(stderr.contains("error: ") && output.stdout.is_empty(), "{line}: {stderr}");
        table += &scrubbed(&format!("$ footfall {line}\n{stderr}\n"));
    }
    insta::assert_snapshot!(table);
}

#[test]
fn wrong_usage_ends_with_two_and_names_the_argument() {
    let program = Program::with_machines();
    for (line, said) in [
        ("app add x", "--permission"),
        ("app add x --permission Machine.Destroy", "known permissions are Machine.Read,"),
        ("app change 8a5a7f6a-0000-4000-8000-000000000000", "--name"),
        ("app change playbook --name x", "a GUID"),
        ("app revoke playbook", "footfall app list"),
        ("app secret 8a5a7f6a-0000-4000-8000-000000000000 --expires soon", "90d"),
        (
            "app remove-credential 8a5a7f6a-0000-4000-8000-000000000000 x",
            "footfall app credentials",
        ),
        ("app federate 8a5a7f6a-0000-4000-8000-000000000000", "--issuer"),
        ("operator add x --password-stdin --generate-password", "cannot be used with"),
        ("operator administrator x maybe", "on, off"),
        ("operator totp x --remove --json", "cannot be used with"),
        ("group add x", "--local"),
        ("group add x --local --directory-id y", "cannot be used with"),
        ("group rename x", "--name"),
        ("role add x --group y", "--permission"),
        ("role add x --permission Everything", "known permissions are ViewData"),
        ("role change x", "--permission"),
        ("device-group access Servers", "GROUP"),
        ("device-group access Servers 'Tier 1' --everyone", "cannot be used with"),
        ("device-group preview", "NAME"),
        ("device-group preview Servers --os", "--os"),
        ("device-group add x --rank first", "--rank"),
        ("device-group add x --dry-run --yes", "cannot be used with"),
        ("device-group change Servers", "--name"),
        ("device-group change Servers --yes", "--tag-equals"),
        ("device-group move Servers", "--rank"),
        ("tenant add x --id y", "--id"),
        ("tenant rename x", "--no-domain"),
        ("tenant rename x --domain a.example --no-domain", "cannot be used with"),
        ("keys rotate --overlap 2", "15m"),
        ("audit --since soon", "2026-01-31"),
        ("audit --json --ocsf", "cannot be used with"),
        ("audit --kind everything", "sign-in"),
        ("limits --server here", "https://HOST"),
        ("machine tag", "MACHINE"),
        ("operators list", "operator"),
    ] {
        let words = shell::words(line);
        let output = program.output(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert!(stderr.contains(said) && output.stdout.is_empty(), "{line}: {stderr}");
    }
}
