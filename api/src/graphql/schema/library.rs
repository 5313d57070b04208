//! The model as the library's schema, which validates documents, answers introspection and writes the SDL. Its
//! resolvers are never asked for data: execution is ours.

use async_graphql::dynamic::{
    Enum, Field, FieldFuture, InputObject, InputValue, Object, Scalar as LibraryScalar, Schema, Subscription,
    SubscriptionField, SubscriptionFieldFuture, TypeRef,
};
use tenants::error::{Error, Result};

use super::model::{Input, Model, Type, TypeId, TypeKind, TypeRef as Ref};

/// The schema of a model.
pub(super) fn schema(model: &Model) -> Result<Schema> {
    let name = |id: TypeId| model.get(id).name.to_string();
    let mut builder = Schema::build(&name(model.query), Some(&name(model.mutation)), Some(&name(model.subscription)))
        .extension(super::super::plan::ValidateOnly);
    for (at, ty) in (0..).zip(model.types()) {
        builder = match &ty.kind {
            TypeKind::Scalar(scalar) if scalar.is_built_in() => builder,
            TypeKind::Scalar(_) => {
                builder.register(described(LibraryScalar::new(&*ty.name), ty, |s, d| s.description(d)))
            }
            TypeKind::Enum(values) => {
                let items = Enum::new(&*ty.name).items(values.iter().map(|value| value.to_string()));
                builder.register(described(items, ty, |e, d| e.description(d)))
            }
            TypeKind::Input(fields) => {
                let input = InputObject::new(&*ty.name);
                let input = fields.iter().fold(input, |input, field| input.field(input_value(model, field)));
                builder.register(described(input, ty, |i, d| i.description(d)))
            }
            TypeKind::Object(_) if TypeId(at) == model.subscription => builder.register(subscription(model, ty)),
            TypeKind::Object(_) => builder.register(object(model, ty)),
        };
    }
    builder.finish().map_err(|error| Error::internal(error.to_string()))
}

fn described<T>(item: T, ty: &Type, describe: impl FnOnce(T, &str) -> T) -> T {
    match &ty.description {
        Some(text) => describe(item, text),
        None => item,
    }
}

fn object(model: &Model, ty: &Type) -> Object {
    let TypeKind::Object(fields) = &ty.kind else { return Object::new(&*ty.name) };
    let mut object = described(Object::new(&*ty.name), ty, |o, d| o.description(d));
    for field in fields {
        let mut made = Field::new(&*field.name, reference(model, &field.ty), |_| FieldFuture::Value(None));
        if let Some(text) = &field.description {
            made = made.description(&**text);
        }
        object = object.field(field.args.iter().fold(made, |made, arg| made.argument(input_value(model, arg))));
    }
    object
}

fn subscription(model: &Model, ty: &Type) -> Subscription {
    let TypeKind::Object(fields) = &ty.kind else { return Subscription::new(&*ty.name) };
    let mut subscription = Subscription::new(&*ty.name);
    for field in fields {
        let mut made = SubscriptionField::new(&*field.name, reference(model, &field.ty), |_| {
            SubscriptionFieldFuture::new(async {
                Ok(futures::stream::empty::<async_graphql::Result<async_graphql::Value>>())
            })
        });
        if let Some(text) = &field.description {
            made = made.description(&**text);
        }
        subscription =
            subscription.field(field.args.iter().fold(made, |made, arg| made.argument(input_value(model, arg))));
    }
    subscription
}

fn input_value(model: &Model, input: &Input) -> InputValue {
    let mut value = InputValue::new(&*input.name, reference(model, &input.ty));
    if let Some(text) = &input.description {
        value = value.description(&**text);
    }
    match &input.default {
        Some(default) => value.default_value(async_graphql::Value::from_json(default.clone()).unwrap_or_default()),
        None => value,
    }
}

fn reference(model: &Model, ty: &Ref) -> TypeRef {
    match ty {
        Ref::Named(id) => TypeRef::named(&*model.get(*id).name),
        Ref::List(inner) => TypeRef::List(Box::new(reference(model, inner))),
        Ref::NonNull(inner) => TypeRef::NonNull(Box::new(reference(model, inner))),
    }
}
