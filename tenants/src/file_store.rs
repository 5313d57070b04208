//! Where the files of all tenants are stored: a folder of this machine, or a bucket. Each tenant has a folder of its own
//! in it. What is written there was sealed before; the crate `files` does that.
//!
//! All nodes of an installation use the same store. The control plane knows which one, and nobody starts with another.

use std::{fs, path::PathBuf, sync::Arc};

use entities::{control::file_stores, ids::TenantId};
use futures::TryStreamExt;
use object_store::{Error as StoreError, ObjectStore, local::LocalFileSystem, path::Path};
use sea_orm::{ActiveValue::Set, DbErr, EntityTrait, IntoActiveModel, sea_query::OnConflict};
use uuid::Uuid;

use crate::{
    control::Control,
    error::{Code, Error, Result},
    keys,
};

/// The file that identifies a folder. It is copied with the folder.
const ID: &str = "files.id";

/// The installation's file store.
#[derive(Clone, Debug)]
pub struct FileStore {
    objects: Arc<dyn ObjectStore>,
    /// Its root, where it is a folder of this machine.
    local: Option<PathBuf>,
    /// What tells it from others.
    place: String,
}

impl FileStore {
    /// A folder of this machine, which must exist. What is written there is on the disk before it counts as written.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn folder(root: &std::path::Path) -> Result<Self> {
        let store = LocalFileSystem::new_with_prefix(root).map_err(failed)?;
        let local = root.canonicalize().map_err(Error::internal)?;
        let id = root.join(ID);
        if !id.exists() {
            keys::create(&id, Uuid::new_v4().to_string().as_bytes())?;
        }
        let place = fs::read_to_string(&id).map_err(|error| {
            Error::new(Code::BadRequest, format!("The file {} cannot be read: {error}.", id.display()))
        })?;
        let place = format!("folder {}", place.trim());
        Ok(Self { objects: Arc::new(store.with_fsync(true).with_automatic_cleanup(true)), local: Some(local), place })
    }

    /// A store that all nodes reach, at an address.
    pub fn shared(objects: Arc<dyn ObjectStore>, address: &str) -> Self {
        Self { objects, local: None, place: address.to_owned() }
    }

    /// The folder of a tenant in it.
    pub fn of(&self, tenant: TenantId) -> FileFolder {
        let id = tenant.to_string();
        // as the tenant's folder under the data folder
        let (_, last) = id.split_at(id.len() - 2);
        let path = Path::from_iter(["tenants", last, id.as_str(), "files"]);
        let local = self.local.as_ref().map(|root| root.join(path.as_ref()));
        FileFolder { objects: Arc::clone(&self.objects), path, local }
    }

    /// Makes this the store of the installation if it has none yet.
    ///
    /// # Errors
    /// `BAD_REQUEST` if the installation has another one: what is in one of them would be missing in the other.
    pub async fn check(&self, control: &Control) -> Result<()> {
        let insert = file_stores::Entity::insert(self.row()).on_conflict(OnConflict::new().do_nothing().to_owned());
        match insert.exec_without_returning(control.write()).await {
            Ok(_) | Err(DbErr::RecordNotInserted) => {}
            Err(error) => return Err(error.into()),
        }
        let known = file_stores::Entity::find_by_id(file_stores::ONLY).one(control.write()).await?;
        match known {
            Some(known) if known.place != self.place => Err(self.refused(&known.place)),
            _ => Ok(()),
        }
    }

    /// Makes this the store of the installation, whichever it was.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn adopt(&self, control: &Control) -> Result<()> {
        let again = OnConflict::column(file_stores::Column::Id).update_column(file_stores::Column::Place).to_owned();
        file_stores::Entity::insert(self.row()).on_conflict(again).exec_without_returning(control.write()).await?;
        Ok(())
    }

    fn row(&self) -> file_stores::ActiveModel {
        let row = file_stores::Model { id: file_stores::ONLY, place: self.place.clone() };
        // the id is not the database's to choose
        file_stores::ActiveModel { id: Set(file_stores::ONLY), ..row.into_active_model() }
    }

    fn refused(&self, known: &str) -> Error {
        let theirs = if known.starts_with("folder ") { "the data folder of another machine" } else { known };
        let ours = if self.local.is_some() { "its own data folder" } else { self.place.as_str() };
        Error::new(
            Code::BadRequest,
            format!(
                "The files of this installation are stored in {theirs}, and this node would store them in {ours}. Nodes \
                 that share a database must share a bucket: set `files` to the same s3:// address on all of them. If \
                 all files were moved here, or the others are lost, run `clientele files adopt`."
            ),
        )
    }
}

/// The folder of one tenant.
#[derive(Clone, Debug)]
pub struct FileFolder {
    /// The store that it is in.
    pub objects: Arc<dyn ObjectStore>,
    /// Its path in the store.
    pub path: Path,
    /// The same on the disk, where the store is a folder of this machine.
    pub local: Option<PathBuf>,
}

impl FileFolder {
    /// Deletes everything in it.
    ///
    /// # Errors
    /// As [`failed`].
    pub(crate) async fn clear(&self) -> Result<()> {
        let all = self.objects.list(Some(&self.path));
        let paths = Box::pin(all.map_ok(|object| object.location));
        self.objects.delete_stream(paths).try_for_each(|_| async { Ok(()) }).await.map_err(failed)
    }
}

/// What a store's error means: `NOT_FOUND`, `STORAGE_FULL`, or `UNAVAILABLE` for everything that may be over later.
pub fn failed(error: StoreError) -> Error {
    if matches!(error, StoreError::NotFound { .. }) {
        return Error::new(Code::NotFound, "There is no such file.").caused_by(error);
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(one) = cause {
        let full = one.downcast_ref::<std::io::Error>();
        if full.is_some_and(|error| error.kind() == std::io::ErrorKind::StorageFull) {
            return Error::of(Code::StorageFull).caused_by(error);
        }
        cause = one.source();
    }
    unavailable(error)
}

/// The error of a store that does not do what it must.
pub fn unavailable(error: StoreError) -> Error {
    // the operator must learn of wrong credentials too
    tracing::warn!(%error, "the file store failed");
    Error::new(Code::Unavailable, "The file store does not answer. Try again later.").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn an_installation_has_one_store() {
        let (registry, _) = testing::registry(Arc::new(testing::Bare)).await;
        let control = registry.control();
        let (mine, other) = (testing::folder(), testing::folder());
        let store = |root: &std::path::Path| FileStore::folder(root).unwrap();
        store(&mine).adopt(control).await.unwrap();
        store(&mine).check(control).await.unwrap();
        let error = store(&other).check(control).await.unwrap_err();
        assert!(error.code() == Code::BadRequest && error.message().contains("files adopt"), "{error:?}");
        // the folder is known by its file, wherever it is moved to
        fs::copy(mine.join(ID), other.join(ID)).unwrap();
        store(&other).check(control).await.unwrap();
        let bucket = FileStore::shared(Arc::new(object_store::memory::InMemory::new()), "s3://bucket/crm");
        assert_eq!(bucket.check(control).await.unwrap_err().code(), Code::BadRequest);
        bucket.adopt(control).await.unwrap();
        bucket.check(control).await.unwrap();
        let error = store(&mine).check(control).await.unwrap_err();
        assert!(error.message().contains("s3://bucket/crm"), "{error:?}");
    }

    #[test]
    fn a_full_disk_is_told_from_a_store_that_is_down() {
        let of = |kind: std::io::ErrorKind| {
            let source = Box::new(std::io::Error::from(kind));
            failed(StoreError::Generic { store: "test", source }).code()
        };
        assert_eq!(of(std::io::ErrorKind::StorageFull), Code::StorageFull);
        assert_eq!(of(std::io::ErrorKind::ConnectionRefused), Code::Unavailable);
    }
}
