//! The types of one object's aggregates: over all matching records, and per group.

use records::catalog::{FieldKind, RollupFunction, result_kind};

use super::{
    builder::Builder,
    kinds::{Link, face},
    model::{Field, Resolver, Total, TypeKind},
    shape::{Show, Shown},
};

/// The aggregates that have their own type, with their function.
const FUNCTIONS: [(&str, &str, RollupFunction, Total); 4] = [
    ("sum", "Sum", RollupFunction::Sum, Total::Sum),
    ("avg", "Avg", RollupFunction::Avg, Total::Avg),
    ("min", "Min", RollupFunction::Min, Total::Min),
    ("max", "Max", RollupFunction::Max, Total::Max),
];

/// Adds an object's aggregate types; returns whether its records can be grouped.
pub(super) fn add(builder: &mut Builder, shown: &Shown<'_>, ty: &str) -> bool {
    let value = || Resolver::Total(Total::Value);
    let mut measures = vec![("count".to_owned(), "Int!".to_owned(), Total::Count)];
    for (name, suffix, function, total) in FUNCTIONS {
        let fields: Vec<_> = shown
            .fields
            .iter()
            .filter(|(field, _)| !field.encryption.is_some())
            .filter_map(|(field, _)| {
                let output = output(function, &field.kind)?;
                Some(builder.field(&field.name, output, value()))
            })
            .collect();
        if !fields.is_empty() {
            measures.push((name.to_owned(), format!("{ty}{suffix}!"), total));
            builder.define(&format!("{ty}{suffix}"), TypeKind::Object(fields), None);
        }
    }
    let measures = |builder: &mut Builder| -> Vec<Field> {
        measures.iter().map(|(name, ty, total)| builder.field(name, ty, Resolver::Total(*total))).collect()
    };
    let (mut keys, mut by) = (Vec::new(), Vec::new());
    for (field, show) in &shown.fields {
        let output = match show {
            Show::Value(face) if face.groups => face.output,
            Show::Link { link: Link::One, .. } => "ID",
            _ => continue,
        };
        keys.push(builder.field(&field.name, output, value()));
        by.push(builder.input(&field.name, "GroupBucket"));
    }
    let groups = !by.is_empty();
    let mut all = measures(builder);
    if groups {
        let mut group = vec![builder.field("key", &format!("{ty}GroupKey!"), Resolver::Total(Total::Key))];
        group.extend(measures(builder));
        builder.define(&format!("{ty}Group"), TypeKind::Object(group), None);
        builder.define(&format!("{ty}GroupKey"), TypeKind::Object(keys), None);
        builder.define(&format!("{ty}GroupBy"), TypeKind::Input(by), None);
        all.push(builder.field("groups", &format!("[{ty}Group!]!"), Resolver::Total(Total::Groups)));
    }
    builder.define(&format!("{ty}Aggregates"), TypeKind::Object(all), None);
    groups
}

/// The type of an aggregate; `None` if there is none.
fn output(function: RollupFunction, kind: &FieldKind) -> Option<&'static str> {
    let kind = match kind {
        FieldKind::Rollup(rollup) => &rollup.result,
        other => other,
    };
    face(&result_kind(function, Some(kind))?).map(|face| face.output)
}
