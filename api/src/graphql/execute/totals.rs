//! Aggregates: one read for the totals over all records found, one for those by group.

use records::{
    Ctx,
    catalog::{Field, FieldKind, Object, RollupFunction, result_kind},
    engine::{self, AggregateQuery, Bucket, Group, GroupKey, GroupOrder, GroupOrderBy, MAX_GROUPS, Measure},
    values::{self, Value},
};
use serde_json::{Map, Value as Json};
use tenants::error::{Code, Error, Result};

use super::{
    bind::Binder,
    out::{Completed, Out},
    page,
};
use crate::graphql::{
    plan::{Planned, Selection, Source},
    schema::model::{Resolver, Total},
};

/// Groups in an answer where the request does not say.
const DEFAULT_GROUPS: u32 = 100;

/// Aggregates of one object's records as they are asked for.
pub struct Totals<'a> {
    pub object: &'a Object,
    pub selection: &'a Selection,
    all: Option<AggregateQuery>,
    groups: Option<AggregateQuery>,
    keys: Vec<&'a Field>,
}

/// What was found.
pub struct Found {
    all: Vec<Group>,
    groups: Vec<Group>,
}

impl<'a> Totals<'a> {
    /// Understands the arguments and what is selected.
    pub fn bind(
        binder: &Binder<'a>,
        object: &'a Object,
        args: &Map<String, Json>,
        selection: &'a Selection,
    ) -> Result<Self> {
        let filter = page::filter_of(binder, object, args)?;
        let query = |measures, group_by, order, limit| AggregateQuery {
            object: object.id,
            filter: filter.clone(),
            archived: page::archived(args),
            group_by,
            measures,
            order,
            limit,
        };
        let measures = measures(binder, object, selection)?;
        let all = (!measures.is_empty()).then(|| query(measures, Vec::new(), Vec::new(), 1));
        let (mut groups, mut keys) = (None, Vec::new());
        // Every use of `groups` under another alias asks for the same groups; what each shows may differ.
        let merged: Vec<&Selection> = selection
            .fields
            .iter()
            .filter(|planned| resolver(binder, selection, planned) == Some(Total::Groups))
            .filter_map(|planned| planned.selection.as_ref())
            .collect();
        if !merged.is_empty() {
            let mut found = Vec::new();
            for selection in merged {
                for measure in self::measures(binder, object, selection)? {
                    if !found.contains(&measure) {
                        found.push(measure);
                    }
                }
            }
            let group_by = group_by(object, args, &mut keys)?;
            let order = order(object, args, &keys, &mut found)?;
            groups = Some(query(
                found,
                group_by,
                order,
                page::first(args.get("first").and_then(Json::as_i64), DEFAULT_GROUPS, MAX_GROUPS)?,
            ));
        }
        Ok(Self { object, selection, all, groups, keys })
    }

    /// Reads them.
    pub async fn fetch(&self, ctx: &Ctx) -> Result<Found> {
        let read = |query: Option<&'_ AggregateQuery>| {
            let query = query.cloned();
            async move {
                match query {
                    Some(query) => engine::aggregate(ctx, &query).await,
                    None => Ok(Vec::new()),
                }
            }
        };
        let (all, groups) = futures::try_join!(read(self.all.as_ref()), read(self.groups.as_ref()))?;
        Ok(Found { all, groups })
    }

    /// Writes them.
    pub fn show(&self, binder: &Binder<'_>, out: &mut Out, found: &Found) -> Completed {
        let none = Group { keys: Vec::new(), measures: Vec::new() };
        let all = found.all.first().unwrap_or(&none);
        let measures = self.all.as_ref().map_or(&[][..], |query| &query.measures);
        self.level(binder, out, self.selection, (measures, all), &found.groups)
    }

    fn level(
        &self,
        binder: &Binder<'_>,
        out: &mut Out,
        selection: &Selection,
        (measures, group): (&[Measure], &Group),
        groups: &[Group],
    ) -> Completed {
        let fields = selection.fields.iter().map(|planned| (planned, planned.selection.as_ref()));
        out.object(fields, |out, planned, inner| {
            let Some(total) = resolver(binder, selection, planned) else {
                out.string(binder.type_name(selection));
                return Ok(());
            };
            match (total, inner) {
                (Total::Groups, Some(inner)) => {
                    let measures = self.groups.as_ref().map_or(&[][..], |query| &query.measures);
                    out.field(planned, true, |out| {
                        out.list(groups.iter(), |out, group| self.level(binder, out, inner, (measures, group), &[]))
                    })
                }
                (Total::Key, Some(inner)) => self.leaves(binder, out, inner, |field| {
                    let at = self.keys.iter().position(|key| key.id == field.id)?;
                    group.keys.get(at).map(|value| values::to_json(field, value))
                }),
                (Total::Count, _) => match measured(measures, group, RollupFunction::Count, None) {
                    Some(Value::Int(count)) => {
                        out.int(*count);
                        Ok(())
                    }
                    _ => out.nothing(planned, true),
                },
                (total, Some(inner)) => self.leaves(binder, out, inner, |field| {
                    let function = function(total)?;
                    let value = measured(measures, group, function, Some(field))?;
                    Some(values::to_json(&of_kind(field, function), value))
                }),
                _ => out.nothing(planned, false),
            }
        })
    }

    fn leaves(
        &self,
        binder: &Binder<'_>,
        out: &mut Out,
        selection: &Selection,
        value: impl Fn(&Field) -> Option<Json>,
    ) -> Completed {
        let fields = selection.fields.iter().map(|planned| (planned, binder.declared(selection, planned)));
        out.object(fields, |out, _, declared| {
            let Some(declared) = declared else {
                out.string(binder.type_name(selection));
                return Ok(());
            };
            out.value(&self.object.field(&declared.name).and_then(&value).unwrap_or(Json::Null));
            Ok(())
        })
    }
}

fn measured<'g>(
    measures: &[Measure],
    group: &'g Group,
    function: RollupFunction,
    field: Option<&Field>,
) -> Option<&'g Value> {
    let wanted = Measure { function, field: field.map(|field| field.id) };
    group.measures.get(measures.iter().position(|measure| *measure == wanted)?)
}

/// The field as its total is written: a mean of whole numbers has decimals, money is in the organisation's currency.
fn of_kind(field: &Field, function: RollupFunction) -> Field {
    let kind = match &field.kind {
        FieldKind::Rollup(rollup) => &rollup.result,
        other => other,
    };
    let kind = result_kind(function, Some(kind)).unwrap_or_else(|| kind.clone());
    Field::new(field.id, field.object, &field.name, "", kind)
}

fn function(total: Total) -> Option<RollupFunction> {
    match total {
        Total::Sum => Some(RollupFunction::Sum),
        Total::Avg => Some(RollupFunction::Avg),
        Total::Min => Some(RollupFunction::Min),
        Total::Max => Some(RollupFunction::Max),
        _ => None,
    }
}

fn resolver(binder: &Binder<'_>, selection: &Selection, planned: &Planned) -> Option<Total> {
    match binder.declared(selection, planned)?.resolver {
        Resolver::Total(total) => Some(total),
        _ => None,
    }
}

/// What is to be computed for a selection on totals or on a group.
fn measures(binder: &Binder<'_>, object: &Object, selection: &Selection) -> Result<Vec<Measure>> {
    let mut measures = Vec::new();
    for planned in &selection.fields {
        let Some(total) = resolver(binder, selection, planned) else { continue };
        let mut wanted = Vec::new();
        match (total, &planned.selection) {
            (Total::Count, _) => wanted.push(Measure { function: RollupFunction::Count, field: None }),
            (total, Some(inner)) => {
                let Some(function) = function(total) else { continue };
                let names = inner.fields.iter().filter(|planned| matches!(planned.source, Source::Field(_)));
                for declared in names.filter_map(|planned| binder.declared(inner, planned)) {
                    let field = field_of(object, &declared.name)?;
                    wanted.push(Measure { function, field: Some(field.id) });
                }
            }
            _ => {}
        }
        for measure in wanted {
            if !measures.contains(&measure) {
                measures.push(measure);
            }
        }
    }
    Ok(measures)
}

fn group_by<'a>(object: &'a Object, args: &Map<String, Json>, keys: &mut Vec<&'a Field>) -> Result<Vec<GroupKey>> {
    let mut group_by = Vec::new();
    for entry in args.get("groupBy").and_then(Json::as_array).into_iter().flatten() {
        for (name, bucket) in entry.as_object().into_iter().flatten().filter(|(_, bucket)| !bucket.is_null()) {
            let field = field_of(object, name)?;
            if keys.iter().any(|key| key.id == field.id) {
                return Err(bad(&format!("`groupBy` names `{name}` twice.")));
            }
            keys.push(field);
            group_by.push(GroupKey { field: field.id, bucket: self::bucket(bucket) });
        }
    }
    Ok(group_by)
}

fn bucket(name: &Json) -> Bucket {
    match name.as_str() {
        Some("HOUR") => Bucket::Hour,
        Some("DAY") => Bucket::Day,
        Some("WEEK") => Bucket::Week,
        Some("MONTH") => Bucket::Month,
        Some("QUARTER") => Bucket::Quarter,
        Some("YEAR") => Bucket::Year,
        _ => Bucket::Value,
    }
}

/// The order of groups; a total that is only ordered by is computed too.
fn order(
    object: &Object,
    args: &Map<String, Json>,
    keys: &[&Field],
    measures: &mut Vec<Measure>,
) -> Result<Vec<GroupOrder>> {
    let mut order = Vec::new();
    for entry in args.get("orderBy").and_then(Json::as_array).into_iter().flatten() {
        let text = |key: &str| entry.get(key).and_then(Json::as_str);
        let by = text("by").unwrap_or_default();
        let field = text("field").map(|name| field_of(object, name)).transpose()?;
        let function = match by {
            "KEY" => None,
            "COUNT" => Some(RollupFunction::Count),
            "SUM" => Some(RollupFunction::Sum),
            "AVG" => Some(RollupFunction::Avg),
            "MIN" => Some(RollupFunction::Min),
            _ => Some(RollupFunction::Max),
        };
        let by = match (function, field) {
            (None, Some(field)) => {
                let at = keys.iter().position(|key| key.id == field.id);
                GroupOrderBy::Key(at.ok_or_else(|| bad("`orderBy` names a key that is not in `groupBy`."))?)
            }
            (Some(RollupFunction::Count), None) | (Some(_), Some(_)) => {
                let measure =
                    Measure { function: function.unwrap_or(RollupFunction::Count), field: field.map(|field| field.id) };
                let at = measures.iter().position(|known| *known == measure).unwrap_or_else(|| {
                    measures.push(measure);
                    measures.len() - 1
                });
                GroupOrderBy::Measure(at)
            }
            (_, None) => return Err(bad("`orderBy` needs the `field` that it is about.")),
        };
        order.push(GroupOrder { by, descending: text("direction") == Some("DESC") });
    }
    Ok(order)
}

fn field_of<'a>(object: &'a Object, name: &str) -> Result<&'a Field> {
    object.field(name).ok_or_else(|| bad(&format!("There is no field `{name}` to compute with.")))
}

fn bad(message: &str) -> Error {
    Error::new(Code::BadRequest, message)
}
