//! Conditions on links to records of any object: what they lead to, for whoever sees that.

use tenants::{Dialect, Operation, RowScope, error::Result};

use super::{
    Scope, Test,
    compile::{At, Compiler},
    predicate,
};
use crate::{
    Ctx,
    catalog::{Field, FieldKind, Object, ObjectId},
    permission,
    sql::{List, Sql},
    values::{Target, Value},
};

/// Most records that a condition names: of each, all objects are looked at.
const MOST: usize = 100;

/// Whether the field is a link to records of any object.
pub(super) fn is_link(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Link { .. })
}

/// A comparison of a link. A target that the one who asks does not see is as good as none.
pub(super) fn test(c: &mut Compiler<'_>, at: At<'_>, field: &Field, test: &Test, negated: bool) -> Result<()> {
    let mut column = Sql::new(c.sql.dialect());
    column.column(at.alias, &field.column);
    let column = column.into_parts().0;
    let objects = objects(&c.scope, field);
    let wanted = match test {
        Test::IsNull(null) => *null == negated,
        _ => !negated,
    };
    c.sql.push("(");
    match test {
        Test::IsNull(_) => {
            c.sql.push(&column).push(" IS NOT NULL");
        }
        Test::Eq(value) => one_of(c, &column, &objects, std::slice::from_ref(value))?,
        Test::In(values) => one_of(c, &column, &objects, values)?,
        Test::Target(of) => {
            let of = of.iter().filter(|id| objects.iter().any(|object| object.id == **id));
            any(c.sql, of.copied(), |sql, id| of_object(sql, &column, id));
        }
        _ => return Err(c.bad("a link takes eq, in, isNull, object")),
    }
    if let Some(asker) = c.scope.asker {
        seen(c, asker, &column, &objects)?;
    }
    c.sql.push(if wanted { ")" } else { ") IS NOT TRUE" });
    Ok(())
}

/// The objects whose records the field may lead to.
fn objects<'a>(scope: &Scope<'a>, field: &Field) -> Vec<&'a Object> {
    let FieldKind::Link { to } = &field.kind else { return Vec::new() };
    scope.catalog.objects.iter().filter(|object| to.is_empty() || to.contains(&object.id)).collect()
}

/// Whether one of these records is the target; ids of records do not say of which object they are.
fn one_of(c: &mut Compiler<'_>, column: &str, objects: &[&Object], values: &[Value]) -> Result<()> {
    if values.len() > MOST {
        return Err(c.bad(&format!("a list of links holds at most {MOST} ids")));
    }
    let mut stored = Vec::with_capacity(values.len() * objects.len());
    for value in values {
        let Value::Id(record) = value else {
            return Err(c.bad("a comparison needs an id; use `isNull` for records without a link"));
        };
        stored.extend(objects.iter().map(|object| Target { object: object.id, record: *record }.stored()));
    }
    c.sql.push(column).one_of(List::Texts(stored));
    Ok(())
}

/// Adds that the target is one of those that the one who asks sees.
fn seen(c: &mut Compiler<'_>, asker: &Ctx, column: &str, objects: &[&Object]) -> Result<()> {
    let (whole, parts): (Vec<_>, Vec<_>) = objects
        .iter()
        .copied()
        .map(|object| (object, permission::scope(asker, object, Operation::Read)))
        .filter(|(_, scope)| *scope != RowScope::None)
        .partition(|(_, scope)| *scope == RowScope::All);
    if whole.len() == objects.len() {
        return Ok(());
    }
    let mut pieces = Vec::with_capacity(parts.len());
    for (object, _) in parts {
        let Some(reached) = permission::rows(asker, object, Operation::Read)? else { continue };
        let alias = c.alias();
        let mut piece = Sql::new(c.sql.dialect());
        of_object(&mut piece, column, object.id);
        piece.push(" AND EXISTS (SELECT 1 FROM ").table(&object.table).push(" AS ").push(&alias);
        piece.push(" WHERE ").column(&alias, "id").push(" = ");
        match piece.dialect() {
            Dialect::Postgres => {
                piece.push("substr(").push(column).push(", ").number(Target::RECORD_AT).push(")::uuid")
            }
            Dialect::Sqlite => piece.push("unhex(substr(").push(column).push(", ").number(Target::RECORD_AT).push("))"),
        };
        // a condition of ours: it may look at what the role hides
        predicate(piece.push(" AND "), Scope { asker: None, ..c.scope }, object, &alias, &reached)?;
        piece.push(")");
        pieces.push(piece);
    }
    c.sql.push(" AND (");
    any(c.sql, whole.into_iter(), |sql, (object, _)| of_object(sql, column, object.id));
    for piece in pieces {
        c.sql.push(" OR (").append(piece).push(")");
    }
    c.sql.push(")");
    Ok(())
}

/// A record of the object: what follows `:` is `;`.
fn of_object(sql: &mut Sql, column: &str, object: ObjectId) {
    let id = object.0.simple();
    sql.push("(").push(column).push(" >= ").literal(&format!("{id}:"));
    sql.push(" AND ").push(column).push(" < ").literal(&format!("{id};")).push(")");
}

/// At least one of some conditions.
fn any<T>(sql: &mut Sql, items: impl Iterator<Item = T>, write: impl Fn(&mut Sql, T)) {
    sql.push("(FALSE");
    for item in items {
        write(sql.push(" OR "), item);
    }
    sql.push(")");
}
