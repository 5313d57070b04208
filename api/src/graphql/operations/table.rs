//! The table of operations as a value: declarations and handlers put together, and checked before anything is served.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_graphql_parser::{
    parse_schema,
    types::{FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition},
};
use records::operations::{AddedField, Entry, Module};
use tenants::error::{Code, Error, Result};

/// What every operation may speak of.
const BLOCKS: &str = include_str!("../schema/blocks.graphql");

/// The operations that an endpoint serves, with the types that they speak of.
pub struct Table {
    /// Types, and extensions of types, in the order of their declaration.
    definitions: Vec<TypeDefinition>,
    entries: HashMap<&'static str, Arc<Entry>>,
    fields: HashMap<(String, &'static str), Arc<AddedField>>,
}

impl Table {
    /// The operations of this release.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn of_release() -> Result<Self> {
        Self::new(super::modules())
    }

    /// A table of these modules.
    ///
    /// # Errors
    /// `INTERNAL`, naming the operation that has no permission, no description, no declaration or no handler, or that
    /// is there twice: the program does not start with it.
    pub fn new(modules: Vec<Module>) -> Result<Self> {
        let mut table = Self { definitions: parsed(BLOCKS)?, entries: HashMap::new(), fields: HashMap::new() };
        for module in modules {
            table.definitions.extend(parsed(module.declared)?);
            for entry in module.entries {
                let name = entry.name;
                if table.entries.insert(name, Arc::new(entry)).is_some() {
                    return Err(wrong(format!("Operation `{name}` is in the table twice.")));
                }
            }
            for field in module.fields {
                let (ty, name) = (type_name(field.object), field.name);
                if table.fields.insert((ty, name), Arc::new(field)).is_some() {
                    return Err(wrong(format!("Field `{name}` is added twice.")));
                }
            }
        }
        table.check()?;
        Ok(table)
    }

    /// The types and extensions that are declared.
    pub fn definitions(&self) -> &[TypeDefinition] {
        &self.definitions
    }

    /// An operation by name.
    pub fn entry(&self, name: &str) -> Option<&Arc<Entry>> {
        self.entries.get(name)
    }

    /// A field that is added to a type of records.
    pub fn added(&self, ty: &str, name: &str) -> Option<&Arc<AddedField>> {
        self.fields.iter().find(|((of, field), _)| of == ty && *field == name).map(|(_, field)| field)
    }

    /// All operations, in no particular order.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    fn check(&self) -> Result<()> {
        let mut types = HashSet::new();
        let (mut operations, mut added, mut routes) = (HashSet::new(), HashSet::new(), HashSet::new());
        for definition in &self.definitions {
            let ty = definition.name.node.as_str();
            if !definition.extend && !types.insert(ty) {
                return Err(wrong(format!("Type `{ty}` is declared twice.")));
            }
            let TypeKind::Object(object) = &definition.kind else { continue };
            for field in object.fields.iter().map(|field| &field.node).filter(|_| definition.extend) {
                let name = field.name.node.as_str();
                if field.description.is_none() {
                    return Err(wrong(format!("`{name}` of `{ty}` has no description; write one above it.")));
                }
                if matches!(ty, "Query" | "Mutation") {
                    if !operations.insert(name) {
                        return Err(wrong(format!("Operation `{name}` is declared twice.")));
                    }
                    self.check_entry(field, &mut routes)?;
                } else if !added.insert((ty, name)) || self.added(ty, name).is_none() {
                    return Err(wrong(format!("Field `{name}` of `{ty}` is declared, but nothing answers it.")));
                }
            }
        }
        let undeclared = self.entries.keys().find(|name| !operations.contains(*name));
        let undeclared = undeclared.or_else(|| {
            let unknown = self.fields.keys().find(|(ty, name)| !added.contains(&(ty.as_str(), *name)));
            unknown.map(|(_, name)| name)
        });
        undeclared.map_or(Ok(()), |name| Err(wrong(format!("`{name}` is in the table, but not declared."))))
    }

    fn check_entry(&self, field: &FieldDefinition, routes: &mut HashSet<records::operations::Route>) -> Result<()> {
        let name = field.name.node.as_str();
        let Some(entry) = self.entry(name) else {
            return Err(wrong(format!("Operation `{name}` is declared, but has no handler.")));
        };
        if entry.permit.is_none() {
            return Err(wrong(format!("Operation `{name}` has no permission: say who may ask for it.")));
        }
        let Some(route) = entry.route else { return Ok(()) };
        if !routes.insert(route) {
            return Err(wrong(format!("The route of operation `{name}`, {}, is another's too.", route.path)));
        }
        let is_argument = |part: &str| field.arguments.iter().any(|argument| argument.node.name.node == part);
        match super::placeholders(route.path).find(|part| !is_argument(part)) {
            Some(part) => Err(wrong(format!("The route of operation `{name}` speaks of `{part}`, no argument of it."))),
            None => Ok(()),
        }
    }
}

/// The name of an object's type.
fn type_name(object: &str) -> String {
    crate::graphql::schema::pascal(object)
}

fn parsed(declared: &str) -> Result<Vec<TypeDefinition>> {
    let document = parse_schema(declared)
        .map_err(|error| wrong(format!("A declaration of operations cannot be read: {error}\n{declared}")))?;
    let definitions = document.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(ty) => Some(ty.node),
        _ => None,
    });
    Ok(definitions.collect())
}

/// The names of types that a definition mentions.
pub fn mentioned(definition: &TypeDefinition) -> Vec<String> {
    match &definition.kind {
        TypeKind::Object(object) => object.fields.iter().flat_map(|field| mentioned_by(&field.node)).collect(),
        TypeKind::InputObject(input) => input.fields.iter().map(|field| mentioned_in(&field.node)).collect(),
        _ => Vec::new(),
    }
}

/// The names of types that a field mentions.
pub fn mentioned_by(field: &FieldDefinition) -> Vec<String> {
    let arguments = field.arguments.iter().map(|argument| mentioned_in(&argument.node));
    arguments.chain([base(&field.ty.node)]).collect()
}

fn mentioned_in(input: &InputValueDefinition) -> String {
    base(&input.ty.node)
}

fn base(ty: &Type) -> String {
    ty.to_string().trim_matches(['[', ']', '!']).to_owned()
}

fn wrong(message: String) -> Error {
    Error::new(Code::Internal, message)
}
