//! The real server on a real port, over TLS and without.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::http::StatusCode;
use inventory::access::Permission;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use server::clock::SystemClock;
use server::config::{Config, Tls};
use store::Store;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::unlimited;

/// A server in its own task, until it is dropped or stopped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) done: JoinHandle<Result<(), server::Error>>,
    _folder: tempfile::TempDir,
}

pub(crate) async fn start(config: Config) -> Running {
    try_start(config).await.unwrap()
}

pub(crate) async fn try_start(config: Config) -> Result<Running, server::Error> {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let store = store::open(&url).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let server = server::Server::new(config, Arc::clone(&store), listener, Arc::new(SystemClock));
    let server = server.await?;
    let done = tokio::spawn(server.serve(async {
        let _ = stopped.await;
    }));
    Ok(Running { address, store, stop, done, _folder: folder })
}

fn self_signed(names: &[&str]) -> Config {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    Config { tls: Tls::SelfSigned { names }, ..unlimited() }
}

pub(crate) async fn connect(
    server: &Running,
    name: &str,
    alpn: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let authority = loop {
        // The server makes it on its way up.
        match server.store.certificate_authority().await.unwrap() {
            Some(authority) => break authority,
            None => tokio::task::yield_now().await,
        }
    };
    roots
        .add(CertificateDer::from_pem_slice(authority.certificate_pem.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let tcp = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// Sends bytes and reads one answer: its head and its body, by Content-Length.
pub(crate) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    bytes: &str,
) -> (String, String) {
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

#[tokio::test]
async fn a_client_signs_in_and_asks_over_https() {
    let server = start(self_signed(&["footfall.corp.example"])).await;
    let mut stream = connect(&server, "localhost", &["http/1.1"], BOTH).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let tenant = server.store.default_tenant().await.unwrap();
    let now = server::clock::Clock::now(&SystemClock);
    let permissions = [Permission::MachineReadAll];
    let app = crate::harness::add_app(server.store.as_ref(), &tenant, &permissions, now).await;
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&resource=https://localhost",
        app.client_id, app.client_secret
    );
    let (head, body) = exchange(
        &mut stream,
        &format!(
            "POST /{}/oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{form}",
            tenant.id,
            form.len()
        ),
    )
    .await;
    assert!(head.starts_with("http/1.1 200 ok"), "{head}{body}");
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    let token = answer["access_token"].as_str().unwrap();

    // On the same connection, with a backslash that no encoder touched.
    let (head, body) = exchange(
        &mut stream,
        &format!(
            "GET /api/users/CORP\\jdoe/machines HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        ),
    )
    .await;
    assert!(head.starts_with("http/1.1 200 ok"), "{head}{body}");
    assert!(
        head.contains("strict-transport-security: max-age=31536000; includesubdomains"),
        "{head}"
    );
    assert_eq!(body, r#"{"@odata.context":"https://localhost/api/$metadata#Machines","value":[]}"#);
    drop(stream);

    server.stop.send(()).unwrap();
    server.done.await.unwrap().unwrap();
}

#[tokio::test]
async fn names_versions_and_protocols() {
    let server = start(self_signed(&["footfall.corp.example", "192.0.2.7"])).await;
    for name in ["localhost", "127.0.0.1", "::1", "footfall.corp.example", "192.0.2.7"] {
        connect(&server, name, &[], BOTH).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(connect(&server, "other.example", &[], BOTH).await.is_err());
    for (version, expected) in [
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let stream = connect(&server, "localhost", &["h2", "http/1.1"], &[version]).await.unwrap();
        let (_, connection) = stream.get_ref();
        assert_eq!(connection.protocol_version(), Some(expected));
        assert_eq!(connection.alpn_protocol(), Some(&b"h2"[..]));
        // Leaf and authority, so that clients that know the authority by its hash find it.
        assert_eq!(connection.peer_certificates().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_name_that_is_none_stops_the_start() {
    let refused = try_start(self_signed(&["b\u{fc}ro.example"])).await;
    let Err(server::Error::Tls(error)) = refused else { panic!("it started") };
    assert_eq!(error.to_string(), "`b\u{fc}ro.example` is no name that a certificate can hold");
}

#[tokio::test]
async fn the_authority_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let now = server::clock::Clock::now(&SystemClock);
    let first = server::tls::certificate_authority(store::open(&url).unwrap().as_ref(), now).await;
    let later = now.plus_seconds(86_400).unwrap();
    let again =
        server::tls::certificate_authority(store::open(&url).unwrap().as_ref(), later).await;
    assert_eq!(first.unwrap(), again.unwrap());
}

#[tokio::test]
async fn certificates_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["files.example".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let files = |certificate: &std::path::Path, key: &std::path::Path| Config {
        tls: Tls::Files { certificate: certificate.to_owned(), key: key.to_owned() },
        ..unlimited()
    };
    let refused = async |certificate: &std::path::Path, key: &std::path::Path| {
        let refused = try_start(files(certificate, key)).await;
        let Err(server::Error::Tls(error)) = refused else { panic!("it started") };
        error.to_string().replace(&folder.path().display().to_string(), "<folder>")
    };
    assert_eq!(refused(&certificate, &key).await, "cannot read <folder>/cert.pem");
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, "no key").unwrap();
    assert_eq!(
        refused(&certificate, &key).await,
        "<folder>/key.pem holds no private key in PEM form"
    );
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    assert_eq!(refused(&key, &key).await, "<folder>/key.pem holds no certificate in PEM form");
    let other = rcgen::KeyPair::generate().unwrap();
    let other_key = folder.path().join("other.pem");
    std::fs::write(&other_key, other.serialize_pem()).unwrap();
    assert_eq!(refused(&certificate, &other_key).await, "TLS does not take the certificate");
    let server = start(files(&certificate, &key)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").await.unwrap();
    // TLS alone is spoken there: an alert or the end, but no answer.
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    assert!(!bytes.starts_with(b"HTTP"), "{bytes:?}");
}

#[tokio::test]
async fn requests_in_flight_end_before_the_server_does() {
    let server = start(unlimited()).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let (head, body) = exchange(&mut idle, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(head.starts_with("http/1.1 200 ok") && body.is_empty(), "{head}");
    assert!(!head.contains("strict-transport-security"), "{head}");
    // Half a request: its form is still to come.
    let tenant = server.store.default_tenant().await.unwrap();
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    let start = format!(
        "POST /{}/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\na=b",
        tenant.id
    );
    slow.write_all(start.as_bytes()).await.unwrap();
    // An answer on the other connection shows that the first one was read.
    exchange(&mut idle, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    server.stop.send(()).unwrap();
    let mut closed = Vec::new();
    idle.read_to_end(&mut closed).await.unwrap();
    assert!(closed.is_empty());
    let (head, body) = exchange(&mut slow, "&c=d").await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
    assert!(body.contains("AADSTS900144"), "{body}");
    assert_eq!(StatusCode::BAD_REQUEST, 400);
    server.done.await.unwrap().unwrap();
}
