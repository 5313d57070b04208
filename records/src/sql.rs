//! Builds the engine's SQL: text and bound values in one pass, for both databases.
//!
//! Tables are written as `"tenant"."o12"` and placeholders as `$1`, which both drivers accept. Where the databases
//! differ (lists, positions in a text) a method here writes the right form. See
//! `docs/decisions/0002-record-sql-text.md`.

use std::fmt::Write;

use sea_orm::{Statement, Value};
use tenants::{Dialect, TenantDb};
use uuid::Uuid;

/// A statement that is being built.
#[derive(Clone, Debug)]
pub struct Sql {
    dialect: Dialect,
    text: String,
    values: Vec<Value>,
}

/// A list bound as one parameter, so that its length does not change the text.
#[derive(Clone, Debug, PartialEq)]
pub enum List {
    /// Texts.
    Texts(Vec<String>),
    /// Integers.
    Ints(Vec<i64>),
    /// Record ids.
    Ids(Vec<Uuid>),
}

impl Sql {
    /// An empty statement for a kind of database.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, text: String::with_capacity(512), values: Vec::with_capacity(8) }
    }

    /// Which database it is for.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Adds text as it is. Never use it for values: those are bound.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a whole number as it is; for limits and generated names, which have few values.
    pub fn number(&mut self, number: i64) -> &mut Self {
        // writing to a String cannot fail
        let _ = write!(self.text, "{number}");
        self
    }

    /// Adds a quoted name.
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.text.push('"');
        for c in name.chars() {
            if c == '"' {
                self.text.push('"');
            }
            self.text.push(c);
        }
        self.text.push('"');
        self
    }

    /// Adds a table of the tenant.
    pub fn table(&mut self, table: &str) -> &mut Self {
        self.push("\"tenant\".").name(table)
    }

    /// Adds a column of an aliased table: `t0."f87_k"`.
    pub fn column(&mut self, alias: &str, column: &str) -> &mut Self {
        self.push(alias).push(".").name(column)
    }

    /// Adds a text literal; for keys from the catalog, which have few values.
    pub fn literal(&mut self, text: &str) -> &mut Self {
        self.text.push('\'');
        self.text.push_str(&text.replace('\'', "''"));
        self.text.push('\'');
        self
    }

    /// Adds a placeholder and binds a value to it.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    /// Adds the right side of an IN condition: ` = ANY($1)`, or ` IN (SELECT …)` on SQLite.
    pub fn one_of(&mut self, list: List) -> &mut Self {
        match self.dialect {
            Dialect::Postgres => self.push(" = ANY(").bind(list.array()).push(")"),
            Dialect::Sqlite => {
                let value = if matches!(list, List::Ids(_)) { "unhex(value)" } else { "value" };
                self.push(" IN (SELECT ").push(value).push(" FROM json_each(").bind(list.json()).push("))")
            }
        }
    }

    /// Binds a list as an array (PostgreSQL) or as JSON (SQLite).
    pub fn bind_list(&mut self, list: List) -> &mut Self {
        match self.dialect {
            Dialect::Postgres => self.bind(list.array()),
            Dialect::Sqlite => self.bind(list.json()),
        }
    }

    /// Adds a piece of another statement for the same database; its placeholders are renumbered.
    pub fn append(&mut self, other: Sql) -> &mut Self {
        let shift = self.values.len();
        if shift == 0 {
            self.text.push_str(&other.text);
        } else {
            self.push_shifted(&other.text, shift);
        }
        self.values.extend(other.values);
        self
    }

    fn push_shifted(&mut self, text: &str, shift: usize) {
        let mut rest = text;
        while let Some(at) = rest.find(['$', '\'', '"']) {
            let (before, from) = rest.split_at(at);
            self.text.push_str(before);
            let length = match from.as_bytes()[0] {
                b'$' => {
                    let end = from[1..].find(|c: char| !c.is_ascii_digit()).map_or(from.len(), |i| i + 1);
                    let number: usize = from[1..end].parse().unwrap_or(0);
                    let _ = write!(self.text, "${}", number + shift);
                    rest = &from[end..];
                    continue;
                }
                // a whole name or literal; a doubled quote is read as two adjacent ones
                quote => from[1..].find(char::from(quote)).map_or(from.len(), |i| i + 2),
            };
            self.text.push_str(&from[..length]);
            rest = &from[length..];
        }
        self.text.push_str(rest);
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bound values so far.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The statement, ready to run.
    pub fn statement(self, db: &TenantDb) -> Statement {
        db.statement(self.text, self.values)
    }

    /// Text and values apart.
    pub fn into_parts(self) -> (String, Vec<Value>) {
        (self.text, self.values)
    }
}

impl List {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        match self {
            List::Texts(texts) => texts.is_empty(),
            List::Ints(ints) => ints.is_empty(),
            List::Ids(ids) => ids.is_empty(),
        }
    }

    fn array(self) -> Value {
        match self {
            List::Texts(texts) => texts.into(),
            List::Ints(ints) => ints.into(),
            List::Ids(ids) => ids.into(),
        }
    }

    fn json(self) -> String {
        match self {
            List::Texts(texts) => serde_json::Value::from(texts).to_string(),
            List::Ints(ints) => serde_json::Value::from(ints).to_string(),
            List::Ids(ids) => {
                let mut out = String::with_capacity(2 + ids.len() * 35);
                out.push('[');
                for (i, id) in ids.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    let _ = write!(out, "{comma}\"{}\"", id.simple());
                }
                out.push(']');
                out
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_lists_as_one_parameter() {
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        let mut postgres = Sql::new(Dialect::Postgres);
        postgres.column("t0", "id").one_of(List::Ids(vec![id]));
        assert_eq!(postgres.text(), r#"t0."id" = ANY($1)"#);
        assert_eq!(postgres.values(), [Value::from(vec![id])]);

        let mut sqlite = Sql::new(Dialect::Sqlite);
        sqlite.column("t0", "id").one_of(List::Ids(vec![id, id]));
        assert_eq!(sqlite.text(), r#"t0."id" IN (SELECT unhex(value) FROM json_each($1))"#);
        let hex = "01900000000070008000000000000001";
        assert_eq!(sqlite.values(), [Value::from(format!("[\"{hex}\",\"{hex}\"]"))]);
    }

    #[test]
    fn quotes_names_and_literals() {
        let mut sql = Sql::new(Dialect::Sqlite);
        sql.table("o1\"2").push(" ").literal("it's");
        assert_eq!(sql.text(), r#""tenant"."o1""2" 'it''s'"#);
    }

    #[test]
    fn counts_on_when_appended() {
        let mut piece = Sql::new(Dialect::Postgres);
        piece.push("x = ").bind(1_i64).push(" OR '$1' = \"$2\" OR y = ").bind(2_i64);
        let mut sql = Sql::new(Dialect::Postgres);
        sql.push("z = ").bind(0_i64).push(" AND (").append(piece).push(")");
        assert_eq!(sql.text(), "z = $1 AND (x = $2 OR '$1' = \"$2\" OR y = $3)");
        assert_eq!(sql.values().len(), 3);
    }
}
