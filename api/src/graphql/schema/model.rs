//! The API of one shape of catalog as plain data: the one description from which the library's schema, the plans and
//! the coercion of input all come. It names objects and fields, never columns or tenants, so that tenants of equal
//! shape share it.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value as Json;

use super::scalars::Scalar;

/// A type's place in its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeId(pub u32);

/// A name that plans and types share.
pub type Name = Arc<str>;

/// All types of one shape.
#[derive(Debug)]
pub struct Model {
    types: Vec<Type>,
    index: HashMap<Name, TypeId>,
    /// The types whose values are records, or pages of records.
    records: HashMap<TypeId, Answered>,
    /// Root of queries.
    pub query: TypeId,
    /// Root of mutations.
    pub mutation: TypeId,
    /// Root of subscriptions.
    pub subscription: TypeId,
    /// `Boolean`.
    pub boolean: TypeId,
}

/// A named type.
#[derive(Debug)]
pub struct Type {
    /// Name in the API.
    pub name: Name,
    /// What it is.
    pub kind: TypeKind,
    /// Explanation in the SDL.
    pub description: Option<Name>,
}

/// What a type is.
#[derive(Debug)]
pub enum TypeKind {
    Scalar(Scalar),
    Enum(Vec<Name>),
    Object(Vec<Field>),
    Input(Vec<Input>),
}

/// What the values of a type are, where they are no tree of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Records of an object.
    Record(Name),
    /// Pages of them.
    Page(Name),
}

/// A use of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeRef {
    Named(TypeId),
    List(Box<TypeRef>),
    NonNull(Box<TypeRef>),
}

/// A field of an object type.
#[derive(Debug)]
pub struct Field {
    /// Name in the API.
    pub name: Name,
    /// What it answers.
    pub ty: TypeRef,
    /// What it takes.
    pub args: Vec<Input>,
    /// Where its value comes from.
    pub resolver: Resolver,
    /// Explanation in the SDL.
    pub description: Option<Name>,
}

/// An argument, or a field of an input type.
#[derive(Debug)]
pub struct Input {
    /// Name in the API.
    pub name: Name,
    /// What it takes.
    pub ty: TypeRef,
    /// Value where none is given.
    pub default: Option<Json>,
    /// Explanation in the SDL.
    pub description: Option<Name>,
}

/// Where a field's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolver {
    /// The key of the same name in the answer of an operation.
    Property,
    /// The operation of this name in the table.
    Operation { name: &'static str, cost: u64 },
    /// Records of an object, at a root.
    Records { object: Name, action: Action },
    /// A value of a record.
    Cell,
    /// Who did it: a value of a record that needs a name.
    Actor,
    /// A link to a record of any object: a value of a record that needs names.
    Link,
    /// The record at the other end of a to-one relation to this object.
    ToOne { object: Name },
    /// The records at the other end of a to-many relation to this object.
    ToMany { object: Name },
    /// What was changed in a record.
    History,
    /// A field that the table adds to the records of a type.
    Added { ty: Name, name: &'static str, cost: u64 },
    /// A part of a connection.
    Connection(Part),
    /// Totals over records.
    Total(Total),
    /// A part of what a subscription tells.
    Event(EventPart),
}

/// What is done to records at a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    List,
    Get,
    Aggregate,
    Create,
    CreateMany,
    Update,
    UpdateMany,
    Delete,
    DeleteMany,
    Restore,
    Destroy,
    Changed,
}

/// A part of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Edges,
    Nodes,
    PageInfo,
    TotalCount,
    Cursor,
    Node,
}

/// A part of aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    Groups,
    Key,
    Count,
    Sum,
    Avg,
    Min,
    Max,
    /// One field's total; the group is named by the field above it.
    Value,
}

/// A part of what a subscription tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventPart {
    Kind,
    Id,
    Record,
}

impl Model {
    pub(super) fn new(
        types: Vec<Type>,
        records: HashMap<TypeId, Answered>,
        [query, mutation, subscription, boolean]: [TypeId; 4],
    ) -> Self {
        let index = (0u32..).zip(&types).map(|(at, ty)| (Arc::clone(&ty.name), TypeId(at))).collect();
        Self { types, index, records, query, mutation, subscription, boolean }
    }

    /// Whether the values of a type are records or pages of records, and of which object.
    pub fn answered(&self, id: TypeId) -> Option<&Answered> {
        self.records.get(&id)
    }

    /// The type at a place.
    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// The type of a name.
    pub fn find(&self, name: &str) -> Option<TypeId> {
        self.index.get(name).copied()
    }

    /// All types in their order.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    /// The fields of an object type; none for others.
    pub fn fields(&self, id: TypeId) -> &[Field] {
        match &self.get(id).kind {
            TypeKind::Object(fields) => fields,
            _ => &[],
        }
    }

    /// A field of an object type, with its place there.
    pub fn field(&self, id: TypeId, name: &str) -> Option<(usize, &Field)> {
        self.fields(id).iter().enumerate().find(|(_, field)| &*field.name == name)
    }

    /// Whether selections are made on it.
    pub fn is_object(&self, id: TypeId) -> bool {
        matches!(self.get(id).kind, TypeKind::Object(_))
    }

    /// As written in GraphQL.
    pub fn display(&self, ty: &TypeRef) -> String {
        match ty {
            TypeRef::Named(id) => self.get(*id).name.to_string(),
            TypeRef::List(inner) => format!("[{}]", self.display(inner)),
            TypeRef::NonNull(inner) => format!("{}!", self.display(inner)),
        }
    }
}

impl TypeRef {
    /// The type at the heart of lists and non-nulls.
    pub fn base(&self) -> TypeId {
        match self {
            TypeRef::Named(id) => *id,
            TypeRef::List(inner) | TypeRef::NonNull(inner) => inner.base(),
        }
    }

    /// Whether null is refused.
    pub fn is_non_null(&self) -> bool {
        matches!(self, TypeRef::NonNull(_))
    }

    /// Without the outermost non-null.
    pub fn nullable(&self) -> &TypeRef {
        match self {
            TypeRef::NonNull(inner) => inner,
            other => other,
        }
    }
}
