//! What a role is to be, from names to ids.

use std::collections::{BTreeMap, BTreeSet};

use records::{
    catalog::{Catalog, Object, ObjectId},
    roles::RolePatch,
};
use serde::Deserialize;
use tenants::{
    FieldAccess, Operation, Permission, RowScope,
    access::ObjectGrant,
    error::{Error, FieldIssue, Issue, Result},
};

/// `RoleInput`.
#[derive(Deserialize)]
pub struct RoleInput {
    name: Option<String>,
    label: Option<String>,
    permissions: Option<BTreeSet<Permission>>,
    others: Option<ObjectAccessInput>,
    objects: Option<Vec<ObjectAccessInput>>,
}

/// `ObjectAccessInput`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectAccessInput {
    object: Option<String>,
    create: Option<RowScope>,
    read: Option<RowScope>,
    update: Option<RowScope>,
    delete: Option<RowScope>,
    restore: Option<RowScope>,
    destroy: Option<RowScope>,
    merge: Option<RowScope>,
    import: Option<RowScope>,
    export: Option<RowScope>,
    fields: Option<Vec<NamedFieldAccessInput>>,
    other_fields: Option<FieldAccess>,
}

/// `NamedFieldAccessInput`.
#[derive(Deserialize)]
struct NamedFieldAccessInput {
    field: String,
    access: FieldAccess,
}

impl RoleInput {
    /// As the service takes it.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` naming the place of an object or field that is not there, or that is named twice.
    pub fn patch(self, catalog: &Catalog) -> Result<RolePatch> {
        let mut issues = Vec::new();
        let patch = RolePatch {
            name: self.name,
            label: self.label,
            permissions: self.permissions,
            others: self.others.map(|others| others.grant(None, "others", &mut issues)),
            objects: self.objects.map(|given| objects(catalog, given, &mut issues)),
        };
        if issues.is_empty() { Ok(patch) } else { Err(Error::invalid(issues)) }
    }
}

fn objects(
    catalog: &Catalog,
    given: Vec<ObjectAccessInput>,
    issues: &mut Vec<FieldIssue>,
) -> BTreeMap<ObjectId, ObjectGrant> {
    let mut objects = BTreeMap::new();
    for (place, input) in given.into_iter().enumerate() {
        let path = format!("objects.{place}");
        let name = input.object.clone().unwrap_or_default();
        let Some(object) = catalog.object(&name) else {
            issues.push(issue(format!("{path}.object"), format!("There is no object `{name}`.")));
            continue;
        };
        if objects.insert(object.id, input.grant(Some(object), &path, issues)).is_some() {
            issues.push(issue(format!("{path}.object"), format!("`{name}` is named twice.")));
        }
    }
    objects
}

impl ObjectAccessInput {
    fn grant(self, object: Option<&Object>, path: &str, issues: &mut Vec<FieldIssue>) -> ObjectGrant {
        let mut grant = ObjectGrant { other_fields: self.other_fields.unwrap_or_default(), ..ObjectGrant::default() };
        if object.is_none() && self.object.is_some() {
            let why = "Objects are named in `objects`; this is for all others.".to_owned();
            issues.push(issue(format!("{path}.object"), why));
        }
        let scopes = [
            (Operation::Create, self.create),
            (Operation::Read, self.read),
            (Operation::Update, self.update),
            (Operation::Delete, self.delete),
            (Operation::Restore, self.restore),
            (Operation::Destroy, self.destroy),
            (Operation::Merge, self.merge),
            (Operation::Import, self.import),
            (Operation::Export, self.export),
        ];
        grant.operations = scopes.into_iter().filter_map(|(operation, scope)| Some((operation, scope?))).collect();
        for (place, given) in self.fields.into_iter().flatten().enumerate() {
            let name = &given.field;
            let why = match object.map(|object| (object, object.field(name))) {
                Some((_, Some(field))) => match grant.fields.insert(field.id, given.access) {
                    None => continue,
                    Some(_) => format!("`{name}` is named twice."),
                },
                Some((object, None)) => format!("{} has no field `{name}`.", object.name),
                None => "Fields are named with their object, in `objects`.".to_owned(),
            };
            issues.push(issue(format!("{path}.fields.{place}.field"), why));
        }
        grant
    }
}

fn issue(field: String, why: String) -> FieldIssue {
    FieldIssue { field, issue: Issue::Rule(why) }
}
