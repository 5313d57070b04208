//! Explains in words why somebody can or cannot see and change a record.

use entities::{
    ids::{FieldId, MemberId, RecordId},
    tenant::members,
};
use sea_orm::EntityTrait;
use std::sync::Arc;
use tenants::{
    Access, Actor, Caller, FieldAccess, Operation, Permission, RowScope,
    access::{self, Granted},
    error::{Code, Error, Result},
};

use super::{fields, rows};
use crate::{
    Ctx,
    catalog::{Field, FieldKind, Object},
    roles,
};

/// What a member may do with a record, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Name of the member's role.
    pub role: String,
    /// Each operation.
    pub operations: Vec<OperationExplanation>,
    /// Each field of the object.
    pub fields: Vec<FieldExplanation>,
}

/// Whether a member may do an operation on the record.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationExplanation {
    pub operation: Operation,
    pub allowed: bool,
    /// The row scope of the operation.
    pub scope: RowScope,
    /// Why, in English.
    pub reason: String,
}

/// What a member may do with a field's value.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldExplanation {
    pub field: FieldId,
    pub access: FieldAccess,
    /// Why, in English.
    pub reason: String,
}

/// Explains what a member may do with a record that the caller can see. Members may ask about themselves; about others,
/// callers who manage members or roles.
///
/// # Errors
/// `FORBIDDEN`; `NOT_FOUND` for a record that the caller cannot see, or an unknown member.
pub async fn explain(ctx: &Ctx, object: &Object, id: RecordId, member: MemberId) -> Result<Explanation> {
    if ctx.caller.actor != Actor::Member(member) && !ctx.caller.access.has(Permission::ManageRoles) {
        ctx.caller.demand(Permission::ManageMembers)?;
    }
    let seen = rows::existing(ctx, object, id).await?;
    seen.then_some(()).ok_or_else(|| Error::of(Code::NotFound))?;
    let row = members::Entity::find_by_id(member).one(&ctx.db).await?;
    let row = row.ok_or_else(|| Error::new(Code::NotFound, "There is no such member."))?;
    let role = roles::by_id(ctx, row.role_id).await?.map_or_else(String::new, |role| role.name);
    let access = access::of_actor(&ctx.db, Actor::Member(member)).await?;
    let active = access.is_some();
    let access = Arc::new(access.unwrap_or_else(Access::nothing));
    let caller = Caller { actor: Actor::Member(member), access, ..(*ctx.caller).clone() };
    let theirs = Ctx { caller: Arc::new(caller), ..ctx.clone() };
    let mut operations = Vec::with_capacity(Operation::ALL.len());
    for operation in Operation::ALL {
        let mut reported = self::operation(&theirs, object, id, &role, operation).await?;
        if !active {
            reported.reason = format!("{} is deactivated.", row.name);
        }
        operations.push(reported);
    }
    let fields = object.fields.iter().filter(|field| field.usable());
    Ok(Explanation { fields: fields.map(|field| self::field(&theirs, &role, field)).collect(), role, operations })
}

async fn operation(
    ctx: &Ctx,
    object: &Object,
    id: RecordId,
    role: &str,
    operation: Operation,
) -> Result<OperationExplanation> {
    let (name, plural) = (operation.name(), &object.plural);
    let scope = rows::scope(ctx, object, operation);
    let about_one = !matches!(operation, Operation::Create | Operation::Import);
    let reported = |allowed, reason| OperationExplanation { operation, allowed, scope, reason };
    Ok(match scope {
        RowScope::None if about_one && rows::scope(ctx, object, Operation::Read) == RowScope::None => reported(
            false,
            format!("The role {role} does not allow reading {plural}, so it allows nothing else on them."),
        ),
        RowScope::None => reported(false, format!("The role {role} does not allow {name} on {plural}.")),
        RowScope::All => reported(true, format!("The role {role} allows {name} on all {plural}.")),
        scope if !about_one => reported(true, format!("The role {role} allows {name} for {} records.", whose(scope))),
        scope => {
            let reached = rows::refusals(ctx, &ctx.db, object, operation, &[id]).await?.is_empty();
            let belongs = if reached { "belongs to them" } else { "does not belong to them" };
            let reason = format!("The role {role} allows {name} on {} {plural}; this one {belongs}.", whose(scope));
            reported(reached, reason)
        }
    })
}

fn whose(scope: RowScope) -> &'static str {
    if scope == RowScope::Team { "the team's" } else { "their own" }
}

fn field(ctx: &Ctx, role: &str, field: &Field) -> FieldExplanation {
    let (access, allowed) = (fields::effective_access(ctx, field), fields::field_access(ctx, field));
    let reason = match &*ctx.caller.access {
        _ if access == FieldAccess::Hidden && allowed != access => {
            format!("The role {role} does not allow reading its object.")
        }
        _ if access == FieldAccess::Read && (allowed == FieldAccess::Write || field.kind == FieldKind::Id) => {
            "The system sets it; nobody can write it.".to_owned()
        }
        Access::All => format!("The role {role} allows everything."),
        Access::Granted(granted) => granted_reason(ctx, role, field, granted, allowed),
    };
    FieldExplanation { field: field.id, access, reason }
}

fn granted_reason(ctx: &Ctx, role: &str, field: &Field, granted: &Granted, access: FieldAccess) -> String {
    let named = granted.grants.names(field.object, field.id);
    let given = granted.grants.field(field.object, field.id);
    match fields::hidden_source(ctx, &granted.grants, field) {
        Some(source) if access != given => format!("It would reveal `{}`, which the role {role} hides.", source.name),
        _ if access != given && access == FieldAccess::Hidden => {
            format!("It counts records that the role {role} does not allow to be read.")
        }
        _ if access != given => format!("It is derived from fields that the role {role} does not allow to be changed."),
        _ if named => format!("The role {role} has a setting for this field."),
        _ => format!("The role {role} has a setting for all fields that it does not name."),
    }
}
