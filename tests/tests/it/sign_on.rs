//! Single sign-on with a real provider on this machine.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use reqwest::{Method, Response, redirect::Policy};
use serde_json::{Value, json};
use tests::{Answer, Client, Tenant, TestApp, until, workspace};

use crate::access;

const PASSWORD: &str = "a long enough passphrase";

/// npm's `oidc-provider`, ended with the test.
struct Provider {
    process: Child,
    issuer: String,
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Provider {
    /// A provider that redirects back to an address.
    fn start(callback: &str) -> Self {
        let folder = workspace::file("tests/protocol");
        assert!(folder.join("node_modules").is_dir(), "`make protocol` installs the provider");
        let mut node = Command::new("node");
        node.args(["provider.mjs", callback]).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = node.spawn().expect("node is installed");
        let mut issuer = String::new();
        let output = BufReader::new(process.stdout.take().expect("its output"));
        for line in output.lines().map_while(Result::ok) {
            if line.starts_with("http://") {
                issuer = line;
                break;
            }
        }
        Self { process, issuer }
    }

    async fn next(&self, sub: &str, email: &str, verified: bool) {
        let who = json!({ "sub": sub, "email": email, "email_verified": verified });
        reqwest::Client::new()
            .post(format!("{}/who", self.issuer))
            .json(&who)
            .send()
            .await
            .expect("the provider hears");
    }
}

/// A minimal browser: it stores cookies by host and path, and follows redirects by hand.
struct Browser {
    http: reqwest::Client,
    cookies: Vec<(String, String)>,
}

impl Browser {
    fn new() -> Self {
        Self {
            http: reqwest::Client::builder().redirect(Policy::none()).build().expect("a client"),
            cookies: Vec::new(),
        }
    }

    async fn get(&mut self, url: &str) -> Response {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = self.http.get(url).header("cookie", cookies.join("; ")).send().await.expect("an answer");
        for set in answer.headers().get_all("set-cookie") {
            let pair = set.to_str().expect("a text").split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a pair");
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    /// Follows the provider until it redirects back to us; returns the address.
    async fn through(&mut self, provider: &Provider, start: &str) -> String {
        let mut answer = self.get(start).await;
        for _ in 0..10 {
            let status = answer.status().as_u16();
            let location = answer.headers().get("location").map(|to| to.to_str().expect("text").to_owned());
            let Some(location) = location else { panic!("{status}: {}", answer.text().await.expect("a text")) };
            let location = if location.starts_with('/') { format!("{}{location}", provider.issuer) } else { location };
            if location.contains("/sign-on/callback") {
                return location;
            }
            answer = self.get(&location).await;
        }
        panic!("the provider never sends back");
    }

    fn session(&self) -> Option<&str> {
        let cookie = self.cookies.iter().find(|(name, _)| name == "__Host-clientele_refresh");
        cookie.map(|(_, value)| value.as_str())
    }
}

struct Stand {
    app: TestApp,
    tenant: Tenant,
    provider: Provider,
    start: String,
}

async fn stand() -> Stand {
    let app = TestApp::start_with(&[("CLIENTELE_SIGN_ON_NETWORKS", "127.0.0.0/8")]).await;
    let tenant = app.tenant("acme");
    let start = app.anonymous().url("/t/acme/sign-on");
    let provider = Provider::start(&format!("{start}/callback"));
    app.cli(&["tenant", "verify-domain", "acme", "acme.example"]).printed();
    Stand { app, tenant, provider, start }
}

impl Stand {
    async fn set(&self, required: bool) -> Answer {
        self.set_by(&self.tenant.api_key, Some("a secret of the provider"), required).await
    }

    async fn set_by(&self, client: &Client, secret: Option<&str>, required: bool) -> Answer {
        let query =
            "mutation ($input: SignOnInput!) { setSignOn(input: $input) { issuer role required domains path } }";
        let input = json!({ "issuer": self.provider.issuer, "clientId": "clientele", "role": "agent",
            "clientSecret": secret, "required": required });
        client.graphql(query, json!({ "input": input })).await
    }

    /// A person whom the provider confirms, with the access token of their session.
    async fn through(&self, sub: &str, email: &str) -> (Client, Browser) {
        let (answer, browser) = self.enter(sub, email, true).await;
        assert_eq!(answer.status(), 303, "{}", answer.text().await.expect("a text"));
        let session = self.refresh(&browser, None).await.data()["refresh"].clone();
        (self.app.with_token(session["accessToken"].as_str().expect("a token")), browser)
    }

    /// The answer of the callback, and the browser that came back.
    async fn enter(&self, sub: &str, email: &str, verified: bool) -> (Response, Browser) {
        self.provider.next(sub, email, verified).await;
        let mut browser = Browser::new();
        let callback = browser.through(&self.provider, &self.start).await;
        (browser.get(&callback).await, browser)
    }

    async fn refresh(&self, browser: &Browser, slug: Option<&str>) -> Answer {
        let query = "mutation ($slug: String) { refresh(organisation: $slug) { accessToken memberships { role } } }";
        let cookie = format!("__Host-clientele_refresh={}", browser.session().expect("a session"));
        let request = self.app.anonymous().request(Method::POST, "/graphql/account");
        let request = request.header("cookie", cookie).header("x-clientele-session", "cookie");
        Answer::of(request.json(&json!({ "query": query, "variables": { "slug": slug } }))).await
    }
}

async fn code(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.expect("JSON");
    (status, body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn people_of_the_domain_come_in_and_others_do_not() {
    let stand = stand().await;
    let set = stand.set(false).await.data()["setSignOn"].clone();
    assert_eq!((&set["domains"], &set["path"]), (&json!(["acme.example"]), &json!("/t/acme/sign-on")), "{set}");

    let (answer, browser) = stand.enter("u1", "nadia@acme.example", true).await;
    assert_eq!(answer.status(), 303, "{}", answer.text().await.expect("a text"));
    let session = stand.refresh(&browser, None).await.data()["refresh"].clone();
    assert_eq!(session["memberships"][0]["role"], "agent");
    let member = stand.app.with_token(session["accessToken"].as_str().expect("a token"));
    assert_eq!(member.data("{ me { actor { kind name } } }", json!({})).await["me"]["actor"]["name"], "Nadia Benali");

    let (answer, _) = stand.enter("u1", "renamed@elsewhere.example", false).await;
    assert_eq!(answer.status(), 303, "the same subject is the same person, whatever the address");
    let (answer, browser) = stand.enter("u2", "eve@evil.example", true).await;
    assert_eq!(code(answer).await, (403, "FORBIDDEN".to_owned()), "a domain of somebody else");
    assert!(browser.session().is_none());
    let (answer, _) = stand.enter("u3", "nadia@acme.example", false).await;
    assert_eq!(code(answer).await, (403, "FORBIDDEN".to_owned()), "an address that the provider did not verify");

    let failed = "{ securityLog(kinds: [SIGN_IN_FAILED]) { nodes { detail times } } }";
    let failed = stand.tenant.data(failed, json!({})).await["securityLog"]["nodes"].clone();
    assert!(failed[0]["times"].as_i64() >= Some(1) && failed[0].to_string().contains("provider"), "{failed}");
    assert!(!failed.to_string().contains("evil.example"), "{failed}");

    let people = stand.tenant.data("{ members { nodes { name email } } }", json!({})).await;
    let people = people["members"]["nodes"].as_array().expect("members").clone();
    assert_eq!(people.len(), 2, "the owner, and one who joined once: {people:?}");
    let log = stand
        .tenant
        .graphql("{ securityLog(kinds: [MEMBER_JOINED, SETTINGS_CHANGED]) { nodes { kind detail } } }", json!({}))
        .await;
    assert!(log.text.contains("MEMBER_JOINED") && !log.text.contains("a secret of the provider"), "{}", log.text);
}

#[tokio::test]
async fn nobody_becomes_the_owner_or_another_by_choosing_a_provider() {
    let mut stand = stand().await;
    let guard = json!({ "name": "guard", "permissions": ["MANAGE_SECURITY"], "others": { "read": "ALL" } });
    access::role(&stand.tenant, guard).await;
    let guard = access::program(&stand.app, &stand.tenant, "guard");
    assert_eq!(stand.set_by(&guard, Some("a secret of the provider"), false).await.code(), "FORBIDDEN");
    stand.set(false).await.data();
    assert_eq!(guard.code("mutation { removeSignOn }", json!({})).await, "FORBIDDEN");

    let (answer, browser) = stand.enter("evil", "owner@acme.example", true).await;
    assert_eq!(code(answer).await, (403, "FORBIDDEN".to_owned()), "the owner comes with their password alone");
    assert!(browser.session().is_none());

    let (before, _) = stand.through("u1", "nadia@acme.example").await;
    before.data("{ me { language } }", json!({})).await;
    stand.provider = Provider::start(&format!("{}/callback", stand.start));
    let kept = stand.set_by(&stand.tenant.api_key, None, false).await;
    assert_eq!(kept.code(), "VALIDATION_FAILED", "the old provider's secret is not told to the new one");
    stand.set(false).await.data();
    let (answer, _) = stand.enter("u1", "eve@evil.example", true).await;
    assert_eq!(code(answer).await, (403, "FORBIDDEN".to_owned()), "the same subject at another provider is nobody");
    let ended = async || before.graphql("{ me { language } }", json!({})).await.status == 401;
    until(1, "what the old provider opened ends", ended).await;
    // recognised by her address, and known from now on
    let (nadia, _) = stand.through("u1", "nadia@acme.example").await;

    let members = "{ organisationMembers { id email } }";
    let members = stand.tenant.data(members, json!({})).await["organisationMembers"].clone();
    let id = members.as_array().and_then(|all| all.iter().find(|one| one["email"] == "nadia@acme.example"));
    let hand_over = "mutation ($id: ID!) { transferOwnership(member: $id) { role } }";
    let hers = id.expect("nadia")["id"].clone();
    nadia.data("{ me { language } }", json!({})).await;
    stand.tenant.owner().await.data(hand_over, json!({ "id": hers })).await;
    let shut = async || nadia.graphql(hand_over, json!({ "id": hers })).await.status == 403;
    until(1, "what a provider opened is no owner's session", shut).await;
    let (answer, _) = stand.enter("u1", "nadia@acme.example", true).await;
    assert_eq!(code(answer).await, (403, "FORBIDDEN".to_owned()), "known by the subject, and the owner");
}

#[tokio::test]
async fn who_came_through_a_provider_has_no_say_over_the_whole_account() {
    let stand = stand().await;
    let found = ["tenant", "create", "--slug", "hers", "--name", "hers", "--owner-email", "nadia@acme.example"];
    stand.app.program().with("CLIENTELE_OWNER_PASSWORD", PASSWORD).run(found).printed();
    stand.set(false).await.data();
    let (nadia, _) = stand.through("u1", "nadia@acme.example").await;
    let sign_in =
        format!("mutation {{ signIn(email: \"nadia@acme.example\", password: \"{PASSWORD}\") {{ accessToken }} }}");
    let signed = stand.app.anonymous().account(&sign_in, json!({})).await.data()["signIn"].clone();
    let whole = stand.app.with_token(signed["accessToken"].as_str().expect("a token"));
    let sessions = whole.account("{ sessions { id current } }", json!({})).await.data()["sessions"].clone();
    let other = sessions.as_array().and_then(|all| all.iter().find(|one| one["current"] == true)).expect("it")["id"]
        .as_str()
        .expect("an id")
        .to_owned();

    let me = "{ me { user { email } memberships { organisation { slug } } } }";
    let seen = nadia.account(me, json!({})).await.data()["me"]["memberships"].clone();
    assert_eq!(
        seen,
        json!([{ "organisation": { "slug": "acme" } }]),
        "her other organisation is no affair of this one"
    );
    for refused in [
        "{ sessions { id } }",
        "{ secondFactor { enabled } }",
        "mutation { signOutEverywhere }",
        &format!("mutation {{ signOut(session: \"{other}\") }}"),
        "mutation { updateProfile(input: { firstName: \"Eve\" }) { id } }",
        &format!("mutation {{ changePassword(password: \"{PASSWORD}\", newPassword: \"another long passphrase\") }}"),
        &format!("mutation {{ changeEmail(password: \"{PASSWORD}\", email: \"eve@evil.example\") }}"),
        &format!("mutation {{ enrolSecondFactor(password: \"{PASSWORD}\") {{ secret }} }}"),
        &format!("mutation {{ deleteAccount(password: \"{PASSWORD}\") }}"),
        "mutation { acceptInvitation(token: \"x.y\") { role } }",
        "mutation { createOrganisation(input: { slug: \"x-org\", name: \"x\", country: \"DZ\", timeZone: \"UTC\",
            currency: \"DZD\", language: \"fr\" }) { role } }",
    ] {
        let answer = nadia.account(refused, json!({})).await;
        assert!(answer.code() == "FORBIDDEN" && answer.text.contains("provider"), "{refused} {}", answer.text);
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = Answer::of(nadia.request(method.clone(), "/api/account/picture")).await;
        assert_eq!(answer.status, 403, "{method}");
    }
    whole.account("{ me { user { id } } }", json!({})).await.data();
    assert_eq!(nadia.account("mutation { signOut }", json!({})).await.data()["signOut"], true);
    assert_eq!(nadia.account(me, json!({})).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn only_the_browser_that_began_can_finish_and_only_once() {
    let stand = stand().await;
    stand.set(false).await.data();
    stand.provider.next("u1", "nadia@acme.example", true).await;
    let mut victim = Browser::new();
    let callback = victim.through(&stand.provider, &stand.start).await;
    let forced = stand.app.anonymous().request(Method::GET, "/t/acme/sign-on").header("sec-fetch-site", "cross-site");
    let forced = forced.send().await.expect("an answer");
    assert!(!forced.headers().contains_key("set-cookie"));
    assert_eq!(code(forced).await, (403, "FORBIDDEN".to_owned()), "no other site's page signs anybody in");
    let stolen = Browser::new().get(&callback).await;
    assert_eq!(code(stolen).await, (401, "UNAUTHENTICATED".to_owned()), "another browser has not begun");
    let state = callback.split("state=").nth(1).expect("a state").split('&').next().expect("its value").to_owned();
    let forged = victim.get(&callback.replace(&state, "forged")).await;
    assert_eq!(code(forged).await, (401, "UNAUTHENTICATED".to_owned()), "another state");
    let kept = victim.cookies.clone();
    assert_eq!(victim.get(&callback).await.status(), 303);
    victim.cookies = kept;
    assert_eq!(victim.get(&callback).await.status(), 401, "the code has served");
}

#[tokio::test]
async fn what_is_required_never_locks_the_owner_out() {
    let stand = stand().await;
    // somebody with a password, and an organisation of her own
    let found = ["tenant", "create", "--slug", "hers", "--name", "hers", "--owner-email", "nadia@acme.example"];
    stand.app.program().with("CLIENTELE_OWNER_PASSWORD", PASSWORD).run(found).printed();
    stand.set(false).await.data();
    let (_, browser) = stand.enter("u1", "nadia@acme.example", true).await;
    let elsewhere = stand.refresh(&browser, Some("hers")).await;
    assert_eq!(elsewhere.code(), "NOT_FOUND", "a session for this organisation alone");
    let (_, browser) = stand.enter("u1", "nadia@acme.example", true).await;
    let session = stand.refresh(&browser, Some("acme")).await.data()["refresh"].clone();
    assert_eq!(session["memberships"], json!([{ "role": "agent" }]), "hers is not shown");
    let through = stand.app.with_token(session["accessToken"].as_str().expect("a token"));

    let query =
        "mutation ($slug: String!, $password: String!) { signIn(email: \"nadia@acme.example\", password: $password,
        organisation: $slug) { accessToken } }";
    let by_password = async |slug: &str| {
        let variables = json!({ "slug": slug, "password": PASSWORD });
        let signed = stand.app.anonymous().account(query, variables).await.data()["signIn"].clone();
        stand.app.with_token(signed["accessToken"].as_str().expect("a token"))
    };
    let (member, owner) = (by_password("acme").await, stand.tenant.owner().await);
    let ask = "{ me { language } }";
    member.data(ask, json!({})).await;
    stand.set(true).await.data();
    let shut = async || member.graphql(ask, json!({})).await.status == 403;
    until(1, "the password opens no more", shut).await;
    let reported = member.graphql(ask, json!({})).await;
    assert_eq!(reported.body["errors"][0]["extensions"]["signOn"], "/t/acme/sign-on", "{}", reported.text);
    through.data(ask, json!({})).await;
    owner.data(ask, json!({})).await;
    by_password("hers").await.data(ask, json!({})).await;

    assert_eq!(owner.data("mutation { removeSignOn }", json!({})).await["removeSignOn"], true);
    let open = async || member.graphql(ask, json!({})).await.status == 200;
    until(1, "the password opens again", open).await;
    let gone = Browser::new().get(&stand.start).await;
    assert_eq!(code(gone).await, (404, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn a_provider_in_a_network_of_ours_is_asked_only_where_that_is_named() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let query = "mutation ($issuer: String!) { setSignOn(input: { issuer: $issuer, clientId: \"x\", clientSecret: \"y\", role: \"agent\" }) { issuer } }";
    for issuer in [
        "http://login.example.com",
        "https://me:secret@login.example.com",
        "file:///etc/passwd",
        "https://a.example/?x",
    ] {
        assert_eq!(tenant.code(query, json!({ "issuer": issuer })).await, "VALIDATION_FAILED", "{issuer}");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    listener.set_nonblocking(true).expect("a listener");
    for host in [
        "http://127.0.0.1",
        "https://[::ffff:127.0.0.1]",
        "https://localhost.",
        "https://0.0.0.0",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "https://[fd00::1]",
    ] {
        let issuer = format!("{host}:{port}");
        tenant.data(query, json!({ "issuer": issuer })).await;
        let answer = Browser::new().get(&app.anonymous().url("/t/acme/sign-on")).await;
        assert_eq!(code(answer).await, (503, "UNAVAILABLE".to_owned()), "{issuer}");
        assert!(listener.accept().is_err(), "nobody knocked at {issuer}");
    }
    let owner = "{ signOn { issuer required } }";
    until(1, "the settings stay", async || tenant.data(owner, json!({})).await["signOn"]["required"] == false).await;
}
