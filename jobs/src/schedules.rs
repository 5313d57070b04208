//! Jobs that recur. A schedule is a job whose row names when it comes again: so it is done, tried again and fenced like
//! any other, by one node at a time, and what was missed while nothing ran is made up for once.

use std::str::FromStr;

use chrono::DateTime;
use chrono_tz::Tz;
use croner::parser::{CronParser, Seconds, Year};
use entities::{ids::WorkId, tenant::work};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use tenants::{
    TenantDb, TenantTx,
    error::{Error, FieldIssue, Issue, Result},
    work::{self as items, Job},
};

/// When a job recurs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// Five fields: minute, hour, day of the month, month, day of the week. `0 8 * * MON-FRI` is eight o'clock on
    /// working days.
    pub cron: String,
    /// The IANA name of the time zone that it is meant in, such as `Africa/Algiers`.
    pub time_zone: String,
}

/// A schedule of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its name, unique in its queue.
    pub name: String,
    /// When it comes.
    pub recurrence: Recurrence,
    /// When it comes next, microseconds UTC.
    pub due: i64,
    /// Code of the last failure, if it failed the last time.
    pub error: Option<String>,
}

impl Recurrence {
    /// The next instant after this one, microseconds UTC.
    ///
    /// # Errors
    /// `VALIDATION_FAILED` on `cron` or `timeZone`.
    pub fn next(&self, after: i64) -> Result<i64> {
        let zone = Tz::from_str(&self.time_zone)
            .map_err(|_| refused("timeZone", "the IANA name of a time zone, such as Europe/Paris"))?;
        let wrong = || refused("cron", "minute, hour, day, month and weekday, such as `0 8 * * MON-FRI`");
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(&self.cron).map_err(|_| wrong())?;
        let after = DateTime::from_timestamp_micros(after).ok_or_else(wrong)?.with_timezone(&zone);
        // a date that never comes, such as 31 February
        let next = cron.find_next_occurrence(&after, false).map_err(|_| wrong())?;
        Ok(next.timestamp_micros())
    }
}

/// Sets when a job recurs. The name is unique in the queue of the job. A schedule that stays the same keeps its next
/// time. Call `tickets().wake()` after the commit.
///
/// # Errors
/// `VALIDATION_FAILED` on `cron` or `timeZone`; when a database does not answer.
pub async fn set<J: Job>(
    db: &TenantDb,
    tx: &TenantTx,
    name: &str,
    recurrence: &Recurrence,
    job: &J,
    now: i64,
) -> Result<()> {
    let next = recurrence.next(now)?;
    let known = named::<J>(name).one(tx).await?;
    let id = known.as_ref().map_or_else(WorkId::new, |row| row.id);
    let same = known.as_ref().filter(|row| of(row).as_ref() == Some(recurrence));
    let due = same.map_or(next, |row| row.due);
    let payload = serde_json::to_value(job).map_err(Error::internal)?;
    let row = work::ActiveModel {
        payload: Set(items::sealed(db, id, &payload)?),
        due: Set(due),
        subject: Set(job.subject()),
        cron: Set(Some(recurrence.cron.clone())),
        time_zone: Set(Some(recurrence.time_zone.clone())),
        ..Default::default()
    };
    if known.is_some() {
        work::Entity::update_many().set(row).filter(work::Column::Id.eq(id)).exec(tx).await?;
    } else {
        let new = work::ActiveModel {
            id: Set(id),
            queue: Set(J::QUEUE.name.to_owned()),
            key: Set(Some(name.to_owned())),
            taken: Set(false),
            epoch: Set(0),
            attempts: Set(0),
            error: Set(None),
            failed_at: Set(None),
            by_hand: Set(false),
            created_at: Set(now),
            ..row
        };
        work::Entity::insert(new).exec_without_returning(tx).await?;
    }
    items::arm(db, tx, J::QUEUE.name, due, now).await
}

/// Ends a schedule. A run of it that has begun is finished.
///
/// # Errors
/// When the database does not answer.
pub async fn remove<J: Job>(tx: &TenantTx, name: &str) -> Result<()> {
    if let Some(row) = named::<J>(name).one(tx).await? {
        work::Entity::delete_by_id(row.id).exec(tx).await?;
    }
    Ok(())
}

/// The schedules of one kind of job, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list<J: Job>(db: &impl ConnectionTrait) -> Result<Vec<Schedule>> {
    let rows = recurring::<J>().order_by_asc(work::Column::Key).all(db).await?;
    let schedule = |row: work::Model| {
        let recurrence = of(&row)?;
        Some(Schedule { name: row.key?, recurrence, due: row.due, error: row.error })
    };
    Ok(rows.into_iter().filter_map(schedule).collect())
}

/// When a row says that it recurs.
pub(crate) fn of(row: &work::Model) -> Option<Recurrence> {
    Some(Recurrence { cron: row.cron.clone()?, time_zone: row.time_zone.clone()? })
}

fn recurring<J: Job>() -> sea_orm::Select<work::Entity> {
    work::Entity::find().filter(work::Column::Queue.eq(J::QUEUE.name)).filter(work::Column::Cron.is_not_null())
}

fn named<J: Job>(name: &str) -> sea_orm::Select<work::Entity> {
    recurring::<J>().filter(work::Column::Key.eq(name))
}

fn refused(field: &str, wanted: &'static str) -> Error {
    Error::invalid(vec![FieldIssue { field: field.to_owned(), issue: Issue::WrongType(wanted.into()) }])
}
