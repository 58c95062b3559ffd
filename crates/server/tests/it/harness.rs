//! A server of one's own for each test, and typed callers.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use inventory::access::{Permission, PrivateKey, SigningKey, Tenant};
use inventory::time::{Stamp, Timestamp};
use serde_json::{Value, json};
use server::administration::apps::{AppKind, AppSettings, FirstCredential};
use server::administration::{Actor, Administration, Who};
use server::clock::{Clock, ManualClock};
use server::config::Config;
use server::service::{Service, service};
use store::Store;
use tower::ServiceExt;

pub(crate) const HOST: &str = "footfall.example";
/// When tests begin: a moment that is no whole minute.
pub(crate) const NOW: &str = "2026-11-23T10:00:30.5Z";
/// The audience of most clients.
pub(crate) const AUDIENCE: &str = "https://api.securitycenter.microsoft.com";

pub(crate) fn time(text: &str) -> Timestamp {
    match Stamp::parse(text).unwrap() {
        Stamp::Utc(time) => time,
        Stamp::Local(_) => panic!("a time without a zone: {text}"),
    }
}

pub(crate) struct Server {
    pub(crate) service: Service,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tenant: Tenant,
    pub(crate) folder: Arc<tempfile::TempDir>,
}

/// Finding primes takes most of a test's time, so all tests share one key.
fn shared_key() -> SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey {
        kid: "key-of-the-tests".to_owned(),
        key: PrivateKey(new_key()),
        created: time("2026-01-01T00:00:00Z"),
        verifies_until: None,
    })
    .clone()
}

/// A new RSA key, PKCS#8.
pub(crate) fn new_key() -> Vec<u8> {
    KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref().to_vec()
}

impl Server {
    pub(crate) async fn start(config: Config) -> Self {
        crate::log::install();
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let store = store::open(&url).unwrap();
        let tenant = store.default_tenant().await.unwrap();
        store.add_first_signing_key(tenant.number, &shared_key()).await.unwrap();
        let clock = Arc::new(ManualClock::new(time(NOW)));
        let service = service(
            config,
            Arc::clone(&store),
            Arc::clone(&clock) as Arc<dyn Clock>,
            ([127, 0, 0, 1], 8080).into(),
        )
        .await
        .unwrap();
        Self { service, store, clock, tenant, folder }
    }

    /// The same store and clock behind a server of another configuration.
    pub(crate) async fn with_config(self, config: Config) -> Self {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let made = service(config, Arc::clone(&self.store), clock, ([127, 0, 0, 1], 8080).into());
        Self { service: made.await.unwrap(), ..self }
    }

    /// Another server on the same database, as another process opens it.
    pub(crate) async fn replica(&self) -> Self {
        let url = format!("sqlite:{}", self.folder.path().join("test.db").display());
        let store = store::open(&url).unwrap();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let address = ([127, 0, 0, 1], 8081).into();
        let service = service(unlimited(), Arc::clone(&store), clock, address).await.unwrap();
        let (clock, folder) = (Arc::clone(&self.clock), Arc::clone(&self.folder));
        Self { service, store, clock, tenant: self.tenant.clone(), folder }
    }

    /// A server with limits off and the inventory of [`crate::inventory`].
    pub(crate) async fn with_inventory() -> Self {
        let server = Self::start(unlimited()).await;
        crate::inventory::fill(&server).await;
        server
    }

    pub(crate) async fn app(&self, permissions: &[Permission]) -> NewApp {
        add_app(self.store.as_ref(), &self.tenant, permissions, self.clock.now()).await
    }

    /// A token as the endpoint issues it.
    pub(crate) async fn token_of(&self, app: &NewApp) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope={AUDIENCE}/.default",
            app.client_id, app.client_secret
        );
        let path = format!("/{}/oauth2/v2.0/token", app.tenant_id);
        let answer = self.post(&path, &form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A token of a new app.
    pub(crate) async fn token(&self, permissions: &[Permission]) -> String {
        self.token_of(&self.app(permissions).await).await
    }

    /// A token of a new app that may read machines and users.
    pub(crate) async fn reader(&self) -> String {
        self.token(&[Permission::MachineReadAll, Permission::UserReadAll]).await
    }

    /// Claims of a good token of an app, to be bent.
    pub(crate) fn claims(&self, app: &NewApp) -> Value {
        let now_s = self.clock.now().seconds();
        json!({
            "aud": AUDIENCE,
            "iss": format!("https://sts.windows.net/{}/", self.tenant.id),
            "iat": now_s,
            "nbf": now_s,
            "exp": now_s + 3600,
            "appid": app.client_id,
            "roles": ["Machine.Read.All", "User.Read.All"],
            "tid": self.tenant.id,
            "ver": "1.0",
        })
    }

    pub(crate) async fn signing_key(&self) -> SigningKey {
        self.store.signing_keys(self.tenant.number).await.unwrap().remove(0)
    }

    /// Claims signed with the server's own key.
    pub(crate) async fn mint(&self, claims: &Value) -> String {
        let key = self.signing_key().await;
        sign(&json!({"typ": "JWT", "alg": "RS256", "kid": key.kid}), claims, &key.key.0)
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(
            request(Method::GET, path).header(header::AUTHORIZATION, format!("Bearer {token}")),
        )
        .await
    }

    pub(crate) async fn get_open(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        let request = request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.call(request).await
    }

    /// A request of the administration, with a body where it has one.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Answer {
        let asked = request(method, path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.call(asked.body(body).unwrap()).await
    }

    pub(crate) async fn send(&self, request: axum::http::request::Builder) -> Answer {
        self.call(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// An answer as text, ids that differ from run to run replaced.
    pub(crate) fn show(&self, answer: &Answer) -> String {
        let tenant = self.tenant.id.to_string();
        answer.show().replace(&tenant, "<tenant>")
    }
}

/// The administration of a tenant by whoever runs the server.
pub(crate) fn actor(tenant: &Tenant, now: Timestamp) -> Actor {
    Actor {
        tenant: tenant.clone(),
        who: Who::System("tests".to_owned()),
        address: None,
        correlation: uuid::Uuid::new_v4(),
        now,
    }
}

/// An app with a secret.
#[derive(Clone, Debug)]
pub(crate) struct NewApp {
    pub(crate) tenant_id: uuid::Uuid,
    pub(crate) client_id: uuid::Uuid,
    pub(crate) client_secret: String,
}

pub(crate) async fn add_app(
    store: &dyn Store,
    tenant: &Tenant,
    permissions: &[Permission],
    now: Timestamp,
) -> NewApp {
    let settings = AppSettings {
        name: "probe".to_owned(),
        kind: AppKind::Confidential,
        permissions: permissions.to_vec(),
        redirect_uris: Vec::new(),
        first: FirstCredential::Secret { expires: None },
    };
    let actor = actor(tenant, now);
    let added = Administration::new(store, &actor).add_app(settings).await.unwrap();
    let client_secret = added.secret.unwrap().secret;
    NewApp { tenant_id: tenant.id, client_id: added.app.client_id, client_secret }
}

pub(crate) fn unlimited() -> Config {
    Config { limits: server::limits::Limits::off(), ..Config::default() }
}

pub(crate) fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, HOST)
}

/// A token from its parts, signed with a private key (PKCS#8).
pub(crate) fn sign(header: &Value, claims: &Value, key: &[u8]) -> String {
    let unsigned = unsigned(header, claims);
    let pair = KeyPair::from_pkcs8(key).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), unsigned.as_bytes(), &mut signature)
        .unwrap();
    format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Header and claims of a token without its signature.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The ids of the machines in the answer.
    pub(crate) fn names(&self) -> Vec<String> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        let value = self.json()["value"].clone();
        let rows = value.as_array().expect("`value` is an array");
        let name = |row: &Value| row["computerDnsName"].as_str().unwrap().to_owned();
        rows.iter().map(name).collect()
    }

    /// `code` and `message` of an error.
    pub(crate) fn error(&self) -> (String, String) {
        let error = &self.json()["error"];
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        (text("code"), text("message"))
    }

    fn show(&self) -> String {
        let correlation = self.header("mise-correlation-id");
        assert_eq!(correlation.len(), 36, "every answer has a correlation id");
        let hex = correlation.replace('-', "");
        let target = format!("|{}-{}.", &hex[..8], &hex[8..24]);
        let mut lines = vec![self.status.to_string()];
        for (name, value) in &self.headers {
            lines.push(format!("{name}: {}", value.to_str().unwrap()));
        }
        lines[1..].sort();
        lines.push(String::new());
        let text = self.text();
        // Shown line by line, but only if the bytes are compact JSON.
        let body = match serde_json::from_str::<Value>(text) {
            Ok(_) => pretty(text),
            Err(_) => text.to_owned(),
        };
        lines.push(body);
        lines.join("\n").replace(correlation, "<correlation>").replace(&target, "<target>")
    }
}

/// Breaks compact JSON into lines without touching the order of its keys.
fn pretty(compact: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for c in compact.chars() {
        if quoted {
            out.push(c);
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => quoted = true,
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            ' ' | '\n' => panic!("the answer is not compact: {compact}"),
            _ => {}
        }
        if c == '}' || c == ']' {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        }
        out.push(c);
        if c == '{' || c == '[' || c == ',' {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        }
    }
    out
}

/// Sets the tags of a machine; `None` for one that the scope does not show.
pub(crate) async fn set_tags(
    store: &dyn Store,
    scope: &inventory::access::scope::Scope,
    machine: inventory::ids::MachineId,
    tags: Vec<String>,
) -> Option<inventory::machine::Machine> {
    use inventory::change::{Author, MachineChange};
    let author = Author { time: time(NOW), app: None, person: None };
    let changes = vec![MachineChange::SetTags(tags)];
    store.change_machines(scope, vec![machine], changes, author).await.unwrap().pop()
}

/// A body that never comes.
pub(crate) struct Never;

impl axum::body::HttpBody for Never {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}
