//! Turns a filter into an SQL predicate: groups, negation and related records. Comparisons are in [`super::compare`].
//!
//! Negations are pushed down to the comparisons, so that every `AND`, `OR` and `EXISTS` stays positive: there, SQL's
//! "unknown" behaves like "false", and only a negated comparison must say what it means for nulls.

use chrono_tz::Tz;
use tenants::{
    Operation,
    error::{Code, Error, Result},
};

use crate::{
    Ctx,
    catalog::{Cardinality, Catalog, Field, FieldKind, Object, Relation},
    permission,
    sql::Sql,
};

use super::{CountTest, Filter, Quantifier, Test, compare};

/// Groups and relations within each other, at most.
pub const MAX_DEPTH: usize = 5;
/// Comparisons in one filter, at most.
pub const MAX_TERMS: usize = 50;

/// What a filter is read with: which fields there are, and when and where "today" is.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Objects and fields.
    pub catalog: &'a Catalog,
    /// Now, in microseconds since 1970 UTC.
    pub now: i64,
    /// The organisation's time zone.
    pub zone: Tz,
    /// Who asks, where the filter is a caller's: then it looks only at what the caller may see.
    pub asker: Option<&'a Ctx>,
}

impl std::fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope").field("now", &self.now).field("zone", &self.zone).finish_non_exhaustive()
    }
}

impl<'a> Scope<'a> {
    /// What the organisation's own filters are read with, on whoever's behalf.
    pub fn of(ctx: &'a Ctx) -> Self {
        let (now, zone) = (ctx.caller.clock.micros(), ctx.db.settings().time_zone);
        Self { catalog: &ctx.catalog, now, zone, asker: None }
    }

    /// What the filters of this request's caller are read with: no hidden field, and of related records only those that
    /// the caller sees.
    pub fn asked(ctx: &'a Ctx) -> Self {
        Self { asker: Some(ctx), ..Self::of(ctx) }
    }
}

/// Adds the predicate to a statement where `alias` names the object's table. It is never null where it matters: rows
/// for which a comparison is unknown do not match.
///
/// # Errors
/// `BAD_FILTER` naming the place, when a field is unknown, a comparison does not fit it, or the filter is too large.
pub fn predicate(sql: &mut Sql, scope: Scope<'_>, object: &Object, alias: &str, filter: &Filter) -> Result<()> {
    let mut compiler = Compiler { scope, sql, terms: 0, aliases: 0, path: Vec::new() };
    compiler.filter(At { object, alias, depth: 0 }, filter, false)
}

/// Whether a filter can be asked, before it is.
///
/// # Errors
/// As [`predicate`].
pub fn check(ctx: &Ctx, object: &Object, filter: &Filter) -> Result<()> {
    predicate(&mut Sql::new(ctx.db.dialect()), Scope::asked(ctx), object, "t0", filter)
}

/// Where in the filter: whose fields, under which alias, how deep.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub object: &'a Object,
    pub alias: &'a str,
    pub depth: usize,
}

pub(super) struct Compiler<'a> {
    pub scope: Scope<'a>,
    pub sql: &'a mut Sql,
    terms: usize,
    aliases: usize,
    path: Vec<&'a str>,
}

impl<'a> Compiler<'a> {
    fn filter(&mut self, at: At<'_>, filter: &Filter, negated: bool) -> Result<()> {
        match filter {
            Filter::And(parts) => self.group(at, parts, negated, !negated),
            Filter::Or(parts) => self.group(self.deeper(at)?, parts, negated, negated),
            Filter::Not(inner) => self.filter(self.deeper(at)?, inner, !negated),
            Filter::Field { field, test } => {
                self.count()?;
                let field = self.field(at, *field)?;
                if let Some(seen) = self.seen_link(field, test)? {
                    self.terms -= 1;
                    return self.filter(at, &seen, negated);
                }
                self.path.push(&field.name);
                compare::test(self, at, field, test, negated)?;
                self.path.pop();
                Ok(())
            }
            Filter::Related { field, quantifier, filter } => {
                self.count()?;
                let field = self.field(at, *field)?;
                self.path.push(&field.name);
                self.related(self.deeper(at)?, field, *quantifier, filter, negated)?;
                self.path.pop();
                Ok(())
            }
            Filter::Counted { field, count, filter } => {
                self.count()?;
                let field = self.field(at, *field)?;
                self.path.push(&field.name);
                self.counted(self.deeper(at)?, field, count, filter, negated)?;
                self.path.pop();
                Ok(())
            }
        }
    }

    /// Parts joined by AND or OR; no part at all means what joining nothing means.
    fn group(&mut self, at: At<'_>, parts: &[Filter], negated: bool, all: bool) -> Result<()> {
        if parts.is_empty() {
            self.sql.push(if all { "TRUE" } else { "FALSE" });
            return Ok(());
        }
        self.sql.push("(");
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                self.sql.push(if all { " AND " } else { " OR " });
            }
            // the braces of a part that has several conditions are not a level; a list within a list is
            let at = match (part, all != negated) {
                (Filter::And(_), true) => self.deeper(at)?,
                _ => at,
            };
            self.filter(at, part, negated)?;
        }
        self.sql.push(")");
        Ok(())
    }

    fn related(
        &mut self,
        at: At<'_>,
        field: &'a Field,
        quantifier: Quantifier,
        filter: &Filter,
        negated: bool,
    ) -> Result<()> {
        let relation = self.relation(field, quantifier == Quantifier::One)?;
        let absent = matches!(quantifier, Quantifier::None | Quantifier::Every);
        self.sql.push(if absent != negated { "NOT EXISTS (SELECT 1" } else { "EXISTS (SELECT 1" });
        self.matching(at, field, relation, filter, quantifier == Quantifier::Every)
    }

    /// The number of related records that match, compared in one look at them.
    fn counted(
        &mut self,
        at: At<'_>,
        field: &'a Field,
        count: &[CountTest],
        filter: &Filter,
        negated: bool,
    ) -> Result<()> {
        let relation = self.relation(field, false)?;
        self.sql.push(if negated { "NOT (SELECT " } else { "(SELECT " });
        for (i, test) in count.iter().enumerate() {
            let (operator, number) = test.sql();
            self.sql.push(if i > 0 { " AND count(*)" } else { "count(*)" }).push(operator).number(i64::from(number));
        }
        self.matching(at, field, relation, filter, false)
    }

    /// The relation of a field, if it leads to one record or to many as it must.
    fn relation(&self, field: &'a Field, to_one: bool) -> Result<&'a Relation> {
        let relation = field.relation().ok_or_else(|| self.bad("it is not a relation; compare its value"))?;
        match (relation.cardinality == Cardinality::ManyToOne, to_one) {
            (true, false) => Err(self.bad("this relation takes the related record's fields")),
            (false, true) => Err(self.bad("this relation takes some, none, every, count")),
            _ => Ok(relation),
        }
    }

    /// The end of a query on related records: those that are not archived, that the one who asks sees and that match.
    fn matching(
        &mut self,
        at: At<'_>,
        field: &Field,
        relation: &Relation,
        filter: &Filter,
        negated: bool,
    ) -> Result<()> {
        let target = self.scope.catalog.object_by_id(relation.to);
        let target = target.ok_or_else(|| self.bad("the related object no longer exists"))?;
        self.aliases += 1;
        let (alias, link) = (format!("r{}", self.aliases), format!("l{}", self.aliases));
        self.sql.push(" FROM ");
        self.join(at, field, relation, target, &alias, &link)?;
        if target.field("archivedAt").is_some() {
            self.sql.push(" AND ").column(&alias, "archived_at").push(" IS NULL");
        }
        self.sql.push(" AND ");
        let inner = At { object: target, alias: &alias, depth: at.depth };
        self.seen(inner)?;
        self.filter(inner, filter, negated)?;
        self.sql.push(")");
        Ok(())
    }

    /// A link compared with ids, where the one who asks does not see all records that it may lead to: as a condition on
    /// the record at its end, which must be seen.
    fn seen_link(&self, field: &Field, test: &Test) -> Result<Option<Filter>> {
        let (Some(asker), Some(relation)) = (self.scope.asker, field.relation()) else { return Ok(None) };
        let Some(target) = self.scope.catalog.object_by_id(relation.to) else { return Ok(None) };
        let positive = match test {
            Test::Eq(_) | Test::In(_) => true,
            Test::Ne(_) | Test::NotIn(_) => false,
            _ => return Ok(None),
        };
        if permission::rows(asker, target, Operation::Read)?.is_none() {
            return Ok(None);
        }
        let id = target.fields.iter().find(|field| field.kind == FieldKind::Id);
        let id = id.ok_or_else(|| Error::internal(format!("{} has no ids", target.name)))?;
        let test = match test {
            Test::Ne(value) => Test::Eq(value.clone()),
            Test::NotIn(values) => Test::In(values.clone()),
            other => other.clone(),
        };
        let filter = Box::new(Filter::Field { field: id.id, test });
        let related = Filter::Related { field: field.id, quantifier: Quantifier::One, filter };
        Ok(Some(if positive { related } else { Filter::Not(Box::new(related)) }))
    }

    /// Leaves out the related records that the one who asks does not see.
    fn seen(&mut self, at: At<'_>) -> Result<()> {
        let Some(asker) = self.scope.asker else { return Ok(()) };
        let Some(seen) = permission::rows(asker, at.object, Operation::Read)? else { return Ok(()) };
        // a condition of ours: it may look at what the role hides, and does not count
        let terms = self.terms;
        self.scope.asker = None;
        self.filter(At { depth: 0, ..at }, &seen, false)?;
        self.scope.asker = Some(asker);
        self.terms = terms;
        self.sql.push(" AND ");
        Ok(())
    }

    /// The related table and what ties its records to the record at hand.
    fn join(
        &mut self,
        at: At<'_>,
        field: &Field,
        relation: &Relation,
        target: &Object,
        alias: &str,
        link: &str,
    ) -> Result<()> {
        match relation.cardinality {
            Cardinality::ManyToOne => {
                self.sql.table(&target.table).push(" AS ").push(alias).push(" WHERE ").column(alias, "id");
                self.sql.push(" = ").column(at.alias, &field.column);
            }
            Cardinality::OneToMany => {
                let inverse = relation.inverse.and_then(|id| self.scope.catalog.field(id));
                let inverse = inverse.ok_or_else(|| self.bad("the relation's other side no longer exists"))?;
                self.sql.table(&target.table).push(" AS ").push(alias).push(" WHERE ");
                self.sql.column(alias, &inverse.column).push(" = ").column(at.alias, "id");
            }
            Cardinality::ManyToMany => {
                let table = relation.link_table.as_deref();
                let table = table.ok_or_else(|| Error::internal(format!("field {} has no link table", field.id)))?;
                let (near, far) = if relation.forward { ("a", "b") } else { ("b", "a") };
                self.sql.table(table).push(" AS ").push(link).push(" JOIN ").table(&target.table);
                self.sql.push(" AS ").push(alias).push(" ON ").column(alias, "id").push(" = ").column(link, far);
                self.sql.push(" WHERE ").column(link, near).push(" = ").column(at.alias, "id");
            }
        }
        Ok(())
    }

    /// The field, if the record at hand has it.
    fn field(&self, at: At<'_>, id: crate::catalog::FieldId) -> Result<&'a Field> {
        let field = self.scope.catalog.field(id).filter(|field| field.object == at.object.id && field.usable());
        let field =
            field.ok_or_else(|| self.bad(&format!("it refers to a field that {} no longer has", at.object.name)))?;
        self.scope.asker.map_or(Ok(()), |asker| permission::see(asker, field))?;
        Ok(field)
    }

    fn deeper<'b>(&self, at: At<'b>) -> Result<At<'b>> {
        if at.depth == MAX_DEPTH {
            return Err(self.bad(&format!("it is more than {MAX_DEPTH} levels deep; make it flatter")));
        }
        Ok(At { depth: at.depth + 1, ..at })
    }

    fn count(&mut self) -> Result<()> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.bad(&format!("it has more than {MAX_TERMS} conditions; use `in` for many values")));
        }
        Ok(())
    }

    /// An alias that is not in use yet; inner statements count their own from the beginning.
    pub(super) fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("k{}", self.aliases)
    }

    /// `BAD_FILTER` at the place reached.
    #[track_caller]
    pub(super) fn bad(&self, reason: &str) -> Error {
        bad_filter(&self.path.join("."), reason)
    }
}

/// `BAD_FILTER` at a place, dotted API names; empty for the whole.
#[track_caller]
pub(super) fn bad_filter(path: &str, reason: &str) -> Error {
    let error = match path {
        "" => Error::new(Code::BadFilter, format!("The filter is not valid: {reason}.")),
        path => Error::new(Code::BadFilter, format!("The filter is not valid at `{path}`: {reason}.")),
    };
    error.with("filterPath", path)
}
