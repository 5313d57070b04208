//! Roles, members and explanations as answers tell them.

use records::{
    catalog::{Catalog, FieldId, ObjectId},
    members::{Member, Team},
    permission::Explanation,
    roles::Role,
};
use serde_json::{Map, Value as Json, json};
use tenants::{
    Operation, Permission, RowScope,
    access::{Grants, ObjectGrant},
};

/// A role; objects and fields that are gone are left out.
pub fn role(catalog: &Catalog, role: &Role) -> Json {
    let everything = everything();
    let grants = role.grants.as_ref().unwrap_or(&everything);
    let named = grants.objects.iter().filter_map(|(id, grant)| object(catalog, Some(*id), grant));
    json!({
        "name": role.name,
        "label": role.label,
        "seeded": role.seeded,
        "everything": role.grants.is_none(),
        "permissions": grants.permissions,
        "others": object(catalog, None, &grants.others),
        "objects": named.collect::<Json>(),
    })
}

/// What a role that allows everything would name.
fn everything() -> Grants {
    let operations = Operation::ALL.into_iter().map(|operation| (operation, RowScope::All)).collect();
    let others = ObjectGrant { operations, ..ObjectGrant::default() };
    Grants { permissions: Permission::ALL.into(), others, ..Grants::default() }
}

fn object(catalog: &Catalog, id: Option<ObjectId>, grant: &ObjectGrant) -> Option<Json> {
    let name = match id {
        Some(id) => Some(&catalog.object_by_id(id)?.name),
        None => None,
    };
    let mut tree = scopes(|operation| grant.operations.get(&operation).copied().unwrap_or_default());
    let field = |(id, access): (&FieldId, &tenants::FieldAccess)| {
        Some(json!({ "field": catalog.field(*id)?.name, "access": access.name() }))
    };
    tree.insert("object".to_owned(), json!(name));
    tree.insert("fields".to_owned(), grant.fields.iter().filter_map(field).collect());
    tree.insert("otherFields".to_owned(), grant.other_fields.name().into());
    Some(Json::Object(tree))
}

/// How far each operation reaches, under its name in small letters.
pub fn scopes(of: impl Fn(Operation) -> RowScope) -> Map<String, Json> {
    Operation::ALL
        .into_iter()
        .map(|operation| (operation.name().to_ascii_lowercase(), of(operation).name().into()))
        .collect()
}

/// A member with role and teams.
pub fn member(member: &Member) -> Json {
    json!({
        "id": member.id.to_string(),
        "name": member.name,
        "email": member.email,
        "role": member.role,
        "active": member.active,
        "teams": member.teams,
    })
}

/// A team.
pub fn team(team: &Team) -> Json {
    let members = team.members.iter().map(ToString::to_string);
    json!({ "id": team.id.to_string(), "name": team.name, "members": members.collect::<Json>() })
}

/// Why somebody may do what.
pub fn explanation(catalog: &Catalog, reported: &Explanation) -> Json {
    let operation = |one: &records::permission::OperationExplanation| {
        json!({
            "operation": one.operation.name(),
            "allowed": one.allowed,
            "scope": one.scope.name(),
            "reason": one.reason,
        })
    };
    let field = |one: &records::permission::FieldExplanation| {
        Some(json!({ "field": catalog.field(one.field)?.name, "access": one.access.name(), "reason": one.reason }))
    };
    json!({
        "role": reported.role,
        "operations": reported.operations.iter().map(operation).collect::<Json>(),
        "fields": reported.fields.iter().filter_map(field).collect::<Json>(),
    })
}
