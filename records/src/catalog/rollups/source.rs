//! The SQL that computes a rollup from its records.

use tenants::{
    Dialect,
    error::{Code, Error, Result},
};
use uuid::Uuid;

use crate::{
    catalog::{Catalog, Field, FieldId, FieldKind, Object, Rollup, RollupFunction, ddl},
    columns::kind_of_values,
    filter::{Scope, predicate},
    sql::{List, Sql},
};

/// What a rollup is computed from.
pub(crate) struct Source<'a> {
    /// The object whose records hold the total.
    pub parent: &'a Object,
    /// The field that holds it.
    pub total: &'a Field,
    /// Its definition.
    pub rollup: &'a Rollup,
    /// The object whose records are totalled.
    pub child: &'a Object,
    /// The link of the child to the parent.
    pub link: &'a Field,
    /// The child's field that is totalled.
    pub of: Option<&'a Field>,
}

/// Finds all that a rollup refers to; nothing if a part of it is gone.
pub(crate) fn source(catalog: &Catalog, total: FieldId) -> Option<Source<'_>> {
    let parent = catalog.object_of(total)?;
    let total = catalog.field(total)?;
    let rollup = total.rollup()?;
    let relation = catalog.field(rollup.relation)?.relation()?;
    let link = catalog.field(relation.inverse?)?;
    let child = catalog.object_by_id(link.object)?;
    let of = match rollup.field {
        Some(field) => Some(catalog.field(field)?),
        None => None,
    };
    Some(Source { parent, total, rollup, child, link, of })
}

impl Source<'_> {
    /// The expressions for the total's columns, over the child's rows `c`.
    fn aggregates(&self) -> Vec<(String, String)> {
        let column = &self.total.column;
        let of = ddl::rolled_column(self.rollup, self.of).unwrap_or_default();
        match self.rollup.function {
            RollupFunction::Count => vec![(column.clone(), "count(*)".to_owned())],
            RollupFunction::Sum => vec![(column.clone(), sum(&of))],
            RollupFunction::Min => vec![(column.clone(), format!(r#"min(c."{of}")"#))],
            RollupFunction::Max => vec![(column.clone(), format!(r#"max(c."{of}")"#))],
            RollupFunction::Avg => {
                vec![(format!("{column}_s"), sum(&of)), (format!("{column}_n"), format!(r#"count(c."{of}")"#))]
            }
        }
    }

    /// Which of the child's rows `c` count, beginning with ` AND `; empty where all do.
    pub fn condition(&self, dialect: Dialect, scope: Scope<'_>) -> Result<Sql> {
        let mut sql = Sql::new(dialect);
        if let Some(filter) = &self.rollup.filter {
            sql.push(" AND ");
            predicate(&mut sql, scope, self.child, "c", filter)?;
        }
        Ok(sql)
    }

    /// Writes the subquery that computes one of the totals of the parent `p`.
    fn compute(&self, sql: &mut Sql, aggregate: &str, condition: &Sql) {
        sql.push("(SELECT ").push(aggregate).push(" FROM ").table(&self.child.table).push(" c WHERE ");
        sql.column("c", &self.link.column).push(" = p.id AND c.archived_at IS NULL").append(condition.clone());
        sql.push(")");
    }

    /// Computes the total of some parents anew. Their rows must be locked, or a write that is under way would be lost.
    /// `condition` is the compiled filter on `c`, beginning with ` AND `, or empty.
    pub fn refill(&self, dialect: Dialect, ids: &[Uuid], condition: &Sql) -> Vec<Sql> {
        let mut fill = Sql::new(dialect);
        fill.push("UPDATE ").table(&self.parent.table).push(" AS p SET ");
        for (i, (column, aggregate)) in self.aggregates().into_iter().enumerate() {
            fill.push(if i > 0 { ", " } else { "" }).name(&column).push(" = ");
            self.compute(&mut fill, &aggregate, condition);
        }
        fill.push(" WHERE p.id").one_of(List::Ids(ids.to_vec()));
        let mut statements = vec![fill];
        if self.rollup.function == RollupFunction::Avg {
            let column = &self.total.column;
            let mean = average(&format!(r#""{column}_s""#), &format!(r#""{column}_n""#), self.average_factor());
            let mut finish = Sql::new(dialect);
            finish.push("UPDATE ").table(&self.parent.table).push(" SET ").name(column).push(" = ").push(&mean);
            finish.push(" WHERE id").one_of(List::Ids(ids.to_vec()));
            statements.push(finish);
        }
        statements
    }

    /// Finds parents after `after` whose total is not what their children say, in the order of their ids.
    pub fn mismatches(&self, dialect: Dialect, condition: &Sql, after: Option<Uuid>, limit: i64) -> Sql {
        let mut sql = Sql::new(dialect);
        sql.push("SELECT p.id FROM ").table(&self.parent.table).push(" p WHERE (");
        for (i, (column, aggregate)) in self.aggregates().into_iter().enumerate() {
            sql.push(if i > 0 { " OR " } else { "" }).column("p", &column).push(" IS DISTINCT FROM ");
            self.compute(&mut sql, &aggregate, condition);
        }
        if self.rollup.function == RollupFunction::Avg {
            let column = &self.total.column;
            let mean = average(&format!(r#"p."{column}_s""#), &format!(r#"p."{column}_n""#), self.average_factor());
            sql.push(" OR ").column("p", column).push(" IS DISTINCT FROM ").push(&mean);
        }
        sql.push(")");
        if let Some(id) = after {
            sql.push(" AND p.id > ").bind(id);
        }
        sql.push(" ORDER BY p.id LIMIT ").number(limit);
        sql
    }

    /// What a mean at the scale of the result is, times, of one at the scale of the field.
    pub fn average_factor(&self) -> i64 {
        match self.of.map(|field| kind_of_values(&field.kind)) {
            Some(FieldKind::Integer | FieldKind::Rating { .. }) => 100,
            _ => 1,
        }
    }
}

fn sum(of: &str) -> String {
    format!(r#"coalesce(CAST(sum(c."{of}") AS bigint), 0)"#)
}

/// SQL of a mean in whole numbers, half to even, in both dialects; null where there is nothing to average.
/// `sum` and `count` are expressions of integers, `factor` the power of ten that the result is finer by.
fn average(sum: &str, count: &str, factor: i64) -> String {
    let base = format!("(({sum} / {count}) * {factor} + (({sum} % {count}) * {factor}) / {count})");
    let rest = format!("((({sum} % {count}) * {factor}) % {count})");
    format!(
        "CASE WHEN {count} = 0 THEN NULL ELSE {base} + CASE WHEN 2 * abs({rest}) > {count} \
         OR (2 * abs({rest}) = {count} AND {base} % 2 <> 0) THEN CASE WHEN {rest} < 0 THEN -1 ELSE 1 END ELSE 0 END END"
    )
}

/// A part of a rollup's definition is gone.
pub(in super::super) fn broken(total: &Field) -> Error {
    Error::new(Code::Internal, format!("The rollup `{}` refers to a field that is gone.", total.name))
}
