//! Files of real tenants, in a folder.

use std::{
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
    sync::Arc,
};

use futures::TryStreamExt;
use sea_orm::EntityTrait;
use tenants::{Code, Error, Registry, TenantDb, error::Result, keys::KeyId, testing};

use super::{Entry, Files, of_reading};

/// Bytes that tell where they are.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

async fn read(files: &Files, name: &str) -> Result<Vec<u8>> {
    let parts: Vec<_> = files.read(name).await?.try_collect().await?;
    Ok(parts.concat())
}

async fn names(files: &Files, under: &str) -> Vec<String> {
    let entries: Vec<Entry> = files.list(under).try_collect().await.unwrap();
    let mut names: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
    names.sort();
    names
}

fn on_disk(db: &TenantDb, name: &str) -> PathBuf {
    db.about().files.local.as_ref().unwrap().join(name)
}

#[tokio::test]
async fn a_large_file_is_read_as_it_was_written() {
    let db = testing::space().await;
    let (files, whole) = (Files::of(&db), bytes(5_500_005));
    let mut upload = files.upload("a/large");
    for part in whole.chunks(1_000_003) {
        upload.write(part).await.unwrap();
    }
    assert_eq!(files.open("a/large").await.unwrap_err().code(), Code::NotFound, "it is there once it is whole");
    upload.finish().await.unwrap();
    assert!(read(&files, "a/large").await.unwrap() == whole);
    let mut reader = files.open("a/large").await.unwrap();
    tokio::task::spawn_blocking(move || {
        for place in [5_000_000, whole.len() - 1, whole.len(), 65_536, whole.len() + 100] {
            reader.seek(SeekFrom::Start(place as u64)).unwrap();
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).unwrap();
            assert!(rest == whole[place.min(whole.len())..], "{place}");
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn files_stay_apart() {
    let (one, other) = (testing::space().await, testing::space().await);
    let (mine, theirs) = (Files::of(&one), Files::of(&other));
    mine.put("a/1", b"Quartermaine").await.unwrap();
    mine.put("a/b/2", b"").await.unwrap();
    mine.put("ab/3", b"x").await.unwrap();
    theirs.put("a/1", b"theirs").await.unwrap();
    assert_eq!(names(&mine, "a").await, ["a/1", "a/b/2"]);
    assert_eq!(read(&mine, "a/1").await.unwrap(), b"Quartermaine");
    assert_eq!(read(&mine, "a/b/2").await.unwrap(), b"");
    // nobody leaves their folder
    mine.put("../../escaped", b"x").await.unwrap();
    assert_eq!(names(&mine, "").await.len(), 4);

    let stored = std::fs::read(on_disk(&one, "a/1")).unwrap();
    assert!(!stored.windows(12).any(|window| window == b"Quartermaine"));
    for (db, files, name) in [(&one, &mine, "ab/3"), (&other, &theirs, "a/1")] {
        std::fs::write(on_disk(db, name), &stored).unwrap();
        assert_eq!(read(files, name).await.unwrap_err().code(), Code::BadFile, "it is bound to its name and tenant");
    }
    std::fs::write(on_disk(&one, "a/1"), &stored[..stored.len() - 1]).unwrap();
    let mut cut = mine.open("a/1").await.unwrap();
    let error = tokio::task::spawn_blocking(move || cut.read(&mut [0; 10]).unwrap_err()).await.unwrap();
    assert_eq!(of_reading(error).unwrap().code(), Code::BadFile);

    mine.delete("a/1").await.unwrap();
    mine.delete("a/1").await.unwrap();
    assert_eq!(names(&mine, "a").await, ["a/b/2"]);
}

#[tokio::test]
async fn an_upload_that_is_dropped_leaves_nothing() {
    let db = testing::space().await;
    let files = Files::of(&db);
    let mut upload = files.upload("a/1");
    upload.write(&bytes(5_500_000)).await.unwrap();
    assert!(on_disk(&db, "a/1#1").exists());
    drop(upload);
    // what takes it back runs beside
    let gone = async {
        while on_disk(&db, "a/1#1").exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone).await.unwrap();
    assert!(names(&files, "").await.is_empty());
}

/// A tenant, and the same as another process has it open.
async fn twice() -> (Registry, entities::control::tenants::Model, TenantDb, TenantDb) {
    let (registry, owner) = testing::registry(Arc::new(testing::Bare)).await;
    let (tenant, _) = registry.create(testing::organisation(), owner).await.unwrap();
    let open = registry.space(tenant).await.unwrap();
    registry.forget(tenant);
    let row = entities::control::tenants::Entity::find_by_id(tenant).one(registry.control().read()).await.unwrap();
    let again = registry.space(tenant).await.unwrap();
    (registry, row.unwrap(), open, again)
}

fn key_of(db: &TenantDb, name: &str) -> Option<KeyId> {
    tenants::sealed::key_of_file(&std::fs::read(on_disk(db, name)).unwrap())
}

#[tokio::test]
async fn files_outlive_the_keys_that_sealed_them() -> Result<(), Error> {
    let (registry, row, old, new) = twice().await;
    let (before, after) = (Files::of(&old), Files::of(&new));
    before.put("waits", b"one").await?;
    let mut upload = before.upload("under-way");
    upload.write(b"two").await?;
    let mut retired = before.upload("late");
    retired.write(b"three").await?;
    registry.rotate_data_key(&row).await?;
    // another process still has the old key alone
    assert!(!old.key().has(KeyId(2)));
    upload.finish().await?;
    assert_eq!(key_of(&new, "under-way"), Some(KeyId(2)), "nobody looks for it a second time");
    assert_eq!(key_of(&new, "waits"), Some(KeyId(1)));
    after.reseal("waits").await?;
    assert_eq!(key_of(&new, "waits"), Some(KeyId(2)));
    registry.clock().advance(60_000_000);
    assert_eq!(registry.drop_older_data_keys(row.id).await?, 1);
    for (files, name, wanted) in [(&before, "waits", "one"), (&before, "under-way", "two"), (&after, "waits", "one")] {
        assert_eq!(read(files, name).await?, wanted.as_bytes());
    }
    assert_eq!(retired.finish().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(names(&after, "").await, ["under-way", "waits"], "what nobody could read is not there");
    Ok(())
}
