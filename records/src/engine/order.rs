//! The order of a list and positions in it, as SQL that an index on (key, id) can serve.
//!
//! Nulls are lowest on both databases. The id breaks ties in the direction of the last key, so that the same index
//! serves both directions.

use tenants::{
    Dialect,
    error::{Code, Error, Result},
};

use crate::{
    Ctx,
    catalog::{Field, FieldKind, Object, Origin},
    columns::{self, Stored, kind_of_values},
    permission,
    sql::Sql,
    values::Value,
};

use super::{Order, cursor::Position, read::ALIAS};

/// Most keys in one order.
const MAX_KEYS: usize = 5;

/// Whether lists can be ordered by fields of this type.
pub fn sortable(kind: &FieldKind) -> bool {
    match kind_of_values(kind) {
        FieldKind::LongText
        | FieldKind::Json
        | FieldKind::Relation(_)
        | FieldKind::Link { .. }
        | FieldKind::Actor
        | FieldKind::Rollup(_) => false,
        kind => !matches!(columns::stored(kind), None | Some(Stored::List)),
    }
}

/// One key of an order.
struct Key<'a> {
    field: &'a Field,
    column: String,
    stored: Stored,
    descending: bool,
    nullable: bool,
}

/// An order, read in its own direction or backwards.
pub(super) struct Sorting<'a> {
    keys: Vec<Key<'a>>,
    id_descending: bool,
}

/// Where a page starts: one condition, or two for two statements, each with its own index range.
pub(super) struct Start {
    pub first: Sql,
    pub then: Option<Sql>,
}

impl<'a> Sorting<'a> {
    /// Checks the requested order.
    ///
    /// # Errors
    /// `BAD_REQUEST` naming a field that cannot be sorted.
    pub fn new(ctx: &'a Ctx, object: &Object, order: &[Order], backwards: bool) -> Result<Self> {
        let mut sorting = Sorting { keys: Vec::with_capacity(order.len()), id_descending: backwards };
        for (i, asked) in order.iter().enumerate() {
            let field = ctx.catalog.field(asked.field).filter(|field| field.object == object.id && field.usable());
            let field = field.ok_or_else(|| unsortable(&format!("{} has no such field", object.name)))?;
            permission::see(ctx, field)?;
            if field.encryption.is_some() {
                let why = format!("`{}` is encrypted, so records cannot be sorted by it", field.name);
                return Err(unsortable(&why));
            }
            if !sortable(&field.kind) {
                return Err(unsortable(&format!("records cannot be sorted by `{}`", field.name)));
            }
            if i == MAX_KEYS {
                return Err(unsortable(&format!("an order has at most {MAX_KEYS} fields")));
            }
            let descending = asked.descending != backwards;
            sorting.id_descending = descending;
            if field.kind == FieldKind::Id {
                break; // ids are unique, so keys after the id have no effect
            }
            if sorting.keys.iter().all(|key| key.field.id != field.id) {
                sorting.keys.push(Key::new(field, descending));
            }
        }
        Ok(sorting)
    }

    /// Adds the keys to the columns selected.
    pub fn select(&self, sql: &mut Sql) {
        for key in &self.keys {
            sql.push(", ");
            key.write(sql);
        }
    }

    /// The types of the keys, to read them back.
    pub fn stored(&self) -> impl Iterator<Item = Stored> {
        self.keys.iter().map(|key| key.stored)
    }

    /// Adds the part after ORDER BY.
    pub fn write(&self, sql: &mut Sql) {
        for key in &self.keys {
            key.write(sql);
            // SQLite sorts nulls lowest anyway; indexes of columns without nulls do not mention them
            sql.push(match (sql.dialect() == Dialect::Postgres && key.nullable, key.descending) {
                (true, false) => " ASC NULLS FIRST, ",
                (true, true) => " DESC NULLS LAST, ",
                (false, false) => " ASC, ",
                (false, true) => " DESC, ",
            });
        }
        sql.column(ALIAS, "id").push(if self.id_descending { " DESC" } else { " ASC" });
    }

    /// Whether a position has values of the types of this order.
    pub fn fits(&self, position: &Position) -> bool {
        position.keys.len() == self.keys.len()
            && self.keys.iter().zip(&position.keys).all(|(key, value)| {
                matches!(
                    (key.stored, value),
                    (_, Value::Null)
                        | (Stored::Int, Value::Int(_))
                        | (Stored::Bool, Value::Bool(_))
                        | (Stored::Text, Value::Text(_))
                )
            })
    }

    /// The records after a position, as one or two index ranges: nulls and values are separate ranges.
    pub fn start(&self, dialect: Dialect, position: &Position) -> Start {
        let mut first = Sql::new(dialect);
        let (Some(key), Some(value)) = (self.keys.first(), position.keys.first()) else {
            self.rest(&mut first, 0, position);
            return Start { first, then: None };
        };
        let mut then = None;
        if *value == Value::Null {
            first.push("(");
            key.write(&mut first);
            first.push(" IS NULL AND ");
            self.rest(&mut first, 1, position);
            first.push(")");
            if !key.descending {
                then = Some(key.null(dialect, false));
            }
            return Start { first, then };
        }
        self.range(&mut first, key, value, position);
        if key.descending && key.nullable {
            then = Some(key.null(dialect, true));
        }
        Start { first, then }
    }

    /// Records with a value of the first key, after the position.
    fn range(&self, sql: &mut Sql, key: &Key<'_>, value: &Value, position: &Position) {
        let word = if key.descending { " < " } else { " > " };
        if self.keys.len() == 1 && self.id_descending == key.descending {
            sql.push("(");
            key.write(sql);
            sql.push(", ").column(ALIAS, "id").push(")").push(word).push("(");
            bind(sql, value);
            sql.push(", ").bind(position.id).push(")");
            return;
        }
        sql.push("(");
        key.write(sql);
        sql.push(if key.descending { " <= " } else { " >= " });
        bind(sql, value);
        sql.push(" AND (");
        key.write(sql);
        sql.push(word);
        bind(sql, value);
        sql.push(" OR ");
        self.rest(sql, 1, position);
        sql.push("))");
    }

    /// The records after the position, by the keys from `i` on, as one condition.
    pub fn rest(&self, sql: &mut Sql, i: usize, position: &Position) {
        let (Some(key), Some(value)) = (self.keys.get(i), position.keys.get(i)) else {
            sql.column(ALIAS, "id").push(if self.id_descending { " < " } else { " > " }).bind(position.id);
            return;
        };
        sql.push("(");
        match (*value == Value::Null, key.descending) {
            (true, false) => {
                key.write(sql);
                sql.push(" IS NOT NULL OR ");
            }
            (true, true) => {
                key.write(sql);
                sql.push(" IS NULL AND ");
            }
            (false, descending) => {
                key.write(sql);
                sql.push(if descending { " < " } else { " > " });
                bind(sql, value);
                sql.push(" OR ");
                if descending && key.nullable {
                    key.write(sql);
                    sql.push(" IS NULL OR ");
                }
                key.write(sql);
                sql.push(" = ");
                bind(sql, value);
                sql.push(" AND ");
            }
        }
        self.rest(sql, i + 1, position);
        sql.push(")");
    }
}

impl<'a> Key<'a> {
    fn new(field: &'a Field, descending: bool) -> Self {
        // `sortable` has refused fields without a column
        let (suffix, stored) = columns::compared(field).unwrap_or(("", Stored::Int));
        let stored = if field.options().is_empty() { stored } else { Stored::Int };
        let filled =
            field.origin == Origin::System && matches!(field.column.as_str(), "version" | "created_at" | "updated_at");
        Self { field, column: format!("{}{suffix}", field.column), stored, descending, nullable: !filled }
    }

    /// The expression to sort by: the compared column; for a select, the position of its option.
    fn write(&self, sql: &mut Sql) {
        write_key(sql, self.field, &self.column);
    }

    fn null(&self, dialect: Dialect, null: bool) -> Sql {
        let mut sql = Sql::new(dialect);
        self.write(&mut sql);
        sql.push(if null { " IS NULL" } else { " IS NOT NULL" });
        sql
    }
}

/// The expression that a field is sorted by: its compared column; for a select, the position of its option.
pub(super) fn write_key(sql: &mut Sql, field: &Field, column: &str) {
    if field.options().is_empty() {
        sql.column(ALIAS, column);
        return;
    }
    sql.push("CASE ").column(ALIAS, column);
    for (place, option) in (0_i64..).zip(field.options()) {
        sql.push(" WHEN ").literal(&option.value).push(" THEN ");
        // PostgreSQL would read plain numbers as 32 bits
        match sql.dialect() {
            Dialect::Postgres => sql.number(place).push("::bigint"),
            Dialect::Sqlite => sql.number(place),
        };
    }
    sql.push(" END");
}

fn bind(sql: &mut Sql, value: &Value) {
    match value {
        Value::Int(value) => sql.bind(*value),
        Value::Bool(value) => sql.bind(*value),
        Value::Text(value) => sql.bind(value.clone()),
        // a valid cursor holds no other values
        _ => sql.push("NULL"),
    };
}

#[track_caller]
fn unsortable(reason: &str) -> Error {
    Error::new(Code::BadRequest, format!("The order is not valid: {reason}."))
}
