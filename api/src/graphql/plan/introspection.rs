//! The part that the library answers: `__schema` and `__type`, as a separate document without fragments and variables,
//! so that documents may ask for data as well.

use async_graphql::Request;
use async_graphql_parser::{
    Positioned,
    types::{
        DocumentOperations, ExecutableDocument, Field as FieldNode, InlineFragment, OperationDefinition, OperationType,
        Selection as Item, SelectionSet,
    },
};
use async_graphql_value::{ConstValue, Value};
use serde_json::{Map, Value as Json};

use super::{Prepared, validate::Introspection};
use crate::graphql::{errors::Refusal, input::Variables, schema::Schema};

/// The answers to the introspection fields at the root of an operation, by response key.
///
/// # Errors
/// The library's errors.
pub async fn introspect(
    schema: &Schema,
    prepared: &Prepared,
    variables: &Variables,
) -> Result<Map<String, Json>, Refusal> {
    let Some(operation) = prepared.chosen() else { return Ok(Map::new()) };
    let inliner = Inliner { document: prepared.document(), variables };
    let mut set = inliner.set(&operation.selection_set);
    keep_introspection(&mut set.node);
    let operation = OperationDefinition {
        ty: OperationType::Query,
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set: set,
    };
    let mut request = Request::new("").data(Introspection);
    request.set_parsed_query(ExecutableDocument {
        operations: DocumentOperations::Single(Positioned::new(operation, async_graphql::Pos::default())),
        fragments: std::collections::HashMap::new(),
    });
    let response = schema.library.execute(request).await;
    if let Some(error) = response.errors.into_iter().next() {
        return Err(Refusal::bad_request(error.message));
    }
    match response.data.into_json() {
        Ok(Json::Object(data)) => Ok(data),
        _ => Ok(Map::new()),
    }
}

fn keep_introspection(set: &mut SelectionSet) {
    set.items.retain_mut(|item| match &mut item.node {
        Item::Field(field) => matches!(field.node.name.node.as_str(), "__schema" | "__type"),
        Item::InlineFragment(fragment) => {
            keep_introspection(&mut fragment.node.selection_set.node);
            !fragment.node.selection_set.node.items.is_empty()
        }
        Item::FragmentSpread(_) => false,
    });
}

struct Inliner<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
}

impl Inliner<'_> {
    fn set(&self, set: &Positioned<SelectionSet>) -> Positioned<SelectionSet> {
        let items = set.node.items.iter().filter_map(|item| {
            let item = match &item.node {
                Item::Field(field) => Item::Field(field.position_node(self.field(&field.node))),
                Item::InlineFragment(fragment) => Item::InlineFragment(fragment.position_node(InlineFragment {
                    type_condition: fragment.node.type_condition.clone(),
                    directives: self.directives(&fragment.node.directives),
                    selection_set: self.set(&fragment.node.selection_set),
                })),
                Item::FragmentSpread(spread) => {
                    let fragment = self.document.fragments.get(&spread.node.fragment_name.node)?;
                    Item::InlineFragment(spread.position_node(InlineFragment {
                        type_condition: Some(fragment.node.type_condition.clone()),
                        directives: self.directives(&spread.node.directives),
                        selection_set: self.set(&fragment.node.selection_set),
                    }))
                }
            };
            Some(Positioned::new(item, set.pos))
        });
        set.position_node(SelectionSet { items: items.collect() })
    }

    fn field(&self, field: &FieldNode) -> FieldNode {
        FieldNode {
            alias: field.alias.clone(),
            name: field.name.clone(),
            arguments: self.arguments(&field.arguments),
            directives: self.directives(&field.directives),
            selection_set: self.set(&field.selection_set),
        }
    }

    fn directives(
        &self,
        directives: &[Positioned<async_graphql_parser::types::Directive>],
    ) -> Vec<Positioned<async_graphql_parser::types::Directive>> {
        directives
            .iter()
            .map(|directive| {
                directive.position_node(async_graphql_parser::types::Directive {
                    name: directive.node.name.clone(),
                    arguments: self.arguments(&directive.node.arguments),
                })
            })
            .collect()
    }

    fn arguments(
        &self,
        arguments: &[(Positioned<async_graphql_value::Name>, Positioned<Value>)],
    ) -> Vec<(Positioned<async_graphql_value::Name>, Positioned<Value>)> {
        arguments
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.position_node(self.value(&value.node)?))))
            .collect()
    }

    /// The value with its variables replaced; an argument whose variable was not given is left out.
    fn value(&self, value: &Value) -> Option<Value> {
        value
            .clone()
            .into_const_with(|name| {
                let json = self.variables.get(name.as_str()).cloned().ok_or(())?;
                ConstValue::from_json(json).map_err(|_| ())
            })
            .ok()
            .map(ConstValue::into_value)
    }
}
