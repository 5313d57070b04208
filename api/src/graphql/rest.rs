//! Operations of the table that have a route, as REST has them. A request becomes the document that a client of GraphQL
//! would send, asking for everything that the operation answers: so arguments, permission, price, idempotency and
//! records are those of GraphQL, and nothing is written twice.

use std::{fmt::Write, sync::Arc};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::{Method as HttpMethod, StatusCode, header::CONTENT_TYPE},
    web,
};
use records::{
    Ctx,
    catalog::Object,
    operations::{Entry, Method},
    permission,
};
use serde_json::{Map, Value as Json, json};
use tenants::{
    FieldAccess, Origin,
    error::{Code, Error, Result},
};

use super::{
    Answer, Endpoint, Request,
    errors::{GraphqlError, Refusal},
    http::{idempotency_key, json_body},
    operations::{Table, placeholders},
    schema::{
        Schema,
        model::{Answered, Field, Model, Resolver, TypeId, TypeKind, TypeRef},
        scalars::Scalar,
    },
};
use crate::{
    app::App,
    http::{self, rate},
};

/// Where the routes begin, under the short address and under the organisation's.
const BASES: [&str; 2] = ["/api/v1", "/t/{slug}/api/v1"];
/// How deep trees are answered.
const DEPTH: usize = 6;

/// Adds the routes of a table.
pub fn routes(config: &mut web::ServiceConfig, table: &Table) {
    for entry in table.entries() {
        let Some(route) = entry.route else { continue };
        for base in BASES {
            let entry = Arc::clone(entry);
            let handler = move |app, endpoint, request, body| handle(app, endpoint, Arc::clone(&entry), request, body);
            let method = match route.method {
                Method::Get => web::get(),
                Method::Post => web::post(),
                Method::Put => web::put(),
                Method::Patch => web::patch(),
                Method::Delete => web::delete(),
            };
            config.route(&format!("{base}{}", route.path), method.to(handler));
        }
    }
}

async fn handle(
    app: web::Data<App>,
    endpoint: web::Data<Endpoint>,
    entry: Arc<Entry>,
    request: HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    let (caller, db) = match http::authenticate(&app, &request, request.match_info().get("slug"), Origin::Rest).await {
        Ok(known) => known,
        Err(error) => return http::refuse(&request, &error),
    };
    let asked = async {
        let given = match request.headers().contains_key(CONTENT_TYPE) {
            true => json_body(request.headers(), body).await?,
            false => Json::Object(Map::new()),
        };
        let idempotency = idempotency_key(request.headers())?;
        let refused = |error| Refusal::service(&error, &caller);
        let ctx = Ctx::open(Arc::clone(&caller), db, Arc::clone(&endpoint.rules)).await.map_err(refused)?;
        let ctx = ctx.refreshed().await.map_err(refused)?;
        let schema = endpoint.schemas.of(ctx.caller.tenant, &ctx.catalog).await.map_err(refused)?;
        let (query, variables) = document(&schema, &ctx, &entry, &request, given).map_err(refused)?;
        let asked = Request { query, variables, idempotency, ..Request::default() };
        endpoint.respond_in(ctx, &asked, true).await
    };
    match asked.await {
        Ok(answer) => answered(&request, &entry, &answer),
        Err(refusal) => {
            let errors = refusal.errors.iter().map(GraphqlError::to_json).collect();
            refused(errors)
        }
    }
}

/// The value of the operation's field, or why there is none.
fn answered(request: &HttpRequest, entry: &Entry, answer: &Answer) -> HttpResponse {
    request.extensions_mut().insert(answer.price.left);
    let mut body: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
    let value = body["data"][entry.name].take();
    match (value, body["errors"].take()) {
        (Json::Null, Json::Array(errors)) => refused(errors),
        (Json::Null, _) if *request.method() == HttpMethod::GET => http::refuse(request, &Error::of(Code::NotFound)),
        (value, _) => HttpResponse::Ok().json(value),
    }
}

/// Errors as REST tells them: the first one's code decides the status, and places in a document mean nothing here.
fn refused(mut errors: Vec<Json>) -> HttpResponse {
    for error in errors.iter_mut() {
        // an argument is a variable of the document, which nobody here has written
        if error["extensions"]["code"] == Code::GraphqlValidationFailed.name() {
            let message = error["message"].as_str().unwrap_or_default().replace("`$", "`");
            *error = json!({ "message": message, "extensions": { "code": Code::BadRequest.name() } });
        }
        if let Some(error) = error.as_object_mut() {
            error.retain(|key, _| matches!(key.as_str(), "message" | "extensions"));
        }
    }
    let first = errors.first().map(|error| error["extensions"].clone()).unwrap_or_default();
    let code = Code::ALL.iter().find(|code| first["code"] == code.name());
    let status = code.and_then(|code| StatusCode::from_u16(code.kind().status()).ok());
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    let mut response = response.json(json!({ "errors": errors }));
    rate::tell_wait(response.headers_mut(), |fact| first.get(fact)?.as_u64());
    response
}

/// The document that asks for everything an operation answers, and its variables.
fn document(
    schema: &Schema,
    ctx: &Ctx,
    entry: &Entry,
    request: &HttpRequest,
    body: Json,
) -> Result<(String, Map<String, Json>)> {
    let model = &schema.model;
    let roots = [("query", model.query), ("mutation", model.mutation)];
    let found = roots.into_iter().find_map(|(kind, root)| Some((kind, model.field(root, entry.name)?.1)));
    let (kind, field) = found.ok_or_else(|| Error::of(Code::NotFound))?;
    let variables = arguments(model, field, entry, request, body)?;
    let given = || field.args.iter().filter(|arg| variables.contains_key(&*arg.name));
    let declared: Vec<String> = given().map(|arg| format!("${}: {}", arg.name, model.display(&arg.ty))).collect();
    let passed: Vec<String> = given().map(|arg| format!("{0}: ${0}", arg.name)).collect();
    let wrap = |parts: &[String]| if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) };
    let asked = selection(model, ctx, field.ty.base(), DEPTH)?;
    Ok((format!("{kind}{} {{ {}{}{asked} }}", wrap(&declared), entry.name, wrap(&passed)), variables))
}

/// The arguments in the path, the query and the body, by their names.
fn arguments(
    model: &Model,
    field: &Field,
    entry: &Entry,
    request: &HttpRequest,
    body: Json,
) -> Result<Map<String, Json>> {
    let in_path: Vec<&str> = entry.route.map(|route| placeholders(route.path).collect()).unwrap_or_default();
    let Json::Object(body) = body else {
        return Err(Error::new(Code::BadRequest, "The body is not an object of arguments."));
    };
    let mut given: Vec<(String, Json)> = body.into_iter().collect();
    let mut texts: Vec<(String, Vec<String>)> = Vec::new();
    for (key, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        match texts.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value.into_owned()),
            None => texts.push((key.into_owned(), vec![value.into_owned()])),
        }
    }
    let known = |name: &str| field.args.iter().find(|arg| *arg.name == *name && !in_path.contains(&name));
    for (name, values) in texts {
        let value = known(&name).map_or(Json::Null, |arg| from_texts(model, &arg.ty, values));
        given.push((name, value));
    }
    let names = || field.args.iter().map(|arg| &*arg.name).filter(|name| !in_path.contains(name));
    if let Some((unknown, _)) = given.iter().find(|(name, _)| known(name).is_none()) {
        let names: Vec<&str> = names().collect();
        let message = format!("`{unknown}` is unknown here; there are: {}.", names.join(", "));
        return Err(Error::new(Code::BadRequest, message));
    }
    for name in in_path {
        let value = request.match_info().get(name).unwrap_or_default();
        given.push((name.to_owned(), value.into()));
    }
    let given: Map<String, Json> = given.into_iter().collect();
    let missing = field
        .args
        .iter()
        .find(|arg| arg.ty.is_non_null() && arg.default.is_none() && given.get(&*arg.name).is_none_or(Json::is_null));
    match missing {
        Some(arg) => Err(Error::new(Code::BadRequest, format!("`{}` is needed.", arg.name))),
        None => Ok(given),
    }
}

/// A value of the query by its type; what does not fit is told when it is coerced.
fn from_texts(model: &Model, ty: &TypeRef, mut texts: Vec<String>) -> Json {
    if let TypeRef::List(inner) = ty.nullable() {
        return texts.into_iter().map(|text| from_texts(model, inner, vec![text])).collect();
    }
    let text = texts.pop().unwrap_or_default();
    let parses = match &model.get(ty.base()).kind {
        TypeKind::Scalar(scalar) => {
            matches!(scalar, Scalar::Int | Scalar::Int64 | Scalar::Float | Scalar::Boolean | Scalar::Json)
        }
        TypeKind::Input(_) => true,
        _ => false,
    };
    let parsed = if parses { serde_json::from_str(&text).ok() } else { None };
    parsed.unwrap_or(Json::String(text))
}

/// Everything that can be asked of a type without arguments, as far as the caller may see it; nothing for leaves.
fn selection(model: &Model, ctx: &Ctx, ty: TypeId, depth: usize) -> Result<String> {
    let asked = match model.answered(ty) {
        Some(Answered::Record(object)) => {
            let object = ctx.catalog.object(object);
            let object = object.ok_or_else(|| Error::internal("the model speaks of an object that is not there"))?;
            of_record(model, ctx, object, ty)?
        }
        Some(Answered::Page(_)) => {
            let nodes = model.field(ty, "nodes").map(|(_, nodes)| nodes.ty.base());
            let nodes = nodes.map(|nodes| selection(model, ctx, nodes, depth)).transpose()?.unwrap_or_default();
            format!("nodes{nodes} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}")
        }
        None => {
            let mut asked = String::new();
            for field in model.fields(ty).iter().filter(|field| field.args.is_empty()) {
                let is_tree = model.is_object(field.ty.base());
                if !is_tree || depth > 0 {
                    let inner = selection(model, ctx, field.ty.base(), depth.saturating_sub(1))?;
                    let _ = write!(asked, "{}{inner} ", field.name);
                }
            }
            asked
        }
    };
    Ok(if asked.is_empty() { asked } else { format!(" {{ {} }}", asked.trim_end()) })
}

/// A record's own values, and the ids of those it links to.
fn of_record(model: &Model, ctx: &Ctx, object: &Object, ty: TypeId) -> Result<String> {
    let mut asked = String::new();
    for field in model.fields(ty) {
        let seen =
            object.field(&field.name).is_some_and(|own| permission::effective_access(ctx, own) != FieldAccess::Hidden);
        let inner = match field.resolver {
            Resolver::Cell | Resolver::Actor if seen => selection(model, ctx, field.ty.base(), DEPTH)?,
            Resolver::ToOne { .. } if seen => " { id }".to_owned(),
            _ => continue,
        };
        let _ = write!(asked, "{}{inner} ", field.name);
    }
    Ok(if asked.is_empty() { "id".to_owned() } else { asked })
}
