//! An open change of the catalog: one transaction over its tables and its rows. Others see all of it or nothing.
//!
//! Changes of one tenant's catalog wait for each other at the `catalog` counter. Locks are taken in the order that the
//! record engine uses, tables before the clock, and with a short timeout: a change that cannot lock its table releases
//! everything and tries again, so that no reader queues behind it.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use entities::{
    ids::{FieldId, ObjectId},
    tenant::{clock, counters},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, TransactionSession, sea_query::Expr,
};
use tenants::{
    Code, Dialect, Error, TenantDb, TenantTx,
    error::Result,
    work::{NewWork, enqueue},
};

use super::{
    Catalog, Field, Object, cache,
    jobs::{Build, DropRetired},
    store,
};
use crate::engine::note_rebuilt;

/// How long a statement waits for a lock, milliseconds.
const LOCK_TIMEOUT: u32 = 150;
/// How long a change keeps trying before it gives up.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long deleted columns and tables are kept, microseconds: 30 days.
pub(super) const KEPT: i64 = 30 * 24 * 3_600 * 1_000_000;

/// The name of the counter where changes of the catalog wait for each other; its value is the last physical number
/// used.
const COUNTER: &str = "catalog";

/// An open change.
pub(super) struct Edit<'a> {
    db: &'a TenantDb,
    pub(super) tx: TenantTx,
    /// The catalog as it will be once this change is committed.
    pub(super) catalog: Catalog,
    /// Microseconds UTC.
    pub(super) now: i64,
    last_number: i64,
    version: Option<i64>,
    changed: bool,
    retired: bool,
    /// Rollups that were computed anew for records that existed before.
    rebuilt: BTreeMap<ObjectId, Vec<FieldId>>,
}

/// The body of a change, which borrows it.
pub(super) type Doing<'e, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'e>>;

/// Runs a change, again if others were in the way. When it returns, this process knows the new catalog.
pub(super) async fn edit<'a, T: Send>(
    db: &'a TenantDb,
    now: i64,
    mut change: impl for<'e> FnMut(&'e mut Edit<'a>) -> Doing<'e, T> + Send,
) -> Result<T> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(50);
    loop {
        let result = async {
            let mut edit = Edit::begin(db, now).await?;
            let done = change(&mut edit).await?;
            edit.commit().await?;
            Ok(done)
        };
        match result.await {
            Err(error) if Error::code(&error) == Code::Busy && begun.elapsed() < PATIENCE => {
                tokio::time::sleep(pause).await;
                pause += Duration::from_millis(20);
            }
            other => return other,
        }
    }
}

impl<'a> Edit<'a> {
    async fn begin(db: &'a TenantDb, now: i64) -> Result<Self> {
        let tx = db.begin_write().await?;
        tx.set_lock_timeout(LOCK_TIMEOUT).await?;
        // an update that changes nothing takes the lock on both databases
        counters::Entity::update_many()
            .col_expr(counters::Column::Value, Expr::col(counters::Column::Value))
            .filter(counters::Column::Name.eq(COUNTER))
            .exec(&tx)
            .await?;
        let counter = counters::Entity::find_by_id(COUNTER).one(&tx).await?;
        let last_number = counter.ok_or_else(|| Error::internal("the catalog has no counter row"))?.value;
        let catalog = store::load(db, &tx).await?;
        Ok(Self {
            db,
            tx,
            catalog,
            now,
            last_number,
            version: None,
            changed: false,
            retired: false,
            rebuilt: BTreeMap::new(),
        })
    }

    /// From here on nobody writes records until this change is done, so what is read now stays true. Returns the
    /// version that the catalog will have.
    pub(super) async fn freeze(&mut self) -> Result<i64> {
        if let Some(version) = self.version {
            return Ok(version);
        }
        clock::Entity::update_many()
            .col_expr(clock::Column::CatalogVersion, Expr::cust("catalog_version + 1"))
            .filter(clock::Column::Id.eq(1_i16))
            .exec(&self.tx)
            .await?;
        let version = store::version(&self.tx).await?;
        self.version = Some(version);
        Ok(version)
    }

    async fn commit(mut self) -> Result<()> {
        if !self.changed {
            self.tx.rollback().await?;
            return Ok(());
        }
        let counter = counters::ActiveModel { name: Set(COUNTER.to_owned()), value: Set(self.last_number) };
        counters::Entity::update(counter).exec(&self.tx).await?;
        if self.retired {
            self.ask_to_drop().await?;
        }
        let version = self.freeze().await?;
        if !self.rebuilt.is_empty() {
            note_rebuilt(self.db, &self.tx, version, self.now, std::mem::take(&mut self.rebuilt)).await?;
        }
        self.tx.commit().await?;
        self.db.tickets().wake();
        let Catalog { objects, rates, .. } = self.catalog;
        let catalog = Arc::new(Catalog::new(version, objects).with_rates(rates));
        cache::remember(self.db, catalog);
        Ok(())
    }

    /// The tenant's id.
    pub(super) fn db(&self) -> &'a TenantDb {
        self.db
    }

    /// The kind of database.
    pub(super) fn dialect(&self) -> Dialect {
        self.tx.dialect()
    }

    /// The next physical name: `o12`, `f87`, `l3`.
    pub(super) fn physical(&mut self, letter: char) -> String {
        self.last_number += 1;
        format!("{letter}{}", self.last_number)
    }

    /// Runs statements that change tables.
    pub(super) async fn run(&self, statements: impl IntoIterator<Item = String>) -> Result<()> {
        for sql in statements {
            self.tx.execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    /// The object with this name, or an error.
    pub(super) fn object(&self, name: &str) -> Result<&Object> {
        self.catalog.object(name).ok_or_else(|| no_object(name))
    }

    /// The object with this id, or an error.
    pub(super) fn object_by_id(&self, id: ObjectId) -> Result<&Object> {
        self.catalog.object_by_id(id).ok_or_else(|| Error::new(Code::NotFound, "There is no such object."))
    }

    /// The field with this id, or an error.
    pub(super) fn field(&self, id: FieldId) -> Result<&Field> {
        self.catalog.field(id).ok_or_else(|| Error::new(Code::NotFound, "There is no such field."))
    }

    /// Adds a new object.
    pub(super) async fn insert_object(&mut self, object: Object) -> Result<()> {
        store::insert_object(&self.tx, &object, self.now).await?;
        let mut objects = std::mem::take(&mut self.catalog.objects);
        objects.push(object);
        self.replace(objects);
        Ok(())
    }

    /// Adds a new field to its object.
    pub(super) async fn insert_field(&mut self, field: Field, indexed: bool) -> Result<()> {
        store::insert_field(&self.tx, &field, indexed, self.now).await?;
        self.with_object(field.object, |object| object.fields.push(field));
        Ok(())
    }

    /// Writes a field that was changed.
    pub(super) async fn update_field(&mut self, field: Field) -> Result<()> {
        store::update_field(&self.tx, &field).await?;
        self.with_object(field.object, |object| {
            object.fields.retain(|other| other.id != field.id);
            object.fields.push(field);
        });
        Ok(())
    }

    /// Leaves a column or table for maintenance to drop.
    pub(super) fn leave(&mut self) {
        self.retired = true;
    }

    /// Deletes a field; maintenance drops its column.
    pub(super) async fn retire_field(&mut self, field: &Field) -> Result<()> {
        self.leave();
        store::retire_field(&self.tx, field.id, self.now).await?;
        self.with_object(field.object, |object| object.fields.retain(|other| other.id != field.id));
        Ok(())
    }

    /// Replaces an object of the snapshot, whose rows are already written.
    pub(super) fn with_object(&mut self, id: ObjectId, change: impl FnOnce(&mut Object)) {
        let mut objects = std::mem::take(&mut self.catalog.objects);
        if let Some(object) = objects.iter_mut().find(|object| object.id == id) {
            change(object);
        }
        self.replace(objects);
    }

    /// Replaces these objects in the snapshot.
    pub(super) fn replace(&mut self, objects: Vec<Object>) {
        self.changed = true;
        let sorted = objects.into_iter().map(|mut object| {
            let fields = std::mem::take(&mut object.fields);
            object.with_fields(fields)
        });
        let rates = std::mem::take(&mut self.catalog.rates);
        self.catalog = Catalog::new(self.catalog.version, sorted.collect()).with_rates(rates);
    }

    /// Tells the feed that a rollup was computed anew, once this change is committed.
    pub(super) fn rebuilt(&mut self, rollup: &Field) {
        self.rebuilt.entry(rollup.object).or_default().push(rollup.id);
    }

    /// Marks that rows changed which the snapshot does not hold.
    pub(super) fn touch(&mut self) {
        self.changed = true;
    }

    /// Queues what is to be built once this change is committed.
    pub(super) async fn ask_to_build(&self, what: Build) -> Result<()> {
        enqueue(self.db, &self.tx, NewWork::of(&what, self.now)?, self.now).await
    }

    /// Queues the dropping of what this change deletes, for the time when it can no longer be restored.
    async fn ask_to_drop(&self) -> Result<()> {
        enqueue(self.db, &self.tx, NewWork::of(&DropRetired {}, self.now + KEPT)?, self.now).await
    }
}

/// The error for an unknown name.
pub(super) fn no_object(name: &str) -> Error {
    Error::new(Code::NotFound, format!("There is no object `{name}`; the query `objects` lists all."))
}
