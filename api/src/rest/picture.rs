//! `/api/account/picture`: the picture of the signed-in person. A file is easier to send and show than base64 in JSON.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web,
};
use entities::ids::UserId;
use futures::StreamExt;
use tenants::{
    error::{Code, Error, Result},
    identity::PICTURE_BYTES,
};

use crate::{
    account::{self, RateLimiter},
    app::App,
    http,
};

/// Stores the body as the person's picture: PNG, JPEG or WebP, 1 MB at most.
pub async fn put(
    app: web::Data<App>,
    asked: web::Data<RateLimiter>,
    request: HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    let kept = async {
        let user = person(&app, &asked, &request).await?;
        app.identity.set_picture(user, &received(body).await?).await
    };
    done(&request, kept.await)
}

/// The person's picture. Browsers do not share it and ask again; nothing in it is executed.
pub async fn get(app: web::Data<App>, asked: web::Data<RateLimiter>, request: HttpRequest) -> HttpResponse {
    let found = async { app.identity.picture(person(&app, &asked, &request).await?).await };
    match found.await {
        Ok(picture) => HttpResponse::Ok()
            .content_type(picture.media_type.as_str())
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")))
            .insert_header((header::CONTENT_DISPOSITION, HeaderValue::from_static("inline")))
            .insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")))
            .body(picture.bytes.to_vec()),
        Err(error) => http::refuse(&request, &error),
    }
}

/// Deletes the picture.
pub async fn delete(app: web::Data<App>, asked: web::Data<RateLimiter>, request: HttpRequest) -> HttpResponse {
    let removed = async { app.identity.remove_picture(person(&app, &asked, &request).await?).await };
    done(&request, removed.await)
}

async fn person(app: &App, asked: &RateLimiter, request: &HttpRequest) -> Result<UserId> {
    account::charge(asked, &http::client_info(request), request)?;
    let token = http::bearer(request.headers()).ok_or_else(|| Error::of(Code::Unauthenticated))?;
    Ok(app.identity.person_of(token).await?.0.id)
}

/// The body, up to one byte more than a picture may have.
async fn received(mut body: web::Payload) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Error::new(Code::BadRequest, "The upload was interrupted. Send it again."))?;
        let room = (PICTURE_BYTES + 1).saturating_sub(bytes.len());
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if bytes.len() > PICTURE_BYTES {
            break;
        }
    }
    Ok(bytes)
}

fn done(request: &HttpRequest, outcome: Result<()>) -> HttpResponse {
    match outcome {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(error) => http::refuse(request, &error),
    }
}
