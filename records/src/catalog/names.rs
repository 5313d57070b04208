//! Which names objects and fields may have: none that the API derives from another name, and none that is reserved.

use std::collections::HashMap;

use tenants::{Code, Error, error::Result};

use super::{
    Catalog, FieldId, FieldState, Object, Origin,
    reserved::{is_reserved, is_reserved_for_fields},
};

/// Longest API name.
const LONGEST: usize = 40;

/// Refuses names that are not camelCase letters and digits.
pub(super) fn well_formed(name: &str) -> Result<()> {
    let mut letters = name.chars();
    let starts = letters.next().is_some_and(|first| first.is_ascii_lowercase());
    if starts && name.len() <= LONGEST && letters.all(|letter| letter.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Error::new(
        Code::BadRequest,
        format!(
            "`{}` cannot be a name: begin with a small letter, continue with letters and digits, at most {LONGEST} \
             (`loyaltyTier`).",
            name.chars().take(60).collect::<String>()
        ),
    ))
}

/// Refuses names of an object that are reserved, or that collide with a name that the API derives from another object.
pub(super) fn object_names(
    catalog: &Catalog,
    own: Option<&Object>,
    name: &str,
    plural: &str,
    origin: Origin,
) -> Result<()> {
    well_formed(name)?;
    well_formed(plural)?;
    if name.eq_ignore_ascii_case(plural) {
        return Err(Error::new(
            Code::NameTaken,
            format!("`{name}` is both singular and plural; the API needs two different names: try `{name}List`."),
        ));
    }
    let mut made: HashMap<String, &str> = HashMap::new();
    for other in catalog.objects.iter().filter(|other| own.is_none_or(|own| own.id != other.id)) {
        for generated in generated(&other.name, &other.plural) {
            made.insert(generated.to_ascii_lowercase(), &other.name);
        }
    }
    for generated in generated(name, plural) {
        if origin == Origin::Custom && is_reserved(&generated) {
            let itself = generated == name || generated == plural;
            return Err(if itself { reserved(&generated) } else { needs_reserved(name, &generated) });
        }
        if let Some(other) = made.get(&generated.to_ascii_lowercase()) {
            return Err(Error::new(
                Code::NameTaken,
                format!(
                    "`{name}`/`{plural}` cannot be taken: the API would need the name `{generated}`, which belongs to \
                     the object `{other}`. Choose another name."
                ),
            ));
        }
    }
    Ok(())
}

/// Refuses a field name that is reserved or taken on its object. Inactive fields do not occupy their name.
pub(super) fn field_name(object: &Object, own: Option<FieldId>, name: &str, origin: Origin) -> Result<()> {
    well_formed(name)?;
    if origin == Origin::Custom && is_reserved_for_fields(name) {
        return Err(reserved(name));
    }
    let mut others = object.fields.iter().filter(|field| field.state != FieldState::Inactive && Some(field.id) != own);
    let taken = others.any(|field| field.name.eq_ignore_ascii_case(name));
    if taken {
        return Err(Error::new(
            Code::NameTaken,
            format!("`{}` already has a field `{name}`; choose another name, or rename that one.", object.name),
        ));
    }
    Ok(())
}

/// A link from an object to itself needs two names.
pub(super) fn taken_by_itself(name: &str) -> Error {
    Error::new(Code::NameTaken, format!("The link and its inverse cannot both be `{name}`; choose another inverse."))
}

fn needs_reserved(name: &str, generated: &str) -> Error {
    Error::new(
        Code::NameReserved,
        format!(
            "`{name}` cannot be taken: the API would need `{generated}` for it, which is reserved. Choose another name."
        ),
    )
}

fn reserved(name: &str) -> Error {
    Error::new(
        Code::NameReserved,
        format!("`{name}` is reserved for the product; choose another name, such as `my{}`.", capital(name)),
    )
}

/// The names that the API derives from an object: types, queries, mutations and subscriptions together.
fn generated(name: &str, plural: &str) -> Vec<String> {
    let (one, many) = (capital(name), capital(plural));
    let mut names = vec![name.to_owned(), plural.to_owned(), format!("{plural}Aggregate"), format!("{name}Changed")];
    for verb in ["create", "update", "delete", "restore", "destroy", "merge", "import", "export", "archive", "upsert"] {
        names.push(format!("{verb}{one}"));
        names.push(format!("{verb}{many}"));
    }
    for suffix in [
        "",
        "Connection",
        "Edge",
        "Filter",
        "RelationFilter",
        "ListFilter",
        "OrderBy",
        "GroupBy",
        "GroupKey",
        "Group",
        "Aggregate",
        "Aggregates",
        "AggregateOrderBy",
        "Sum",
        "Avg",
        "Min",
        "Max",
        "CreateInput",
        "UpdateInput",
        "UniqueField",
        "Field",
        "Change",
        "History",
        "Input",
    ] {
        names.push(format!("{one}{suffix}"));
    }
    names
}

/// With its first letter in upper case.
pub(super) fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use entities::ids::ObjectId;

    use super::*;
    use crate::catalog::{Field, FieldKind};

    fn catalog() -> Catalog {
        let object = Object::new(ObjectId::new(), "vehicle", "vehicles", "o1", Origin::Custom);
        let field = Field::new(FieldId::new(), object.id, "licensePlate", "f1", FieldKind::Text);
        Catalog::new(1, vec![object.with_fields(vec![field])])
    }

    fn code(result: Result<()>) -> Option<Code> {
        result.err().map(|error| error.code())
    }

    #[test]
    fn names_are_camel_case() {
        for good in ["a", "loyaltyTier", "x9"] {
            assert!(well_formed(good).is_ok(), "{good}");
        }
        for bad in ["", "Tier", "9x", "a_b", "é", "a b", &"a".repeat(41)] {
            assert_eq!(code(well_formed(bad)), Some(Code::BadRequest), "{bad}");
        }
    }

    #[test]
    fn generated_names_collide_in_one_set() {
        let catalog = catalog();
        let check = |name: &str, plural: &str| code(object_names(&catalog, None, name, plural, Origin::Custom));
        assert_eq!(check("boat", "boats"), None);
        assert_eq!(check("vehicle", "cars"), Some(Code::NameTaken));
        assert_eq!(check("vehicleFilter", "vehicleFilters"), Some(Code::NameTaken));
        assert_eq!(check("boat", "createVehicle"), Some(Code::NameTaken));
        assert_eq!(check("boat", "vehiclesAggregate"), Some(Code::NameTaken));
        assert_eq!(check("sheep", "sheep"), Some(Code::NameTaken));
        assert_eq!(check("invoice", "bills"), Some(Code::NameReserved));
        assert_eq!(check("bill", "Orders"), Some(Code::BadRequest));
        assert_eq!(check("bill", "orders"), Some(Code::NameReserved));
        assert_eq!(check("pageinfo", "pageinfos"), Some(Code::NameReserved));
        assert_eq!(check("boolean", "booleans"), Some(Code::NameReserved));
        assert_eq!(check("dateTime", "moments"), Some(Code::NameReserved));
        let own = catalog.object("vehicle");
        assert_eq!(code(object_names(&catalog, own, "vehicle", "cars", Origin::Custom)), None);
    }

    #[test]
    fn fields_of_an_object_have_distinct_names() {
        let catalog = catalog();
        let vehicle = catalog.object("vehicle").unwrap();
        let check = |name: &str| code(field_name(vehicle, None, name, Origin::Custom));
        assert_eq!(check("colour"), None);
        assert_eq!(check("licenseplate"), Some(Code::NameTaken));
        assert_eq!(check("createdAt"), Some(Code::NameReserved));
        assert_eq!(check("or"), Some(Code::NameReserved));
    }
}
