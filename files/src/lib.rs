//! Files of tenants, stored where all nodes of an installation reach them: in a folder of the only machine, or in a
//! bucket. They are sealed with the tenant's key before they leave the process, and read and written as streams.
//!
//! A file has a name within its tenant, such as `imports/…/source`. It is bound to that name: a file that was put in the
//! place of another cannot be read.

mod reader;
mod store;
#[cfg(test)]
mod tests;
mod upload;

pub use reader::{Reader, of_reading};
pub use store::{Bucket, open};
pub use upload::Upload;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStoreExt, path::Path};
use tenants::{
    TenantDb,
    db::About,
    error::{Code, Error, Result},
    file_store::failed,
    sealed::{HEAD, Unsealer, damaged, key_of_file},
};

/// The files of one tenant. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Files(Arc<About>);

/// A file in a list.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// When it was written.
    pub written: SystemTime,
}

impl Files {
    /// The files of a tenant.
    pub fn of(db: &TenantDb) -> Self {
        Self(Arc::clone(db.about()))
    }

    /// Begins to write a file. It is there, whole, once the upload is finished; a file of that name is replaced then.
    pub fn upload(&self, name: &str) -> Upload {
        Upload::begin(self, name)
    }

    /// Writes a small file.
    ///
    /// # Errors
    /// `STORAGE_FULL`, `UNAVAILABLE`.
    pub async fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut upload = self.upload(name);
        upload.write(bytes).await?;
        upload.finish().await
    }

    /// Reads a file, as a stream.
    ///
    /// # Errors
    /// `NOT_FOUND`, `UNAVAILABLE`; in the stream also `BAD_FILE` if the file is damaged.
    pub async fn read(&self, name: &str) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        let sealed = self.0.files.objects.get(&self.path(name)).await.map_err(failed)?.into_stream();
        // another process may have sealed it with a new key
        self.0.take_up_keys().await?;
        let unsealer = Unsealer::new(&self.0.key, &purpose(name));
        let clear = futures::stream::try_unfold((sealed, unsealer), |(mut sealed, mut unsealer)| async move {
            loop {
                let Some(bytes) = sealed.next().await else {
                    return if unsealer.ended() { Ok(None) } else { Err(damaged()) };
                };
                let clear = unsealer.push(&bytes.map_err(failed)?)?;
                if !clear.is_empty() {
                    return Ok(Some((Bytes::copy_from_slice(&clear), (sealed, unsealer))));
                }
            }
        });
        Ok(clear)
    }

    /// Opens a file for a thread that may block, and reads it from any place.
    ///
    /// # Errors
    /// `NOT_FOUND`, `UNAVAILABLE`.
    pub async fn open(&self, name: &str) -> Result<Reader> {
        let about = self.0.files.objects.head(&self.path(name)).await.map_err(failed)?;
        Ok(Reader::new(self, about.location, &purpose(name), about.size))
    }

    /// Deletes a file, if there is one.
    ///
    /// # Errors
    /// `UNAVAILABLE`.
    pub async fn delete(&self, name: &str) -> Result<()> {
        match self.0.files.objects.delete(&self.path(name)).await.map_err(failed) {
            Err(error) if error.code() != Code::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The files under a name, in no order.
    pub fn list(&self, under: &str) -> impl Stream<Item = Result<Entry>> + Send + use<> {
        let folder = self.0.files.path.clone();
        let entry = move |object: ObjectMeta| {
            let parts = object.location.prefix_match(&folder).ok_or_else(|| Error::internal("a file of another"))?;
            Ok(Entry { name: Path::from_iter(parts).to_string(), written: object.last_modified.into() })
        };
        let all = self.0.files.objects.list(Some(&self.path(under)));
        all.map(move |object| object.map_err(failed).and_then(&entry))
    }

    /// Seals a file with the newest key, if another one sealed it.
    ///
    /// # Errors
    /// `NOT_FOUND` if it was deleted meanwhile; `UNAVAILABLE`; `BAD_FILE` if it is damaged.
    pub async fn reseal(&self, name: &str) -> Result<()> {
        loop {
            let head = self.0.files.objects.get_range(&self.path(name), 0..HEAD as u64).await.map_err(failed)?;
            self.0.take_up_keys().await?;
            if key_of_file(&head) == Some(self.0.key.newest()) {
                return Ok(());
            }
            let mut old = Box::pin(self.read(name).await?);
            let mut new = self.upload(name);
            while let Some(bytes) = old.try_next().await? {
                new.write(&bytes).await?;
            }
            new.close().await?;
        }
    }

    /// Deletes what killed processes left of uploads that they did not finish. A bucket does so by a rule of its own.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub async fn sweep_unfinished(&self, older_than: Duration, now: SystemTime) -> Result<()> {
        let Some(folder) = self.0.files.local.clone() else { return Ok(()) };
        let swept = tokio::task::spawn_blocking(move || store::sweep_unfinished(&folder, older_than, now)).await;
        swept.map_err(Error::internal)?.map_err(Error::internal)
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.0.files.path.clone(), |path, part| path.join(part))
    }
}

/// What a file is bound to.
fn purpose(name: &str) -> String {
    format!("file {name}")
}
