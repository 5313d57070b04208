//! Arrows point down only (ARCHITECTURE.md): a crate uses crates of lower floors, and only `api` knows the doors' libraries.

use serde_json::Value;
use tests::workspace;

/// The house, from the ground up. Crates of one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["entities", "migration"],
    &["tenants", "mail"],
    &["records"],
    &["jobs", "search", "plugins"],
    &["crm"],
    &["messaging", "analysis"],
    &["automations"],
    &["api"],
];

/// Libraries of the doors, by the beginning of their name.
const DOORS: &[&str] = &["actix", "async-graphql", "clap"];

#[test]
fn crates_use_lower_floors_only() {
    let metadata = workspace::metadata();
    let mut wrong = Vec::new();
    for (name, dependencies) in members(&metadata) {
        let floor = floor(name).unwrap_or_else(|| panic!("`{name}` stands on no floor; see ARCHITECTURE.md"));
        for used in dependencies {
            match self::floor(used) {
                Some(below) if below >= floor => {
                    wrong.push(format!("{name} (floor {floor}) uses {used} (floor {below})"))
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that do not point down:\n{}", wrong.join("\n"));
}

#[test]
fn only_api_knows_the_libraries_of_doors() {
    let metadata = workspace::metadata();
    let mut wrong = Vec::new();
    for (name, dependencies) in members(&metadata).filter(|(name, _)| *name != "api") {
        let doors = dependencies.iter().filter(|used| DOORS.iter().any(|door| used.starts_with(door)));
        wrong.extend(doors.map(|used| format!("{name} uses {used}")));
    }
    assert!(wrong.is_empty(), "libraries of doors outside `api`:\n{}", wrong.join("\n"));
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

/// The product's crates with their direct dependencies; those of tests and build scripts are no part of it.
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
