//! What a subscription tells of one change.

use entities::ids::{FieldId, RecordId};
use records::{catalog::Object, engine::Row, filter::Filter};
use tenants::error::Result;

use super::{
    bind::{Binder, Record},
    load::{Links, load},
    out::Out,
    page,
    show::Show,
};
use crate::graphql::{
    plan::Planned,
    schema::model::{EventPart, Field as Declared, Resolver},
};

/// What happened, for the one who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Created,
    Updated,
    Archived,
    Restored,
    Destroyed,
    Rollup,
    Left,
    Resync,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Created => "CREATED",
            Kind::Updated => "UPDATED",
            Kind::Archived => "ARCHIVED",
            Kind::Restored => "RESTORED",
            Kind::Destroyed => "DESTROYED",
            Kind::Rollup => "ROLLUP",
            Kind::Left => "LEFT",
            Kind::Resync => "RESYNC",
        }
    }
}

/// One change to be told.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    pub kind: Kind,
    pub id: Option<RecordId>,
    pub row: Option<&'a Row>,
}

/// A subscription as it is asked for.
pub struct EventPlan<'a> {
    pub object: &'a Object,
    pub filter: Option<Filter>,
    /// Columns that are read of the record.
    pub select: Vec<FieldId>,
    planned: &'a Planned,
    ty: &'a str,
    parts: Vec<(&'a Planned, Shown<'a>)>,
}

enum Shown<'a> {
    Typename,
    Kind,
    Id,
    Record(Record<'a>),
}

impl<'a> EventPlan<'a> {
    /// Understands the arguments and what is selected.
    ///
    /// # Errors
    /// `BAD_FILTER`.
    pub fn bind(binder: &Binder<'a>, object: &'a Object, declared: &'a Declared, planned: &'a Planned) -> Result<Self> {
        let args = binder.arguments(declared, planned)?;
        let filter = page::filter_of(binder, object, &args)?;
        let (mut select, mut parts, mut ty) = (Vec::new(), Vec::new(), "");
        if let Some(selection) = &planned.selection {
            ty = binder.type_name(selection);
            for planned in &selection.fields {
                let resolver = binder.declared(selection, planned).map(|declared| &declared.resolver);
                let shown = match (resolver, &planned.selection) {
                    (Some(Resolver::Event(EventPart::Kind)), _) => Shown::Kind,
                    (Some(Resolver::Event(EventPart::Id)), _) => Shown::Id,
                    (Some(_), Some(inner)) => Shown::Record(binder.record(object, inner, &mut select)),
                    _ => Shown::Typename,
                };
                parts.push((planned, shown));
            }
        }
        Ok(Self { object, filter, select, planned, ty, parts })
    }

    /// The answer that tells of one change.
    ///
    /// # Errors
    /// `STALE_CATALOG`.
    pub async fn to_answer(&self, binder: &Binder<'_>, event: Event<'_>) -> Result<Out> {
        let mut links = Vec::new();
        for (_, part) in &self.parts {
            links.push(match (part, event.row) {
                (Shown::Record(record), Some(row)) => load(binder.ctx, record, vec![row]).await?,
                _ => Links::default(),
            });
        }
        let mut out = Out::new(&binder.ctx.caller);
        let shown = Show { model: &binder.schema.model, locale: binder.locale };
        let written = out.object(std::iter::once((self.planned, ())), |out, planned, ()| {
            out.field(planned, true, |out| {
                let parts = self.parts.iter().zip(&links).map(|((planned, part), links)| (*planned, (part, links)));
                out.object(parts, |out, planned, (part, links)| {
                    match (part, event.row) {
                        (Shown::Typename, _) => out.string(self.ty),
                        (Shown::Kind, _) => out.string(event.kind.name()),
                        (Shown::Id, _) => match event.id {
                            Some(id) => out.string(&id.to_string()),
                            None => out.null(),
                        },
                        (Shown::Record(record), Some(row)) => {
                            return out.field(planned, false, |out| shown.record(out, record, row, links));
                        }
                        (Shown::Record(_), None) => out.null(),
                    }
                    Ok(())
                })
            })
        });
        if written.is_err() {
            out.no_data();
        }
        Ok(out)
    }
}
