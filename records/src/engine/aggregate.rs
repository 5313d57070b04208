//! Counts, sums, averages, minima and maxima of records, by group, computed in the database.

use sea_orm::{ConnectionTrait, QueryResult};
use tenants::{
    Dialect,
    error::{Code, Error, Result},
};

use crate::{
    Ctx,
    catalog::{Field, FieldId, FieldKind, Object, RollupFunction},
    columns::{self, Stored, kind_of_values},
    permission,
    sql::Sql,
    values::{Value, decimal},
};

use super::{
    AggregateQuery, Group, GroupKey, GroupOrderBy, Measure,
    buckets::Buckets,
    decode, order,
    read::{self, ALIAS, Conditions, FIRST},
};

/// Most groups in one answer.
pub const MAX_GROUPS: u32 = 1_000;
/// Most keys of a group.
const MAX_KEYS: usize = 4;
/// Decimals of the average of whole numbers, as in rollups.
const MEAN_DIGITS: u32 = 2;
/// Most measures in one query.
const MAX_MEASURES: usize = 50;

/// The groups, in order. Without keys there is one group, even if no record matches.
///
/// # Errors
/// `FORBIDDEN`; `BAD_FILTER`; `BAD_REQUEST` for a field that cannot be grouped or computed; `NUMBER_OVERFLOW` for a sum
/// larger than 64 bits; `STALE_CATALOG`.
pub async fn aggregate(ctx: &Ctx, query: &AggregateQuery) -> Result<Vec<Group>> {
    let object = read::readable(ctx, query.object)?;
    let plan = Plan::new(ctx, object, query)?;
    if plan.keys.iter().all(|key| key.by.step().is_none()) {
        return plan.run(ctx, &ctx.db, Vec::new()).await;
    }
    match plan.bucketed(ctx).await {
        // a failed transaction cannot be asked whether a column was dropped
        Err(error) if error.code() == Code::Internal => read::verify(ctx).await.and(Err(error)),
        done => done,
    }
}

/// A key with its field.
struct Key<'a> {
    field: &'a Field,
    column: String,
    stored: Stored,
    by: super::Bucket,
}

/// A measure with its column; `None` for a count of records.
struct Number {
    function: RollupFunction,
    column: Option<String>,
    /// How many more decimals an average has than its values.
    digits: u32,
}

struct Plan<'a> {
    object: &'a Object,
    query: &'a AggregateQuery,
    keys: Vec<Key<'a>>,
    numbers: Vec<Number>,
}

/// The select list so far; positions count from 1 as in `GROUP BY 2`.
struct Columns {
    count: usize,
    keys: Vec<usize>,
    numbers: Vec<usize>,
}

impl<'a> Plan<'a> {
    fn new(ctx: &'a Ctx, object: &'a Object, query: &'a AggregateQuery) -> Result<Self> {
        if !(1..=MAX_GROUPS).contains(&query.limit) {
            return Err(refused(&format!("an answer has 1 to {MAX_GROUPS} groups; {} were asked for", query.limit)));
        }
        if query.group_by.len() > MAX_KEYS || query.measures.len() > MAX_MEASURES {
            return Err(refused(&format!("a query can have at most {MAX_KEYS} keys and {MAX_MEASURES} measures")));
        }
        let field = |id: FieldId| {
            let field = ctx.catalog.field(id).filter(|field| field.object == object.id && field.usable());
            let field = field.ok_or_else(|| refused(&format!("{} has no such field", object.name)))?;
            permission::see(ctx, field)?;
            match field.encryption.is_some() {
                true => {
                    Err(refused(&format!("`{}` is encrypted, so it can be neither grouped nor computed", field.name)))
                }
                false => Ok(field),
            }
        };
        let keyed =
            |key: &GroupKey| field(key.field).and_then(|field| permission::see_ends(ctx, field).map(|()| field));
        let keys = query.group_by.iter().map(|key| Key::new(keyed(key)?, key)).collect::<Result<Vec<_>>>()?;
        let numbers = query
            .measures
            .iter()
            .map(|measure| Number::new(measure.field.map(field).transpose()?, measure))
            .collect::<Result<Vec<_>>>()?;
        let known = |by: &GroupOrderBy| match by {
            GroupOrderBy::Key(i) => *i < keys.len(),
            GroupOrderBy::Measure(i) => *i < numbers.len(),
        };
        if !query.order.iter().all(|order| known(&order.by)) {
            return Err(refused("the order names a key or a measure that the query does not have"));
        }
        Ok(Self { object, query, keys, numbers })
    }

    fn matching(&self, ctx: &Ctx, sql: &mut Sql) -> Result<()> {
        sql.push(" FROM ").table(&self.object.table).push(" AS ").push(ALIAS);
        Conditions::default().seen(sql, ctx, self.object, self.query.archived, self.query.filter.as_ref())
    }

    /// The buckets of each key that has them, by position of the key.
    async fn buckets(&self, ctx: &Ctx, db: &impl ConnectionTrait) -> Result<Vec<Option<Buckets>>> {
        let mut sql = read::select(ctx);
        for key in &self.keys {
            for function in ["min(", "max("] {
                sql.push(", ").push(function);
                match key.by.step() {
                    Some(_) => sql.column(ALIAS, &key.column),
                    None => sql.push("0"),
                };
                sql.push(")");
            }
        }
        self.matching(ctx, &mut sql)?;
        let found = read::fetch(ctx, db, sql).await?;
        let row = found.first().ok_or_else(|| Error::internal("an aggregate returned no row"))?;
        let zone = ctx.db.settings().time_zone;
        let buckets = |(i, key): (usize, &Key<'_>)| {
            let Some(step) = key.by.step() else { return Ok(None) };
            let least: Option<i64> = row.try_get_by_index(FIRST + 2 * i)?;
            let greatest: Option<i64> = row.try_get_by_index(FIRST + 2 * i + 1)?;
            Buckets::new(&key.field.kind, step, least.zip(greatest), zone).map(Some)
        };
        self.keys.iter().enumerate().map(buckets).collect()
    }

    /// First the boundaries, then the groups. Both read the same snapshot, so the boundaries cover all values.
    async fn bucketed(&self, ctx: &Ctx) -> Result<Vec<Group>> {
        let tx = ctx.db.begin_read().await?;
        let buckets = self.buckets(ctx, &tx).await?;
        self.run(ctx, &tx, buckets).await
    }

    async fn run(&self, ctx: &Ctx, db: &impl ConnectionTrait, mut buckets: Vec<Option<Buckets>>) -> Result<Vec<Group>> {
        buckets.resize_with(self.keys.len(), || None);
        let mut sql = read::select(ctx);
        let mut columns = Columns { count: FIRST, keys: Vec::new(), numbers: Vec::new() };
        for (key, buckets) in self.keys.iter().zip(&buckets) {
            key.select(&mut sql, buckets.as_ref(), &mut columns);
        }
        for number in &self.numbers {
            number.select(&mut sql, &mut columns);
        }
        let order = self.order(&mut sql, &mut columns);
        self.matching(ctx, &mut sql)?;
        if !columns.keys.is_empty() {
            let grouped: Vec<String> = columns.keys.iter().map(usize::to_string).collect();
            sql.push(" GROUP BY ").push(&grouped.join(", ")).push(" ORDER BY ").push(&order);
        }
        sql.push(" LIMIT ").number(self.query.limit.into());
        let found = read::fetch(ctx, db, sql).await?;
        found.iter().map(|row| self.group(row, &buckets)).collect()
    }

    /// The part after ORDER BY. Orders that are not selected yet are added to the select list.
    fn order(&self, sql: &mut Sql, columns: &mut Columns) -> String {
        let postgres = sql.dialect() == Dialect::Postgres;
        let mut parts = Vec::new();
        let mut add = |place: usize, descending: bool| {
            let direction = match (postgres, descending) {
                (true, false) => " ASC NULLS FIRST",
                (true, true) => " DESC NULLS LAST",
                (false, false) => " ASC",
                (false, true) => " DESC",
            };
            parts.push(format!("{place}{direction}"));
        };
        for order in &self.query.order {
            let place = match order.by {
                GroupOrderBy::Key(i) if self.keys[i].field.options().is_empty() => columns.keys[i],
                GroupOrderBy::Key(i) => {
                    sql.push(", ");
                    order::write_key(sql, self.keys[i].field, &self.keys[i].column);
                    columns.add()
                }
                GroupOrderBy::Measure(i) => match (&self.numbers[i].function, &self.numbers[i].column) {
                    (RollupFunction::Avg, Some(column)) => {
                        sql.push(", avg(").column(ALIAS, column).push(")");
                        columns.add()
                    }
                    _ => columns.numbers[i],
                },
            };
            add(place, order.descending);
        }
        for place in &columns.keys {
            add(*place, false);
        }
        parts.join(", ")
    }

    fn group(&self, row: &QueryResult, buckets: &[Option<Buckets>]) -> Result<Group> {
        let mut at = FIRST;
        let mut keys = Vec::with_capacity(self.keys.len());
        for (key, buckets) in self.keys.iter().zip(buckets) {
            keys.push(key.value(row, buckets.as_ref(), &mut at)?);
        }
        let mut measures = Vec::with_capacity(self.numbers.len());
        for number in &self.numbers {
            measures.push(number.value(row, &mut at)?);
        }
        Ok(Group { keys, measures })
    }
}

impl Columns {
    /// Selects one more column and returns its position.
    fn add(&mut self) -> usize {
        self.count += 1;
        self.count
    }
}

impl<'a> Key<'a> {
    fn new(field: &'a Field, key: &GroupKey) -> Result<Self> {
        let kind = kind_of_values(&field.kind);
        let timed = matches!(kind, FieldKind::Date | FieldKind::DateTime);
        if key.bucket.step().is_some() && !timed {
            return Err(refused(&format!("`{}` is not a date, so it can only be grouped by VALUE", field.name)));
        }
        let ungrouped = matches!(kind, FieldKind::LongText | FieldKind::Json | FieldKind::Money);
        match columns::compared(field) {
            Some((suffix, stored)) if stored != Stored::List && !ungrouped => {
                Ok(Self { field, column: format!("{}{suffix}", field.column), stored, by: key.bucket })
            }
            _ => Err(refused(&format!("records cannot be grouped by `{}`", field.name))),
        }
    }

    /// A text is grouped by its key; the answer shows one of its spellings.
    fn spelled(&self) -> bool {
        self.column != self.field.column
    }

    fn select(&self, sql: &mut Sql, buckets: Option<&Buckets>, columns: &mut Columns) {
        sql.push(", ");
        match buckets {
            Some(buckets) => buckets.write(sql, |sql| {
                sql.column(ALIAS, &self.column);
            }),
            None => {
                sql.column(ALIAS, &self.column);
            }
        }
        let place = columns.add();
        columns.keys.push(place);
        if self.spelled() {
            sql.push(", min(").column(ALIAS, &self.field.column).push(")");
            columns.add();
        }
    }

    fn value(&self, row: &QueryResult, buckets: Option<&Buckets>, at: &mut usize) -> Result<Value> {
        if let Some(buckets) = buckets {
            let place: Option<i64> = row.try_get_by_index(*at)?;
            *at += 1;
            return Ok(place.and_then(|place| buckets.start(place)).map_or(Value::Null, Value::Int));
        }
        let at_value = if self.spelled() { *at + 1 } else { *at };
        let (mut found, next) = decode::plain(row, at_value, &[self.stored])?;
        *at = next;
        Ok(found.pop().unwrap_or(Value::Null))
    }
}

impl Number {
    fn new(field: Option<&Field>, measure: &Measure) -> Result<Self> {
        let function = measure.function;
        let Some(field) = field else {
            return match function {
                RollupFunction::Count => Ok(Self { function, column: None, digits: 0 }),
                _ => Err(refused("only a count works without a field")),
            };
        };
        let kind = kind_of_values(&field.kind);
        let timed = matches!(kind, FieldKind::Date | FieldKind::DateTime);
        let fits = match (function, columns::stored(&field.kind)) {
            (_, None) => false,
            (RollupFunction::Count, _) => true,
            (RollupFunction::Min | RollupFunction::Max, Some(stored)) => matches!(stored, Stored::Int | Stored::Money),
            (RollupFunction::Sum | RollupFunction::Avg, Some(stored)) => {
                matches!(stored, Stored::Int | Stored::Money) && !timed
            }
        };
        if !fits {
            return Err(refused(&format!("`{}` has no {}", field.name, word(function))));
        }
        let suffix = if columns::stored(&field.kind) == Some(Stored::Money) { "_b" } else { "" };
        let whole = matches!(kind, FieldKind::Integer | FieldKind::Rating { .. });
        let digits = if whole { MEAN_DIGITS } else { 0 };
        Ok(Self { function, column: Some(format!("{}{suffix}", field.column)), digits })
    }

    fn select(&self, sql: &mut Sql, columns: &mut Columns) {
        let place = columns.add();
        columns.numbers.push(place);
        let Some(column) = &self.column else {
            sql.push(", count(*)");
            return;
        };
        match self.function {
            RollupFunction::Count => call(sql, "count", column),
            RollupFunction::Min => call(sql, "min", column),
            RollupFunction::Max => call(sql, "max", column),
            RollupFunction::Sum => sum(sql, column),
            RollupFunction::Avg => {
                sum(sql, column);
                call(sql, "count", column);
                columns.add();
            }
        }
    }

    fn value(&self, row: &QueryResult, at: &mut usize) -> Result<Value> {
        let value: Option<i64> = row.try_get_by_index(*at)?;
        *at += 1;
        if self.function != RollupFunction::Avg {
            return Ok(value.map_or(Value::Null, Value::Int));
        }
        let count: i64 = row.try_get_by_index(*at)?;
        *at += 1;
        let Some(sum) = value.filter(|_| count > 0) else { return Ok(Value::Null) };
        let mean = decimal::divide(i128::from(sum) * 10_i128.pow(self.digits), count.into());
        i64::try_from(mean).map(Value::Int).map_err(|_| Error::of(Code::NumberOverflow))
    }
}

fn call(sql: &mut Sql, function: &str, column: &str) {
    sql.push(", ").push(function).push("(").column(ALIAS, column).push(")");
}

/// PostgreSQL sums in numbers of any size. Converting to 64 bits makes a larger sum an error, as on SQLite.
fn sum(sql: &mut Sql, column: &str) {
    let end = match sql.dialect() {
        Dialect::Postgres => ")::bigint",
        Dialect::Sqlite => ")",
    };
    sql.push(", sum(").column(ALIAS, column).push(end);
}

fn word(function: RollupFunction) -> &'static str {
    match function {
        RollupFunction::Count => "count",
        RollupFunction::Sum => "sum",
        RollupFunction::Min => "minimum",
        RollupFunction::Max => "maximum",
        RollupFunction::Avg => "average",
    }
}

#[track_caller]
fn refused(reason: &str) -> Error {
    Error::new(Code::BadRequest, format!("The aggregate is not valid: {reason}."))
}
