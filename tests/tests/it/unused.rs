//! Nothing is compiled that nobody names: each dependency of a crate stands somewhere in its sources.

use std::{collections::BTreeSet, fs};

use regex::Regex;
use tests::workspace;

#[test]
fn every_dependency_is_named_by_the_sources() {
    let metadata = workspace::metadata();
    let members = metadata["workspace_members"].as_array().expect("members");
    let mut unused = Vec::new();
    for package in metadata["packages"].as_array().expect("packages").iter().filter(|p| members.contains(&p["id"])) {
        let name = package["name"].as_str().expect("a name");
        let reasons = &package["metadata"]["unnamed"];
        if reasons["any"].is_string() {
            continue;
        }
        let (product, all) = (words(name, &["src", "build.rs"]), words(name, &[""]));
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let used = dependency["rename"].as_str().or(dependency["name"].as_str()).expect("a name");
            let named = if dependency["kind"] == "dev" { &all } else { &product };
            match (named.contains(&used.replace('-', "_")), reasons[used].is_string()) {
                (false, false) => unused.push(format!("{name} does not name {used}")),
                (true, true) => unused.push(format!("{name} names {used}, and need not say why it does not")),
                _ => {}
            }
        }
    }
    let told = "take them out of Cargo.toml, or say in [package.metadata.unnamed] why they are there";
    assert!(unused.is_empty(), "{told}:\n{}", unused.join("\n"));
}

/// The words of the Rust sources in some parts of a crate, comments left out.
fn words(name: &str, parts: &[&str]) -> BTreeSet<String> {
    let word = Regex::new(r"[A-Za-z_][A-Za-z0-9_]*").expect("a pattern");
    let mut words = BTreeSet::new();
    for path in workspace::files().iter().filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        if !parts.iter().any(|part| path.starts_with(format!("{name}/{part}"))) {
            continue;
        }
        let text = fs::read_to_string(workspace::file(path)).expect("sources are UTF-8");
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            words.extend(word.find_iter(line).map(|found| found.as_str().to_owned()));
        }
    }
    words
}
