//! Writes records and pages of them, with what was found by following their relations.

use records::{
    catalog::{Field, FieldKind},
    engine::{Listing, Row},
    values::{self, Locale, Value},
};
use serde_json::{Value as Json, json};

use super::{
    bind::{Bound, Connection, EdgePart, PartOf, Record, What},
    load::{Link, Links, id_in},
    out::{Completed, Out},
    tree::Tree,
};
use crate::graphql::{plan::Planned, schema::model::Model};

/// Writes what was read for one request.
#[derive(Clone, Copy)]
pub struct Show<'a> {
    pub model: &'a Model,
    pub locale: &'a Locale,
}

impl Show<'_> {
    /// Writes a record.
    pub fn record(&self, out: &mut Out, record: &Record<'_>, row: &Row, links: &Links) -> Completed {
        let fields = record.fields.iter().enumerate().map(|(at, bound)| (bound.planned, (at, bound)));
        out.object(fields, |out, planned, (at, bound)| self.field(out, planned, bound, row, links.0.get(at)))
    }

    fn field(&self, out: &mut Out, planned: &Planned, bound: &Bound<'_>, row: &Row, link: Option<&Link>) -> Completed {
        let cell = |at: usize| row.cells.get(at).unwrap_or(&Value::Null);
        match (&bound.what, link) {
            (What::Typename(name), _) => {
                out.string(name);
                Ok(())
            }
            (What::Cell { at, field }, _) => match cell(*at) {
                Value::Null => out.nothing(planned, bound.non_null),
                value => {
                    values::write_json(field, value, &mut out.json);
                    Ok(())
                }
            },
            (What::Parts { at, field, ty }, _) => {
                let json = self.parts(field, cell(*at));
                out.field(planned, bound.non_null, |out| Tree(self.model).value(out, planned, ty, &json))
            }
            (_, Some(Link::Failed(error))) => out.field(planned, bound.non_null, |out| out.fail(planned, error)),
            (What::Refused(error), _) => out.field(planned, bound.non_null, |out| out.fail(planned, error)),
            (What::One { at, record, .. }, Some(Link::One { rows, links })) => {
                match id_in(row, *at).and_then(|id| rows.get(&id)) {
                    Some(row) => out.field(planned, bound.non_null, |out| self.record(out, record, row, links)),
                    None => out.nothing(planned, bound.non_null),
                }
            }
            (What::Many { connection, .. }, Some(Link::Many { pages, links })) => match pages.get(&row.id) {
                Some(page) => out.field(planned, bound.non_null, |out| self.connection(out, connection, page, links)),
                None => out.nothing(planned, bound.non_null),
            },
            (What::Actor { at, ty }, Some(Link::Trees(trees))) => {
                let tree = match cell(*at) {
                    Value::Text(stored) => trees.get(stored),
                    _ => None,
                };
                let json = tree.unwrap_or(&Json::Null);
                out.field(planned, bound.non_null, |out| Tree(self.model).value(out, planned, ty, json))
            }
            (What::History { ty, .. }, Some(Link::Trees(trees))) => {
                let json = trees.get(&row.id.to_string()).unwrap_or(&Json::Null);
                out.field(planned, bound.non_null, |out| Tree(self.model).value(out, planned, ty, json))
            }
            _ => out.nothing(planned, bound.non_null),
        }
    }

    /// A value that has parts of its own.
    fn parts(&self, field: &Field, value: &Value) -> Json {
        match value {
            Value::Money(money) if field.kind == FieldKind::Money => json!({
                "amount": values::money::amount_text(money.amount, &money.currency),
                "currency": values::money::code(&money.currency),
                "base": values::money::amount_text(money.base, &self.locale.currency),
            }),
            other => values::to_json(field, other),
        }
    }

    /// Writes a page.
    pub fn connection(&self, out: &mut Out, connection: &Connection<'_>, page: &Listing, links: &[Links]) -> Completed {
        let mut links = links.iter();
        let none = Links::default();
        let parts = connection.parts.iter().map(|(planned, part)| (*planned, part));
        out.object(parts, |out, planned, part| match part {
            PartOf::Typename => {
                out.string(connection.ty);
                Ok(())
            }
            PartOf::Nodes(record) => {
                let links = links.next().unwrap_or(&none);
                out.field(planned, true, |out| {
                    out.list(page.rows.iter(), |out, row| self.record(out, record, row, links))
                })
            }
            PartOf::Edges { ty, parts } => {
                let nodes = parts.iter().filter(|(_, part)| matches!(part, EdgePart::Node(_))).count();
                let links: Vec<&Links> = links.by_ref().take(nodes).collect();
                out.field(planned, true, |out| {
                    out.list(page.rows.iter().enumerate(), |out, (index, row)| {
                        self.edge(out, ty, parts, (page, index, row), &links)
                    })
                })
            }
            PartOf::PageInfo { ty } => {
                let json = page_info(page);
                out.field(planned, true, |out| Tree(self.model).value(out, planned, ty, &json))
            }
            PartOf::TotalCount => match page.total {
                Some(total) => {
                    out.int(total);
                    Ok(())
                }
                None => out.nothing(planned, true),
            },
        })
    }

    fn edge(
        &self,
        out: &mut Out,
        ty: &str,
        parts: &[(&Planned, EdgePart<'_>)],
        (page, index, row): (&Listing, usize, &Row),
        links: &[&Links],
    ) -> Completed {
        let mut links = links.iter();
        let none = Links::default();
        out.object(parts.iter().map(|(planned, part)| (*planned, part)), |out, planned, part| match part {
            EdgePart::Typename => {
                out.string(ty);
                Ok(())
            }
            EdgePart::Cursor => {
                out.string(&page.cursor(index));
                Ok(())
            }
            EdgePart::Node(record) => {
                let links = links.next().copied().unwrap_or(&none);
                out.field(planned, true, |out| self.record(out, record, row, links))
            }
        })
    }
}

fn page_info(page: &Listing) -> Json {
    let cursor = |index: Option<usize>| index.map(|index| page.cursor(index));
    json!({
        "hasNextPage": page.has_next,
        "hasPreviousPage": page.has_previous,
        "startCursor": cursor((!page.rows.is_empty()).then_some(0)),
        "endCursor": cursor(page.rows.len().checked_sub(1)),
    })
}
