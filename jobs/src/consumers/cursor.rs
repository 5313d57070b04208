//! The rows that say how far consumers have come.

use entities::tenant::consumers;
use records::engine::Place;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, TransactionSession, sea_query::OnConflict};
use tenants::{TenantDb, error::Result};

/// How far a consumer has come; nothing if it is new.
pub(super) async fn load(db: &TenantDb, name: &str) -> Result<Option<consumers::Model>> {
    Ok(consumers::Entity::find_by_id(name).one(db).await?)
}

/// Where a consumer goes on.
pub(super) fn place(row: &consumers::Model) -> Place {
    Place { seq: row.seq, n: row.n }
}

/// Has a consumer begin anew: with the records as they are, then with what comes from this place on.
pub(super) async fn restart(db: &TenantDb, name: &str, from: Place, now: i64) -> Result<()> {
    let row = consumers::ActiveModel {
        name: Set(name.to_owned()),
        seq: Set(from.seq),
        n: Set(from.n),
        rebuilding: Set(true),
        updated_at: Set(now),
    };
    let again = OnConflict::column(consumers::Column::Name)
        .update_columns([
            consumers::Column::Seq,
            consumers::Column::N,
            consumers::Column::Rebuilding,
            consumers::Column::UpdatedAt,
        ])
        .to_owned();
    // a transaction, because only its commit is fenced
    let tx = db.begin_write().await?;
    consumers::Entity::insert(row).on_conflict(again).exec_without_returning(&tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Moves a consumer on.
pub(super) async fn advance(db: &TenantDb, name: &str, to: Place, now: i64) -> Result<()> {
    let changed = consumers::ActiveModel {
        seq: Set(to.seq),
        n: Set(to.n),
        rebuilding: Set(false),
        updated_at: Set(now),
        ..Default::default()
    };
    let tx = db.begin_write().await?;
    consumers::Entity::update_many().set(changed).filter(consumers::Column::Name.eq(name)).exec(&tx).await?;
    tx.commit().await?;
    Ok(())
}
