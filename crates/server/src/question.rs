//! What a request asks of a set of machines or users: its options, bound to the properties of the
//! entities (defender-api.md §5).
//!
//! The same options stand in a query and inside `$expand`; [`Asked`] is either.

mod walk;

use std::cmp::Ordering;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use inventory::filter::{
    self, Binder, Condition, EntityKind, Field, Items, Kind, Level, MachineField, Property, Row,
    Scalar, Sort, TextTest, UserField, Value,
};
use inventory::query::Order;
use inventory::time::Timestamp;
use odata::options::{ExpandItem, Options, Target};
use odata::search::Search;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::walk::Walk;
use crate::answers::minute;
use crate::call::ThisCall;
use crate::error::ApiError;
use crate::form::Form;
use crate::presence;
use crate::query::{BIG_PAGE_ROWS, Entity, PAGE_ROWS, refuse_unread};
use crate::state::AppState;

/// Rows that one row's expansion holds at most, unless it says `$top`.
const EXPANDED_ROWS: u64 = 10_000;

/// An entity that questions can be asked of.
pub(crate) trait Queryable: Entity {
    /// What it is.
    const KIND: EntityKind;
}

/// What a request asks of a set.
pub(crate) struct Question<E> {
    pub(crate) asked: Asked,
    /// Whether `$top` is the caller's; else there are pages.
    pub(crate) has_top: bool,
    /// Rows of a page without `$top`.
    pub(crate) page_rows: u64,
    /// How the rows are to be written.
    pub(crate) form: Form,
    /// The moment that sessions are asked about.
    pub(crate) at: Option<Timestamp>,
    /// Where a walk goes on.
    pub(crate) walk: Option<Walk>,
    /// What `now()` and health go by, for all pages of a walk.
    pub(crate) now: Timestamp,
    entity: PhantomData<E>,
}

/// A question whose pages are big (defender-api.md §12, `BigPageSize`).
pub(crate) struct BigQuestion<E>(pub(crate) Question<E>);

/// Options of a set, bound.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) kind: EntityKind,
    /// `$filter` and `$search`.
    pub(crate) filter: Option<Condition>,
    pub(crate) sorts: Option<Vec<Sort>>,
    pub(crate) skip: u64,
    pub(crate) top: Option<u64>,
    /// Whether the number of all rows is wanted.
    pub(crate) count: bool,
    pub(crate) select: Option<Vec<&'static Property>>,
    /// The options of the one thing that the kind can be expanded by.
    pub(crate) expand: Option<Box<Asked>>,
    /// Whether what is expanded says from where its logons came.
    pub(crate) remotes: bool,
    /// What decides which rows there are and in which order, as canonical text: a walk's other
    /// pages must ask the same.
    pub(crate) fingerprint: String,
}

impl<E: Queryable> FromRequestParts<Arc<AppState>> for Question<E> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<AppState>) -> Result<Self, ApiError> {
        Self::read(parts, app, PAGE_ROWS).await
    }
}

impl<E: Queryable> FromRequestParts<Arc<AppState>> for BigQuestion<E> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<AppState>) -> Result<Self, ApiError> {
        Question::read(parts, app, BIG_PAGE_ROWS).await.map(Self)
    }
}

impl<E: Queryable> Question<E> {
    /// Reads the options of a request; pages have `most` rows, which is the greatest `$top` too.
    async fn read(parts: &mut Parts, app: &Arc<AppState>, most: u64) -> Result<Self, ApiError> {
        let ThisCall(call) = ThisCall::from_request_parts(parts, app).await?;
        let query = parts.uri.query().unwrap_or_default();
        let options = odata::options::parse(query, most)
            .map_err(|error| ApiError::OData(error.to_string()))?;
        refuse_unread(&options.unread)?;
        let form = Form::wanted(options.format.as_deref(), &parts.headers)?;
        if options.skiptoken.is_some() && (options.top.is_some() || options.skip.is_some()) {
            return Err(ApiError::OData(
                "A next link is followed as it is: without $top and $skip.".to_owned(),
            ));
        }
        // The moment of a walk is that of its first page.
        let walk = options.skiptoken.as_deref().map(Walk::read).transpose()?;
        let now = walk.as_ref().map_or(minute(call.now), Walk::now);
        let mut asked = Asked::bind(E::KIND, &options, now)?;
        asked.set_remotes(wants_remotes(query));
        if let Some(walk) = &walk {
            walk.check(call.target.path(), &asked)?;
        }
        let has_top = options.top.is_some();
        let page_rows = preferred_rows(query, &parts.headers).map_or(most, |rows| rows.min(most));
        let at = presence::moment(query)?;
        Ok(Self { asked, has_top, page_rows, form, at, walk, now, entity: PhantomData })
    }
}

impl<E> Question<E> {
    /// Whether nothing is asked but a page and some properties, as most clients do.
    pub(crate) fn is_plain(&self) -> bool {
        let asked = &self.asked;
        asked.filter.is_none()
            && asked.sorts.is_none()
            && !asked.count
            && asked.expand.is_none()
            && self.walk.is_none()
    }

    /// The same with one more condition.
    pub(crate) fn and(mut self, condition: Condition) -> Self {
        self.asked.filter = Some(match self.asked.filter.take() {
            None => condition,
            Some(filter) => Condition::And(vec![condition, filter]),
        });
        self
    }

    /// The same, cut after so many rows, and without a page behind it.
    pub(crate) fn at_most(mut self, rows: u64) -> Self {
        self.asked.top = Some(self.asked.top.unwrap_or(rows).min(rows));
        self.has_top = true;
        self
    }

    /// Rows of a page.
    pub(crate) fn rows(&self) -> u64 {
        self.asked.top.unwrap_or(self.page_rows)
    }

    /// Rows of the whole answer: those of a page, or all where the form has no pages.
    pub(crate) fn wanted(&self) -> u64 {
        match self.form {
            Form::Json => self.rows(),
            Form::Csv | Form::Lines => self.asked.top.unwrap_or(u64::MAX),
        }
    }

    /// The order to ask for. A walk over many pages goes by what does not change.
    pub(crate) fn order(&self) -> Order {
        match (&self.asked.sorts, &self.walk) {
            (Some(sorts), _) => Order::By(sorts.clone()),
            (None, Some(_)) => Order::Id,
            (None, None) => Order::LastSeen,
        }
    }

    /// The place after which to go on.
    pub(crate) fn after<P: DeserializeOwned>(&self) -> Result<Option<P>, ApiError> {
        self.walk.as_ref().map(Walk::place).transpose()
    }

    /// The value of `$skiptoken` for the page after a place.
    pub(crate) fn next(&self, path: &str, place: &impl Serialize) -> String {
        Walk::new(path, &self.asked, place, self.now).write()
    }
}

impl Asked {
    /// Nothing: every row of a set, whole.
    pub(crate) fn nothing<E: Queryable>() -> Self {
        Self {
            kind: E::KIND,
            filter: None,
            sorts: None,
            skip: 0,
            top: None,
            count: false,
            select: None,
            expand: None,
            remotes: false,
            fingerprint: String::new(),
        }
    }

    fn bind(kind: EntityKind, options: &Options, now: Timestamp) -> Result<Self, ApiError> {
        let mut binder = Binder::new(kind, now);
        let mut conditions = Vec::new();
        if let Some(filter) = &options.filter {
            conditions.push(binder.condition(filter).map_err(|error| at("$filter", &error))?);
        }
        if let Some(search) = &options.search {
            conditions.push(found(kind, search));
        }
        let filter = match conditions.len() {
            0 | 1 => conditions.pop(),
            _ => Some(Condition::And(conditions)),
        };
        let sorts = options.orderby.as_ref().map(|order| binder.sorts(order));
        let sorts = sorts.transpose().map_err(|error| at("$orderby", &error))?;
        let text = |text: Option<String>| text.unwrap_or_default();
        let fingerprint = format!(
            "{}\n{}\n{}",
            text(options.filter.as_ref().map(ToString::to_string)),
            text(options.orderby.as_ref().map(ToString::to_string)),
            text(options.search.as_ref().map(ToString::to_string)),
        );
        Ok(Self {
            kind,
            filter,
            sorts,
            skip: options.skip.unwrap_or(0),
            top: options.top,
            count: options.count.unwrap_or(false),
            select: options.select.as_deref().map(|names| selected(kind, names)).transpose()?,
            expand: match &options.expand {
                None => None,
                Some(expand) => expanded(kind, &expand.items, now)?,
            },
            remotes: false,
            fingerprint,
        })
    }

    /// Sets whether remote addresses are wanted, in all expansions.
    fn set_remotes(&mut self, wanted: bool) {
        self.remotes = wanted;
        if let Some(inner) = &mut self.expand {
            inner.set_remotes(wanted);
        }
    }

    /// Whether users are asked about, which needs the permission to read them.
    pub(crate) fn mentions_users(&self) -> bool {
        let expands = self.kind == EntityKind::Machine && self.expand.is_some()
            || self.expand.as_ref().is_some_and(|inner| inner.mentions_users());
        expands || self.mentions(Items::LogOnUsers)
    }

    /// Whether machines are asked about from users, which needs the permission to read them.
    pub(crate) fn mentions_machines(&self) -> bool {
        self.kind == EntityKind::User && self.expand.is_some() || self.mentions(Items::Machines)
    }

    fn mentions(&self, items: Items) -> bool {
        self.filter.as_ref().is_some_and(|filter| filter.mentions(items))
            || self.sorts.iter().flatten().any(|sort| sort.mentions(items))
    }

    /// Refuses questions about what rows in memory do not know.
    fn require_own_values(&self) -> Result<(), ApiError> {
        if self.mentions(Items::LogOnUsers) || self.mentions(Items::Machines) {
            return Err(ApiError::OData(
                "Here `logOnUsers` and `machines` can be expanded, and not be asked about in \
                 $filter and $orderby."
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// The rows of a set that is in memory, and how many there are in all.
    pub(crate) fn choose<R: Row>(&self, mut rows: Vec<R>) -> Result<(Vec<R>, u64), ApiError> {
        self.require_own_values()?;
        if let Some(filter) = &self.filter {
            rows.retain(|row| filter.holds(row));
        }
        if let Some(sorts) = &self.sorts {
            // Stable: what is equal stays in the set's own order.
            rows.sort_by(|one, other| match filter::order(sorts, one, other) {
                Ordering::Equal => Ordering::Equal,
                decided => decided,
            });
        }
        let all = rows.len() as u64;
        let index = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        rows.drain(..index(self.skip).min(rows.len()));
        rows.truncate(index(self.top.unwrap_or(EXPANDED_ROWS)));
        Ok((rows, all))
    }

    /// The selected and expanded properties as a context URL names them (OData 4.01 Protocol
    /// §10.8); empty without `$select`.
    pub(crate) fn context(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        if let Some(select) = &self.select {
            names.extend(select.iter().map(|property| property.name.to_owned()));
        }
        if let (Some(inner), Some(navigation)) = (&self.expand, navigation(self.kind)) {
            let inside = inner.context();
            let inside = if inside.is_empty() { "()" } else { &inside };
            names.push(format!("{}{inside}", navigation.name));
        }
        if names.is_empty() { String::new() } else { format!("({})", names.join(",")) }
    }
}

/// The navigation property of a kind.
pub(crate) fn navigation(kind: EntityKind) -> Option<&'static Property> {
    filter::properties(kind).iter().find(|property| property.is_navigation)
}

fn selected(kind: EntityKind, names: &[String]) -> Result<Vec<&'static Property>, ApiError> {
    let find = |name: &String| {
        kind.property(name).ok_or_else(|| {
            ApiError::OData(format!(
                "Could not find a property named '{}' on type '{}'.",
                name.chars().take(odata::options::SHOWN_CHARS).collect::<String>(),
                kind.type_name()
            ))
        })
    };
    names.iter().map(find).collect()
}

fn expanded(
    kind: EntityKind,
    items: &[ExpandItem],
    now: Timestamp,
) -> Result<Option<Box<Asked>>, ApiError> {
    let navigation = navigation(kind);
    let mut found = None;
    for item in items {
        let name = match &item.target {
            Target::All => None,
            Target::Path(path) => Some(path.join("/")),
        };
        let known = navigation.filter(|property| {
            name.as_ref().is_none_or(|name| property.name.eq_ignore_ascii_case(name))
        });
        let Some(Property { kind: Kind::Items(of), name, .. }) = known else {
            let name: String =
                name.unwrap_or_default().chars().take(odata::options::SHOWN_CHARS).collect();
            return Err(ApiError::OData(format!(
                "Property '{name}' on type '{}' is not a navigation property or complex property. \
                 Only navigation properties can be expanded.",
                kind.type_name()
            )));
        };
        if found.is_some() {
            return Err(ApiError::OData(format!("The property '{name}' is expanded twice.")));
        }
        let inner = Asked::bind(of.kind(), &item.options, now)?;
        inner.require_own_values()?;
        found = Some(Box::new(inner));
    }
    Ok(found)
}

/// What `$search` asks: words in the names of things.
fn found(kind: EntityKind, search: &Search) -> Condition {
    match search {
        Search::Word(text) | Search::Phrase(text) => {
            let field = match kind {
                EntityKind::User => Field::User(UserField::Id),
                _ => Field::Machine(MachineField::ComputerDnsName),
            };
            Condition::Text {
                test: TextTest::Contains,
                text: Scalar::Property(Level(0), field),
                part: Scalar::Value(Value::Text(text.clone())),
            }
        }
        Search::Not(inner) => Condition::Not(Box::new(found(kind, inner))),
        Search::And(all) => Condition::And(all.iter().map(|one| found(kind, one)).collect()),
        Search::Or(any) => Condition::Or(any.iter().map(|one| found(kind, one)).collect()),
    }
}

/// Whether a query says `remoteAddresses=true`: an option of our own, without the dollar sign that is
/// OData's.
fn wants_remotes(query: &str) -> bool {
    let mut pairs = odata::pairs::pairs(query).flatten();
    let found = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("remoteAddresses"));
    found.is_some_and(|(_, value)| value.trim().eq_ignore_ascii_case("true"))
}

/// The rows of a page that a request would like: `pageSize`, as one client sends it (defender-api.md §12), or
/// the header `Prefer: odata.maxpagesize` (OData 4.01 Protocol §8.2.8.5). What is no number is overlooked.
fn preferred_rows(query: &str, headers: &HeaderMap) -> Option<u64> {
    let mut pairs = odata::pairs::pairs(query).flatten();
    let in_query = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("pageSize"));
    let in_query = in_query.and_then(|(_, rows)| rows.trim().parse().ok());
    let in_headers = || {
        let preferences = headers.get_all("prefer").into_iter().filter_map(|it| it.to_str().ok());
        preferences.flat_map(|it| it.split([',', ';'])).find_map(|preference| {
            let (name, rows) = preference.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            let is_rows = matches!(name.as_str(), "odata.maxpagesize" | "maxpagesize");
            rows.trim().trim_matches('"').parse().ok().filter(|_| is_rows)
        })
    };
    in_query.or_else(in_headers).filter(|&rows| rows > 0)
}

fn at(option: &str, error: &filter::BindError) -> ApiError {
    ApiError::OData(format!("{} (at position {} of {option})", error.message, error.at))
}
