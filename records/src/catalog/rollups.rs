//! Kept totals: what may be declared, and the SQL that computes them anew. Keeping them while records are written is
//! the engine's work, by deltas.

use tenants::{
    Code, Dialect, Error, Issue,
    error::{FieldIssue, Result},
};
use uuid::Uuid;

use super::{
    Cardinality, Catalog, Field, FieldId, FieldKind, FieldState, Object, ObjectId, Rollup, RollupFunction, build,
    checks, conversion, ddl, edit::Edit, spec::RollupSpec, store,
};
use crate::{
    columns::kind_of_values,
    filter::{Filter, Scope, Test, predicate},
    sql::{List, Sql},
    values::Locale,
};

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
    if let Some(field) = field.filter(|field| field.encryption.is_some()) {
        let why = format!("`{}` is encrypted; its values cannot be totalled", field.name);
        return Err(refuse("rollup.field", why));
    }
    if let Some(filter) = &wanted.filter {
        check_filter(filter, related)?;
    }
    for below in field.iter().copied().filter(|field| field.rollup().is_some()) {
        refuse_building("rollup.field", below)?;
    }
    let result = result_kind(wanted.function, field.map(|field| kind_of_values(&field.kind)))
        .ok_or_else(|| refuse("rollup.field", "values of this type cannot be totalled in this way"))?;
    Ok(Rollup {
        relation: relation.id,
        function: wanted.function,
        field: field.map(|field| field.id),
        filter: wanted.filter.clone(),
        result: Box::new(result),
    })
}

/// Totals over totals that there may be: over plain fields, over those, and over these in turn.
pub const ROLLUP_LEVELS: usize = 3;

/// On which level a total is kept: one above the highest that it looks at. Zero for what is no total.
pub fn rollup_level(catalog: &Catalog, field: FieldId) -> usize {
    level(&|id| catalog.field(id)?.rollup(), field, ROLLUP_LEVELS + 1)
}

/// The same by whichever definitions; beyond `most`, it is not looked further, so that a circle ends.
fn level<'a>(rollup: &impl Fn(FieldId) -> Option<&'a Rollup>, field: FieldId, most: usize) -> usize {
    let Some(definition) = rollup(field).filter(|_| most > 0) else { return 0 };
    below(definition).into_iter().map(|source| level(rollup, source, most - 1)).max().unwrap_or(0) + 1
}

/// The fields that a total looks at.
fn below(rollup: &Rollup) -> Vec<FieldId> {
    let mut fields: Vec<FieldId> = rollup.field.into_iter().collect();
    if let Some(filter) = &rollup.filter {
        filter.visit(&mut |field| fields.push(field));
    }
    fields
}

/// Refuses totals that are too many levels above plain fields, or that look at themselves in the end.
pub(super) fn refuse_tower(edit: &Edit<'_>, id: FieldId, wanted: &Rollup) -> Result<()> {
    let definition = |field: FieldId| if field == id { Some(wanted) } else { edit.catalog.field(field)?.rollup() };
    let totals = edit.catalog.objects.iter().flat_map(|object| &object.fields).filter(|field| field.rollup().is_some());
    let highest = totals.map(|field| field.id).chain([id]).map(|field| level(&definition, field, ROLLUP_LEVELS + 1));
    if highest.max().unwrap_or(0) > ROLLUP_LEVELS {
        let why = format!("rollups go {ROLLUP_LEVELS} levels up at most, and never in a cycle");
        let of_field = wanted.field.map_or(0, |field| level(&definition, field, ROLLUP_LEVELS + 1));
        let part = if of_field >= ROLLUP_LEVELS { "rollup.field" } else { "rollup.filter" };
        return Err(refuse(part, why));
    }
    Ok(())
}

/// Refuses to look at a total that is still being computed: what it has so far would be counted.
fn refuse_building(part: &str, field: &Field) -> Result<()> {
    if field.state == FieldState::Active {
        return Ok(());
    }
    Err(refuse(part, format!("`{}` is still being computed; wait until it is active", field.name)))
}

/// The totals that look at a field.
fn over(catalog: &Catalog, field: FieldId) -> impl Iterator<Item = &Field> {
    let fields = catalog.objects.iter().flat_map(|object| &object.fields);
    fields.filter(move |other| other.rollup().is_some_and(|rollup| below(rollup).contains(&field)))
}

/// Gives a total another definition: another column, filled as that of a new one. It shows what it has so far meanwhile.
pub(super) async fn redefine(edit: &mut Edit<'_>, known: Field, wanted: &RollupSpec) -> Result<()> {
    let rollup = resolve(edit, known.object, wanted)?;
    if known.rollup() == Some(&rollup) {
        return edit.update_field(known).await;
    }
    if let Some(above) = over(&edit.catalog, known.id).next() {
        let why = format!("`{}` is a total over it; delete that one first", above.name);
        return Err(refuse("rollup", why));
    }
    refuse_tower(edit, known.id, &rollup)?;
    let mut field =
        Field { kind: FieldKind::Rollup(rollup), column: edit.physical('f'), failure: None, ..known.clone() };
    checks::values(&field, &Locale::of(edit.db().settings(), edit.catalog.rates.clone()))?;
    let table = edit.object_by_id(field.object)?.table.clone();
    edit.run(ddl::add_columns(edit.dialect(), &table, &field)).await?;
    let indexed = store::indexed(&edit.tx, field.id).await?;
    let plan = build::plan(edit, &field, indexed).await?;
    field.state = plan.state();
    conversion::move_to(edit, known, field.clone()).await?;
    store::save_todo(&edit.tx, field.id, None).await?;
    plan.start(edit, &field).await
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
        Filter::Related { .. } | Filter::Counted { .. } => {
            Err(refuse("rollup.filter", format!("only fields of `{}` itself can be compared", related.name)))
        }
        Filter::Field { field, test } => {
            let field = related.fields.iter().find(|other| other.id == *field);
            let Some(field) = field else {
                return Err(refuse("rollup.filter", format!("`{}` has no such field", related.name)));
            };
            if field.encryption.is_some() {
                let why = format!("`{}` is encrypted; totals cannot look at it", field.name);
                return Err(refuse("rollup.filter", why));
            }
            if field.rollup().is_some() {
                refuse_building("rollup.filter", field)?;
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
