//! A request that is repeated with its `Idempotency-Key` does its thing once, whatever came between.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Proxy, Tenant, TestApp};

/// What is asked for, each in a request of its own, and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wish {
    Customer,
    ApiKey,
    Import,
}

const WISHES: [Wish; 3] = [Wish::Customer, Wish::ApiKey, Wish::Import];

impl Wish {
    /// Asks for it under a name, which is the idempotency key too: the id of what was made, or what came instead.
    async fn ask(self, client: &Client, name: &str) -> Result<String, String> {
        let (path, document) = match self {
            Self::Customer => {
                ("/graphql", format!("mutation {{ made: createCustomer(data: {{ name: \"{name}\" }}) {{ id }} }}"))
            }
            Self::ApiKey => (
                "/graphql",
                format!(
                    "mutation {{ made: createApiKey(input: {{ name: \"{name}\", role: \"admin\" }}) {{ apiKey {{ id }} }} }}"
                ),
            ),
            Self::Import => ("/api/imports?object=customer&onDuplicate=create", format!("name\n{name}\n")),
        };
        let request = client.request(Method::POST, path).header("idempotency-key", format!("{self:?} {name}"));
        let request = match self {
            Self::Import => request.body(document),
            _ => request.json(&json!({ "query": document })),
        };
        let body: Value = match request.send().await {
            Ok(answer) => answer.json().await.unwrap_or_default(),
            Err(error) => return Err(error.to_string()),
        };
        let made = &body["data"]["made"];
        let id = [&made["id"], &made["apiKey"]["id"], &body["runId"]].into_iter().find_map(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| body.to_string())
    }

    /// The ids of what there is by a name.
    async fn made(self, tenant: &Tenant, name: &str) -> Vec<String> {
        let (query, list, variables) = match self {
            Self::ApiKey => ("{ apiKeys(first: 200) { id name } }", "/apiKeys", json!({})),
            _ => (
                "query ($name: String!) { customers(filter: { name: { eq: $name } }) { nodes { id name } } }",
                "/customers/nodes",
                json!({ "name": name }),
            ),
        };
        let data = tenant.data(query, variables).await;
        let all = data.pointer(list).and_then(Value::as_array).expect("a list").clone();
        let named = all.iter().filter(|one| one["name"] == name);
        named.map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
    }

    /// Asks again. A request that died may be taken for one under way; but what is answered is there, and nothing twice.
    async fn again(self, tenant: &Tenant, name: &str) {
        match self.ask(&tenant.api_key, name).await {
            Ok(answered) => self.holds_once(tenant, name, &answered).await,
            Err(_) => assert!(self.made(tenant, name).await.len() < 2, "{self:?} {name} is there twice"),
        }
    }

    /// Sees that it is there once, and is what was answered.
    async fn holds_once(self, tenant: &Tenant, name: &str, answered: &str) {
        if self == Self::Import {
            let run = tenant.api_key.ended(&json!(answered)).await;
            assert_eq!((&run["status"], &run["changed"]), (&json!("DONE"), &json!(1)), "{name}: {run}");
        }
        let made = self.made(tenant, name).await;
        assert_eq!(made.len(), 1, "{self:?} {name}");
        assert!(self == Self::Import || made[0] == answered, "{self:?} {name}: the answer tells of what was made");
    }
}

// Commands block their thread; the wire runs on another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_not_done_again() {
    if tests::postgres().is_none() {
        return; // Nothing is lost on the way to a file.
    }
    let (app, wire) = TestApp::start_behind_a_wire().await;
    let tenant = app.tenant("acme");
    for wish in WISHES {
        assert!(lose_each_commit(&tenant, &wire, wish).await > 0, "{wish:?} commits");
    }
}

/// Asks for something while the first commit's answer is lost, then the second's and so on; answers how many there were.
async fn lose_each_commit(tenant: &Tenant, wire: &Proxy, wish: Wish) -> usize {
    let mut commits = 0;
    loop {
        let name = format!("{wish:?}{commits}");
        wire.lose_a_commit(commits);
        drop(wish.ask(&tenant.api_key, &name).await);
        let lost = wire.lose_none();
        wish.again(tenant, &name).await;
        if !lost {
            return commits;
        }
        commits += 1;
    }
}

#[tokio::test]
async fn a_crash_between_a_request_and_its_answer_does_not_double_it() {
    const MOMENTS: [usize; 4] = [0, 1, 4, 16];
    let mut app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    for moment in MOMENTS {
        let asking = WISHES.map(|wish| {
            let (client, name) = (tenant.api_key.clone(), format!("{wish:?}{moment}"));
            tokio::spawn(async move { wish.ask(&client, &name).await })
        });
        // So many other answers later.
        for _ in 0..moment {
            reqwest::get(app.server().url("/healthz")).await.expect("it lives");
        }
        app.server().kill();
        join_all(asking).await;
        app.server().launch().await;
        for wish in WISHES {
            let name = format!("{wish:?}{moment}");
            wish.again(&tenant, &name).await;
        }
    }
}

#[tokio::test]
async fn of_the_same_request_many_times_at_once_one_is_done() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    for wish in WISHES {
        let name = format!("{wish:?}");
        let answers = join_all((0..8).map(|_| wish.ask(&tenant.api_key, &name))).await;
        let answered = answers.into_iter().find_map(Result::ok).expect("one is answered");
        wish.holds_once(&tenant, &name, &answered).await;
    }
}
