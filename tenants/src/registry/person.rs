//! Somebody who gets a place in an organisation. Whoever was known and is gone meanwhile has deleted their account: they
//! are never written down again.

use entities::{control::users, ids::UserId};
use sea_orm::{DatabaseTransaction, EntityTrait, IntoActiveModel, QuerySelect};

use crate::{
    db::violation,
    error::{Code, Error, Result},
};

/// A person, new or known.
#[derive(Clone, Debug)]
pub enum Person {
    /// Nobody knows them yet.
    New(users::Model),
    /// They have an account.
    Known(users::Model),
}

impl Person {
    /// What is known of them.
    pub fn row(&self) -> &users::Model {
        match self {
            Person::New(row) | Person::Known(row) => row,
        }
    }

    /// Sees to it that they exist, and go on existing until the transaction of the control plane ends.
    pub(crate) async fn settle(&self, tx: &DatabaseTransaction) -> Result<()> {
        match self {
            Person::New(row) => {
                let inserted = users::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await;
                inserted.map(drop).map_err(|error| match violation(&error) {
                    Some(_) => Error::new(Code::Conflict, "This address has an account already; sign in first."),
                    None => error.into(),
                })
            }
            Person::Known(row) => match hold(tx, row.id).await? {
                Some(_) => Ok(()),
                None => Err(Error::new(Code::Unauthenticated, "This account was deleted.")),
            },
        }
    }
}

/// A person as they are now, whom nobody else changes until the transaction ends.
pub(crate) async fn hold(tx: &DatabaseTransaction, id: UserId) -> Result<Option<users::Model>> {
    // SQLite has one writer at a time, and no such lock
    Ok(users::Entity::find_by_id(id).lock_exclusive().one(tx).await?)
}
