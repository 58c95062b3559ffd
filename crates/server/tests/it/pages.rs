//! The pages on which people sign in, as a browser and its attackers see them.

use std::collections::BTreeMap;

use aws_lc_rs::{digest, hmac};
use axum::http::{Method, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::BASE32_NOPAD;
use inventory::access::Permission;
use inventory::access::operator::Operator;
use inventory::time::{TICKS_PER_SECOND, Timestamp};
use server::administration::Administration;
use server::administration::apps::{AppKind, AppSettings, FirstCredential};
use server::administration::operators::{NewOperator, Rank};
use server::config::Config;
use uuid::Uuid;

use crate::browser::{Browser, ORIGIN, encoded};
use crate::harness::{AUDIENCE, Answer, Server, actor, request, unlimited};

mod account;
mod device;
mod flow;
mod forgery;

const USER: &str = "anna@corp.example";
const PASSWORD: &str = "correct horse battery staple";
const BACK: &str = "https://app.example/back";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

/// A server with an operator and an app.
struct World {
    server: Server,
    operator: Operator,
    app: Uuid,
    secret: Option<String>,
}

impl World {
    async fn new() -> Self {
        Self::with(AppKind::Public).await
    }

    async fn with(kind: AppKind) -> Self {
        let config = Config { public_url: Some(ORIGIN.parse().unwrap()), ..unlimited() };
        Self::of(Server::start(config).await, kind).await
    }

    async fn of(server: Server, kind: AppKind) -> Self {
        crate::inventory::fill(&server).await;
        let actor = actor(&server.tenant, server.now());
        let administration = Administration::new(server.store.as_ref(), &actor);
        let new = NewOperator {
            user_name: USER,
            display_name: "Anna <Ek>",
            password: PASSWORD,
            rank: Rank::Administrator,
        };
        let operator = administration.add_operator(new).await.unwrap();
        let first = match kind {
            AppKind::Public => FirstCredential::None,
            AppKind::Confidential => FirstCredential::Secret { expires: None },
        };
        let settings = AppSettings {
            name: "hunting <console>".to_owned(),
            kind,
            permissions: vec![Permission::MachineRead, Permission::UserReadAll],
            redirect_uris: vec![BACK.to_owned(), "http://localhost/back".to_owned()],
            first,
        };
        let added = administration.add_app(settings).await.unwrap();
        let (app, secret) = (added.app.client_id, added.secret.map(|added| added.secret));
        Self { server, operator, app, secret }
    }

    fn tenant(&self) -> Uuid {
        self.server.tenant.id
    }

    fn advance(&self, seconds: i64) {
        self.server.clock.advance(seconds * TICKS_PER_SECOND);
    }

    /// The address at which an app sends its people here, some parameters changed or, when empty, left
    /// out.
    fn place(&self, changes: &[(&str, &str)]) -> String {
        let challenge =
            URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
        let app = self.app.to_string();
        let mut fields: BTreeMap<&str, &str> = [
            ("client_id", app.as_str()),
            ("response_type", "code"),
            ("redirect_uri", BACK),
            (
                "scope",
                "openid offline_access https://api.securitycenter.microsoft.com/Machine.Read",
            ),
            ("state", "my state&more"),
            ("nonce", "my nonce"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]
        .into();
        fields.extend(changes.iter().copied());
        let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        format!("/{}/oauth2/v2.0/authorize?{}", self.tenant(), encoded(&fields))
    }

    /// A browser in which somebody signed in and agreed, and the code that the app got.
    async fn signed_in(&self, changes: &[(&str, &str)]) -> (Browser<'_>, String) {
        let mut browser = Browser::new(&self.server);
        let page = browser.visit(&self.place(changes)).await;
        let page = browser.press(&page, "sign-in", &WHO).await;
        let answer = browser.press(&page, "accept", &[]).await;
        let told = answer.told(BACK);
        (browser, told["code"].clone())
    }

    /// What the token endpoint says to some fields.
    async fn exchange(&self, fields: &[(&str, &str)]) -> Answer {
        let app = self.app.to_string();
        let mut all = vec![("client_id", app.as_str())];
        if let Some(secret) = &self.secret {
            all.push(("client_secret", secret));
        }
        all.extend(fields);
        let path = format!("/{}/oauth2/v2.0/token", self.tenant());
        self.server.post(&path, &encoded(&all)).await
    }

    async fn redeem(&self, code: &str) -> Answer {
        self.exchange(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    async fn refresh(&self, token: &str) -> Answer {
        self.exchange(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn asks(&self, token: &str) -> StatusCode {
        self.server.get("/api/machines", token).await.status
    }
}

/// What a person types into the sign-in page.
const WHO: [(&str, &str); 2] = [("username", USER), ("password", PASSWORD)];

/// A text of an answer of the token endpoint.
fn of(answer: &Answer, name: &str) -> String {
    let body = answer.json();
    body[name].as_str().unwrap_or_else(|| panic!("no {name}: {body}")).to_owned()
}

/// The claims of a token.
fn claims(token: &str) -> serde_json::Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// What an authenticator app shows (RFC 6238), worked out beside the server's own code.
fn one_time_code(secret: &str, now: Timestamp) -> String {
    let key = BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let step = u64::try_from(now.seconds() / 30).unwrap();
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let word = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}
