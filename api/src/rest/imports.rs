//! `POST /api/imports`: a file of records, streamed to the file store and imported by the workers. The other routes follow its
//! run.

use std::io;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ContentDisposition, DispositionParam, DispositionType},
    web,
};
use crm::import::{self, Duplicates, FormatChoice, Options, Report, Upload};
use entities::ids::RunId;
use futures::{StreamExt, TryStreamExt};
use records::{Ctx, engine};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tenants::{
    error::{Code, Error, Result},
    security_log::{self, Event, Kind},
};

use super::once::{Reply, once};
use crate::{app::App, http};

/// Takes the file as the body (`curl --data-binary @file` or `-T file`). The query says how to read it: `object`, `map`
/// and `match` (any number of times), `onDuplicate`, `dryRun`, `delimiter`, `encoding`, `header`.
pub async fn begin(app: web::Data<App>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let answered = async {
        let ctx = super::ctx(&app, &request).await?;
        let options = options(request.query_string())?;
        let (upload, hash) = received(&ctx, body).await?;
        let work = async |ctx: &Ctx| {
            let run = import::begin(ctx, upload, &options, true).await?;
            let report = import::report(ctx, run.id).await?;
            Ok(Reply::accepted(view(report), format!("/api/imports/{}", run.id)))
        };
        once(&ctx, &request, &hash, work).await
    };
    reply(&request, answered.await)
}

/// Shows what an import of the body would do; has the same parameters as [`begin`].
pub async fn preview(app: web::Data<App>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let answered = async {
        let ctx = super::ctx(&app, &request).await?;
        let options = options(request.query_string())?;
        let preview = import::preview(&ctx, received(&ctx, body).await?.0, &options).await?;
        serde_json::to_value(preview).map_err(Error::internal)
    };
    answer(&request, answered.await)
}

/// Streams the body to the import, and hashes it.
async fn received(ctx: &Ctx, mut body: web::Payload) -> Result<(Upload, Vec<u8>)> {
    let mut upload = Upload::begin(ctx).await?;
    let mut hash = Sha256::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Error::new(Code::BadRequest, "The upload was interrupted. Send it again."))?;
        hash.update(&chunk);
        upload.write(&chunk).await?;
    }
    Ok((upload, hash.finalize().to_vec()))
}

fn options(query: &str) -> Result<Options> {
    let refuse = |key: &str, value: &str, what: &str| {
        Error::new(Code::BadRequest, format!("`{key}={value}` in the address is not valid; use {what}."))
    };
    let flag = |key: &str, value: &str| match value {
        "" | "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(refuse(key, value, "true or false")),
    };
    let mut options = Options { object: "customer".to_owned(), format: FormatChoice::default(), ..Options::default() };
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "object" => options.object = value.into_owned(),
            "map" => options.map.push(value.into_owned()),
            "match" => options.match_on.push(value.into_owned()),
            "dryRun" => options.dry_run = flag(&key, &value)?,
            "header" => options.format.header = Some(flag(&key, &value)?),
            "delimiter" => options.format.delimiter = Some(value.into_owned()),
            "encoding" => options.format.encoding = Some(value.into_owned()),
            "onDuplicate" => {
                options.on_duplicate =
                    value.parse::<Duplicates>().map_err(|_| refuse(&key, &value, "skip, update or create"))?;
            }
            _ => {
                let known = "object, map, match, onDuplicate, dryRun, delimiter, encoding, header";
                return Err(Error::new(Code::BadRequest, format!("`{key}` is unknown here; use one of {known}.")));
            }
        }
    }
    Ok(options)
}

/// The progress of an import.
pub async fn show(app: web::Data<App>, request: HttpRequest, id: web::Path<Ids>) -> HttpResponse {
    let answered = async {
        let ctx = super::ctx(&app, &request).await?;
        import::report(&ctx, id.run()?).await
    };
    answer(&request, answered.await.map(view))
}

/// Cancels an import; what it wrote stays.
pub async fn cancel(app: web::Data<App>, request: HttpRequest, id: web::Path<Ids>) -> HttpResponse {
    let answered = async {
        let ctx = super::ctx(&app, &request).await?;
        let work = async |ctx: &Ctx| Ok(Reply::done(view(import::cancel(ctx, id.run()?).await?)));
        once(&ctx, &request, &[], work).await
    };
    reply(&request, answered.await)
}

/// Undoes an import.
pub async fn undo(app: web::Data<App>, request: HttpRequest, id: web::Path<Ids>) -> HttpResponse {
    let answered = async {
        let ctx = super::ctx(&app, &request).await?;
        let work = async |ctx: &Ctx| {
            let undone = engine::undo(ctx, id.run()?).await?;
            Ok(Reply::done(serde_json::to_value(undone).map_err(Error::internal)?))
        };
        once(&ctx, &request, &[], work).await
    };
    reply(&request, answered.await)
}

/// The refused rows as a file that can be corrected and imported again.
pub async fn errors(app: web::Data<App>, request: HttpRequest, id: web::Path<Ids>) -> HttpResponse {
    let answered = async {
        let ctx: Ctx = super::ctx(&app, &request).await?;
        let run = id.run()?;
        let file = import::errors(&ctx, run).await?;
        let left = Event::of(&ctx.caller, Kind::Exported).with("importErrors", run.to_string());
        security_log::note(&ctx.db, left, ctx.caller.clock.micros()).await?;
        let name = format!("import-{run}-errors.csv");
        let disposition = ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(name)],
        };
        let mut response = HttpResponse::Ok();
        response.content_type("text/csv; charset=utf-8").insert_header(disposition);
        Ok(response.streaming(file.map_err(|error| io::Error::other(error.log_line()))))
    };
    answered.await.unwrap_or_else(|error| http::refuse(&request, &error))
}

/// The parameters in the address.
#[derive(serde::Deserialize)]
pub struct Ids {
    id: String,
}

impl Ids {
    fn run(&self) -> Result<RunId> {
        self.id.parse().map_err(|_| Error::new(Code::NotFound, "There is no such import."))
    }
}

/// A report for other programs: the errors file is given by its address.
fn view(report: Report) -> Value {
    let errors = report.has_errors_file.then(|| format!("/api/imports/{}/errors", report.run_id));
    let mut body = json!(report);
    body["errorsFile"] = json!(errors);
    body
}

fn answer(request: &HttpRequest, outcome: Result<Value>) -> HttpResponse {
    reply(request, outcome.map(Reply::done))
}

fn reply(request: &HttpRequest, outcome: Result<Reply>) -> HttpResponse {
    match outcome {
        Ok(reply) => reply.into_response(),
        Err(error) => http::refuse(request, &error),
    }
}
