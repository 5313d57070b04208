//! What a new or changed field still needs once its columns are there: values of existing rows, indexes, uniqueness.
//!
//! Over few rows that is done within the change itself; over many by a job, step by step, while the field is used.
//! A step can be repeated: killed anywhere, it begins again where it was.

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use tenants::{
    Dialect, Issue,
    db::violation,
    error::{Error, FieldIssue, Result},
};
use uuid::Uuid;

use super::{Field, FieldKind, FieldState, conversion::TypeChange, ddl, edit::Edit, fill};

/// Up to this many rows a field is built within the change that makes it.
pub(super) const FEW: i64 = 1_000;

/// What is left to do, as kept beside the field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Todo {
    /// Give existing rows the default, or a number, or their total.
    pub fill: bool,
    /// Everything up to this record is filled.
    pub after: Option<Uuid>,
    /// Give the field another type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<TypeChange>,
}

/// What a change of a field entails.
pub(super) struct Plan {
    /// Rows of the table, counted up to one more than [`FEW`].
    rows: i64,
    /// Existing rows need values.
    fill: bool,
    /// Indexes to be made.
    indexes: Vec<ddl::Index>,
}

/// Looks at the table to see what a field that is new in some respect needs.
pub(super) async fn plan(edit: &Edit<'_>, field: &Field, indexed: bool) -> Result<Plan> {
    let object = edit.object_by_id(field.object)?;
    if field.column.is_empty() || !object.writable {
        return Ok(Plan { rows: 0, fill: false, indexes: Vec::new() });
    }
    let rows = rows(edit, &object.table).await?;
    let fill = match &field.kind {
        FieldKind::Rollup(_) | FieldKind::AutoNumber { .. } => true,
        _ => everywhere(field) && field.default.is_some(),
    };
    let indexes = wanted_indexes(edit.dialect(), &object.table, field, indexed);
    Ok(Plan { rows, fill: fill && rows > 0, indexes })
}

/// Rows of a table, counted up to one more than [`FEW`].
async fn rows(edit: &Edit<'_>, table: &str) -> Result<i64> {
    count(edit, format!(r#"SELECT count(*) FROM (SELECT 1 FROM "tenant"."{table}" LIMIT {}) few"#, FEW + 1)).await
}

/// Whether a table has more rows than are changed within a change of the catalog.
pub(super) async fn many(edit: &Edit<'_>, table: &str) -> Result<bool> {
    Ok(rows(edit, table).await? > FEW)
}

/// Whether every record must have a value, not only those to come.
pub(super) fn everywhere(field: &Field) -> bool {
    field.required && !field.validation.required_for_new_only
}

/// The indexes of a field as it is declared. A unique one serves filters and order too; links are always looked up.
pub(super) fn wanted_indexes(dialect: tenants::Dialect, table: &str, field: &Field, indexed: bool) -> Vec<ddl::Index> {
    if field.column.is_empty() {
        return Vec::new();
    }
    let mut indexes = Vec::new();
    if field.unique {
        indexes.push(ddl::unique_index(table, field));
    }
    if field.relation().is_some() || (indexed && !field.unique) {
        indexes.extend(ddl::field_index(dialect, table, field));
    }
    indexes
}

impl Plan {
    /// A required field needs a value in every row: from a default, or only in rows to come.
    pub async fn refuse_missing(&self, edit: &Edit<'_>, field: &Field) -> Result<()> {
        if field.default.is_some() || self.fill || self.rows == 0 {
            return Ok(());
        }
        refuse_missing(edit, field).await
    }

    /// Leaves out what was built before the change: the values that a default would give.
    pub fn only_what_changed(&mut self, before: &Field, after: &Field) {
        self.fill = self.fill && (before.state != FieldState::Active || everywhere(after) != everywhere(before));
    }

    /// The state that the field is in once the change is committed.
    pub fn state(&self) -> FieldState {
        if self.later() { FieldState::Building } else { FieldState::Active }
    }

    fn later(&self) -> bool {
        self.rows > FEW && (self.fill || !self.indexes.is_empty())
    }

    /// Builds what is little, or leaves the rest to the job. The field's row is there already.
    pub async fn start(&self, edit: &Edit<'_>, field: &Field) -> Result<()> {
        if self.later() {
            let todo = Todo { fill: self.fill, ..Todo::default() };
            super::store::save_todo(&edit.tx, field.id, Some(&todo)).await?;
            return edit.ask_to_build(field.id).await;
        }
        if self.fill {
            let ids = fill::next_ids(&edit.tx, edit.object_by_id(field.object)?, None, FEW).await?;
            fill::fill(edit.db(), &edit.tx, &edit.catalog, field.id, &ids).await?;
        }
        for index in &self.indexes {
            match edit.tx.execute_unprepared(&index.create()).await {
                Err(error) if violation(&error).is_some() => return Err(shared(field)),
                other => other?,
            };
        }
        Ok(())
    }
}

/// Refuses a field that must have a value everywhere while records have none.
pub(super) async fn refuse_missing(edit: &Edit<'_>, field: &Field) -> Result<()> {
    if !everywhere(field) {
        return Ok(());
    }
    match missing(edit, field).await? {
        0 => Ok(()),
        missing => Err(Error::invalid(vec![lacking(field, missing)])),
    }
}

/// Records that have no value where one is needed, in words.
pub(super) fn lacking(field: &Field, missing: i64) -> FieldIssue {
    FieldIssue {
        field: "required".to_owned(),
        issue: Issue::Rule(format!(
            "{missing} records have no value for `{}`; give it a default, or ask for it on new records only",
            field.name
        )),
    }
}

/// A uniqueness that the rows do not keep, in words.
pub(super) fn shared(field: &Field) -> Error {
    Error::invalid(vec![FieldIssue {
        field: "unique".to_owned(),
        issue: Issue::Rule(format!("records share values of `{}`; make them differ first", field.name)),
    }])
}

/// Records whose select holds an option, archived ones too.
pub(super) async fn holding(edit: &Edit<'_>, field: &Field, option: &str) -> Result<i64> {
    let object = edit.object_by_id(field.object)?;
    let column = &field.column;
    let holds = match (&field.kind, edit.dialect()) {
        (FieldKind::MultiSelect { .. }, Dialect::Postgres) => format!(r#""{column}" @> ARRAY[$1]"#),
        (FieldKind::MultiSelect { .. }, Dialect::Sqlite) => {
            format!(r#"EXISTS (SELECT 1 FROM json_each("{column}") WHERE value = $1)"#)
        }
        _ => format!(r#""{column}" = $1"#),
    };
    let sql = format!(r#"SELECT count(*) FROM "tenant"."{}" WHERE {holds}"#, object.table);
    answer(edit, sql, vec![option.into()]).await
}

/// Records that have a value.
pub(super) async fn holding_any(edit: &Edit<'_>, field: &Field) -> Result<i64> {
    let object = edit.object_by_id(field.object)?;
    count(edit, format!(r#"SELECT count("{}") FROM "tenant"."{}""#, field.column, object.table)).await
}

/// Records that are not archived and have no value.
pub(super) async fn missing(edit: &Edit<'_>, field: &Field) -> Result<i64> {
    let object = edit.object_by_id(field.object)?;
    let sql = format!(
        r#"SELECT count(*) FROM "tenant"."{}" WHERE "{}" IS NULL AND "archived_at" IS NULL"#,
        object.table, field.column
    );
    count(edit, sql).await
}

/// The one number that a statement answers.
pub(super) async fn count(edit: &Edit<'_>, sql: String) -> Result<i64> {
    answer(edit, sql, Vec::new()).await
}

async fn answer(edit: &Edit<'_>, sql: String, values: Vec<sea_orm::Value>) -> Result<i64> {
    let row = edit.tx.query_one_raw(edit.tx.statement(sql, values)).await?;
    let row = row.ok_or_else(|| Error::internal("a count answered nothing"))?;
    Ok(row.try_get_by_index(0)?)
}
