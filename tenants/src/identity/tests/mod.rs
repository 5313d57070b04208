//! Signing up, in and on, and API keys, on the database of the test run.

mod guessing;
mod meanwhile;
mod moved;

use std::sync::Arc;

use super::*;
use crate::{Actor, Code, registry::NewOrganisation, testing};

async fn identity() -> Identity {
    Identity::new(Arc::new(testing::registry(Arc::new(testing::Bare)).await.0))
}

fn visit() -> ClientInfo {
    ClientInfo::new(std::net::Ipv4Addr::LOCALHOST.into(), "test")
}

fn key(role: &str) -> crate::api_keys::NewKey {
    crate::api_keys::NewKey { name: "ci".to_owned(), role: Some(role.to_owned()), ..Default::default() }
}

fn unique(prefix: &str) -> String {
    format!("{prefix}{}", uuid::Uuid::new_v4().simple())[..24].to_owned()
}

fn account(email: &str) -> NewAccount {
    NewAccount {
        first_name: "Amel".to_owned(),
        last_name: "Haddad".to_owned(),
        email: email.to_owned(),
        password: "correct horse battery".to_owned(),
    }
}

fn organisation(slug: &str) -> NewOrganisation {
    NewOrganisation { slug: slug.to_owned(), ..testing::organisation() }
}

/// Somebody with an organisation, signed in.
async fn signed_up(identity: &Identity, email: &str, slug: &str) -> SignedIn {
    identity.create_tenant(account(email), organisation(slug)).await.unwrap();
    identity.sign_in(email, "correct horse battery", None, false, &visit()).await.unwrap()
}

#[tokio::test]
async fn a_person_signs_up_and_in_again_whatever_the_case_of_the_address() {
    let identity = identity().await;
    let (slug, email) = (unique("a"), format!("{}@Example.org", unique("Amel")));
    let up = signed_up(&identity, &email, &slug).await;
    assert_eq!(up.memberships[0].role, "owner");

    let signed = identity.sign_in(&email.to_uppercase(), "correct horse battery", None, false, &visit()).await.unwrap();
    assert_eq!(signed.organisation.unwrap().slug, slug);
    let principal = identity.authenticate(&signed.access_token, &visit()).await.unwrap();
    assert_eq!(principal.actor, Actor::Member(signed.memberships[0].member));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_refused_in_the_same_words() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    signed_up(&identity, &email, &unique("b")).await;
    let wrong = identity.sign_in(&email, "wrong horse battery", None, false, &visit()).await.unwrap_err();
    let unknown =
        identity.sign_in("nobody@example.org", "correct horse battery", None, false, &visit()).await.unwrap_err();
    assert_eq!(wrong.code(), Code::BadCredentials);
    assert_eq!((wrong.code(), wrong.message()), (unknown.code(), unknown.message()));
}

#[tokio::test]
async fn a_taken_slug_names_its_field() {
    let identity = identity().await;
    let (slug, email) = (unique("c"), format!("{}@example.org", unique("e")));
    signed_up(&identity, &email, &slug).await;
    let other = format!("{}@example.org", unique("f"));
    let same_slug = identity.sign_up(account(&other), organisation(&slug), &visit()).await.unwrap_err();
    assert_eq!(same_slug.fields()[0].field, "organisation.slug");
}

#[tokio::test]
async fn sessions_last_as_long_as_was_asked_for() {
    let identity = identity().await;
    let (email, hour) = (format!("{}@example.org", unique("e")), 3600 * 1_000_000);
    signed_up(&identity, &email, &unique("s")).await;
    let sign_in = async |remember| {
        identity.sign_in(&email, "correct horse battery", None, remember, &visit()).await.unwrap().refresh_token
    };
    let (short, long) = (sign_in(false).await, sign_in(true).await);
    identity.registry().clock().advance(12 * hour - 1);
    let short = identity.refresh(&short, None, &visit()).await.unwrap().refresh_token;
    identity.registry().clock().advance(12 * hour);
    assert_eq!(identity.refresh(&short, None, &visit()).await.unwrap_err().code(), Code::Unauthenticated);
    let long = identity.refresh(&long, None, &visit()).await.unwrap().refresh_token;
    identity.registry().clock().advance(30 * 24 * hour);
    assert_eq!(identity.refresh(&long, None, &visit()).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn an_ended_session_ends_its_access_tokens() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    let first = signed_up(&identity, &email, &unique("i")).await;
    let second = identity.refresh(&first.refresh_token, None, &visit()).await.unwrap();
    identity.refresh(&first.refresh_token, None, &visit()).await.unwrap_err();
    for token in [first.access_token, second.access_token] {
        assert_eq!(identity.authenticate(&token, &visit()).await.unwrap_err().code(), Code::Unauthenticated);
        assert_eq!(identity.person_of(&token).await.unwrap_err().code(), Code::Unauthenticated);
    }
}

#[tokio::test]
async fn a_refresh_token_serves_once_and_ends_the_session_when_it_comes_back() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    let first = signed_up(&identity, &email, &unique("g")).await;
    let second = identity.refresh(&first.refresh_token, None, &visit()).await.unwrap();
    assert_eq!(identity.refresh(&first.refresh_token, None, &visit()).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(
        identity.refresh(&second.refresh_token, None, &visit()).await.unwrap_err().code(),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn an_access_token_ends_after_fifteen_minutes() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    let signed = signed_up(&identity, &email, &unique("h")).await;
    identity.authenticate(&signed.access_token, &visit()).await.unwrap();
    identity.registry().clock().advance(15 * 60 * 1_000_000);
    assert_eq!(identity.authenticate(&signed.access_token, &visit()).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn an_api_key_opens_its_own_organisation_and_a_changed_one_none() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    let slug = unique("k");
    signed_up(&identity, &email, &slug).await;
    let tenant = identity.registry().by_slug(&slug).await.unwrap().id;
    let issued = identity.create_api_key(tenant, key("admin")).await.unwrap();
    let principal = identity.authenticate(&issued.key, &visit()).await.unwrap();
    assert_eq!((principal.tenant, principal.actor), (tenant, Actor::ApiKey(issued.id)));
    let changed = format!("{}x", &issued.key[..issued.key.len() - 1]);
    assert_eq!(identity.authenticate(&changed, &visit()).await.unwrap_err().code(), Code::Unauthenticated);
    let unknown = identity.create_api_key(tenant, key("king")).await.err().unwrap();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn bad_organisations_say_which_field_is_wrong() {
    let identity = identity().await;
    let bad = NewOrganisation {
        slug: "A b".to_owned(),
        name: " ".to_owned(),
        country: "XX".to_owned(),
        currency: "ZZZ".to_owned(),
        time_zone: "Algiers".to_owned(),
        language: "de".to_owned(),
    };
    let account = NewAccount { password: "short".to_owned(), email: "amel".to_owned(), ..account("") };
    let error = identity.sign_up(account, bad, &visit()).await.unwrap_err();
    let fields: Vec<&str> = error.fields().iter().map(|issue| issue.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "organisation.slug",
            "organisation.name",
            "organisation.country",
            "organisation.currency",
            "organisation.timeZone",
            "organisation.language",
            "email",
            "password"
        ]
    );
}
