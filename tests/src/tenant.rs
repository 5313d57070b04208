//! An organisation made for a test, and its people.

use serde_json::{Value, json};

use crate::{Answer, Client, TestApp};

const PASSWORD: &str = "a long enough passphrase";

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
        let mut arguments = vec!["tenant", "create", "--slug", slug, "--name", slug, "--owner-email", &owner_email];
        arguments.extend(flags);
        app.program().with("CLIENTELE_OWNER_PASSWORD", PASSWORD).run(arguments).printed();
        let created = app.cli(&["api-key", "create", "--tenant", slug, "--name", "tests", "--role", "admin"]);
        let api_key = app.with_token(created.printed());
        Self { slug: slug.to_owned(), owner_email, api_key, anonymous: app.anonymous() }
    }

    /// Its owner, signed in.
    pub async fn owner(&self) -> Client {
        let query = "mutation ($email: String!, $password: String!) {
            signIn(email: $email, password: $password) { accessToken } }";
        let variables = json!({ "email": self.owner_email, "password": PASSWORD });
        let signed_in = self.anonymous.account(query, variables).await.data();
        let token = signed_in["signIn"]["accessToken"].as_str().expect("a token").to_owned();
        Client::new(self.anonymous.url(""), Some(token))
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
