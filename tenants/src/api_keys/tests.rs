//! The life of a key, on the database of the test run.

use std::{sync::Arc, time::Instant};

use super::*;
use crate::{
    identity::{ClientInfo, Identity},
    security_log::{LogQuery, page},
    testing,
};

/// Microseconds.
const HOUR: i64 = 3_600_000_000;

/// An organisation, and a caller who may do everything in it.
async fn organisation() -> (Identity, TenantDb, Caller) {
    let (registry, owner) = testing::registry(Arc::new(testing::Bare)).await;
    let registry = Arc::new(registry);
    let (tenant, member) = registry.create(testing::organisation(), owner).await.unwrap();
    let db = registry.space(tenant).await.unwrap();
    let clock = registry.clock().clone();
    let caller = Caller { actor: Actor::Member(member), clock, ..(*testing::caller(&db)).clone() };
    (Identity::new(registry), db, caller)
}

fn from(address: &str) -> ClientInfo {
    ClientInfo::new(address.parse().unwrap(), "cron")
}

fn named(name: &str) -> NewKey {
    NewKey { name: name.to_owned(), ..NewKey::default() }
}

async fn opens(identity: &Identity, key: &str) -> bool {
    identity.authenticate_since(Instant::now(), key, &from("192.0.2.7")).await.is_ok()
}

#[tokio::test]
async fn a_renewed_key_opens_beside_the_old_one_for_as_long_as_was_chosen() {
    let (identity, db, caller) = organisation().await;
    let old = create(&db, &caller, named("etl")).await.unwrap();
    let new = renew(&db, &caller, old.id, HOUR, None).await.unwrap();
    assert!(opens(&identity, &old.key).await && opens(&identity, &new.key).await);
    caller.clock.advance(HOUR);
    assert!(!opens(&identity, &old.key).await && opens(&identity, &new.key).await);
    let last = renew(&db, &caller, old.id, 0, None).await.unwrap();
    assert!(!opens(&identity, &new.key).await && opens(&identity, &last.key).await);
    let long = renew(&db, &caller, old.id, 8 * 24 * HOUR, None).await.err().unwrap();
    assert_eq!(long.fields()[0].field, "overlapSeconds");
    revoke(&db, &caller, old.id).await.unwrap();
    assert!(!opens(&identity, &last.key).await);
    assert_eq!(renew(&db, &caller, old.id, 0, None).await.err().unwrap().code(), Code::Conflict);
    let reported = page(&db, &LogQuery { first: 9, ..LogQuery::default() }).await.unwrap();
    let kinds: Vec<&str> =
        reported.lines.iter().map(|line| line.kind.as_str()).filter(|kind| *kind != "KEY_NEW_ADDRESS").collect();
    assert_eq!(kinds, ["KEY_REVOKED", "KEY_RENEWED", "KEY_RENEWED", "KEY_CREATED"]);
}

#[tokio::test]
async fn a_key_ends_when_it_was_said_to() {
    let (identity, db, caller) = organisation().await;
    let end = caller.clock.micros() + HOUR;
    let key = create(&db, &caller, NewKey { expires_at: Some(end), ..named("trial") }).await.unwrap();
    assert!(opens(&identity, &key.key).await);
    caller.clock.advance(HOUR);
    assert!(!opens(&identity, &key.key).await);
    assert_eq!(renew(&db, &caller, key.id, 0, None).await.err().unwrap().fields()[0].field, "expiresAt");
    let renewed = renew(&db, &caller, key.id, 0, Some(end + HOUR)).await.unwrap();
    assert!(opens(&identity, &renewed.key).await);
}

#[tokio::test]
async fn a_key_is_bound_to_its_addresses_and_new_ones_are_told() {
    let (identity, db, caller) = organisation().await;
    let addresses = vec!["192.0.2.0/24".to_owned(), "2001:db8::1".to_owned()];
    let key = create(&db, &caller, NewKey { addresses, ..named("shop") }).await.unwrap();
    for allowed in ["192.0.2.7", "192.0.2.8", "192.0.2.7", "2001:db8::1"] {
        identity.authenticate_since(Instant::now(), &key.key, &from(allowed)).await.unwrap();
    }
    let refused = identity.authenticate_since(Instant::now(), &key.key, &from("198.51.100.1")).await.err().unwrap();
    assert_eq!(refused.code(), Code::Forbidden);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let lines = loop {
        let lines = page(&db, &LogQuery { first: 9, ..LogQuery::default() }).await.unwrap().lines;
        if lines.len() == 5 || std::time::Instant::now() > end {
            break lines;
        }
        tokio::task::yield_now().await;
    };
    let mut reported: Vec<_> =
        lines.iter().map(|line| format!("{} {}", line.kind, line.address.as_deref().unwrap_or(""))).collect();
    reported.sort_unstable();
    assert_eq!(
        reported,
        [
            "KEY_CREATED ",
            "KEY_NEW_ADDRESS 192.0.2.7",
            "KEY_NEW_ADDRESS 192.0.2.8",
            "KEY_NEW_ADDRESS 2001:db8::1",
            "KEY_REFUSED 198.51.100.1"
        ]
    );
    let row = load(&db, &caller, key.id).await.unwrap();
    assert_eq!(row.used_at, Some(testing::NOW), "the first use, and no other within the minute");
}

#[tokio::test]
async fn nobody_hands_out_more_than_they_have() {
    let (_, db, caller) = organisation().await;
    let whole = create(&db, &caller, named("whole")).await.unwrap();
    let narrowed = Scopes { others: [access::Operation::Read].into(), ..Scopes::default() };
    let reading = access(
        &db,
        &api_keys::Model {
            scopes: Some(serde_json::to_string(&narrowed).unwrap()),
            ..load(&db, &caller, whole.id).await.unwrap()
        },
    )
    .await
    .unwrap();
    let Access::Granted(mut granted) = reading else { panic!("scopes narrow everything") };
    let mut grants = (*granted.grants).clone();
    grants.permissions.insert(Permission::ManageApiKeys);
    granted.grants = Arc::new(grants);
    let small = Caller { access: Arc::new(Access::Granted(granted)), ..caller.clone() };

    for (new, code) in [
        (named("mine"), Some(Code::Forbidden)),
        (NewKey { role: Some("admin".to_owned()), ..named("admin") }, Some(Code::Forbidden)),
        (NewKey { scopes: Some(narrowed), ..named("reader") }, None),
    ] {
        let name = new.name.clone();
        assert_eq!(create(&db, &small, new).await.err().map(|error| error.code()), code, "{name}");
    }
    assert_eq!(renew(&db, &small, whole.id, 0, None).await.err().unwrap().code(), Code::Forbidden);
    let nobody = Caller { access: Arc::new(Access::nothing()), ..caller };
    assert_eq!(create(&db, &nobody, named("x")).await.err().unwrap().code(), Code::Forbidden);
    assert_eq!(list(&db, &nobody, 9, None, true).await.err().unwrap().code(), Code::Forbidden);
}
