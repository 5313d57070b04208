//! Which handler does the work of which queue.

use std::sync::Arc;

use jobs::Handler;

use crate::app::App;

/// All handlers.
pub fn handlers(_app: &App) -> Vec<Arc<dyn Handler>> {
    Vec::new()
}
