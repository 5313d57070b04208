//! Writes what hand-written operations answer: trees of JSON, of which only what is asked for is told.

use serde_json::Value as Json;

use super::out::{Completed, Out};
use crate::graphql::{
    plan::{Planned, Source},
    schema::model::{Model, TypeRef},
};

/// Completes trees by a model's types.
pub struct Tree<'a>(pub &'a Model);

impl Tree<'_> {
    /// Writes a value of this type.
    pub fn value(&self, out: &mut Out, planned: &Planned, ty: &TypeRef, json: &Json) -> Completed {
        match (ty, json) {
            (TypeRef::NonNull(_), Json::Null) => out.missing(planned),
            (TypeRef::NonNull(inner), _) => self.value(out, planned, inner, json),
            (_, Json::Null) => {
                out.null();
                Ok(())
            }
            (TypeRef::List(inner), Json::Array(items)) => out.list(items.iter(), |out, item| {
                if inner.is_non_null() {
                    return self.value(out, planned, inner, item);
                }
                out.nullable(|out| self.value(out, planned, inner, item));
                Ok(())
            }),
            (TypeRef::List(_), _) => out.missing(planned),
            (TypeRef::Named(id), _) => match &planned.selection {
                None => {
                    out.value(json);
                    Ok(())
                }
                Some(selection) => {
                    let fields = selection.fields.iter().map(|planned| (planned, planned.source));
                    out.object(fields, |out, planned, source| match source {
                        Source::Field(at) => {
                            let Some(field) = self.0.fields(*id).get(at) else { return out.nothing(planned, false) };
                            let json = json.get(&*field.name).unwrap_or(&Json::Null);
                            out.field(planned, field.ty.is_non_null(), |out| self.value(out, planned, &field.ty, json))
                        }
                        _ => {
                            out.string(&self.0.get(*id).name);
                            Ok(())
                        }
                    })
                }
            },
        }
    }
}
