//! The variables of an operation: their declarations, and the values in a request.

use async_graphql_parser::{
    Pos, Positioned,
    types::{BaseType, OperationDefinition, Type, VariableDefinition},
};
use serde_json::{Map, Value as Json};
use tenants::error::Code;

use super::{Variables, literal::literal, value::coerce};
use crate::graphql::{
    errors::{GraphqlError, Refusal},
    schema::model::{Model, TypeKind, TypeRef},
};

/// A declared variable.
#[derive(Debug)]
pub struct Variable {
    /// Without the dollar sign.
    pub name: String,
    /// Its type.
    pub ty: TypeRef,
    /// Its default.
    pub default: Option<Json>,
    /// Position of its declaration.
    pub pos: Pos,
}

/// The variables that an operation declares.
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED` for unknown types, output types, and defaults that do not fit.
pub fn declare(model: &Model, operation: &OperationDefinition) -> Result<Vec<Variable>, Refusal> {
    operation.variable_definitions.iter().map(|definition| declare_one(model, definition)).collect()
}

fn declare_one(model: &Model, definition: &Positioned<VariableDefinition>) -> Result<Variable, Refusal> {
    let name = definition.node.name.node.to_string();
    let written = &definition.node.var_type.node;
    let ty = resolve(model, written).ok_or_else(|| {
        Refusal::invalid(format!("There is no input type `{written}` for `${name}`."), definition.pos)
    })?;
    let default = match &definition.node.default_value {
        None => None,
        Some(value) => literal(model, &ty, &value.node.clone().into_value(), &Variables::new())
            .map_err(|misfit| Refusal::invalid(misfit.about(&format!("${name}")), value.pos))?,
    };
    Ok(Variable { name, ty, default, pos: definition.pos })
}

fn resolve(model: &Model, written: &Type) -> Option<TypeRef> {
    let ty = match &written.base {
        BaseType::List(inner) => TypeRef::List(Box::new(resolve(model, inner)?)),
        BaseType::Named(name) => {
            let id = model.find(name.as_str())?;
            if matches!(model.get(id).kind, TypeKind::Object(_)) {
                return None;
            }
            TypeRef::Named(id)
        }
    };
    Some(if written.nullable { ty } else { TypeRef::NonNull(Box::new(ty)) })
}

/// The values of the variables in a request (`CoerceVariableValues`).
///
/// # Errors
/// `GRAPHQL_VALIDATION_FAILED`, one error per variable that does not fit.
pub fn coerce_variables(model: &Model, declared: &[Variable], given: &Map<String, Json>) -> Result<Variables, Refusal> {
    let mut values = Variables::with_capacity(declared.len());
    let mut errors = Vec::new();
    for variable in declared {
        let value = match given.get(&variable.name) {
            Some(value) => match coerce(model, &variable.ty, value) {
                Ok(value) => Some(value),
                Err(misfit) => {
                    errors.push((variable, misfit.about(&format!("${}", variable.name))));
                    continue;
                }
            },
            None if variable.default.is_none() && variable.ty.is_non_null() => {
                let ty = model.display(&variable.ty);
                errors.push((variable, format!("Variable `${}` of type {ty} is required.", variable.name)));
                continue;
            }
            None => variable.default.clone(),
        };
        if let Some(value) = value {
            values.insert(variable.name.clone(), value);
        }
    }
    if errors.is_empty() {
        return Ok(values);
    }
    let errors = errors.into_iter().map(|(variable, message)| {
        GraphqlError::of_request(Code::GraphqlValidationFailed, message, vec![variable.pos])
    });
    Err(Refusal::because(errors.collect()))
}
