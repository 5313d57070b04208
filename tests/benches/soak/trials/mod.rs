//! The trials, in the order in which they run. A trial panics when what must not happen has happened; otherwise it answers
//! what it did.

mod imports;
mod writes;

use futures::future::LocalBoxFuture;

use crate::Place;

type Trial = for<'a> fn(&'a Place) -> LocalBoxFuture<'a, String>;

/// All trials with their names.
pub fn all() -> Vec<(&'static str, Trial)> {
    vec![
        ("import killed again and again", |place| Box::pin(imports::trial(place))),
        ("writes killed again and again", |place| Box::pin(writes::trial(place))),
    ]
}

/// A pause of so many milliseconds or up to twice as many, other ones each time: kills shall meet every moment.
async fn pause(milliseconds: u64) {
    let more = u64::from(uuid::Uuid::new_v4().as_fields().0) % milliseconds.max(1);
    tokio::time::sleep(std::time::Duration::from_millis(milliseconds + more)).await;
}
