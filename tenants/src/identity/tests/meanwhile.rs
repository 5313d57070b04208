//! Changes that happen between the moment somebody proves who they are and the moment it opens something.

use entities::control::{memberships, tenants};
use sea_orm::{EntityTrait, IntoActiveModel};

use super::*;
use crate::{
    registry::Person,
    security_log::{LogQuery, page},
};

const OLD: &str = "correct horse battery";
const NEW: &str = "another horse battery staple";

#[tokio::test]
async fn a_password_that_was_replaced_while_it_was_verified_opens_nothing() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    let up = signed_up(&identity, &email, &unique("m")).await;
    let (_, session) = identity.person_of(&up.access_token).await.unwrap();
    let seen = up.user;
    identity.change_password(&seen, session, OLD, NEW, &visit()).await.unwrap();

    // each of these has checked the old password, and continues
    let entered = identity.enter(seen.clone(), None, false, false, &visit()).await;
    assert_eq!(entered.unwrap_err().code(), Code::BadCredentials);
    assert_eq!(identity.sessions(seen.id).await.unwrap().len(), 1, "the one that changed it");
    let tx = identity.registry().control().begin().await.unwrap();
    assert_eq!(guard::unchanged(&tx, &seen).await.unwrap_err().code(), Code::BadCredentials);
    drop(tx);
    identity.sign_in(&email, NEW, None, false, &visit()).await.unwrap();
}

#[tokio::test]
async fn an_erased_person_does_not_come_back() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    let up = signed_up(&identity, &email, &unique("m")).await;
    let (user, tenant) = (up.user, up.organisation.unwrap().id);
    let refused = identity.erase(&user, &[]).await.unwrap_err();
    assert_eq!(refused.code(), Code::Conflict, "there is an organisation that was not left");
    assert!(identity.registry().user(user.id).await.unwrap().is_some());
    identity.erase(&user, &[tenant]).await.unwrap();

    let slug = unique("n");
    let founded = identity.found_organisation(&user, organisation(&slug)).await;
    assert_eq!(founded.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(identity.registry().by_slug(&slug).await.unwrap_err().code(), Code::NotFound, "it is free again");
    let joined = identity.join(&Person::Known(user.clone()), tenant, up.memberships[0].member).await;
    assert_eq!(joined.unwrap_err().code(), Code::Unauthenticated);
    let begun = identity.begin_bound(user.clone(), tenant, &visit()).await;
    assert_eq!(begun.unwrap_err().code(), Code::BadCredentials);
    assert!(identity.registry().user_by_email(&user.email_key).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_known_of_a_session_does_not_end_it() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    let up = signed_up(&identity, &email, &unique("m")).await;
    let (id, _) = up.refresh_token.split_once('.').unwrap();
    let other = identity.sign_in(&email, OLD, None, false, &visit()).await.unwrap();
    let (_, other) = other.refresh_token.split_once('.').unwrap();
    for forged in
        [format!("{id}.garbage"), format!("{id}."), format!("{id}.{other}"), format!("{id}.{}", "A".repeat(60))]
    {
        let refused = identity.refresh(&forged, None, &visit()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    let mut token = up.refresh_token.clone();
    for _ in 0..5 {
        token = identity.refresh(&token, None, &visit()).await.unwrap().refresh_token;
    }
    identity.refresh(&up.refresh_token, None, &visit()).await.unwrap_err();
    let ended = identity.refresh(&token, None, &visit()).await.unwrap_err();
    assert_eq!(ended.code(), Code::Unauthenticated, "an old token came back, however old");
}

#[tokio::test]
async fn an_organisation_that_cannot_be_opened_keeps_nobody_from_a_new_password() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    let up = signed_up(&identity, &email, &unique("m")).await;
    let (user, session) = identity.person_of(&up.access_token).await.unwrap();
    let own = up.organisation.unwrap();
    // another one, whose keys are gone
    let id = entities::ids::TenantId::new();
    let broken = tenants::Model { id, slug: unique("n"), ..own.clone() };
    let member = memberships::Model { user_id: user.id, tenant_id: id, member_id: up.memberships[0].member };
    let control = identity.registry().control().write();
    tenants::Entity::insert(broken.into_active_model()).exec_without_returning(control).await.unwrap();
    memberships::Entity::insert(member.into_active_model()).exec_without_returning(control).await.unwrap();
    identity.registry().space(id).await.unwrap_err();

    identity.change_password(&user, session, OLD, NEW, &visit()).await.unwrap();
    let space = identity.registry().space(own.id).await.unwrap();
    let lines = page(&space, &LogQuery { first: 10, ..LogQuery::default() }).await.unwrap().lines;
    assert!(lines.iter().any(|line| line.kind == "PASSWORD_CHANGED"), "the others hear of it");
}
