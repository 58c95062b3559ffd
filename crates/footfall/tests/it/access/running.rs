//! What is changed at the command line holds at a running server from the next request on.

use super::*;

/// A server that takes passwords, a person and an app that may act for them.
struct Scene {
    program: Program,
    server: Server,
    /// An app that acts for people, and its tenant.
    console: [String; 2],
}

impl Scene {
    fn new() -> Self {
        let program = Program::with_machines();
        let config = program.folder.path().join("footfall.toml");
        std::fs::write(&config, "[serve]\npassword_grant = true\n").unwrap();
        for line in [
            "group add 'Tier 1' --local",
            "group add 'Tier 2' --local",
            "operator add anna --password-stdin --group 'Tier 1'",
            "role add viewer --permission ViewData --group 'Tier 1' --group 'Tier 2'",
        ] {
            run(&program, line);
        }
        let console = program.told(&[
            "app",
            "add",
            "console",
            "--public",
            "--permission",
            "Machine.Read",
            "--consented",
            "--json",
        ]);
        let text = |key: &str| console[key].as_str().unwrap().to_owned();
        let console = [text("clientId"), text("tenantId")];
        let server = program.serve(&["--config", config.to_str().unwrap(), "--limits", "off"]);
        Self { program, server, console }
    }

    fn run(&self, line: &str) {
        run(&self.program, line);
    }

    /// A token of the person, or the refusal's number.
    fn sign_in(&self) -> Result<String, i64> {
        let [client_id, tenant] = &self.console;
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent
            .post(format!("{}/{tenant}/oauth2/token", self.server.origin))
            .send_form([
                ("grant_type", "password"),
                ("client_id", client_id),
                ("username", "anna"),
                ("password", PASSWORD),
                ("resource", "https://api.securitycenter.microsoft.com"),
            ])
            .unwrap();
        let body: Value =
            serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
        match body["access_token"].as_str() {
            Some(token) => Ok(token.to_owned()),
            None => Err(body["error_codes"][0].as_i64().unwrap_or_else(|| panic!("{body}"))),
        }
    }

    fn status(&self, token: &str) -> u16 {
        self.server.get("/api/machines", token).0
    }

    fn machines(&self, token: &str) -> usize {
        let (status, body) = self.server.get("/api/machines", token);
        assert_eq!(status, 200, "{body}");
        body["value"].as_array().unwrap().len()
    }
}

fn run(program: &Program, line: &str) {
    let words = shell::words(line);
    program.ok(&words.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn an_app_that_is_revoked_is_refused_at_once() {
    let scene = Scene::new();
    let app =
        scene.program.told(&["app", "add", "x", "--permission", "Machine.Read.All", "--json"]);
    let of = |key: &str| app[key].as_str().unwrap().to_owned();
    let (id, secret) = (of("clientId"), of("clientSecret"));
    let token = scene.program.ok(&["token", "--client-id", &id, "--client-secret", &secret]);
    let token = token.trim();
    for _ in 0..3 {
        assert_eq!(scene.status(token), 200);
    }
    scene.run(&format!("app revoke {id}"));
    assert_eq!(scene.status(token), 401);
}

#[test]
fn what_a_person_may_see_follows_groups_roles_rules_and_tags() {
    let scene = Scene::new();
    let token = scene.sign_in().unwrap();
    assert_eq!(scene.machines(&token), 15);
    scene.run("device-group add Servers --name-starts-with srv- --access 'Tier 2'");
    assert_eq!(scene.machines(&token), 14);
    scene.run("device-group access Servers 'Tier 1' 'Tier 2'");
    assert_eq!(scene.machines(&token), 15);
    scene.run("device-group access ungrouped 'Tier 2'");
    assert_eq!(scene.machines(&token), 1);
    scene.run("device-group change Servers --name-starts-with ws --yes");
    assert_eq!(scene.machines(&token), 14);
    scene.run("device-group change Servers --tag-equals ours --yes");
    assert_eq!(scene.machines(&token), 0);
    scene.run("machine tag ws-014.corp.example --add Ours");
    assert_eq!(scene.machines(&token), 1);
    scene.run("device-group remove Servers");
    assert_eq!(scene.machines(&token), 0);
    scene.run("device-group access ungrouped --everyone");
    assert_eq!(scene.machines(&token), 15);
    scene.run("group leave 'Tier 1' anna");
    assert_eq!(scene.status(&token), 403);
    scene.run("group join 'Tier 2' anna");
    assert_eq!(scene.status(&token), 200);
    scene.run("role unassign viewer 'Tier 2'");
    assert_eq!(scene.status(&token), 403);
    scene.run("operator administrator anna on");
    assert_eq!(scene.status(&token), 200);
    scene.run("operator administrator anna off");
    assert_eq!(scene.status(&token), 403);
}

#[test]
fn who_is_shut_out_is_out_at_once() {
    let scene = Scene::new();
    let token = scene.sign_in().unwrap();
    assert_eq!(scene.status(&token), 200);
    scene.run("operator disable anna");
    assert_eq!(scene.status(&token), 401);
    assert_eq!(scene.sign_in(), Err(50057));
    scene.run("operator enable anna");
    let token = scene.sign_in().unwrap();
    assert_eq!(scene.status(&token), 200);
    scene.run("operator sign-out anna");
    assert_eq!(scene.status(&token), 401);
    scene.run("operator totp anna");
    assert_eq!(scene.sign_in(), Err(50076));
    scene.run("operator totp anna --remove");
    let token = scene.sign_in().unwrap();
    scene.run("operator password anna --generate-password");
    assert_eq!(scene.status(&token), 401);
    assert_eq!(scene.sign_in(), Err(50126));
    scene.run("operator password anna --password-stdin");
    let token = scene.sign_in().unwrap();
    scene.run("operator remove anna");
    assert_eq!(scene.status(&token), 401);
    assert_eq!(scene.sign_in(), Err(50126));
}

#[test]
fn tokens_of_a_key_that_ended_are_refused_at_once() {
    let scene = Scene::new();
    let token = scene.program.token(&["Machine.Read.All"]);
    assert_eq!(scene.status(&token), 200);
    scene.run("keys rotate");
    assert_eq!(scene.status(&token), 200);
    scene.run("keys rotate --overlap 0s");
    assert_eq!(scene.status(&token), 401);
    let person = scene.sign_in().unwrap();
    assert_eq!(scene.status(&person), 200);
}

#[test]
fn a_new_tenant_is_served_at_once() {
    let scene = Scene::new();
    scene.run("tenant add Contoso --domain contoso.com");
    let app = scene.program.told(&[
        "--tenant",
        "Contoso",
        "app",
        "add",
        "x",
        "--permission",
        "Machine.Read.All",
        "--json",
    ]);
    let of = |key: &str| app[key].as_str().unwrap().to_owned();
    let (id, secret) = (of("clientId"), of("clientSecret"));
    let token = scene.program.ok(&[
        "--tenant",
        "contoso.com",
        "token",
        "--client-id",
        &id,
        "--client-secret",
        &secret,
    ]);
    assert_eq!(scene.machines(token.trim()), 0);
    scene.run("--tenant Contoso import logons.json");
    assert_eq!(scene.machines(token.trim()), 15);
}
