//! A field's type changes: a new column is filled beside the old one, and then takes its place.
//!
//! Over few rows that happens within the change that asks for it. Over many, a job fills the new column from the old
//! one, then follows the history of what was written meanwhile, makes the indexes, and at last, while no record of the
//! object is written, follows the rest and swaps. Until then everybody reads and writes the old column as ever. Killed
//! anywhere, it goes on where it was: how far it came is kept beside the field.

mod cells;
mod harm;
mod job;
mod survey;

use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use tenants::{
    Code, Error, Issue,
    db::violation,
    error::{FieldIssue, Result},
};

use super::{
    Field, FieldId, FieldKind, FieldState, Origin, Past, Validation, build, checks, ddl, edit::Edit, fill, remove,
    spec::KindSpec, store,
};
use crate::values::{self, Locale};
pub(super) use job::step;
pub(super) use survey::survey;

/// A change of type under way: what the field will be, and how far its new column is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TypeChange {
    /// Its type to be.
    pub kind: FieldKind,
    /// Its rules to be.
    required: bool,
    unique: bool,
    default: Option<serde_json::Value>,
    validation: Validation,
    /// The new column.
    column: String,
    /// Values that do not convert may go.
    lossy: bool,
    /// Everything that was there at the beginning is converted.
    filled: bool,
    /// Changes up to this one were followed: the number of its commit, and its place within.
    followed: (i64, i64),
}

impl TypeChange {
    /// The field as it will be, of the field as it is.
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

/// Gives the field to be the type that is asked for. Options of a select that stays one are no change of type.
pub(super) fn aim(target: &mut Field, known: &Field, wanted: &KindSpec) -> Result<()> {
    let kind = match wanted {
        KindSpec::Value(kind) => kind,
        KindSpec::Relation(_) => return Err(refused("type", "a field cannot become a link; make a new field")),
        KindSpec::Rollup(_) => return Err(refused("type", "a field cannot become a rollup; make a new field")),
    };
    if !same_type(kind, &target.kind) {
        target.kind = kind.clone();
    }
    if same_type(&target.kind, &known.kind) {
        return Ok(());
    }
    if known.encryption.is_some() {
        return Err(refused("type", "an encrypted field keeps its type; make a new field"));
    }
    if known.origin != Origin::Custom {
        return Err(Error::new(
            Code::BadRequest,
            format!("`{}` belongs to the product: its type stays as it is.", known.name),
        ));
    }
    values::convertible(&known.kind, &target.kind).map_err(|why| refused("type", why))?;
    checks::kind(&target.kind)
}

/// Whether values of one kind are values of the other, options apart.
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

/// Begins to change the type of `known`, or does it all where there are few rows.
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
        cells::Outcome::Refused(harm) => return Err(harm.refusal(&known)),
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
        // what is committed later is followed; what was committed before is seen by whoever fills
        followed: (store::seq(&edit.tx).await?, i64::MAX),
    };
    known.state = FieldState::Building;
    known.failure = None;
    known.changing = Some(Box::new(target.kind));
    let id = known.id;
    edit.update_field(known).await?;
    store::save_todo(&edit.tx, id, Some(&build::Todo { change: Some(change), ..Default::default() })).await?;
    edit.ask_to_build(id).await
}

/// What is computed from a field's values knows them by their type.
fn stands_alone(edit: &Edit<'_>, field: &Field) -> Result<()> {
    let on_it: Vec<String> = remove::standing_on(&edit.catalog, field.id);
    if on_it.is_empty() {
        return Ok(());
    }
    let message = format!("{} look at `{}`; change or delete them first.", on_it.join(", "), field.name);
    Err(Error::new(Code::Conflict, message).with("fields", on_it))
}

/// What must be so at the moment of the swap, whatever was written or changed meanwhile.
async fn fits(edit: &Edit<'_>, known: &Field, target: &Field) -> Result<()> {
    stands_alone(edit, known)?;
    build::refuse_missing(edit, target).await
}

/// The new column takes the place of the old one, which maintenance drops later.
async fn swap(edit: &mut Edit<'_>, known: Field, mut target: Field) -> Result<()> {
    let version = edit.freeze().await?;
    target.past.push(Past { until: store::seq(&edit.tx).await?, version, kind: known.kind.clone() });
    (target.state, target.failure, target.changing) = (FieldState::Active, None, None);
    store::save_todo(&edit.tx, target.id, None).await?;
    move_to(edit, known, target).await
}

/// The field is kept in another column from now on.
pub(super) async fn move_to(edit: &mut Edit<'_>, known: Field, target: Field) -> Result<()> {
    store::move_field(&edit.tx, &target).await?;
    edit.update_field(target).await?;
    leave(edit, known).await
}

/// Gives up a change of type that is under way, if there is one; the field stays as it is.
pub(super) async fn give_up(edit: &mut Edit<'_>, field: &mut Field) -> Result<()> {
    let todo = store::todo(&edit.tx, field.id).await?;
    let Some(change) = todo.and_then(|todo| todo.change) else { return Ok(()) };
    store::save_todo(&edit.tx, field.id, None).await?;
    let unborn = change.target(field);
    field.changing = None;
    field.state = FieldState::Active;
    leave(edit, unborn).await
}

/// Leaves a column behind. Uniqueness goes at once: a hidden value must not refuse a visible one.
async fn leave(edit: &mut Edit<'_>, mut field: Field) -> Result<()> {
    let table = edit.object_by_id(field.object)?.table.clone();
    edit.run([ddl::unique_index(&table, &field).drop()]).await?;
    edit.leave();
    (field.id, field.state) = (FieldId::new(), FieldState::Retired);
    store::insert_retired(&edit.tx, &field, edit.now).await
}

/// A refusal as the reason that stands in the catalog.
fn in_words(error: &Error) -> String {
    let reported = error.fields().iter().map(|issue| format!("{}: {}", issue.field, issue.issue.message("en")));
    let reported: Vec<String> = reported.collect();
    if reported.is_empty() { error.message().to_owned() } else { reported.join("; ") }
}
