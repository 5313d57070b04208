//! The provider of an organisation and its domains. Only a role that allows everything may set the provider, because a
//! provider decides who people are. The operator verifies that a domain belongs to an organisation
//! (docs/decisions/0081).

use entities::{
    control::{domains, sessions},
    ids::TenantId,
    tenant::{roles, sign_on},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, TransactionSession,
    sea_query::OnConflict,
};
use url::Url;

use super::reach::is_well_formed;
use crate::{
    access::{self, Access, Permission},
    caller::Caller,
    control::Control,
    db::TenantDb,
    error::{Code, Error, FieldIssue, Issue, Result},
    security_log::{self, Event, Kind},
    watch::revoked,
};

/// The purpose that a provider's secret is sealed for.
pub const SECRET: &str = "sign-on secret";
/// The one row.
const NAME: &str = "provider";
/// Longest issuer, client id or secret.
const LONGEST: usize = 1_000;

/// The input of an admin.
#[derive(Clone, Debug)]
pub struct NewSignOn {
    pub issuer: String,
    pub client_id: String,
    /// If it is left out, the stored one is kept; it is never given to a different provider.
    pub client_secret: Option<String>,
    /// Name of the role of people who sign in for the first time.
    pub role: String,
    /// Members can sign in through the provider only; the owner always can with a password.
    pub required: bool,
}

/// The current settings.
#[derive(Clone, Debug)]
pub struct SignOn {
    pub issuer: String,
    pub client_id: String,
    pub role: Option<String>,
    pub required: bool,
    pub domains: Vec<String>,
}

/// The settings; `None` if there is no provider.
///
/// # Errors
/// `FORBIDDEN`.
pub async fn get(db: &TenantDb, caller: &Caller) -> Result<Option<SignOn>> {
    caller.demand(Permission::ManageSecurity)?;
    let Some(row) = row(db).await? else { return Ok(None) };
    let role = roles::Entity::find_by_id(row.role_id).one(db).await?.map(|role| role.name);
    let domains = domains_of(db.control(), db.tenant()).await?;
    Ok(Some(SignOn { issuer: row.issuer, client_id: row.client_id, role, required: row.required, domains }))
}

/// Sets the provider through which members sign in. A provider in one of our own networks is allowed only if the
/// operator lists the network.
///
/// # Errors
/// `FORBIDDEN` unless the role allows everything; `VALIDATION_FAILED`.
pub async fn set(db: &TenantDb, caller: &Caller, new: NewSignOn) -> Result<()> {
    may_change(caller)?;
    let known = row(db).await?;
    let known_issuer = known.as_ref().map(|known| known.issuer.clone());
    let mut issues = Vec::new();
    let mut refuse = |field: &str, issue: Issue| issues.push(FieldIssue { field: field.to_owned(), issue });
    let issuer = Url::parse(&new.issuer).ok().filter(|url| is_well_formed(url) && new.issuer.len() <= LONGEST);
    if issuer.is_none_or(|url| url.query().is_some() || url.fragment().is_some()) {
        refuse("issuer", Issue::WrongType("an https address, as the provider's discovery document has it".into()));
    }
    for (field, text) in [("clientId", Some(&new.client_id)), ("clientSecret", new.client_secret.as_ref())] {
        if text.is_some_and(|text| text.is_empty() || text.len() > LONGEST) {
            refuse(field, Issue::WrongType("1 to 1000 bytes".into()));
        }
    }
    if new.client_secret.is_none() && known.as_ref().is_none_or(|known| known.issuer != new.issuer) {
        refuse("clientSecret", Issue::Required);
    }
    let role = roles::Entity::find().filter(roles::Column::Name.eq(&new.role)).one(db).await?;
    let role = role.filter(|role| role.name != "owner");
    if role.is_none() {
        refuse("role", Issue::WrongType("the name of a role other than owner".into()));
    }
    let (Some(role), true) = (role, issues.is_empty()) else { return Err(Error::invalid(issues)) };
    let secret = match (&new.client_secret, known) {
        (Some(secret), _) => db.key().seal_text(SECRET, secret)?,
        (None, Some(known)) => known.secret,
        (None, None) => return Err(Error::internal("a secret that was asked for is missing")),
    };
    let event = Event::of(caller, Kind::SettingsChanged)
        .with("signOn", new.issuer.as_str())
        .with("required", new.required)
        .with("role", new.role.as_str());
    let row = sign_on::Model {
        name: NAME.to_owned(),
        issuer: new.issuer,
        client_id: new.client_id,
        secret,
        role_id: role.id,
        required: new.required,
    };
    let replace = OnConflict::column(sign_on::Column::Name)
        .update_columns([
            sign_on::Column::Issuer,
            sign_on::Column::ClientId,
            sign_on::Column::Secret,
            sign_on::Column::RoleId,
            sign_on::Column::Required,
        ])
        .to_owned();
    let another = known_issuer.is_some_and(|known| known != row.issuer);
    let tx = db.begin_write().await?;
    sign_on::Entity::insert(row.into_active_model()).on_conflict(replace).exec_without_returning(&tx).await?;
    security_log::note(&tx, event, caller.clock.micros()).await?;
    access::changed(&tx).await?;
    tx.commit().await?;
    if another { end_sessions(db, caller).await } else { Ok(()) }
}

/// Removes the provider. Members then sign in with their passwords.
///
/// # Errors
/// `FORBIDDEN`.
pub async fn remove(db: &TenantDb, caller: &Caller) -> Result<()> {
    may_change(caller)?;
    let tx = db.begin_write().await?;
    sign_on::Entity::delete_many().exec(&tx).await?;
    let event = Event::of(caller, Kind::SettingsChanged).with("signOn", serde_json::Value::Null);
    security_log::note(&tx, event, caller.clock.micros()).await?;
    access::changed(&tx).await?;
    tx.commit().await?;
    end_sessions(db, caller).await
}

/// Ends the sessions that a provider opened which is no longer trusted.
async fn end_sessions(db: &TenantDb, caller: &Caller) -> Result<()> {
    let now = caller.clock.micros();
    let update = sessions::Entity::update_many()
        .set(sessions::ActiveModel { revoked_at: Set(Some(now)), ..Default::default() })
        .filter(sessions::Column::OnlyTenant.eq(db.tenant()))
        .filter(sessions::Column::RevokedAt.is_null());
    let tx = db.control().begin().await?;
    update.exec(&tx).await?;
    revoked(&tx, db.tenant().0, now).await?;
    tx.commit().await?;
    Ok(())
}

/// A provider decides who members are, and so what they may do. Nobody may give themselves more than they have.
fn may_change(caller: &Caller) -> Result<()> {
    if *caller.access == Access::All {
        return Ok(());
    }
    let why = "A provider says who people are: single sign-on is set and removed by a role that allows everything, as \
               `admin` does.";
    Err(Error::new(Code::Forbidden, why))
}

/// Whether members can sign in through the provider only.
pub(crate) async fn is_required(db: &TenantDb) -> Result<bool> {
    Ok(row(db).await?.is_some_and(|row| row.required))
}

pub(super) async fn row(db: &TenantDb) -> Result<Option<sign_on::Model>> {
    Ok(sign_on::Entity::find_by_id(NAME).one(db).await?)
}

/// The verified domains of an organisation.
///
/// # Errors
/// When the control plane does not answer.
pub async fn domains_of(control: &Control, tenant: TenantId) -> Result<Vec<String>> {
    let query = domains::Entity::find().filter(domains::Column::TenantId.eq(tenant));
    let rows = query.order_by_asc(domains::Column::Domain).all(control.read()).await?;
    Ok(rows.into_iter().map(|row| row.domain).collect())
}

/// Stores the operator's confirmation that a domain belongs to an organisation. A domain belongs to one organisation at
/// most.
///
/// # Errors
/// `BAD_REQUEST` for an invalid domain; `CONFLICT` if it belongs to another organisation.
pub async fn verify_domain(control: &Control, tenant: TenantId, domain: &str, now: i64) -> Result<()> {
    let domain = domain.trim().trim_end_matches('.').to_ascii_lowercase();
    let plain = domain.split('.').all(|label| {
        !label.is_empty() && label.len() <= 63 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    });
    if !plain || !domain.contains('.') || domain.len() > 253 {
        return Err(Error::new(Code::BadRequest, format!("`{domain}` is not a domain such as example.com.")));
    }
    let row = domains::ActiveModel { domain: Set(domain.clone()), tenant_id: Set(tenant), verified_at: Set(now) };
    let insert = domains::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
    match insert.exec_without_returning(control.write()).await {
        Ok(_) | Err(sea_orm::DbErr::RecordNotInserted) => {}
        Err(error) => return Err(error.into()),
    }
    let row = domains::Entity::find_by_id(domain.as_str()).one(control.write()).await?;
    if row.is_some_and(|row| row.tenant_id == tenant) {
        return Ok(());
    }
    Err(Error::new(Code::Conflict, format!("{domain} is verified for another organisation.")))
}

/// Removes a domain.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn forget_domain(control: &Control, tenant: TenantId, domain: &str) -> Result<()> {
    let delete = domains::Entity::delete_many()
        .filter(domains::Column::Domain.eq(domain.trim().to_ascii_lowercase()))
        .filter(domains::Column::TenantId.eq(tenant));
    match delete.exec(control.write()).await?.rows_affected {
        0 => Err(Error::new(Code::NotFound, format!("{domain} is not a domain of the organisation."))),
        _ => Ok(()),
    }
}
