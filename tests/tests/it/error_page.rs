//! `docs/errors.md` is generated from the table of codes; `UPDATE_DOCS=1` writes it.

use std::{env, fmt::Write, fs};

use tenants::error::{Code, Issue};
use tests::workspace;

#[test]
fn errors_page_is_up_to_date() {
    let path = workspace::file("docs/errors.md");
    let page = page();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("docs/errors.md is written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "docs/errors.md is old; run `UPDATE_DOCS=1 cargo test -p tests --test it errors_page`");
}

/// The expected value in an error is translated, wherever the code names it.
#[test]
fn what_was_expected_is_said_in_every_language() {
    let mut untold = Vec::new();
    for source in workspace::files().into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        let text = fs::read_to_string(workspace::file(&source)).expect("a source file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for rest in code.split("Issue::WrongType(\"").skip(1) {
            let phrase = rest.split("\".into())").next().unwrap_or_default();
            let issue = Issue::WrongType(phrase.to_owned().into());
            if issue.message("es").contains(phrase) && phrase != "JSON" {
                untold.push(format!("{}: {phrase}", source.display()));
            }
        }
    }
    assert!(untold.is_empty(), "add them to tenants/src/error/expected.rs:\n{}", untold.join("\n"));
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for code in Code::ALL {
        let kind = code.kind();
        let retry = if kind.retryable() { "yes" } else { "no" };
        let (name, status, exit) = (code.name(), kind.status(), kind.exit_code());
        writeln!(page, "| `{name}` | {status} | {exit} | {retry} | {} |", code.message()).unwrap();
    }
    page.push_str(FIELDS);
    for issue in issues() {
        writeln!(page, "| `{}` | {} |", issue.code(), issue.message("en")).unwrap();
    }
    page
}

/// One issue of each kind, with an example.
fn issues() -> Vec<Issue> {
    vec![
        Issue::Required,
        Issue::WrongType("a whole number".into()),
        Issue::TooSmall("0".to_owned()),
        Issue::TooLarge("100".to_owned()),
        Issue::Pattern("[A-Z]{2}".to_owned()),
        Issue::NotAnOption("gold, silver".to_owned()),
        Issue::Taken(None),
        Issue::NoSuchRecord,
        Issue::UnknownField,
        Issue::ReadOnly,
        Issue::NoExchangeRate("EUR".to_owned()),
        Issue::Rule("A company has no birth date.".to_owned()),
    ]
}

const INTRODUCTION: &str = "\
# Errors

Every error has a code that programs can rely on and a message for people: what is wrong, where, and what to do. All endpoints over
HTTP return them as `{ \"errors\": [{ \"message\", \"extensions\": { \"code\", … } }] }`; GraphQL adds the `path` of the field that
failed. REST uses the status below; the command line prints the message and ends with the exit code below. A GraphQL document
that ran has the status 200, also if fields failed; one that was refused before it ran (not parsed, not valid, no credentials,
too large) has a status of its own.

The table is generated from `tenants/src/error/code.rs`.

| code | REST status | exit code | worth retrying | default message |
|---|---|---|---|---|
";

const FIELDS: &str = "
## Invalid values

`VALIDATION_FAILED` carries `extensions.fields: [{ field, code, message }]`, messages in the caller's language:

| code | message (example) |
|---|---|
";

#[test]
fn every_code_has_a_name_of_its_own() {
    let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Code::ALL.len());
}
