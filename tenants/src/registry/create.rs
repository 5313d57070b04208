//! Creates a tenant: first its row and keys, then its space. It becomes active only when everything is ready. The sweep
//! removes what a crash leaves unfinished.

use std::fs;

use entities::{
    control::{data_keys, memberships, tenants, users},
    ids::{MemberId, RoleId, TenantId, UserId},
    tenant::{clock, members, roles},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr,
};

use super::{Person, Registry};
use crate::{
    access,
    caller::Actor,
    db::{SchemaName, TenantDb, violation},
    error::{Code, Error, FieldIssue, Issue, Result},
    identity::name_of,
    iso,
    keys::Held,
    lines::name_issue,
    migrate, security_log,
};

/// Most characters of a name.
const NAME: usize = 200;
/// After how many microseconds a tenant that is still being created counts as left by a crash.
const HALF_MADE: i64 = 10 * 60 * 1_000_000;

/// What an organisation states at sign-up.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct NewOrganisation {
    /// Name in URLs: 2 to 40 of `a-z 0-9 -`.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// ISO 4217.
    pub currency: String,
    /// IANA name.
    pub time_zone: String,
    /// `en`, `fr` or `es`.
    pub language: String,
}

impl NewOrganisation {
    /// What is wrong with it, by field.
    pub fn issues(&self) -> Vec<FieldIssue> {
        let mut issues = Vec::new();
        let mut refuse = |field: &str, issue: Issue| {
            issues.push(FieldIssue { field: format!("organisation.{field}"), issue });
        };
        if !check_slug(&self.slug) {
            refuse("slug", Issue::WrongType("2 to 40 of a-z, 0-9 and -, beginning with a letter".into()));
        }
        if let Some(issue) = name_issue(&self.name, NAME) {
            refuse("name", issue);
        }
        if !iso::is_country(&self.country) {
            refuse("country", Issue::WrongType("an ISO 3166 code such as DZ".into()));
        }
        if !iso::is_currency(&self.currency) {
            refuse("currency", Issue::WrongType("an ISO 4217 code such as DZD".into()));
        }
        if self.time_zone.parse::<chrono_tz::Tz>().is_err() {
            refuse("timeZone", Issue::WrongType("an IANA time zone such as Africa/Algiers".into()));
        }
        if !matches!(self.language.as_str(), "en" | "fr" | "es") {
            refuse("language", Issue::NotAnOption("en, fr, es".to_owned()));
        }
        issues
    }
}

/// Whether a text is a valid slug.
pub fn check_slug(slug: &str) -> bool {
    (2..=40).contains(&slug.len())
        && slug.starts_with(|c: char| c.is_ascii_lowercase())
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl Registry {
    /// Creates an organisation with its owner.
    ///
    /// # Errors
    /// `VALIDATION_FAILED`, with `TAKEN` for a slug in use; `CONFLICT` for a new person whose address already has an
    /// account; `UNAUTHENTICATED` for an existing person who was deleted.
    pub async fn create(&self, organisation: NewOrganisation, owner: Person) -> Result<(TenantId, MemberId)> {
        let issues = organisation.issues();
        if !issues.is_empty() {
            return Err(Error::invalid(issues));
        }
        self.sweep().await?;
        let id = TenantId::new();
        let row = self.register(id, self.master.first_keys(id)?, &organisation).await?;
        let built = self.build(&row, &owner).await;
        match built {
            Ok(member) => {
                metrics::counter!("clientele_tenants_created_total").increment(1);
                Ok((row.id, member))
            }
            Err(error) => {
                if let Err(clearing) = self.clear(&row).await {
                    tracing::warn!(tenant.id = %row.id, error = clearing.log_line(), "an unfinished tenant is left for the sweep");
                }
                Err(error)
            }
        }
    }

    /// Removes a tenant from the control plane, with its wrapped keys.
    pub(crate) async fn register(
        &self,
        id: TenantId,
        held: Vec<Held>,
        organisation: &NewOrganisation,
    ) -> Result<tenants::Model> {
        let row = tenants::Model {
            id,
            slug: organisation.slug.clone(),
            name: organisation.name.trim().to_owned(),
            state: "provisioning".to_owned(),
            database: if self.storage.postgres.is_some() { "postgres" } else { "sqlite" }.to_owned(),
            country: organisation.country.clone(),
            currency: organisation.currency.clone(),
            time_zone: organisation.time_zone.clone(),
            language: organisation.language.clone(),
            release: String::new(),
            created_at: self.clock.micros(),
        };
        let keys = held.into_iter().map(|held| data_keys::ActiveModel {
            tenant_id: Set(id),
            purpose: Set(held.purpose.name().to_owned()),
            id: Set(i64::from(held.id.0)),
            wrapped: Set(held.wrapped),
            created_at: Set(row.created_at),
        });
        let tx = self.control.begin().await?;
        let inserted = tenants::Entity::insert(row.clone().into_active_model()).exec_without_returning(&tx).await;
        inserted.map_err(|error| match violation(&error) {
            Some(_) => {
                Error::invalid(vec![FieldIssue { field: "organisation.slug".to_owned(), issue: Issue::Taken(None) }])
            }
            None => error.into(),
        })?;
        data_keys::Entity::insert_many(keys).exec_without_returning(&tx).await?;
        tx.commit().await?;
        Ok(row)
    }

    async fn build(&self, row: &tenants::Model, owner: &Person) -> Result<MemberId> {
        let folder = self.folder(row.id);
        fs::create_dir_all(&folder).map_err(|error| disk(&error))?;
        if let Some(pool) = self.storage.postgres.as_ref().filter(|_| row.database == "postgres") {
            let sql = format!("CREATE SCHEMA {}", SchemaName::of(row.id).quoted());
            pool.of(row.id).execute_unprepared(&sql).await?;
        }
        let db = self.connect(row, true).await?;
        let seeded = match self.fill(&db).await {
            Ok(()) => self.seed(&db, owner.row()).await,
            Err(error) => Err(error),
        };
        db.close().await;
        let member = seeded?;
        self.activate(row, owner, member).await?;
        Ok(member)
    }

    /// Makes the tenant active.
    pub(crate) async fn activate(&self, row: &tenants::Model, owner: &Person, member: MemberId) -> Result<()> {
        let tx = self.control.begin().await?;
        owner.save(&tx).await?;
        let membership =
            memberships::ActiveModel { user_id: Set(owner.row().id), tenant_id: Set(row.id), member_id: Set(member) };
        memberships::Entity::insert(membership).exec_without_returning(&tx).await?;
        tenants::Entity::update_many()
            .col_expr(tenants::Column::State, Expr::value("active"))
            .col_expr(tenants::Column::Release, Expr::value(self.release()))
            .filter(tenants::Column::Id.eq(row.id))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The system tables, with the number of the key that seals, and the standard objects: the part that is the same
    /// for every tenant.
    pub(crate) async fn fill(&self, db: &TenantDb) -> Result<()> {
        migrate::prepare(db).await?;
        migrate::run(db, self.clock.micros()).await?;
        clock::Entity::update_many()
            .col_expr(clock::Column::DataKey, Expr::value(i64::from(db.key().current().0)))
            .exec(db)
            .await?;
        self.provision.provision(db).await
    }

    /// The tenant's own part: the roles that allow everything, and the owner as first member.
    pub(crate) async fn seed(&self, db: &TenantDb, owner: &users::Model) -> Result<MemberId> {
        let now = self.clock.micros();
        security_log::begin(db, now).await?;
        let owner_role = RoleId::new();
        let role = |id: RoleId, name: &str, label: &str| roles::ActiveModel {
            id: Set(id),
            name: Set(name.to_owned()),
            label: Set(label.to_owned()),
            access: Set(access::ALL.to_owned()),
            seeded: Set(true),
        };
        roles::Entity::insert_many([role(owner_role, "owner", "Owner"), role(RoleId::new(), "admin", "Administrator")])
            .exec_without_returning(db)
            .await?;
        let member = MemberId::new();
        let name = name_of(owner);
        let row = members::Model {
            id: member,
            version: 1,
            name_k: name.to_lowercase(),
            name,
            external_id: None,
            created_at: now,
            created_by: Actor::System.stored(),
            updated_at: now,
            updated_by: Actor::System.stored(),
            archived_at: None,
            user_id: owner.id,
            role_id: owner_role,
            email: owner.email.clone(),
            email_k: owner.email_key.clone(),
        };
        members::Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
        Ok(member)
    }

    /// Removes what crashes left unfinished.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn sweep(&self) -> Result<usize> {
        let left = tenants::Entity::find()
            .filter(tenants::Column::State.is_in(["provisioning", "deleting"]))
            .filter(tenants::Column::CreatedAt.lt(self.clock.micros() - HALF_MADE))
            .all(self.control.read())
            .await?;
        for row in &left {
            self.clear(row).await?;
        }
        Ok(left.len())
    }

    /// The person with an email address.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn user_by_email(&self, email_key: &str) -> Result<Option<users::Model>> {
        let query = users::Entity::find().filter(users::Column::EmailKey.eq(email_key));
        Ok(query.one(self.control.read()).await?)
    }

    /// The person with an id.
    ///
    /// # Errors
    /// When the control plane does not answer.
    pub async fn user(&self, id: UserId) -> Result<Option<users::Model>> {
        Ok(users::Entity::find_by_id(id).one(self.control.read()).await?)
    }
}

pub(super) fn disk(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull => Error::of(Code::StorageFull),
        _ => Error::internal(error.to_string()),
    }
}
