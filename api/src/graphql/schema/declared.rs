//! Types and operations that are the same for every tenant, declared in GraphQL's own language beside their functions.

use std::sync::LazyLock;

use async_graphql_parser::{
    parse_schema,
    types::{
        FieldDefinition, InputValueDefinition, ServiceDocument, Type as TypeNode, TypeKind as TypeNodeKind,
        TypeSystemDefinition,
    },
};
use async_graphql_value::ConstValue;

use crate::graphql::operations;

use super::{
    builder::Builder,
    model::{Field, Input, Name, Resolver, TypeKind},
};

/// What the declarations add to the roots.
pub(super) struct Roots {
    pub query: Vec<Field>,
    pub mutation: Vec<Field>,
}

static SHARED: LazyLock<ServiceDocument> = LazyLock::new(|| {
    let text = [&[include_str!("blocks.graphql")], &operations::DECLARED[..]].concat().join("\n");
    #[expect(clippy::expect_used, reason = "the text is part of the program; a test parses it")]
    parse_schema(text).expect("declared operations parse")
});

/// Adds the declared types to a model.
pub(super) fn add(builder: &mut Builder) -> Roots {
    let mut roots = Roots { query: Vec::new(), mutation: Vec::new() };
    for definition in &SHARED.definitions {
        let TypeSystemDefinition::Type(ty) = definition else { continue };
        let name = ty.node.name.node.as_str();
        let description = ty.node.description.as_ref().map(|text| text.node.as_str());
        match &ty.node.kind {
            TypeNodeKind::Object(object) => {
                let fields = object.fields.iter().map(|field| field_of(builder, &field.node, name)).collect();
                match name {
                    "Query" => roots.query = [roots.query, fields].into_iter().flatten().collect(),
                    "Mutation" => roots.mutation = [roots.mutation, fields].into_iter().flatten().collect(),
                    _ => builder.define(name, TypeKind::Object(fields), description),
                }
            }
            TypeNodeKind::InputObject(input) => {
                let fields = input.fields.iter().map(|field| input_of(builder, &field.node)).collect();
                builder.define(name, TypeKind::Input(fields), description);
            }
            TypeNodeKind::Enum(values) => {
                let values = values.values.iter().map(|value| Name::from(value.node.value.node.as_str())).collect();
                builder.define(name, TypeKind::Enum(values), description);
            }
            _ => {}
        }
    }
    roots
}

fn field_of(builder: &mut Builder, field: &'static FieldDefinition, owner: &str) -> Field {
    let name = field.name.node.as_str();
    let resolver = if matches!(owner, "Query" | "Mutation") { Resolver::Operation(name) } else { Resolver::Property };
    Field {
        name: Name::from(name),
        ty: type_of(builder, &field.ty.node),
        args: field.arguments.iter().map(|arg| input_of(builder, &arg.node)).collect(),
        resolver,
        description: field.description.as_ref().map(|text| text.node.as_str()),
    }
}

fn input_of(builder: &mut Builder, input: &'static InputValueDefinition) -> Input {
    Input {
        name: Name::from(input.name.node.as_str()),
        ty: type_of(builder, &input.ty.node),
        default: input.default_value.as_ref().and_then(|value| constant(&value.node)),
        description: input.description.as_ref().map(|text| text.node.as_str()),
    }
}

fn type_of(builder: &mut Builder, ty: &TypeNode) -> super::model::TypeRef {
    builder.ty(&ty.to_string())
}

fn constant(value: &ConstValue) -> Option<serde_json::Value> {
    value.clone().into_json().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_object_can_take_a_declared_name() {
        for definition in &SHARED.definitions {
            let TypeSystemDefinition::Type(ty) = definition else { continue };
            let name = ty.node.name.node.as_str();
            let mut names = vec![name];
            if let (TypeNodeKind::Object(object), "Query" | "Mutation") = (&ty.node.kind, name) {
                names.extend(object.fields.iter().map(|field| field.node.name.node.as_str()));
            }
            for name in names {
                assert!(records::catalog::is_reserved(name), "add {name} to records::catalog::reserved");
            }
        }
    }
}
