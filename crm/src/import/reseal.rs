//! Reseals files of imports after a new data key was added.

use std::pin::pin;

use files::Files;
use futures::TryStreamExt;
use records::Ctx;
use tenants::error::{Code, Result};

use super::staging;

/// Reseals what is under older keys. Files that are being written are sealed anew by whoever writes them.
///
/// # Errors
/// `UNAVAILABLE` if the file store does not answer; `BAD_FILE` if a file is damaged.
pub async fn reseal(ctx: &Ctx) -> Result<()> {
    let files = Files::of(&ctx.db);
    let mut entries = pin!(files.list(staging::FOLDER));
    while let Some(entry) = entries.try_next().await? {
        match files.reseal(&entry.name).await {
            Err(error) if error.code() != Code::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
