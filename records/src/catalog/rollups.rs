//! Kept totals: what may be declared, and the SQL that computes them anew. Keeping them while records are written is
//! the engine's work, by deltas.

use sea_orm::Value;
use tenants::{
    Code, Error, Issue,
    error::{FieldIssue, Result},
};
use uuid::Uuid;

use super::{
    Cardinality, Catalog, Field, FieldId, FieldKind, Object, ObjectId, Rollup, RollupFunction, ddl, edit::Edit,
    spec::RollupSpec,
};
use crate::filter::{Filter, Test};

/// Turns the names of a declaration into a total that can be kept.
pub(super) fn resolve(edit: &Edit<'_>, object: ObjectId, wanted: &RollupSpec) -> Result<Rollup> {
    let owner = edit.object_by_id(object)?;
    let relation = owner
        .field(&wanted.relation)
        .ok_or_else(|| refuse("rollup.relation", format!("`{}` has no relation `{}`", owner.name, wanted.relation)))?;
    let link = relation
        .relation()
        .filter(|link| link.cardinality == Cardinality::OneToMany)
        .ok_or_else(|| refuse("rollup.relation", format!("`{}` is not a one-to-many relation", wanted.relation)))?;
    let related = edit.object_by_id(link.to)?;
    let field = match (&wanted.field, wanted.function) {
        (None, RollupFunction::Count) => None,
        (Some(_), RollupFunction::Count) => {
            return Err(refuse("rollup.field", "COUNT counts records and takes no field; use `filter`"));
        }
        (None, _) => return Err(refuse("rollup.field", "say which field is totalled")),
        (Some(name), _) => Some(
            related
                .field(name)
                .ok_or_else(|| refuse("rollup.field", format!("`{}` has no field `{name}`", related.name)))?,
        ),
    };
    if let Some(filter) = &wanted.filter {
        check_filter(filter, related)?;
    }
    let result = result_kind(wanted.function, field.map(|field| &field.kind))
        .ok_or_else(|| refuse("rollup.field", "values of this type cannot be totalled in this way"))?;
    Ok(Rollup {
        relation: relation.id,
        function: wanted.function,
        field: field.map(|field| field.id),
        filter: wanted.filter.clone(),
        result: Box::new(result),
    })
}

fn refuse(part: &str, why: impl Into<String>) -> Error {
    Error::invalid(vec![FieldIssue { field: part.to_owned(), issue: Issue::Rule(why.into()) }])
}

/// The kind of a total. Money is totalled in the base currency, as a decimal.
pub fn result_kind(function: RollupFunction, of: Option<&FieldKind>) -> Option<FieldKind> {
    let number = match (function, of) {
        (RollupFunction::Count, _) => return Some(FieldKind::Integer),
        (_, None) => return None,
        (_, Some(FieldKind::Money)) => return Some(FieldKind::Decimal { scale: 4 }),
        (RollupFunction::Min | RollupFunction::Max, Some(kind @ (FieldKind::Date | FieldKind::DateTime))) => kind,
        (RollupFunction::Avg, Some(FieldKind::Integer | FieldKind::Rating { .. })) => {
            return Some(FieldKind::Decimal { scale: 2 });
        }
        (_, Some(FieldKind::Rating { .. })) => return Some(FieldKind::Integer),
        (_, Some(kind)) => kind,
    };
    let totals = matches!(
        number,
        FieldKind::Integer
            | FieldKind::Decimal { .. }
            | FieldKind::Percent
            | FieldKind::Duration
            | FieldKind::Date
            | FieldKind::DateTime
    );
    let instant = matches!(number, FieldKind::Date | FieldKind::DateTime);
    let ordered = matches!(function, RollupFunction::Min | RollupFunction::Max);
    (totals && (!instant || ordered)).then(|| number.clone())
}

/// A total is kept when its records are written, so its filter may look at nothing else, and not at the time.
fn check_filter(filter: &Filter, related: &Object) -> Result<()> {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().try_for_each(|part| check_filter(part, related)),
        Filter::Not(part) => check_filter(part, related),
        Filter::Related { .. } => {
            Err(refuse("rollup.filter", format!("only fields of `{}` itself can be compared", related.name)))
        }
        Filter::Field { field, test } => {
            let field = related.fields.iter().find(|other| other.id == *field);
            let Some(field) = field else {
                return Err(refuse("rollup.filter", format!("`{}` has no such field", related.name)));
            };
            if field.rollup().is_some() {
                return Err(refuse("rollup.filter", format!("`{}` is a rollup itself", field.name)));
            }
            if matches!(test, Test::Period(_)) {
                return Err(refuse(
                    "rollup.filter",
                    format!(
                        "`{}`: periods relative to now change by themselves; \
                    use fixed dates",
                        field.name
                    ),
                ));
            }
            Ok(())
        }
    }
}

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

    /// Which of the child's rows count, of the parent `p`.
    fn condition(&self, condition: &str) -> String {
        let link = &self.link.column;
        format!(r#"c."{link}" = p."id" AND c."archived_at" IS NULL{condition}"#)
    }

    /// Computes the total of some parents anew. Their rows must be locked, or a write that is under way would be lost.
    ///
    /// `condition` is the compiled filter on `c`, beginning with ` AND `, its values after the ids.
    pub fn refill(&self, ids: &[Uuid], condition: &str, values: Vec<Value>) -> Vec<(String, Vec<Value>)> {
        let table = &self.parent.table;
        let child = &self.child.table;
        let listed: Vec<String> = (1..=ids.len()).map(|i| format!("${i}")).collect();
        let listed = listed.join(", ");
        let bound: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
        let whole = self.condition(condition);
        let sets: Vec<String> = self
            .aggregates()
            .into_iter()
            .map(|(column, sql)| format!(r#""{column}" = (SELECT {sql} FROM "tenant"."{child}" c WHERE {whole})"#))
            .collect();
        let all = bound.iter().cloned().chain(values).collect();
        let fill = format!(r#"UPDATE "tenant"."{table}" AS p SET {} WHERE p."id" IN ({listed})"#, sets.join(", "));
        let mut statements = vec![(fill, all)];
        if self.rollup.function == RollupFunction::Avg {
            let column = &self.total.column;
            let mean = average(&format!(r#""{column}_s""#), &format!(r#""{column}_n""#), self.average_factor());
            let finish = format!(r#"UPDATE "tenant"."{table}" SET "{column}" = {mean} WHERE "id" IN ({listed})"#);
            statements.push((finish, bound));
        }
        statements
    }

    /// Finds parents whose total is not what their children say, 1 000 at most.
    pub fn mismatches(&self, condition: &str, values: Vec<Value>) -> (String, Vec<Value>) {
        let whole = self.condition(condition);
        let child = &self.child.table;
        let wrong: Vec<String> = self
            .aggregates()
            .into_iter()
            .map(|(column, sql)| {
                format!(r#"p."{column}" IS DISTINCT FROM (SELECT {sql} FROM "tenant"."{child}" c WHERE {whole})"#)
            })
            .collect();
        let sql = format!(
            r#"SELECT p."id" FROM "tenant"."{}" p WHERE {} ORDER BY p."id" LIMIT 1000"#,
            self.parent.table,
            wrong.join(" OR ")
        );
        (sql, values)
    }

    /// What a mean at the scale of the result is, times, of one at the scale of the field.
    pub fn average_factor(&self) -> i64 {
        match self.of.map(|field| &field.kind) {
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
pub(crate) fn average(sum: &str, count: &str, factor: i64) -> String {
    let base = format!("(({sum} / {count}) * {factor} + (({sum} % {count}) * {factor}) / {count})");
    let rest = format!("((({sum} % {count}) * {factor}) % {count})");
    format!(
        "CASE WHEN {count} = 0 THEN NULL ELSE {base} + CASE WHEN 2 * abs({rest}) > {count} \
         OR (2 * abs({rest}) = {count} AND {base} % 2 <> 0) THEN CASE WHEN {rest} < 0 THEN -1 ELSE 1 END ELSE 0 END END"
    )
}

/// A part of a rollup's definition is gone.
pub(super) fn broken(total: &Field) -> Error {
    Error::new(Code::Internal, format!("The rollup `{}` refers to a field that is gone.", total.name))
}
