//! Files on their way into the store.

use std::{io, sync::Arc};

use object_store::buffered::BufWriter;
use tenants::{
    error::{Code, Error, Result},
    file_store::{failed, unavailable},
    keys::{KeyId, retired},
    sealed::Sealer,
};
use tokio::io::AsyncWriteExt;

use super::{Files, purpose};

/// Bytes that are sent at a time, at least five megabytes in a bucket; smaller files are sent as a whole.
const PART: usize = 5 * 1024 * 1024;
/// Parts that are on their way at the same time.
const UNDER_WAY: usize = 2;

/// A file that is being written. Dropped before it is finished, it never was.
#[derive(Debug)]
pub struct Upload {
    files: Files,
    name: String,
    /// Nothing once it is finished, or once a part of it could not be written.
    writing: Option<(BufWriter, Sealer)>,
}

impl Upload {
    pub(super) fn begin(files: &Files, name: &str) -> Self {
        let objects = Arc::clone(&files.0.files.objects);
        let writer = BufWriter::with_capacity(objects, files.path(name), PART).with_max_concurrency(UNDER_WAY);
        let sealer = Sealer::new(&files.0.key, &purpose(name));
        Self { files: files.clone(), name: name.to_owned(), writing: Some((writer, sealer)) }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `STORAGE_FULL`, `UNAVAILABLE`; the upload is of no use then.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let (mut writer, mut sealer) = self.writing.take().ok_or_else(over)?;
        let sealed = sealer.push(bytes)?;
        if !sealed.is_empty()
            && let Err(error) = writer.put(sealed.into()).await
        {
            abort(writer);
            return Err(writing(error));
        }
        self.writing = Some((writer, sealer));
        Ok(())
    }

    /// Ends the file: from now on it is there, sealed with a key that stays.
    ///
    /// # Errors
    /// As [`Upload::write`]; `UNAVAILABLE` if its key was retired meanwhile.
    pub async fn finish(mut self) -> Result<()> {
        let id = self.close().await?;
        let (files, keys) = (&self.files, &self.files.0.key);
        files.0.take_up_keys().await?;
        if keys.newest() == id {
            return Ok(());
        }
        // those who retire the old key may have looked for its files already
        match files.reseal(&self.name).await {
            Err(error) if error.code() == Code::BadFile && !keys.has(id) => {
                files.delete(&self.name).await?;
                Err(retired())
            }
            resealed => resealed,
        }
    }

    /// Writes what is left, and returns the key that sealed the file.
    pub(super) async fn close(&mut self) -> Result<KeyId> {
        let (mut writer, sealer) = self.writing.take().ok_or_else(over)?;
        let id = sealer.key_id();
        let last = sealer.finish()?;
        writer.put(last.into()).await.map_err(writing)?;
        writer.shutdown().await.map_err(ending)?;
        Ok(id)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some((writer, _)) = self.writing.take() {
            abort(writer);
        }
    }
}

/// Takes back the parts that were sent, in the background.
fn abort(mut writer: BufWriter) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    runtime.spawn(async move {
        if let Err(error) = writer.abort().await {
            tracing::debug!(%error, "an unfinished upload is left in the file store");
        }
    });
}

/// What an error of writing means. Nothing can be missing there but the bucket.
fn writing(error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => unavailable(error),
        _ => failed(error),
    }
}

/// What an error at the end of writing means: one of the store, wrapped.
fn ending(error: io::Error) -> Error {
    let error =
        error.downcast().unwrap_or_else(|error| object_store::Error::Generic { store: "", source: error.into() });
    writing(error)
}

fn over() -> Error {
    Error::new(Code::Internal, "The upload has ended.")
}
