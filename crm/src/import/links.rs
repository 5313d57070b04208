//! Finds the records that cells refer to: by id, external id, a unique field or name. Looked up batch by batch, with a
//! cache.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use entities::ids::{FieldId, ObjectId, RecordId, RunId};
use records::{
    Ctx,
    catalog::{Field, FieldKind, Object},
    engine::{self, Archived, Draft, ListQuery, Page},
    filter::{Filter, Test},
    permission,
    values::{self, Locale, Value},
};
use tenants::error::Result;

use super::{
    cells::{Link, Reading},
    complaint::{Complaint, Reason},
    mapping::Mapping,
};

/// Most texts in one query.
const ASKED: usize = 100;
/// Most cached answers; beyond that the cache is emptied.
const REMEMBERED: usize = 50_000;
/// Imports whose cache is kept.
const IMPORTS: usize = 8;

/// What a text refers to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    One(RecordId),
    Several,
}

/// Caches of imports that are done slice by slice: the last few of this process.
#[derive(Default)]
pub(super) struct LinkCaches(Mutex<VecDeque<(RunId, Links)>>);

impl LinkCaches {
    /// The cache of an import, which is empty at its first slice.
    pub(super) fn take(&self, run: RunId) -> Links {
        let mut kept = self.kept();
        let at = kept.iter().position(|(id, _)| *id == run);
        at.and_then(|at| kept.remove(at)).map(|(_, links)| links).unwrap_or_default()
    }

    /// Keeps the cache of an import for its next slice.
    pub(super) fn keep(&self, run: RunId, links: Links) {
        let mut kept = self.kept();
        kept.push_back((run, links));
        if kept.len() > IMPORTS {
            kept.pop_front();
        }
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(RunId, Links)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves the links of one import.
#[derive(Default)]
pub(super) struct Links {
    known: HashMap<(FieldId, String), Found>,
}

impl Links {
    /// Puts the targets of all links into the drafts. A text that matches no record, or several, is an error of its
    /// row.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn resolve(
        &mut self,
        ctx: &Ctx,
        mapping: &Mapping,
        locale: &Locale,
        readings: &mut [Reading],
    ) -> Result<()> {
        let mut asked: HashMap<(usize, FieldId), HashSet<String>> = HashMap::new();
        for link in readings.iter().flat_map(|reading| &reading.links) {
            if !self.known.contains_key(&(link.field, link.text.clone())) {
                asked.entry((link.column, link.field)).or_default().insert(link.text.clone());
            }
        }
        for ((column, field), texts) in asked {
            if self.known.len() > REMEMBERED {
                self.known.clear();
            }
            let by = mapping.0[column].by;
            self.ask(ctx, field, by, locale, texts.into_iter().collect()).await?;
        }
        for reading in readings {
            self.fill(mapping, reading);
        }
        Ok(())
    }

    fn fill(&self, mapping: &Mapping, reading: &mut Reading) {
        for link in std::mem::take(&mut reading.links) {
            let reason = match self.known.get(&(link.field, link.text.clone())) {
                Some(Found::One(id)) => {
                    set(&mut reading.draft, &link, *id);
                    continue;
                }
                Some(Found::Several) => Reason::Ambiguous,
                None => Reason::NoSuchRecord,
            };
            let column = mapping.0[link.column].header.clone();
            reading.complaints.push(Complaint { column, value: link.text, reason });
        }
    }

    async fn ask(
        &mut self,
        ctx: &Ctx,
        field: FieldId,
        by: Option<FieldId>,
        locale: &Locale,
        mut texts: Vec<String>,
    ) -> Result<()> {
        let target = ctx.catalog.field(field).and_then(Field::relation).map(|relation| relation.to);
        let Some(target) = target.and_then(|id| ctx.catalog.object_by_id(id)) else { return Ok(()) };
        for way in ways(ctx, target, by) {
            if texts.is_empty() {
                break;
            }
            let mut found = HashMap::new();
            for texts in texts.chunks(ASKED) {
                found.extend(matches(ctx, target, way, locale, texts).await?);
            }
            texts.retain(|text| !found.contains_key(text));
            self.known.extend(found.into_iter().map(|(text, found)| ((field, text), found)));
        }
        // only found records are cached: the others may come later in the file
        Ok(())
    }
}

/// Puts the target of a link into a draft; if the field may hold several, beside the others.
fn set(draft: &mut Draft, link: &Link, target: RecordId) {
    match draft.values.iter_mut().find(|(field, _)| *field == link.field) {
        Some((_, Value::Ids(ids))) if ids.contains(&target.0) => {}
        Some((_, Value::Ids(ids))) => ids.push(target.0),
        _ if link.many => draft.set(link.field, Value::Ids(vec![target.0])),
        _ => draft.set(link.field, Value::Id(target.0)),
    }
}

/// The fields by which a text may match a record, in order: the chosen one, or else those that the caller can see.
fn ways<'a>(ctx: &Ctx, target: &'a Object, by: Option<FieldId>) -> Vec<&'a Field> {
    if let Some(by) = by {
        return target.fields.iter().filter(|field| field.id == by).collect();
    }
    let named = |name: &str| target.field(name);
    let unique = target.fields.iter().filter(|field| field.unique && field.usable());
    let numbered = target.fields.iter().filter(|field| matches!(field.kind, FieldKind::AutoNumber { .. }));
    // members are found by the address that they sign in with; customers may share an address
    let signs_in = named("email").filter(|_| target.name == "member");
    let mut ways: Vec<&Field> = Vec::new();
    let first = named("id").into_iter().chain(named("externalId")).chain(unique).chain(numbered);
    let shown = |field: &&Field| permission::see(ctx, field).is_ok();
    for field in first.chain(signs_in).chain(named("name")).filter(shown) {
        if !ways.iter().any(|way| way.id == field.id) {
            ways.push(field);
        }
    }
    ways
}

/// The records that have one of the texts as value of the field.
async fn matches(
    ctx: &Ctx,
    target: &Object,
    way: &Field,
    locale: &Locale,
    texts: &[String],
) -> Result<HashMap<String, Found>> {
    let mut wanted: HashMap<String, Vec<&String>> = HashMap::new();
    let mut asked = Vec::new();
    for text in texts {
        if let Ok((value, _)) = values::from_text(way, text, locale)
            && value != Value::Null
        {
            wanted.entry(comparable(way, &value)).or_default().push(text);
            asked.push(value);
        }
    }
    let mut found = HashMap::new();
    if asked.is_empty() {
        return Ok(found);
    }
    let filter = Filter::Field { field: way.id, test: Test::In(asked) };
    let mut page = Page { limit: 200, backwards: false, cursor: None };
    loop {
        let query = query(target.id, way.id, filter.clone(), page.clone());
        let listing = engine::list(ctx, &query).await?;
        for row in &listing.rows {
            let texts = row.cells.first().and_then(|value| wanted.get(&comparable(way, value)));
            for text in texts.into_iter().flatten() {
                found.entry((*text).clone()).and_modify(|found| *found = Found::Several).or_insert(Found::One(row.id));
            }
        }
        // once every text has a record, more records could only make it ambiguous: one more page is enough
        if !listing.has_next || listing.rows.is_empty() {
            return Ok(found);
        }
        page.cursor = Some(listing.cursor(listing.rows.len() - 1));
    }
}

fn query(object: ObjectId, field: FieldId, filter: Filter, page: Page) -> ListQuery {
    ListQuery {
        object,
        select: vec![field],
        filter: Some(filter),
        order: Vec::new(),
        page,
        archived: Archived::Exclude,
        total: false,
    }
}

/// What a value is compared by.
fn comparable(field: &Field, value: &Value) -> String {
    match value {
        Value::Id(id) => id.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => values::key(field, value).unwrap_or_else(|| text.clone()),
        _ => values::key(field, value).unwrap_or_default(),
    }
}
