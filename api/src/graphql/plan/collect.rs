//! `CollectFields` and `MergeSelectionSets` for a schema in which all types are concrete.

use std::collections::{HashMap, HashSet};

use async_graphql_parser::{
    Positioned,
    types::{Directive, ExecutableDocument, Field as FieldNode, OperationDefinition, Selection as Item, SelectionSet},
};
use async_graphql_value::Value;

use super::{Plan, Planned, Selection, Source};
use crate::graphql::{
    errors::Refusal,
    input::{Checker, Variables},
    schema::model::{Model, Name, TypeId},
};

/// Creates the plans of one document.
pub(super) struct Collector<'a> {
    pub model: &'a Model,
    pub document: &'a ExecutableDocument,
    /// The variables of `@skip` and `@include`; without them, all fields are collected and checked.
    pub mode: Mode<'a>,
}

/// The purpose of a collection.
pub(super) enum Mode<'a> {
    /// To validate: all fields, whatever their directives say.
    Check(&'a Checker<'a>),
    /// To run with these variables.
    Run(&'a Variables),
}

/// The occurrences of one response key, in the order of the document.
type Groups<'a> = Vec<(&'a str, Vec<&'a Positioned<FieldNode>>)>;

impl<'a> Collector<'a> {
    /// The plan of an operation.
    pub fn plan(&self, operation: &'a OperationDefinition) -> Result<Plan, Refusal> {
        let root = match operation.ty {
            async_graphql_parser::types::OperationType::Query => self.model.query,
            async_graphql_parser::types::OperationType::Mutation => self.model.mutation,
            async_graphql_parser::types::OperationType::Subscription => self.model.subscription,
        };
        Ok(Plan { kind: operation.ty, root: self.merge(root, &[&operation.selection_set])? })
    }

    fn merge(&self, ty: TypeId, sets: &[&'a Positioned<SelectionSet>]) -> Result<Selection, Refusal> {
        let (mut groups, mut index) = (Groups::new(), HashMap::new());
        let mut visited = HashSet::new();
        for set in sets {
            self.collect(ty, &set.node, &mut visited, &mut groups, &mut index)?;
        }
        let fields = groups.into_iter().map(|(key, group)| self.planned(ty, key, &group)).collect::<Result<_, _>>()?;
        Ok(Selection { ty, fields })
    }

    fn collect(
        &self,
        ty: TypeId,
        set: &'a SelectionSet,
        visited: &mut HashSet<&'a str>,
        groups: &mut Groups<'a>,
        index: &mut HashMap<&'a str, usize>,
    ) -> Result<(), Refusal> {
        let applies = |on: &async_graphql_value::Name| *self.model.get(ty).name == **on;
        for item in &set.items {
            if !self.included(item.node.directives())? {
                continue;
            }
            match &item.node {
                Item::Field(field) => {
                    let key = field.node.response_key().node.as_str();
                    let at = *index.entry(key).or_insert_with(|| {
                        groups.push((key, Vec::new()));
                        groups.len() - 1
                    });
                    groups[at].1.push(field);
                }
                Item::InlineFragment(fragment) => {
                    if fragment.node.type_condition.as_ref().is_none_or(|on| applies(&on.node.on.node)) {
                        self.collect(ty, &fragment.node.selection_set.node, visited, groups, index)?;
                    }
                }
                Item::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.document.fragments.get(name) else { continue };
                    if visited.insert(name.as_str()) && applies(&fragment.node.type_condition.node.on.node) {
                        self.collect(ty, &fragment.node.selection_set.node, visited, groups, index)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn planned(&self, ty: TypeId, key: &str, group: &[&'a Positioned<FieldNode>]) -> Result<Planned, Refusal> {
        let first = group[0];
        let name = first.node.name.node.as_str();
        if let Mode::Check(_) = self.mode {
            group[1..].iter().try_for_each(|other| mergeable(key, first, other))?;
        }
        let planned = |source, selection| Planned {
            key: Name::from(key),
            source,
            arguments: first.node.arguments.clone(),
            places: group.iter().map(|field| field.pos).collect(),
            selection,
        };
        match name {
            "__typename" if first.node.arguments.is_empty() && first.node.selection_set.node.items.is_empty() => {
                return Ok(planned(Source::Typename, None));
            }
            "__typename" => {
                return Err(Refusal::invalid("`__typename` has no arguments and no fields.", first.pos));
            }
            "__schema" | "__type" => {
                self.introspected(first)?;
                return Ok(planned(Source::Introspection, None));
            }
            _ => {}
        }
        let Some((at, field)) = self.model.field(ty, name) else {
            let ty = &self.model.get(ty).name;
            return Err(Refusal::invalid(format!("There is no field `{name}` in {ty}."), first.pos));
        };
        if let Mode::Check(checker) = &self.mode {
            checker.arguments(&field.args, &first.node.arguments, first.pos)?;
        }
        let base = field.ty.base();
        let selection = if self.model.is_object(base) {
            let sets: Vec<_> = group.iter().map(|field| &field.node.selection_set).collect();
            Some(self.merge(base, &sets)?)
        } else {
            None
        };
        Ok(planned(Source::Field(at), selection))
    }

    /// Marks the variables in a field that the library answers as used.
    fn introspected(&self, field: &'a Positioned<FieldNode>) -> Result<(), Refusal> {
        let Mode::Check(checker) = &self.mode else { return Ok(()) };
        checker.noted(&field.node.arguments)?;
        self.introspected_set(&field.node.selection_set.node, &mut HashSet::new())
    }

    fn introspected_set(&self, set: &'a SelectionSet, visited: &mut HashSet<&'a str>) -> Result<(), Refusal> {
        for item in &set.items {
            self.included(item.node.directives())?;
            match &item.node {
                Item::Field(field) => {
                    if let Mode::Check(checker) = &self.mode {
                        checker.noted(&field.node.arguments)?;
                    }
                    self.introspected_set(&field.node.selection_set.node, visited)?;
                }
                Item::InlineFragment(fragment) => {
                    self.introspected_set(&fragment.node.selection_set.node, visited)?;
                }
                Item::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name)
                        && visited.insert(name.as_str())
                    {
                        self.introspected_set(&fragment.node.selection_set.node, visited)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn included(&self, directives: &'a [Positioned<Directive>]) -> Result<bool, Refusal> {
        for directive in directives {
            let wanted = match directive.node.name.node.as_str() {
                "skip" => false,
                "include" => true,
                other => match &self.mode {
                    Mode::Check(_) => {
                        return Err(Refusal::invalid(format!("There is no directive `@{other}`."), directive.pos));
                    }
                    Mode::Run(_) => continue,
                },
            };
            match &self.mode {
                Mode::Check(checker) => checker.flag(&directive.node)?,
                Mode::Run(variables) => {
                    let flag = match directive.node.get_argument("if").map(|value| &value.node) {
                        Some(Value::Boolean(flag)) => *flag,
                        Some(Value::Variable(name)) => {
                            variables.get(name.as_str()).and_then(serde_json::Value::as_bool).unwrap_or(false)
                        }
                        _ => false,
                    };
                    if flag != wanted {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }
}

/// Refuses fields that share a response key but differ (`FieldsInSetCanMerge`).
fn mergeable(key: &str, first: &Positioned<FieldNode>, other: &Positioned<FieldNode>) -> Result<(), Refusal> {
    let conflict = |why: String| {
        let mut refusal = Refusal::invalid(
            format!("Fields `{key}` conflict because {why}. Use different aliases to ask for both."),
            first.pos,
        );
        refusal.errors[0].locations.push(other.pos);
        Err(refusal)
    };
    if first.node.name.node != other.node.name.node {
        return conflict(format!("`{}` and `{}` are different fields", first.node.name.node, other.node.name.node));
    }
    let same = first.node.arguments.len() == other.node.arguments.len()
        && first
            .node
            .arguments
            .iter()
            .all(|(name, value)| other.node.get_argument(&name.node).is_some_and(|other| other.node == value.node));
    if same { Ok(()) } else { conflict("they have differing arguments".to_owned()) }
}
