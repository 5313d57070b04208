//! Invented customers for tests and benchmarks: the same seed gives the same customers on every machine and day.
//! Addresses end in `.example` and phone numbers are reserved for fiction, so that no real person is reached.

use fake::{
    Fake,
    faker::{
        address::raw::StreetName,
        company::raw::CompanyName,
        job::raw::Title,
        name::raw::{FirstName, LastName},
    },
    locales::{DE_DE, EN, FR_FR, PT_BR},
    rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom},
};
use records::{
    catalog::Object,
    engine::Draft,
    fold::fold_v1,
    values::{Value, email, phone},
};

/// City, postal code, country, language and time zone that belong together; a city that is listed more often is used
/// more often.
const PLACES: &[(&str, &str, &str, &str, &str)] = &[
    ("Alger", "16000", "Algérie", "fr", "Africa/Algiers"),
    ("Oran", "31000", "Algérie", "fr", "Africa/Algiers"),
    ("Constantine", "25000", "Algérie", "fr", "Africa/Algiers"),
    ("Annaba", "23000", "Algérie", "fr", "Africa/Algiers"),
    ("Casablanca", "20000", "Maroc", "fr", "Africa/Casablanca"),
    ("Tunis", "1000", "Tunisie", "fr", "Africa/Tunis"),
    ("Paris", "75011", "France", "fr", "Europe/Paris"),
    ("Lyon", "69003", "France", "fr", "Europe/Paris"),
    ("Marseille", "13001", "France", "fr", "Europe/Paris"),
    ("Montréal", "H2G 1A7", "Canada", "fr", "America/Toronto"),
    ("Madrid", "28015", "España", "es", "Europe/Madrid"),
    ("Ciudad de México", "06000", "México", "es", "America/Mexico_City"),
    ("London", "N1 5LH", "United Kingdom", "en", "Europe/London"),
    ("Boston", "02113", "USA", "en", "America/New_York"),
    ("Berlin", "10789", "Germany", "en", "Europe/Berlin"),
    ("São Paulo", "01310-200", "Brazil", "en", "America/Sao_Paulo"),
];
/// Prefixes of the numbers that France reserves for fiction, in two parts.
const FICTION: &[&str] = &["+33199", "+33261", "+33353", "+33465", "+33536"];
const FICTION_NEXT: &[&str] = &["00", "91", "01", "71", "49"];
const TAGS: &[&str] = &["vip", "newsletter", "prospect", "partner", "wholesale", "event-2026"];
const SOURCES: &[&str] = &["website", "referral", "trade fair", "phone", "import", "campaign"];

/// The customer with this number under a seed.
pub(super) fn sample(object: &Object, seed: u64, number: u64) -> Draft {
    // one generator per customer, so that a run can continue anywhere; the odd constant separates neighbouring numbers
    let mut rng = StdRng::seed_from_u64(seed ^ number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut draft = Draft::default();
    let mut set = |name: &str, value: Value| {
        if let Some(field) = object.standard(name) {
            draft.set(field.id, value);
        }
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let (first, last) = name(&mut rng);
    set("externalId", Value::Text(format!("test-{seed}-{number}")));
    let company = rng.random_bool(0.15);
    if company {
        set("companyName", Value::Text(CompanyName(EN).fake_with_rng(&mut rng)));
        set("contactName", Value::Text(format!("{first} {last}")));
        set("jobTitle", Value::Text(Title(EN).fake_with_rng(&mut rng)));
    } else {
        set("firstName", text(first));
        set("lastName", text(last));
    }
    if rng.random_bool(0.9) {
        let address = format!("{}.{}.{number}@test.example", letters(first), letters(last));
        if let Ok(contact) = email::parse(&address) {
            set("email", Value::Contact(contact));
        }
    }
    if rng.random_bool(0.8) {
        set("phone", Value::Contact(phone::parse(&fiction(&mut rng), "FR")));
    }
    if let Some((city, code, country, language, zone)) = PLACES.choose(&mut rng) {
        let street: String = StreetName(EN).fake_with_rng(&mut rng);
        set("addressLine", Value::Text(format!("{} {street}", rng.random_range(1..200))));
        set("city", text(city));
        set("postalCode", text(code));
        set("country", text(country));
        set("language", text(language));
        set("timeZone", text(zone));
    }
    if !company && rng.random_bool(0.7) {
        // days since 1970: born 1945 to 2007
        set("birthDate", Value::Int(rng.random_range(-9_131..13_500)));
    }
    let tags: Vec<String> = TAGS.iter().filter(|_| rng.random_bool(0.2)).map(|tag| (*tag).to_owned()).collect();
    if !tags.is_empty() {
        set("tags", Value::List(tags));
    }
    if let Some(source) = SOURCES.choose(&mut rng) {
        set("source", text(source));
    }
    set("status", text(if rng.random_bool(0.9) { "active" } else { "inactive" }));
    draft
}

fn name(rng: &mut StdRng) -> (&'static str, &'static str) {
    match rng.random_range(0..10) {
        0..5 => (FirstName(FR_FR).fake_with_rng(rng), LastName(FR_FR).fake_with_rng(rng)),
        5..8 => (FirstName(EN).fake_with_rng(rng), LastName(EN).fake_with_rng(rng)),
        8 => (FirstName(DE_DE).fake_with_rng(rng), LastName(DE_DE).fake_with_rng(rng)),
        _ => (FirstName(PT_BR).fake_with_rng(rng), LastName(PT_BR).fake_with_rng(rng)),
    }
}

fn letters(name: &str) -> String {
    fold_v1(name).chars().filter(char::is_ascii_alphanumeric).collect()
}

fn fiction(rng: &mut StdRng) -> String {
    let range = rng.random_range(0..FICTION.len());
    format!("{}{}{:04}", FICTION[range], FICTION_NEXT[range], rng.random_range(0..10_000))
}

#[cfg(test)]
mod tests {
    use entities::ids::{FieldId, ObjectId};
    use records::catalog::{Field, FieldKind, Origin};

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_customers() {
        let id = ObjectId::new();
        let names = ["externalId", "firstName", "lastName", "companyName", "email", "phone", "city", "tags", "status"];
        let fields = names.map(|name| Field {
            origin: Origin::Standard,
            ..Field::new(FieldId::new(), id, name, name, FieldKind::Text)
        });
        let object = Object::new(id, "customer", "customers", "o1", Origin::Standard).with_fields(fields.into());
        let values = |seed, number| sample(&object, seed, number).values;
        assert_eq!(values(1, 7), values(1, 7));
        assert_ne!(values(1, 7), values(2, 7));
        assert_ne!(values(1, 7), values(1, 8));
        let phone = object.field("phone").unwrap().id;
        let email = object.field("email").unwrap().id;
        for number in 0..500 {
            let draft = sample(&object, 1, number);
            for field in [phone, email] {
                assert!(matches!(draft.get(field), None | Some(Value::Contact(_))));
                if let Some(Value::Contact(contact)) = draft.get(field) {
                    assert!(contact.valid, "{contact:?}");
                }
            }
        }
    }
}
