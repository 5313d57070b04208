//! The fields at the root of mutations: each is written in its own transaction, in order, and then read back.
//!
//! A write that found its catalog changed has not happened, so it is planned and done again; once it has happened, only
//! the reading is repeated.

use entities::ids::RecordId;
use records::{
    Ctx,
    catalog::{FieldId, FieldKind, Object},
    engine::{self, BulkResult, Draft, Row, WriteOutcome},
    filter::{self, Filter},
    permission,
    values::{self, Locale},
};
use serde_json::{Map, Value as Json, json};
use tenants::{
    Operation,
    error::{Code, Error, FieldIssue, Kind, Result},
};

use super::{
    bind::{Binder, Record, What},
    load::Links,
    out::{Completed, Out},
    roots::{Fetched, Root, fetch_rows, show},
    tree::Place,
};
use crate::graphql::{
    Endpoint,
    plan::{Planned, Source},
    respond::{Request, Session},
    schema::model::{Action, Field, Resolver},
};

/// How often a field is planned anew because the catalog changed under it.
const ATTEMPTS: usize = 4;

/// What a write did, as far as its answer needs it.
enum Done {
    /// One record that is still there.
    Record(RecordId),
    /// Records in the order of the input.
    Records(Vec<RecordId>),
    /// The answer itself.
    Tree(Json),
}

/// Does one field of a mutation and writes its key and answer.
pub async fn write(
    endpoint: &Endpoint,
    session: &mut Session,
    request: &Request,
    out: &mut Out,
    at: usize,
) -> Completed {
    let mut done = None;
    let mut failed = Error::of(Code::StaleCatalog);
    for _ in 0..ATTEMPTS {
        match step(session, at, &mut done, out).await {
            Ok(written) => return written,
            Err(error) if error.code() == Code::StaleCatalog => {}
            Err(error) => {
                failed = error;
                break;
            }
        }
        if let Err(refusal) = endpoint.renew(session, request).await {
            // The document no longer fits the schema: what was done before stays done, this field is an error.
            let message = refusal.errors.first().map_or_else(String::new, |error| error.message.clone());
            failed = Error::new(Code::StaleCatalog, message);
            break;
        }
    }
    let Some(planned) = session.plan.root.fields.get(at) else { return Ok(()) };
    let binder = session.binder();
    show(&binder, out, &session.plan.root, planned, (&Root::Refused(failed), &Fetched::Nothing), &Map::new())
}

/// Writes if that is still to be done, reads, and shows. `STALE_CATALOG` comes before anything was shown.
async fn step(session: &Session, at: usize, done: &mut Option<Done>, out: &mut Out) -> Result<Completed> {
    let (plan, binder) = (&session.plan, session.binder());
    let (selection, planned) = match plan.root.fields.get(at) {
        Some(planned) => (&plan.root, planned),
        None => return Ok(Ok(())),
    };
    let nothing = Map::new();
    if planned.source == Source::Typename {
        return Ok(show(&binder, out, selection, planned, (&Root::Typename, &Fetched::Nothing), &nothing));
    }
    let declared = binder.declared(selection, planned).ok_or_else(|| Error::internal("a mutation without field"))?;
    let args = binder.arguments(declared, planned)?;
    let object = match &declared.resolver {
        Resolver::Records { object, .. } => Some(binder.object(object)?),
        _ => None,
    };
    if done.is_none() {
        answerable(&binder, object, declared, planned)?;
        let acted = match (&declared.resolver, object) {
            (Resolver::Records { action, .. }, Some(object)) => {
                act(&session.ctx, &session.locale, object, *action, &args).await
            }
            (Resolver::Operation { name, .. }, _) => binder.entry(name)?.run(&session.ctx, args).await.map(Done::Tree),
            _ => return Err(Error::internal("a mutation that is part of something")),
        };
        *done = Some(match acted {
            // What the catalog of this process does not know, another may have made a moment ago.
            Err(error) if matches!(error.code().kind(), Kind::Invalid | Kind::NotFound) => {
                engine::verify(&session.ctx).await?;
                return Err(error);
            }
            acted => acted?,
        });
    }
    let (root, fetched) = read_back(&binder, object, done.as_ref(), declared, planned).await?;
    Ok(show(&binder, out, selection, planned, (&root, &fetched), &nothing))
}

/// Refuses, before anything is written, what the caller's role would not let the answer show.
fn answerable(binder: &Binder<'_>, object: Option<&Object>, declared: &Field, planned: &Planned) -> Result<()> {
    if let Resolver::Operation { .. } = declared.resolver {
        let answer = binder.answer(&declared.ty, planned)?;
        return answer.places.iter().try_for_each(|place| place_answerable(binder.ctx, place));
    }
    let shows = matches!(
        declared.resolver,
        Resolver::Records {
            action: Action::Create | Action::CreateMany | Action::Update | Action::Delete | Action::Restore,
            ..
        }
    );
    let (Some(object), Some(inner), true) = (object, &planned.selection, shows) else { return Ok(()) };
    let mut select = Vec::new();
    let record = binder.record(object, inner, &mut select);
    if engine::id_alone(binder.ctx, &select) && !record.follows {
        return Ok(());
    }
    permission::permit(binder.ctx, object, Operation::Read)?;
    permission::see_all(binder.ctx, &select)?;
    followed(binder.ctx, &record)
}

fn place_answerable(ctx: &Ctx, place: &Place<'_>) -> Result<()> {
    permission::permit(ctx, place.target, Operation::Read)?;
    permission::see_all(ctx, &place.select)?;
    place.records().into_iter().try_for_each(|record| followed(ctx, record))
}

/// The same of what is asked beyond the record.
fn followed(ctx: &Ctx, record: &Record<'_>) -> Result<()> {
    for bound in &record.fields {
        let (target, select, inner) = match &bound.what {
            What::One { target, select, record, .. } => (*target, select, vec![record]),
            What::Many { connection, .. } => {
                let query = &connection.query;
                if let (Some(filter), Some(object)) = (&query.filter, ctx.catalog.object_by_id(query.object)) {
                    filter::check(ctx, object, filter)?;
                }
                permission::see_all(ctx, &query.order.iter().map(|order| order.field).collect::<Vec<_>>())?;
                (query.object, &query.select, connection.page.records())
            }
            What::Added { answer, .. } => {
                answer.places.iter().try_for_each(|place| place_answerable(ctx, place))?;
                continue;
            }
            _ => continue,
        };
        if let Some(object) = ctx.catalog.object_by_id(target) {
            permission::permit(ctx, object, Operation::Read)?;
        }
        permission::see_all(ctx, select)?;
        inner.into_iter().try_for_each(|record| followed(ctx, record))?;
    }
    Ok(())
}

async fn read_back<'a>(
    binder: &Binder<'a>,
    object: Option<&'a Object>,
    done: Option<&Done>,
    declared: &'a Field,
    planned: &'a Planned,
) -> Result<(Root<'a>, Fetched)> {
    let (ids, one) = match (done, object) {
        (Some(Done::Tree(json)), _) => {
            let answer = binder.answer(&declared.ty, planned)?;
            let read = answer.read(binder.ctx, std::iter::once(json)).await?;
            return Ok((Root::Answered(answer), Fetched::Tree(json.clone(), read)));
        }
        (Some(Done::Record(id)), Some(_)) => (vec![*id], Some(*id)),
        (Some(Done::Records(ids)), Some(_)) => (ids.clone(), None),
        _ => return Err(Error::internal("a mutation without object")),
    };
    let (Some(target), Some(inner)) = (object, &planned.selection) else {
        return Err(Error::internal("a mutation without selection"));
    };
    let mut select: Vec<FieldId> = Vec::new();
    let record = binder.record(target, inner, &mut select);
    let fetched = if engine::id_alone(binder.ctx, &select) && !record.follows {
        // who may only create still learns what was created
        let rows = ids.iter().map(|id| (*id, Row::bare(*id, select.len()))).collect();
        Fetched::Rows { rows, links: Links::default() }
    } else {
        fetch_rows(binder.ctx, target, &ids, &select, &record).await?
    };
    let root = match one {
        Some(id) => Root::Get { target, id: Some(id), select, record },
        None => Root::Several { ids, record },
    };
    Ok((root, fetched))
}

async fn act(ctx: &Ctx, locale: &Locale, object: &Object, action: Action, args: &Map<String, Json>) -> Result<Done> {
    let data = args.get("data").unwrap_or(&Json::Null);
    Ok(match action {
        Action::Create => {
            let draft = drafts(ctx, object, std::slice::from_ref(data), locale, false)?;
            let written = engine::create(ctx, object.id, draft, &[]).await?;
            Done::Record(only(&written)?)
        }
        Action::CreateMany => {
            let drafts = drafts(ctx, object, data.as_array().map_or(&[][..], Vec::as_slice), locale, true)?;
            let written = engine::create(ctx, object.id, drafts, &unique_fields(object, args)?).await?;
            Done::Records(written.iter().map(|written| written.id).collect())
        }
        Action::Update => {
            let mut drafts = drafts(ctx, object, std::slice::from_ref(data), locale, false)?;
            let version = args.get("version").and_then(Json::as_i64);
            let draft = drafts.pop().unwrap_or_default();
            Done::Record(engine::update(ctx, object.id, id(args)?, draft, version).await?.id)
        }
        Action::UpdateMany => {
            let mut drafts = drafts(ctx, object, std::slice::from_ref(data), locale, false)?;
            let draft = drafts.pop().unwrap_or_default();
            let (filter, all) = which(ctx, locale, object, args)?;
            Done::Tree(bulk(&engine::update_where(ctx, object.id, filter, draft, all).await?))
        }
        Action::DeleteMany => {
            let (filter, all) = which(ctx, locale, object, args)?;
            Done::Tree(bulk(&engine::archive_where(ctx, object.id, filter, all).await?))
        }
        Action::Delete => Done::Record(engine::archive(ctx, object.id, id(args)?).await?.id),
        Action::Restore => Done::Record(engine::restore(ctx, object.id, id(args)?).await?.id),
        Action::Destroy => Done::Tree(Json::from(engine::destroy(ctx, object.id, id(args)?).await?.id.to_string())),
        _ => return Err(Error::internal("a mutation that writes nothing")),
    })
}

/// Which records a change of many is for.
fn which(ctx: &Ctx, locale: &Locale, object: &Object, args: &Map<String, Json>) -> Result<(Filter, bool)> {
    let filter = match args.get("filter") {
        None | Some(Json::Null) => Filter::And(Vec::new()),
        Some(json) => filter::parse(&ctx.catalog, object, json, locale)?,
    };
    Ok((filter, args.get("all").and_then(Json::as_bool).unwrap_or(false)))
}

fn bulk(result: &BulkResult) -> Json {
    json!({
        "runId": result.run.map(|run| run.to_string()),
        "status": result.status.name(),
        "matched": result.matched,
        "changed": result.changed,
        "failed": result.failed,
    })
}

fn only(written: &[WriteOutcome]) -> Result<RecordId> {
    written.first().map(|written| written.id).ok_or_else(|| Error::internal("a create that wrote nothing"))
}

/// The record that is meant; what is no id names no record.
fn id(args: &Map<String, Json>) -> Result<RecordId> {
    let id = args.get("id").and_then(Json::as_str).and_then(|id| id.parse().ok());
    id.ok_or_else(|| Error::of(Code::NotFound))
}

/// The values of records on their way in.
fn drafts(ctx: &Ctx, object: &Object, data: &[Json], locale: &Locale, many: bool) -> Result<Vec<Draft>> {
    let mut issues = Vec::new();
    let mut drafts = Vec::with_capacity(data.len());
    for (index, data) in data.iter().enumerate() {
        let mut draft = Draft::default();
        for (name, json) in data.as_object().into_iter().flatten() {
            let place = || if many { format!("data.{index}.{name}") } else { name.clone() };
            let Some(field) = object.field(name) else {
                issues.push(FieldIssue { field: place(), issue: tenants::Issue::UnknownField });
                continue;
            };
            let value = match field.kind {
                FieldKind::Link { .. } => values::target_from_json(&ctx.catalog, field, json),
                _ => values::from_json(field, json, locale),
            };
            match value {
                Ok(value) => draft.set(field.id, value),
                Err(issue) => issues.push(FieldIssue { field: place(), issue }),
            }
        }
        drafts.push(draft);
    }
    if issues.is_empty() { Ok(drafts) } else { Err(Error::invalid(issues)) }
}

fn unique_fields(object: &Object, args: &Map<String, Json>) -> Result<Vec<FieldId>> {
    let names = args.get("upsertOn").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    names
        .map(|name| {
            let field = object.field(name).map(|field| field.id);
            field.ok_or_else(|| Error::new(Code::BadRequest, format!("There is no field `{name}`.")))
        })
        .collect()
}
