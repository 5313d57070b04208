//! The system fields of every object.

use entities::ids::{FieldId, ObjectId};

use super::{Cardinality, Field, FieldKind, OnDestroy, Origin, Relation, spec::labels};

/// Name, column, type, whether callers may write it, and its labels.
type Line = (&'static str, &'static str, FieldKind, bool, [&'static str; 3]);

const LINES: [Line; 9] = [
    ("id", "id", FieldKind::Id, false, ["Id", "Identifiant", "Identificador"]),
    ("version", "version", FieldKind::Integer, false, ["Version", "Version", "Versión"]),
    ("name", "name", FieldKind::Text, true, ["Name", "Nom", "Nombre"]),
    (
        "externalId",
        "external_id",
        FieldKind::Text,
        true,
        ["External id", "Identifiant externe", "Identificador externo"],
    ),
    ("createdAt", "created_at", FieldKind::DateTime, false, ["Created at", "Créé le", "Creado el"]),
    ("createdBy", "created_by", FieldKind::Actor, false, ["Created by", "Créé par", "Creado por"]),
    ("updatedAt", "updated_at", FieldKind::DateTime, false, ["Updated at", "Modifié le", "Modificado el"]),
    ("updatedBy", "updated_by", FieldKind::Actor, false, ["Updated by", "Modifié par", "Modificado por"]),
    ("archivedAt", "archived_at", FieldKind::DateTime, false, ["Archived at", "Archivé le", "Archivado el"]),
];

/// The system fields of an object. Those of a system table are read-only, and it has no external ids.
pub(super) fn fields(object: ObjectId, written_by_engine: bool) -> Vec<Field> {
    let lines = LINES.into_iter().enumerate().filter(|(_, line)| written_by_engine || line.0 != "externalId");
    lines
        .map(|(position, (name, column, kind, writable, [en, fr, es]))| {
            let mut field = Field::new(FieldId::new(), object, name, column, kind);
            field.label = labels(en, fr, es);
            field.origin = Origin::System;
            field.position = i32::try_from(position).unwrap_or(i32::MAX);
            field.writable = writable && written_by_engine;
            field.unique = name == "externalId";
            field.searchable = name == "name";
            field.audited = writable;
            field
        })
        .collect()
}

/// The link from a record to the member who owns it.
pub(super) fn owner(object: ObjectId, member: ObjectId) -> Field {
    let relation = Relation {
        to: member,
        cardinality: Cardinality::ManyToOne,
        inverse: None,
        on_destroy: OnDestroy::SetNull,
        link_table: None,
        forward: true,
    };
    let mut field = Field::new(FieldId::new(), object, "owner", "owner_id", FieldKind::Relation(relation));
    field.label = labels("Owner", "Responsable", "Responsable");
    field.origin = Origin::System;
    field.position = i32::try_from(LINES.len()).unwrap_or(i32::MAX);
    field
}
