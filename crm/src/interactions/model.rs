//! The object `interaction`.

use records::catalog::{
    FieldKind, OnDestroy, Personal,
    spec::{FieldSpec, ObjectSpec, RelationSpec, labels},
};

use crate::choices::choice;

/// The declaration of `interaction`. Rules fill in its time, author and name if they are not given.
pub(super) fn object() -> ObjectSpec {
    let kinds = vec![
        choice("note", labels("Note", "Note", "Nota")),
        choice("call", labels("Call", "Appel", "Llamada")),
        choice("meeting", labels("Meeting", "Réunion", "Reunión")),
        choice("appointment", labels("Appointment", "Rendez-vous", "Cita")),
        choice("visit", labels("Visit", "Visite", "Visita")),
        choice("purchase", labels("Purchase", "Achat", "Compra")),
        choice("email", labels("Email", "E-mail", "Correo electrónico")),
        choice("sms", labels("SMS", "SMS", "SMS")),
        choice("whatsapp", labels("WhatsApp", "WhatsApp", "WhatsApp")),
        choice("other", labels("Other", "Autre", "Otro")),
    ];
    let customer = RelationSpec::to_one("customer")
        .inverse("interactions", labels("Interactions", "Interactions", "Interacciones"))
        .on_destroy(OnDestroy::Cascade);
    let what = |name: &str, kind: FieldKind| FieldSpec::new(name, kind).section("interaction");
    ObjectSpec::new("interaction", "interactions")
        .labelled(
            labels("Interaction", "Interaction", "Interacción"),
            labels("Interactions", "Interactions", "Interacciones"),
        )
        .section("interaction", labels("Interaction", "Interaction", "Interacción"))
        .field(FieldSpec::new("name", FieldKind::Text).label(labels("Name", "Nom", "Nombre")).read_only())
        .field(
            FieldSpec::new("customer", customer)
                .label(labels("Customer", "Client", "Cliente"))
                .section("interaction")
                .required(),
        )
        .field(what("kind", FieldKind::Select { options: kinds }).label(labels("Kind", "Nature", "Clase")).required())
        .field(
            what("subject", FieldKind::Text)
                .label(labels("Subject", "Objet", "Asunto"))
                .personal(Personal::Ordinary)
                .searchable(),
        )
        .field(
            what("body", FieldKind::LongText)
                .label(labels("Text", "Texte", "Texto"))
                .personal(Personal::Ordinary)
                .searchable(),
        )
        .field(
            what("occurredAt", FieldKind::DateTime).label(labels("Occurred at", "Survenu le", "Ocurrido el")).indexed(),
        )
        .field(
            FieldSpec::new("author", RelationSpec::to_one("member"))
                .label(labels("Author", "Auteur", "Autor"))
                .section("interaction"),
        )
}
