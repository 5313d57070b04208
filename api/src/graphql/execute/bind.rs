//! A plan and a catalog put together: which columns are read, which relations are followed, with which conditions.

use records::{
    Ctx,
    catalog::{Field, FieldId, FieldKind, Object, ObjectId, Relation},
    engine::{ListQuery, Listing},
    operations::{AddedField, Selected},
    values::Locale,
};
use serde_json::{Map, Value as Json};
use tenants::error::{Code, Error, Result};

use super::tree::Answer;
use crate::graphql::{
    input::{Variables, arguments},
    plan::{Planned, Selection, Source},
    schema::{
        Schema,
        model::{Field as Declared, Part, Resolver, TypeRef},
    },
};

/// Puts plans and a catalog together for one request.
#[derive(Clone, Copy)]
pub struct Binder<'a> {
    /// Who asks, and the catalog.
    pub ctx: &'a Ctx,
    /// The API that the plan was made for; that of the catalog.
    pub schema: &'a Schema,
    /// Coerced.
    pub variables: &'a Variables,
    /// How values are read.
    pub locale: &'a Locale,
}

/// What is asked of the records of one object.
pub struct Record<'a> {
    /// In the order of the answer.
    pub fields: Vec<Bound<'a>>,
    /// Whether anything but the records' own columns is asked.
    pub follows: bool,
}

/// One key of a record's answer.
pub struct Bound<'a> {
    pub planned: &'a Planned,
    /// Whether null is refused.
    pub non_null: bool,
    pub what: What<'a>,
}

/// Where the value of a key comes from.
pub enum What<'a> {
    /// The name of the type.
    Typename(&'a str),
    /// A column, at a place of the row.
    Cell { at: usize, field: &'a Field },
    /// A column whose value has parts: money.
    Parts { at: usize, field: &'a Field, ty: &'a TypeRef },
    /// A column that names who did it.
    Actor { at: usize, ty: &'a TypeRef },
    /// A link to a record of any object.
    Link { at: usize, ty: &'a TypeRef },
    /// The record whose id stands in a column.
    One { at: usize, target: ObjectId, select: Vec<FieldId>, record: Record<'a> },
    /// Pages of the records at the other end.
    Many { relation: FieldId, connection: Connection<'a> },
    /// What was changed.
    History { object: ObjectId, first: u32, after: Option<String>, ty: &'a TypeRef },
    /// What the table adds.
    Added { field: &'a AddedField, args: Map<String, Json>, selected: Selected, answer: Answer<'a> },
    /// What cannot be answered, and why.
    Refused(Error),
}

/// A page of records as it is asked for.
pub struct Connection<'a> {
    pub query: ListQuery,
    /// No record is wanted.
    pub empty: bool,
    pub page: PageOf<'a>,
}

/// What is asked of a page and its records.
pub struct PageOf<'a> {
    pub ty: &'a str,
    pub parts: Vec<(&'a Planned, PartOf<'a>)>,
}

/// What is asked of a page.
pub enum PartOf<'a> {
    Typename,
    Nodes(Record<'a>),
    Edges { ty: &'a str, parts: Vec<(&'a Planned, EdgePart<'a>)> },
    PageInfo { ty: &'a TypeRef },
    TotalCount,
}

/// What is asked of an edge.
pub enum EdgePart<'a> {
    Typename,
    Cursor,
    Node(Record<'a>),
}

impl<'a> Connection<'a> {
    /// The page as it was asked for: without the record that was read to know of more.
    pub fn trim(&self, page: &mut Listing) {
        if self.empty && !page.rows.is_empty() {
            page.rows.clear();
            *(if self.query.page.backwards { &mut page.has_previous } else { &mut page.has_next }) = true;
        }
    }
}

impl<'a> PageOf<'a> {
    /// The selections on the page's records.
    pub fn records(&self) -> Vec<&Record<'a>> {
        let mut records = Vec::new();
        for (_, part) in &self.parts {
            match part {
                PartOf::Nodes(record) => records.push(record),
                PartOf::Edges { parts, .. } => {
                    for (_, part) in parts {
                        if let EdgePart::Node(record) = part {
                            records.push(record);
                        }
                    }
                }
                _ => {}
            }
        }
        records
    }
}

impl<'a> Binder<'a> {
    /// The arguments of a field, coerced.
    ///
    /// # Errors
    /// `BAD_REQUEST` naming the argument.
    pub fn arguments(&self, declared: &Declared, planned: &Planned) -> Result<Map<String, Json>> {
        arguments(&self.schema.model, &declared.args, &planned.arguments, self.variables)
            .map_err(|message| Error::new(Code::BadRequest, message))
    }

    /// The declaration of a planned field; none for `__typename`.
    pub fn declared(&self, selection: &Selection, planned: &Planned) -> Option<&'a Declared> {
        let schema = self.schema;
        match planned.source {
            Source::Field(at) => schema.model.fields(selection.ty).get(at),
            _ => None,
        }
    }

    /// The name of a selection's type.
    pub fn type_name(&self, selection: &Selection) -> &'a str {
        let schema = self.schema;
        &schema.model.get(selection.ty).name
    }

    /// An object of the catalog, by name.
    pub fn object(&self, name: &str) -> Result<&'a Object> {
        let ctx = self.ctx;
        ctx.catalog.object(name).ok_or_else(|| Error::internal(format!("the plan speaks of {name}")))
    }

    /// What a selection on an object's records asks; columns it needs are added to `select`.
    pub fn record(&self, object: &'a Object, selection: &'a Selection, select: &mut Vec<FieldId>) -> Record<'a> {
        let fields: Vec<_> = selection
            .fields
            .iter()
            .map(|planned| {
                let declared = self.declared(selection, planned);
                let what = match declared {
                    None => What::Typename(self.type_name(selection)),
                    Some(declared) => self.what(object, declared, planned, select).unwrap_or_else(What::Refused),
                };
                Bound { planned, non_null: declared.is_none_or(|declared| declared.ty.is_non_null()), what }
            })
            .collect();
        let own = |what: &What<'_>| matches!(what, What::Typename(_) | What::Cell { .. } | What::Parts { .. });
        Record { follows: fields.iter().any(|field| !own(&field.what)), fields }
    }

    fn what(
        &self,
        object: &'a Object,
        declared: &'a Declared,
        planned: &'a Planned,
        select: &mut Vec<FieldId>,
    ) -> Result<What<'a>> {
        if declared.resolver == Resolver::History {
            let args = self.arguments(declared, planned)?;
            let (first, after) = super::page::forwards(&args)?;
            return Ok(What::History { object: object.id, first, after, ty: &declared.ty });
        }
        let missing = || Error::internal(format!("the plan speaks of {}.{}", object.name, declared.name));
        if let Resolver::Added { ty, name, .. } = &declared.resolver {
            let schema = self.schema;
            let field = schema.table.added(ty, name).ok_or_else(missing)?;
            let args = self.arguments(declared, planned)?;
            let (selected, answer) = (self.selected(planned), self.answer(&declared.ty, planned)?);
            return Ok(What::Added { field, args, selected, answer });
        }
        let field = object.field(&declared.name).ok_or_else(missing)?;
        match (&declared.resolver, &field.kind, &planned.selection) {
            (Resolver::Actor, ..) => Ok(What::Actor { at: place(select, field.id), ty: &declared.ty }),
            (Resolver::Link, ..) => Ok(What::Link { at: place(select, field.id), ty: &declared.ty }),
            (Resolver::Cell, _, None) => Ok(What::Cell { at: place(select, field.id), field }),
            (Resolver::Cell, _, Some(_)) => Ok(What::Parts { at: place(select, field.id), field, ty: &declared.ty }),
            (Resolver::ToOne { object: to }, FieldKind::Relation(_), Some(selection)) => {
                let target = self.object(to)?;
                let mut wanted = Vec::new();
                let record = self.record(target, selection, &mut wanted);
                Ok(What::One { at: place(select, field.id), target: target.id, select: wanted, record })
            }
            (Resolver::ToMany { object: to }, FieldKind::Relation(Relation { .. }), Some(selection)) => {
                let connection = self.connection(self.object(to)?, declared, planned, selection)?;
                Ok(What::Many { relation: field.id, connection })
            }
            _ => Err(missing()),
        }
    }

    /// A page of an object's records, from the arguments and the selection of a connection.
    pub fn connection(
        &self,
        object: &'a Object,
        declared: &'a Declared,
        planned: &'a Planned,
        selection: &'a Selection,
    ) -> Result<Connection<'a>> {
        let args = self.arguments(declared, planned)?;
        let mut query = super::page::query(self, object, &args)?;
        let page = self.page(object, selection, &mut query.select)?;
        query.total = page.parts.iter().any(|(_, part)| matches!(part, PartOf::TotalCount));
        Ok(Connection { query, empty: super::page::is_empty(&args), page })
    }

    /// What a selection on a page asks; columns that its records need are added to `select`.
    ///
    /// # Errors
    /// Only when the program is at fault.
    pub fn page(&self, object: &'a Object, selection: &'a Selection, select: &mut Vec<FieldId>) -> Result<PageOf<'a>> {
        let mut parts = Vec::with_capacity(selection.fields.len());
        for planned in &selection.fields {
            let declared = self.declared(selection, planned);
            let part = match (declared.map(|declared| &declared.resolver), &planned.selection) {
                (None, _) => PartOf::Typename,
                (Some(Resolver::Connection(Part::Nodes)), Some(nodes)) => {
                    PartOf::Nodes(self.record(object, nodes, select))
                }
                (Some(Resolver::Connection(Part::Edges)), Some(edges)) => {
                    PartOf::Edges { ty: self.type_name(edges), parts: self.edges(object, edges, select) }
                }
                (Some(Resolver::Connection(Part::TotalCount)), _) => PartOf::TotalCount,
                (Some(_), _) => PartOf::PageInfo { ty: &declared.ok_or_else(|| Error::internal("a part"))?.ty },
            };
            parts.push((planned, part));
        }
        Ok(PageOf { ty: self.type_name(selection), parts })
    }

    fn edges(
        &self,
        object: &'a Object,
        selection: &'a Selection,
        select: &mut Vec<FieldId>,
    ) -> Vec<(&'a Planned, EdgePart<'a>)> {
        let part = |planned: &'a Planned| {
            let declared = self.declared(selection, planned);
            let part = match (declared.map(|declared| &declared.resolver), &planned.selection) {
                (None, _) => EdgePart::Typename,
                (Some(_), Some(node)) => EdgePart::Node(self.record(object, node, select)),
                (Some(_), None) => EdgePart::Cursor,
            };
            (planned, part)
        };
        selection.fields.iter().map(part).collect()
    }
}

/// The place of a column among those that are read.
fn place(select: &mut Vec<FieldId>, field: FieldId) -> usize {
    select.iter().position(|known| *known == field).unwrap_or_else(|| {
        select.push(field);
        select.len() - 1
    })
}
