//! Customers by the hundred thousand, the same in every run.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use serde_json::json;
use tests::{Tenant, TestApp};

const FIRST: [&str; 8] = ["Amine", "Béatrice", "Chloé", "Đan", "Élan", "Fatima", "Gaël", "Hélène"];
const LAST: [&str; 8] = ["Ait", "Benali", "Cherif", "Dupont", "Étienne", "Ferhat", "Garcia", "Haddad"];
const CITIES: [&str; 10] =
    ["Alger", "Béjaïa", "Constantine", "Djelfa", "El Oued", "Oran", "Paris", "Sétif", "Tlemcen", "Zaragoza"];
/// Values of the custom field, equally frequent.
pub const TIERS: usize = 50;

/// A custom field with an index, for filters.
pub async fn tier(tenant: &Tenant) {
    let query = "mutation ($input: CreateFieldInput!) { createField(input: $input) { state } }";
    let input = json!({ "object": "customer", "name": "tier", "label": { "en": "Tier" }, "type": "TEXT" });
    tenant.data(query, json!({ "input": input })).await;
}

/// A CSV file of customers.
pub fn file(folder: &Path, count: usize) -> PathBuf {
    let path = folder.join(format!("people-{count}.csv"));
    let mut out = BufWriter::new(File::create(&path).expect("a file"));
    writeln!(out, "externalId,firstName,lastName,email,phone,city,postalCode,tags,tier").expect("disk");
    for n in 0..count {
        let (first, last, city) = (FIRST[n % 8], LAST[n / 8 % 8], CITIES[n / 64 % 10]);
        let (phone, postal, tier) = (n % 1_000_000, n % 90_000 + 10_000, n * 7 % TIERS);
        let tag = if n % 3 == 0 { "vip" } else { "lead" };
        writeln!(out, "x{n},{first},{last},p{n}@example.com,+213550{phone:06},{city},{postal},{tag},tier {tier}")
            .expect("disk");
    }
    out.flush().expect("disk");
    path
}

/// Imports that many customers.
pub fn import(app: &TestApp, count: usize) {
    let file = file(&app.scratch(""), count);
    let file = file.display().to_string();
    let report = app.cli(&["import", "--tenant", "acme", "--object", "customer", "--file", &file]).json();
    assert_eq!(report["created"], count, "{report}");
}
