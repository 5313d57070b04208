//! Customers and what happens with them: the standard objects, their rules, and how their records come in.

mod choices;
pub mod contact_points;
pub mod customers;
pub mod demo;
pub mod import;
pub mod interactions;
pub mod members;
pub mod rules;
#[cfg(test)]
mod tests;

use records::catalog::spec::ObjectSpec;

/// The standard objects, each after those it links to.
pub fn objects() -> Vec<ObjectSpec> {
    vec![members::object(), customers::object(), contact_points::object(), interactions::object()]
}
