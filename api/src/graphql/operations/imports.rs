//! Imports of tables that fit into a request; the same service as the upload.

use crm::import::{self, Duplicates, FormatChoice, Options, Preview, Upload};
use records::{
    Ctx,
    operations::{Entry, Module, Permit},
};
use serde::Deserialize;
use serde_json::Value as Json;
use tenants::error::Result;

use super::runs;

/// The operations of imports. The service asks whether the caller may import into the object that is named.
pub fn module() -> Module {
    Module {
        declared: include_str!("imports.graphql"),
        entries: vec![
            Entry::new("importPreview", preview).permit(Permit::SignedIn),
            Entry::new("startImport", start).permit(Permit::SignedIn),
        ],
        fields: Vec::new(),
    }
}

#[derive(Deserialize)]
struct Import {
    input: ImportInput,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImportInput {
    object: String,
    csv: String,
    map: Option<Vec<String>>,
    dry_run: Option<bool>,
    on_duplicate: Option<OnDuplicate>,
    r#match: Option<Vec<String>>,
    delimiter: Option<String>,
    header: Option<bool>,
}

/// `ImportDuplicates`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum OnDuplicate {
    Skip,
    Update,
    Create,
}

impl From<OnDuplicate> for Duplicates {
    fn from(given: OnDuplicate) -> Self {
        match given {
            OnDuplicate::Skip => Duplicates::Skip,
            OnDuplicate::Update => Duplicates::Update,
            OnDuplicate::Create => Duplicates::Create,
        }
    }
}

async fn preview(ctx: Ctx, args: Import) -> Result<Preview> {
    let upload = upload(&ctx, &args.input).await?;
    import::preview(&ctx, upload, &options(args.input)).await
}

async fn start(ctx: Ctx, args: Import) -> Result<Json> {
    let upload = upload(&ctx, &args.input).await?;
    let run = import::begin(&ctx, upload, &options(args.input), true).await?;
    runs::tree(&ctx, &run).await
}

async fn upload(ctx: &Ctx, input: &ImportInput) -> Result<Upload> {
    let mut upload = Upload::begin(ctx).await?;
    upload.write(input.csv.as_bytes()).await?;
    Ok(upload)
}

fn options(input: ImportInput) -> Options {
    Options {
        object: input.object,
        // a text of the request is decoded already
        format: FormatChoice { encoding: Some("utf-8".to_owned()), delimiter: input.delimiter, header: input.header },
        map: input.map.unwrap_or_default(),
        dry_run: input.dry_run.unwrap_or_default(),
        on_duplicate: input.on_duplicate.map_or(Duplicates::Skip, Into::into),
        match_on: input.r#match.unwrap_or_default(),
    }
}
