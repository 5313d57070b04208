//! What the organisation's data looks like, shown and changed.

mod input;
mod inputs;
mod kinds;
mod tree;

use records::{
    Ctx,
    catalog::{self, ConstraintId, Impact, ObjectId, SectionId},
    engine,
    operations::{Entry, Given, Module, NoArgs, Permit},
};
use serde::Deserialize;
use serde_json::Value as Json;
use tenants::{
    Permission,
    error::{Code, Error, Result},
};

use inputs::{
    ConstraintInput, CreateFieldInput, CreateObjectInput, CreateSectionInput, UpdateFieldInput, UpdateObjectInput,
    UpdateSectionInput,
};

/// The catalog's operations.
pub fn module() -> Module {
    let configure = Permit::Named(Permission::ConfigureCatalog);
    Module {
        declared: include_str!("catalog.graphql"),
        entries: vec![
            Entry::new("objects", objects).permit(Permit::SignedIn),
            Entry::new("object", object).permit(Permit::SignedIn),
            Entry::new("createObject", create_object).permit(configure),
            Entry::new("updateObject", update_object).permit(configure),
            Entry::new("deleteObject", delete_object).permit(configure),
            Entry::new("createField", create_field).permit(configure),
            Entry::new("updateField", update_field).permit(configure),
            Entry::new("deleteField", delete_field).permit(configure),
            Entry::new("reorderFields", reorder_fields).permit(configure),
            Entry::new("createSection", create_section).permit(configure),
            Entry::new("updateSection", update_section).permit(configure),
            Entry::new("deleteSection", delete_section).permit(configure),
            Entry::new("createConstraint", create_constraint).permit(configure),
            Entry::new("deleteConstraint", delete_constraint).permit(configure),
        ],
        fields: Vec::new(),
    }
}

/// Something new.
#[derive(Deserialize)]
struct Create<I> {
    input: I,
}

/// What something is to become.
#[derive(Deserialize)]
#[serde(bound = "I: Deserialize<'de>, T: std::str::FromStr")]
struct Update<T, I> {
    id: Given<T>,
    input: I,
}

/// What is to be deleted, or only looked at.
#[derive(Deserialize)]
#[serde(bound = "T: std::str::FromStr")]
struct Delete<T> {
    id: Given<T>,
    preview: Option<bool>,
}

/// What is meant.
#[derive(Deserialize)]
#[serde(bound = "T: std::str::FromStr")]
struct ById<T> {
    id: Given<T>,
}

#[derive(Deserialize)]
struct ByName {
    name: String,
}

#[derive(Deserialize)]
struct Reorder {
    object: String,
    section: Option<String>,
    fields: Vec<Given<catalog::FieldId>>,
}

async fn objects(ctx: Ctx, _: NoArgs) -> Result<Vec<Json>> {
    // Another process may have changed it a moment ago.
    engine::verify(&ctx).await?;
    Ok(ctx.catalog.objects.iter().map(|object| tree::object(&ctx, object)).collect())
}

async fn object(ctx: Ctx, args: ByName) -> Result<Option<Json>> {
    engine::verify(&ctx).await?;
    Ok(ctx.catalog.object(&args.name).map(|object| tree::object(&ctx, object)))
}

async fn create_object(ctx: Ctx, args: Create<CreateObjectInput>) -> Result<Option<Json>> {
    let object = catalog::create_object(&ctx, input::new_object(args.input)).await?;
    shown_object(&ctx, object.id).await
}

async fn update_object(ctx: Ctx, args: Update<ObjectId, UpdateObjectInput>) -> Result<Option<Json>> {
    let id = args.id.needed("object")?;
    catalog::update_object(&ctx, id, input::object_patch(args.input)).await?;
    shown_object(&ctx, id).await
}

async fn delete_object(ctx: Ctx, args: Delete<ObjectId>) -> Result<Impact> {
    catalog::delete_object(&ctx, args.id.needed("object")?, args.preview.unwrap_or_default()).await
}

async fn create_field(ctx: Ctx, args: Create<CreateFieldInput>) -> Result<Json> {
    let object = args.input.object.clone();
    // filters name fields that another process may have made a moment ago
    engine::verify(&ctx).await?;
    let field = catalog::create_field(&ctx, &object, input::new_field(&ctx, args.input)?).await?;
    Ok(tree::field(&now(&ctx).await?, &field))
}

async fn update_field(ctx: Ctx, args: Update<catalog::FieldId, UpdateFieldInput>) -> Result<Json> {
    let id = args.id.needed("field")?;
    // what is left unsaid is taken from the field as it is
    engine::verify(&ctx).await?;
    let known = ctx.catalog.field(id).ok_or_else(|| Error::new(Code::NotFound, "There is no such field."))?;
    let patch = input::field_patch(&ctx, known, args.input)?;
    let field = catalog::update_field(&ctx, id, patch).await?;
    Ok(tree::field(&now(&ctx).await?, &field))
}

async fn delete_field(ctx: Ctx, args: Delete<catalog::FieldId>) -> Result<Impact> {
    catalog::delete_field(&ctx, args.id.needed("field")?, args.preview.unwrap_or_default()).await
}

async fn reorder_fields(ctx: Ctx, args: Reorder) -> Result<Option<Json>> {
    let fields = args.fields.into_iter().map(|id| id.needed("field")).collect::<Result<Vec<_>>>()?;
    let object = catalog::reorder_fields(&ctx, &args.object, args.section.as_deref(), &fields).await?;
    shown_object(&ctx, object.id).await
}

async fn create_section(ctx: Ctx, args: Create<CreateSectionInput>) -> Result<Json> {
    let object = args.input.object.clone();
    let section = catalog::create_section(&ctx, &object, input::new_section(args.input)).await?;
    Ok(tree::section(&section))
}

async fn update_section(ctx: Ctx, args: Update<SectionId, UpdateSectionInput>) -> Result<Json> {
    let id = args.id.needed("section")?;
    let section = catalog::update_section(&ctx, id, input::section_patch(args.input)).await?;
    Ok(tree::section(&section))
}

async fn delete_section(ctx: Ctx, args: Delete<SectionId>) -> Result<SectionId> {
    let id = args.id.needed("section")?;
    catalog::delete_section(&ctx, id).await?;
    Ok(id)
}

async fn create_constraint(ctx: Ctx, args: Create<ConstraintInput>) -> Result<Option<Json>> {
    // it may be about a field that another process made a moment ago
    engine::verify(&ctx).await?;
    let made = catalog::create_constraint(&ctx, &args.input.object, &args.input.fields).await?;
    let now = now(&ctx).await?;
    Ok(now.catalog.object(&args.input.object).map(|object| tree::constraint(&now, object, &made)))
}

async fn delete_constraint(ctx: Ctx, args: ById<ConstraintId>) -> Result<ConstraintId> {
    let id = args.id.needed("constraint")?;
    catalog::delete_constraint(&ctx, id).await?;
    Ok(id)
}

async fn shown_object(ctx: &Ctx, id: ObjectId) -> Result<Option<Json>> {
    let now = now(ctx).await?;
    Ok(now.catalog.object_by_id(id).map(|object| tree::object(&now, object)))
}

/// The same request with the catalog as it has become.
async fn now(ctx: &Ctx) -> Result<Ctx> {
    Ok(Ctx { catalog: catalog::current(&ctx.db).await?, ..ctx.clone() })
}
