//! The input types of one object: filters, orders, values.

use super::{
    builder::{Builder, pascal},
    kinds::Link,
    model::{Name, TypeKind},
    shape::{Show, Shown},
};

/// Which input types an object has; those that would be empty do not exist.
pub(super) struct Inputs {
    pub order: bool,
    pub writes: bool,
    pub unique: bool,
}

/// Whether lists of the object can be ordered.
pub(super) fn sorts(shown: &Shown<'_>) -> bool {
    shown.fields.iter().any(|(_, show)| matches!(show, Show::Value(face) if face.sorts))
}

/// Adds an object's input types.
pub(super) fn add(builder: &mut Builder, shown: &Shown<'_>, all: &[Shown<'_>]) -> Inputs {
    let ty = pascal(&shown.object.name);
    filter(builder, shown, &ty, all);
    let order: Vec<_> = shown
        .fields
        .iter()
        .filter(|(_, show)| matches!(show, Show::Value(face) if face.sorts))
        .map(|(field, _)| builder.input(&field.name, "SortDirection"))
        .collect();
    let unique: Vec<_> = shown
        .fields
        .iter()
        .filter(|(field, _)| field.identifies() && field.writable)
        .map(|(field, _)| Name::from(field.name.as_str()))
        .collect();
    let writes = values(builder, shown, &ty);
    let inputs = Inputs { order: !order.is_empty(), writes, unique: shown.object.writable && !unique.is_empty() };
    if inputs.order {
        builder.define(&format!("{ty}OrderBy"), TypeKind::Input(order), None);
    }
    if inputs.unique {
        builder.define(&format!("{ty}UniqueField"), TypeKind::Enum(unique), None);
    }
    inputs
}

fn filter(builder: &mut Builder, shown: &Shown<'_>, ty: &str, all: &[Shown<'_>]) {
    let own = format!("{ty}Filter");
    let mut fields = vec![
        builder.input("and", &format!("[{own}!]")),
        builder.input("or", &format!("[{own}!]")),
        builder.input("not", &own),
    ];
    for (field, show) in &shown.fields {
        match show {
            Show::Value(face) => {
                if let Some(filter) = face.filter {
                    fields.push(builder.input(&field.name, filter));
                }
            }
            Show::Link { to, link: Link::One } => {
                fields.push(builder.input(&field.name, &format!("{}Filter", pascal(to))));
            }
            Show::Link { to, .. } => {
                fields.push(builder.input(&field.name, &format!("{}ListFilter", pascal(to))));
            }
        }
    }
    builder.define(&own, TypeKind::Input(fields), None);
    let is_many =
        |show: &Show<'_>| matches!(show, Show::Link { to, link } if *link != Link::One && *to == shown.object.name);
    if all.iter().any(|other| other.fields.iter().any(|(_, show)| is_many(show))) {
        let mut conditions: Vec<_> = ["some", "none", "every"].map(|name| builder.input(name, &own)).into();
        conditions.extend([builder.input("count", "CountFilter"), builder.input("where", &own)]);
        builder.define(&format!("{ty}ListFilter"), TypeKind::Input(conditions), None);
    }
}

fn values(builder: &mut Builder, shown: &Shown<'_>, ty: &str) -> bool {
    let mut fields = Vec::new();
    for (field, show) in shown.fields.iter().filter(|(field, _)| field.writable && shown.object.writable) {
        let inputs = match show {
            Show::Value(face) => [face.input; 2],
            Show::Link { link: Link::One, .. } => ["ID"; 2],
            // a new record has no links yet: its list is all of them
            Show::Link { link: Link::Mutual, .. } => ["[ID!]", "LinksInput"],
            Show::Link { link: Link::Many, .. } => continue,
        };
        fields.push((field.name.as_str(), inputs));
    }
    let writes = !fields.is_empty();
    if writes {
        for (at, name) in ["Create", "Update"].into_iter().enumerate() {
            let fields = fields.iter().map(|(name, inputs)| builder.input(name, inputs[at])).collect();
            builder.define(&format!("{ty}{name}Input"), TypeKind::Input(fields), None);
        }
    }
    writes
}
