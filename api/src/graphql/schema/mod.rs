//! The tenant's own API: one model made from its catalog, and the library's schema made from the model.

mod builder;
mod declared;
mod inputs;
mod kinds;
mod library;
pub mod model;
mod records;
pub mod scalars;
mod shape;
mod totals;

use std::sync::Arc;

use ::records::catalog::Catalog;
use async_graphql::dynamic::Schema as Library;
use tenants::error::Result;

use self::{
    builder::Builder,
    model::{Model, TypeKind},
};
use crate::graphql::operations::Table;
pub use builder::pascal;
pub use shape::Fingerprint;

/// The API of every tenant whose catalog has this shape.
pub struct Schema {
    /// Names the shape.
    pub fingerprint: Fingerprint,
    /// What plans and input are made by.
    pub model: Model,
    /// What validates documents and answers introspection.
    pub library: Library,
    /// Who answers its operations.
    pub table: Arc<Table>,
    /// Roughly how much memory it takes.
    pub bytes: u64,
}

/// The fingerprint of a catalog's API, without making it.
pub fn fingerprint(catalog: &Catalog) -> Fingerprint {
    shape::fingerprint(&shape::objects(catalog))
}

impl Schema {
    /// Makes the API of a catalog, with the operations of a table.
    ///
    /// # Errors
    /// Only when the program is at fault: a type is used that is not defined.
    pub fn build(catalog: &Catalog, table: &Arc<Table>) -> Result<Self> {
        let shown = shape::objects(catalog);
        let model = model_of(&shown, table)?;
        let library = library::schema(&model)?;
        let (fingerprint, bytes) = (shape::fingerprint(&shown), weigh(&model));
        Ok(Self { fingerprint, model, library, table: Arc::clone(table), bytes })
    }

    /// The schema in GraphQL's schema definition language.
    pub fn sdl(&self) -> String {
        let options = async_graphql::SDLExportOptions::new().prefer_single_line_descriptions().use_space_ident();
        self.library.sdl_with_options(options)
    }
}

fn model_of(shown: &[shape::Shown<'_>], table: &Table) -> Result<Model> {
    let mut builder = Builder::new();
    let objects = shown.iter().map(|shown| shown.object.name.as_str());
    let mut declared = declared::add(&mut builder, table, objects);
    let mut roots = records::Roots { query: declared.query, mutation: declared.mutation, subscription: Vec::new() };
    for object in shown {
        let added = declared.added.remove(&pascal(&object.object.name)).unwrap_or_default();
        records::add(&mut builder, &mut roots, object, shown, added);
    }
    builder.define("Query", TypeKind::Object(roots.query), None);
    builder.define("Mutation", TypeKind::Object(roots.mutation), None);
    builder.define("Subscription", TypeKind::Object(roots.subscription), None);
    builder.finish()
}

/// Bytes that a schema takes, by what was measured: the library keeps every field and argument about twice.
fn weigh(model: &Model) -> u64 {
    const PER_TYPE: usize = 1_500;
    const PER_FIELD: usize = 1_300;
    const PER_INPUT: usize = 700;
    let members = |ty: &model::Type| match &ty.kind {
        TypeKind::Scalar(_) => 0,
        TypeKind::Enum(values) => values.len() * 300,
        TypeKind::Input(fields) => fields.len() * PER_INPUT,
        TypeKind::Object(fields) => fields.iter().map(|field| PER_FIELD + field.args.len() * PER_INPUT).sum(),
    };
    model.types().iter().map(|ty| PER_TYPE + members(ty)).sum::<usize>() as u64
}
