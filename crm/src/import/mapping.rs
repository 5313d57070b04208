//! Which column of a file fills which field.

use std::collections::{HashMap, HashSet};

use entities::ids::FieldId;
use records::{
    catalog::{Cardinality, Catalog, Field, FieldKind, Object},
    fold::fold_v1,
};
use serde::{Deserialize, Serialize};
use tenants::error::{Code, Error, Result};

use super::synonyms;

/// The use of each column of the file, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(pub Vec<Column>);

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Its header; a second column of the same name gets a number.
    pub header: String,
    /// The field that it fills; `None` for an ignored column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldId>,
    /// For a link: the field of the other object that identifies its records. By default: id, external id, unique
    /// fields and name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<FieldId>,
}

/// A column and its field, by name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MappedColumn {
    /// As the file calls it.
    pub header: String,
    /// API name of the field it fills.
    pub field: String,
}

impl Mapping {
    /// The columns that fill fields, with the fields' current names.
    pub fn named(&self, catalog: &Catalog) -> Vec<MappedColumn> {
        let name = |column: &Column| {
            let field = column.field.and_then(|id| catalog.field(id))?;
            Some(MappedColumn { header: column.header.clone(), field: field.name.clone() })
        };
        self.0.iter().filter_map(name).collect()
    }

    /// Headers of ignored columns.
    pub fn ignored(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|column| column.field.is_none()).map(|column| column.header.as_str())
    }
}

/// Names for the columns: trimmed; unnamed ones by position, repeated ones with a number.
pub(super) fn headers<'a>(cells: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut name = |index: usize, cell: &str| {
        let plain = match cell.trim() {
            "" => format!("column{}", index + 1),
            text => text.to_owned(),
        };
        let mut unique = plain.clone();
        let mut count = 1;
        while !seen.insert(unique.clone()) {
            count += 1;
            unique = format!("{plain} ({count})");
        }
        unique
    };
    cells.enumerate().map(|(index, cell)| name(index, cell)).collect()
}

/// Whether a text is the name of a field of the object.
pub(super) fn names_a_field(object: &Object, text: &str) -> bool {
    !candidates(object, text).is_empty()
}

/// The mapping that the headers suggest. A field is filled by one column at most: the one whose name fits best, or the
/// first of several.
pub fn suggest(object: &Object, headers: &[String]) -> Mapping {
    let mut offers: Vec<(u8, usize, &Field)> = Vec::new();
    for (index, header) in headers.iter().enumerate() {
        offers.extend(candidates(object, header).into_iter().map(|(score, field)| (score, index, field)));
    }
    offers.extend(in_company(object, headers, &offers));
    offers.sort_by_key(|(score, index, _)| (std::cmp::Reverse(*score), *index));
    let mut columns: Vec<Column> =
        headers.iter().map(|header| Column { header: header.clone(), field: None, by: None }).collect();
    let mut filled = HashSet::new();
    for (_, index, field) in offers {
        if columns[index].field.is_none() && filled.insert(field.id) {
            columns[index].field = Some(field.id);
        }
    }
    Mapping(columns)
}

/// The mapping with the caller's choices: `Header=field`, `Header=link.field` to find linked records by that field,
/// `Header=` to ignore the column.
///
/// # Errors
/// `BAD_REQUEST` for an unknown header, or a field that cannot be imported.
pub fn with_choices(mut mapping: Mapping, catalog: &Catalog, object: &Object, choices: &[String]) -> Result<Mapping> {
    for choice in choices {
        let (header, path) = choice.rsplit_once('=').ok_or_else(|| {
            Error::new(Code::BadRequest, format!("`{choice}` is not a mapping; write it as `Header=field`."))
        })?;
        let index = column_of(&mapping, header)?;
        let target = if path.trim().is_empty() { None } else { Some(target(catalog, object, path.trim())?) };
        // a field that the caller chose is not filled by another column
        for column in &mut mapping.0 {
            if target.is_some_and(|(field, _)| column.field == Some(field)) {
                column.field = None;
                column.by = None;
            }
        }
        mapping.0[index].field = target.map(|(field, _)| field);
        mapping.0[index].by = target.and_then(|(_, by)| by);
    }
    Ok(mapping)
}

fn column_of(mapping: &Mapping, header: &str) -> Result<usize> {
    let header = header.trim();
    let exact = mapping.0.iter().position(|column| column.header == header);
    let alike = || mapping.0.iter().position(|column| letters(&column.header) == letters(header));
    exact.or_else(alike).ok_or_else(|| {
        let known: Vec<&str> = mapping.0.iter().map(|column| column.header.as_str()).collect();
        Error::new(
            Code::BadRequest,
            format!("The file has no column `{header}`; its columns are: {}.", known.join(", ")),
        )
    })
}

fn target(catalog: &Catalog, object: &Object, path: &str) -> Result<(FieldId, Option<FieldId>)> {
    let (name, by) = path.split_once('.').map_or((path, None), |(name, by)| (name, Some(by)));
    let field = object.field(name).filter(|field| importable(field)).ok_or_else(|| {
        let known: Vec<&str> =
            object.fields.iter().filter(|field| importable(field)).map(|field| field.name.as_str()).collect();
        Error::new(
            Code::BadRequest,
            format!(
                "`{name}` is not a field of {} that can be imported; these are: {}.",
                object.name,
                known.join(", ")
            ),
        )
    })?;
    let Some(by) = by else { return Ok((field.id, None)) };
    let other = field.relation().and_then(|relation| catalog.object_by_id(relation.to));
    let by = other.and_then(|other| other.field(by)).ok_or_else(|| {
        Error::new(Code::BadRequest, format!("`{path}` is not a field of a linked object; write `link.field`."))
    })?;
    Ok((field.id, Some(by.id)))
}

/// Whether a file can fill the field: not those that the engine sets, and not those that show links from other records.
pub(super) fn importable(field: &Field) -> bool {
    field.writable
        && field.usable()
        && match &field.kind {
            FieldKind::Id | FieldKind::Actor | FieldKind::AutoNumber { .. } | FieldKind::Rollup(_) => false,
            FieldKind::Relation(relation) => relation.cardinality != Cardinality::OneToMany,
            _ => true,
        }
}

/// The fields that a header may mean, and how well it fits.
fn candidates<'a>(object: &'a Object, header: &str) -> Vec<(u8, &'a Field)> {
    let header = letters(header);
    if header.is_empty() {
        return Vec::new();
    }
    object
        .fields
        .iter()
        .filter(|field| importable(field))
        .filter_map(|field| fit(object, field, &header).map(|score| (score, field)))
        .collect()
}

fn fit(object: &Object, field: &Field, header: &str) -> Option<u8> {
    if letters(&field.name) == header {
        return Some(100);
    }
    if field.label.values().any(|label| letters(label) == header) {
        return Some(90);
    }
    if let Some(place) = synonyms::of(&object.name, &field.name).iter().position(|word| *word == header) {
        return Some(80 - place.min(30) as u8);
    }
    let name = letters(&field.name);
    let said_otherwise = match &field.kind {
        FieldKind::Relation(_) => ["id", "externalid", "name", "email", "code", "ref"]
            .iter()
            .any(|end| header.strip_prefix(name.as_str()) == Some(end)),
        _ => field.name == "externalId" && is_id_of(object, header),
    };
    said_otherwise.then_some(45)
}

/// `vehicleId`, `id véhicule`, `code vehicle`, and plain `id`.
fn is_id_of(object: &Object, header: &str) -> bool {
    let names = object.label.values().map(|label| letters(label)).chain([letters(&object.name), String::new()]);
    names.into_iter().any(|name| {
        ["id", "code", "ref"].iter().any(|word| header == format!("{name}{word}") || header == format!("{word}{name}"))
    })
}

/// Suggestions for words whose meaning depends on the other columns.
fn in_company<'a>(
    object: &'a Object,
    headers: &[String],
    offers: &[(u8, usize, &'a Field)],
) -> Vec<(u8, usize, &'a Field)> {
    let by_name: HashMap<&str, usize> = offers.iter().map(|(_, index, field)| (field.name.as_str(), *index)).collect();
    let mut more = Vec::new();
    for (of, word, meant, companion) in synonyms::BESIDE.iter().filter(|(of, ..)| *of == object.name) {
        debug_assert_eq!(*of, object.name);
        let field = object.field(meant).filter(|field| importable(field));
        let alone = by_name.contains_key(companion) && !by_name.contains_key(meant);
        if let (Some(field), true) = (field, alone) {
            let named = headers.iter().enumerate().filter(|(_, header)| letters(header) == *word);
            more.extend(named.map(|(index, _)| (101, index, field)));
        }
    }
    more
}

/// A name without case, accents, spaces and punctuation: `E-mail address` and `emailAddress` are the same.
fn letters(text: &str) -> String {
    fold_v1(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use entities::ids::ObjectId;
    use records::catalog::Origin;

    use super::*;

    fn customer() -> (Catalog, ObjectId) {
        let id = ObjectId::new();
        let text = |name: &str| Field::new(FieldId::new(), id, name, name, FieldKind::Text);
        let mut tier = text("loyaltyTier");
        tier.label.insert("fr".to_owned(), "Fid\u{e9}lit\u{e9}".to_owned());
        let mut fields: Vec<Field> = [
            "externalId",
            "name",
            "firstName",
            "lastName",
            "companyName",
            "contactName",
            "jobTitle",
            "addressLine",
            "city",
            "region",
            "postalCode",
            "country",
            "email",
            "phone",
        ]
        .into_iter()
        .map(text)
        .collect();
        let number = FieldKind::AutoNumber { prefix: "C-".to_owned(), width: 6 };
        fields.extend([tier, Field::new(FieldId::new(), id, "number", "f1", number)]);
        let object = Object::new(id, "customer", "customers", "o1", Origin::Standard).with_fields(fields);
        (Catalog::new(1, vec![object]), id)
    }

    fn suggested(line: &str) -> Vec<String> {
        let (catalog, id) = customer();
        let object = catalog.object_by_id(id).unwrap();
        shown(&catalog, &suggest(object, &headers(line.split(','))))
    }

    fn shown(catalog: &Catalog, mapping: &Mapping) -> Vec<String> {
        let name = |column: &Column| column.field.and_then(|id| catalog.field(id)).map_or("-", |field| &field.name);
        mapping.0.iter().map(|column| name(column).to_owned()).collect()
    }

    #[test]
    fn northwind_and_chinook() {
        assert_eq!(
            suggested(
                "customerID,companyName,contactName,contactTitle,address,city,region,postalCode,country,phone,fax"
            ),
            [
                "externalId",
                "companyName",
                "contactName",
                "jobTitle",
                "addressLine",
                "city",
                "region",
                "postalCode",
                "country",
                "phone",
                "-"
            ]
        );
        assert_eq!(
            suggested(
                "CustomerId,FirstName,LastName,Company,Address,City,State,Country,PostalCode,Phone,Fax,Email,SupportRepId"
            ),
            [
                "externalId",
                "firstName",
                "lastName",
                "companyName",
                "addressLine",
                "city",
                "region",
                "country",
                "postalCode",
                "phone",
                "-",
                "email",
                "-"
            ]
        );
    }

    #[test]
    fn french_and_spanish() {
        assert_eq!(
            suggested(
                "Pr\u{e9}nom,Nom,Soci\u{e9}t\u{e9},Adresse e-mail,T\u{e9}l.,Code postal,Ville,FID\u{c9}LIT\u{c9}"
            ),
            ["firstName", "lastName", "companyName", "email", "phone", "postalCode", "city", "loyaltyTier"]
        );
        assert_eq!(
            suggested("Nombre,Apellidos,Empresa,Correo electr\u{f3}nico,Tel\u{e9}fono,Pa\u{ed}s"),
            ["firstName", "lastName", "companyName", "email", "phone", "country"]
        );
        assert_eq!(suggested("Nom,Mail"), ["name", "email"]);
        assert_eq!(suggested("First name,Name"), ["firstName", "lastName"]);
        assert_eq!(suggested("First name,Last name,Name"), ["firstName", "lastName", "name"]);
    }

    #[test]
    fn one_column_for_a_field_the_best_one() {
        assert_eq!(suggested("Mobile,Phone"), ["-", "phone"]);
        assert_eq!(suggested("id,External ID,,Number"), ["-", "externalId", "-", "-"]);
        assert_eq!(suggested("id,"), ["externalId", "-"]);
        assert_eq!(headers(["a", "", "a", "a"].into_iter()), ["a", "column2", "a (2)", "a (3)"]);
    }

    #[test]
    fn the_caller_may_choose() {
        let (catalog, id) = customer();
        let object = catalog.object_by_id(id).unwrap();
        let base = suggest(object, &headers("Mobile,Phone,Fax".split(',')));
        let choose = |choices: &[&str]| {
            let choices: Vec<String> = choices.iter().map(|choice| (*choice).to_owned()).collect();
            with_choices(base.clone(), &catalog, object, &choices)
        };
        assert_eq!(shown(&catalog, &choose(&["Mobile=phone"]).unwrap()), ["phone", "-", "-"]);
        assert_eq!(shown(&catalog, &choose(&["phone=", "Fax=city"]).unwrap()), ["-", "-", "city"]);
        for (choice, words) in [
            ("Mobile", "Header=field"),
            ("Nope=phone", "its columns are: Mobile, Phone, Fax"),
            ("Mobile=nope", "can be imported"),
            ("Mobile=number", "can be imported"),
            ("Mobile=phone.x", "link.field"),
        ] {
            let error = choose(&[choice]).unwrap_err();
            assert_eq!(error.code(), Code::BadRequest);
            assert!(error.message().contains(words), "{}", error.message());
        }
    }
}
