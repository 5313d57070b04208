//! What a plan may at most cost, in points: about one for each record it may answer, more for what takes longer.

use serde_json::Value as Json;

use super::{Plan, Planned, Selection, Source};
use crate::graphql::{
    execute::DEFAULT_PAGE,
    input::{Variables, arguments},
    schema::model::{Action, Answered, Field, Model, Part, Resolver},
};

/// Most points of one request.
pub const MAX_COST: u64 = 25_000;

const TOTAL_COUNT: u64 = 10;
const OPERATION: u64 = 10;
const AGGREGATE: u64 = 50;
const WRITE: u64 = 10;
const BULK: u64 = 200;

/// The points of a plan with these variables; sums saturate.
pub fn cost(model: &Model, plan: &Plan, variables: &Variables) -> u64 {
    Cost { model, variables }.selection(&plan.root, 1)
}

/// The points of each change that a subscription tells: what reading the record would cost.
pub fn delivery(model: &Model, plan: &Plan, variables: &Variables) -> u64 {
    let cost = Cost { model, variables };
    let reported = plan.root.fields.iter().filter_map(|planned| planned.selection.as_ref());
    reported.map(|selection| cost.selection(selection, 1)).fold(1, u64::saturating_add)
}

struct Cost<'a> {
    model: &'a Model,
    variables: &'a Variables,
}

impl Cost<'_> {
    /// The points of a selection; `page` is the size of the page that it is made on, where it is a connection's.
    fn selection(&self, selection: &Selection, page: u64) -> u64 {
        let fields = selection.fields.iter().map(|planned| self.planned(selection, planned, page));
        fields.fold(0, u64::saturating_add)
    }

    fn planned(&self, selection: &Selection, planned: &Planned, page: u64) -> u64 {
        let field = match planned.source {
            Source::Typename => return 0,
            Source::Introspection => return OPERATION,
            Source::Field(at) => self.model.fields(selection.ty).get(at),
        };
        let Some(field) = field else { return 0 };
        let inner = |page| planned.selection.as_ref().map_or(0, |inner| self.selection(inner, page));
        match &field.resolver {
            Resolver::ToMany { .. } | Resolver::Records { action: Action::List, .. } => {
                inner(self.page(field, planned)).saturating_add(1)
            }
            Resolver::Connection(Part::Nodes | Part::Edges) => page.saturating_mul(inner(1).saturating_add(1)),
            Resolver::Connection(Part::TotalCount) => TOTAL_COUNT,
            Resolver::Connection(Part::Node) => inner(1),
            Resolver::ToOne { .. } | Resolver::Records { action: Action::Get, .. } => inner(1).saturating_add(1),
            Resolver::Records { action: Action::Aggregate, .. } => AGGREGATE,
            Resolver::Records { action: Action::CreateMany, .. } => {
                self.list(field, planned).saturating_mul(inner(1).saturating_add(WRITE))
            }
            Resolver::Records { action: Action::UpdateMany | Action::DeleteMany, .. } => BULK,
            Resolver::Records { .. } => inner(1).saturating_add(WRITE),
            Resolver::Operation { cost, .. } | Resolver::Added { cost, .. } => {
                self.answer(field, planned).saturating_add(*cost)
            }
            Resolver::History => self.answer(field, planned).saturating_add(OPERATION),
            Resolver::Property => match self.model.answered(field.ty.base()) {
                Some(Answered::Page(_)) => inner(DEFAULT_PAGE.into()).saturating_add(1),
                Some(Answered::Record(_)) => inner(1).saturating_add(1),
                None => inner(1),
            },
            Resolver::Cell | Resolver::Actor | Resolver::Connection(_) => inner(1),
            Resolver::Link => inner(1).saturating_add(1),
            Resolver::Total(_) | Resolver::Event(_) => inner(1),
        }
    }

    /// The points of an answer of the table: of its entries, and of the records that each of them names.
    fn answer(&self, field: &Field, planned: &Planned) -> u64 {
        let paged = field.args.iter().any(|arg| *arg.name == *"first");
        let entries = if paged { self.page(field, planned) } else { 0 };
        let inner = |page| planned.selection.as_ref().map_or(0, |inner| self.selection(inner, page));
        let each = match self.model.answered(field.ty.base()) {
            Some(Answered::Page(_)) => inner(if paged { entries } else { DEFAULT_PAGE.into() }),
            Some(Answered::Record(_)) => inner(1).saturating_add(1).saturating_mul(entries.max(1)),
            None => inner(1).saturating_mul(entries.max(1)),
        };
        each.saturating_add(entries)
    }

    /// The size of a page; one that is refused later costs what it would have.
    fn page(&self, field: &Field, planned: &Planned) -> u64 {
        let size = ["first", "last"].iter().find_map(|name| self.argument(field, planned, name)?.as_u64());
        size.unwrap_or(DEFAULT_PAGE.into())
    }

    fn list(&self, field: &Field, planned: &Planned) -> u64 {
        let data = self.argument(field, planned, "data");
        data.as_ref().and_then(Json::as_array).map_or(1, |data| data.len() as u64)
    }

    fn argument(&self, field: &Field, planned: &Planned, name: &str) -> Option<Json> {
        let input = field.args.iter().find(|input| *input.name == *name)?;
        let inputs = std::slice::from_ref(input);
        arguments(self.model, inputs, &planned.arguments, self.variables).ok()?.shift_remove(name)
    }
}
