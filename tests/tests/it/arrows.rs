//! Dependencies point down only (ARCHITECTURE.md): a crate uses crates of lower layers, and only `api` knows the
//! endpoints' libraries.

use serde_json::Value;
use tests::workspace;

/// The layers, from the bottom up. Crates of one layer do not know each other.
const LAYERS: &[&[&str]] = &[
    &["features"],
    &["entities", "migration"],
    &["tenants", "mail"],
    &["records"],
    &["jobs", "files", "search", "plugins"],
    &["crm"],
    &["messaging", "analysis"],
    &["automations"],
    &["api"],
];

/// Libraries of the endpoints, by prefix of their name.
const ENDPOINTS: &[&str] = &["actix", "async-graphql", "clap"];

#[test]
fn crates_use_lower_layers_only() {
    let metadata = workspace::metadata();
    let mut wrong = Vec::new();
    for (name, dependencies) in members(&metadata) {
        let layer = layer(name).unwrap_or_else(|| panic!("`{name}` stands in no layer; see ARCHITECTURE.md"));
        for used in dependencies {
            match self::layer(used) {
                Some(below) if below >= layer => {
                    wrong.push(format!("{name} (layer {layer}) uses {used} (layer {below})"))
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that do not point down:\n{}", wrong.join("\n"));
}

#[test]
fn only_api_knows_the_libraries_of_endpoints() {
    let metadata = workspace::metadata();
    let mut wrong = Vec::new();
    for (name, dependencies) in members(&metadata).filter(|(name, _)| *name != "api") {
        let endpoints = dependencies.iter().filter(|used| ENDPOINTS.iter().any(|endpoint| used.starts_with(endpoint)));
        wrong.extend(endpoints.map(|used| format!("{name} uses {used}")));
    }
    assert!(wrong.is_empty(), "libraries of endpoints outside `api`:\n{}", wrong.join("\n"));
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

/// The product's crates with their direct dependencies, without those of tests and build scripts.
fn members(metadata: &Value) -> impl Iterator<Item = (&str, Vec<&str>)> {
    let members = metadata["workspace_members"].as_array().expect("members");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().filter(|package| members.contains(&package["id"])).filter_map(|package| {
        let name = package["name"].as_str().expect("name");
        let all = package["dependencies"].as_array().expect("dependencies");
        let used = all.iter().filter(|d| d["kind"].is_null()).filter_map(|d| d["name"].as_str()).collect();
        (name != "tests").then_some((name, used))
    })
}
