//! The part of a catalog that the API shows, in an order that does not depend on the tenant. Tenants with the same
//! objects and fields get the same schema, whatever their sections, labels and columns.

use std::collections::HashMap;

use records::catalog::{Catalog, Field, FieldKind, FieldState, Object, ObjectId, Origin};
use sha2::{Digest, Sha256};

use super::kinds::{Face, Link, face};

/// Identifies a shape of the API. Equal fingerprints mean equal schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

/// One object as the API shows it.
pub(super) struct Shown<'c> {
    pub object: &'c Object,
    pub fields: Vec<(&'c Field, Show<'c>)>,
}

/// One field as the API shows it.
pub(super) enum Show<'c> {
    Value(Face),
    Link { to: &'c str, link: Link },
}

/// The objects of a catalog, in the API's order.
pub(super) fn objects(catalog: &Catalog) -> Vec<Shown<'_>> {
    let names: HashMap<ObjectId, &str> =
        catalog.objects.iter().map(|object| (object.id, object.name.as_str())).collect();
    let mut shown: Vec<_> = catalog
        .objects
        .iter()
        .map(|object| {
            let mut fields: Vec<_> = object.fields.iter().filter_map(|field| show(field, &names)).collect();
            fields.sort_by_key(|(field, _)| (rank(field), field.name.as_str()));
            Shown { object, fields }
        })
        .collect();
    shown.sort_by_key(|shown| shown.object.name.as_str());
    shown
}

fn show<'c>(field: &'c Field, names: &HashMap<ObjectId, &'c str>) -> Option<(&'c Field, Show<'c>)> {
    if matches!(field.state, FieldState::Inactive | FieldState::Retired) {
        return None;
    }
    let show = match &field.kind {
        FieldKind::Relation(relation) => {
            Show::Link { to: names.get(&relation.to)?, link: Link::from(relation.cardinality) }
        }
        kind if field.encryption.is_some() => Show::Value(face(kind)?.flat()),
        kind => Show::Value(face(kind)?),
    };
    Some((field, show))
}

/// First the id, then the system fields, then the fields of the object.
fn rank(field: &Field) -> u8 {
    match (&field.kind, field.origin) {
        (FieldKind::Id, Origin::System) => 0,
        (_, Origin::System) => 1,
        _ => 2,
    }
}

/// The fingerprint of what [`objects`] returns.
pub(super) fn fingerprint(shown: &[Shown<'_>]) -> Fingerprint {
    let mut hash = Sha256::new();
    let mut text = |part: &str| {
        hash.update(part.as_bytes());
        hash.update([0]);
    };
    text(env!("CARGO_PKG_VERSION"));
    for Shown { object, fields } in shown {
        text("object");
        text(&object.name);
        text(&object.plural);
        text(if object.writable { "writable" } else { "fixed" });
        for (field, show) in fields {
            text(&field.name);
            text(if field.writable { "w" } else { "-" });
            text(if field.encryption.is_some() { "e" } else { "-" });
            text(if field.identifies() { "u" } else { "-" });
            text(if field.origin == Origin::System { "s" } else { "-" });
            match show {
                Show::Value(face) => {
                    text(face.output);
                    text(face.filter.unwrap_or("-"));
                    let traits = [face.sorts, face.groups];
                    text(&traits.map(|yes| if yes { 'y' } else { 'n' }).iter().collect::<String>());
                }
                Show::Link { to, link } => {
                    text(to);
                    text(match link {
                        Link::One => "one",
                        Link::Many => "many",
                        Link::Mutual => "mutual",
                    });
                }
            }
        }
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Fingerprint(bytes)
}
