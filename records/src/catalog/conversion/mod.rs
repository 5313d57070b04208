//! Changes a field's type: a new column is filled beside the old one, and then replaces it.
//!
//! For few rows this happens within the change that asks for it. For many, a job fills the new column from the old one,
//! follows the history of what was written meanwhile, and builds the indexes. At last, while nobody may write records
//! of the object, it applies the rest and swaps. Until then everybody reads and writes the old column. After a crash it
//! continues, because its position is stored with the field.

mod cells;
mod job;
mod losses;
mod refuse_losses;

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use tenants::{
    Code, Error, Issue,
    db::violation,
    error::{FieldIssue, Result},
};

use super::{
    Field, FieldId, FieldKind, FieldState, Origin, Past, Validation, build, checks, ddl, edit::Edit, fill, jobs::Build,
    remove, spec::KindSpec, store,
};
use crate::values::{self, Locale};
pub(super) use job::step;
pub(super) use refuse_losses::refuse_losses;

/// A running change of type: the future field, and how far its new column is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TypeChange {
    /// The new type.
    pub kind: FieldKind,
    /// The new rules.
    required: bool,
    unique: bool,
    default: Option<serde_json::Value>,
    validation: Validation,
    /// The new column.
    column: String,
    /// Values that cannot be converted may be dropped.
    lossy: bool,
    /// All rows that existed at the beginning are converted.
    filled: bool,
    /// Changes up to this one were followed: the number of its commit, and its place within the commit.
    followed: (i64, i64),
}

impl TypeChange {
    /// The field as it will be.
    pub fn target(&self, field: &Field) -> Field {
        let mut target = field.clone();
        target.kind = self.kind.clone();
        (target.required, target.unique) = (self.required, self.unique);
        target.default.clone_from(&self.default);
        target.validation = self.validation.clone();
        target.column.clone_from(&self.column);
        target
    }
}

/// The field with the requested type. Changing only the options of a select is not a change of type.
pub(super) fn aim(target: &mut Field, known: &Field, wanted: &KindSpec) -> Result<()> {
    let kind = match wanted {
        KindSpec::Value(kind) => kind,
        KindSpec::Relation(_) | KindSpec::Link(_) => {
            return Err(refused("type", "a field cannot become a link; create a new field"));
        }
        KindSpec::Rollup(_) => return Err(refused("type", "a field cannot become a rollup; create a new field")),
    };
    if !same_type(kind, &target.kind) {
        target.kind = kind.clone();
    }
    if same_type(&target.kind, &known.kind) {
        return Ok(());
    }
    if known.encryption.is_some() {
        return Err(refused("type", "an encrypted field keeps its type; create a new field"));
    }
    if known.origin != Origin::Custom {
        return Err(Error::new(
            Code::BadRequest,
            format!("`{}` is a standard field: its type cannot be changed.", known.name),
        ));
    }
    values::convertible(&known.kind, &target.kind).map_err(|why| refused("type", why))?;
    checks::kind(&target.kind)
}

/// Whether values of one kind are also values of the other, apart from options.
pub(super) fn same_type(one: &FieldKind, other: &FieldKind) -> bool {
    match (one, other) {
        (FieldKind::Select { .. }, FieldKind::Select { .. })
        | (FieldKind::MultiSelect { .. }, FieldKind::MultiSelect { .. }) => true,
        _ => one == other,
    }
}

pub(super) fn refused(part: &str, why: &str) -> Error {
    Error::invalid(vec![FieldIssue { field: part.to_owned(), issue: Issue::Rule(why.to_owned()) }])
}

/// Begins to change the type of `known`; for few rows it does everything at once.
pub(super) async fn begin(edit: &mut Edit<'_>, known: Field, mut target: Field, lossy: bool) -> Result<()> {
    if known.state == FieldState::Building && known.changing.is_none() {
        let message = format!("`{}` is still being built; change its type once it is ACTIVE.", known.name);
        return Err(Error::new(Code::Conflict, message));
    }
    let object = edit.object_by_id(known.object)?.clone();
    target.column = edit.physical('f');
    edit.run(ddl::add_columns(edit.dialect(), &object.table, &target)).await?;
    if build::many(edit, &object.table).await? {
        return later(edit, known, target, lossy).await;
    }
    let ids = fill::next_ids(&edit.tx, &object, None, build::FEW).await?;
    let conversion = cells::Conversion {
        object: &object,
        from: &known,
        to: &target,
        locale: Locale::of(edit.db().settings(), edit.catalog.rates.clone()),
        lossy,
    };
    match conversion.convert(&edit.tx, &ids).await? {
        cells::Outcome::Converted => {}
        cells::Outcome::Refused(losses) => return Err(losses.refusal(&known)),
        cells::Outcome::Shared => return Err(build::shared(&target)),
    }
    fits(edit, &known, &target).await?;
    let indexed = store::indexed(&edit.tx, known.id).await?;
    for index in build::wanted_indexes(edit.dialect(), &object.table, &target, indexed) {
        match edit.tx.execute_unprepared(&index.create()).await {
            Err(error) if violation(&error).is_some() => return Err(build::shared(&target)),
            other => other?,
        };
    }
    swap(edit, known, target).await
}

/// Leaves the conversion to the job.
async fn later(edit: &mut Edit<'_>, mut known: Field, target: Field, lossy: bool) -> Result<()> {
    let change = TypeChange {
        kind: target.kind.clone(),
        required: target.required,
        unique: target.unique,
        default: target.default,
        validation: target.validation,
        column: target.column,
        lossy,
        filled: false,
        // later commits are followed; earlier ones are visible to whoever fills the column
        followed: (store::seq(&edit.tx).await?, i64::MAX),
    };
    known.state = FieldState::Building;
    known.failure = None;
    known.changing = Some(Box::new(target.kind));
    let id = known.id;
    edit.update_field(known).await?;
    store::save_todo(&edit.tx, id, Some(&build::Todo { change: Some(change), ..Default::default() })).await?;
    edit.ask_to_build(Build::Field(id)).await
}

/// Refuses the change if something is computed from the field's values, because it depends on their type.
fn stands_alone(edit: &Edit<'_>, field: &Field) -> Result<()> {
    let on_it: Vec<String> = remove::standing_on(&edit.catalog, field.id);
    if on_it.is_empty() {
        return Ok(());
    }
    let message = format!("{} depend on `{}`; change or delete them first.", on_it.join(", "), field.name);
    Err(Error::new(Code::Conflict, message).with("fields", on_it))
}

/// What must still be true at the swap, whatever was written or changed meanwhile.
async fn fits(edit: &Edit<'_>, known: &Field, target: &Field) -> Result<()> {
    stands_alone(edit, known)?;
    build::refuse_missing(edit, target).await
}

/// The new column replaces the old one, which maintenance drops later.
async fn swap(edit: &mut Edit<'_>, known: Field, mut target: Field) -> Result<()> {
    let version = edit.freeze().await?;
    target.past.push(Past { until: store::seq(&edit.tx).await?, version, kind: known.kind.clone() });
    (target.state, target.failure, target.changing) = (FieldState::Active, None, None);
    store::save_todo(&edit.tx, target.id, None).await?;
    move_to(edit, known, target).await
}

/// Stores the field in another column from now on.
pub(super) async fn move_to(edit: &mut Edit<'_>, known: Field, target: Field) -> Result<()> {
    store::move_field(&edit.tx, &target).await?;
    edit.update_field(target).await?;
    leave(edit, known).await
}

/// Cancels a running change of type, if there is one; the field stays as it is.
pub(super) async fn give_up(edit: &mut Edit<'_>, field: &mut Field) -> Result<()> {
    let todo = store::todo(&edit.tx, field.id).await?;
    let Some(change) = todo.and_then(|todo| todo.change) else { return Ok(()) };
    store::save_todo(&edit.tx, field.id, None).await?;
    let unborn = change.target(field);
    field.changing = None;
    field.state = FieldState::Active;
    leave(edit, unborn).await
}

/// Leaves a column unused. Its uniqueness ends at once: a hidden value must not block a visible one.
async fn leave(edit: &mut Edit<'_>, mut field: Field) -> Result<()> {
    let table = edit.object_by_id(field.object)?.table.clone();
    edit.run([ddl::unique_index(&table, &field).drop()]).await?;
    edit.leave();
    (field.id, field.state) = (FieldId::new(), FieldState::Retired);
    store::insert_retired(&edit.tx, &field, edit.now).await
}

/// An error as the reason that is stored in the catalog.
fn in_words(error: &Error) -> String {
    let reported = error.fields().iter().map(|issue| format!("{}: {}", issue.field, issue.issue.message("en")));
    let reported: Vec<String> = reported.collect();
    if reported.is_empty() { error.message().to_owned() } else { reported.join("; ") }
}
