//! One look for everybody: how much it costs, and that nothing is missed.

use sea_orm::{ConnectionTrait, TransactionSession};

use super::*;
use crate::{access, registry::Registry, testing};

/// Microseconds.
const HOUR: i64 = 3_600_000_000;

async fn tenants<const N: usize>() -> (Registry, [TenantDb; N]) {
    let (registry, owner) = testing::registry(Arc::new(testing::Bare)).await;
    let mut spaces = Vec::new();
    for _ in 0..N {
        let (tenant, _) = registry.create(testing::organisation(), owner.clone()).await.unwrap();
        spaces.push(registry.space(tenant).await.unwrap());
    }
    let spaces: [TenantDb; N] = spaces.try_into().unwrap_or_else(|_| panic!("so many tenants"));
    (registry, spaces)
}

/// A look of the loop, without waiting for it; and the looks at single files that it began.
async fn look(watcher: &Watcher, control: &Control, position: &mut i64) {
    let watched = watcher.0.watched().unwrap();
    round(&watcher.0, control, position, &watched).await;
    for watched in watched {
        while watched.waiting.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        drop(watched.turn.lock().await);
    }
}

async fn end(control: &Control, subject: Uuid, now: i64) {
    let tx = control.begin().await.unwrap();
    revoked(&tx, subject, now).await.unwrap();
    tx.commit().await.unwrap();
}

fn heard(revocations: &mut broadcast::Receiver<Revocation>) -> Vec<Option<Uuid>> {
    std::iter::from_fn(|| revocations.try_recv().ok()).map(|revocation| revocation.subject).collect()
}

#[tokio::test]
async fn commits_and_changed_access_are_told_once() {
    let (registry, [one, other]) = tenants().await;
    let (watcher, control) = (Watcher::default(), registry.control());
    let mut position = revocations::position(control).await.unwrap();
    let mut revocations = watcher.revocations();
    let watched = watcher.watch(&one).await.unwrap();
    assert!(Arc::ptr_eq(&watched, &watcher.watch(&one).await.unwrap()), "one for all who wait");
    let elsewhere = watcher.watch(&other).await.unwrap();
    let tx = one.begin_write().await.unwrap();
    tx.execute_unprepared(r#"UPDATE "tenant"."clock" SET seq = seq + 3"#).await.unwrap();
    access::changed(&tx).await.unwrap();
    tx.commit().await.unwrap();
    let user = Uuid::now_v7();
    end(control, user, testing::NOW + 2 * HOUR).await;
    look(&watcher, control, &mut position).await;
    look(&watcher, control, &mut position).await;
    watched.after(2).await;
    assert_eq!((*watched.seq.borrow(), *elsewhere.seq.borrow()), (3, 0));
    let mut heard = heard(&mut revocations);
    heard.retain(|subject| [Some(user), Some(one.tenant().0), Some(other.tenant().0), None].contains(subject));
    assert_eq!(heard, [Some(user), Some(one.tenant().0)]);
}

#[tokio::test]
async fn who_missed_a_revocation_checks_everybody() {
    let (registry, []) = tenants().await;
    let control = registry.control();
    let position = revocations::position(control).await.unwrap();
    end(control, Uuid::now_v7(), testing::NOW).await;
    // much later: the first one is no longer kept
    end(control, Uuid::now_v7(), testing::NOW + HOUR).await;
    let (now, subjects) = revocations::since(control, position).await.unwrap();
    assert!(now >= position + 2 && subjects == [None], "{subjects:?}");
}

#[tokio::test]
async fn the_clocks_of_many_tenants_are_read_in_one_statement() {
    let (_registry, spaces) = tenants::<3>().await;
    if spaces[0].dialect() != Dialect::Postgres {
        // each file is looked at by itself
        return;
    }
    for (seq, space) in (1..).zip(&spaces) {
        let sql = format!(r#"UPDATE "tenant"."clock" SET seq = {seq}, access_version = 10 * {seq}"#);
        space.execute_unprepared(&sql).await.unwrap();
    }
    let readings = clocks::read_together(&spaces.each_ref()).await.unwrap();
    assert_eq!(readings, [1, 2, 3].map(|seq| ClockReading { seq, access: 10 * seq }));
}
