//! Values written in the document, with variables inserted.

use async_graphql_parser::Positioned;
use async_graphql_value::{Name, Value};
use serde_json::{Map, Value as Json};

use super::{
    Variables,
    value::{Misfit, complete, not_in},
};
use crate::graphql::schema::model::{Input, Model, TypeKind, TypeRef};

/// The arguments of a field for services (`CoerceArgumentValues`).
///
/// # Errors
/// A sentence that names the argument.
pub fn arguments(
    model: &Model,
    declared: &[Input],
    given: &[(Positioned<Name>, Positioned<Value>)],
    variables: &Variables,
) -> Result<Map<String, Json>, String> {
    let mut values = Map::with_capacity(declared.len());
    for input in declared {
        let written = given.iter().find(|(name, _)| *name.node == *input.name).map(|(_, value)| &value.node);
        let value = written
            .map_or(Ok(None), |value| literal(model, &input.ty, value, variables))
            .map_err(|misfit| misfit.about(&input.name))?;
        match value.or_else(|| input.default.clone()) {
            Some(value) => drop(values.insert(input.name.to_string(), value)),
            None if input.ty.is_non_null() => return Err(format!("Argument `{}` is required.", input.name)),
            None => {}
        }
    }
    Ok(values)
}

/// A written value, by its declared type; `None` for a variable without value.
pub(super) fn literal(
    model: &Model,
    ty: &TypeRef,
    value: &Value,
    variables: &Variables,
) -> Result<Option<Json>, Misfit> {
    if let Value::Variable(name) = value {
        return match variables.get(name.as_str()) {
            Some(Json::Null) if ty.is_non_null() => Err(Misfit::new(format!("`${name}` must not be null here."))),
            found => Ok(found.cloned()),
        };
    }
    constant(model, ty, value, variables).map(Some)
}

fn constant(model: &Model, ty: &TypeRef, value: &Value, variables: &Variables) -> Result<Json, Misfit> {
    match (ty, value) {
        (TypeRef::NonNull(_), Value::Null) => {
            Err(Misfit::new(format!("a value of type {} is required, not null.", model.display(ty))))
        }
        (TypeRef::NonNull(inner), _) => constant(model, inner, value, variables),
        (_, Value::Null) => Ok(Json::Null),
        (TypeRef::List(inner), Value::List(items)) => items
            .iter()
            .enumerate()
            .map(|(at, item)| match literal(model, inner, item, variables).map_err(|misfit| misfit.within(at))? {
                Some(item) => Ok(item),
                None if inner.is_non_null() => Err(Misfit::new("a value is required.").within(at)),
                None => Ok(Json::Null),
            })
            .collect(),
        (TypeRef::List(inner), single) => Ok(Json::Array(vec![constant(model, inner, single, variables)?])),
        (TypeRef::Named(id), _) => match &model.get(*id).kind {
            TypeKind::Scalar(scalar) => json_of(value, variables)
                .filter(|_| !matches!(value, Value::Enum(_)))
                .and_then(|json| scalar.coerce(&json))
                .ok_or_else(|| Misfit::new(format!("a value of type {} is required.", scalar.name()))),
            TypeKind::Enum(values) => match value {
                Value::Enum(name) if values.iter().any(|value| **value == **name) => Ok(Json::from(name.as_str())),
                _ => Err(not_in(values)),
            },
            TypeKind::Input(fields) => match value {
                Value::Object(given) => {
                    let mut object = Map::new();
                    for (key, value) in given {
                        let Some(field) = fields.iter().find(|field| *field.name == **key) else {
                            return Err(Misfit::new("there is no such field.").within(key));
                        };
                        let value = literal(model, &field.ty, value, variables).map_err(|misfit| misfit.within(key))?;
                        if let Some(value) = value {
                            object.insert(key.to_string(), value);
                        }
                    }
                    complete(fields, &mut object)?;
                    Ok(Json::Object(object))
                }
                _ => Err(Misfit::new(format!("an object of type {} is required.", model.get(*id).name))),
            },
            TypeKind::Object(_) => Err(Misfit::new("this is not an input type.")),
        },
    }
}

/// A literal without declared type, as custom scalars accept it.
fn json_of(value: &Value, variables: &Variables) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Variable(name) => variables.get(name.as_str()).cloned().unwrap_or(Json::Null),
        Value::Number(number) => Json::Number(number.clone()),
        Value::String(text) => Json::from(text.as_str()),
        Value::Boolean(bool) => Json::Bool(*bool),
        Value::Enum(name) => Json::from(name.as_str()),
        Value::List(items) => Json::Array(items.iter().map(|item| json_of(item, variables)).collect::<Option<_>>()?),
        Value::Object(fields) => Json::Object(
            fields
                .iter()
                .map(|(key, value)| Some((key.to_string(), json_of(value, variables)?)))
                .collect::<Option<_>>()?,
        ),
        Value::Binary(_) => return None,
    })
}
