//! Reseals staged files after a new data key was added.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Write},
    path::Path,
};

use entities::ids::RunId;
use records::{Ctx, engine::runs};
use tenants::{
    error::{Code, Error, Result},
    sealed,
};

use super::{
    errors_file::{self, private},
    staging::{self, Kind},
};

/// Reseals what is under older keys. Returns how many files still use one, because somebody is writing them.
///
/// # Errors
/// If a file cannot be read or written.
pub async fn reseal(ctx: &Ctx) -> Result<usize> {
    let folder = match fs::read_dir(staging::folder(&ctx.db)) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Error::internal(error)),
    };
    let mut left = 0;
    for entry in folder {
        let path = entry.map_err(Error::internal)?.path();
        let purpose = match staging::kind_of(&path) {
            Some(Kind::Source(_)) => Some(staging::PURPOSE),
            // rows are appended while the import runs
            Some(Kind::Errors(run)) if is_over(ctx, run).await? => Some(errors_file::PURPOSE),
            Some(_) => None,
            None => continue,
        };
        let done = anew(ctx, &path, purpose);
        left += usize::from(!done.or_else(|error| if gone(&error) { Ok(true) } else { Err(Error::internal(error)) })?);
    }
    Ok(left)
}

async fn is_over(ctx: &Ctx, run: RunId) -> Result<bool> {
    match runs::load(ctx, run).await {
        Ok(run) => Ok(run.status.is_over()),
        Err(error) if error.code() == Code::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Whether the file uses the newest key afterwards.
fn anew(ctx: &Ctx, path: &Path, purpose: Option<&str>) -> io::Result<bool> {
    let key = ctx.db.key();
    if sealed::is_current(BufReader::new(File::open(path)?), key)? {
        return Ok(true);
    }
    let Some(purpose) = purpose else { return Ok(false) };
    // a name that neither the sweep nor a reader uses
    let beside = path.with_extension("resealed");
    match fs::remove_file(&beside) {
        Err(error) if !gone(&error) => return Err(error),
        _ => {}
    }
    let mut copy = BufWriter::new(private(&beside)?);
    sealed::reseal(BufReader::new(File::open(path)?), key, purpose, &mut copy)?;
    copy.flush()?;
    copy.get_ref().sync_all()?;
    fs::rename(beside, path)?;
    Ok(true)
}

fn gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
