//! How objects and fields are stored, in both dialects. No other module knows it.
//!
//! Text is compared by code point; comparison, order and uniqueness use a key column (`f87_k`). Nulls are lowest.
//! Indexes leave out archived records, as lists do; indexes of links contain all, because destroying must find all.

use tenants::Dialect;

use super::{Cardinality, Encryption, Field, FieldKind, Rollup, RollupFunction};
use crate::values::has_key;

/// A column to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Physical name.
    pub name: String,
    /// Type, with a constant default where rows must never lack a value.
    pub sql_type: String,
}

impl Column {
    /// Its type, for casting a value to it.
    pub fn cast(&self) -> &str {
        self.sql_type.split(" COLLATE").next().unwrap_or_default()
    }
}

/// An index to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Physical name: `uq_o12__f87`, `ix_o12__f87`.
    pub name: String,
    /// The part after `CREATE [UNIQUE] INDEX "name" ON "tenant".`.
    body: String,
    /// No two rows may share its key.
    pub unique: bool,
}

/// Names of the system columns that every record table has, with key columns.
const SYSTEM: [(&str, Type, &str); 12] = [
    ("id", Type::Uuid, " NOT NULL PRIMARY KEY"),
    ("version", Type::Int, " NOT NULL DEFAULT 1"),
    ("name", Type::Text, ""),
    ("name_k", Type::Text, ""),
    ("external_id", Type::Text, ""),
    ("external_id_k", Type::Text, ""),
    ("created_at", Type::Int, " NOT NULL"),
    ("created_by", Type::Text, " NOT NULL"),
    ("updated_at", Type::Int, " NOT NULL"),
    ("updated_by", Type::Text, " NOT NULL"),
    ("archived_at", Type::Int, ""),
    ("owner_id", Type::Uuid, ""),
];

#[derive(Clone, Copy)]
enum Type {
    Uuid,
    Text,
    Int,
    Bool,
    Texts,
}

impl Type {
    fn sql(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Type::Uuid, Dialect::Postgres) => "uuid",
            (Type::Uuid, Dialect::Sqlite) => "blob",
            (Type::Text, Dialect::Postgres) => r#"text COLLATE "C""#,
            (Type::Texts, Dialect::Postgres) => r#"text[] COLLATE "C""#,
            (Type::Text | Type::Texts, Dialect::Sqlite) => "text",
            (Type::Int, _) => "bigint",
            (Type::Bool, _) => "boolean",
        }
    }
}

/// The table of a new object, with its system columns only.
pub fn create_table(dialect: Dialect, table: &str, owned: bool) -> String {
    let columns: Vec<String> = SYSTEM
        .iter()
        .filter(|(name, ..)| owned || *name != "owner_id")
        .map(|(name, kind, rest)| format!(r#""{name}" {}{rest}"#, kind.sql(dialect)))
        .collect();
    format!(r#"CREATE TABLE "tenant"."{table}" ({})"#, columns.join(", "))
}

/// Indexes on the system columns of a record table. If records are `listed` on their own, they are ordered by dates and
/// name.
pub fn system_indexes(dialect: Dialect, table: &str, owned: bool, listed: bool) -> Vec<Index> {
    let mut indexes = vec![unique(table, "external_id", "external_id_k")];
    if listed {
        indexes.extend([
            plain(table, "created_at", r#"("created_at", "id")"#.to_owned()),
            plain(table, "updated_at", r#"("updated_at", "id")"#.to_owned()),
            plain(table, "name", format!(r#"("name_k"{}, "id") {NOT_ARCHIVED}"#, nulls_first(dialect))),
        ]);
    }
    if owned {
        indexes.push(link(table, "owner_id"));
    }
    indexes
}

/// The index of a link. Records without a link, often most of them, are not in it.
fn link(table: &str, column: &str) -> Index {
    plain(table, column, format!(r#"("{column}", "id") WHERE "{column}" IS NOT NULL"#))
}

/// The table of a many-to-many link.
pub fn create_link_table(dialect: Dialect, table: &str) -> Vec<String> {
    let uuid = Type::Uuid.sql(dialect);
    vec![
        format!(
            r#"CREATE TABLE "tenant"."{table}" ("a" {uuid} NOT NULL, "b" {uuid} NOT NULL, PRIMARY KEY ("a", "b"))"#
        ),
        format!(r#"CREATE INDEX "ix_{table}__b" ON "tenant"."{table}" ("b", "a")"#),
    ]
}

/// The columns of a field; none for links that are stored elsewhere.
pub fn columns(dialect: Dialect, field: &Field) -> Vec<Column> {
    if field.column.is_empty() {
        return Vec::new();
    }
    let mut columns = Vec::new();
    let mut add = |suffix: &str, kind: Type, rest: &str| {
        columns.push(Column {
            name: format!("{}{suffix}", field.column),
            sql_type: format!("{}{rest}", kind.sql(dialect)),
        });
    };
    if field.encryption.is_some() {
        add("", Type::Text, "");
        if field.encryption.has_equality() {
            add("_k", Type::Text, "");
        }
        return columns;
    }
    match &field.kind {
        FieldKind::Rollup(rollup) => match rollup.function {
            RollupFunction::Count | RollupFunction::Sum => add("", Type::Int, " NOT NULL DEFAULT 0"),
            RollupFunction::Min | RollupFunction::Max => add("", plain_type(&rollup.result), ""),
            RollupFunction::Avg => {
                add("", Type::Int, "");
                add("_s", Type::Int, " NOT NULL DEFAULT 0");
                add("_n", Type::Int, " NOT NULL DEFAULT 0");
            }
        },
        FieldKind::Money => {
            add("", Type::Int, "");
            add("_c", Type::Text, "");
            add("_b", Type::Int, "");
        }
        kind => add("", plain_type(kind), ""),
    }
    if has_key(&field.kind) {
        add("_k", Type::Text, "");
    }
    columns
}

fn plain_type(kind: &FieldKind) -> Type {
    match kind {
        FieldKind::Id | FieldKind::Relation(_) => Type::Uuid,
        FieldKind::Boolean => Type::Bool,
        FieldKind::MultiSelect { .. } | FieldKind::Tags => Type::Texts,
        FieldKind::Integer
        | FieldKind::Decimal { .. }
        | FieldKind::Money
        | FieldKind::Percent
        | FieldKind::Rating { .. }
        | FieldKind::Date
        | FieldKind::DateTime
        | FieldKind::Duration
        | FieldKind::Rollup(_) => Type::Int,
        _ => Type::Text,
    }
}

/// Statements that add the columns of a field to a table. Instant for any number of rows.
pub fn add_columns(dialect: Dialect, table: &str, field: &Field) -> Vec<String> {
    let columns = columns(dialect, field);
    let added: Vec<String> =
        columns.iter().map(|column| format!(r#"ADD COLUMN "{}" {}"#, column.name, column.sql_type)).collect();
    alter(dialect, table, &added)
}

/// Statements that drop the columns of a field from a table, after its indexes.
pub fn drop_columns(dialect: Dialect, table: &str, field: &Field) -> Vec<String> {
    let columns = columns(dialect, field);
    let dropped: Vec<String> = columns.iter().map(|column| format!(r#"DROP COLUMN "{}""#, column.name)).collect();
    alter(dialect, table, &dropped)
}

/// PostgreSQL takes several changes of a table in one statement, SQLite one.
fn alter(dialect: Dialect, table: &str, actions: &[String]) -> Vec<String> {
    match dialect {
        _ if actions.is_empty() => Vec::new(),
        Dialect::Postgres => vec![format!(r#"ALTER TABLE "tenant"."{table}" {}"#, actions.join(", "))],
        Dialect::Sqlite => actions.iter().map(|action| format!(r#"ALTER TABLE "tenant"."{table}" {action}"#)).collect(),
    }
}

/// The index that makes a field unique among records that are not archived.
pub fn unique_index(table: &str, field: &Field) -> Index {
    unique(table, &field.column, &compared(field))
}

/// The index that makes fields unique together among records that are not archived and have a value in each.
pub fn combined_index(table: &str, name: &str, fields: &[&Field]) -> Index {
    let keys: Vec<String> = fields.iter().map(|field| format!("\"{}\"", compared(field))).collect();
    let valued: String = keys.iter().map(|key| format!(" AND {key} IS NOT NULL")).collect();
    Index {
        name: name.to_owned(),
        body: format!(r#""{table}" ({}) {NOT_ARCHIVED}{valued}"#, keys.join(", ")),
        unique: true,
    }
}

fn unique(table: &str, column: &str, key: &str) -> Index {
    Index {
        name: format!("uq_{table}__{column}"),
        body: format!(r#""{table}" ("{key}") {NOT_ARCHIVED} AND "{key}" IS NOT NULL"#),
        unique: true,
    }
}

/// The index for filters and order on a field, if its kind can have one.
pub fn field_index(dialect: Dialect, table: &str, field: &Field) -> Option<Index> {
    let column = compared(field);
    let sorted = || format!(r#"("{column}"{}, "id")"#, nulls_first(dialect));
    match &field.kind {
        _ if field.column.is_empty() || field.encryption == Encryption::Sealed => None,
        FieldKind::Id | FieldKind::Actor | FieldKind::LongText | FieldKind::Json => None,
        FieldKind::MultiSelect { .. } | FieldKind::Tags => {
            // SQLite scans this index of lists instead of the records
            let using = if dialect == Dialect::Postgres { "USING gin " } else { "" };
            Some(plain(table, &field.column, format!(r#"{using}("{column}") {NOT_ARCHIVED}"#)))
        }
        FieldKind::Relation(_) => Some(link(table, &column)),
        _ => Some(plain(table, &field.column, format!("{} {NOT_ARCHIVED}", sorted()))),
    }
}

/// The column used for comparison, order and uniqueness.
pub fn compared(field: &Field) -> String {
    match &field.kind {
        _ if field.encryption == Encryption::Sealed => field.column.clone(),
        _ if field.encryption.has_equality() => format!("{}_k", field.column),
        FieldKind::Money => format!("{}_b", field.column),
        kind if has_key(kind) => format!("{}_k", field.column),
        _ => field.column.clone(),
    }
}

/// Whether a relation is stored in a column of this side.
pub fn in_column(cardinality: Cardinality) -> bool {
    cardinality == Cardinality::ManyToOne
}

/// The column of the related record that a rollup is computed from. A count needs none.
pub fn rolled_column(rollup: &Rollup, field: Option<&Field>) -> Option<String> {
    match rollup.function {
        RollupFunction::Count => None,
        _ => field.map(|field| match &field.kind {
            FieldKind::Money => format!("{}_b", field.column),
            _ => field.column.clone(),
        }),
    }
}

impl Index {
    /// Creates it inside a transaction; for small tables.
    pub fn create(&self) -> String {
        format!(r#"CREATE {}INDEX IF NOT EXISTS "{}" ON "tenant".{}"#, self.unique_word(), self.name, self.body)
    }

    /// PostgreSQL, outside a transaction: creates it while others read and write.
    pub fn create_concurrently(&self) -> String {
        format!(r#"CREATE {}INDEX CONCURRENTLY "{}" ON "tenant".{}"#, self.unique_word(), self.name, self.body)
    }

    /// Drops it.
    pub fn drop(&self) -> String {
        drop_index(&self.name)
    }

    /// PostgreSQL, outside a transaction: drops it while others read and write.
    pub fn drop_concurrently(&self) -> String {
        format!(r#"DROP INDEX CONCURRENTLY IF EXISTS "tenant"."{}""#, self.name)
    }

    fn unique_word(&self) -> &'static str {
        if self.unique { "UNIQUE " } else { "" }
    }
}

/// Drops an index, if it exists.
pub fn drop_index(name: &str) -> String {
    format!(r#"DROP INDEX IF EXISTS "tenant"."{name}""#)
}

const NOT_ARCHIVED: &str = r#"WHERE "archived_at" IS NULL"#;

fn plain(table: &str, column: &str, rest: String) -> Index {
    Index { name: format!("ix_{table}__{column}"), body: format!(r#""{table}" {rest}"#), unique: false }
}

/// SQLite sorts nulls lowest by itself.
fn nulls_first(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => " NULLS FIRST",
        Dialect::Sqlite => "",
    }
}

#[cfg(test)]
mod tests {
    use entities::ids::{FieldId, ObjectId};

    use super::*;

    fn field(kind: FieldKind) -> Field {
        Field::new(FieldId::new(), ObjectId::new(), "x", "f7", kind)
    }

    fn types(dialect: Dialect, kind: FieldKind) -> Vec<String> {
        types_of(dialect, &field(kind))
    }

    fn types_of(dialect: Dialect, field: &Field) -> Vec<String> {
        let columns = columns(dialect, field);
        columns.into_iter().map(|column| format!("{} {}", column.name, column.sql_type)).collect()
    }

    #[test]
    fn every_kind_has_its_columns() {
        let (sqlite, postgres) = (Dialect::Sqlite, Dialect::Postgres);
        assert_eq!(types(postgres, FieldKind::Text), [r#"f7 text COLLATE "C""#, r#"f7_k text COLLATE "C""#]);
        assert_eq!(types(sqlite, FieldKind::Email), ["f7 text", "f7_k text"]);
        assert_eq!(types(sqlite, FieldKind::Money), ["f7 bigint", "f7_c text", "f7_b bigint"]);
        assert_eq!(types(postgres, FieldKind::Tags), [r#"f7 text[] COLLATE "C""#]);
        assert_eq!(types(sqlite, FieldKind::Tags), ["f7 text"]);
        assert_eq!(types(sqlite, FieldKind::Id), ["f7 blob"]);
        assert_eq!(types(postgres, FieldKind::Boolean), ["f7 boolean"]);
        let sealed = |kind, encryption| Field { encryption, ..field(kind) };
        let date = sealed(FieldKind::Date, Encryption::SealedEquality);
        assert_eq!(types_of(sqlite, &date), ["f7 text", "f7_k text"]);
        assert_eq!(types_of(sqlite, &sealed(FieldKind::LongText, Encryption::Sealed)), ["f7 text"]);
        let mean = Rollup {
            relation: FieldId::new(),
            function: RollupFunction::Avg,
            field: None,
            filter: None,
            result: Box::new(FieldKind::Percent),
        };
        let mean = types(sqlite, FieldKind::Rollup(mean));
        assert_eq!(mean, ["f7 bigint", "f7_s bigint NOT NULL DEFAULT 0", "f7_n bigint NOT NULL DEFAULT 0"]);
    }

    #[test]
    fn indexes_are_partial_and_sort_nulls_first() {
        let text = field(FieldKind::Text);
        assert_eq!(
            unique_index("o1", &text).create(),
            r#"CREATE UNIQUE INDEX IF NOT EXISTS "uq_o1__f7" ON "tenant"."o1" ("f7_k") WHERE "archived_at" IS NULL AND "f7_k" IS NOT NULL"#
        );
        let link = Field { column: "f8".to_owned(), ..field(FieldKind::Integer) };
        assert_eq!(
            combined_index("o1", "uq_o1__c9", &[&text, &link]).create(),
            r#"CREATE UNIQUE INDEX IF NOT EXISTS "uq_o1__c9" ON "tenant"."o1" ("f7_k", "f8") WHERE "archived_at" IS NULL AND "f7_k" IS NOT NULL AND "f8" IS NOT NULL"#
        );
        let index = |dialect, kind| field_index(dialect, "o1", &field(kind)).map(|index| index.create_concurrently());
        assert_eq!(
            index(Dialect::Postgres, FieldKind::Integer).as_deref(),
            Some(
                r#"CREATE INDEX CONCURRENTLY "ix_o1__f7" ON "tenant"."o1" ("f7" NULLS FIRST, "id") WHERE "archived_at" IS NULL"#
            )
        );
        assert_eq!(
            index(Dialect::Postgres, FieldKind::Tags).as_deref(),
            Some(
                r#"CREATE INDEX CONCURRENTLY "ix_o1__f7" ON "tenant"."o1" USING gin ("f7") WHERE "archived_at" IS NULL"#
            )
        );
        assert_eq!(
            index(Dialect::Sqlite, FieldKind::Tags).as_deref(),
            Some(r#"CREATE INDEX CONCURRENTLY "ix_o1__f7" ON "tenant"."o1" ("f7") WHERE "archived_at" IS NULL"#)
        );
        assert_eq!(index(Dialect::Sqlite, FieldKind::Json), None);
    }
}
