//! Groups by time. The local boundaries of days, weeks or months are computed here, and the database only finds the
//! position of a value among them, so both databases agree on every daylight-saving change.

use tenants::{
    Dialect,
    error::{Code, Error, Result},
};

use crate::{
    calendar::{self, CalendarUnit},
    catalog::FieldKind,
    columns::kind_of_values,
    sql::Sql,
};

use super::Bucket;

/// Most buckets of one key between the first and the last value: ten years of days.
const MAX_BUCKETS: usize = 4_000;

/// Start times of consecutive buckets; the last one is the end of the last bucket.
pub(super) struct Buckets(Vec<i64>);

impl Bucket {
    /// The calendar unit; `None` for the value itself.
    pub(super) fn step(self) -> Option<CalendarUnit> {
        Some(match self {
            Bucket::Value => return None,
            Bucket::Hour => CalendarUnit::Hour,
            Bucket::Day => CalendarUnit::Day,
            Bucket::Week => CalendarUnit::Week,
            Bucket::Month => CalendarUnit::Month,
            Bucket::Quarter => CalendarUnit::Quarter,
            Bucket::Year => CalendarUnit::Year,
        })
    }
}

impl Buckets {
    /// The buckets from the least to the greatest value.
    ///
    /// # Errors
    /// `BAD_REQUEST` if there are too many.
    pub fn new(kind: &FieldKind, step: CalendarUnit, range: Option<(i64, i64)>, zone: chrono_tz::Tz) -> Result<Self> {
        let Some((least, greatest)) = range else { return Ok(Self(vec![0])) };
        let until = greatest.saturating_add(1);
        let found = match kind_of_values(kind) {
            FieldKind::Date => calendar::day_boundaries(step, least, until, MAX_BUCKETS),
            _ => calendar::boundaries(step, least, until, zone, MAX_BUCKETS),
        };
        let message = format!(
            "The aggregate is not valid: there are more than {MAX_BUCKETS} buckets between the first and the last \
             value; choose longer ones, or filter a shorter time."
        );
        found.map(Self).ok_or_else(|| Error::new(Code::BadRequest, message))
    }

    /// Adds an expression for the position of a value, counted from 1.
    pub fn write(&self, sql: &mut Sql, column: impl Fn(&mut Sql)) {
        match sql.dialect() {
            Dialect::Postgres => {
                sql.push("width_bucket(");
                column(sql);
                sql.push(", ").bind(self.0.clone()).push(")::bigint");
            }
            Dialect::Sqlite => {
                sql.push("CASE WHEN ");
                column(sql);
                sql.push(" IS NOT NULL THEN ");
                tree(sql, &column, &self.0, 1);
                sql.push(" END");
            }
        }
    }

    /// The start of the bucket at a position.
    pub fn start(&self, place: i64) -> Option<i64> {
        usize::try_from(place).ok()?.checked_sub(1).and_then(|i| self.0.get(i)).copied()
    }
}

/// SQLite cannot search a sorted array, so the search is written out; it makes as many comparisons as a binary search.
fn tree(sql: &mut Sql, column: &impl Fn(&mut Sql), starts: &[i64], place: i64) {
    if starts.len() < 2 {
        sql.number(place);
        return;
    }
    let (low, high) = starts.split_at(starts.len() / 2);
    sql.push("CASE WHEN ");
    column(sql);
    sql.push(" < ").number(high[0]).push(" THEN ");
    tree(sql, column, low, place);
    sql.push(" ELSE ");
    tree(sql, column, high, place + i64::try_from(low.len()).unwrap_or(0));
    sql.push(" END");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_is_spelled_out_for_sqlite() {
        let mut sql = Sql::new(Dialect::Sqlite);
        Buckets(vec![10, 20, 30]).write(&mut sql, |sql| {
            sql.push("x");
        });
        assert_eq!(
            sql.text(),
            "CASE WHEN x IS NOT NULL THEN CASE WHEN x < 20 THEN 1 ELSE CASE WHEN x < 30 THEN 2 ELSE 3 END END END"
        );
    }

    #[test]
    fn postgres_searches_an_array() {
        let mut sql = Sql::new(Dialect::Postgres);
        let buckets = Buckets(vec![10, 20, 30]);
        buckets.write(&mut sql, |sql| {
            sql.push("x");
        });
        assert_eq!(sql.text(), "width_bucket(x, $1)::bigint");
        assert_eq!(
            (buckets.start(1), buckets.start(3), buckets.start(0), buckets.start(4)),
            (Some(10), Some(30), None, None)
        );
    }
}
