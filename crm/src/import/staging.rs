//! Uploaded files wait in the tenant's folder until they are imported, sealed under the tenant's key.

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

/// Begins the names of files on their way in.
const UPLOAD: &str = "upload-";

/// What uploads are sealed for.
pub(super) const PURPOSE: &str = "import";

/// A file on its way in; gone when it is dropped before an import adopts it.
#[derive(Debug)]
pub struct Upload {
    staged: Staged,
    file: tokio::fs::File,
    sealer: Sealer,
    size: u64,
    adopted: bool,
}

impl Upload {
    /// Begins an upload into the tenant's folder.
    ///
    /// # Errors
    /// `STORAGE_FULL` when the folder does not take it.
    pub async fn begin(ctx: &Ctx) -> Result<Self> {
        // asked for first: a process that is killed from here on leaves its file to the sweep
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

    /// Begins an upload and fills it from a file of this machine.
    ///
    /// # Errors
    /// `BAD_FILE` when the file cannot be read; as [`Upload::write`].
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

    /// Adds bytes.
    ///
    /// # Errors
    /// `PAYLOAD_TOO_LARGE` beyond [`MAX_UPLOAD`], `STORAGE_FULL` when the disk does not take them.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.size += bytes.len() as u64;
        if self.size > MAX_UPLOAD {
            return Err(Error::new(Code::PayloadTooLarge, "The file is larger than 2 GB; import it in parts."));
        }
        let sealed = self.sealer.push(bytes)?;
        self.file.write_all(&sealed).await.map_err(disk)
    }

    /// Puts everything on disk; nothing can be added after it.
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
            // The sweep takes what stays behind.
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
    /// `BAD_FILE` when it is not there.
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

/// Removes the file of a run that is over.
pub(super) fn discard(db: &TenantDb, run: RunId) {
    if let Err(error) = fs::remove_file(source(db, run).path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(run.id = %run, %error, "an imported file stays behind");
    }
}

/// What a file of the folder is.
pub(super) enum Kind {
    /// On its way in, or left by a process that was killed.
    Upload,
    /// What a run imports.
    Source(RunId),
    /// What a run refused.
    Errors(RunId),
}

/// What a file is, by its name; nothing for one that is not ours.
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
    Error::new(Code::StorageFull, "The file cannot be kept; is the disk full?").caused_by(error)
}
