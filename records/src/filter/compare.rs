//! One comparison of one field as SQL. Texts are compared by their fold, addresses by their key, money in the
//! organisation's currency.

use tenants::{Actor, Dialect, error::Result};

use crate::{
    calendar,
    catalog::{Field, FieldKind},
    columns::{self, Stored, kind_of_values},
    fold::fold_v1,
    sealing,
    sql::List,
    values::{self, Value},
};

use super::{
    Operator, Period, Test,
    compile::{At, Compiler},
    linked, operators,
};

/// Values in one list, at most.
const MAX_LIST: usize = 1_000;

/// A comparison and whether it is denied, on a column.
struct Leaf<'f> {
    field: &'f Field,
    column: String,
    stored: Stored,
    negated: bool,
}

pub(super) fn test(c: &mut Compiler<'_>, at: At<'_>, field: &Field, test: &Test, negated: bool) -> Result<()> {
    let operator = Operator::of(test);
    let accepted = operators(field);
    if linked::is_link(field) {
        return linked::test(c, at, field, test, negated);
    }
    let Some((suffix, stored)) = columns::compared(field).filter(|_| accepted.contains(&operator)) else {
        return Err(c.bad(&not_accepted(field, operator.name())));
    };
    let mut column = crate::sql::Sql::new(c.sql.dialect());
    column.column(at.alias, &format!("{}{suffix}", field.column));
    let column = column.into_parts().0;
    let leaf = Leaf { field, column, stored, negated };
    match test {
        Test::Eq(value) => equals(c, &leaf, value),
        Test::Ne(value) => equals(c, &leaf.denied(), value),
        Test::In(values) => one_of(c, &leaf, values),
        Test::NotIn(values) => one_of(c, &leaf.denied(), values),
        Test::Lt(value) => compare(c, &leaf, " < ", value),
        Test::Lte(value) => compare(c, &leaf, " <= ", value),
        Test::Gt(value) => compare(c, &leaf, " > ", value),
        Test::Gte(value) => compare(c, &leaf, " >= ", value),
        Test::IsNull(null) => {
            c.sql.push(&leaf.column).push(if *null != leaf.negated { " IS NULL" } else { " IS NOT NULL" });
            Ok(())
        }
        Test::Contains(text) => within(c, &leaf, text),
        Test::StartsWith(text) => begins(c, &leaf, text),
        Test::EndsWith(text) => ends(c, &leaf, text),
        Test::HasAny(words) => has_any(c, &leaf, words),
        Test::HasNone(words) => has_any(c, &leaf.denied(), words),
        Test::HasAll(words) => has_all(c, &leaf, words),
        Test::Period(period) => within_period(c, &leaf, *period),
        // of links alone, which are compared above
        Test::Target(_) => Err(c.bad(&not_accepted(field, operator.name()))),
    }
}

impl Leaf<'_> {
    fn denied(self) -> Self {
        Self { negated: !self.negated, ..self }
    }
}

/// Says what the field would take instead of a comparison of this name.
pub(super) fn not_accepted(field: &Field, name: &str) -> String {
    let accepted: Vec<&str> = operators(field).iter().map(|operator| operator.name()).collect();
    match accepted.is_empty() {
        true if field.relation().is_some() => {
            format!("`{name}` does not fit a relation to many; use some, none, every or count")
        }
        true => format!("`{name}` does not fit: this field cannot be filtered"),
        false if field.encryption.is_some() => {
            format!("`{name}` does not fit this field, whose values are encrypted; it takes {}", accepted.join(", "))
        }
        false => format!("`{name}` does not fit this field; it takes {}", accepted.join(", ")),
    }
}

/// Writes a comparison; denied, it holds exactly where the comparison does not, nulls included.
fn write(c: &mut Compiler<'_>, leaf: &Leaf<'_>, positive: impl FnOnce(&mut Compiler<'_>)) -> Result<()> {
    if leaf.negated {
        c.sql.push("(");
        positive(c);
        c.sql.push(") IS NOT TRUE");
    } else {
        positive(c);
    }
    Ok(())
}

fn constant(c: &mut Compiler<'_>, holds: bool) -> Result<()> {
    c.sql.push(if holds { "TRUE" } else { "FALSE" });
    Ok(())
}

fn equals(c: &mut Compiler<'_>, leaf: &Leaf<'_>, value: &Value) -> Result<()> {
    if leaf.field.kind == FieldKind::Actor {
        return done_by(c, leaf, std::slice::from_ref(value));
    }
    let value = operand(c, leaf, value)?;
    let word = if leaf.negated { " IS DISTINCT FROM " } else { " = " };
    c.sql.push(&leaf.column).push(word).bind(value);
    Ok(())
}

fn compare(c: &mut Compiler<'_>, leaf: &Leaf<'_>, word: &str, value: &Value) -> Result<()> {
    let value = operand(c, leaf, value)?;
    write(c, leaf, |c| {
        c.sql.push(&leaf.column).push(word).bind(value);
    })
}

fn one_of(c: &mut Compiler<'_>, leaf: &Leaf<'_>, values: &[Value]) -> Result<()> {
    if values.is_empty() {
        return constant(c, leaf.negated);
    }
    if leaf.field.kind == FieldKind::Actor {
        return done_by(c, leaf, values);
    }
    let mut list = match leaf.stored {
        Stored::Int => List::Ints(Vec::with_capacity(values.len())),
        Stored::Id => List::Ids(Vec::with_capacity(values.len())),
        _ => List::Texts(Vec::with_capacity(values.len())),
    };
    limited(c, values.len())?;
    for value in values {
        match (&mut list, operand(c, leaf, value)?) {
            (List::Ints(list), sea_orm::Value::BigInt(Some(value))) => list.push(value),
            (List::Ids(list), sea_orm::Value::Uuid(Some(value))) => list.push(value),
            (List::Texts(list), sea_orm::Value::String(Some(value))) => list.push(value),
            _ => return Err(c.bad("the list mixes kinds of values")),
        }
    }
    write(c, leaf, |c| {
        c.sql.push(&leaf.column).one_of(list);
    })
}

/// Stored is `MEMBER:<id>`, or `SYSTEM` alone; asked for is that, a kind, or whoever has an id.
fn done_by(c: &mut Compiler<'_>, leaf: &Leaf<'_>, actors: &[Value]) -> Result<()> {
    limited(c, actors.len())?;
    let (mut exact, mut kinds) = (Vec::with_capacity(actors.len()), Vec::new());
    for actor in actors {
        match actor {
            Value::Id(id) => exact.extend(Actor::of_id(*id).iter().map(Actor::stored)),
            Value::Text(text) => {
                kinds.extend(Actor::KINDS.into_iter().filter(|kind| text == kind));
                exact.push(without_nul(c, text.clone())?);
            }
            _ => return Err(c.bad("a comparison needs an actor; use `isNull` for records without one")),
        }
    }
    kinds.dedup();
    write(c, leaf, |c| {
        c.sql.push("(").push(&leaf.column).one_of(List::Texts(exact));
        for kind in kinds {
            // what follows `:` is `;`
            c.sql.push(" OR (").push(&leaf.column).push(" >= ").literal(&format!("{kind}:"));
            c.sql.push(" AND ").push(&leaf.column).push(" < ").literal(&format!("{kind};")).push(")");
        }
        c.sql.push(")");
    })
}

fn within(c: &mut Compiler<'_>, leaf: &Leaf<'_>, text: &str) -> Result<()> {
    let needle = needle(c, leaf, text)?;
    let function = match c.sql.dialect() {
        Dialect::Postgres => "strpos(",
        Dialect::Sqlite => "instr(",
    };
    write(c, leaf, |c| {
        c.sql.push(function).push(&leaf.column).push(", ").bind(needle).push(") > 0");
    })
}

/// A range, so that an index serves it: text is ordered by code point on both databases.
fn begins(c: &mut Compiler<'_>, leaf: &Leaf<'_>, text: &str) -> Result<()> {
    let needle = needle(c, leaf, text)?;
    let end = after_prefix(&needle);
    write(c, leaf, |c| {
        c.sql.push("(").push(&leaf.column).push(" >= ").bind(needle);
        if let Some(end) = end {
            c.sql.push(" AND ").push(&leaf.column).push(" < ").bind(end);
        }
        c.sql.push(")");
    })
}

fn ends(c: &mut Compiler<'_>, leaf: &Leaf<'_>, text: &str) -> Result<()> {
    let needle = needle(c, leaf, text)?;
    if needle.is_empty() {
        return write(c, leaf, |c| {
            c.sql.push(&leaf.column).push(" IS NOT NULL");
        });
    }
    let length = i64::try_from(needle.chars().count()).unwrap_or(i64::MAX);
    write(c, leaf, |c| {
        match c.sql.dialect() {
            Dialect::Postgres => c.sql.push("right(").push(&leaf.column).push(", ").number(length),
            Dialect::Sqlite => c.sql.push("substr(").push(&leaf.column).push(", -").number(length),
        };
        c.sql.push(") = ").bind(needle);
    })
}

fn has_any(c: &mut Compiler<'_>, leaf: &Leaf<'_>, words: &[String]) -> Result<()> {
    if words.is_empty() {
        return constant(c, leaf.negated);
    }
    let list = words_of(c, words)?;
    write(c, leaf, |c| match c.sql.dialect() {
        Dialect::Postgres => {
            c.sql.push(&leaf.column).push(" && ").bind_list(list);
        }
        Dialect::Sqlite => {
            sift(c, leaf, if words.len() == 1 { words } else { &[] });
            c.sql.push("EXISTS (SELECT 1 FROM json_each(").push(&leaf.column).push(") WHERE value");
            c.sql.one_of(list).push("))");
        }
    })
}

fn has_all(c: &mut Compiler<'_>, leaf: &Leaf<'_>, words: &[String]) -> Result<()> {
    if words.is_empty() {
        return constant(c, !leaf.negated);
    }
    let list = words_of(c, words)?;
    write(c, leaf, |c| match c.sql.dialect() {
        Dialect::Postgres => {
            c.sql.push(&leaf.column).push(" @> ").bind_list(list);
        }
        Dialect::Sqlite => {
            sift(c, leaf, words);
            c.sql.push("NOT EXISTS (SELECT 1 FROM json_each(").bind_list(list);
            c.sql.push(") WHERE value NOT IN (SELECT value FROM json_each(").push(&leaf.column).push("))))");
        }
    })
}

/// Looks for the first of some words in the list as it is written, since taking every list apart is dear. What is
/// found may be no word, but an end and a beginning of two: `","`.
fn sift(c: &mut Compiler<'_>, leaf: &Leaf<'_>, words: &[String]) {
    c.sql.push("(");
    if let Some(word) = words.first() {
        let written = serde_json::Value::from(word.as_str()).to_string();
        c.sql.push("instr(").push(&leaf.column).push(", ").bind(written).push(") > 0 AND ");
    }
}

fn within_period(c: &mut Compiler<'_>, leaf: &Leaf<'_>, period: Period) -> Result<()> {
    let calendar::Span { from, until } = match kind_of_values(&leaf.field.kind) {
        FieldKind::Date => calendar::days(period, c.scope.now, c.scope.zone),
        _ => calendar::instants(period, c.scope.now, c.scope.zone),
    };
    write(c, leaf, |c| {
        c.sql.push("(");
        if let Some(from) = from {
            c.sql.push(&leaf.column).push(" >= ").bind(from);
        }
        if from.is_some() && until.is_some() {
            c.sql.push(" AND ");
        }
        if let Some(until) = until {
            c.sql.push(&leaf.column).push(" < ").bind(until);
        }
        c.sql.push(")");
    })
}

/// The value as the column holds it.
fn operand(c: &Compiler<'_>, leaf: &Leaf<'_>, value: &Value) -> Result<sea_orm::Value> {
    if leaf.field.encryption.is_some() {
        let hash = sealing::hash(leaf.field, value);
        return hash
            .map(Into::into)
            .ok_or_else(|| c.bad("a comparison needs a value; use `isNull` for records without one"));
    }
    Ok(match (leaf.stored, value) {
        (_, Value::Null) => return Err(c.bad("a comparison needs a value; use `isNull` for records without one")),
        (Stored::Bool, Value::Bool(value)) => (*value).into(),
        (Stored::Int, Value::Int(value)) => (*value).into(),
        (Stored::Int, Value::Money(money)) => money.base.into(),
        (Stored::Id, Value::Id(id)) => (*id).into(),
        (Stored::Text, Value::Text(_) | Value::Contact(_)) => {
            let text = match (values::key(leaf.field, value), value) {
                (Some(key), _) => key,
                (None, Value::Text(text)) => text.clone(),
                (None, _) => String::new(),
            };
            without_nul(c, text)?.into()
        }
        _ => return Err(c.bad("the value is not of the field's type")),
    })
}

/// A part of a text as the column holds texts.
fn needle(c: &Compiler<'_>, leaf: &Leaf<'_>, text: &str) -> Result<String> {
    without_nul(c, needle_of(leaf.field, text))
}

/// A part of a text as values of the field are compared by.
pub(super) fn needle_of(field: &Field, text: &str) -> String {
    match kind_of_values(&field.kind) {
        FieldKind::Email => text.trim().to_lowercase(),
        FieldKind::Phone => part_of_phone(text),
        kind if values::has_key(kind) => fold_v1(text),
        _ => text.to_owned(),
    }
}

/// Digits alone, without the national zero, which numbers in international form do not have.
fn part_of_phone(text: &str) -> String {
    let text = text.trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match text.starts_with('+') {
        _ if digits.is_empty() => fold_v1(text),
        true => format!("+{digits}"),
        false => digits.trim_start_matches('0').to_owned(),
    }
}

fn words_of(c: &Compiler<'_>, words: &[String]) -> Result<List> {
    limited(c, words.len())?;
    let words: Result<_> = words.iter().map(|word| without_nul(c, word.clone())).collect();
    Ok(List::Texts(words?))
}

/// PostgreSQL cannot take a NUL in a text.
fn without_nul(c: &Compiler<'_>, text: String) -> Result<String> {
    if text.contains('\0') { Err(c.bad("a text has a NUL character, which no stored text has")) } else { Ok(text) }
}

fn limited(c: &Compiler<'_>, length: usize) -> Result<()> {
    match length {
        0..=MAX_LIST => Ok(()),
        _ => Err(c.bad(&format!("a list holds at most {MAX_LIST} values"))),
    }
}

/// The least text greater than all that begin with the prefix; nothing if there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{after_prefix, part_of_phone};

    #[test]
    fn a_prefix_ends_at_the_next_text() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_prefix(""), None);
        assert_eq!(after_prefix("\u{10ffff}"), None);
    }

    #[test]
    fn parts_of_phones_lose_what_people_add() {
        assert_eq!(part_of_phone(" 0550 12-34 "), "5501234");
        assert_eq!(part_of_phone("+213 (0)5"), "+21305");
        assert_eq!(part_of_phone("Poste"), "poste");
    }
}
