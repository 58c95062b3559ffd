//! `/{tenant}/oauth2/authorize` and `/{tenant}/oauth2/v2.0/authorize`: a person lets an app act for them
//! (RFC 6749 §4.1, OpenID Connect Core §3.1.2, defender-api.md §7.2).
//!
//! As long as it is not certain which app asks and where it is, what is wrong is told to the person
//! alone; from then on to the app.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use inventory::access::App;
use inventory::access::ticket::{Ticket, TicketKind};
use inventory::time::Timestamp;
use maud::html;

use super::consent;
use super::frame::{self, Page};
use super::gate::{self, Exit, Gate, Wants};
use super::reply::Reply;
use super::session::{self, Session};
use super::visit::{Form, Visit};
use crate::error::ApiError;
use crate::issuer::delegation::{Code, Delegation};
use crate::issuer::handed_out::{random, sha256};
use crate::issuer::person::to_json;
use crate::issuer::refusal::Refusal;
use crate::issuer::request::Version;
use crate::issuer::scopes::{self, Asked, OPENID};
use crate::issuer::{audience, client};
use crate::state::AppState;

/// How long a code is good, in seconds (RFC 6749 §4.1.2: ten minutes at most).
const CODE_LIFETIME_S: i64 = 300;
/// Bytes of a request in a form at most: it is repeated as an address.
const MAX_REQUEST_BYTES: usize = 8 * 1024;
/// Bytes of `state` and `nonce` at most.
const MAX_ECHO_BYTES: usize = 4 * 1024;

/// What an app asks.
struct Request {
    asked: Asked,
    nonce: Option<String>,
    challenge: Option<String>,
    prompt: Prompt,
    max_age_s: Option<i64>,
}

/// `prompt` (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prompt {
    /// Show what is needed.
    AsNeeded,
    /// Show nothing.
    Never,
    SignIn,
    Consent,
    Account,
}

/// `GET` and `POST /{tenant}/oauth2/authorize`
pub(crate) async fn v1(State(app): State<Arc<AppState>>, visit: Visit) -> Response {
    answer(&app, &visit, Version::V1).await
}

/// `GET` and `POST /{tenant}/oauth2/v2.0/authorize`
pub(crate) async fn v2(State(app): State<Arc<AppState>>, visit: Visit) -> Response {
    answer(&app, &visit, Version::V2).await
}

async fn answer(app: &AppState, visit: &Visit, version: Version) -> Response {
    if let Form::Foreign(fields) = &visit.form {
        let query = fields.query_without(&[]);
        return match query.len() {
            ..=MAX_REQUEST_BYTES => visit.go_to(&format!("{}?{query}", visit.call.target.path())),
            _ => frame::refused(&visit.call, &Refusal::too_long()),
        };
    }
    let (client, reply) = match known_client(app, visit).await {
        Ok(known) => known,
        Err(refusal) => return frame::refused(&visit.call, &refusal),
    };
    match decide(app, visit, version, &client, &reply).await {
        Ok(response) => response,
        Err(refusal) => reply.refuse(visit, &refusal),
    }
}

/// The app, and where it is answered.
async fn known_client(app: &AppState, visit: &Visit) -> Result<(App, Reply), Refusal> {
    let query = &visit.query;
    let client_id = query.get("client_id").ok_or_else(|| Refusal::missing("client_id"))?;
    let client = client::find(app.store.as_ref(), &visit.tenant, client_id).await?;
    // The first one to set it.
    let _ = visit.call.app_id.set(client.client_id);
    if client.revoked.is_some() {
        return Err(Refusal::revoked_app(&client));
    }
    let state = query.get("state");
    if [state, query.get("nonce")].into_iter().flatten().any(|text| text.len() > MAX_ECHO_BYTES) {
        return Err(Refusal::too_long());
    }
    let reply = Reply::read(&client, query.get("redirect_uri"), query.get("response_mode"), state)?;
    Ok((client, reply))
}

async fn decide(
    app: &AppState,
    visit: &Visit,
    version: Version,
    client: &App,
    reply: &Reply,
) -> Result<Response, Refusal> {
    let request = read(app, visit, version, client)?;
    if visit.step() == Some("cancel") {
        return Err(Refusal::declined());
    }
    let session = if request.prompt == Prompt::Never {
        silent(app, visit, &request).await?
    } else {
        let purpose = format!("to use {}", client.name);
        let gate = Gate {
            purpose: &purpose,
            hint: visit.query.get("login_hint"),
            wants: request.wants(),
            leads_to: Some(&reply.source),
            exit: Exit::Cancel,
        };
        match gate::pass(app, visit, gate).await {
            Ok(session) => session,
            Err(page) => return Ok(page),
        }
    };
    let (tenant, now) = (visit.tenant.number, visit.call.now);
    let parties = (client, &session.operator);
    // Who agreed must be who is signed in: another window may have changed that.
    let agreed = visit.step() == Some("accept")
        && visit.field("operator") == Some(&session.operator.id.to_string());
    if agreed {
        consent::give(app, tenant, parties, &request.asked, now).await.map_err(internal)?;
        gate::note(visit, "consent given");
    } else {
        let given = consent::is_given(app, tenant, parties, &request.asked, now).await;
        let given = given.map_err(internal)? && request.prompt != Prompt::Consent;
        if !given && request.prompt == Prompt::Never {
            return Err(Refusal::consent_required(client));
        }
        if !given {
            return Ok(visit.page(consent_page(visit, client, reply, &request, &session)));
        }
    }
    let code = issue(app, visit, client, reply, request, &session).await?;
    Ok(reply.code(visit, &code))
}

impl Request {
    fn wants(&self) -> Wants {
        match (self.prompt, self.max_age_s) {
            (Prompt::SignIn, _) => Wants::New,
            (Prompt::Account, _) => Wants::Chosen,
            (_, Some(seconds)) => Wants::Within(seconds),
            (Prompt::AsNeeded | Prompt::Never | Prompt::Consent, None) => Wants::Any,
        }
    }
}

fn read(app: &AppState, visit: &Visit, version: Version, client: &App) -> Result<Request, Refusal> {
    let query = &visit.query;
    match query.get("response_type") {
        None => return Err(Refusal::missing("response_type")),
        Some("code") => {}
        Some(other) => return Err(Refusal::unsupported_response(other)),
    }
    let own = audience::own(app, &visit.call);
    let fields =
        scopes::Fields { version, resource: query.get("resource"), scope: query.get("scope") };
    let asked = scopes::read(fields, client, visit.tenant.id, &own)?;
    if asked.scopes.is_empty() && !asked.openid.iter().any(|scope| scope == OPENID) {
        return Err(Refusal::consent_required(client));
    }
    let challenge = challenge(visit, client)?;
    let prompt = match query.get("prompt") {
        None => Prompt::AsNeeded,
        Some("none") => Prompt::Never,
        Some("login") => Prompt::SignIn,
        Some("consent") => Prompt::Consent,
        Some("select_account") => Prompt::Account,
        Some(other) => return Err(Refusal::invalid_request("prompt", other)),
    };
    let max_age_s = match query.get("max_age") {
        None => None,
        Some(text) => {
            let seconds = text.parse::<u32>();
            Some(seconds.map_err(|_| Refusal::invalid_request("max_age", text))?.into())
        }
    };
    Ok(Request {
        asked,
        nonce: query.get("nonce").map(str::to_owned),
        challenge,
        prompt,
        max_age_s,
    })
}

/// The proof key's challenge (RFC 7636), S256 alone. Who keeps no secret must send one.
fn challenge(visit: &Visit, client: &App) -> Result<Option<String>, Refusal> {
    let query = &visit.query;
    match (query.get("code_challenge"), query.get("code_challenge_method")) {
        (None, None) if !client.is_public => Ok(None),
        (None, _) => Err(Refusal::missing("code_challenge")),
        (Some(challenge), Some("S256")) if is_challenge(challenge) => {
            Ok(Some(challenge.to_owned()))
        }
        (Some(challenge), Some("S256")) => {
            Err(Refusal::invalid_request("code_challenge", challenge))
        }
        (Some(_), method) => {
            Err(Refusal::invalid_request("code_challenge_method", method.unwrap_or("plain")))
        }
    }
}

/// SHA-256 in base64url has 43 characters.
fn is_challenge(text: &str) -> bool {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.len() == 43 && text.bytes().all(is_base64url)
}

/// Who is signed in, where nothing may be shown.
async fn silent(app: &AppState, visit: &Visit, request: &Request) -> Result<Session, Refusal> {
    let session = session::find(app, visit).await.map_err(internal)?;
    let fits = |session: &Session| {
        let age_s = visit.call.now.seconds() - session.signed_in_s;
        session.is_complete() && request.max_age_s.is_none_or(|most| age_s <= most)
    };
    session.filter(fits).ok_or_else(Refusal::login_required)
}

fn consent_page<'p>(
    visit: &Visit,
    client: &App,
    reply: &'p Reply,
    request: &Request,
    session: &Session,
) -> Page<'p> {
    let body = html! {
        p { "The app " strong { (client.name) } " would like to act for you. It asks to:" }
        (consent::list(&request.asked))
        p.small { "It is at " code { (reply.source) } ". You are signed in as "
            strong { (session.operator.user_name) } "." }
        form method="post" action=(visit.call.target.as_str()) {
            (frame::mark(&visit.mark()))
            input type="hidden" name="operator" value=(session.operator.id);
            button name="step" value="accept" { "Accept" }
            button.plain name="step" value="cancel" { "Cancel" }
            button.plain name="step" value="other" { "Use another account" }
        }
    };
    Page { leads_to: Some(&reply.source), ..Page::new("Permissions requested", body) }
}

/// Makes the code that the app exchanges for tokens.
async fn issue(
    app: &AppState,
    visit: &Visit,
    client: &App,
    reply: &Reply,
    request: Request,
    session: &Session,
) -> Result<String, Refusal> {
    let code = random().ok_or_else(|| Refusal::internal("the system gave no random bytes"))?;
    let now = visit.call.now;
    let content = Code {
        delegation: Delegation {
            client_id: client.client_id,
            operator: session.operator.id,
            resource: request.asked.resource,
            scopes: request.asked.scopes,
            openid: request.asked.openid,
            nonce: request.nonce,
            signed_in_s: session.signed_in_s,
            methods: session.methods.clone(),
        },
        redirect_uri: reply.redirect_uri.clone(),
        challenge: request.challenge,
    };
    let ticket = Ticket {
        kind: TicketKind::AuthorizationCode,
        key: sha256(&code),
        expires: now.plus_seconds(CODE_LIFETIME_S).unwrap_or(Timestamp::MAX),
        operator: Some(session.operator.id),
        app: Some(client.client_id),
        family: Some(session.family),
        data: to_json(&content)?,
    };
    app.store.add_ticket(visit.tenant.number, &ticket, now).await?;
    Ok(code)
}

fn internal(error: ApiError) -> Refusal {
    match error {
        ApiError::Internal(reason) => Refusal::internal(reason),
        other => Refusal::internal(format!("{other:?}")),
    }
}
