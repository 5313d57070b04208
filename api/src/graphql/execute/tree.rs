//! What operations and added fields answer: trees of JSON, of which only what is asked for is shown. Where the type of a
//! place is an object of the catalog, the tree names records by their ids; they are read for all places of a kind at
//! once, as the caller sees them.

use std::collections::{HashMap, HashSet};

use entities::ids::{FieldId, RecordId};
use futures::future::try_join_all;
use records::{
    Ctx,
    catalog::Object,
    engine::{self, Archived, Row},
    operations::{RecordPage, Selected},
    values::Locale,
};
use serde_json::Value as Json;
use tenants::error::{Code, Error, Result};

use super::{
    bind::{Binder, PageOf, Record},
    load::{Links, load},
    out::{Completed, Out},
    show::{Page, Show},
};
use crate::graphql::{
    plan::{Planned, Selection, Source},
    schema::model::{Answered, Model, Name, TypeId, TypeRef},
};

/// What is asked of an answer.
pub struct Answer<'a> {
    pub ty: &'a TypeRef,
    branch: Branch,
    /// Kinds of places where the answer names records.
    pub places: Vec<Place<'a>>,
}

/// Where in an answer records are, beside the selection on it.
enum Branch {
    /// None here, nor further down.
    Plain,
    /// In these fields, by name, in the order of the selection.
    Fields(Vec<(Name, Branch)>),
    /// Here: at this kind of place.
    Records(usize),
}

/// What is asked of the records at one kind of place.
pub struct Place<'a> {
    pub target: &'a Object,
    pub select: Vec<FieldId>,
    shape: Shape<'a>,
}

enum Shape<'a> {
    Record(Record<'a>),
    Page(PageOf<'a>),
}

/// What was read for one kind of place.
pub enum Read {
    Rows { rows: HashMap<RecordId, Row>, links: Vec<Links> },
    Failed(Error),
}

impl<'a> Place<'a> {
    /// The selections on its records.
    pub fn records(&self) -> Vec<&Record<'a>> {
        match &self.shape {
            Shape::Record(record) => vec![record],
            Shape::Page(page) => page.records(),
        }
    }

    async fn read(&self, ctx: &Ctx, ids: HashSet<RecordId>) -> Result<Read> {
        let ids: Vec<RecordId> = ids.into_iter().collect();
        let rows = match engine::by_ids(ctx, self.target.id, &self.select, &ids, Archived::Include).await {
            Err(error) if error.code() == Code::StaleCatalog => return Err(error),
            Err(error) => return Ok(Read::Failed(error)),
            Ok(rows) => rows,
        };
        let loads = self.records().into_iter().map(|record| load(ctx, record, rows.values().collect()));
        let links = try_join_all(loads).await?;
        Ok(Read::Rows { rows, links })
    }
}

impl<'a> Binder<'a> {
    /// What a selection on an answer of this type asks.
    ///
    /// # Errors
    /// When the plan speaks of an object that the catalog does not have.
    pub fn answer(&self, ty: &'a TypeRef, planned: &'a Planned) -> Result<Answer<'a>> {
        let mut places = Vec::new();
        let branch = self.branch(ty.base(), planned, &mut places)?;
        Ok(Answer { ty, branch, places })
    }

    fn branch(&self, ty: TypeId, planned: &'a Planned, places: &mut Vec<Place<'a>>) -> Result<Branch> {
        let Some(selection) = &planned.selection else { return Ok(Branch::Plain) };
        let mut select = Vec::new();
        let (target, shape) = match self.schema.model.answered(ty) {
            None => return self.branches(selection, places),
            Some(Answered::Record(object)) => {
                let target = self.object(object)?;
                (target, Shape::Record(self.record(target, selection, &mut select)))
            }
            Some(Answered::Page(object)) => {
                let target = self.object(object)?;
                (target, Shape::Page(self.page(target, selection, &mut select)?))
            }
        };
        places.push(Place { target, select, shape });
        Ok(Branch::Records(places.len() - 1))
    }

    fn branches(&self, selection: &'a Selection, places: &mut Vec<Place<'a>>) -> Result<Branch> {
        let fields = selection.fields.iter().map(|planned| match self.declared(selection, planned) {
            Some(declared) => Ok((Name::clone(&declared.name), self.branch(declared.ty.base(), planned, places)?)),
            None => Ok((Name::from("__typename"), Branch::Plain)),
        });
        let fields = fields.collect::<Result<Vec<_>>>()?;
        let plain = fields.iter().all(|(_, branch)| matches!(branch, Branch::Plain));
        Ok(if plain { Branch::Plain } else { Branch::Fields(fields) })
    }

    /// What is selected in an answer, down to its records.
    pub fn selected(&self, planned: &Planned) -> Selected {
        let mut paths = Vec::new();
        if let Some(selection) = &planned.selection {
            self.paths(selection, "", &mut paths);
        }
        Selected::of(paths)
    }

    fn paths(&self, selection: &Selection, above: &str, paths: &mut Vec<String>) {
        for planned in &selection.fields {
            let Some(declared) = self.declared(selection, planned) else { continue };
            let path = format!("{above}{}", declared.name);
            if let Some(inner) = &planned.selection
                && self.schema.model.answered(inner.ty).is_none()
            {
                self.paths(inner, &format!("{path}."), paths);
            }
            paths.push(path);
        }
    }
}

impl Answer<'_> {
    /// Reads the records that trees of this answer name, for each kind of place.
    ///
    /// # Errors
    /// `STALE_CATALOG` alone; everything else is the error of a field.
    pub async fn read<'t>(&self, ctx: &Ctx, trees: impl Iterator<Item = &'t Json>) -> Result<Vec<Read>> {
        let mut ids = vec![HashSet::new(); self.places.len()];
        if !ids.is_empty() {
            trees.for_each(|tree| named(&self.branch, tree, &mut ids));
        }
        try_join_all(self.places.iter().zip(ids).map(|(place, ids)| place.read(ctx, ids))).await
    }
}

/// Collects the records that a tree names, by kind of place.
fn named(branch: &Branch, json: &Json, ids: &mut [HashSet<RecordId>]) {
    match (branch, json) {
        (Branch::Plain, _) => {}
        (_, Json::Array(items)) => items.iter().for_each(|item| named(branch, item, ids)),
        (Branch::Fields(fields), _) => {
            for (name, inner) in fields {
                if let Some(json) = json.get(&**name) {
                    named(inner, json, ids);
                }
            }
        }
        (Branch::Records(place), Json::Object(page)) => {
            ids[*place].extend(page.get("ids").and_then(Json::as_array).into_iter().flatten().filter_map(id));
        }
        (Branch::Records(place), _) => ids[*place].extend(id(json)),
    }
}

fn id(json: &Json) -> Option<RecordId> {
    json.as_str()?.parse().ok()
}

/// Writes trees by a model's types.
#[derive(Clone, Copy)]
pub struct Tree<'a> {
    model: &'a Model,
    /// What the tree's places are, and what was read for them, beside how its records are shown.
    records: Option<(&'a [Place<'a>], &'a [Read], &'a Locale)>,
}

impl<'a> Tree<'a> {
    /// For trees that name no records.
    pub fn plain(model: &'a Model) -> Self {
        Self { model, records: None }
    }

    /// For the trees of an answer.
    pub fn of(model: &'a Model, answer: &'a Answer<'a>, read: &'a [Read], locale: &'a Locale) -> Self {
        Self { model, records: Some((&answer.places, read, locale)) }
    }

    /// Writes a tree that names no records.
    pub fn value(self, out: &mut Out, planned: &Planned, ty: &TypeRef, json: &Json) -> Completed {
        self.branch(out, planned, ty, json, &Branch::Plain)
    }

    /// Writes a tree of an answer.
    pub fn answer(self, out: &mut Out, planned: &Planned, answer: &Answer<'_>, json: &Json) -> Completed {
        self.branch(out, planned, answer.ty, json, &answer.branch)
    }

    fn branch(self, out: &mut Out, planned: &Planned, ty: &TypeRef, json: &Json, branch: &Branch) -> Completed {
        match (ty, json) {
            (TypeRef::NonNull(_), _) if self.is_null(branch, json) => out.missing(planned),
            (TypeRef::NonNull(inner), _) => self.branch(out, planned, inner, json, branch),
            _ if self.is_null(branch, json) => {
                out.null();
                Ok(())
            }
            (TypeRef::List(inner), Json::Array(items)) => {
                // records that the caller may not see are left out
                let items = items.iter().filter(|item| item.is_null() || !self.is_null(branch, item));
                out.list(items, |out, item| {
                    if inner.is_non_null() {
                        return self.branch(out, planned, inner, item, branch);
                    }
                    out.nullable(|out| self.branch(out, planned, inner, item, branch));
                    Ok(())
                })
            }
            (TypeRef::List(_), _) => out.missing(planned),
            (TypeRef::Named(id), _) => match (&planned.selection, branch) {
                (None, _) => {
                    out.value(json);
                    Ok(())
                }
                (Some(_), Branch::Records(place)) => self.records(out, planned, *place, json),
                (Some(selection), _) => self.fields(out, selection, *id, json, branch),
            },
        }
    }

    fn fields(self, out: &mut Out, selection: &Selection, ty: TypeId, json: &Json, branch: &Branch) -> Completed {
        let inner = |at: usize| match branch {
            Branch::Fields(fields) => fields.get(at).map_or(&Branch::Plain, |(_, inner)| inner),
            _ => &Branch::Plain,
        };
        let fields = selection.fields.iter().enumerate().map(|(at, planned)| (planned, (planned.source, inner(at))));
        out.object(fields, |out, planned, (source, branch)| match source {
            Source::Field(at) => {
                let Some(field) = self.model.fields(ty).get(at) else { return out.nothing(planned, false) };
                let json = json.get(&*field.name).unwrap_or(&Json::Null);
                out.field(planned, field.ty.is_non_null(), |out| self.branch(out, planned, &field.ty, json, branch))
            }
            _ => {
                out.string(&self.model.get(ty).name);
                Ok(())
            }
        })
    }

    /// Whether there is nothing to show: no value, or a record that is not there for the caller.
    fn is_null(self, branch: &Branch, json: &Json) -> bool {
        match (branch, self.records, json) {
            (_, _, Json::Null) => true,
            (Branch::Records(place), Some((_, read, _)), Json::String(_)) => match read.get(*place) {
                Some(Read::Rows { rows, .. }) => id(json).is_none_or(|id| !rows.contains_key(&id)),
                _ => false,
            },
            _ => false,
        }
    }

    fn records(self, out: &mut Out, planned: &Planned, place: usize, json: &Json) -> Completed {
        let Some((places, read, locale)) = self.records else { return out.missing(planned) };
        let show = Show { model: self.model, locale };
        match (places.get(place).map(|place| &place.shape), read.get(place)) {
            (_, Some(Read::Failed(error))) => out.fail(planned, error),
            (Some(Shape::Record(record)), Some(Read::Rows { rows, links })) => {
                match (id(json).and_then(|id| rows.get(&id)), links.first()) {
                    (Some(row), Some(links)) => show.record(out, record, row, links),
                    _ => out.missing(planned),
                }
            }
            (Some(Shape::Page(shape)), Some(Read::Rows { rows, links })) => {
                match serde_json::from_value::<RecordPage>(json.clone()) {
                    Ok(page) => show.page(out, shape, &page_of(&page, rows), links),
                    Err(error) => out.fail(planned, &Error::internal(format!("a page of records is none: {error}"))),
                }
            }
            _ => out.missing(planned),
        }
    }
}

/// The records of a page that the caller sees, with their cursors.
fn page_of<'p>(page: &'p RecordPage, rows: &'p HashMap<RecordId, Row>) -> Page<'p> {
    let seen = page.ids.iter().enumerate().filter_map(|(at, id)| Some((at, rows.get(id)?)));
    let (at, rows): (Vec<usize>, Vec<&Row>) = seen.unzip();
    let cursor = move |index: usize| at.get(index).and_then(|at| page.cursors.get(*at)).cloned().unwrap_or_default();
    Page { rows, cursor: Box::new(cursor), has_next: page.has_next, has_previous: page.has_previous, total: page.total }
}
