//! Imports of tables that fit into a request; the same service as the upload.

use crm::import::{self, Duplicates, FormatChoice, Options, Upload};
use records::Ctx;
use serde_json::{Map, Value as Json};
use tenants::error::{Error, Result};

use super::runs;

/// The declarations of this file's operations.
pub const DECLARED: &str = include_str!("imports.graphql");

/// Runs one of this file's operations; none where the name is not one.
///
/// # Errors
/// Those of [`crm::import`].
pub async fn run(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Option<Result<Json>> {
    Some(match name {
        "importPreview" => preview(ctx, input(args)).await,
        "startImport" => start(ctx, input(args)).await,
        _ => return None,
    })
}

async fn preview(ctx: &Ctx, input: &Json) -> Result<Json> {
    let preview = import::preview(ctx, upload(ctx, input).await?, &options(input)).await?;
    serde_json::to_value(preview).map_err(Error::internal)
}

async fn start(ctx: &Ctx, input: &Json) -> Result<Json> {
    let run = import::begin(ctx, upload(ctx, input).await?, &options(input), true).await?;
    runs::tree(ctx, &run).await
}

async fn upload(ctx: &Ctx, input: &Json) -> Result<Upload> {
    let mut upload = Upload::begin(ctx).await?;
    upload.write(input["csv"].as_str().unwrap_or_default().as_bytes()).await?;
    Ok(upload)
}

fn options(input: &Json) -> Options {
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    let texts =
        |name: &str| input[name].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect();
    Options {
        object: text("object").unwrap_or_default(),
        // a text of the request is decoded already
        format: FormatChoice {
            encoding: Some("utf-8".to_owned()),
            delimiter: text("delimiter"),
            header: input["header"].as_bool(),
        },
        map: texts("map"),
        dry_run: input["dryRun"].as_bool().unwrap_or_default(),
        on_duplicate: match input["onDuplicate"].as_str() {
            Some("UPDATE") => Duplicates::Update,
            Some("CREATE") => Duplicates::Create,
            _ => Duplicates::Skip,
        },
        match_on: texts("match"),
    }
}

fn input(args: &Map<String, Json>) -> &Json {
    args.get("input").unwrap_or(&Json::Null)
}
