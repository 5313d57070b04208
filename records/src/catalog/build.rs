//! What a new or changed field needs after its columns exist: values for existing rows, indexes, uniqueness.
//!
//! For few rows this happens within the change itself; for many, a job does it step by step while the field is in use.
//! Steps can be repeated: after a crash the job continues where it was.

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use tenants::{
    Dialect, Issue,
    db::violation,
    error::{Error, FieldIssue, Result},
};
use uuid::Uuid;

use super::{Field, FieldKind, FieldState, conversion::TypeChange, ddl, edit::Edit, fill, jobs::Build};

/// Up to this many rows a field is built within the change that makes it.
pub(super) const FEW: i64 = 1_000;

/// What is left to do, stored with the field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Todo {
    /// Give existing rows the default, a number, or their rollup.
    pub fill: bool,
    /// All records up to this one are filled.
    pub after: Option<Uuid>,
    /// Change the type of the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<TypeChange>,
}

/// The work that a change of a field causes.
pub(super) struct Plan {
    /// Rows of the table, counted up to one more than [`FEW`].
    rows: i64,
    /// Existing rows need values.
    fill: bool,
    /// Indexes to create.
    indexes: Vec<ddl::Index>,
}

/// Looks at the table to find out what the new or changed field needs.
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

/// Whether a table has more rows than are changed within the change itself.
pub(super) async fn many(edit: &Edit<'_>, table: &str) -> Result<bool> {
    Ok(rows(edit, table).await? > FEW)
}

/// Whether every record must have a value, not only new ones.
pub(super) fn everywhere(field: &Field) -> bool {
    field.required && !field.validation.required_for_new_only
}

/// The indexes of a field. A unique index serves filters and order too; links always have one.
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
    /// A required field needs a value in every row: from a default, or `appliesTo: NEW`.
    pub async fn refuse_missing(&self, edit: &Edit<'_>, field: &Field) -> Result<()> {
        if field.default.is_some() || self.fill || self.rows == 0 {
            return Ok(());
        }
        refuse_missing(edit, field).await
    }

    /// Leaves out what already existed before the change, such as the values from a default.
    pub fn only_what_changed(&mut self, before: &Field, after: &Field) {
        self.fill = self.fill && (before.state != FieldState::Active || everywhere(after) != everywhere(before));
    }

    /// The state of the field once the change is committed.
    pub fn state(&self) -> FieldState {
        if self.later() { FieldState::Building } else { FieldState::Active }
    }

    fn later(&self) -> bool {
        self.rows > FEW && (self.fill || !self.indexes.is_empty())
    }

    /// Stores what is left to do, for a job that is asked for later.
    pub async fn leave(&self, edit: &Edit<'_>, field: &Field) -> Result<()> {
        let todo = Todo { fill: self.fill, ..Todo::default() };
        super::store::save_todo(&edit.tx, field.id, Some(&todo)).await
    }

    /// Builds the field now if there are few rows, otherwise leaves it to the job. The field's row already exists.
    pub async fn start(&self, edit: &mut Edit<'_>, field: &Field) -> Result<()> {
        if self.later() {
            self.leave(edit, field).await?;
            return edit.ask_to_build(Build::Field(field.id)).await;
        }
        if self.fill {
            let ids = fill::next_ids(&edit.tx, edit.object_by_id(field.object)?, None, FEW).await?;
            fill::fill(edit.db(), &edit.tx, &edit.catalog, field.id, &ids).await?;
            if field.rollup().is_some() {
                edit.rebuilt(field);
            }
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

/// Refuses a field that must have a value everywhere while some records have none.
pub(super) async fn refuse_missing(edit: &Edit<'_>, field: &Field) -> Result<()> {
    if !everywhere(field) {
        return Ok(());
    }
    match missing(edit, field).await? {
        0 => Ok(()),
        missing => Err(Error::invalid(vec![lacking(field, missing)])),
    }
}

/// The message about records without a required value.
pub(super) fn lacking(field: &Field, missing: i64) -> FieldIssue {
    FieldIssue {
        field: "required".to_owned(),
        issue: Issue::Rule(format!(
            "{missing} records have no value for `{}`; give it a default, or require it on new records only",
            field.name
        )),
    }
}

/// The message about rows that break uniqueness.
pub(super) fn shared(field: &Field) -> Error {
    Error::invalid(vec![FieldIssue {
        field: "unique".to_owned(),
        issue: Issue::Rule(format!("records share values of `{}`; make them different first", field.name)),
    }])
}

/// How many records hold an option of a select, including archived ones.
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

/// How many records have a value.
pub(super) async fn holding_any(edit: &Edit<'_>, field: &Field) -> Result<i64> {
    let object = edit.object_by_id(field.object)?;
    count(edit, format!(r#"SELECT count("{}") FROM "tenant"."{}""#, field.column, object.table)).await
}

/// How many records are not archived and have no value.
pub(super) async fn missing(edit: &Edit<'_>, field: &Field) -> Result<i64> {
    let object = edit.object_by_id(field.object)?;
    let sql = format!(
        r#"SELECT count(*) FROM "tenant"."{}" WHERE "{}" IS NULL AND "archived_at" IS NULL"#,
        object.table, field.column
    );
    count(edit, sql).await
}

/// The number that a statement returns.
pub(super) async fn count(edit: &Edit<'_>, sql: String) -> Result<i64> {
    answer(edit, sql, Vec::new()).await
}

async fn answer(edit: &Edit<'_>, sql: String, values: Vec<sea_orm::Value>) -> Result<i64> {
    let row = edit.tx.query_one_raw(edit.tx.statement(sql, values)).await?;
    let row = row.ok_or_else(|| Error::internal("a count returned no row"))?;
    Ok(row.try_get_by_index(0)?)
}
