//! Filters as the API writes them, by field name:
//! `{ city: { eq: "Alger" }, customer: { name: { contains: "a" } }, vehicles: { some: { … } }, or: [ … ] }`.
//! Several keys of one object must all hold.

use entities::ids::ObjectId;
use serde_json::{Map, Value as Json};
use tenants::error::{Error, Result};

use crate::{
    catalog::{Cardinality, Catalog, Field, Object, Relation},
    values::{self, Locale, Value},
};

use super::{
    CountTest, Filter, MAX_DEPTH, Operator, Period, Quantifier, Test, compare::not_accepted, compile::bad_filter,
    linked, operators, rounding,
};

/// Longest text that `contains` and its like take, in bytes.
const MAX_NEEDLE: usize = 1_000;

/// Reads a filter on an object.
///
/// # Errors
/// `BAD_FILTER` naming the place: an unknown field, a comparison that does not fit it, a value of another type.
pub fn parse(catalog: &Catalog, object: &Object, json: &Json, locale: &Locale) -> Result<Filter> {
    Parser { catalog, locale, path: Vec::new() }.filter(object, json, 0)
}

struct Parser<'a> {
    catalog: &'a Catalog,
    locale: &'a Locale,
    path: Vec<String>,
}

impl<'a> Parser<'a> {
    /// An object of conditions.
    fn filter(&mut self, object: &Object, json: &Json, depth: usize) -> Result<Filter> {
        let mut parts = Vec::new();
        for (key, value) in self.map(json)? {
            let part = self.at(key, |parser| match key.as_str() {
                "and" => parser.list(object, value, depth).map(Filter::And),
                "or" => parser.list(object, value, depth).map(Filter::Or),
                "not" => {
                    let depth = parser.deeper(depth)?;
                    parser.filter(object, value, depth).map(|inner| Filter::Not(Box::new(inner)))
                }
                name => parser.named(object, name, value, depth),
            })?;
            match part {
                Filter::And(more) => parts.extend(more),
                one => parts.push(one),
            }
        }
        Ok(all_of(parts))
    }

    fn list(&mut self, object: &Object, json: &Json, depth: usize) -> Result<Vec<Filter>> {
        let depth = self.deeper(depth)?;
        let items = json.as_array().ok_or_else(|| self.bad("it takes a list of filters"))?;
        let item = |(i, item): (usize, &Json)| self.at(&i.to_string(), |parser| parser.filter(object, item, depth));
        items.iter().enumerate().map(item).collect()
    }

    /// The conditions of one field.
    fn named(&mut self, object: &Object, name: &str, json: &Json, depth: usize) -> Result<Filter> {
        let field = object.field(name).filter(|field| field.usable());
        let field = field.ok_or_else(|| self.bad(&format!("{} has no field of this name", object.name)))?;
        match field.relation() {
            None => self.tests(field, self.map(json)?.iter()),
            Some(relation) if relation.cardinality == Cardinality::ManyToOne => {
                self.one_related(field, relation, json, depth)
            }
            Some(relation) => self.many_related(field, relation, json, depth),
        }
    }

    fn tests<'j>(&mut self, field: &Field, tests: impl Iterator<Item = (&'j String, &'j Json)>) -> Result<Filter> {
        let tests = tests.map(|(operator, json)| {
            let test = self.at(operator, |parser| parser.test(field, operator, json))?;
            Ok(Filter::Field { field: field.id, test })
        });
        Ok(all_of(tests.collect::<Result<_>>()?))
    }

    /// Conditions on the related record; those on its id alone are conditions on the link, and need no look at it.
    fn one_related(&mut self, field: &Field, relation: &Relation, json: &Json, depth: usize) -> Result<Filter> {
        let mut conditions = self.map(json)?.clone();
        let mut parts = Vec::new();
        if let Some(id) = conditions.shift_remove("id") {
            parts.push(self.at("id", |parser| parser.tests(field, parser.map(&id)?.iter()))?);
        }
        if !conditions.is_empty() || parts.is_empty() {
            let target = self.target(relation)?;
            let depth = self.deeper(depth)?;
            let filter = Box::new(self.filter(target, &Json::Object(conditions), depth)?);
            parts.push(Filter::Related { field: field.id, quantifier: Quantifier::One, filter });
        }
        Ok(all_of(parts))
    }

    fn many_related(&mut self, field: &Field, relation: &Relation, json: &Json, depth: usize) -> Result<Filter> {
        let target = self.target(relation)?;
        let depth = self.deeper(depth)?;
        let mut parts = Vec::new();
        let conditions = self.map(json)?;
        let mut counted = match conditions.get("where").filter(|_| conditions.contains_key("count")) {
            Some(json) => Some(self.at("where", |parser| parser.filter(target, json, depth))?),
            None => None,
        };
        for (key, json) in conditions {
            let part = self.at(key, |parser| {
                let quantifier = match key.as_str() {
                    "some" => Quantifier::Some,
                    "none" => Quantifier::None,
                    "every" => Quantifier::Every,
                    "count" => return parser.counted(field, json, counted.take()).map(Some),
                    "where" if conditions.contains_key("count") => return Ok(None),
                    "where" => return Err(parser.bad("`where` says which records `count` counts; add `count`")),
                    _ => return Err(parser.bad("a relation to many takes some, none, every, count")),
                };
                let filter = Box::new(parser.filter(target, json, depth)?);
                Ok(Some(Filter::Related { field: field.id, quantifier, filter }))
            })?;
            parts.extend(part);
        }
        Ok(all_of(parts))
    }

    /// `count: { gte: 2 }`, and the condition on the records that are counted.
    fn counted(&mut self, field: &Field, count: &Json, counted: Option<Filter>) -> Result<Filter> {
        let mut tests = Vec::new();
        for (name, number) in self.map(count)? {
            tests.push(self.at(name, |parser| {
                let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
                let number = number.ok_or_else(|| parser.bad("it takes a number of records, 0 or more"))?;
                CountTest::named(name, number)
                    .ok_or_else(|| parser.bad(&format!("a number of records takes {}", CountTest::NAMES)))
            })?);
        }
        if tests.is_empty() {
            return Err(self.bad(&format!("it takes one of {}", CountTest::NAMES)));
        }
        let filter = Box::new(counted.unwrap_or_else(|| Filter::And(Vec::new())));
        Ok(Filter::Counted { field: field.id, count: tests, filter })
    }

    fn test(&self, field: &Field, operator: &str, json: &Json) -> Result<Test> {
        if let Some(period) = self.period(operator, json)? {
            return match operators(field).contains(&Operator::Period) {
                true => Ok(Test::Period(period)),
                false => Err(self.bad(&not_accepted(field, operator))),
            };
        }
        if linked::is_link(field) && operator == Operator::Object.name() {
            return self.objects(json).map(Test::Target);
        }
        let known = Operator::named(operator).filter(|known| operators(field).contains(known));
        let known = known.ok_or_else(|| self.bad(&not_accepted(field, operator)))?;
        let test = match known {
            Operator::Eq => Test::Eq(self.value(field, json)?),
            Operator::Ne => Test::Ne(self.value(field, json)?),
            Operator::Lt => Test::Lt(self.value(field, json)?),
            Operator::Lte => Test::Lte(self.value(field, json)?),
            Operator::Gt => Test::Gt(self.value(field, json)?),
            Operator::Gte => Test::Gte(self.value(field, json)?),
            Operator::In => Test::In(self.values(field, json)?),
            Operator::NotIn => Test::NotIn(self.values(field, json)?),
            Operator::IsNull => Test::IsNull(json.as_bool().ok_or_else(|| self.bad("it takes true or false"))?),
            Operator::Contains => Test::Contains(self.needle(json)?),
            Operator::StartsWith => Test::StartsWith(self.needle(json)?),
            Operator::EndsWith => Test::EndsWith(self.needle(json)?),
            Operator::HasAny => Test::HasAny(self.words(field, json)?),
            Operator::HasAll => Test::HasAll(self.words(field, json)?),
            Operator::HasNone => Test::HasNone(self.words(field, json)?),
            // they were read above
            Operator::Object | Operator::Period => return Err(self.bad(&not_accepted(field, operator))),
        };
        Ok(rounding::exact(field, test, json))
    }

    /// `object: { eq: "customer" }` or `object: { in: ["customer", "vehicle"] }`: the objects in all of its lists.
    fn objects(&self, json: &Json) -> Result<Vec<ObjectId>> {
        let mut found: Option<Vec<ObjectId>> = None;
        for (operator, json) in self.map(json)? {
            let names = match (operator.as_str(), json) {
                ("eq", name) => std::slice::from_ref(name),
                ("in", Json::Array(names)) => names,
                _ => return Err(self.bad("the object of a link takes eq, in")),
            };
            let named = |name: &Json| {
                let object = name.as_str().and_then(|name| self.catalog.object(name));
                object.map(|object| object.id).ok_or_else(|| self.bad(&format!("there is no object {name}")))
            };
            let named = names.iter().map(named).collect::<Result<Vec<_>>>()?;
            found = Some(match found {
                Some(found) => found.into_iter().filter(|id| named.contains(id)).collect(),
                None => named,
            });
        }
        found.ok_or_else(|| self.bad("it takes eq or in"))
    }

    fn value(&self, field: &Field, json: &Json) -> Result<Value> {
        if linked::is_link(field) {
            let id = json.as_str().and_then(|id| id.trim().parse().ok());
            return id.map(Value::Id).ok_or_else(|| self.bad("it takes the id of a record"));
        }
        match values::from_json(field, json, self.locale) {
            Ok(Value::Null) => Err(self.bad("a comparison needs a value; use `isNull` for records without one")),
            Ok(value) => Ok(value),
            Err(issue) => Err(self.bad(issue.message("en").trim_end_matches('.'))),
        }
    }

    fn values(&self, field: &Field, json: &Json) -> Result<Vec<Value>> {
        let items = json.as_array().ok_or_else(|| self.bad("it takes a list of values"))?;
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            let value = self.value(field, item)?;
            if rounding::is_exact(field, item) {
                values.push(value);
            }
        }
        Ok(values)
    }

    fn words(&self, field: &Field, json: &Json) -> Result<Vec<String>> {
        match values::from_json(field, json, self.locale) {
            Ok(Value::List(words)) => Ok(words),
            Ok(_) if json.is_array() => Ok(Vec::new()),
            Ok(_) => Err(self.bad("it takes a list of words")),
            Err(issue) => Err(self.bad(issue.message("en").trim_end_matches('.'))),
        }
    }

    fn needle(&self, json: &Json) -> Result<String> {
        match json.as_str() {
            Some(text) if text.len() <= MAX_NEEDLE => Ok(text.to_owned()),
            Some(_) => Err(self.bad(&format!("the text is longer than {MAX_NEEDLE} bytes"))),
            None => Err(self.bad("it takes a text")),
        }
    }

    /// `period: TODAY`, `today: true`, `lastDays: 30`.
    fn period(&self, operator: &str, json: &Json) -> Result<Option<Period>> {
        let counted: Option<fn(u16) -> Period> = match operator {
            "lastDays" => Some(Period::LastDays),
            "nextDays" => Some(Period::NextDays),
            "olderThanDays" => Some(Period::OlderThanDays),
            "afterDays" => Some(Period::AfterDays),
            _ => None,
        };
        if let Some(counted) = counted {
            let days = json.as_u64().and_then(|days| u16::try_from(days).ok());
            return days
                .map(|days| Some(counted(days)))
                .ok_or_else(|| self.bad("it takes a number of days, 0 to 65535"));
        }
        if operator == "period" {
            let name = json.as_str().unwrap_or_default();
            let found = PERIODS.iter().find(|(_, upper, _)| *upper == name);
            let names: Vec<&str> = PERIODS.iter().map(|(_, upper, _)| *upper).collect();
            let found = found.ok_or_else(|| self.bad(&format!("it takes one of {}", names.join(", "))))?;
            return Ok(Some(found.2));
        }
        match PERIODS.iter().find(|(camel, ..)| *camel == operator) {
            Some((.., period)) if *json == Json::Bool(true) => Ok(Some(*period)),
            Some(_) => Err(self.bad("it takes true; use `not` for the opposite")),
            None => Ok(None),
        }
    }

    fn target(&self, relation: &Relation) -> Result<&'a Object> {
        self.catalog.object_by_id(relation.to).ok_or_else(|| self.bad("the related object no longer exists"))
    }

    fn map<'j>(&self, json: &'j Json) -> Result<&'j Map<String, Json>> {
        json.as_object().ok_or_else(|| self.bad("it takes an object of conditions; leave it out for none"))
    }

    fn deeper(&self, depth: usize) -> Result<usize> {
        match depth {
            MAX_DEPTH => Err(self.bad(&format!("it is more than {MAX_DEPTH} levels deep; make it flatter"))),
            depth => Ok(depth + 1),
        }
    }

    /// Does something at a place further in.
    fn at<T>(&mut self, key: &str, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.path.push(key.to_owned());
        let result = inner(self);
        self.path.pop();
        result
    }

    #[track_caller]
    fn bad(&self, reason: &str) -> Error {
        bad_filter(&self.path.join("."), reason)
    }
}

/// Names of the periods without a number, as key and as value of `period`.
pub(super) const PERIODS: &[(&str, &str, Period)] = &[
    ("today", "TODAY", Period::Today),
    ("yesterday", "YESTERDAY", Period::Yesterday),
    ("tomorrow", "TOMORROW", Period::Tomorrow),
    ("thisWeek", "THIS_WEEK", Period::ThisWeek),
    ("lastWeek", "LAST_WEEK", Period::LastWeek),
    ("nextWeek", "NEXT_WEEK", Period::NextWeek),
    ("thisMonth", "THIS_MONTH", Period::ThisMonth),
    ("lastMonth", "LAST_MONTH", Period::LastMonth),
    ("nextMonth", "NEXT_MONTH", Period::NextMonth),
    ("thisQuarter", "THIS_QUARTER", Period::ThisQuarter),
    ("lastQuarter", "LAST_QUARTER", Period::LastQuarter),
    ("thisYear", "THIS_YEAR", Period::ThisYear),
    ("lastYear", "LAST_YEAR", Period::LastYear),
    ("past", "PAST", Period::Past),
    ("future", "FUTURE", Period::Future),
];

/// All of some conditions, without a group around a single one.
fn all_of(mut parts: Vec<Filter>) -> Filter {
    match parts.len() {
        1 => parts.remove(0),
        _ => Filter::And(parts),
    }
}
