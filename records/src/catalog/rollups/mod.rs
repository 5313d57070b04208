//! Kept totals: what may be declared, how they are defined anew, and the SQL that computes them. Keeping them while
//! records are written is the engine's work, by deltas.

mod levels;
mod source;

use tenants::{
    Error, Issue,
    error::{FieldIssue, Result},
};

use super::{
    Cardinality, Field, FieldId, FieldKind, FieldState, Object, ObjectId, Rollup, RollupFunction, build, checks,
    conversion, ddl, edit::Edit, jobs::Build, spec::RollupSpec, store,
};
use crate::{
    columns::kind_of_values,
    filter::{Filter, Test},
    values::Locale,
};
pub(super) use levels::refuse_tower;
pub use levels::{ROLLUP_LEVELS, rollup_level};
use levels::{all_over, over, waits};
pub(super) use source::broken;
pub(crate) use source::source;

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
    let result = rolled_kind(wanted.function, field.map(|field| kind_of_values(&field.kind)))
        .ok_or_else(|| refuse("rollup.field", "values of this type cannot be totalled in this way"))?;
    Ok(Rollup {
        relation: relation.id,
        function: wanted.function,
        field: field.map(|field| field.id),
        filter: wanted.filter.clone(),
        result: Box::new(result),
    })
}

/// Refuses to look at a total that is still being computed: what it has so far would be counted.
fn refuse_building(part: &str, field: &Field) -> Result<()> {
    if field.state == FieldState::Active {
        return Ok(());
    }
    Err(refuse(part, format!("`{}` is still being computed; wait until it is active", field.name)))
}

/// Gives a total another definition: another column, filled as that of a new one. It shows what it has so far meanwhile.
pub(super) async fn redefine(edit: &mut Edit<'_>, known: Field, wanted: &RollupSpec) -> Result<()> {
    let rollup = resolve(edit, known.object, wanted)?;
    if known.rollup() == Some(&rollup) {
        return edit.update_field(known).await;
    }
    for above in all_over(&edit.catalog, known.id) {
        refuse_building("rollup", above)?;
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
    plan.start(edit, &field).await?;
    rebuild_above(edit, &field).await
}

/// Computes the rollups over one that is defined anew, the lowest first. Where one of them has to wait for a job, or what
/// it looks at does, those over it wait too.
async fn rebuild_above(edit: &mut Edit<'_>, changed: &Field) -> Result<()> {
    let mut above: Vec<Field> = all_over(&edit.catalog, changed.id).into_iter().cloned().collect();
    above.sort_by_key(|field| rollup_level(&edit.catalog, field.id));
    for mut field in above {
        let plan = build::plan(edit, &field, false).await?;
        let waits = waits(&edit.catalog, &field);
        field.state = if waits { FieldState::Building } else { plan.state() };
        edit.update_field(field.clone()).await?;
        if waits {
            plan.leave(edit, &field).await?;
        } else {
            plan.start(edit, &field).await?;
        }
    }
    Ok(())
}

/// Has rollups computed that waited for one which is complete now.
pub(super) async fn go_on_above(edit: &mut Edit<'_>, complete: FieldId) -> Result<()> {
    let waiting: Vec<FieldId> = over(&edit.catalog, complete)
        .filter(|field| field.state == FieldState::Building && !waits(&edit.catalog, field))
        .map(|field| field.id)
        .collect();
    for field in waiting {
        edit.ask_to_build(Build::Field(field)).await?;
    }
    Ok(())
}

fn refuse(part: &str, why: impl Into<String>) -> Error {
    Error::invalid(vec![FieldIssue { field: part.to_owned(), issue: Issue::Rule(why.into()) }])
}

/// The kind of a rollup: that of an aggregate, but money stays money, in the base currency.
fn rolled_kind(function: RollupFunction, of: Option<&FieldKind>) -> Option<FieldKind> {
    match (function, of) {
        (RollupFunction::Count, _) => result_kind(function, of),
        (_, Some(FieldKind::Money)) => Some(FieldKind::Money),
        _ => result_kind(function, of),
    }
}

/// The kind of an aggregate. Money is aggregated in the base currency, as a decimal.
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
