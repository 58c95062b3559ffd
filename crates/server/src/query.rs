//! What a request asks for: the id in its path and the options in its query, bound to the entity
//! that the route answers with.

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use inventory::filter::NAMESPACE;
use inventory::query::Page;
use odata::options::{Options, SystemOption};

use crate::error::ApiError;

/// Rows of one page, and the greatest `$top` (defender-api.md §5.3, §13.1).
pub(crate) const PAGE_ROWS: u64 = 10_000;
/// The same of `bigPageSize` (§12).
pub(crate) const BIG_PAGE_ROWS: u64 = 200_000;

/// An entity type of the API.
pub(crate) trait Entity: Send + Sync + 'static {
    /// Its name in the namespace.
    const TYPE: &'static str;
    /// The entity set it is in.
    const SET: &'static str;
    /// Its properties in the order of the wire.
    const PROPERTIES: &'static [&'static str];
}

/// The id in the path, decoded.
pub(crate) struct Id(pub(crate) String);

/// Options of a collection.
pub(crate) struct CollectionQuery<E> {
    pub(crate) page: Page,
    /// Whether the page is the caller's (`$top`) or the server's.
    pub(crate) has_top: bool,
    pub(crate) select: Option<Selection>,
    entity: PhantomData<E>,
}

/// Options of a single entity.
pub(crate) struct EntityQuery<E> {
    pub(crate) select: Option<Selection>,
    entity: PhantomData<E>,
}

/// The properties that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    /// Indices into [`Entity::PROPERTIES`], ascending: the order of the answer.
    pub(crate) indices: Vec<usize>,
    /// As the context URL has it: canonical names in the order of the request.
    pub(crate) context: String,
}

impl Selection {
    fn bind<E: Entity>(names: &[String]) -> Result<Self, ApiError> {
        let mut indices = Vec::with_capacity(names.len());
        for name in names {
            let index = E::PROPERTIES.iter().position(|known| known.eq_ignore_ascii_case(name));
            indices.push(index.ok_or_else(|| {
                ApiError::OData(format!(
                    "Could not find a property named '{}' on type '{NAMESPACE}.{}'.",
                    name.chars().take(odata::options::SHOWN_CHARS).collect::<String>(),
                    E::TYPE,
                ))
            })?);
        }
        let names: Vec<_> = indices.iter().map(|&index| E::PROPERTIES[index]).collect();
        let context = format!("({})", names.join(","));
        indices.sort_unstable();
        Ok(Self { indices, context })
    }
}

fn options(parts: &Parts) -> Result<Options, ApiError> {
    let query = parts.uri.query().unwrap_or_default();
    odata::options::parse(query, PAGE_ROWS).map_err(|error| ApiError::OData(error.to_string()))
}

/// Options that a set which takes a page and properties alone does not evaluate.
fn unevaluated(options: &Options) -> Vec<SystemOption> {
    let mut found = options.unread.clone();
    let read = [
        (SystemOption::Filter, options.filter.is_some()),
        (SystemOption::OrderBy, options.orderby.is_some()),
        (SystemOption::Count, options.count.is_some()),
        (SystemOption::Expand, options.expand.is_some()),
        (SystemOption::Search, options.search.is_some()),
        (SystemOption::Format, options.format.is_some()),
        (SystemOption::SkipToken, options.skiptoken.is_some()),
    ];
    found.extend(read.into_iter().filter(|(_, is_there)| *is_there).map(|(option, _)| option));
    found
}

/// Refuses by name what the server does not evaluate: an option that is left aside in silence
/// would give wrong rows.
pub(crate) fn refuse_unread(options: &[SystemOption]) -> Result<(), ApiError> {
    match options.first() {
        None => Ok(()),
        Some(option) => Err(ApiError::OData(format!(
            "The query option '{}' is not supported here.",
            option.name()
        ))),
    }
}

impl<S: Send + Sync, E: Entity> FromRequestParts<S> for CollectionQuery<E> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut options = options(parts)?;
        // Forms are read on their own.
        options.format = None;
        refuse_unread(&unevaluated(&options))?;
        let select = options.select.as_deref().map(Selection::bind::<E>).transpose()?;
        Ok(Self {
            page: Page {
                skip: options.skip.unwrap_or(0),
                // One more than a page shows whether there is a next one.
                top: options.top.unwrap_or(PAGE_ROWS + 1),
            },
            has_top: options.top.is_some(),
            select,
            entity: PhantomData,
        })
    }
}

impl<S: Send + Sync, E: Entity> FromRequestParts<S> for EntityQuery<E> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let options = options(parts)?;
        let of_sets = [SystemOption::Count, SystemOption::Filter, SystemOption::OrderBy];
        if options.top.is_some()
            || options.skip.is_some()
            || unevaluated(&options).iter().any(|option| of_sets.contains(option))
        {
            return Err(ApiError::OData(
                "The requested resource is not a collection. Query options $filter, $orderby, \
                 $count, $skip, and $top can be applied only on collections."
                    .to_owned(),
            ));
        }
        refuse_unread(&unevaluated(&options))?;
        let select = options.select.as_deref().map(Selection::bind::<E>).transpose()?;
        Ok(Self { select, entity: PhantomData })
    }
}

/// Options of a set that is always empty: they must be well formed, and what they ask for is
/// true of no rows, whatever it is.
pub(crate) struct EmptySetQuery {
    /// Whether the number of rows is wanted.
    pub(crate) count: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for EmptySetQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let options = options(parts)?;
        // The one option that makes rows where there are none.
        let aggregates = |option: &SystemOption| *option == SystemOption::Apply;
        refuse_unread(&options.unread.into_iter().filter(aggregates).collect::<Vec<_>>())?;
        Ok(Self { count: options.count.unwrap_or(false) })
    }
}

/// Options of a document that says what there is: how it is to be written, and nothing else.
pub(crate) struct DocumentQuery {
    /// `$format`, as the caller spelt it.
    pub(crate) format: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for DocumentQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut options = options(parts)?;
        let format = options.format.take();
        if options != Options::default() {
            return Err(ApiError::OData(
                "The requested resource is a description of the service. Only the query option \
                 $format can be applied on it."
                    .to_owned(),
            ));
        }
        Ok(Self { format })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(ApiError::BadRequest(
                "The key value in the path of the request is not valid UTF-8.".to_owned(),
            )),
        }
    }
}
