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

use ::records::catalog::Catalog;
use async_graphql::dynamic::Schema as Library;
use tenants::error::Result;

use self::{
    builder::Builder,
    model::{Model, TypeKind},
};
pub use shape::Fingerprint;

/// The API of every tenant whose catalog has this shape.
pub struct Schema {
    /// Names the shape.
    pub fingerprint: Fingerprint,
    /// What plans and input are made by.
    pub model: Model,
    /// What validates documents and answers introspection.
    pub library: Library,
    /// Roughly how much memory it takes.
    pub bytes: u64,
}

/// The fingerprint of a catalog's API, without making it.
pub fn fingerprint(catalog: &Catalog) -> Fingerprint {
    shape::fingerprint(&shape::objects(catalog))
}

impl Schema {
    /// Makes the API of a catalog.
    ///
    /// # Errors
    /// Only when the program is at fault: a type is used that is not defined.
    pub fn build(catalog: &Catalog) -> Result<Self> {
        let shown = shape::objects(catalog);
        let model = model_of(&shown)?;
        let library = library::schema(&model)?;
        Ok(Self { fingerprint: shape::fingerprint(&shown), bytes: weigh(&model), model, library })
    }

    /// The schema in GraphQL's schema definition language.
    pub fn sdl(&self) -> String {
        let options = async_graphql::SDLExportOptions::new().prefer_single_line_descriptions().use_space_ident();
        self.library.sdl_with_options(options)
    }
}

/// The API of a catalog in GraphQL's schema definition language.
///
/// # Errors
/// As [`Schema::build`].
pub fn sdl(catalog: &Catalog) -> Result<String> {
    Ok(Schema::build(catalog)?.sdl())
}

fn model_of(shown: &[shape::Shown<'_>]) -> Result<Model> {
    let mut builder = Builder::new();
    let declared = declared::add(&mut builder);
    let mut roots = records::Roots { query: declared.query, mutation: declared.mutation, subscription: Vec::new() };
    for object in shown {
        records::add(&mut builder, &mut roots, object, shown);
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
