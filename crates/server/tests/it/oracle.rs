//! Random questions to the lists of machines and users, against an oracle in plain Rust: rows, their order
//! and number. `FOOTFALL_ORACLE_QUESTIONS=20000` asks that many; a failure says the number of its question,
//! which `FOOTFALL_ORACLE_FIRST` asks again.

mod ask;
mod world;

use std::cmp::Ordering;

use axum::http::StatusCode;
use inventory::filter::{EntityKind, Kind, properties};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use self::ask::{Asker, Dice, Row, Term, Test, V, related_kind};
use self::world::{USERS, World};

/// Questions of the test command; each takes some milliseconds.
const QUESTIONS: u64 = 600;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number of questions"))
}

/// A question: what is asked for, and in which way.
struct Question {
    path: String,
    options: Vec<String>,
    filter: Option<Test>,
    search: Option<String>,
    order: Vec<(Term, bool)>,
    top: Option<usize>,
    skip: usize,
    page: Option<usize>,
    count: bool,
    select: Vec<&'static str>,
    inner: Option<Box<Question>>,
}

impl Question {
    /// `inner` is for what stands in an expansion.
    fn new(dice: &mut Dice, rows: &[Row], kind: EntityKind, path: String, of: Of) -> Self {
        let relates = of == Of::Store;
        let mut asker = Asker { dice, rows, kind, relates };
        let filter = (!asker.dice.once_in(3)).then(|| asker.test(2));
        let order = if asker.dice.once_in(2) { asker.order() } else { Vec::new() };
        let mut new = Self {
            path,
            options: Vec::new(),
            filter,
            search: dice.once_in(8).then(|| dice.one(&["ws", "corp", "jdoe", "1"]).to_owned()),
            order,
            top: dice.once_in(3).then(|| dice.roll(9)),
            skip: if dice.once_in(4) { dice.roll(6) } else { 0 },
            page: None,
            count: dice.once_in(3),
            select: Vec::new(),
            inner: None,
        };
        if relates && new.top.is_none() && dice.once_in(3) {
            new.page = Some(1 + dice.roll(8));
        }
        if dice.once_in(4) {
            let single: Vec<_> = properties(kind).iter().filter(|it| !it.is_navigation).collect();
            new.select = (0..1 + dice.roll(3)).map(|_| dice.one(&single).name).collect();
            new.select.sort_unstable();
            new.select.dedup();
            if !new.select.contains(&"id") {
                new.select.push("id");
            }
        }
        if relates && dice.once_in(4) {
            let related: Vec<Row> = rows.iter().flat_map(|row| row.related.clone()).collect();
            let kind = related_kind(kind);
            new.inner = Some(Box::new(Self::new(dice, &related, kind, String::new(), Of::Memory)));
        }
        new.write(kind);
        new
    }

    fn write(&mut self, kind: EntityKind) {
        let mut options = Vec::new();
        if let Some(filter) = &self.filter {
            options.push(format!("$filter={}", filter.text(kind, "")));
        }
        if let Some(word) = &self.search {
            options.push(format!("$search={word}"));
        }
        if !self.order.is_empty() {
            let key = |(term, falls): &(Term, bool)| {
                format!("{}{}", term.text(kind, ""), if *falls { " desc" } else { "" })
            };
            let keys: Vec<_> = self.order.iter().map(key).collect();
            options.push(format!("$orderby={}", keys.join(",")));
        }
        if let Some(top) = self.top {
            options.push(format!("$top={top}"));
        }
        if self.skip > 0 {
            options.push(format!("$skip={}", self.skip));
        }
        if self.count {
            options.push("$count=true".to_owned());
        }
        if !self.select.is_empty() {
            options.push(format!("$select={}", self.select.join(",")));
        }
        if let Some(inner) = &self.inner {
            let name = if kind == EntityKind::Machine { "logOnUsers" } else { "machines" };
            let inside = inner.options.join(";");
            let inside = if inside.is_empty() { inside } else { format!("({inside})") };
            options.push(format!("$expand={name}{inside}"));
        }
        if let Some(rows) = self.page {
            options.push(format!("pageSize={rows}"));
        }
        self.options = options;
    }

    fn url(&self) -> String {
        let option = |option: &String| {
            let (name, value) = option.split_once('=').unwrap();
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        };
        let options: Vec<_> = self.options.iter().map(option).collect();
        format!("{}?{}", self.path, options.join("&"))
    }

    /// The rows that the filter and the search leave, in their order; `rows` are in the set's own.
    fn chosen<'r>(&self, rows: &'r [Row], ties: impl Fn(&Row, &Row) -> Ordering) -> Vec<&'r Row> {
        let found = |row: &&Row| {
            let name = if row.kind == EntityKind::Machine { "computerDnsName" } else { "id" };
            let text = properties(row.kind).iter().find(|it| it.name == name).unwrap();
            let has = |word: &String| match row.value(text) {
                V::Text(text) => text.to_lowercase().contains(word),
                _ => false,
            };
            self.filter.as_ref().is_none_or(|filter| filter.of(row) == Some(true))
                && self.search.as_ref().is_none_or(has)
        };
        let mut chosen: Vec<_> = rows.iter().filter(found).collect();
        if !self.order.is_empty() {
            chosen.sort_by(|one, other| {
                let keys = self.order.iter().map(|(term, falls)| {
                    let order = term.order(&term.value(one), &term.value(other));
                    if *falls { order.reverse() } else { order }
                });
                let first = keys.fold(Ordering::Equal, Ordering::then);
                first.then_with(|| ties(one, other))
            });
        }
        chosen
    }

    fn cut<'r>(&self, rows: Vec<&'r Row>) -> Vec<&'r Row> {
        rows.into_iter().skip(self.skip).take(self.top.unwrap_or(usize::MAX)).collect()
    }

    /// That a row says what it is to say.
    fn check_row(&self, said: &Value, row: &Row, shows_sid: bool) {
        assert_eq!(said["id"], row.id.as_str());
        let said = said.as_object().unwrap();
        for property in properties(row.kind).iter().filter(|it| it.field.is_some()) {
            let is_selected = self.select.is_empty() || self.select.contains(&property.name);
            assert_eq!(said.contains_key(property.name), is_selected, "{}", property.name);
            if !is_selected || property.name == "accountSid" && !shows_sid {
                continue;
            }
            let expected = match row.value(property) {
                V::Null => Value::Null,
                V::Bool(truth) => (*truth).into(),
                V::Number(number) => (*number).into(),
                V::Text(text) => text.as_str().into(),
                V::Moment(moment) => moment.to_string().into(),
            };
            assert_eq!(said[property.name], expected, "{}", property.name);
        }
        let Some(inner) = &self.inner else { return };
        let name = if row.kind == EntityKind::Machine { "logOnUsers" } else { "machines" };
        let chosen = inner.chosen(&row.related, |_, _| Ordering::Equal);
        if inner.count {
            assert_eq!(said[&format!("{name}@odata.count")], chosen.len());
        }
        let rows = said[name].as_array().unwrap();
        let expected = inner.cut(chosen);
        let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), "{name}");
        for (said, row) in rows.iter().zip(expected) {
            inner.check_row(said, row, false);
        }
    }
}

/// Who finds the rows of a set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// The store, from which there are pages.
    Store,
    /// The server, of rows that it has in memory.
    Memory,
}

#[tokio::test]
async fn random_questions_are_answered_as_the_oracle_says() {
    let world = World::new(40).await;
    let first = setting("FOOTFALL_ORACLE_FIRST").unwrap_or(0);
    let questions = setting("FOOTFALL_ORACLE_QUESTIONS").unwrap_or(QUESTIONS);
    let mut users = world.server.get("/api/users", &world.token).await.json()["value"].clone();
    assert_eq!(users.as_array_mut().unwrap().len(), USERS.len());
    for number in first..first + questions {
        ask(&world, number).await;
    }
}

/// Says of which question a failure is, however it comes.
struct Asked(u64, String);

impl Drop for Asked {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("question {} (FOOTFALL_ORACLE_FIRST): {}", self.0, self.1);
        }
    }
}

async fn ask(world: &World, number: u64) {
    let mut dice = Dice(number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let by_id = |one: &Row, other: &Row| one.id.cmp(&other.id);
    // What is equal stays in the set's own order, but of machines by id.
    let (rows, kind, path, of) = match dice.roll(6) {
        0 | 1 => {
            (world.machines.clone(), EntityKind::Machine, "/api/machines".to_owned(), Of::Store)
        }
        2 | 3 => (world.users.clone(), EntityKind::User, "/api/users".to_owned(), Of::Store),
        4 => {
            let user = &world.users[dice.roll(world.users.len())];
            let machines = (world.machines.iter())
                .filter(|machine| user.related.iter().any(|one| one.id == machine.id));
            let id = utf8_percent_encode(&user.id, NON_ALPHANUMERIC);
            let path = format!("/api/users/{id}/machines");
            (machines.cloned().collect(), EntityKind::Machine, path, Of::Store)
        }
        _ => {
            let machine = &world.machines[dice.roll(world.machines.len())];
            let path = format!("/api/machines/{}/logonusers", machine.id);
            (machine.related.clone(), EntityKind::User, path, Of::Memory)
        }
    };
    let question = Question::new(&mut dice, &rows, kind, path, of);
    let _said = Asked(number, format!("{} {}", question.path, question.options.join("&")));
    let stays = |_: &Row, _: &Row| Ordering::Equal;
    let mut chosen = match kind {
        EntityKind::Machine => question.chosen(&rows, by_id),
        _ => question.chosen(&rows, stays),
    };
    let all = chosen.len();
    let walks = question.page.is_some_and(|page| all.saturating_sub(question.skip) > page);
    if walks && kind == EntityKind::Machine && question.order.is_empty() {
        chosen.sort_by(|one, other| by_id(one, other));
    }
    let expected = question.cut(chosen);
    let mut said = Vec::new();
    let mut next = Some(question.url());
    while let Some(url) = next {
        let answer = world.server.get(&url, &world.token).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let body = answer.json();
        assert_eq!(
            body.get("@odata.count").and_then(Value::as_u64),
            question.count.then_some(all as u64)
        );
        let rows = body["value"].as_array().unwrap();
        let link = body["@odata.nextLink"].as_str();
        let is_full = question.page.is_none_or(|page| rows.len() == page);
        assert!(link.is_none() || is_full, "a short page before the last");
        said.extend(rows.iter().cloned());
        next = link.map(|link| link.strip_prefix("http://footfall.example").unwrap().to_owned());
    }
    let ids: Vec<_> = said.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, expected.iter().map(|row| row.id.as_str()).collect::<Vec<_>>());
    for (said, row) in said.iter().zip(expected) {
        question.check_row(said, row, of == Of::Store);
    }
    if of == Of::Store
        && !question.path.contains("machines?")
        && !question.path.ends_with("/machines")
    {
        let filter = question
            .options
            .iter()
            .filter(|it| it.starts_with("$filter") || it.starts_with("$search"));
        let filter: Vec<_> = filter
            .map(|it| it.split_once('=').unwrap())
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        let count = format!("{}/$count?{}", question.path, filter.join("&"));
        assert_eq!(world.server.get(&count, &world.token).await.text(), all.to_string());
    }
}

/// The generator reaches every property, so that the oracle leaves none out.
#[test]
fn questions_are_about_every_property() {
    let mut dice = Dice(1);
    for kind in [EntityKind::Machine, EntityKind::User] {
        let mut asked = String::new();
        for _ in 0..400 {
            let mut asker = Asker { dice: &mut dice, rows: &[], kind, relates: true };
            asked += &asker.test(1).text(kind, "");
            asked += &asker.order().iter().map(|(term, _)| term.text(kind, "")).collect::<String>();
        }
        for property in properties(kind).iter().filter(|it| !matches!(it.kind, Kind::Complex(_))) {
            let is_asked = asked.contains(property.name) || property.name == "ipAddresses";
            assert!(is_asked, "{}", property.name);
        }
    }
}
