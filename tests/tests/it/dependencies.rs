//! Dependencies comply with `deny.toml`: licences, banned crates, sources.

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use tests::workspace;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn licences_are_among_the_allowed() {
    let policy = policy();
    let allowed: BTreeSet<&str> = strings(&policy["licenses"]["allow"]).collect();
    let mut wrong = Vec::new();
    for package in packages(&workspace::metadata()) {
        let licence = package["license"].as_str().unwrap_or("(none declared)");
        if !accepts(&allowed, licence) {
            wrong.push(format!("{} {}: {licence}", package["name"], package["version"]));
        }
    }
    assert!(wrong.is_empty(), "licences that deny.toml does not allow:\n{}", wrong.join("\n"));
}

#[test]
fn no_banned_crate_is_used() {
    let policy = policy();
    let banned: Vec<&str> =
        policy["bans"]["deny"].as_array().into_iter().flatten().filter_map(|ban| ban["name"].as_str()).collect();
    assert!(!banned.is_empty(), "deny.toml bans nothing");
    let metadata = workspace::metadata();
    let used: Vec<_> = packages(&metadata).filter(|p| banned.iter().any(|name| p["name"] == *name)).collect();
    assert!(used.is_empty(), "banned crates: {:?}", used.iter().map(|p| &p["name"]).collect::<Vec<_>>());
}

#[test]
fn crates_come_from_crates_io_or_from_here() {
    let metadata = workspace::metadata();
    let strange: Vec<_> = packages(&metadata).filter(|p| !p["source"].is_null() && p["source"] != CRATES_IO).collect();
    assert!(strange.is_empty(), "crates from elsewhere: {:?}", strange.iter().map(|p| &p["id"]).collect::<Vec<_>>());
}

#[test]
fn npm_lock_files_name_no_registry() {
    for path in workspace::files().iter().filter(|path| path.ends_with("package-lock.json")) {
        let text = fs::read_to_string(workspace::file(path)).expect("a lock file");
        assert!(!text.contains("\"resolved\""), "{}: fix with `omit-lockfile-registry-resolved`", path.display());
    }
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = BTreeSet::from(["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]);
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "MIT AND ISC",
        "(GPL-3.0 OR MIT) AND ISC",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(accepts(&allowed, good), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "Apache-2.0", "MIT OR", ""] {
        assert!(!accepts(&allowed, bad), "{bad}");
    }
}

fn policy() -> toml::Table {
    let text = fs::read_to_string(workspace::file("deny.toml")).expect("deny.toml");
    text.parse().expect("deny.toml is TOML")
}

fn strings(list: &toml::Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(toml::Value::as_str)
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

/// Whether an SPDX expression can be met with the allowed licences alone. `/` is an old way to write OR.
fn accepts(allowed: &BTreeSet<&str>, expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ").replace(" WITH ", "+WITH+");
    let words: Vec<String> = spaced.split_whitespace().map(|word| word.replace("+WITH+", " WITH ")).collect();
    let mut rest = words.iter().map(String::as_str).peekable();
    let met = any_of(allowed, &mut rest);
    met == Some(true) && rest.next().is_none()
}

type Words<'a, I> = std::iter::Peekable<I>;

fn any_of<'a, I: Iterator<Item = &'a str>>(allowed: &BTreeSet<&str>, words: &mut Words<'a, I>) -> Option<bool> {
    let mut met = all_of(allowed, words)?;
    while words.next_if_eq(&"OR").is_some() {
        met |= all_of(allowed, words)?;
    }
    Some(met)
}

fn all_of<'a, I: Iterator<Item = &'a str>>(allowed: &BTreeSet<&str>, words: &mut Words<'a, I>) -> Option<bool> {
    let mut met = one(allowed, words)?;
    while words.next_if_eq(&"AND").is_some() {
        met &= one(allowed, words)?;
    }
    Some(met)
}

fn one<'a, I: Iterator<Item = &'a str>>(allowed: &BTreeSet<&str>, words: &mut Words<'a, I>) -> Option<bool> {
    match words.next()? {
        "(" => {
            let met = any_of(allowed, words)?;
            words.next_if_eq(&")").map(|_| met)
        }
        "AND" | "OR" | ")" => None,
        licence => Some(allowed.contains(licence)),
    }
}
