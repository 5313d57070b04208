//! An organisation made for a test, and its people.

use api::app::App;
use serde_json::{Value, json};
use tenants::{api_keys::NewKey, registry::NewOrganisation};

use crate::{Answer, Client, TestApp, template::Template};

/// The password of owners.
pub(crate) const PASSWORD: &str = "a long enough passphrase";

/// An organisation, spoken to with an admin's API key.
pub struct Tenant {
    /// Its short name.
    pub slug: String,
    /// Address of its owner.
    pub owner_email: String,
    /// A program with the admin role.
    pub api_key: Client,
    anonymous: Client,
}

impl Tenant {
    pub(crate) fn found(app: &TestApp, slug: &str, flags: &[&str]) -> Self {
        let owner_email = format!("owner@{slug}.example");
        let key = match app.here() {
            Some(here) => {
                let (organisation, email) = (organisation(slug, flags), owner_email.clone());
                here.operate(|app| async move { Template::get().found(&app, organisation, &email).await })
            }
            None => {
                let mut arguments =
                    vec!["tenant", "create", "--slug", slug, "--name", slug, "--owner-email", &owner_email];
                arguments.extend(flags);
                app.program().with("CLIENTELE_OWNER_PASSWORD", PASSWORD).run(arguments).printed();
                let key = app.cli(&["api-key", "create", "--tenant", slug, "--name", "tests", "--role", "admin"]);
                key.printed().to_owned()
            }
        };
        Self { slug: slug.to_owned(), owner_email, api_key: app.with_token(&key), anonymous: app.anonymous() }
    }

    /// Its owner, signed in.
    pub async fn owner(&self) -> Client {
        let query = "mutation ($email: String!, $password: String!) {
            signIn(email: $email, password: $password) { accessToken } }";
        let variables = json!({ "email": self.owner_email, "password": PASSWORD });
        let signed_in = self.anonymous.account(query, variables).await.data();
        let token = signed_in["signIn"]["accessToken"].as_str().expect("a token");
        self.anonymous.with_token(token)
    }

    /// A document, with the API key.
    pub async fn graphql(&self, query: &str, variables: Value) -> Answer {
        self.api_key.graphql(query, variables).await
    }

    /// The data of a document that must succeed.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        self.api_key.data(query, variables).await
    }

    /// The code of a document that must fail.
    pub async fn code(&self, query: &str, variables: Value) -> String {
        self.api_key.code(query, variables).await
    }

    /// A new record of an object (`customer`), answered by its id.
    pub async fn create(&self, object: &str, data: Value) -> String {
        let name = object[..1].to_uppercase() + &object[1..];
        let query = format!("mutation ($data: {name}CreateInput!) {{ create{name}(data: $data) {{ id }} }}");
        let answer = self.data(&query, json!({ "data": data })).await;
        answer[format!("create{name}")]["id"].as_str().expect("an id").to_owned()
    }
}

/// A key for programs with a role.
pub(crate) async fn api_key(app: &App, slug: &str, name: &str, role: &str) -> String {
    let tenant = app.registry.by_slug(slug).await.expect("an organisation").id;
    let new = NewKey { name: name.to_owned(), role: Some(role.to_owned()), ..NewKey::default() };
    app.identity.create_api_key(tenant, new).await.expect("an API key").key
}

/// What `tenant create` makes of its flags.
fn organisation(slug: &str, flags: &[&str]) -> NewOrganisation {
    let flag = |name: &str, other: &str| {
        let at = flags.iter().position(|flag| *flag == name);
        at.map_or(other, |at| flags[at + 1]).to_owned()
    };
    NewOrganisation {
        slug: slug.to_owned(),
        name: slug.to_owned(),
        country: flag("--country", "US"),
        currency: flag("--currency", "USD"),
        time_zone: flag("--time-zone", "UTC"),
        language: flag("--language", "en"),
    }
}
