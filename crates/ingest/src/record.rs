//! One record in JSON, whatever it is: a product's, a Windows event, an entry of a journal, an answer
//! that holds many, an envelope around any of them or around a line of a log.
//!
//! The one idea: every door reads records here (files, uploads, shippers, sockets, `watch`), so that a
//! record means the same whichever way it comes. What hangs on the records before it is put aside in
//! [`Outcome::carried`] and read in order ([`sequence`](crate::sequence)).

mod walk;

use std::ops::ControlFlow;

use crate::carrier::{self, Carried, Hints};
use crate::foreign;
use crate::journal;
use crate::kusto;
use crate::line::Line;
use crate::object::{Object, elements};
use crate::product::{self, Product};
use crate::reject::Position;
use crate::session::Outcome;
use crate::shape::{RecordReader, Shape};
use crate::zone::Zone;
use crate::{Format, Options, event_json, xml};

use walk::{After, Walk};

/// How many arrays, answers and envelopes may be inside one another: a shipper's array around its objects
/// around an API's answer with its array around a document around a line.
const MAX_DEPTH: usize = 10;
/// The members in which records come: of Event Hubs, Microsoft Graph, advanced hunting (Defender's
/// API and Graph's), of osquery's TLS logger and shippers, of Elasticsearch, CloudWatch and Loki.
const WRAPPERS: [&str; 13] = [
    "records",
    "value",
    "Results",
    "results",
    "data",
    "hits",
    "logEvents",
    "events",
    "streams",
    "Records",
    "Events",
    "documents",
    "logs",
];
/// The members that hold a whole record of which nothing stands beside them: of Elasticsearch, Splunk's
/// exports and OpenTelemetry.
const COVERS: [&str; 4] = ["_source", "fields", "result", "body"];
/// The members in which collectors and shippers put the record that they carry.
const ENVELOPES: [&str; 5] = ["event", "message", "log", "MESSAGE", "properties"];

/// Reads records; shared by the workers.
pub(crate) struct Records<'a> {
    /// What reads events of Windows, and knows what the person said.
    pub(crate) events: RecordReader<'a>,
    /// The file's name.
    pub(crate) file: &'a str,
}

/// Whether anything in a record was understood: read, or known not to matter. `Unknown` has what it seems
/// to be, for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Understood {
    Known,
    Unknown(&'static str),
}

impl<'a> Records<'a> {
    pub(crate) fn new(options: &'a Options, zone: &'a Zone, file: &'a str) -> Self {
        let device = options.device.as_deref();
        Self { events: RecordReader { rule: &options.rule, device, zone }, file }
    }

    /// Reads what a text holds, an object or an array; what of it cannot be read is rejected at `position`.
    /// `raw` are the bytes as they came.
    pub(crate) fn read(
        &self,
        json: &str,
        raw: &[u8],
        hints: &Hints,
        position: Position,
        outcome: &mut Outcome,
    ) {
        let known = self.understand(json, raw, hints, position, outcome);
        match known {
            Ok(Understood::Known) => {}
            Ok(Understood::Unknown(like)) => outcome.unknown(position, like),
            Err(error) => outcome.rejects.push(position, crate::jsonl::syntax(&error)),
        }
    }

    /// The same; what is not understood is only told.
    pub(crate) fn understand(
        &self,
        json: &str,
        raw: &[u8],
        hints: &Hints,
        position: Position,
        outcome: &mut Outcome,
    ) -> serde_json::Result<Understood> {
        let mut walk = Walk {
            outcome,
            position,
            raw,
            inside: None,
            is_document: false,
            after: &mut |_| ControlFlow::Continue(()),
            flow: ControlFlow::Continue(()),
        };
        self.value(json, hints, &mut walk)
    }

    /// Reads a document of many records; `after` is called with what was found so far, behind each.
    /// Positions are the numbers of records, from `first` on.
    pub(crate) fn read_document(
        &self,
        json: &str,
        first: u64,
        outcome: &mut Outcome,
        after: &mut After<'_>,
    ) -> serde_json::Result<(Understood, u64, ControlFlow<()>)> {
        let mut walk = Walk {
            outcome,
            position: Position::Record(first),
            raw: &[],
            inside: Some(first - 1),
            is_document: true,
            after: &mut |outcome| after(outcome),
            flow: ControlFlow::Continue(()),
        };
        let known = self.value(json, &Hints::default(), &mut walk)?;
        Ok((known, walk.inside.unwrap_or_default(), walk.flow))
    }

    /// Reads an event in XML; what of it cannot be read is rejected at `position`.
    pub(crate) fn xml(&self, xml: &str, position: Position, outcome: &mut Outcome) {
        if let Err(error) = self.events.read_event(xml, outcome) {
            outcome.rejects.push(position, error);
        }
    }

    fn value(
        &self,
        json: &str,
        hints: &Hints,
        walk: &mut Walk<'_>,
    ) -> serde_json::Result<Understood> {
        let json = json.trim_ascii();
        match json.as_bytes().first() {
            Some(b'{') => self.object(json, hints, walk),
            Some(b'[') if hints.depth < MAX_DEPTH => self.array(json, hints, walk),
            _ => Ok(Understood::Unknown("")),
        }
    }

    /// Each element of an array. What is beside known records counts with them.
    fn array(
        &self,
        json: &str,
        hints: &Hints,
        walk: &mut Walk<'_>,
    ) -> serde_json::Result<Understood> {
        let within = hints.deeper();
        let (mut known, mut like, mut others) = (false, "", 0);
        let mut failed = None;
        let outer = walk.inside;
        walk.inside.get_or_insert(0);
        elements(json, &mut |element| {
            let before = walk.inside;
            match self.value(element, &within, walk) {
                Ok(Understood::Known) => known = true,
                Ok(Understood::Unknown(said)) => {
                    others += 1;
                    if like.is_empty() {
                        like = said;
                    }
                    // Nothing inside it was numbered.
                    if walk.inside == before {
                        walk.number();
                    }
                }
                Err(error) => failed = Some(error),
            }
            failed.is_none() && walk.flow.is_continue()
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if !walk.is_document {
            walk.inside = outer;
        }
        if known {
            walk.outcome.unread += others;
            return Ok(Understood::Known);
        }
        Ok(Understood::Unknown(like))
    }

    fn object(
        &self,
        json: &str,
        hints: &Hints,
        walk: &mut Walk<'_>,
    ) -> serde_json::Result<Understood> {
        if let Some(entry) = journal::entry(json).filter(|_| !hints.is_said) {
            walk.number();
            walk.carry(Carried::Journal(Box::new(entry)));
            return Ok(Understood::Known);
        }
        let object = Object::parse(json)?;
        let is_record =
            !carrier::is_collectors(&object) || object.text("event").starts_with("<Event");
        if is_record && self.record(json, &object, hints, walk)? {
            return Ok(Understood::Known);
        }
        if hints.depth >= MAX_DEPTH {
            return Ok(Understood::Unknown("envelopes inside too many others"));
        }
        self.envelope(json, &object, hints, walk)
    }

    /// Reads an object that is a record by itself; `false` where it is none that is known.
    fn record(
        &self,
        json: &str,
        object: &Object<'_>,
        hints: &Hints,
        walk: &mut Walk<'_>,
    ) -> serde_json::Result<bool> {
        if let Some(product) = Product::of(object).filter(|product| !is_raw(*product, object)) {
            walk.number();
            self.product(product, object, hints, walk);
            return Ok(true);
        }
        let line: Line<'_> = serde_json::from_str(json)?;
        if Shape::of(&line).is_none() {
            return Ok(false);
        }
        walk.number();
        let read = self.events.read(&line, walk.raw_of(json), walk.outcome);
        walk.read(read);
        Ok(true)
    }

    /// Reads an object as an event of Windows that some program turned into JSON; `false` where it is none.
    fn event(&self, json: &str, walk: &mut Walk<'_>) -> bool {
        let Some(read) = self.events.read_any(walk.raw_of(json), walk.outcome) else {
            return false;
        };
        walk.number();
        walk.read(read);
        true
    }

    fn product(&self, product: Product, object: &Object<'_>, hints: &Hints, walk: &mut Walk<'_>) {
        let context = product::Context {
            rule: self.events.rule,
            device: self.events.device,
            file: self.file,
        };
        let place = (walk.place(), walk.inside.filter(|_| !walk.is_document && hints.depth > 0));
        product::read(product, object, &context, walk.outcome, place);
        walk.done();
    }

    /// The rows of an answer of Kusto's. Those beside known ones count with them.
    fn kusto(
        &self,
        object: &Object<'_>,
        hints: &Hints,
        walk: &mut Walk<'_>,
    ) -> serde_json::Result<Understood> {
        let outer = walk.inside;
        walk.inside.get_or_insert(0);
        let mut failed = None;
        let known = kusto::rows(object, &mut |row| {
            let before = walk.inside;
            match self.value(row, hints, walk) {
                Ok(Understood::Known) => {}
                Ok(Understood::Unknown(_)) => {
                    walk.outcome.unread += 1;
                    if walk.inside == before {
                        walk.number();
                    }
                }
                Err(error) => failed = Some(error),
            }
            failed.is_none() && walk.flow.is_continue()
        });
        if !walk.is_document {
            walk.inside = outer;
        }
        match (failed, known) {
            (Some(error), _) => Err(error),
            (None, true) => Ok(Understood::Known),
            (None, false) => Ok(Understood::Unknown("an answer of Kusto with other columns")),
        }
    }

    /// What an object carries that is no record by itself.
    fn envelope(
        &self,
        json: &str,
        object: &Object<'_>,
        hints: &Hints,
        walk: &mut Walk<'_>,
    ) -> serde_json::Result<Understood> {
        let mut like = "";
        let mut note = |said: &'static str| {
            if like.is_empty() {
                like = said;
            }
        };
        if object.has("resourceLogs") {
            let plain = event_json::otlp::records(json)?;
            return self.value(&plain, &hints.deeper(), walk);
        }
        if kusto::is_answer(object) {
            return self.kusto(object, &hints.deeper(), walk);
        }
        let within = hints.within(object);
        if let (true, Some(values)) = (object.has("stream"), object.nested("values")) {
            return self.stream(values, &within, walk);
        }
        for key in WRAPPERS {
            let Some(wrapped) = object.nested(key) else { continue };
            match self.value(wrapped, &within_wrapper(hints, &within, key), walk)? {
                Understood::Known => return Ok(Understood::Known),
                Understood::Unknown(said) => note(said),
            }
        }
        if product::is_answer(object) {
            walk.outcome.part(Format::Defender);
            return Ok(Understood::Known);
        }
        for key in COVERS {
            let Some(inner) = object.nested(key) else { continue };
            match self.value(inner, &within, walk)? {
                Understood::Known => return Ok(Understood::Known),
                Understood::Unknown(said) => note(said),
            }
        }
        let is_collectors = carrier::is_collectors(object);
        // Of a collector's the event alone is one, unless it is Splunk's text, to which the rest belongs.
        if !(is_collectors && object.nested("event").is_some()) && self.event(json, walk) {
            return Ok(Understood::Known);
        }
        for key in ENVELOPES {
            let Some(inner) = object.nested(key) else { continue };
            match self.value(inner, &within, walk)? {
                Understood::Known => return Ok(Understood::Known),
                Understood::Unknown(said) => note(said),
            }
        }
        for text in carrier::texts(object) {
            match self.text(&text, &within, walk)? {
                Understood::Known => return Ok(Understood::Known),
                Understood::Unknown(said) => note(said),
            }
        }
        // Of the schema, but of nothing that matters.
        if let (Some(product), false) = (Product::of(object), is_collectors) {
            walk.number();
            self.product(product, object, hints, walk);
            return Ok(Understood::Known);
        }
        Ok(Understood::Unknown(match like {
            "" => foreign::name(object).unwrap_or_default(),
            like => like,
        }))
    }

    /// A stream of Loki's, as it is pushed and answered: pairs of a time and a line.
    fn stream(
        &self,
        values: &str,
        hints: &Hints,
        walk: &mut Walk<'_>,
    ) -> serde_json::Result<Understood> {
        let (mut known, mut others, mut like) = (false, 0, "");
        let pairs: Vec<(String, String)> = {
            let mut pairs = Vec::new();
            elements(values, &mut |pair| {
                let mut texts = Vec::new();
                // It is part of what was parsed as a whole: it is valid.
                let _ = elements(pair, &mut |text| {
                    texts.push(serde_json::from_str::<String>(text).unwrap_or_default());
                    texts.len() < 2
                });
                let mut texts = texts.into_iter();
                pairs.extend(texts.next().zip(texts.next()));
                true
            })?;
            pairs
        };
        for (time, line) in pairs {
            match self.text(&line, &hints.at(&time), walk)? {
                Understood::Known => known = true,
                Understood::Unknown(said) => {
                    others += 1;
                    like = said;
                }
            }
        }
        if known {
            walk.outcome.unread += others;
            return Ok(Understood::Known);
        }
        Ok(Understood::Unknown(like))
    }

    /// A text that an envelope holds.
    fn text(
        &self,
        text: &str,
        hints: &Hints,
        walk: &mut Walk<'_>,
    ) -> serde_json::Result<Understood> {
        let text = text.trim();
        // Whoever may write to the journal can write JSON and XML into it, too.
        let is_open = !hints.is_of_journal();
        if is_open && text.starts_with('{') && hints.depth < MAX_DEPTH {
            // It may as well be a text that only begins so.
            let inner = self.object(text, &hints.said(), walk);
            return Ok(inner.unwrap_or(Understood::Unknown("")));
        }
        if is_open && text.starts_with('<') && xml::has_start(text.as_bytes()) {
            walk.number();
            let read = self.events.read_event(text, walk.outcome);
            walk.read(read);
            return Ok(Understood::Known);
        }
        let Some(carried) = hints.text(text) else {
            return Ok(Understood::Unknown("text that is no line of a known log"));
        };
        walk.number();
        walk.carry(carried);
        Ok(Understood::Known)
    }
}

/// Of what a wrapper has beside its records only Loki's labels, and a host that CloudWatch and others name,
/// tell of them.
fn within_wrapper(hints: &Hints, within: &Hints, key: &str) -> Hints {
    match key {
        "streams" | "logEvents" | "events" => within.clone(),
        _ => hints.deeper(),
    }
}

/// An event in the Elastic Common Schema whose kind nobody found out yet is an envelope: Elasticsearch
/// would take its message apart.
fn is_raw(product: Product, object: &Object<'_>) -> bool {
    product == Product::Ecs
        && object.texts_at("event.category").is_empty()
        && object.text_at("event.action").is_empty()
        && !object.text("message").is_empty()
}
