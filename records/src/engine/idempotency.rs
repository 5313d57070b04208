//! Requests that carry an idempotency key are answered once: repeated, they get the first answer.
//!
//! An endpoint calls [`begin`] before it works and [`finish`] with the answer. A process that dies in between leaves the key
//! taken; after a while a repetition may take it over, unless the first one has written. That is known for sure: every
//! transaction of a request with a key leaves a mark with the key ([`mark`]), and commits with it or not at all.

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

/// How long answers are kept, in microseconds.
const KEPT: i64 = 24 * 3_600 * 1_000_000;
/// How long a request may take before it counts as dead, in microseconds.
const PATIENCE: i64 = 5 * 60 * 1_000_000;
/// What answers are sealed for.
pub(crate) const PURPOSE: &str = "idempotency";
/// Longest key, in bytes.
pub const LONGEST_KEY: usize = 255;

/// What a request with a key is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// Its work; the key is taken in its name.
    Fresh,
    /// Nothing: this was answered before.
    Repeated(String),
}

/// A hash of what a request is made of, which tells it from others with the same key.
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

/// Takes a key for a request; [`hash`](fn@hash) tells requests apart.
///
/// # Errors
/// `IDEMPOTENCY_MISMATCH` when the key was used for another request; `CONFLICT` while the first one is still worked
/// on, when it wrote but died before it answered, or when the answer shows what another role might see.
pub async fn begin(db: &TenantDb, caller: &Caller, key: &str, hash: &str) -> Result<Begun> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        let message = format!("An idempotency key has 1 to {LONGEST_KEY} bytes.");
        return Err(Error::new(Code::BadRequest, message));
    }
    // a plain hash would let who has the database try what the request may have held
    let hash = &db.key().equality_hash(PURPOSE, hash.as_bytes());
    let now = caller.clock.micros();
    sweep(db, now).await?;
    if insert(db, caller, key, hash, now).await? {
        return Ok(Begun::Fresh);
    }
    let Some(first) = find(db, caller, key).await? else {
        // swept between the two statements
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

/// Keeps the answer of a request that took a key. An answer that should not be repeated (a failure of ours) is kept by
/// [`abandon`] instead.
pub async fn finish(db: &TenantDb, caller: &Caller, key: &str, response: String) -> Result<()> {
    let kept = format!("{}\n{response}", caller.access.fingerprint());
    own(idempotency::Entity::update_many(), caller, key)
        .col_expr(idempotency::Column::Response, Expr::value(db.key().seal_text(&sealed_for(caller, key), &kept)?))
        .exec(db)
        .await?;
    Ok(())
}

/// The mark that a request's writes leave with its key; its work is done in a space that is [`TenantDb::marked`] with it.
pub fn mark(caller: &Caller, key: &str) -> Mark {
    Mark { actor: caller.actor.stored(), key: key.to_owned(), request: caller.request.clone() }
}

/// Frees the key of a request that failed by our fault, so that it can be sent again. It stays taken where the request
/// wrote all the same: a commit may have come through although its answer was lost.
pub async fn abandon(db: &TenantDb, caller: &Caller, key: &str) -> Result<()> {
    own(idempotency::Entity::delete_many(), caller, key)
        .filter(idempotency::Column::Response.is_null())
        .filter(idempotency::Column::Written.eq(false))
        .exec(db)
        .await?;
    Ok(())
}

/// An answer that was kept, which may be under a key that another process has just brought in.
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

/// What the answer to a request is sealed for: it is no answer to another one.
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

/// Takes the key of a dead request; of two that try, one.
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

/// Forgets answers that are old enough.
async fn sweep(db: &TenantDb, now: i64) -> Result<()> {
    idempotency::Entity::delete_many().filter(idempotency::Column::CreatedAt.lt(now - KEPT)).exec(db).await?;
    Ok(())
}
