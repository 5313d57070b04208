//! Rotates a tenant's data key. From the next version of its catalog on, everything is sealed with the new key; a job
//! reseals what is under older ones. A separate command drops the old keys once nothing uses them.

use entities::{
    control::{data_keys, tenants},
    ids::TenantId,
    tenant::clock,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, TransactionSession,
    sea_query::{Expr, OnConflict},
};
use serde::{Deserialize, Serialize};

use crate::{
    Actor, Registry,
    error::{Code, Error, Result},
    keys::{Held, KeyId, Purpose},
    registry::{open::held_keys, watch},
    security_log::{self, Event, Kind},
    work::{Job, NewWork, Queue, enqueue},
};

/// What is sealed with older keys of the tenant is to be sealed anew.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reseal {}

impl Job for Reseal {
    const QUEUE: Queue = Queue::long("keys.reseal");

    fn key(&self) -> Option<String> {
        Some("reseal".to_owned())
    }
}

/// How long other processes may still seal with an older key, microseconds: they check every second.
const LOOKED: i64 = 10 * 1_000_000;

impl Registry {
    /// Adds a new data key and queues the job that reseals everything with it.
    ///
    /// # Errors
    /// `NOT_FOUND`; `CONFLICT` while another process changes keys.
    pub async fn rotate_data_key(&self, tenant: &tenants::Model) -> Result<KeyId> {
        let _alone = self.alone()?;
        let db = self.space(tenant.id).await?;
        let known = held_keys(self.control(), tenant.id).await?;
        let newest = known.iter().filter(|held| held.purpose == Purpose::Data).map(|held| held.id.0).max();
        let newest = newest.ok_or_else(|| Error::internal("the tenant's key is gone"))?;
        // a key that an interrupted rotation left unused is used now
        let id = if KeyId(newest) > db.key().current() { KeyId(newest) } else { KeyId(newest + 1) };
        let mut new = self.master().keys_of_their_own(tenant.id, &known)?;
        if id.0 > newest {
            new.push(self.master().new_key(tenant.id, Purpose::Data, id)?);
        }
        self.keep(tenant.id, new).await?;
        let now = self.clock().micros();
        let tx = db.begin_write().await?;
        clock::Entity::update_many()
            .col_expr(clock::Column::DataKey, Expr::value(i64::from(id.0)))
            .col_expr(clock::Column::CatalogVersion, Expr::col(clock::Column::CatalogVersion).add(1))
            .exec(&tx)
            .await?;
        enqueue(&db, &tx, NewWork::of(&Reseal {}, now)?, now).await?;
        let event = Event::new(Kind::EncryptionChanged).by(Actor::System).with("dataKey", id.to_string());
        security_log::note(&tx, event, now).await?;
        tx.commit().await?;
        watch::tell(self.control().write()).await?;
        db.seal_with(i64::from(id.0)).await?;
        db.tickets().wake();
        Ok(id)
    }

    async fn keep(&self, tenant: TenantId, keys: Vec<Held>) -> Result<()> {
        let now = self.clock().micros();
        let rows = keys.into_iter().map(|held| data_keys::ActiveModel {
            tenant_id: Set(tenant),
            purpose: Set(held.purpose.name().to_owned()),
            id: Set(i64::from(held.id.0)),
            wrapped: Set(held.wrapped),
            created_at: Set(now),
        });
        for row in rows {
            let insert = data_keys::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
            insert.exec_without_returning(self.control().write()).await?;
        }
        Ok(())
    }

    /// Drops the data keys that a tenant no longer seals with. One that a rotation has just added stays: files are sealed
    /// with it already. The caller must have checked that nothing is sealed with
    /// them. Returns how many were dropped.
    ///
    /// # Errors
    /// `CONFLICT` while other processes may still seal with them.
    pub async fn drop_older_data_keys(&self, tenant: TenantId) -> Result<u64> {
        let _alone = self.alone()?;
        let current = i64::from(self.space(tenant).await?.key().current().0);
        let of_data = || {
            data_keys::Entity::find()
                .filter(data_keys::Column::TenantId.eq(tenant))
                .filter(data_keys::Column::Purpose.eq(Purpose::Data.name()))
        };
        let newest = of_data().order_by_desc(data_keys::Column::CreatedAt).one(self.control().read()).await?;
        if newest.is_some_and(|newest| newest.created_at + LOOKED > self.clock().micros()) {
            let message = "Other processes may still use the old key. Retire it in a few seconds.";
            return Err(Error::new(Code::Conflict, message));
        }
        let gone = data_keys::Entity::delete_many()
            .filter(data_keys::Column::TenantId.eq(tenant))
            .filter(data_keys::Column::Purpose.eq(Purpose::Data.name()))
            .filter(data_keys::Column::Id.lt(current))
            .exec(self.control().write())
            .await?;
        Ok(gone.rows_affected)
    }
}
