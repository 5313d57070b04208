//! Uploaded files wait in the tenant's folder until they are imported, sealed with the tenant's key.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use entities::ids::RunId;
use records::Ctx;
use tenants::{
    TenantDb,
    error::{Code, Error, Result},
    keys::DataKeys,
    sealed::{Sealer, Unsealed},
};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::{encoding::unreadable, errors_file::private, sweep};

/// Largest upload, in bytes.
pub const MAX_UPLOAD: u64 = 2 * 1024 * 1024 * 1024;

/// Prefix of files that are being uploaded.
const UPLOAD: &str = "upload-";

/// The purpose that uploads are sealed for.
pub(super) const PURPOSE: &str = "import";

/// A file that is being uploaded. It is deleted when it is dropped before an import takes it.
#[derive(Debug)]
pub struct Upload {
    staged: Staged,
    file: tokio::fs::File,
    sealer: Sealer,
    size: u64,
    adopted: bool,
}

impl Upload {
    /// Starts an upload into the tenant's folder.
    ///
    /// # Errors
    /// `STORAGE_FULL` if it cannot be written to the folder.
    pub async fn begin(ctx: &Ctx) -> Result<Self> {
        // queue the sweep first: it removes the file if this process is killed later
        sweep::ask(&ctx.db, ctx.caller.clock.micros()).await?;
        let folder = folder(&ctx.db);
        tokio::fs::create_dir_all(&folder).await.map_err(disk)?;
        let path = folder.join(format!("{UPLOAD}{}", Uuid::now_v7()));
        let file = private(&path).map_err(disk)?;
        let key = ctx.db.key();
        Ok(Self {
            staged: Staged { path, key: key.clone() },
            file: tokio::fs::File::from_std(file),
            sealer: Sealer::new(key, PURPOSE, 0),
            size: 0,
            adopted: false,
        })
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
    /// `PAYLOAD_TOO_LARGE` beyond [`MAX_UPLOAD`]; `STORAGE_FULL` if they cannot be written.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.size += bytes.len() as u64;
        if self.size > MAX_UPLOAD {
            return Err(Error::new(Code::PayloadTooLarge, "The file is larger than 2 GB; import it in parts."));
        }
        let sealed = self.sealer.push(bytes)?;
        self.file.write_all(&sealed).await.map_err(disk)
    }

    /// Writes everything to disk; nothing can be appended after it.
    pub(super) async fn finish(&mut self) -> Result<Staged> {
        let sealed = self.sealer.finish()?;
        self.file.write_all(&sealed).await.map_err(disk)?;
        self.file.flush().await.map_err(disk)?;
        self.file.sync_data().await.map_err(disk)?;
        Ok(self.staged.clone())
    }

    /// Makes it the file of a run.
    pub(super) fn adopt(mut self, db: &TenantDb, run: RunId) -> Result<()> {
        fs::rename(&self.staged.path, source(db, run).path).map_err(disk)?;
        self.adopted = true;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.adopted {
            // the sweep removes what is left
            let _ = fs::remove_file(&self.staged.path);
        }
    }
}

/// A sealed file to be imported.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    path: PathBuf,
    key: DataKeys,
}

impl Staged {
    /// Reads it from its start.
    ///
    /// # Errors
    /// `BAD_FILE` if it does not exist.
    pub(super) fn open(&self) -> Result<Unsealed<File>> {
        Ok(Unsealed::new(File::open(&self.path).map_err(unreadable)?, &self.key, PURPOSE))
    }
}

/// The file that a run imports.
pub(super) fn source(db: &TenantDb, run: RunId) -> Staged {
    Staged { path: folder(db).join(format!("{run}.csv")), key: db.key().clone() }
}

/// The rows that a run refused.
pub(super) fn errors(db: &TenantDb, run: RunId) -> PathBuf {
    folder(db).join(format!("{run}.errors.csv"))
}

/// Deletes the file of a finished run.
pub(super) fn discard(db: &TenantDb, run: RunId) {
    if let Err(error) = fs::remove_file(source(db, run).path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(run.id = %run, %error, "an imported file could not be deleted");
    }
}

/// The kinds of files in the folder.
pub(super) enum Kind {
    /// Being uploaded, or left by a killed process.
    Upload,
    /// Imported by a run.
    Source(RunId),
    /// Refused by a run.
    Errors(RunId),
}

/// The kind of a file, by its name; `None` for a foreign file.
pub(super) fn kind_of(path: &Path) -> Option<Kind> {
    let name = path.file_name()?.to_str()?;
    if name.starts_with(UPLOAD) {
        return Some(Kind::Upload);
    }
    let name = name.strip_suffix(".csv")?;
    match name.strip_suffix(".errors") {
        Some(run) => run.parse().ok().map(Kind::Errors),
        None => name.parse().ok().map(Kind::Source),
    }
}

/// Where staged files are.
pub(super) fn folder(db: &TenantDb) -> PathBuf {
    db.folder().join("staging")
}

fn disk(error: std::io::Error) -> Error {
    Error::new(Code::StorageFull, "The file cannot be stored; is the disk full?").caused_by(error)
}
