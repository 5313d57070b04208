//! `POST /api/imports`: a file of records, streamed to disk and carried on by the workers; the rest follows it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ContentDisposition, DispositionParam, DispositionType, LOCATION},
    web,
};
use crm::import::{self, Duplicates, FormatChoice, Options, Report, Upload};
use entities::ids::RunId;
use futures::StreamExt;
use records::{Ctx, engine};
use serde_json::{Value, json};
use tenants::error::{Code, Error, Result};

use crate::{app::App, http};

/// Takes the file as the body (`curl --data-binary @file` or `-T file`); the query says how to read it:
/// `object`, `map` and `match` (any number of times), `onDuplicate`, `dryRun`, `delimiter`, `encoding`, `header`.
pub async fn begin(app: web::Data<App>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    match take(&app, &request, body).await {
        Ok(report) => {
            let location = format!("/api/imports/{}", report.run_id);
            HttpResponse::Accepted().insert_header((LOCATION, location)).json(view(report))
        }
        Err(error) => http::refuse(&request, &error),
    }
}

async fn take(app: &App, request: &HttpRequest, mut body: web::Payload) -> Result<Report> {
    let ctx = super::ctx(app, request).await?;
    let options = options(request.query_string())?;
    let mut upload = Upload::begin(&ctx.db).await?;
    while let Some(chunk) = body.next().await {
        upload.write(&chunk.map_err(|_| Error::new(Code::BadRequest, "The upload broke off; send it again."))?).await?;
    }
    let run = import::begin(&ctx, upload, &options, true).await?;
    import::report(&ctx, run.id).await
}

fn options(query: &str) -> Result<Options> {
    let refuse = |key: &str, value: &str, what: &str| {
        Error::new(Code::BadRequest, format!("`{key}={value}` in the address is not accepted; it takes {what}."))
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
                return Err(Error::new(Code::BadRequest, format!("`{key}` is unknown here; there are {known}.")));
            }
        }
    }
    Ok(options)
}

/// How far an import is.
pub async fn show(app: web::Data<App>, request: HttpRequest, id: web::Path<Ids>) -> HttpResponse {
    let answered = async {
        let ctx = super::ctx(&app, &request).await?;
        import::report(&ctx, id.run()?).await
    };
    answer(&request, answered.await.map(view))
}

/// Stops an import; what it wrote stays.
pub async fn cancel(app: web::Data<App>, request: HttpRequest, id: web::Path<Ids>) -> HttpResponse {
    let answered = async {
        let ctx = super::ctx(&app, &request).await?;
        import::cancel(&ctx, id.run()?).await
    };
    answer(&request, answered.await.map(view))
}

/// Takes back what an import wrote.
pub async fn undo(app: web::Data<App>, request: HttpRequest, id: web::Path<Ids>) -> HttpResponse {
    let answered = async {
        let ctx = super::ctx(&app, &request).await?;
        let undone = engine::undo(&ctx, id.run()?).await?;
        serde_json::to_value(undone).map_err(Error::internal)
    };
    answer(&request, answered.await)
}

/// The refused rows as a file that can be corrected and imported again.
pub async fn errors(app: web::Data<App>, request: HttpRequest, id: web::Path<Ids>) -> HttpResponse {
    match refused_rows(&app, &request, &id).await {
        Ok(file) => file.into_response(&request),
        Err(error) => http::refuse(&request, &error),
    }
}

async fn refused_rows(app: &App, request: &HttpRequest, id: &Ids) -> Result<actix_files::NamedFile> {
    let ctx: Ctx = super::ctx(app, request).await?;
    let report = import::report(&ctx, id.run()?).await?;
    let nothing = || Error::new(Code::NotFound, "This import refused no row.");
    let file =
        actix_files::NamedFile::open_async(report.errors_file.ok_or_else(nothing)?).await.map_err(|_| nothing())?;
    let name = format!("import-{}-errors.csv", report.run_id);
    Ok(file.set_content_disposition(ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(name)],
    }))
}

/// What stands in the address.
#[derive(serde::Deserialize)]
pub struct Ids {
    id: String,
}

impl Ids {
    fn run(&self) -> Result<RunId> {
        self.id.parse().map_err(|_| Error::new(Code::NotFound, "There is no such import."))
    }
}

/// A report as programs elsewhere can use it: the errors file by its address.
fn view(report: Report) -> Value {
    let errors = report.errors_file.as_ref().map(|_| format!("/api/imports/{}/errors", report.run_id));
    let mut body = json!(report);
    body["errorsFile"] = json!(errors);
    body
}

fn answer(request: &HttpRequest, outcome: Result<Value>) -> HttpResponse {
    match outcome {
        Ok(body) => HttpResponse::Ok().json(body),
        Err(error) => http::refuse(request, &error),
    }
}
