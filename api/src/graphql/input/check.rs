//! Checks the arguments of a document against their declared types, before the values of variables are known.
//!
//! The library checks them too, but it accepts any value for an input object and refuses a non-null list for a nullable
//! one. So its findings about variables are ignored, and these are used.

use std::{cell::Cell, fmt};

use async_graphql_parser::{Pos, Positioned, types::Directive};
use async_graphql_value::{Name, Value};

use super::{
    Variables,
    literal::{arguments, literal},
    value::Misfit,
    variables::Variable,
};
use crate::graphql::{
    errors::Refusal,
    schema::model::{Input, Model, TypeKind, TypeRef},
};

/// Checks the arguments of one operation.
pub struct Checker<'a> {
    /// The schema.
    model: &'a Model,
    /// The variables that the operation declares.
    variables: &'a [Variable],
    /// Which of them were used.
    used: Vec<Cell<bool>>,
}

/// The position of a value: an argument, or something in its value.
#[derive(Clone, Copy)]
struct At<'n> {
    step: Segment<'n>,
    within: Option<&'n At<'n>>,
    /// Of the argument.
    pos: Pos,
}

#[derive(Clone, Copy)]
enum Segment<'n> {
    Name(&'n str),
    Item(usize),
}

impl fmt::Display for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Name(name) => f.write_str(name),
            Segment::Item(at) => at.fmt(f),
        }
    }
}

impl<'n> At<'n> {
    fn argument(name: &'n str, pos: Pos) -> Self {
        Self { step: Segment::Name(name), within: None, pos }
    }

    fn refuse(&self, misfit: Misfit) -> Refusal {
        match self.within {
            Some(outer) => outer.refuse(misfit.within(self.step)),
            None => Refusal::invalid(misfit.about(&self.step.to_string()), self.pos),
        }
    }
}

impl<'a> Checker<'a> {
    /// A checker of an operation with these variables.
    pub fn new(model: &'a Model, variables: &'a [Variable]) -> Self {
        Self { model, variables, used: vec![Cell::new(false); variables.len()] }
    }

    /// Refuses variables that no argument uses. (The library does not look at directives of `__typename`.)
    ///
    /// # Errors
    /// `GRAPHQL_VALIDATION_FAILED` at the declaration.
    pub fn all_used(&self) -> Result<(), Refusal> {
        match self.variables.iter().zip(&self.used).find(|(_, used)| !used.get()) {
            Some((variable, _)) => {
                Err(Refusal::invalid(format!("Variable `${}` is not used.", variable.name), variable.pos))
            }
            None => Ok(()),
        }
    }

    /// Checks the arguments of one field.
    ///
    /// # Errors
    /// `GRAPHQL_VALIDATION_FAILED` at the argument.
    pub fn arguments(
        &self,
        declared: &[Input],
        given: &[(Positioned<Name>, Positioned<Value>)],
        pos: Pos,
    ) -> Result<(), Refusal> {
        let mut constant = true;
        for (name, value) in given {
            let Some(input) = declared.iter().find(|input| *input.name == *name.node) else {
                return Err(Refusal::invalid(format!("There is no argument `{}` here.", name.node), name.pos));
            };
            let at = At::argument(name.node.as_str(), value.pos);
            constant &= self.uses(&input.ty, input.default.is_some(), &value.node, at)?;
        }
        if constant {
            arguments(self.model, declared, given, &Variables::new()).map_err(|error| Refusal::invalid(error, pos))?;
            return Ok(());
        }
        for input in declared.iter().filter(|input| input.ty.is_non_null() && input.default.is_none()) {
            if !given.iter().any(|(name, _)| *name.node == *input.name) {
                return Err(Refusal::invalid(format!("Argument `{}` is required.", input.name), pos));
            }
        }
        Ok(())
    }

    /// Marks the variables in arguments that the library checks as used.
    ///
    /// # Errors
    /// `GRAPHQL_VALIDATION_FAILED` at an undeclared variable.
    pub fn noted(&self, given: &[(Positioned<Name>, Positioned<Value>)]) -> Result<(), Refusal> {
        for (name, value) in given {
            let at = At::argument(name.node.as_str(), value.pos);
            self.loose(std::iter::once(&value.node), at)?;
        }
        Ok(())
    }

    /// Checks the condition of `@skip` or `@include`.
    ///
    /// # Errors
    /// `GRAPHQL_VALIDATION_FAILED` if it cannot be a boolean.
    pub fn flag(&self, directive: &Directive) -> Result<(), Refusal> {
        let ty = TypeRef::NonNull(Box::new(TypeRef::Named(self.model.boolean)));
        match directive.get_argument("if") {
            Some(value) => self.uses(&ty, false, &value.node, At::argument("if", value.pos)).map(drop),
            // the library reports a missing condition
            None => Ok(()),
        }
    }

    /// Checks every variable in a value, and the parts without variables; returns whether there are no variables at
    /// all.
    fn uses(&self, ty: &TypeRef, has_default: bool, value: &Value, at: At<'_>) -> Result<bool, Refusal> {
        match value {
            Value::Variable(name) => {
                let Some(at_variable) = self.variables.iter().position(|variable| variable.name == name.as_str())
                else {
                    return Err(Refusal::invalid(format!("Variable `${name}` is not declared."), at.pos));
                };
                self.used[at_variable].set(true);
                let variable = &self.variables[at_variable];
                if self.allowed(variable, ty, has_default) {
                    return Ok(false);
                }
                let (is, wanted) = (self.model.display(&variable.ty), self.model.display(ty));
                Err(Refusal::invalid(format!("`${name}` is of type {is}, but {wanted} is required here."), at.pos))
            }
            Value::List(items) => match ty.nullable() {
                TypeRef::List(inner) => {
                    self.all(items.iter().enumerate().map(|(n, item)| (Segment::Item(n), &**inner, false, item)), at)
                }
                // A list where a leaf takes any shape.
                _ => self.loose(items.iter(), at),
            },
            Value::Object(fields) => match &self.model.get(ty.base()).kind {
                TypeKind::Input(inputs) => {
                    let known = fields.iter().filter_map(|(key, value)| {
                        let input = inputs.iter().find(|input| *input.name == **key)?;
                        Some((Segment::Name(key.as_str()), &input.ty, input.default.is_some(), value))
                    });
                    if known.clone().count() < fields.len() {
                        let unknown = fields.keys().find(|key| !inputs.iter().any(|input| *input.name == ***key));
                        let (name, ty) = (unknown.map_or("", Name::as_str), &self.model.get(ty.base()).name);
                        return Err(Refusal::invalid(format!("There is no field `{name}` in {ty}."), at.pos));
                    }
                    self.all(known, at)
                }
                _ => self.loose(fields.values(), at),
            },
            constant => {
                let misfit = literal(self.model, ty, constant, &Variables::new()).err();
                misfit.map_or(Ok(true), |misfit| Err(at.refuse(misfit)))
            }
        }
    }

    fn all<'v>(
        &self,
        parts: impl Iterator<Item = (Segment<'v>, &'v TypeRef, bool, &'v Value)>,
        at: At<'_>,
    ) -> Result<bool, Refusal> {
        let mut constant = true;
        for (step, ty, has_default, value) in parts {
            let at = At { step, within: Some(&at), pos: at.pos };
            constant &= self.uses(ty, has_default, value, at)?;
        }
        Ok(constant)
    }

    /// Marks the variables in a value without declared type as used; returns whether there are none.
    fn loose<'v>(&self, parts: impl Iterator<Item = &'v Value>, at: At<'_>) -> Result<bool, Refusal> {
        let mut constant = true;
        for part in parts {
            constant &= match part {
                Value::Variable(name) => {
                    let known = self.variables.iter().position(|variable| variable.name == name.as_str());
                    let Some(known) = known else {
                        return Err(Refusal::invalid(format!("Variable `${name}` is not declared."), at.pos));
                    };
                    self.used[known].set(true);
                    false
                }
                Value::List(items) => self.loose(items.iter(), at)?,
                Value::Object(fields) => self.loose(fields.values(), at)?,
                _ => true,
            };
        }
        Ok(constant)
    }

    /// Whether a variable is allowed here (`IsVariableUsageAllowed`).
    fn allowed(&self, variable: &Variable, place: &TypeRef, has_default: bool) -> bool {
        if place.is_non_null() && !variable.ty.is_non_null() {
            let filled = variable.default.as_ref().is_some_and(|default| !default.is_null());
            return (filled || has_default) && compatible(&variable.ty, place.nullable());
        }
        compatible(&variable.ty, place)
    }
}

fn compatible(variable: &TypeRef, place: &TypeRef) -> bool {
    match (variable, place) {
        (TypeRef::NonNull(variable), TypeRef::NonNull(place)) => compatible(variable, place),
        (TypeRef::NonNull(variable), _) => compatible(variable, place),
        (TypeRef::List(variable), TypeRef::List(place)) => compatible(variable, place),
        (TypeRef::Named(variable), TypeRef::Named(place)) => variable == place,
        _ => false,
    }
}
