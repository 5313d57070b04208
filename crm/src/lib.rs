//! Customers and interactions with them: the standard objects, their rules, and the import of their records.

mod choices;
pub mod contact_points;
pub mod customers;
pub mod demo;
pub mod import;
pub mod interactions;
pub mod members;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use records::{
    catalog::spec::ObjectSpec,
    operations::Module,
    rules::{RuleSet, Rules},
};

/// A standard object. The folder of its noun declares it, with its rules.
pub struct StandardObject {
    /// API name in the singular.
    pub name: &'static str,
    /// Its fields.
    pub declaration: fn() -> ObjectSpec,
    /// What it demands beyond its fields, where it does.
    pub rules: Option<fn() -> Arc<dyn Rules>>,
    /// Its operations beyond access to its records, and the fields that it adds to records.
    pub operations: Option<fn() -> Module>,
}

/// The standard objects, each after those it links to.
pub const OBJECTS: &[StandardObject] =
    &[members::OBJECT, customers::OBJECT, contact_points::OBJECT, interactions::OBJECT];

/// The declarations of all standard objects.
pub fn objects() -> Vec<ObjectSpec> {
    OBJECTS.iter().map(|object| (object.declaration)()).collect()
}

/// The operations of all standard objects.
pub fn operations() -> impl Iterator<Item = Module> {
    OBJECTS.iter().filter_map(|object| Some((object.operations?)()))
}

/// The rules of all standard objects, as a context takes them.
pub fn rules() -> Arc<RuleSet> {
    let with_rules = OBJECTS.iter().filter_map(|object| Some((object.name, object.rules?)));
    Arc::new(with_rules.fold(RuleSet::default(), |set, (name, rules)| set.with(name, rules())))
}
