//! Types and operations that are the same for every tenant, as the table declares them in GraphQL's own language.

use std::collections::{HashMap, HashSet};

use async_graphql_parser::types::{
    FieldDefinition, InputValueDefinition, ObjectType, TypeDefinition, TypeKind as TypeNodeKind,
};
use records::operations::Audience;

use super::{
    builder::{Builder, pascal},
    model::{Field, Input, Name, Resolver, TypeKind},
    scalars::Scalar,
};
use crate::graphql::operations::{Table, mentioned, mentioned_by};

/// What the declarations add to the types of the catalog.
#[derive(Default)]
pub(super) struct Declared {
    pub query: Vec<Field>,
    pub mutation: Vec<Field>,
    /// Fields of records, by the name of their type.
    pub added: HashMap<String, Vec<Field>>,
}

/// Adds the declared types to the model of a catalog with these objects. What speaks of an object that the catalog does
/// not have is left out.
pub(super) fn add<'o>(builder: &mut Builder, table: &Table, objects: impl Iterator<Item = &'o str>) -> Declared {
    let known = known(table, objects);
    let usable = |field: &FieldDefinition| mentioned_by(field).iter().all(|ty| known.contains(ty));
    let mut declared = Declared::default();
    for definition in table.definitions() {
        let name = definition.name.node.as_str();
        match &definition.kind {
            TypeNodeKind::Object(object) if definition.extend => {
                let fields = object.fields.iter().map(|field| &field.node).filter(|field| usable(field));
                let fields = fields.filter_map(|field| extending(builder, table, name, field));
                match name {
                    "Query" => declared.query.extend(fields),
                    "Mutation" => declared.mutation.extend(fields),
                    _ => declared.added.entry(name.to_owned()).or_default().extend(fields),
                }
            }
            _ if known.contains(name) => define(builder, definition),
            _ => {}
        }
    }
    declared
}

/// The types that can be spoken of: scalars, those of the objects, and those declared of nothing but such.
fn known<'o>(table: &Table, objects: impl Iterator<Item = &'o str>) -> HashSet<String> {
    let mut known: HashSet<String> = Scalar::ALL.iter().map(|scalar| scalar.name().to_owned()).collect();
    for ty in objects.map(pascal) {
        known.extend(["", "Connection", "Filter"].map(|part| format!("{ty}{part}")));
    }
    let mut types: Vec<(&str, Vec<String>)> = Vec::new();
    for definition in table.definitions().iter().filter(|definition| !definition.extend) {
        let name = definition.name.node.as_str();
        known.insert(name.to_owned());
        types.push((name, mentioned(definition)));
    }
    loop {
        let before = types.len();
        types.retain(|(name, mentioned)| {
            let usable = mentioned.iter().all(|ty| known.contains(ty));
            if !usable {
                known.remove(*name);
            }
            usable
        });
        if types.len() == before {
            return known;
        }
    }
}

fn define(builder: &mut Builder, definition: &TypeDefinition) {
    let kind = match &definition.kind {
        TypeNodeKind::Object(object) => TypeKind::Object(properties(builder, object)),
        TypeNodeKind::InputObject(input) => {
            TypeKind::Input(input.fields.iter().map(|field| input_of(builder, &field.node)).collect())
        }
        TypeNodeKind::Enum(values) => {
            TypeKind::Enum(values.values.iter().map(|value| Name::from(value.node.value.node.as_str())).collect())
        }
        _ => return,
    };
    let description = definition.description.as_ref().map(|text| Name::from(text.node.as_str()));
    builder.define(definition.name.node.as_str(), kind, description);
}

fn properties(builder: &mut Builder, object: &ObjectType) -> Vec<Field> {
    object.fields.iter().map(|field| field_of(builder, &field.node, Resolver::Property)).collect()
}

/// A field of a root, or one that is added to records; none for those whose schema this is not.
fn extending(builder: &mut Builder, table: &Table, ty: &str, field: &FieldDefinition) -> Option<Field> {
    let name = field.name.node.as_str();
    let resolver = if matches!(ty, "Query" | "Mutation") {
        let entry = table.entry(name).filter(|entry| entry.audience == Audience::Staff)?;
        Resolver::Operation { name: entry.name, cost: entry.cost }
    } else {
        let added = table.added(ty, name)?;
        Resolver::Added { ty: Name::from(ty), name: added.name, cost: added.cost }
    };
    Some(field_of(builder, field, resolver))
}

fn field_of(builder: &mut Builder, field: &FieldDefinition, resolver: Resolver) -> Field {
    Field {
        name: Name::from(field.name.node.as_str()),
        ty: builder.ty(&field.ty.node.to_string()),
        args: field.arguments.iter().map(|arg| input_of(builder, &arg.node)).collect(),
        resolver,
        description: field.description.as_ref().map(|text| Name::from(text.node.as_str())),
    }
}

fn input_of(builder: &mut Builder, input: &InputValueDefinition) -> Input {
    Input {
        name: Name::from(input.name.node.as_str()),
        ty: builder.ty(&input.ty.node.to_string()),
        default: input.default_value.as_ref().and_then(|value| value.node.clone().into_json().ok()),
        description: input.description.as_ref().map(|text| Name::from(text.node.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_object_can_take_a_declared_name() {
        for definition in Table::of_release().unwrap().definitions() {
            let name = definition.name.node.as_str();
            let mut names = vec![name];
            if let (TypeNodeKind::Object(object), "Query" | "Mutation") = (&definition.kind, name) {
                names.extend(object.fields.iter().map(|field| field.node.name.node.as_str()));
            }
            for name in names {
                assert!(::records::catalog::is_reserved(name), "add {name} to records::catalog::reserved");
            }
        }
    }
}
