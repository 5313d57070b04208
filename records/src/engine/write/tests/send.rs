//! Workers move between threads, so what they call must be able to. A test that only has to compile.

use entities::ids::{ObjectId, RunId};

use crate::{
    Ctx,
    engine::{self, BatchMode, Progress, runs::Run},
};

fn may_move(_: impl Send) {}

#[expect(dead_code, reason = "compiling is the test")]
fn writes_may_move(ctx: &Ctx, object: ObjectId, run: &Run, mode: &BatchMode, progress: Progress<'_>) {
    may_move(engine::create(ctx, object, Vec::new(), &[]));
    may_move(engine::apply(ctx, Vec::new()));
    may_move(engine::write_batch(ctx, run, object, Vec::new(), mode, progress));
    may_move(engine::undo(ctx, run.id));
    may_move(engine::runs::step(ctx, RunId::new()));
}
