//! Reads and writes the rows of the catalog.

use std::collections::HashMap;

use entities::tenant::{clock, constraints, fields, objects, sections};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityName as _, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Serialize, de::DeserializeOwned};
use tenants::{
    TenantDb,
    error::{Error, Result},
};

use super::{
    Catalog, Constraint, ConstraintId, Field, FieldId, FieldState, Object, ObjectId, Origin, Section, SectionId,
    build::Todo, rates,
};

/// Reads the whole catalog, inside a transaction so that its parts belong together.
pub(super) async fn load<C: ConnectionTrait>(db: &TenantDb, tx: &C) -> Result<Catalog> {
    let clock = clock(tx).await?;
    // whoever knows this version seals with this key
    db.seal_with(clock.data_key).await?;
    let mut sections: HashMap<ObjectId, Vec<Section>> = HashMap::new();
    for row in sections::Entity::find().all(tx).await? {
        let section = Section { id: row.id, name: row.name, label: read(&row.label)?, position: row.position };
        sections.entry(row.object_id).or_default().push(section);
    }
    let mut constraints: HashMap<ObjectId, Vec<Constraint>> = HashMap::new();
    for row in constraints::Entity::find().all(tx).await? {
        constraints.entry(row.object_id).or_default().push(constraint(row)?);
    }
    let mut fields: HashMap<ObjectId, Vec<Field>> = HashMap::new();
    let alive = fields::Entity::find().filter(fields::Column::RetiredAt.is_null()).order_by_asc(fields::Column::Id);
    for row in alive.all(tx).await? {
        fields.entry(row.object_id).or_default().push(field(row)?.with_keys(db.key()));
    }
    let mut all = Vec::new();
    let alive = objects::Entity::find().filter(objects::Column::RetiredAt.is_null()).order_by_asc(objects::Column::Id);
    for row in alive.all(tx).await? {
        let mut object = Object::new(row.id, &row.name, &row.plural, &row.table_name, word_of(&row.origin)?);
        object.label = read(&row.label)?;
        object.plural_label = read(&row.plural_label)?;
        object.writable = row.writable;
        object.sections = sections.remove(&row.id).unwrap_or_default();
        object.constraints = constraints.remove(&row.id).unwrap_or_default();
        all.push(object.with_fields(fields.remove(&row.id).unwrap_or_default()));
    }
    all.sort_by_key(|object| object.origin == Origin::Custom);
    Ok(Catalog::new(clock.catalog_version, all).with_rates(rates::load(tx).await?))
}

/// The current version in the database.
pub(super) async fn version<C: ConnectionTrait>(db: &C) -> Result<i64> {
    Ok(clock(db).await?.catalog_version)
}

/// The number of the last commit of records.
pub(super) async fn seq<C: ConnectionTrait>(db: &C) -> Result<i64> {
    Ok(clock(db).await?.seq)
}

async fn clock<C: ConnectionTrait>(db: &C) -> Result<clock::Model> {
    let row = clock::Entity::find_by_id(1_i16).one(db).await?;
    row.ok_or_else(|| Error::internal("the tenant has no clock row"))
}

fn constraint(row: constraints::Model) -> Result<Constraint> {
    Ok(Constraint {
        id: row.id,
        fields: read(&row.fields)?,
        index: row.index_name,
        origin: word_of(&row.origin)?,
        state: word_of(&row.state)?,
        failure: row.failure,
    })
}

fn field(row: fields::Model) -> Result<Field> {
    Ok(Field {
        id: row.id,
        object: row.object_id,
        name: row.name,
        column: row.column_name,
        kind: read(&row.kind)?,
        label: read(&row.label)?,
        help: read(&row.help)?,
        section: row.section_id,
        position: row.position,
        origin: word_of(&row.origin)?,
        required: row.required,
        unique: row.is_unique,
        default: row.default_value.as_deref().map(read).transpose()?,
        validation: read(&row.validation)?,
        searchable: row.searchable,
        audited: row.audited,
        personal: row.personal.as_deref().map(word_of).transpose()?,
        state: word_of(&row.state)?,
        failure: row.failure,
        writable: row.writable,
        encryption: row.encryption.as_deref().map(word_of).transpose()?.unwrap_or_default(),
        keys: None,
        changing: match row.build.as_deref() {
            Some(build) => read::<Todo>(build)?.change.map(|change| Box::new(change.kind)),
            None => None,
        },
        past: row.past.as_deref().map(read).transpose()?.unwrap_or_default(),
    })
}

/// Inserts an object's row; its sections and fields have their own rows.
pub(super) async fn insert_object<C: ConnectionTrait>(tx: &C, object: &Object, now: i64) -> Result<()> {
    let row = objects::ActiveModel {
        id: Set(object.id),
        name: Set(object.name.clone()),
        plural: Set(object.plural.clone()),
        label: Set(write(&object.label)?),
        plural_label: Set(write(&object.plural_label)?),
        table_name: Set(object.table.clone()),
        origin: Set(word(&object.origin)?),
        writable: Set(object.writable),
        created_at: Set(now),
        retired_at: Set(None),
    };
    objects::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Updates the parts of an object that can change.
pub(super) async fn update_object<C: ConnectionTrait>(tx: &C, object: &Object) -> Result<()> {
    let row = objects::ActiveModel {
        id: Set(object.id),
        name: Set(object.name.clone()),
        plural: Set(object.plural.clone()),
        label: Set(write(&object.label)?),
        plural_label: Set(write(&object.plural_label)?),
        ..Default::default()
    };
    objects::Entity::update(row).exec(tx).await?;
    Ok(())
}

/// Inserts or replaces a section's row.
pub(super) async fn save_section<C: ConnectionTrait>(tx: &C, object: ObjectId, section: &Section) -> Result<()> {
    let row = sections::ActiveModel {
        id: Set(section.id),
        object_id: Set(object),
        name: Set(section.name.clone()),
        label: Set(write(&section.label)?),
        position: Set(section.position),
    };
    let conflict = sea_orm::sea_query::OnConflict::column(sections::Column::Id)
        .update_columns([sections::Column::Name, sections::Column::Label, sections::Column::Position])
        .to_owned();
    sections::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx).await?;
    Ok(())
}

/// Inserts a constraint's row.
pub(super) async fn insert_constraint<C: ConnectionTrait>(tx: &C, object: ObjectId, of: &Constraint) -> Result<()> {
    let row = constraints::ActiveModel {
        id: Set(of.id),
        object_id: Set(object),
        fields: Set(write(&of.fields)?),
        index_name: Set(of.index.clone()),
        origin: Set(word(&of.origin)?),
        state: Set(word(&of.state)?),
        failure: Set(of.failure.clone()),
    };
    constraints::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Updates how far a constraint is.
pub(super) async fn update_constraint<C: ConnectionTrait>(tx: &C, of: &Constraint) -> Result<()> {
    let row = constraints::ActiveModel {
        id: Set(of.id),
        state: Set(word(&of.state)?),
        failure: Set(of.failure.clone()),
        ..Default::default()
    };
    constraints::Entity::update(row).exec(tx).await?;
    Ok(())
}

/// Deletes a constraint's row.
pub(super) async fn delete_constraint<C: ConnectionTrait>(tx: &C, id: ConstraintId) -> Result<()> {
    constraints::Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}

/// Inserts a field's row.
pub(super) async fn insert_field<C: ConnectionTrait>(tx: &C, field: &Field, indexed: bool, now: i64) -> Result<()> {
    let row = fields::ActiveModel {
        object_id: Set(field.object),
        origin: Set(word(&field.origin)?),
        column_name: Set(field.column.clone()),
        encryption: Set(field.encryption.is_some().then(|| word(&field.encryption)).transpose()?),
        indexed: Set(indexed),
        build: Set(None),
        created_at: Set(now),
        retired_at: Set(None),
        ..changeable(field)?
    };
    fields::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Inserts the row of an unused column, for maintenance to drop.
pub(super) async fn insert_retired<C: ConnectionTrait>(tx: &C, field: &Field, now: i64) -> Result<()> {
    insert_field(tx, field, false, now).await?;
    retire_field(tx, field.id, now).await
}

/// Stores which column holds a field.
pub(super) async fn move_field<C: ConnectionTrait>(tx: &C, field: &Field) -> Result<()> {
    let row = fields::ActiveModel { id: Set(field.id), column_name: Set(field.column.clone()), ..Default::default() };
    fields::Entity::update(row).exec(tx).await?;
    Ok(())
}

/// Updates the parts of a field that can change.
pub(super) async fn update_field<C: ConnectionTrait>(tx: &C, field: &Field) -> Result<()> {
    fields::Entity::update(changeable(field)?).exec(tx).await?;
    Ok(())
}

fn changeable(field: &Field) -> Result<fields::ActiveModel> {
    Ok(fields::ActiveModel {
        id: Set(field.id),
        name: Set(field.name.clone()),
        kind: Set(write(&field.kind)?),
        label: Set(write(&field.label)?),
        help: Set(write(&field.help)?),
        section_id: Set(field.section),
        position: Set(field.position),
        required: Set(field.required),
        is_unique: Set(field.unique),
        default_value: Set(field.default.as_ref().map(write).transpose()?),
        validation: Set(write(&field.validation)?),
        searchable: Set(field.searchable),
        audited: Set(field.audited),
        personal: Set(field.personal.as_ref().map(word).transpose()?),
        state: Set(word(&field.state)?),
        failure: Set(field.failure.clone()),
        writable: Set(field.writable),
        past: Set((!field.past.is_empty()).then(|| write(&field.past)).transpose()?),
        ..Default::default()
    })
}

/// Stores what is left to build of a field.
pub(super) async fn save_todo<C: ConnectionTrait>(tx: &C, field: FieldId, todo: Option<&Todo>) -> Result<()> {
    let build = todo.map(write).transpose()?;
    let row = fields::ActiveModel { id: Set(field), build: Set(build), ..Default::default() };
    fields::Entity::update(row).exec(tx).await?;
    Ok(())
}

/// What is left to build of a field.
pub(super) async fn todo<C: ConnectionTrait>(tx: &C, field: FieldId) -> Result<Option<Todo>> {
    let row = fields::Entity::find_by_id(field).one(tx).await?;
    row.and_then(|row| row.build).as_deref().map(read).transpose()
}

/// The column of a field and what is left to build of it, locked until the transaction ends.
pub(super) async fn held<C: ConnectionTrait>(tx: &C, field: FieldId) -> Result<Option<(String, Todo)>> {
    let row = fields::Entity::find_by_id(field).lock_exclusive().one(tx).await?;
    let Some((column, build)) = row.and_then(|row| Some((row.column_name, row.build?))) else { return Ok(None) };
    Ok(Some((column, read(&build)?)))
}

/// Whether a field gets its own index.
pub(super) async fn indexed<C: ConnectionTrait>(tx: &C, field: FieldId) -> Result<bool> {
    Ok(fields::Entity::find_by_id(field).one(tx).await?.is_some_and(|row| row.indexed))
}

/// Deletes a section's row.
pub(super) async fn delete_section<C: ConnectionTrait>(tx: &C, id: SectionId) -> Result<()> {
    sections::Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}

/// An object that was deleted before an instant, with all its fields.
pub(super) async fn retired_object<C: ConnectionTrait>(
    tx: &C,
    before: i64,
) -> Result<Option<(objects::Model, Vec<Field>)>> {
    let found = objects::Entity::find().filter(objects::Column::RetiredAt.lt(before)).one(tx).await?;
    let Some(object) = found else { return Ok(None) };
    let rows = fields::Entity::find().filter(fields::Column::ObjectId.eq(object.id)).all(tx).await?;
    let fields: Result<Vec<Field>> = rows.into_iter().map(field).collect();
    Ok(Some((object, fields?)))
}

/// A field that was deleted before an instant, of an object that still exists.
pub(super) async fn retired_field<C: ConnectionTrait>(tx: &C, before: i64) -> Result<Option<Field>> {
    let gone = sea_orm::sea_query::Query::select()
        .column(objects::Column::Id)
        .from(objects::Entity.table_ref())
        .and_where(objects::Column::RetiredAt.is_not_null())
        .to_owned();
    let found = fields::Entity::find()
        .filter(fields::Column::RetiredAt.lt(before))
        .filter(fields::Column::ObjectId.not_in_subquery(gone));
    found.one(tx).await?.map(field).transpose()
}

/// Deletes the rows of an object whose table is dropped.
pub(super) async fn delete_object<C: ConnectionTrait>(tx: &C, id: ObjectId) -> Result<()> {
    fields::Entity::delete_many().filter(fields::Column::ObjectId.eq(id)).exec(tx).await?;
    sections::Entity::delete_many().filter(sections::Column::ObjectId.eq(id)).exec(tx).await?;
    constraints::Entity::delete_many().filter(constraints::Column::ObjectId.eq(id)).exec(tx).await?;
    objects::Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}

/// Deletes the row of a field whose column is dropped.
pub(super) async fn delete_field<C: ConnectionTrait>(tx: &C, id: FieldId) -> Result<()> {
    fields::Entity::delete_by_id(id).exec(tx).await?;
    Ok(())
}

/// Marks a field as deleted; its column stays until maintenance drops it.
pub(super) async fn retire_field<C: ConnectionTrait>(tx: &C, field: FieldId, now: i64) -> Result<()> {
    let row = fields::ActiveModel {
        id: Set(field),
        state: Set(word(&FieldState::Retired)?),
        retired_at: Set(Some(now)),
        build: Set(None),
        ..Default::default()
    };
    fields::Entity::update(row).exec(tx).await?;
    Ok(())
}

/// Marks an object as deleted; its table stays until maintenance drops it.
pub(super) async fn retire_object<C: ConnectionTrait>(tx: &C, object: ObjectId, now: i64) -> Result<()> {
    let row = objects::ActiveModel { id: Set(object), retired_at: Set(Some(now)), ..Default::default() };
    objects::Entity::update(row).exec(tx).await?;
    Ok(())
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::internal)
}

pub(super) fn write<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

fn word_of<T: DeserializeOwned>(word: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(Error::internal)
}

fn word<T: Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value).map_err(Error::internal)? {
        serde_json::Value::String(word) => Ok(word),
        _ => Err(Error::internal("not a word")),
    }
}
