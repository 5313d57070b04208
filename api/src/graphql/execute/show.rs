//! Writes records and pages of them, with what was found by following their relations.

use records::{
    catalog::Field,
    engine::{Listing, Row},
    values::{self, Locale, Value},
};
use serde_json::{Value as Json, json};

use super::{
    bind::{Bound, EdgePart, PageOf, PartOf, Record, What},
    load::{Link, Links, id_in},
    out::{Completed, Out},
    tree::Tree,
};
use crate::graphql::{plan::Planned, schema::model::Model};

/// A page of records that were read.
pub struct Page<'p> {
    pub rows: Vec<&'p Row>,
    /// The cursor of a row.
    pub cursor: Box<dyn Fn(usize) -> String + 'p>,
    pub has_next: bool,
    pub has_previous: bool,
    pub total: Option<i64>,
}

impl<'p> From<&'p Listing> for Page<'p> {
    fn from(listing: &'p Listing) -> Self {
        Self {
            rows: listing.rows.iter().collect(),
            cursor: Box::new(|index| listing.cursor(index)),
            has_next: listing.has_next,
            has_previous: listing.has_previous,
            total: listing.total,
        }
    }
}

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
                out.field(planned, bound.non_null, |out| Tree::plain(self.model).value(out, planned, ty, &json))
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
                Some(page) => {
                    out.field(planned, bound.non_null, |out| self.page(out, &connection.page, &page.into(), links))
                }
                None => out.nothing(planned, bound.non_null),
            },
            (What::Actor { at, ty } | What::Link { at, ty }, Some(Link::Trees(trees))) => {
                let tree = match cell(*at) {
                    Value::Text(stored) => trees.get(stored),
                    _ => None,
                };
                let json = tree.unwrap_or(&Json::Null);
                out.field(planned, bound.non_null, |out| Tree::plain(self.model).value(out, planned, ty, json))
            }
            (What::History { ty, .. }, Some(Link::Trees(trees))) => {
                let json = trees.get(&row.id.to_string()).unwrap_or(&Json::Null);
                out.field(planned, bound.non_null, |out| Tree::plain(self.model).value(out, planned, ty, json))
            }
            (What::Added { answer, .. }, Some(Link::Answers { trees, read })) => {
                let json = trees.get(&row.id).unwrap_or(&Json::Null);
                let tree = Tree::of(self.model, answer, read, self.locale);
                out.field(planned, bound.non_null, |out| tree.answer(out, planned, answer, json))
            }
            _ => out.nothing(planned, bound.non_null),
        }
    }

    /// A value that has parts of its own.
    fn parts(&self, field: &Field, value: &Value) -> Json {
        match value {
            Value::Money(money) => json!({
                "amount": values::money::amount_text(money.amount, &money.currency),
                "currency": values::money::code(&money.currency),
                "base": values::money::amount_text(money.base, &self.locale.currency),
            }),
            other => values::to_json(field, other),
        }
    }

    /// Writes a page.
    pub fn page(&self, out: &mut Out, shape: &PageOf<'_>, page: &Page<'_>, links: &[Links]) -> Completed {
        let mut links = links.iter();
        let none = Links::default();
        let parts = shape.parts.iter().map(|(planned, part)| (*planned, part));
        out.object(parts, |out, planned, part| match part {
            PartOf::Typename => {
                out.string(shape.ty);
                Ok(())
            }
            PartOf::Nodes(record) => {
                let links = links.next().unwrap_or(&none);
                out.field(planned, true, |out| {
                    out.list(page.rows.iter().copied(), |out, row| self.record(out, record, row, links))
                })
            }
            PartOf::Edges { ty, parts } => {
                let nodes = parts.iter().filter(|(_, part)| matches!(part, EdgePart::Node(_))).count();
                let links: Vec<&Links> = links.by_ref().take(nodes).collect();
                out.field(planned, true, |out| {
                    out.list(page.rows.iter().copied().enumerate(), |out, (index, row)| {
                        self.edge(out, ty, parts, (page, index, row), &links)
                    })
                })
            }
            PartOf::PageInfo { ty } => {
                let json = page_info(page);
                out.field(planned, true, |out| Tree::plain(self.model).value(out, planned, ty, &json))
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
        (page, index, row): (&Page<'_>, usize, &Row),
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
                out.string(&(page.cursor)(index));
                Ok(())
            }
            EdgePart::Node(record) => {
                let links = links.next().copied().unwrap_or(&none);
                out.field(planned, true, |out| self.record(out, record, row, links))
            }
        })
    }
}

fn page_info(page: &Page<'_>) -> Json {
    let cursor = |index: Option<usize>| index.map(|index| (page.cursor)(index));
    json!({
        "hasNextPage": page.has_next,
        "hasPreviousPage": page.has_previous,
        "startCursor": cursor((!page.rows.is_empty()).then_some(0)),
        "endCursor": cursor(page.rows.len().checked_sub(1)),
    })
}
