//! `POST /graphql/account`: signing up and in, with the same schema for everybody. The library executes it; requests
//! and answers pass the same checks as on a tenant's endpoint.

mod answer;
mod cookies;
mod factors;
mod model;
mod once;
mod own;
mod pages;
mod schema;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use async_graphql::{EmptySubscription, Schema, Variables};
pub use cookies::session as session_cookie;
pub use pages::routes;
pub use schema::{Mutation, Query, build};
use tenants::{
    error::Result,
    identity::{ClientInfo, Device},
};

use crate::{
    app::App,
    graphql::{self, Budget, Budgets, http as wire},
    http::{RequestId, bearer, language, refuse},
};

/// The schema of the account endpoint.
pub type AccountSchema = Schema<Query, Mutation, EmptySubscription>;

/// The budget of one address on the account endpoint, and how fast it is refilled; a known device has its own.
const BUDGET: Budget = Budget { points: 300, per_second: 5 };
/// The budget of an address together with all known devices there: whoever has one account can make devices known.
const NETWORK: Budget = Budget { points: 1_500, per_second: 25 };

/// The budgets of addresses and devices.
pub type RateLimiter = Budgets<String>;

/// The bearer credential of the request, if there is one.
pub struct Bearer(pub Option<String>);

/// Takes the cost of a request from the budgets; the answer shows what is left.
///
/// # Errors
/// `RATE_LIMITED`, with the time to wait.
pub fn charge(asked: &RateLimiter, client: &ClientInfo, request: &HttpRequest) -> Result<()> {
    let network = client.network();
    let who = client.device.as_ref().map_or_else(|| network.to_string(), Device::id);
    let left = asked.spend(&who, BUDGET, 1)?;
    // a request that is refused above costs nothing here, so strangers at an address do not use up its budget
    asked.spend(&format!("all of {network}"), NETWORK, 1)?;
    request.extensions_mut().insert(left);
    Ok(())
}

/// Answers a request.
pub async fn handle(
    app: web::Data<App>,
    rate_limiter: web::Data<RateLimiter>,
    schema: web::Data<AccountSchema>,
    request: HttpRequest,
    body: web::Payload,
) -> HttpResponse {
    let client = cookies::known(&app.identity, &request);
    if let Err(error) = charge(&rate_limiter, &client, &request) {
        return refuse(&request, &error);
    }
    let jar = match cookies::Jar::of(&request) {
        Ok(jar) => jar,
        Err(error) => return refuse(&request, &error),
    };
    let (media, asked) = match wire::read(&request, body).await {
        Ok(read) => read,
        Err(refused) => return refused,
    };
    let document = match graphql::admit(&asked.query) {
        Ok(document) => document,
        Err(refusal) => return wire::refuse(media, &refusal),
    };
    if let Err(refusal) = once::check(&document) {
        return wire::refuse(media, &refusal);
    }
    let mut run = async_graphql::Request::new(asked.query)
        .variables(Variables::from_json(asked.variables.into()))
        .data(Bearer(bearer(request.headers()).map(str::to_owned)))
        .data(client)
        .data(jar);
    run.set_parsed_query(document);
    run.operation_name = asked.operation_name;
    let answer = schema.execute(run).await;
    let language = language(request.headers()).unwrap_or_else(|| "en".to_owned());
    answer::respond(media, answer, &language, &RequestId::of(&request)).unwrap_or_else(|error| refuse(&request, &error))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::{App as Actix, middleware::from_fn, test::TestRequest};
    use entities::control::users;
    use jobs::consumers::Consumers;
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
    use serde_json::{Value, json};
    use tenants::{identity::Identity, testing};

    use super::*;
    use crate::http::observe;

    #[tokio::test]
    async fn an_internal_error_names_the_request() {
        // the password of this person is stored as something that cannot be checked
        let (registry, person) = testing::registry(Arc::new(testing::Bare)).await;
        let broken = users::Entity::update_many()
            .col_expr(users::Column::PasswordHash, Expr::value("?"))
            .filter(users::Column::Id.eq(person.row().id));
        broken.exec(registry.control().write()).await.unwrap();
        let registry = Arc::new(registry);
        let identity = Arc::new(Identity::new(Arc::clone(&registry)));
        let app =
            App { registry, identity: Arc::clone(&identity), rules: crm::rules(), consumers: Consumers::default() };
        let served = Actix::new()
            .app_data(web::Data::new(build(identity, Arc::clone(&app.rules))))
            .app_data(web::Data::new(app))
            .app_data(web::Data::new(RateLimiter::default()))
            .wrap(from_fn(observe))
            .route("/graphql/account", web::post().to(handle));
        let served = actix_web::test::init_service(served).await;
        let query =
            "mutation ($email: String!) { signIn(email: $email, password: \"a long passphrase\") { expiresIn } }";
        let asked = TestRequest::post()
            .uri("/graphql/account")
            .peer_addr(([192, 0, 2, 1], 4711).into())
            .insert_header(("x-request-id", "r-4711"))
            .set_json(json!({ "query": query, "variables": { "email": person.row().email } }));
        let answer: Value = actix_web::test::call_and_read_body_json(&served, asked.to_request()).await;
        let told = &answer["errors"][0]["extensions"];
        assert_eq!(*told, json!({ "code": "INTERNAL", "requestId": "r-4711" }), "{answer}");
    }

    #[tokio::test]
    async fn the_devices_of_an_address_have_an_end_together() {
        let identity = Identity::new(Arc::new(testing::registry(Arc::new(testing::Bare)).await.0));
        let (asked, request) = (RateLimiter::default(), TestRequest::default().to_http_request());
        let taken = |client: &ClientInfo| (0..400).filter(|_| charge(&asked, client, &request).is_ok()).count();
        let there = ClientInfo::new([192, 0, 2, 1].into(), "");
        let strangers = taken(&there);
        assert!((300..350).contains(&strangers), "{strangers}");
        let device = || there.clone().on(identity.device(&identity.device_token("ada@example.com").unwrap()));
        let first = taken(&device());
        assert!((300..350).contains(&first), "a device has its own: {first}");
        let more: usize = (0..6).map(|_| taken(&device())).sum();
        assert!((900..1_000).contains(&more), "there are more devices than an address may have: {more}");
        assert!(taken(&ClientInfo::new([192, 0, 2, 2].into(), "")) >= 300, "another address");
    }
}
