//! Lists and ends a person's sessions.

use entities::{
    control::{sessions, users},
    ids::{SessionId, UserId},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{ClientInfo, Identity, agents, sessions::MOST};
use crate::{
    error::{Code, Error, Result},
    security_log::{Event, Kind},
};

/// A session as shown to its person.
#[derive(Clone, Debug)]
pub struct OpenSession {
    pub id: SessionId,
    /// `Firefox on Linux`, from what the client says about itself.
    pub device: String,
    /// The address it was last used from.
    pub address: String,
    /// Microseconds UTC.
    pub created_at: i64,
    /// When tokens were last issued, microseconds UTC.
    pub used_at: i64,
    /// When it ends if it is not used, microseconds UTC.
    pub expires_at: i64,
    /// Whether it lasts for 30 days without use.
    pub remembered: bool,
}

impl Identity {
    /// The sessions of a person that have not ended.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<OpenSession>> {
        let rows = sessions::Entity::find()
            .filter(sessions::Column::UserId.eq(user))
            .filter(sessions::Column::RevokedAt.is_null())
            .filter(sessions::Column::ExpiresAt.gt(self.registry.clock().micros()))
            .order_by_desc(sessions::Column::UsedAt)
            .limit(MOST);
        let rows = rows.all(self.registry.control().read()).await?;
        Ok(rows.into_iter().map(OpenSession::from).collect())
    }

    /// Ends one session of a person.
    ///
    /// # Errors
    /// `NOT_FOUND` if it is not theirs, or has ended.
    pub async fn sign_out(&self, user: &users::Model, session: SessionId, client: &ClientInfo) -> Result<()> {
        if !self.end_session(user.id, session).await? {
            return Err(Error::new(Code::NotFound, "There is no such session; it may have ended already."));
        }
        self.log(user.id, Event::new(Kind::SignedOut).from(client)).await;
        Ok(())
    }

    /// Ends all sessions of a person; no device stays trusted.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn sign_out_everywhere(&self, user: &users::Model, client: &ClientInfo) -> Result<()> {
        let tx = self.registry.control().begin().await?;
        self.forget_trust(&tx, user.id).await?;
        self.end_sessions(&tx, user.id, None).await?;
        tx.commit().await?;
        self.log(user.id, Event::new(Kind::SignedOut).from(client).with("everywhere", true)).await;
        Ok(())
    }
}

impl From<sessions::Model> for OpenSession {
    fn from(row: sessions::Model) -> Self {
        Self {
            id: row.id,
            device: agents::device(&row.agent),
            address: row.address,
            created_at: row.created_at,
            used_at: row.used_at,
            expires_at: row.expires_at,
            remembered: row.life == super::sessions::REMEMBERED,
        }
    }
}
