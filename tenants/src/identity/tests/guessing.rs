//! Guessing passwords: it is stopped and recorded, and does not lock out the owner.

use super::{lockout::Guessed, *};
use crate::security_log::{Line, LogQuery, page};

const RIGHT: &str = "correct horse battery";
const WRONG: &str = "wrong horse battery";
/// Microseconds.
const MINUTE: i64 = 60_000_000;

#[tokio::test]
async fn a_guesser_is_stopped_and_the_owner_on_a_known_device_is_not() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    let up = signed_up(&identity, &email, &unique("l")).await;
    let device = identity.device(&identity.device_token(&up.user.email_key).unwrap());
    assert!(device.is_some() && identity.device("forged").is_none());
    let sign_in = async |password, client: &ClientInfo| identity.sign_in(&email, password, None, false, client).await;

    let mut codes = Vec::new();
    for _ in 0..14 {
        codes.push(sign_in(WRONG, &visit()).await.unwrap_err().code());
    }
    assert_eq!(codes.iter().filter(|code| **code == Code::BadCredentials).count(), 10, "{codes:?}");
    let right = sign_in(RIGHT, &visit()).await.unwrap_err();
    assert_eq!((right.code(), &right.details()["retryAfterMs"]), (Code::RateLimited, &30_000.into()));
    let known = visit().on(device);
    sign_in(RIGHT, &known).await.unwrap();

    let strange = visit().on(identity.device(&identity.device_token("other@example.org").unwrap()));
    let refused = sign_in(RIGHT, &strange).await.unwrap_err();
    assert_eq!(refused.code(), Code::RateLimited, "the device of another account is a stranger's");

    for _ in 0..10 {
        sign_in(WRONG, &known).await.unwrap_err();
    }
    let stolen = sign_in(RIGHT, &known).await.unwrap_err();
    assert_eq!(stolen.code(), Code::RateLimited, "a stolen device has its own counter");
}

#[tokio::test]
async fn delays_grow_and_a_right_password_ends_them() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    signed_up(&identity, &email, &unique("m")).await;
    let wrong = async || identity.sign_in(&email, WRONG, None, false, &visit()).await.unwrap_err();
    for _ in 0..10 {
        assert_eq!(wrong().await.code(), Code::BadCredentials);
    }
    let clock = identity.registry().clock().clone();
    for wait in [30_000, 60_000, 120_000] {
        let refused = wrong().await;
        assert_eq!((refused.code(), &refused.details()["retryAfterMs"]), (Code::RateLimited, &wait.into()));
        clock.advance(wait * 1_000);
        assert_eq!(wrong().await.code(), Code::BadCredentials, "one more try");
    }
    clock.advance(10 * MINUTE);
    identity.sign_in(&email, RIGHT, None, false, &visit()).await.unwrap();
    for _ in 0..10 {
        assert_eq!(wrong().await.code(), Code::BadCredentials, "counted anew");
    }
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_waits_too() {
    let identity = Arc::new(identity().await);
    let there = ClientInfo::new("198.51.100.7".parse().unwrap(), "");
    // all at once: the counter misses none
    let tries = (0..150).map(|n| {
        let (identity, there, email) =
            (Arc::clone(&identity), there.clone(), format!("{}{n}@example.org", unique("n")));
        tokio::spawn(async move { identity.attempt(Guessed::Password, &email, None, &there).await.map(drop) })
    });
    let ended = futures::future::join_all(tries).await;
    let taken = ended.iter().filter(|result| matches!(result, Ok(Ok(())))).count();
    assert!(taken <= 100, "{taken} tries were taken");
    let elsewhere = ClientInfo::new("198.51.100.8".parse().unwrap(), "");
    drop(identity.attempt(Guessed::Password, "x@example.org", None, &elsewhere).await.unwrap());
}

#[tokio::test]
async fn failures_stand_in_the_log_of_the_organisation() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    let up = signed_up(&identity, &email, &unique("o")).await;
    for _ in 0..3 {
        identity.sign_in(&email, WRONG, None, false, &visit()).await.unwrap_err();
    }
    let space = identity.registry().space(up.organisation.unwrap().id).await.unwrap();
    let member = Actor::Member(up.memberships[0].member).stored();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let lines: Vec<Line> = loop {
        let lines = page(&space, &LogQuery { first: 10, ..LogQuery::default() }).await.unwrap().lines;
        if lines.iter().map(|line| line.times).sum::<i64>() == 4 || std::time::Instant::now() > end {
            break lines;
        }
        tokio::task::yield_now().await;
    };
    let mut reported: Vec<_> =
        lines.iter().map(|line| (line.kind.as_str(), line.times, line.actor.as_deref())).collect();
    reported.sort_unstable();
    assert_eq!(reported, [("SIGNED_IN", 1, Some(member.as_str())), ("SIGN_IN_FAILED", 3, Some(member.as_str()))]);
    assert_eq!(lines[0].address.as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn a_device_is_known_for_a_year_and_until_the_password_changes() {
    let identity = identity().await;
    let email = format!("{}@example.org", unique("e"));
    let up = signed_up(&identity, &email, &unique("k")).await;
    let clock = identity.registry().clock().clone();
    let token = identity.device_token(&up.user.email_key).unwrap();
    let known = |token: &str, user: &users::Model| visit().on(identity.device(token)).is_known_for(user);
    assert!(known(&token, &up.user));
    clock.advance(MINUTE);
    let (user, session) = identity.person_of(&up.access_token).await.unwrap();
    identity.change_password(&user, session, RIGHT, "another horse battery staple", &visit()).await.unwrap();
    let (user, _) = identity.person_of(&up.access_token).await.unwrap();
    assert!(!known(&token, &user), "it was made for the old password");
    let token = identity.device_token(&user.email_key).unwrap();
    clock.advance(364 * 24 * 60 * MINUTE);
    assert!(known(&token, &user));
    clock.advance(2 * 24 * 60 * MINUTE);
    assert!(!known(&token, &user));
}

#[tokio::test]
async fn known_devices_that_guess_use_up_their_network_and_do_not_wait_for_it() {
    let identity = identity().await;
    let there = ClientInfo::new("203.0.113.9".parse().unwrap(), "");
    let device = |account: &str| identity.device(&identity.device_token(account).unwrap()).unwrap();
    for n in 0..10 {
        let account = format!("{n}-{}@example.org", unique("n"));
        let device = device(&account);
        for _ in 0..10 {
            drop(identity.attempt(Guessed::Password, &account, Some(&device), &there).await.unwrap());
        }
    }
    let stranger = identity.attempt(Guessed::Password, "x@example.org", None, &there).await.err().unwrap();
    assert_eq!(stranger.code(), Code::RateLimited);
    let known = device("y@example.org");
    drop(identity.attempt(Guessed::Password, "y@example.org", Some(&known), &there).await.unwrap());
}
