//! The fence of a job: a process that was taken for dead, and whose job another one has taken over, commits nothing more.

use entities::ids::WorkId;
use sea_orm::{ConnectionTrait, DbErr};

use super::{Dialect, TenantTx};

/// Which job writes, and how often it had been taken when this process took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The work item.
    pub work: WorkId,
    /// Its epoch.
    pub epoch: i64,
}

/// The error of a transaction whose job belongs to somebody else by now.
const TAKEN_OVER: &str = "another process has taken this job over";

impl Fence {
    /// Refuses the commit if somebody else has taken the job. Until the transaction has ended, nobody can.
    ///
    /// # Errors
    /// If somebody has, or the database does not answer.
    pub(super) async fn check(self, tx: &TenantTx) -> Result<(), DbErr> {
        let lock = match tx.dialect() {
            Dialect::Postgres => " FOR SHARE",
            Dialect::Sqlite => "",
        };
        let sql = format!(r#"SELECT 1 FROM "tenant"."work" WHERE id = $1 AND epoch = $2{lock}"#);
        let held = tx.query_one_raw(tx.statement(sql, vec![self.work.0.into(), self.epoch.into()])).await?;
        held.map(drop).ok_or_else(|| DbErr::Custom(TAKEN_OVER.to_owned()))
    }
}

/// Whether a transaction was refused because its job belongs to somebody else by now.
pub(super) fn is_taken_over(error: &DbErr) -> bool {
    matches!(error, DbErr::Custom(text) if text == TAKEN_OVER)
}
