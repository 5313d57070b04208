//! Fits JSON (the value of a variable) to its declared type.

use serde_json::{Map, Value as Json};

use crate::graphql::schema::model::{Input, Model, TypeKind, TypeRef};

/// Why a value does not fit, and where.
pub(super) struct Misfit {
    /// Keys and indexes, outermost first.
    path: Vec<String>,
    message: String,
}

impl Misfit {
    pub fn new(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into() }
    }

    pub fn within(mut self, step: impl ToString) -> Self {
        self.path.push(step.to_string());
        self
    }

    /// As a sentence about the value of this name.
    pub fn about(&self, name: &str) -> String {
        let place = self.path.iter().rev().fold(name.to_owned(), |place, step| place + "." + step);
        format!("The value of `{place}` is not valid: {}", self.message)
    }
}

/// The value for services.
pub(super) fn coerce(model: &Model, ty: &TypeRef, value: &Json) -> Result<Json, Misfit> {
    match (ty, value) {
        (TypeRef::NonNull(_), Json::Null) => {
            Err(Misfit::new(format!("a value of type {} is required, not null.", model.display(ty))))
        }
        (TypeRef::NonNull(inner), _) => coerce(model, inner, value),
        (_, Json::Null) => Ok(Json::Null),
        (TypeRef::List(inner), Json::Array(items)) => {
            let items = items.iter().enumerate();
            items.map(|(at, item)| coerce(model, inner, item).map_err(|misfit| misfit.within(at))).collect()
        }
        (TypeRef::List(inner), single) => Ok(Json::Array(vec![coerce(model, inner, single)?])),
        (TypeRef::Named(id), _) => match &model.get(*id).kind {
            TypeKind::Scalar(scalar) => scalar
                .coerce(value)
                .ok_or_else(|| Misfit::new(format!("a value of type {} is required.", scalar.name()))),
            TypeKind::Enum(values) => {
                let known = value.as_str().is_some_and(|name| values.iter().any(|value| **value == *name));
                if known { Ok(value.clone()) } else { Err(not_in(values)) }
            }
            TypeKind::Input(fields) => match value {
                Json::Object(given) => object(model, fields, given),
                _ => Err(Misfit::new(format!("an object of type {} is required.", model.get(*id).name))),
            },
            TypeKind::Object(_) => Err(Misfit::new("this is not an input type.")),
        },
    }
}

/// The error for a name that is not a value of an enum.
pub(super) fn not_in(values: &[crate::graphql::schema::model::Name]) -> Misfit {
    let names: Vec<&str> = values.iter().map(|value| &**value).collect();
    Misfit::new(format!("one of {} is required.", names.join(", ")))
}

fn object(model: &Model, fields: &[Input], given: &Map<String, Json>) -> Result<Json, Misfit> {
    if let Some(unknown) = given.keys().find(|key| !fields.iter().any(|field| *field.name == ***key)) {
        return Err(Misfit::new("there is no such field.").within(unknown));
    }
    let mut object = Map::new();
    // keep the given order: it defines the order of lists
    for (key, value) in given {
        if let Some(field) = fields.iter().find(|field| *field.name == **key) {
            let value = coerce(model, &field.ty, value).map_err(|misfit| misfit.within(key))?;
            object.insert(key.clone(), value);
        }
    }
    complete(fields, &mut object)?;
    Ok(Json::Object(object))
}

/// Fills in defaults and reports missing required values.
pub(super) fn complete(fields: &[Input], object: &mut Map<String, Json>) -> Result<(), Misfit> {
    for field in fields.iter().filter(|field| !object.contains_key(&*field.name)).collect::<Vec<_>>() {
        match &field.default {
            Some(default) => drop(object.insert(field.name.to_string(), default.clone())),
            None if field.ty.is_non_null() => return Err(Misfit::new("a value is required.").within(&field.name)),
            None => {}
        }
    }
    Ok(())
}
