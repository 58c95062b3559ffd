//! A browser without scripts: keeps cookies, reads forms, and follows nothing by itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::harness::{Answer, Server, request};

/// The origin of the server in these tests.
pub(crate) const ORIGIN: &str = "https://footfall.example";

#[derive(Clone)]
pub(crate) struct Browser<'s> {
    pub(crate) server: &'s Server,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Where it is, as far as the server can tell.
    pub(crate) address: Option<SocketAddr>,
}

impl<'s> Browser<'s> {
    pub(crate) fn new(server: &'s Server) -> Self {
        Self { server, cookies: BTreeMap::new(), address: None }
    }

    /// Opens an address of this server.
    pub(crate) async fn open(&mut self, place: &str) -> Answer {
        let path = place.strip_prefix(ORIGIN).unwrap_or(place);
        let asked = request(Method::GET, path).header(header::COOKIE, self.cookies());
        let answer = self.server.send(asked).await;
        self.keep(&answer);
        answer
    }

    /// Opens an address and goes on as long as the server leads to itself.
    pub(crate) async fn visit(&mut self, place: &str) -> Answer {
        let mut answer = self.open(place).await;
        for _ in 0..10 {
            match answer.location().filter(|to| to.starts_with('/') || to.starts_with(ORIGIN)) {
                Some(to) => answer = self.open(&to).await,
                None => return answer,
            }
        }
        panic!("the server leads around in circles")
    }

    /// Presses a button of a page, and goes on as [`Browser::visit`] does.
    pub(crate) async fn press(
        &mut self,
        page: &Answer,
        step: &str,
        typed: &[(&str, &str)],
    ) -> Answer {
        let answer = self.press_only(page, step, typed).await;
        match answer.location().filter(|to| to.starts_with('/')) {
            Some(to) => self.visit(&to).await,
            None => answer,
        }
    }

    /// Presses a button of a page.
    pub(crate) async fn press_only(
        &mut self,
        page: &Answer,
        step: &str,
        typed: &[(&str, &str)],
    ) -> Answer {
        let form = page.form_with(step);
        let mut fields: BTreeMap<String, String> = form.hidden.into_iter().collect();
        for (name, value) in typed {
            fields.insert((*name).to_owned(), (*value).to_owned());
        }
        fields.insert("step".to_owned(), step.to_owned());
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(&form.action, &fields, &[("origin", ORIGIN)]).await
    }

    /// Sends a form as whoever wrote it wants.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut asked = request(Method::POST, path)
            .header(header::COOKIE, self.cookies())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            asked = asked.header(*name, *value);
        }
        if let Some(address) = self.address {
            asked = asked.extension(ConnectInfo(address));
        }
        let answer = self.server.call(asked.body(Body::from(encoded(fields))).unwrap()).await;
        self.keep(&answer);
        answer
    }

    fn cookies(&self) -> String {
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&mut self, answer: &Answer) {
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let text = set.to_str().unwrap();
            let (pair, rest) = text.split_once(';').unwrap();
            assert!(rest.contains("HttpOnly") && rest.contains("SameSite=Lax"), "{text}");
            assert!(rest.contains("Secure") && rest.contains("Path=/"), "{text}");
            let (name, value) = pair.split_once('=').unwrap();
            assert!(name.starts_with("__Host-"), "{text}");
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<_> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

/// A form of a page.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) hidden: Vec<(String, String)>,
}

impl Answer {
    pub(crate) fn location(&self) -> Option<String> {
        let to = self.headers.get(header::LOCATION)?;
        assert!(self.status.is_redirection(), "{}", self.status);
        Some(to.to_str().unwrap().to_owned())
    }

    /// What an app is told in the redirect to it.
    pub(crate) fn told(&self, redirect_uri: &str) -> BTreeMap<String, String> {
        let to = self.location().unwrap_or_else(|| panic!("no redirect: {}", self.text()));
        let rest = to.strip_prefix(redirect_uri).unwrap_or_else(|| panic!("it leads to {to}"));
        let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let pairs = rest[1..].split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (decode(name), decode(value))).collect()
    }

    /// The title of a page, which is 200 unless something is wrong.
    pub(crate) fn title(&self) -> String {
        let text = self.text();
        let start = text.find("<h1>").unwrap_or_else(|| panic!("{} {text}", self.status)) + 4;
        text[start..start + text[start..].find("</h1>").unwrap()].to_owned()
    }

    pub(crate) fn is_page(&self, title: &str) -> bool {
        self.status == StatusCode::OK && self.title() == title
    }

    /// The form with a button for a step.
    pub(crate) fn form_with(&self, step: &str) -> Form {
        let button = format!("name=\"step\" value=\"{step}\"");
        let found = self.text().split("<form").skip(1).find(|form| form.contains(&button));
        let text = found.unwrap_or_else(|| panic!("no button {step}: {}", self.text()));
        let text = &text[..text.find("</form>").unwrap()];
        let hidden = text
            .split("<input")
            .skip(1)
            .map(|input| &input[..input.find('>').unwrap()])
            .filter(|input| input.contains("type=\"hidden\""))
            .map(|input| (attribute(input, "name"), attribute(input, "value")))
            .collect();
        Form { action: attribute(text, "action"), hidden }
    }
}

fn attribute(tag: &str, name: &str) -> String {
    let start = format!(" {name}=\"");
    let from = tag.find(&start).unwrap_or_else(|| panic!("no {name} in {tag}")) + start.len();
    let value = &tag[from..from + tag[from..].find('"').unwrap()];
    value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
