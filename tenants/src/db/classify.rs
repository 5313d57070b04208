//! What a database error means to a caller.

use sea_orm::{DbErr, RuntimeErr, SqlErr};

use super::fence::is_taken_over;
use crate::error::Code;

/// A unique constraint that a write violated: the constraint's name (PostgreSQL) or its columns (SQLite), as in the
/// driver's text.
#[derive(Clone, Debug)]
pub struct Violation(String);

impl Violation {
    /// Whether it is this index or this column.
    pub fn concerns(&self, index: &str, column: &str) -> bool {
        self.0.contains(&format!("\"{index}\""))
            || self.0.split([' ', ',']).any(|word| word.rsplit('.').next() == Some(column))
            || self.0.contains(&format!("index '{index}'"))
    }
}

/// The unique constraint that was violated, if the error is one.
pub fn violation(error: &DbErr) -> Option<Violation> {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(text)) => Some(Violation(text)),
        _ => None,
    }
}

/// The code for a database error that the caller did not expect.
pub fn classify(error: &DbErr) -> Code {
    match error {
        DbErr::ConnectionAcquire(_) => Code::Unavailable,
        // the connection could not be made, for whatever reason
        DbErr::Conn(inner) => match runtime(inner) {
            Code::Internal => Code::Unavailable,
            known => known,
        },
        DbErr::Exec(inner) | DbErr::Query(inner) => runtime(inner),
        error if is_taken_over(error) => Code::Busy,
        _ => Code::Internal,
    }
}

fn runtime(error: &RuntimeErr) -> Code {
    let RuntimeErr::SqlxError(error) = error else { return Code::Internal };
    match error.as_ref() {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            Code::Unavailable
        }
        sqlx::Error::Database(error) => match error.code().as_deref() {
            // PostgreSQL: cannot connect now, too many connections, shutdown, connection failures
            Some("57P01" | "57P02" | "57P03" | "53300" | "08000" | "08001" | "08003" | "08004" | "08006") => {
                Code::Unavailable
            }
            // disk full: PostgreSQL, SQLite SQLITE_FULL
            Some("53100" | "13") => Code::StorageFull,
            // lock not available, deadlock, serialisation failure, SQLITE_BUSY and its kin
            Some("55P03" | "40P01" | "40001" | "5" | "261" | "517") => Code::Busy,
            // a value was taken after it had been checked, and the caller does not handle it
            Some("23505" | "1555" | "2067") => Code::Busy,
            // numeric value out of range: a sum larger than its type; SQLite says "integer overflow"
            Some("22003") => Code::NumberOverflow,
            Some("1") if error.message().contains("integer overflow") => Code::NumberOverflow,
            _ => Code::Internal,
        },
        _ => Code::Internal,
    }
}
