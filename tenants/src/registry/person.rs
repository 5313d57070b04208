//! A person who joins an organisation. An existing person who is gone meanwhile has deleted their account, and is never
//! stored again.

use entities::{control::users, ids::UserId};
use sea_orm::{DatabaseTransaction, EntityTrait, IntoActiveModel, QuerySelect};

use crate::{
    db::violation,
    error::{Code, Error, Result},
};

/// A person, new or existing.
#[derive(Clone, Debug)]
pub enum Person {
    /// They have no account yet.
    New(users::Model),
    /// They have an account.
    Known(users::Model),
}

impl Person {
    /// Their profile.
    pub fn row(&self) -> &users::Model {
        match self {
            Person::New(row) | Person::Known(row) => row,
        }
    }

    /// Makes sure that they exist, and keeps them until the transaction of the control plane ends.
    pub(crate) async fn save(&self, tx: &DatabaseTransaction) -> Result<()> {
        match self {
            Person::New(row) => {
                let inserted = users::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await;
                inserted.map(drop).map_err(|error| match violation(&error) {
                    Some(_) => Error::new(Code::Conflict, "This address already has an account. Sign in first."),
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

/// Reads a person and locks them until the transaction ends.
pub(crate) async fn hold(tx: &DatabaseTransaction, id: UserId) -> Result<Option<users::Model>> {
    // SQLite has one writer at a time, so it needs no lock
    Ok(users::Entity::find_by_id(id).lock_exclusive().one(tx).await?)
}
