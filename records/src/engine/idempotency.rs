//! Requests with an idempotency key are answered once: a repetition gets the first answer.
//!
//! An endpoint calls [`begin`] before it works and [`finish`] with the answer. If the process dies in between, the key
//! stays taken. After a while a repetition may take it over, unless the first request has written. That is certain:
//! every transaction of a request with a key leaves a mark with the key ([`mark`]), which commits with it or not at
//! all.

use entities::tenant::idempotency;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use sha2::{Digest, Sha256};
use tenants::{
    Caller, Mark, TenantDb,
    error::{Code, Error, Result},
    keys::{Unopened, of_row},
};

/// How long answers are stored, in microseconds.
const KEPT: i64 = 24 * 3_600 * 1_000_000;
/// After how long a request counts as dead, in microseconds.
const PATIENCE: i64 = 5 * 60 * 1_000_000;
/// The purpose that answers are sealed for.
pub(crate) const PURPOSE: &str = "idempotency";
/// Longest key, in bytes.
pub const LONGEST_KEY: usize = 255;

/// What a request with a key must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// Its work: it now holds the key.
    Fresh,
    /// Nothing: it was answered before.
    Repeated(String),
}

/// A hash of the request, which distinguishes it from others with the same key.
pub fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            hash.update([0]);
        }
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes a key for a request; [`hash`](fn@hash) distinguishes requests.
///
/// # Errors
/// `IDEMPOTENCY_MISMATCH` if the key was used for a different request; `CONFLICT` while the first request is still
/// running, if it wrote but died before it answered, or if the answer shows what the caller's present role may not see.
pub async fn begin(db: &TenantDb, caller: &Caller, key: &str, hash: &str) -> Result<Begun> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        let message = format!("An idempotency key must have 1 to {LONGEST_KEY} bytes.");
        return Err(Error::new(Code::BadRequest, message));
    }
    // with a plain hash, somebody who has the database could test what the request contained
    let hash = &db.key().equality_hash(PURPOSE, hash.as_bytes());
    let now = caller.clock.micros();
    sweep(db, now).await?;
    if insert(db, caller, key, hash, now).await? {
        return Ok(Begun::Fresh);
    }
    let Some(first) = find(db, caller, key).await? else {
        // deleted by the sweep between the two statements
        return Err(Error::of(Code::Busy));
    };
    if first.hash != *hash {
        return Err(Error::of(Code::IdempotencyMismatch));
    }
    if let Some(sealed) = &first.response {
        let kept = kept(db, &sealed_for(caller, key), sealed).await?;
        return match kept.split_once('\n') {
            Some((access, answer)) if access == caller.access.fingerprint() => Ok(Begun::Repeated(answer.to_owned())),
            _ => {
                let message = "The request with this idempotency key was carried out when your role allowed something \
                               else; read the records to see what it did.";
                Err(Error::new(Code::Conflict, message))
            }
        };
    }
    if now - first.created_at < PATIENCE {
        let message = "The first request with this idempotency key is still being worked on; try again shortly.";
        return Err(Error::new(Code::Conflict, message));
    }
    if first.written {
        return Err(lost());
    }
    take_over(db, caller, &first, now).await
}

/// Stores the answer of a request that holds a key. If the answer must not be repeated (an internal error), call
/// [`abandon`] instead.
pub async fn finish(db: &TenantDb, caller: &Caller, key: &str, response: String) -> Result<()> {
    let kept = format!("{}\n{response}", caller.access.fingerprint());
    own(idempotency::Entity::update_many(), caller, key)
        .col_expr(idempotency::Column::Response, Expr::value(db.key().seal_text(&sealed_for(caller, key), &kept)?))
        .exec(db)
        .await?;
    Ok(())
}

/// The mark that a request's writes leave with its key; its work must use a space that is [`TenantDb::marked`] with it.
pub fn mark(caller: &Caller, key: &str) -> Mark {
    Mark { actor: caller.actor.stored(), key: key.to_owned(), request: caller.request.clone() }
}

/// Releases the key of a request that failed because of an internal error, so that it can be sent again. The key stays
/// taken if the request has written: a commit may succeed although its answer was lost.
pub async fn abandon(db: &TenantDb, caller: &Caller, key: &str) -> Result<()> {
    own(idempotency::Entity::delete_many(), caller, key)
        .filter(idempotency::Column::Response.is_null())
        .filter(idempotency::Column::Written.eq(false))
        .exec(db)
        .await?;
    Ok(())
}

/// A stored answer, which may be sealed with a key that another process has just added.
async fn kept(db: &TenantDb, purpose: &str, sealed: &str) -> Result<String> {
    let opened = match db.key().unseal_text(purpose, sealed) {
        Err(Unopened::UnknownKey) => {
            db.take_up_keys().await?;
            db.key().unseal_text(purpose, sealed)
        }
        other => other,
    };
    opened.map(|clear| clear.to_string()).map_err(|_| lost())
}

/// The purpose of a sealed answer: it cannot be used for another request.
fn sealed_for(caller: &Caller, key: &str) -> String {
    of_row(PURPOSE, format!("{} {key}", caller.actor.stored()))
}

fn lost() -> Error {
    let message = "The first request with this idempotency key was carried out, but its answer is lost; read the \
                   records to see what it did.";
    Error::new(Code::Conflict, message)
}

fn own<Q: QueryFilter>(query: Q, caller: &Caller, key: &str) -> Q {
    query
        .filter(idempotency::Column::Actor.eq(caller.actor.stored()))
        .filter(idempotency::Column::Key.eq(key))
        .filter(idempotency::Column::Request.eq(caller.request.as_str()))
}

async fn find(db: &TenantDb, caller: &Caller, key: &str) -> Result<Option<idempotency::Model>> {
    Ok(idempotency::Entity::find_by_id((caller.actor.stored(), key.to_owned())).one(db).await?)
}

async fn insert(db: &TenantDb, caller: &Caller, key: &str, hash: &str, now: i64) -> Result<bool> {
    let row = idempotency::ActiveModel {
        actor: Set(caller.actor.stored()),
        key: Set(key.to_owned()),
        hash: Set(hash.to_owned()),
        request: Set(caller.request.clone()),
        response: Set(None),
        written: Set(false),
        created_at: Set(now),
    };
    let insert = idempotency::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
    match insert.exec_without_returning(db).await {
        Ok(rows) => Ok(rows > 0),
        Err(sea_orm::DbErr::RecordNotInserted) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Takes the key of a dead request; if two try, one succeeds.
async fn take_over(db: &TenantDb, caller: &Caller, first: &idempotency::Model, now: i64) -> Result<Begun> {
    let taken = idempotency::Entity::update_many()
        .col_expr(idempotency::Column::Request, Expr::value(caller.request.as_str()))
        .col_expr(idempotency::Column::CreatedAt, Expr::value(now))
        .filter(idempotency::Column::Actor.eq(first.actor.as_str()))
        .filter(idempotency::Column::Key.eq(first.key.as_str()))
        .filter(idempotency::Column::CreatedAt.eq(first.created_at))
        .filter(idempotency::Column::Response.is_null())
        .filter(idempotency::Column::Written.eq(false))
        .exec(db)
        .await?;
    match taken.rows_affected {
        0 => Err(Error::of(Code::Busy)),
        _ => Ok(Begun::Fresh),
    }
}

/// Deletes expired answers.
async fn sweep(db: &TenantDb, now: i64) -> Result<()> {
    idempotency::Entity::delete_many().filter(idempotency::Column::CreatedAt.lt(now - KEPT)).exec(db).await?;
    Ok(())
}
