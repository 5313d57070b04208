//! Which turns may begin beside those that run.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tenants::{error::Result, work::Job};

use super::*;
use crate::{Attempt, Handler, Next};

#[derive(Serialize, Deserialize)]
struct Quick;

#[derive(Serialize, Deserialize)]
struct Slow;

impl Job for Quick {
    const QUEUE: Queue = Queue::short("slots.quick");
}

impl Job for Slow {
    const QUEUE: Queue = Queue { per_node: 2, ..Queue::long("slots.slow") };
}

struct Idle<J>(std::marker::PhantomData<fn() -> J>);

#[async_trait::async_trait]
impl<J: Job> Handler for Idle<J> {
    type Job = J;

    async fn run(&self, _: J, _: &Attempt) -> Result<Next> {
        Ok(Next::Done)
    }
}

fn handlers() -> Vec<Registered> {
    vec![
        Registered::new(Arc::new(Idle::<Quick>(std::marker::PhantomData))),
        Registered::new(Arc::new(Idle::<Slow>(std::marker::PhantomData))),
    ]
}

/// Whether a turn of a queue may begin for a tenant.
fn fits(slots: &Slots, queue: &Queue, tenant: TenantId) -> bool {
    slots.room(&handlers()).iter().any(|room| room.queues.contains(&queue.name) && !room.busy.contains(&tenant))
}

#[test]
fn long_jobs_leave_a_turn_for_short_ones() {
    let slots = Slots::new(2);
    let _long = [slots.begin(TenantId::new(), &Slow::QUEUE), slots.begin(TenantId::new(), &Slow::QUEUE)];
    assert!(!fits(&slots, &Slow::QUEUE, TenantId::new()));
    assert!(fits(&slots, &Quick::QUEUE, TenantId::new()));
    let _short = slots.begin(TenantId::new(), &Quick::QUEUE);
    assert!(!fits(&slots, &Quick::QUEUE, TenantId::new()), "all turns are taken");
}

#[test]
fn short_jobs_leave_a_turn_to_whoever_comes_next() {
    let slots = Slots::new(1);
    let short = [slots.begin(TenantId::new(), &Quick::QUEUE), slots.begin(TenantId::new(), &Quick::QUEUE)];
    assert!(!fits(&slots, &Slow::QUEUE, TenantId::new()));
    drop(short);
    assert!(fits(&slots, &Slow::QUEUE, TenantId::new()));
}

#[test]
fn a_tenant_leaves_a_turn_for_the_others() {
    let (slots, tenant) = (Slots::new(2), TenantId::new());
    let _long = slots.begin(tenant, &Slow::QUEUE);
    assert!(!fits(&slots, &Slow::QUEUE, tenant), "one of two");
    assert!(fits(&slots, &Slow::QUEUE, TenantId::new()));
    let _short = slots.begin(tenant, &Quick::QUEUE);
    assert!(!fits(&slots, &Quick::QUEUE, tenant), "two of three");
    assert!(fits(&slots, &Quick::QUEUE, TenantId::new()));
}

#[test]
fn a_queue_has_so_many_turns_in_a_process() {
    let slots = Slots::new(8);
    let turn = slots.begin(TenantId::new(), &Slow::QUEUE);
    let _other = slots.begin(TenantId::new(), &Slow::QUEUE);
    assert!(!fits(&slots, &Slow::QUEUE, TenantId::new()));
    drop(turn);
    assert!(fits(&slots, &Slow::QUEUE, TenantId::new()));
}
