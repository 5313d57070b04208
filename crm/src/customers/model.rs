//! The object `customer`, as every organisation has it.

use records::catalog::{
    FieldKind, Labels, Personal, RollupFunction,
    spec::{FieldSpec, ObjectSpec, RelationSpec, RollupSpec, labels},
};

use crate::choices::choice;

/// The declaration of `customer`. Rules derive its `name` if none is given.
pub(super) fn object() -> ObjectSpec {
    let object = ObjectSpec::new("customer", "customers")
        .labelled(labels("Customer", "Client", "Cliente"), labels("Customers", "Clients", "Clientes"))
        .owned()
        .section("identity", labels("Identity", "Identité", "Identidad"))
        .section("contact", labels("Contact", "Coordonnées", "Contacto"))
        .section("address", labels("Address", "Adresse", "Dirección"))
        .section("preferences", labels("Preferences", "Préférences", "Preferencias"))
        .section("activity", labels("Activity", "Activité", "Actividad"));
    identity()
        .into_iter()
        .chain(contact())
        .chain(address())
        .chain(preferences())
        .chain(activity())
        .fold(object, |object, field| object.field(field))
}

fn identity() -> Vec<FieldSpec> {
    let kinds = vec![
        choice("person", labels("Person", "Personne", "Persona")),
        choice("company", labels("Company", "Entreprise", "Empresa")),
    ];
    let states = vec![
        choice("active", labels("Active", "Actif", "Activo")),
        choice("inactive", labels("Inactive", "Inactif", "Inactivo")),
    ];
    let number = FieldKind::AutoNumber { prefix: "C-".to_owned(), width: 6 };
    let organisation = RelationSpec::to_one("customer").inverse("people", labels("People", "Personnes", "Personas"));
    let fields = vec![
        personal("name", FieldKind::Text, labels("Name", "Nom complet", "Nombre completo")).searchable().indexed(),
        FieldSpec::new("number", number).label(labels("Number", "Numéro", "Número")).searchable(),
        FieldSpec::new("kind", FieldKind::Select { options: kinds }).label(labels("Kind", "Nature", "Clase")),
        personal("firstName", FieldKind::Text, labels("First name", "Prénom", "Nombre de pila")).searchable(),
        personal("lastName", FieldKind::Text, labels("Last name", "Nom de famille", "Apellidos")).searchable(),
        FieldSpec::new("companyName", FieldKind::Text)
            .label(labels("Company name", "Raison sociale", "Razón social"))
            .searchable(),
        personal("contactName", FieldKind::Text, labels("Contact name", "Nom du contact", "Persona de contacto"))
            .searchable(),
        personal("jobTitle", FieldKind::Text, labels("Job title", "Fonction", "Cargo")),
        FieldSpec::new("organisation", organisation)
            .label(labels("Organisation", "Organisation", "Organización"))
            .help(labels(
                "The company that this person works for.",
                "L'entreprise à laquelle cette personne appartient.",
                "La empresa a la que pertenece esta persona.",
            )),
        FieldSpec::new("status", FieldKind::Select { options: states })
            .label(labels("Status", "Statut", "Estado"))
            .default("active"),
        FieldSpec::new("source", FieldKind::Text).label(labels("Source", "Source", "Origen")),
        FieldSpec::new("externalId", FieldKind::Text)
            .label(labels("External ID", "Identifiant externe", "Identificador externo"))
            .searchable(),
    ];
    fields.into_iter().map(|field| field.section("identity")).collect()
}

fn contact() -> Vec<FieldSpec> {
    let fields = vec![
        personal("email", FieldKind::Email, labels("Email", "E-mail", "Correo electrónico")).searchable().indexed(),
        personal("phone", FieldKind::Phone, labels("Phone", "Téléphone", "Teléfono")).searchable().indexed(),
        personal("username", FieldKind::Text, labels("Username", "Nom d'utilisateur", "Nombre de usuario"))
            .searchable(),
    ];
    fields.into_iter().map(|field| field.section("contact")).collect()
}

fn address() -> Vec<FieldSpec> {
    let fields = vec![
        personal("addressLine", FieldKind::Text, labels("Address line", "Adresse", "Dirección")).searchable(),
        personal("city", FieldKind::Text, labels("City", "Ville", "Ciudad")).searchable(),
        personal("region", FieldKind::Text, labels("Region", "Région", "Región")),
        personal("postalCode", FieldKind::Text, labels("Postal code", "Code postal", "Código postal")),
        personal("country", FieldKind::Text, labels("Country", "Pays", "País")),
    ];
    fields.into_iter().map(|field| field.section("address")).collect()
}

fn preferences() -> Vec<FieldSpec> {
    let fields = vec![
        personal("language", FieldKind::Text, labels("Language", "Langue", "Idioma")),
        personal("timeZone", FieldKind::Text, labels("Time zone", "Fuseau horaire", "Zona horaria")),
        personal("birthDate", FieldKind::Date, labels("Birth date", "Date de naissance", "Fecha de nacimiento")),
        FieldSpec::new("tags", FieldKind::Tags).label(labels("Tags", "Étiquettes", "Etiquetas")).indexed(),
    ];
    fields.into_iter().map(|field| field.section("preferences")).collect()
}

fn activity() -> Vec<FieldSpec> {
    let last = RollupSpec::over("interactions", RollupFunction::Max).of("occurredAt");
    let fields = vec![
        FieldSpec::new("interactionsCount", RollupSpec::over("interactions", RollupFunction::Count)).label(labels(
            "Interactions",
            "Nombre d'interactions",
            "Número de interacciones",
        )),
        FieldSpec::new("lastInteractionAt", last).label(labels(
            "Last interaction",
            "Dernière interaction",
            "Última interacción",
        )),
    ];
    fields.into_iter().map(|field| field.section("activity")).collect()
}

fn personal(name: &str, kind: FieldKind, label: Labels) -> FieldSpec {
    FieldSpec::new(name, kind).label(label).personal(Personal::Ordinary)
}
