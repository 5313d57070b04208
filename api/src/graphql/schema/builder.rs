//! Puts a model together: types may be spoken of before they are defined, by their names in GraphQL's own notation.

use std::{collections::HashMap, sync::Arc};

use tenants::error::{Error, Result};

use super::{
    model::{Answered, Field, Input, Model, Name, Resolver, Type, TypeId, TypeKind, TypeRef},
    scalars::Scalar,
};

/// A model being made.
#[derive(Default)]
pub(super) struct Builder {
    names: Vec<Name>,
    types: Vec<Option<Type>>,
    index: HashMap<Name, TypeId>,
    records: HashMap<TypeId, Answered>,
}

impl Builder {
    /// A builder that knows the scalars.
    pub fn new() -> Self {
        let mut builder = Self::default();
        for scalar in Scalar::ALL {
            builder.define(scalar.name(), TypeKind::Scalar(scalar), scalar.description().map(Name::from));
        }
        builder
    }

    /// The place of a type, defined or yet to be.
    pub fn id(&mut self, name: &str) -> TypeId {
        if let Some(id) = self.index.get(name) {
            return *id;
        }
        let id = TypeId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        let name = Name::from(name);
        self.names.push(Arc::clone(&name));
        self.types.push(None);
        self.index.insert(name, id);
        id
    }

    /// A use of a type as GraphQL writes it: `[Customer!]!`.
    pub fn ty(&mut self, text: &str) -> TypeRef {
        if let Some(inner) = text.strip_suffix('!') {
            return TypeRef::NonNull(Box::new(self.ty(inner)));
        }
        match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) => TypeRef::List(Box::new(self.ty(inner))),
            None => TypeRef::Named(self.id(text)),
        }
    }

    /// Says what a type is; an input or enum without members is left undefined, so its uses must be left out too.
    pub fn define(&mut self, name: &str, kind: TypeKind, description: Option<Name>) {
        let id = self.id(name);
        let name = Arc::clone(&self.names[id.0 as usize]);
        self.types[id.0 as usize] = Some(Type { name, kind, description });
    }

    /// Says that the values of a type are records, or pages of records.
    pub fn answers(&mut self, name: &str, answered: Answered) {
        let id = self.id(name);
        self.records.insert(id, answered);
    }

    /// A field without arguments.
    pub fn field(&mut self, name: &str, ty: &str, resolver: Resolver) -> Field {
        Field { name: Name::from(name), ty: self.ty(ty), args: Vec::new(), resolver, description: None }
    }

    /// An argument or input field without default.
    pub fn input(&mut self, name: &str, ty: &str) -> Input {
        Input { name: Name::from(name), ty: self.ty(ty), default: None, description: None }
    }

    /// The model, if every type spoken of is defined.
    pub fn finish(mut self) -> Result<Model> {
        let known = ["Query", "Mutation", "Subscription", "Boolean"].map(|name| self.id(name));
        let mut types = Vec::with_capacity(self.types.len());
        for (name, ty) in self.names.iter().zip(self.types) {
            types.push(ty.ok_or_else(|| Error::internal(format!("the API speaks of {name}, which is not defined")))?);
        }
        Ok(Model::new(types, self.records, known))
    }
}

/// `customer` as the name of a type: `Customer`.
pub fn pascal(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
