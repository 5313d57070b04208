//! Uploaded files wait in the organisation's file store until they are imported, sealed with its key. Every node reaches
//! them, so any of them can do the import.

use std::path::Path;

use entities::ids::RunId;
use files::Files;
use records::Ctx;
use tenants::{
    TenantDb,
    error::{Code, Error, Result},
};

use super::sweep;

/// Largest upload, in bytes.
pub const MAX_UPLOAD: u64 = 2 * 1024 * 1024 * 1024;

/// Where files of imports are.
pub(super) const FOLDER: &str = "imports";
const SOURCE: &str = "source";
const ERRORS: &str = "errors";

/// A file that is being uploaded. It is deleted when it is dropped before an import takes it.
#[derive(Debug)]
pub struct Upload {
    files: Files,
    /// The run that will import it.
    run: RunId,
    size: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Sending(Box<files::Upload>),
    /// It is there, and nobody's yet.
    Stored,
    /// It is a run's, or was deleted.
    Gone,
}

impl Upload {
    /// Starts an upload into the organisation's file store.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(ctx: &Ctx) -> Result<Self> {
        // queue the sweep first: it removes the file if this process is killed later
        sweep::ask(&ctx.db, ctx.caller.clock.micros()).await?;
        let (files, run) = (Files::of(&ctx.db), RunId::new());
        let state = State::Sending(Box::new(files.upload(&source(run))));
        Ok(Self { files, run, size: 0, state })
    }

    /// Uploads a file of this machine.
    ///
    /// # Errors
    /// `BAD_FILE` if the file cannot be read; as [`Upload::write`].
    pub async fn copy(ctx: &Ctx, from: &Path) -> Result<Self> {
        let mut upload = Self::begin(ctx).await?;
        let unreadable =
            |error: std::io::Error| Error::new(Code::BadFile, format!("{} cannot be read: {error}.", from.display()));
        let mut source = tokio::fs::File::open(from).await.map_err(unreadable)?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = tokio::io::AsyncReadExt::read(&mut source, &mut buffer).await.map_err(unreadable)?;
            if read == 0 {
                return Ok(upload);
            }
            upload.write(&buffer[..read]).await?;
        }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `PAYLOAD_TOO_LARGE` beyond [`MAX_UPLOAD`]; `STORAGE_FULL`; `UNAVAILABLE` if the file store does not answer.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.size += bytes.len() as u64;
        if self.size > MAX_UPLOAD {
            return Err(Error::new(Code::PayloadTooLarge, "The file is larger than 2 GB; import it in parts."));
        }
        match &mut self.state {
            State::Sending(file) => file.write(bytes).await,
            State::Stored | State::Gone => Err(Error::internal("the upload has ended")),
        }
    }

    /// Stores everything, and opens it for a thread that may block; nothing can be appended after it.
    pub(super) async fn finish(&mut self) -> Result<files::Reader> {
        if let State::Sending(file) = std::mem::replace(&mut self.state, State::Gone) {
            file.finish().await?;
            self.state = State::Stored;
        }
        self.files.open(&source(self.run)).await
    }

    /// Leaves the file to its run. If that is never made, the sweep deletes it.
    pub(super) fn adopt(mut self) -> RunId {
        self.state = State::Gone;
        self.run
    }

    /// Deletes the file.
    pub(super) async fn discard(mut self) {
        if let State::Stored = std::mem::replace(&mut self.state, State::Gone) {
            discard(&self.files, self.run).await;
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let State::Stored = self.state
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            // the caller is gone; the sweep deletes what this does not
            let (files, run) = (self.files.clone(), self.run);
            runtime.spawn(async move { discard(&files, run).await });
        }
    }
}

/// The name of the file that a run imports.
pub(super) fn source(run: RunId) -> String {
    format!("{FOLDER}/{run}/{SOURCE}")
}

/// The name of the folder with the parts of a run's errors file.
pub(super) fn errors(run: RunId) -> String {
    format!("{FOLDER}/{run}/{ERRORS}")
}

/// Opens the file that a run imports.
///
/// # Errors
/// `BAD_FILE` if it is no longer there; `UNAVAILABLE`.
pub(super) async fn open(db: &TenantDb, run: RunId) -> Result<files::Reader> {
    Files::of(db).open(&source(run)).await.map_err(|error| match error.code() {
        Code::NotFound => Error::new(Code::BadFile, "The uploaded file is no longer there. Upload it again."),
        _ => error,
    })
}

/// Deletes the file of a run. The sweep deletes it if the file store does not answer.
pub(super) async fn discard(files: &Files, run: RunId) {
    if let Err(error) = files.delete(&source(run)).await {
        tracing::warn!(run.id = %run, error = error.log_line(), "an imported file could not be deleted");
    }
}

/// What a file of the folder is.
#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    /// Imported by a run, or uploaded for a run that is not made yet.
    Source,
    /// Rows that a run refused.
    Errors,
}

/// The run that a file belongs to, and what it is; `None` for a foreign file.
pub(super) fn kind_of(name: &str) -> Option<(RunId, Kind)> {
    let (run, rest) = name.strip_prefix(FOLDER)?.strip_prefix('/')?.split_once('/')?;
    let kind = match rest.split_once('/') {
        None if rest == SOURCE => Kind::Source,
        Some((folder, _)) if folder == ERRORS => Kind::Errors,
        _ => return None,
    };
    Some((run.parse().ok()?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_names() {
        let run = RunId::new();
        assert_eq!(kind_of(&source(run)), Some((run, Kind::Source)));
        assert_eq!(kind_of(&format!("{}/1", errors(run))), Some((run, Kind::Errors)));
        for name in ["imports/README", "pictures/1/source", &errors(run), "imports/x/source"] {
            assert_eq!(kind_of(name), None, "{name}");
        }
    }
}
