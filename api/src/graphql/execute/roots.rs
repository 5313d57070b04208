//! The fields at the root of queries, and what mutations answer: what they mean, what is read, what is written.

use std::collections::HashMap;

use entities::ids::RecordId;
use records::{
    Ctx,
    catalog::{FieldId, Object},
    engine::{self, Archived, Listing, Row},
    operations::Entry,
};
use serde_json::{Map, Value as Json};
use tenants::error::{Code, Error, Result};

use super::{
    bind::{Binder, Connection, Record},
    load::{Links, load, load_pages},
    out::{Completed, Out},
    show::Show,
    totals::{Found, Totals},
    tree::{Answer, Read, Tree},
};
use crate::graphql::{
    plan::{Planned, Selection, Source},
    schema::model::{Action, Resolver},
};

/// A root field, understood.
pub enum Root<'a> {
    Typename,
    Introspection,
    List(Connection<'a>),
    Get {
        target: &'a Object,
        id: Option<RecordId>,
        select: Vec<FieldId>,
        record: Record<'a>,
    },
    /// What a mutation wrote, in the order of its input.
    Several {
        ids: Vec<RecordId>,
        record: Record<'a>,
    },
    Totals(Totals<'a>),
    /// A query of the table.
    Operation {
        entry: &'a Entry,
        args: Map<String, Json>,
        answer: Answer<'a>,
    },
    /// What a mutation answered itself.
    Answered(Answer<'a>),
    Refused(Error),
}

/// What was read for a root field.
pub enum Fetched {
    Nothing,
    Page(Listing, Vec<Links>),
    /// Rows by id, and which of them are shown, in order.
    Rows {
        rows: HashMap<RecordId, Row>,
        links: Links,
    },
    Totals(Found),
    /// An answer, and the records that it names.
    Tree(Json, Vec<Read>),
    Failed(Error),
}

impl<'a> Binder<'a> {
    /// Understands a field at the root of a query.
    pub fn root(&self, selection: &'a Selection, planned: &'a Planned) -> Root<'a> {
        match planned.source {
            Source::Typename => Root::Typename,
            Source::Introspection => Root::Introspection,
            Source::Field(_) => self.root_field(selection, planned).unwrap_or_else(Root::Refused),
        }
    }

    /// An operation of the table, by name.
    ///
    /// # Errors
    /// When the plan speaks of one that is not there.
    pub fn entry(&self, name: &str) -> Result<&'a Entry> {
        let schema = self.schema;
        let entry = schema.table.entry(name);
        entry.map(AsRef::as_ref).ok_or_else(|| Error::internal(format!("the plan speaks of the operation {name}")))
    }

    fn root_field(&self, selection: &'a Selection, planned: &'a Planned) -> Result<Root<'a>> {
        let declared = self.declared(selection, planned).ok_or_else(|| Error::internal("a root without field"))?;
        let args = self.arguments(declared, planned)?;
        let (object, action) = match &declared.resolver {
            Resolver::Operation { name, .. } => {
                let (entry, answer) = (self.entry(name)?, self.answer(&declared.ty, planned)?);
                return Ok(Root::Operation { entry, args, answer });
            }
            Resolver::Records { object, action } => (self.object(object)?, *action),
            _ => return Err(Error::internal("a root that is part of something")),
        };
        let inner = planned.selection.as_ref();
        match (action, inner) {
            (Action::List, Some(inner)) => Ok(Root::List(self.connection(object, declared, planned, inner)?)),
            (Action::Aggregate, Some(inner)) => Ok(Root::Totals(Totals::bind(self, object, &args, inner)?)),
            (Action::Get, Some(inner)) => {
                let id = args.get("id").and_then(Json::as_str).and_then(|id| id.parse().ok());
                let mut select = Vec::new();
                let record = self.record(object, inner, &mut select);
                Ok(Root::Get { target: object, id, select, record })
            }
            _ => Err(Error::internal("a root that is no query")),
        }
    }
}

/// Reads what a root field asks for.
///
/// # Errors
/// `STALE_CATALOG` alone; everything else is the error of the field.
pub async fn fetch(ctx: &Ctx, root: &Root<'_>) -> Result<Fetched> {
    match found(ctx, root).await {
        Err(error) if error.code() == Code::StaleCatalog => Err(error),
        Err(error) => Ok(Fetched::Failed(error)),
        found => found,
    }
}

async fn found(ctx: &Ctx, root: &Root<'_>) -> Result<Fetched> {
    Ok(match root {
        Root::Typename | Root::Introspection | Root::Several { .. } | Root::Answered(_) | Root::Refused(_) => {
            Fetched::Nothing
        }
        Root::List(connection) => {
            let mut page = engine::list(ctx, &connection.query).await?;
            connection.trim(&mut page);
            let links = load_pages(ctx, connection, std::iter::once(&page)).await?;
            Fetched::Page(page, links)
        }
        Root::Get { target, id, select, record } => fetch_rows(ctx, target, id.as_slice(), select, record).await?,
        Root::Totals(totals) => Fetched::Totals(totals.fetch(ctx).await?),
        Root::Operation { entry, args, answer } => {
            let tree = entry.run(ctx, args.clone()).await?;
            let read = answer.read(ctx, std::iter::once(&tree)).await?;
            Fetched::Tree(tree, read)
        }
    })
}

/// Reads records by id with what is asked of them, archived ones too.
///
/// # Errors
/// Those of the engine.
pub async fn fetch_rows(
    ctx: &Ctx,
    object: &Object,
    ids: &[RecordId],
    select: &[FieldId],
    record: &Record<'_>,
) -> Result<Fetched> {
    let rows = engine::by_ids(ctx, object.id, select, ids, Archived::Include).await?;
    let links = load(ctx, record, rows.values().collect()).await?;
    Ok(Fetched::Rows { rows, links })
}

/// Writes the value of a root field.
pub fn show(
    binder: &Binder<'_>,
    out: &mut Out,
    selection: &Selection,
    planned: &Planned,
    (root, fetched): (&Root<'_>, &Fetched),
    introspection: &Map<String, Json>,
) -> Completed {
    let non_null = binder.declared(selection, planned).is_some_and(|declared| declared.ty.is_non_null());
    let shown = Show { model: &binder.schema.model, locale: binder.locale };
    out.field(planned, non_null, |out| match (root, fetched) {
        (Root::Typename, _) => {
            out.string(binder.type_name(selection));
            Ok(())
        }
        (Root::Introspection, _) => {
            out.value(introspection.get(&*planned.key).unwrap_or(&Json::Null));
            Ok(())
        }
        (Root::Refused(error), _) | (_, Fetched::Failed(error)) => out.fail(planned, error),
        (Root::List(connection), Fetched::Page(page, links)) => shown.page(out, &connection.page, &page.into(), links),
        (Root::Get { id, record, .. }, Fetched::Rows { rows, links }) => match id.and_then(|id| rows.get(&id)) {
            Some(row) => shown.record(out, record, row, links),
            None => {
                out.null();
                Ok(())
            }
        },
        (Root::Several { ids, record }, Fetched::Rows { rows, links }) => {
            let rows = ids.iter().filter_map(|id| rows.get(id));
            out.list(rows, |out, row| shown.record(out, record, row, links))
        }
        (Root::Totals(totals), Fetched::Totals(found)) => totals.show(binder, out, found),
        (Root::Operation { answer, .. } | Root::Answered(answer), Fetched::Tree(json, read)) => {
            Tree::of(&binder.schema.model, answer, read, binder.locale).answer(out, planned, answer, json)
        }
        _ => out.fail(planned, &Error::internal("a root field was not read as it was bound")),
    })
}
