//! The arguments of lists: which page, in which order, of which records.

use records::{
    catalog::Object,
    engine::{Archived, ListQuery, MAX_PAGE, Order, Page},
    filter::{self, Filter},
};
use serde_json::{Map, Value as Json};
use tenants::error::{Code, Error, Result};

use super::bind::Binder;

/// Records on a page where the request does not say.
pub const DEFAULT_PAGE: u32 = 50;

/// The page that a list's arguments ask for; its columns are added by what is selected.
pub fn query(binder: &Binder<'_>, object: &Object, args: &Map<String, Json>) -> Result<ListQuery> {
    Ok(ListQuery {
        object: object.id,
        select: Vec::new(),
        filter: filter_of(binder, object, args)?,
        order: order(object, args)?,
        page: page(args)?,
        archived: archived(args),
        total: false,
    })
}

/// Whether no record is wanted, only what is beside them (`first: 0`). The engine then reads one, to know whether
/// there are any.
pub fn is_empty(args: &Map<String, Json>) -> bool {
    ["first", "last"].iter().any(|name| args.get(*name).and_then(Json::as_u64) == Some(0))
}

/// The `filter` argument; none where it is absent, null or empty.
pub fn filter_of(binder: &Binder<'_>, object: &Object, args: &Map<String, Json>) -> Result<Option<Filter>> {
    match args.get("filter") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(conditions)) if conditions.is_empty() => Ok(None),
        Some(json) => filter::parse(&binder.ctx.catalog, object, json, binder.locale).map(Some),
    }
}

/// The `archived` argument.
pub fn archived(args: &Map<String, Json>) -> Archived {
    match args.get("archived").and_then(Json::as_str) {
        Some("INCLUDE") => Archived::Include,
        Some("ONLY") => Archived::Only,
        _ => Archived::Exclude,
    }
}

fn order(object: &Object, args: &Map<String, Json>) -> Result<Vec<Order>> {
    let mut order = Vec::new();
    for entry in args.get("orderBy").and_then(Json::as_array).into_iter().flatten() {
        for (name, direction) in entry.as_object().into_iter().flatten().filter(|(_, direction)| !direction.is_null()) {
            let field = object.field(name);
            let field = field.ok_or_else(|| bad(&format!("`orderBy` names `{name}`, which there is not.")))?;
            order.push(Order { field: field.id, descending: direction == "DESC" });
        }
    }
    Ok(order)
}

fn page(args: &Map<String, Json>) -> Result<Page> {
    let given = |name: &str| args.get(name).filter(|value| !value.is_null());
    let backwards = given("last").is_some() || given("before").is_some();
    if backwards && (given("first").is_some() || given("after").is_some()) {
        return Err(bad("Use either `first` and `after`, or `last` and `before`."));
    }
    let (size, cursor) = if backwards { ("last", "before") } else { ("first", "after") };
    let cursor = given(cursor).and_then(Json::as_str).map(str::to_owned);
    Ok(Page { limit: limit(size, given(size))?.max(1), backwards, cursor })
}

/// `first` and `after` of a hand-written list.
pub fn forwards(args: &Map<String, Json>) -> Result<(u32, Option<String>)> {
    let given = |name: &str| args.get(name).filter(|value| !value.is_null());
    Ok((limit("first", given("first"))?, given("after").and_then(Json::as_str).map(str::to_owned)))
}

fn limit(name: &str, size: Option<&Json>) -> Result<u32> {
    number(name, size, DEFAULT_PAGE, MAX_PAGE)
}

/// `first` of a list that has its own sizes: this many where the request does not say, and at most `most`.
pub fn first(given: Option<i64>, default: u32, most: u32) -> Result<u32> {
    number("first", given.map(Json::from).as_ref(), default, most)
}

fn number(name: &str, size: Option<&Json>, default: u32, most: u32) -> Result<u32> {
    let Some(size) = size else { return Ok(default) };
    let number = size.as_u64().and_then(|size| u32::try_from(size).ok()).filter(|size| *size <= most);
    number.ok_or_else(|| bad(&format!("`{name}` is {size}, but a page has 0 to {most} records.")))
}

fn bad(message: &str) -> Error {
    Error::new(Code::BadRequest, message)
}
