//! Which records an operation may touch. OWN are records whose owner the caller is. For objects without owner, they are
//! records that belong to a record of the caller (and would be destroyed with it), or else those that the caller
//! created. TEAM is the same for the members who share a team with the caller. For a portal customer, OWN are their
//! record and records that name them as `customer`.

use std::collections::{HashMap, HashSet};

use entities::ids::{FieldId, MemberId, ObjectId, RecordId};
use sea_orm::ConnectionTrait;
use tenants::{
    Access, Actor, Operation, RowScope,
    error::{Code, Error, Result},
};
use uuid::Uuid;

use crate::{
    Ctx,
    catalog::{Cardinality, Field, FieldKind, Object, OnDestroy, Origin},
    filter::{self, Filter, Quantifier, Scope, Test},
    sql::{List, Sql},
    values::Value,
};

/// How many links are followed to the record that a record belongs to.
const STEPS: usize = 3;
const ALIAS: &str = "t0";

/// The row scope of an operation as a condition; `None` if it includes all records.
///
/// # Errors
/// `FORBIDDEN` if it includes none.
pub(crate) fn rows(ctx: &Ctx, object: &Object, operation: Operation) -> Result<Option<Filter>> {
    Ok(match permit(ctx, object, operation)? {
        RowScope::All => None,
        scope => Some(reached(ctx, object, &people(ctx, scope))),
    })
}

/// The row scope of an operation. A record that belongs to another record has at most the scope of reading that one.
pub(crate) fn scope(ctx: &Ctx, object: &Object, operation: Operation) -> RowScope {
    let mut reached = ctx.caller.access.scope(object.id, operation);
    let mut part = object;
    for _ in 0..STEPS {
        let Some((_, whole)) = whole(ctx, part) else { break };
        reached = reached.min(ctx.caller.access.scope(whole.id, Operation::Read));
        part = whole;
    }
    reached
}

/// Refuses an operation without any row scope, otherwise returns its scope.
///
/// # Errors
/// `FORBIDDEN` naming operation and object.
pub fn permit(ctx: &Ctx, object: &Object, operation: Operation) -> Result<RowScope> {
    match scope(ctx, object, operation) {
        RowScope::None => {
            let message = format!("Your role does not allow {} on {}.", operation.name(), object.plural);
            Err(Error::new(Code::Forbidden, message))
        }
        scope => Ok(scope),
    }
}

/// The people whose records are included: the caller, or the team's members; nobody for an API key.
pub(super) fn people(ctx: &Ctx, scope: RowScope) -> Vec<Uuid> {
    match (&*ctx.caller.access, ctx.caller.actor) {
        (Access::Granted(granted), Actor::Member(_)) if scope == RowScope::Team && !granted.team.is_empty() => {
            granted.team.iter().map(|id| id.0).collect()
        }
        (_, Actor::Member(id)) => vec![id.0],
        (_, Actor::Customer(id)) => vec![id.0],
        (_, Actor::ApiKey(_) | Actor::Plugin(_) | Actor::System) => Vec::new(),
    }
}

/// The records of these people, and of the caller if it is an API key.
pub(super) fn reached(ctx: &Ctx, object: &Object, people: &[Uuid]) -> Filter {
    within(ctx, object, people, STEPS)
}

fn within(ctx: &Ctx, object: &Object, people: &[Uuid], steps: usize) -> Filter {
    if let Some(holder) = holder(ctx, object) {
        return Filter::Field { field: holder.id, test: Test::In(people.iter().copied().map(Value::Id).collect()) };
    }
    if let Some((link, whole)) = whole(ctx, object).filter(|_| steps > 0) {
        let filter = Box::new(within(ctx, whole, people, steps - 1));
        return Filter::Related { field: link.id, quantifier: Quantifier::One, filter };
    }
    let makers: Vec<Value> = match ctx.caller.actor {
        Actor::Member(_) => people.iter().map(|id| Value::Text(Actor::Member(MemberId(*id)).stored())).collect(),
        other => vec![Value::Text(other.stored())],
    };
    match object.field("createdBy").filter(|field| field.kind == FieldKind::Actor) {
        Some(maker) => Filter::Field { field: maker.id, test: Test::In(makers) },
        None => Filter::Or(Vec::new()),
    }
}

/// The field that says whose a record is: the record itself if it stands for the person, its owner for a member, its
/// customer for a portal customer.
pub(super) fn holder<'a>(ctx: &Ctx, object: &'a Object) -> Option<&'a Field> {
    let (person, link) = match ctx.caller.actor {
        Actor::Member(_) => ("member", owner(object)),
        Actor::Customer(_) => ("customer", customer(ctx, object)),
        Actor::ApiKey(_) | Actor::Plugin(_) | Actor::System => return None,
    };
    let itself = || object.fields.iter().find(|field| field.kind == FieldKind::Id);
    if is_standard(object, person) { itself() } else { link }
}

/// The link to the customer whom a record is about: the one named `customer`, because other links to customers may mean
/// anybody.
fn customer<'a>(ctx: &Ctx, object: &'a Object) -> Option<&'a Field> {
    let link = object.field("customer").filter(|field| field.usable())?;
    let relation = link.relation().filter(|relation| relation.cardinality == Cardinality::ManyToOne)?;
    ctx.catalog.object_by_id(relation.to).filter(|to| is_standard(to, "customer")).map(|_| link)
}

/// The link to the member who owns a record, if the object has an owner.
pub(super) fn owner(object: &Object) -> Option<&Field> {
    object.field("owner").filter(|field| field.origin == Origin::System)
}

/// The link to the record that a record of the object belongs to, and that record's object. An owner has priority;
/// customers are not owners.
pub(super) fn whole<'a>(ctx: &'a Ctx, object: &'a Object) -> Option<(&'a Field, &'a Object)> {
    if owner(object).is_some() && !matches!(ctx.caller.actor, Actor::Customer(_)) {
        return None;
    }
    object.fields.iter().filter(|field| field.usable()).find_map(|field| {
        let link = field.relation()?;
        let belongs = link.cardinality == Cardinality::ManyToOne && link.on_destroy == OnDestroy::Cascade;
        let whole = ctx.catalog.object_by_id(link.to).filter(|whole| whole.id != object.id)?;
        belongs.then_some((field, whole))
    })
}

fn is_standard(object: &Object, name: &str) -> bool {
    object.origin == Origin::Standard && object.name == name
}

/// Whether a record with these links was visible to the caller through one of them: it was the caller's, or the team's.
pub(crate) fn left(ctx: &Ctx, object: ObjectId, before: &[(FieldId, Uuid)]) -> bool {
    let object = ctx.catalog.object_by_id(object);
    let Some((object, holder)) = object.and_then(|object| Some((object, holder(ctx, object)?))) else { return false };
    let people = people(ctx, scope(ctx, object, Operation::Read));
    before.iter().any(|(field, id)| *field == holder.id && people.contains(id))
}

/// Which of these records an operation may touch, including archived ones.
pub(super) async fn among(
    ctx: &Ctx,
    db: &impl ConnectionTrait,
    object: &Object,
    ids: &[RecordId],
    reached: &Filter,
) -> Result<HashSet<RecordId>> {
    let mut sql = Sql::new(ctx.db.dialect());
    sql.push("SELECT ").column(ALIAS, "id").push(" FROM ").table(&object.table).push(" AS ").push(ALIAS);
    sql.push(" WHERE ").column(ALIAS, "id").one_of(List::Ids(ids.iter().map(|id| id.0).collect())).push(" AND ");
    filter::predicate(&mut sql, Scope::of(ctx), object, ALIAS, reached)?;
    let rows = db.query_all_raw(sql.statement(&ctx.db)).await?;
    rows.into_iter().map(|row| Ok(RecordId(row.try_get_by_index::<Uuid>(0)?))).collect()
}

/// Which of these records the caller can see; none of an object that the caller may not read.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn visible(
    ctx: &Ctx,
    db: &impl ConnectionTrait,
    object: &Object,
    ids: &[RecordId],
) -> Result<HashSet<RecordId>> {
    if scope(ctx, object, Operation::Read) == RowScope::None {
        return Ok(HashSet::new());
    }
    match rows(ctx, object, Operation::Read)? {
        None => Ok(ids.iter().copied().collect()),
        Some(_) if ids.is_empty() => Ok(HashSet::new()),
        Some(seen) => among(ctx, db, object, ids, &seen).await,
    }
}

/// Whether a record exists, archived or not, that the caller can see.
///
/// # Errors
/// `FORBIDDEN` if the caller can read no record of the object.
pub(super) async fn existing(ctx: &Ctx, object: &Object, id: RecordId) -> Result<bool> {
    let seen = rows(ctx, object, Operation::Read)?.unwrap_or(Filter::And(Vec::new()));
    Ok(among(ctx, &ctx.db, object, &[id], &seen).await?.contains(&id))
}

/// The records that an operation of the caller may not touch, each with the error to report. A record that the caller
/// cannot see is reported as not found.
///
/// # Errors
/// `FORBIDDEN` if the operation may touch no record of the object.
pub(crate) async fn refusals(
    ctx: &Ctx,
    db: &impl ConnectionTrait,
    object: &Object,
    operation: Operation,
    ids: &[RecordId],
) -> Result<HashMap<RecordId, Error>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let Some(reached) = rows(ctx, object, operation)? else { return Ok(HashMap::new()) };
    let allowed = among(ctx, db, object, ids, &reached).await?;
    let rest: Vec<RecordId> = ids.iter().filter(|id| !allowed.contains(id)).copied().collect();
    let seen = visible(ctx, db, object, &rest).await?;
    let refusal = |id: RecordId| match seen.contains(&id) {
        true => (id, Error::new(Code::Forbidden, "Your role shows this record, but does not let you do this to it.")),
        false => (id, Error::of(Code::NotFound)),
    };
    Ok(rest.into_iter().map(refusal).collect())
}
