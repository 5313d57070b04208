//! The object `contactPoint`.

use records::catalog::{
    FieldKind, OnDestroy, Personal,
    spec::{FieldSpec, ObjectSpec, RelationSpec, labels},
};

use crate::choices::choice;

/// The declaration of `contactPoint`. Its rules write the key, the validity and the name.
pub(super) fn object() -> ObjectSpec {
    let kinds = vec![
        choice("email", labels("Email", "E-mail", "Correo electrónico")),
        choice("phone", labels("Phone", "Téléphone", "Teléfono")),
    ];
    let customer = RelationSpec::to_one("customer")
        .inverse("contactPoints", labels("Contact points", "Moyens de contact", "Medios de contacto"))
        .on_destroy(OnDestroy::Cascade);
    let point = |name: &str, kind: FieldKind| FieldSpec::new(name, kind).section("contact");
    ObjectSpec::new("contactPoint", "contactPoints")
        .labelled(
            labels("Contact point", "Moyen de contact", "Medio de contacto"),
            labels("Contact points", "Moyens de contact", "Medios de contacto"),
        )
        .part()
        .section("contact", labels("Contact", "Coordonnées", "Contacto"))
        .field(
            FieldSpec::new("name", FieldKind::Text)
                .label(labels("Name", "Nom", "Nombre"))
                .personal(Personal::Ordinary)
                .read_only(),
        )
        .field(
            FieldSpec::new("customer", customer)
                .label(labels("Customer", "Client", "Cliente"))
                .section("contact")
                .required(),
        )
        .field(point("kind", FieldKind::Select { options: kinds }).label(labels("Kind", "Nature", "Clase")).required())
        .field(
            point("value", FieldKind::Text)
                .label(labels("Value", "Valeur", "Valor"))
                .help(labels("As typed.", "Telle que saisie.", "Tal como se escribió."))
                .personal(Personal::Ordinary)
                .searchable()
                .required(),
        )
        .field(
            point("key", FieldKind::Text)
                .label(labels("Key", "Clé", "Clave"))
                .help(labels(
                    "Used for matching and consent: lower case, or the international number.",
                    "Ce qui sert aux rapprochements et au consentement : minuscules ou numéro international.",
                    "Lo que sirve para emparejar y para el consentimiento: minúsculas o número internacional.",
                ))
                .personal(Personal::Ordinary)
                .indexed()
                .read_only(),
        )
        .field(point("label", FieldKind::Text).label(labels("Label", "Libellé", "Etiqueta")))
        .field(point("primary", FieldKind::Boolean).label(labels("Primary", "Principal", "Principal")).default(false))
        .field(point("valid", FieldKind::Boolean).label(labels("Valid", "Valide", "Válido")).read_only())
        .field(point("verified", FieldKind::Boolean).label(labels("Verified", "Vérifié", "Verificado")).default(false))
}
