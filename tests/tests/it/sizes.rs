//! Limits of file sizes: a file has about 150 lines; 400 is long, 600 is the maximum. Names say what things are for.

use std::{fs, path::Path};

use tests::workspace;

const MOST_LINES: usize = 600;
const SOURCES: &[&str] = &["rs", "ts", "tsx", "js", "mjs", "py", "sh", "css"];
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["common", "core", "helper", "helpers", "misc", "shared", "types", "util", "utils"];

#[test]
fn no_source_file_is_longer_than_600_lines() {
    let mut long = Vec::new();
    for path in workspace::files().iter().filter(|path| is_source(path)) {
        let text = fs::read_to_string(workspace::file(path)).expect("sources are UTF-8");
        let lines = text.lines().count();
        if lines > MOST_LINES {
            long.push(format!("{}: {lines}", path.display()));
        }
    }
    assert!(long.is_empty(), "files over {MOST_LINES} lines; split them by what they do:\n{}", long.join("\n"));
}

#[test]
fn every_rust_module_says_why_it_exists() {
    let mut silent = Vec::new();
    for path in workspace::files().iter().filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        let text = fs::read_to_string(workspace::file(path)).expect("sources are UTF-8");
        if text.lines().count() > 1 && !text.starts_with("//!") {
            silent.push(path.display().to_string());
        }
    }
    assert!(silent.is_empty(), "modules without a `//!` at the top:\n{}", silent.join("\n"));
}

#[test]
fn no_crate_or_module_has_an_empty_name() {
    let empty = |path: &&std::path::PathBuf| {
        let folders = path.parent().into_iter().flat_map(Path::components).map(|part| part.as_os_str());
        let names = folders.chain(path.file_stem()).filter_map(|name| name.to_str());
        names.into_iter().any(|name| EMPTY_NAMES.contains(&name))
    };
    let files = workspace::files();
    let wrong: Vec<_> = files.iter().filter(|path| is_source(path)).filter(empty).collect();
    assert!(wrong.is_empty(), "names that say nothing: {wrong:?}");
}

fn is_source(path: &Path) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|extension| SOURCES.contains(&extension))
}
