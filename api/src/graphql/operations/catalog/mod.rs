//! What the organisation's data looks like, shown and changed.

mod input;
mod kinds;
mod tree;

use records::{
    Ctx,
    catalog::{self, ObjectId, SectionId},
    engine,
};
use serde_json::{Map, Value as Json};
use tenants::{
    Permission,
    error::{Code, Error, Result},
};

/// The declarations of this file's operations.
pub const DECLARED: &str = include_str!("catalog.graphql");

/// Runs one of the catalog's operations; none where the name is not one.
///
/// # Errors
/// Those of [`records::catalog`].
pub async fn run(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Option<Result<Json>> {
    // before what is wrong with the request is told
    let changes = matches!(name, "createField" | "updateField" | "deleteField" | "reorderFields");
    if let (true, Err(refused)) = (changes, ctx.caller.demand(Permission::ConfigureCatalog)) {
        return Some(Err(refused));
    }
    Some(match name {
        "objects" => objects(ctx).await,
        "object" => object(ctx, args).await,
        "createObject" => create_object(ctx, args).await,
        "updateObject" => update_object(ctx, args).await,
        "deleteObject" => delete_object(ctx, args).await,
        "createField" => create_field(ctx, args).await,
        "updateField" => update_field(ctx, args).await,
        "deleteField" => delete_field(ctx, args).await,
        "reorderFields" => reorder_fields(ctx, args).await,
        "createSection" => create_section(ctx, args).await,
        "updateSection" => update_section(ctx, args).await,
        "deleteSection" => delete_section(ctx, args).await,
        _ => return None,
    })
}

async fn objects(ctx: &Ctx) -> Result<Json> {
    // Another process may have changed it a moment ago.
    engine::verify(ctx).await?;
    Ok(ctx.catalog.objects.iter().map(|object| tree::object(ctx, object)).collect())
}

async fn object(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    engine::verify(ctx).await?;
    let object = ctx.catalog.object(input::text(args, "name").unwrap_or_default());
    Ok(object.map_or(Json::Null, |object| tree::object(ctx, object)))
}

async fn create_object(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let object = catalog::create_object(ctx, input::new_object(input::fields(args))).await?;
    shown_object(ctx, object.id).await
}

async fn update_object(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let id = id(args, "object")?;
    catalog::update_object(ctx, id, input::object_patch(input::fields(args))).await?;
    shown_object(ctx, id).await
}

async fn delete_object(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let impact = catalog::delete_object(ctx, id(args, "object")?, flag(args, "preview")).await?;
    serde_json::to_value(impact).map_err(Error::internal)
}

async fn create_field(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let fields = input::fields(args);
    let object = input::text(fields, "object").unwrap_or_default();
    // filters name fields that another process may have made a moment ago
    engine::verify(ctx).await?;
    let field = catalog::create_field(ctx, object, input::new_field(ctx, object, fields)?).await?;
    Ok(tree::field(&now(ctx).await?, &field))
}

async fn update_field(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let id = id(args, "field")?;
    // what is left unsaid is taken from the field as it is
    engine::verify(ctx).await?;
    let known = ctx.catalog.field(id).ok_or_else(|| Error::new(Code::NotFound, "There is no such field."))?;
    let patch = input::field_patch(ctx, known, input::fields(args))?;
    let field = catalog::update_field(ctx, id, patch).await?;
    Ok(tree::field(&now(ctx).await?, &field))
}

async fn delete_field(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let impact = catalog::delete_field(ctx, id(args, "field")?, flag(args, "preview")).await?;
    serde_json::to_value(impact).map_err(Error::internal)
}

async fn reorder_fields(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let given = args.get("fields").and_then(Json::as_array).into_iter().flatten();
    let fields = given.map(|id| parse(id, "field")).collect::<Result<Vec<_>>>()?;
    let object = input::text(args, "object").unwrap_or_default();
    let object = catalog::reorder_fields(ctx, object, input::text(args, "section"), &fields).await?;
    shown_object(ctx, object.id).await
}

async fn create_section(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let fields = input::fields(args);
    let object = input::text(fields, "object").unwrap_or_default();
    let section = catalog::create_section(ctx, object, input::new_section(fields)).await?;
    Ok(tree::section(&section))
}

async fn update_section(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let id: SectionId = id(args, "section")?;
    let section = catalog::update_section(ctx, id, input::section_patch(input::fields(args))).await?;
    Ok(tree::section(&section))
}

async fn delete_section(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let id: SectionId = id(args, "section")?;
    catalog::delete_section(ctx, id).await?;
    Ok(Json::from(id.to_string()))
}

async fn shown_object(ctx: &Ctx, id: ObjectId) -> Result<Json> {
    let now = now(ctx).await?;
    Ok(now.catalog.object_by_id(id).map_or(Json::Null, |object| tree::object(&now, object)))
}

/// The same request with the catalog as it has become.
async fn now(ctx: &Ctx) -> Result<Ctx> {
    Ok(Ctx { catalog: catalog::current(&ctx.db).await?, ..ctx.clone() })
}

fn flag(args: &Map<String, Json>, name: &str) -> bool {
    args.get(name).and_then(Json::as_bool).unwrap_or(false)
}

fn id<I: std::str::FromStr>(args: &Map<String, Json>, what: &str) -> Result<I> {
    parse(args.get("id").unwrap_or(&Json::Null), what)
}

/// What is no id names nothing.
fn parse<I: std::str::FromStr>(id: &Json, what: &str) -> Result<I> {
    let id = id.as_str().and_then(|id| id.parse().ok());
    id.ok_or_else(|| Error::new(Code::NotFound, format!("There is no such {what}.")))
}
