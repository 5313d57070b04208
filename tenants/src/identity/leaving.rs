//! Deleting one's account. What a person wrote stays with their organisations; what they are to us goes.

use entities::{
    control::{email_changes, memberships, pictures, recoveries, sessions, sign_ups, users},
    tenant::{members, roles},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, TransactionSession, TransactionTrait,
    sea_query::Expr,
};

use super::{
    Identity, Visit,
    letters::{Letter, Post},
};
use crate::{
    Actor, TenantDb,
    error::{Code, Error, Result},
    security_log::{self, Event, Kind},
};

impl Identity {
    /// Deletes a person: archived as a member everywhere, erased from the control plane, signed out.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS` for the password; `CONFLICT` naming an organisation of which they are the only owner.
    pub async fn delete_account(&self, user: &users::Model, password: &str, visit: &Visit) -> Result<()> {
        self.demand_password(user, password, visit).await?;
        let organisations = self.registry.of_user(user.id).await?;
        // look everywhere before leaving anywhere
        for (row, tenant) in &organisations {
            let db = self.registry.space(tenant.id).await?;
            if only_owner(&db, row.member_id).await? {
                return Err(needed(&tenant.name));
            }
        }
        for (row, tenant) in &organisations {
            self.leave(&self.registry.space(tenant.id).await?, row, &tenant.name, visit).await?;
        }
        let tx = self.registry.control().begin().await?;
        sessions::Entity::delete_many().filter(sessions::Column::UserId.eq(user.id)).exec(&tx).await?;
        memberships::Entity::delete_many().filter(memberships::Column::UserId.eq(user.id)).exec(&tx).await?;
        pictures::Entity::delete_by_id(user.id).exec(&tx).await?;
        email_changes::Entity::delete_by_id(user.id).exec(&tx).await?;
        recoveries::Entity::delete_many().filter(recoveries::Column::EmailKey.eq(&user.email_key)).exec(&tx).await?;
        sign_ups::Entity::delete_many().filter(sign_ups::Column::EmailKey.eq(&user.email_key)).exec(&tx).await?;
        users::Entity::delete_by_id(user.id).exec(&tx).await?;
        let (to, language) = (Some(user.email.clone()), user.language.clone());
        self.write(&tx, &Post { to, language, letter: Letter::AccountDeleted }).await?;
        tx.commit().await?;
        self.registry.tickets().wake();
        Ok(())
    }

    /// Archives a member, unless the organisation would have no owner.
    async fn leave(&self, db: &TenantDb, row: &memberships::Model, name: &str, visit: &Visit) -> Result<()> {
        let (now, actor) = (self.registry.clock().micros(), Actor::Member(row.member_id));
        let tx = db.begin().await?;
        // two owners who leave at once take their turns on this row
        roles::Entity::update_many()
            .col_expr(roles::Column::Name, Expr::value(OWNER))
            .filter(roles::Column::Name.eq(OWNER))
            .exec(&tx)
            .await?;
        if only_owner(&tx, row.member_id).await? {
            return Err(needed(name));
        }
        let archived = members::ActiveModel {
            archived_at: Set(Some(now)),
            updated_at: Set(now),
            updated_by: Set(actor.stored()),
            ..Default::default()
        };
        members::Entity::update_many().set(archived).filter(members::Column::Id.eq(row.member_id)).exec(&tx).await?;
        let event = Event::new(Kind::MemberChanged).by(actor).from(visit).with("left", true);
        security_log::note(&tx, event, now).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The role that every organisation has somebody in.
const OWNER: &str = "owner";

async fn only_owner(db: &impl sea_orm::ConnectionTrait, member: entities::ids::MemberId) -> Result<bool> {
    let Some(owner) = roles::Entity::find().filter(roles::Column::Name.eq(OWNER)).one(db).await? else {
        return Ok(false);
    };
    let owners = || {
        let active = members::Entity::find().filter(members::Column::ArchivedAt.is_null());
        active.filter(members::Column::RoleId.eq(owner.id))
    };
    let is_one = owners().filter(members::Column::Id.eq(member)).count(db).await? > 0;
    Ok(is_one && owners().filter(members::Column::Id.ne(member)).count(db).await? == 0)
}

fn needed(organisation: &str) -> Error {
    let told = format!("You are the only owner of {organisation}; make somebody else an owner first.");
    Error::new(Code::Conflict, told).with("organisation", organisation)
}
