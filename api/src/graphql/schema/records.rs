//! The types and roots of one object of the catalog.

use std::sync::Arc;

use records::catalog::{FieldKind, Origin};

use super::{
    builder::{Builder, pascal},
    inputs::{self, Inputs},
    kinds::Link,
    model::{Action, Answered, EventPart, Field, Name, Part, Resolver, TypeKind},
    shape::{Show, Shown},
    totals,
};

/// The fields that objects add to the roots.
#[derive(Default)]
pub(super) struct Roots {
    pub query: Vec<Field>,
    pub mutation: Vec<Field>,
    pub subscription: Vec<Field>,
}

/// Adds an object's types and roots.
pub(super) fn add(builder: &mut Builder, roots: &mut Roots, shown: &Shown<'_>, all: &[Shown<'_>], added: Vec<Field>) {
    let inputs = inputs::add(builder, shown, all);
    let ty = pascal(&shown.object.name);
    record(builder, shown, &ty, all, added);
    connection(builder, &ty);
    let groups = totals::add(builder, shown, &ty);
    let name = Name::from(shown.object.name.as_str());
    builder.answers(&ty, Answered::Record(Arc::clone(&name)));
    builder.answers(&format!("{ty}Connection"), Answered::Page(Arc::clone(&name)));
    queries(builder, roots, shown, &ty, &inputs, groups);
    if shown.object.writable {
        writes(builder, roots, shown, &ty, &inputs);
        event(builder, roots, &name, &ty);
    }
}

fn event(builder: &mut Builder, roots: &mut Roots, object: &Name, ty: &str) {
    let mut changed =
        builder.field(&format!("{object}Changed"), &format!("{ty}Change!"), root(object, Action::Changed));
    changed.args.push(builder.input("filter", &format!("{ty}Filter")));
    let reported = "Tells of each change of a record that matches the filter, and when one leaves it.";
    changed.description = Some(reported.into());
    roots.subscription.push(changed);
    let fields = vec![
        builder.field("kind", "ChangeKind!", Resolver::Event(EventPart::Kind)),
        builder.field("id", "ID", Resolver::Event(EventPart::Id)),
        builder.field("record", ty, Resolver::Event(EventPart::Record)),
    ];
    builder.define(&format!("{ty}Change"), TypeKind::Object(fields), None);
}

fn root(object: &Name, action: Action) -> Resolver {
    Resolver::Records { object: Arc::clone(object), action }
}

fn record(builder: &mut Builder, shown: &Shown<'_>, ty: &str, all: &[Shown<'_>], added: Vec<Field>) {
    let mut fields = Vec::with_capacity(shown.fields.len() + 1);
    for (field, show) in &shown.fields {
        fields.push(match show {
            Show::Value(face) => {
                let system = field.origin == Origin::System && shown.object.writable;
                let output = match (field.name.as_str(), &field.kind) {
                    ("id", FieldKind::Id) => "ID!".to_owned(),
                    ("version", FieldKind::Integer) if system => "Int!".to_owned(),
                    ("createdAt" | "updatedAt", _) if system => format!("{}!", face.output),
                    _ => face.output.to_owned(),
                };
                let resolver = match field.kind {
                    FieldKind::Actor => Resolver::Actor,
                    FieldKind::Link { .. } => Resolver::Link,
                    _ => Resolver::Cell,
                };
                builder.field(&field.name, &output, resolver)
            }
            Show::Link { to, link: Link::One } => {
                builder.field(&field.name, &pascal(to), Resolver::ToOne { object: Name::from(*to) })
            }
            Show::Link { to, .. } => {
                let target = pascal(to);
                let resolver = Resolver::ToMany { object: Name::from(*to) };
                let mut field = builder.field(&field.name, &format!("{target}Connection"), resolver);
                let sorts = all.iter().any(|shown| shown.object.name == *to && inputs::sorts(shown));
                field.args = page_args(builder, &target, sorts);
                field
            }
        });
    }
    if shown.object.writable && shown.object.field("history").is_none() {
        let mut history = builder.field("history", "HistoryConnection", Resolver::History);
        history.args = vec![builder.input("first", "Int"), builder.input("after", "String")];
        history.description = Some("What was changed in it, the newest first.".into());
        fields.push(history);
    }
    // a field of the organisation's own keeps its name
    fields.extend(added.into_iter().filter(|field| shown.object.field(&field.name).is_none()));
    builder.define(ty, TypeKind::Object(fields), None);
}

fn connection(builder: &mut Builder, ty: &str) {
    let part = |part| Resolver::Connection(part);
    let fields = vec![
        builder.field("edges", &format!("[{ty}Edge!]!"), part(Part::Edges)),
        builder.field("nodes", &format!("[{ty}!]!"), part(Part::Nodes)),
        builder.field("pageInfo", "PageInfo!", part(Part::PageInfo)),
        builder.field("totalCount", "Int!", part(Part::TotalCount)),
    ];
    builder.define(&format!("{ty}Connection"), TypeKind::Object(fields), None);
    let fields = vec![
        builder.field("cursor", "String!", part(Part::Cursor)),
        builder.field("node", &format!("{ty}!"), part(Part::Node)),
    ];
    builder.define(&format!("{ty}Edge"), TypeKind::Object(fields), None);
}

/// Arguments of every list of records.
fn page_args(builder: &mut Builder, ty: &str, sorts: bool) -> Vec<super::model::Input> {
    let mut args = vec![builder.input("filter", &format!("{ty}Filter"))];
    if sorts {
        args.push(builder.input("orderBy", &format!("[{ty}OrderBy!]")));
    }
    for (name, ty) in [("first", "Int"), ("after", "String"), ("last", "Int"), ("before", "String")] {
        args.push(builder.input(name, ty));
    }
    args.push(builder.input("archived", "ArchivedMode"));
    args
}

fn queries(builder: &mut Builder, roots: &mut Roots, shown: &Shown<'_>, ty: &str, inputs: &Inputs, groups: bool) {
    let (name, plural) = (Name::from(shown.object.name.as_str()), &shown.object.plural);
    let mut list = builder.field(plural, &format!("{ty}Connection"), root(&name, Action::List));
    list.args = page_args(builder, ty, inputs.order);
    list.description = Some("Pages of 50 unless `first` or `last` (up to 200) says otherwise.".into());
    let mut one = builder.field(&name, ty, root(&name, Action::Get));
    one.args.push(builder.input("id", "ID!"));
    let mut total =
        builder.field(&format!("{plural}Aggregate"), &format!("{ty}Aggregates"), root(&name, Action::Aggregate));
    total.args.push(builder.input("filter", &format!("{ty}Filter")));
    if groups {
        total.args.push(builder.input("groupBy", &format!("[{ty}GroupBy!]")));
        total.args.push(builder.input("orderBy", "[AggregateOrderBy!]"));
        total.args.push(builder.input("first", "Int"));
    }
    total.args.push(builder.input("archived", "ArchivedMode"));
    roots.query.extend([list, one, total]);
}

fn writes(builder: &mut Builder, roots: &mut Roots, shown: &Shown<'_>, ty: &str, inputs: &Inputs) {
    let object = Name::from(shown.object.name.as_str());
    let many = pascal(&shown.object.plural);
    let filter = format!("{ty}Filter!");
    let (create, update) = (format!("{ty}CreateInput!"), format!("{ty}UpdateInput!"));
    let one = |name: &'static str, args| (format!("{name}{ty}"), ty.to_owned(), args);
    let mut add = |action, (name, answer, args): (String, String, Vec<(&str, &str)>), description: Option<&str>| {
        let mut field = builder.field(&name, &answer, root(&object, action));
        field.args = args.into_iter().map(|(name, ty)| builder.input(name, ty)).collect();
        field.description = description.map(Name::from);
        roots.mutation.push(field);
    };
    let with = |mut args: Vec<(&'static str, String)>, extra: Option<(&'static str, String)>| {
        args.extend(extra);
        args
    };
    let data = |ty: String| inputs.writes.then_some(("data", ty));
    let upsert = inputs.unique.then(|| ("upsertOn", format!("[{ty}UniqueField!]")));
    let borrow = |args: &'static [(&'static str, &'static str)]| args.to_vec();

    let args = with(Vec::new(), data(create.clone()));
    let args: Vec<_> = args.iter().map(|(name, ty)| (*name, ty.as_str())).collect();
    add(Action::Create, one("create", args), None);

    let args = with(data(format!("[{create}]!")).into_iter().collect(), upsert);
    let args: Vec<_> = args.iter().map(|(name, ty)| (*name, ty.as_str())).collect();
    let description = "Up to 500, all or none. With `upsertOn`, a record that has the same value in the first of \
                       these fields that is given is updated instead.";
    add(Action::CreateMany, (format!("create{many}"), format!("[{ty}!]"), args), Some(description));

    if inputs.writes {
        let args = vec![("id", "ID!"), ("data", update.as_str()), ("version", "Int")];
        add(Action::Update, one("update", args), Some("With `version`, only if the record still has it."));
        let args = vec![("filter", filter.as_str()), ("data", update.as_str()), ("all", "Boolean")];
        add(Action::UpdateMany, (format!("update{many}"), "BulkResult".to_owned(), args), Some(BULK));
    }
    let args = vec![("filter", filter.as_str()), ("all", "Boolean")];
    add(Action::DeleteMany, (format!("delete{many}"), "BulkResult".to_owned(), args), Some(BULK));
    add(Action::Delete, one("delete", borrow(&[("id", "ID!")])), Some("Archives it; `restore` brings it back."));
    add(Action::Restore, one("restore", borrow(&[("id", "ID!")])), None);
    let args = borrow(&[("id", "ID!")]);
    add(Action::Destroy, (format!("destroy{ty}"), "ID".to_owned(), args), Some("Removes it for good."));
}

const BULK: &str = "Changes every record that the filter finds; an empty filter needs `all: true`.";
