//! A story of requests and answers, as a person reads it: each request goes to the other replica
//! than the one before it, and ids have names.

use axum::http::Method;
use serde_json::Value;

use super::{Pair, ask};

pub(super) struct Transcript<'p> {
    pair: &'p Pair,
    token: String,
    turns: usize,
    text: String,
    /// Texts that differ from run to run, and what stands for them.
    names: Vec<(String, &'static str)>,
}

impl<'p> Transcript<'p> {
    pub(super) fn new(pair: &'p Pair, token: String) -> Self {
        let names = vec![(pair.one.tenant.id.to_string(), "<tenant>")];
        Self { pair, token, turns: 0, text: String::new(), names }
    }

    pub(super) fn own_tenant(&self) -> String {
        self.pair.one.tenant.id.to_string()
    }

    /// A request that is granted.
    pub(super) async fn step(&mut self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.send(method, path, body).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// A request that is refused.
    pub(super) async fn refused(&mut self, method: Method, path: &str, body: Value) {
        let (status, answer) = self.send(method, path, body).await;
        assert!((400..500).contains(&status), "{path}: {status} {answer}");
    }

    async fn send(&mut self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let server = [&self.pair.one, &self.pair.other][self.turns % 2];
        self.turns += 1;
        let answer = ask(server, &self.token, method.clone(), path, body.clone()).await;
        self.text += &format!("{method} {path}");
        if !body.is_null() {
            self.text += &format!(" {body}");
        }
        let status = answer.status.as_u16();
        self.text += &format!("\n{status}");
        let mut json = Value::Null;
        if !answer.body.is_empty() {
            json = answer.json();
            // Its error's target is a correlation id.
            if let Some(error) = json.get_mut("error").and_then(Value::as_object_mut) {
                error.remove("target");
            }
            if let Some(secret) = secret_of(&json) {
                self.names.push((secret, "<client secret>"));
            }
            self.text += &format!(" {}", serde_json::to_string_pretty(&json).unwrap());
        }
        self.text += "\n\n";
        (status, json)
    }

    /// Gives an id that was answered a name; the result is the id.
    pub(super) fn name(&mut self, id: &Value, name: &'static str) -> String {
        let id = id.as_str().unwrap_or_else(|| panic!("{name}: {id}")).to_owned();
        self.names.push((id.clone(), name));
        id
    }

    pub(super) fn told(mut self) -> String {
        for (text, name) in &self.names {
            self.text = self.text.replace(text, name);
        }
        self.text
    }
}

fn secret_of(answer: &Value) -> Option<String> {
    let secret = answer.get("clientSecret").or_else(|| answer.pointer("/secret/clientSecret"))?;
    secret.as_str().map(str::to_owned)
}
