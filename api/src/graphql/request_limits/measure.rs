//! Measures a parsed document: each fragment once, however often it is used.

use std::collections::HashMap;

use async_graphql_parser::{
    Positioned,
    types::{Directive, ExecutableDocument, Selection, SelectionSet},
};

use super::{
    MAX_ALIASES, MAX_DEPTH, MAX_DIRECTIVES, MAX_FIELDS, MAX_FRAGMENTS, MAX_INTROSPECTION, MAX_OPERATIONS,
    MAX_ROOT_FIELDS,
};
use crate::graphql::errors::Refusal;

/// The size of a selection with its fragments expanded. Sums saturate.
#[derive(Clone, Copy, Default)]
struct Size {
    /// Fields at all levels.
    fields: u64,
    /// Fields at this level.
    here: u64,
    /// Depth in fields.
    depth: u32,
    /// Depth in fields under `__schema` or `__type`, which are deeper by nature.
    introspection_depth: u32,
    /// Steps from a type to its members, at most, on one path.
    members: u32,
}

/// Deepest introspection; tools use up to 15.
const MAX_INTROSPECTION_DEPTH: u32 = 20;

/// Deepest nesting of selections with fragments expanded.
const MAX_LEVEL: u32 = 100;

/// Refuses documents that exceed a limit, and fragments that contain themselves.
pub(super) fn check(document: &ExecutableDocument) -> Result<(), Refusal> {
    if document.fragments.len() > MAX_FRAGMENTS {
        return Err(over("fragments", document.fragments.len() as u64, MAX_FRAGMENTS as u64));
    }
    let operations = document.operations.iter().count();
    if operations > MAX_OPERATIONS {
        return Err(over("operations", operations as u64, MAX_OPERATIONS as u64));
    }
    let mut measure = Measure { document, fragments: HashMap::new(), aliases: 0, directives: 0, level: 0 };
    for name in document.fragments.keys() {
        measure.fragment(name)?;
    }
    for (_, operation) in document.operations.iter() {
        measure.directives(&operation.node.directives)?;
        let size = measure.set(&operation.node.selection_set)?;
        limit("fields", size.fields, MAX_FIELDS)?;
        limit("root fields", size.here, MAX_ROOT_FIELDS)?;
        limit("levels of fields", size.depth.into(), MAX_DEPTH.into())?;
        limit("levels of introspection", size.introspection_depth.into(), MAX_INTROSPECTION_DEPTH.into())?;
    }
    Ok(())
}

struct Measure<'d> {
    document: &'d ExecutableDocument,
    /// Sizes of fragments; `None` while one is being measured.
    fragments: HashMap<&'d str, Option<Size>>,
    aliases: u32,
    directives: u32,
    /// The present depth of the recursion, so that chains of fragments cannot exhaust the stack.
    level: u32,
}

impl<'d> Measure<'d> {
    fn fragment(&mut self, name: &'d str) -> Result<Size, Refusal> {
        // validation reports an unknown fragment
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Ok(Size::default()) };
        match self.fragments.get(name.as_str()) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Refusal::invalid(format!("Fragment `{name}` contains itself."), fragment.pos)),
            None => {}
        }
        self.fragments.insert(name, None);
        self.directives(&fragment.node.directives)?;
        let size = self.set(&fragment.node.selection_set)?;
        self.fragments.insert(name, Some(size));
        Ok(size)
    }

    fn set(&mut self, set: &'d Positioned<SelectionSet>) -> Result<Size, Refusal> {
        self.level += 1;
        limit("nested selections", self.level.into(), MAX_LEVEL.into())?;
        let mut total = Size::default();
        for selection in &set.node.items {
            self.directives(selection.node.directives())?;
            let size = match &selection.node {
                Selection::Field(field) => {
                    if field.node.alias.is_some() {
                        self.aliases += 1;
                        limit("aliases", self.aliases.into(), MAX_ALIASES.into())?;
                    }
                    let inner = self.set(&field.node.selection_set)?;
                    nest(field.node.name.node.as_str(), inner)?
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set)?,
                Selection::FragmentSpread(spread) => self.fragment(spread.node.fragment_name.node.as_str())?,
            };
            total = Size {
                fields: total.fields.saturating_add(size.fields),
                here: total.here.saturating_add(size.here),
                depth: total.depth.max(size.depth),
                introspection_depth: total.introspection_depth.max(size.introspection_depth),
                members: total.members.max(size.members),
            };
        }
        self.level -= 1;
        Ok(total)
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) -> Result<(), Refusal> {
        self.directives = self.directives.saturating_add(u32::try_from(directives.len()).unwrap_or(u32::MAX));
        limit("directives", self.directives.into(), MAX_DIRECTIVES.into())
    }
}

/// The size of a field with its selection.
fn nest(name: &str, inner: Size) -> Result<Size, Refusal> {
    let is_member = matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes");
    let mut size = Size {
        fields: inner.fields.saturating_add(1),
        here: 1,
        depth: inner.depth + 1,
        introspection_depth: inner.introspection_depth,
        members: inner.members + u32::from(is_member),
    };
    if matches!(name, "__schema" | "__type") {
        limit("steps of introspection", size.members.into(), MAX_INTROSPECTION.into())?;
        size = Size { introspection_depth: size.depth, depth: 1, members: 0, ..size };
    }
    Ok(size)
}

fn limit(what: &'static str, is: u64, most: u64) -> Result<(), Refusal> {
    if is > most { Err(over(what, is, most)) } else { Ok(()) }
}

fn over(what: &'static str, is: u64, most: u64) -> Refusal {
    Refusal::too_complex(what, is, most)
}
