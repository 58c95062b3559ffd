//! What the check of a token costs: the whole of a request in process whose token is remembered,
//! and of one whose token was never seen, beside the bare check of the signature that the second
//! one needs. The request is the cheapest one of the API, `GET /api/alerts?$top=1`.

mod provider;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use aws_lc_rs::signature::KeyPair;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use inventory::access::Permission;
use serde_json::json;
use server::clock::{Clock, SystemClock};
use server::config::Config;
use server::issuer::audience;
use server::limits::Limits;
use server::outside::{ClaimNames, Kind, OutsideIssuer};
use server::service::{Service, service};
use tower::ServiceExt;

use provider::{Key, Provider};

use crate::caller::Caller;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Tokens of each kind
    #[arg(long, default_value_t = 2_000)]
    tokens: usize,
}

/// Requests with a token that is remembered, for each one that is new.
const REPEATS: usize = 20;

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(args.tokens))
}

async fn measure(count: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = store::open(&format!("sqlite:{}", folder.path().join("tokens.sqlite").display()))?;
    let keys = [("RS256", Key::rsa()?), ("PS256", Key::rsa()?), ("ES256", Key::p256()?)];
    let provider = Provider::start(&keys)?;
    let issuer = OutsideIssuer {
        kind: Kind::OpenId { issuer: provider.issuer.clone(), claims: ClaimNames::default() },
        tenant: None,
        audiences: Vec::new(),
        discovery_url: None,
        ca: None,
    };
    let config = Config { limits: Limits::off(), issuers: vec![issuer], ..Config::default() };
    let clock = Arc::new(SystemClock);
    let now = clock.now();
    let made = service(config, Arc::clone(&store), clock, ([127, 0, 0, 1], 80).into()).await?;
    let caller = Caller::register(store.as_ref(), vec![Permission::MachineReadAll], now).await?;

    println!("| issuer | signature | token | a request | of it the bare signature |");
    println!("|---|---|---|---|---|");
    let open = time(&made, "/healthz", &vec![String::new(); count * REPEATS]).await?;
    row("-", "-", "none (`/healthz`)", open, None);
    let mut own = Vec::new();
    for _ in 0..count {
        own.push(caller.token(store.as_ref(), now).await?);
    }
    // Of the same size and kind as the server's own.
    let bare = keys[0].1.time_checks(count)?;
    both(&made, ("own", "RS256"), &own, bare).await?;
    for (algorithm, key) in &keys {
        let tokens = (0..count).map(|place| {
            let claims = json!({
                "iss": provider.issuer, "aud": audience::DEFAULT_RESOURCE, "exp": now.seconds() + 3600,
                "sub": "bench", "client_id": "bench", "roles": ["Machine.Read.All"], "jti": place,
            });
            key.sign(algorithm, &claims)
        });
        let tokens = tokens.collect::<anyhow::Result<Vec<_>>>()?;
        both(&made, ("outside", algorithm), &tokens, key.time_checks(count)?).await?;
    }
    Ok(())
}

/// Every token for the first time, then one of them again and again.
async fn both(
    service: &Service,
    (issuer, algorithm): (&str, &str),
    tokens: &[String],
    bare: Duration,
) -> anyhow::Result<()> {
    // The issuer's keys are fetched with the first one, which does not count.
    time(service, PATH, &tokens[..1]).await?;
    let new = time(service, PATH, &tokens[1..]).await?;
    let again = vec![tokens[0].clone(); tokens.len() * REPEATS];
    let remembered = time(service, PATH, &again).await?;
    row(issuer, algorithm, "never seen", new, Some(bare));
    row(issuer, algorithm, "remembered", remembered, None);
    Ok(())
}

const PATH: &str = "/api/alerts?$top=1";

fn row(issuer: &str, algorithm: &str, token: &str, request: Duration, bare: Option<Duration>) {
    let micros = |time: Duration| format!("{:.1} µs", time.as_secs_f64() * 1e6);
    let bare = bare.map_or_else(|| "-".to_owned(), micros);
    println!("| {issuer} | {algorithm} | {token} | {} | {bare} |", micros(request));
}

/// The mean time of a request.
async fn time(service: &Service, path: &str, tokens: &[String]) -> anyhow::Result<Duration> {
    let requests = tokens.iter().map(|token| {
        Request::get(path)
            .header("host", "footfall.example")
            .header("authorization", format!("Bearer {token}"))
            .body(Empty::<Bytes>::new())
    });
    let requests = requests.collect::<Result<Vec<_>, _>>()?;
    let count = u32::try_from(requests.len()).context("too many tokens")?;
    let start = Instant::now();
    for request in requests {
        let response = service.clone().oneshot(request).await?;
        anyhow::ensure!(response.status() == 200, "{path} answered {}", response.status());
        black_box(response);
    }
    Ok(start.elapsed() / count.max(1))
}

impl Key {
    /// The mean time of a check of a signature, with the key read each time.
    fn time_checks(&self, count: usize) -> anyhow::Result<Duration> {
        let message = vec![b'x'; 1_000];
        let (verification, public, signature) = match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = aws_lc_rs::rand::SystemRandom::new();
                let padding = &aws_lc_rs::signature::RSA_PKCS1_SHA256;
                pair.sign(padding, &random, &message, &mut signature)
                    .map_err(|_| anyhow::anyhow!("no signature"))?;
                let verification: &dyn aws_lc_rs::signature::VerificationAlgorithm =
                    &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
                (verification, pair.public_key().as_ref().to_vec(), signature)
            }
            Self::P256(pair) => {
                let random = aws_lc_rs::rand::SystemRandom::new();
                let signature =
                    pair.sign(&random, &message).map_err(|_| anyhow::anyhow!("no signature"))?;
                let verification: &dyn aws_lc_rs::signature::VerificationAlgorithm =
                    &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
                (verification, pair.public_key().as_ref().to_vec(), signature.as_ref().to_vec())
            }
        };
        let start = Instant::now();
        for _ in 0..count {
            let checked = verification.verify_sig(&public, &message, &signature);
            anyhow::ensure!(black_box(checked).is_ok(), "the signature is wrong");
        }
        Ok(start.elapsed() / u32::try_from(count)?.max(1))
    }
}
