//! Limits of a document, checked before anything else. The text is scanned before it is parsed, and the parsed document
//! is measured once, in linear time, before the library validates it. The library expands fragments wherever they are
//! used, so a kilobyte of them could otherwise keep it busy for minutes.

mod measure;
mod scan;

use async_graphql_parser::{parse_query, types::ExecutableDocument};

use super::errors::Refusal;

/// Longest document, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// Most tokens in a document.
pub const MAX_TOKENS: usize = 12_000;
/// Deepest nesting of any brackets.
pub const MAX_NESTING: usize = 60;
/// Deepest nesting of fields.
pub const MAX_DEPTH: u32 = 15;
/// Most aliases.
pub const MAX_ALIASES: u32 = 200;
/// Most directives.
pub const MAX_DIRECTIVES: u32 = 100;
/// Most fragments.
pub const MAX_FRAGMENTS: usize = 50;
/// Most operations.
pub const MAX_OPERATIONS: usize = 20;
/// Most fields at the root of an operation.
pub const MAX_ROOT_FIELDS: u64 = 20;
/// Most fields of an operation with its fragments expanded.
pub const MAX_FIELDS: u64 = 5_000;
/// How often introspection may go from a type to its members.
pub const MAX_INTROSPECTION: u32 = 3;

/// Parses a document within the limits.
///
/// # Errors
/// `TOO_COMPLEX` naming the limit; `GRAPHQL_PARSE_FAILED` with the position.
pub fn admit(text: &str) -> Result<ExecutableDocument, Refusal> {
    scan::check(text)?;
    let document = parse_query(text).map_err(|error| Refusal::parse(&error))?;
    measure::check(&document)?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn refused(text: &str) -> String {
        let start = Instant::now();
        let refusal = admit(text).expect_err("must be refused");
        // a debug build is ten times slower than a release; this only detects exponential work
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        refusal.errors[0].message.clone()
    }

    #[test]
    fn doubling_fragments_are_refused() {
        let mut text = "{ ...f0 }".to_owned();
        for i in 0..30 {
            text.push_str(&format!(" fragment f{i} on Query {{ ...f{} ...f{} }}", i + 1, i + 1));
        }
        text.push_str(" fragment f30 on Query { __typename }");
        assert!(refused(&text).contains("5000"), "{}", refused(&text));
    }

    #[test]
    fn aliases_braces_and_directives_are_counted() {
        let aliases: String = (0..10_000).map(|i| format!("a{i}: __typename ")).collect();
        assert!(refused(&format!("{{ {aliases} }}")).contains("12000"));
        let aliases: String = (0..201).map(|i| format!("a{i}: __typename ")).collect();
        assert!(refused(&format!("{{ a {{ {aliases} }} }}")).contains("200"));
        assert!(refused(&"{a".repeat(50_000)).contains("60"));
        assert!(refused(&format!("{{ a {} }}", "@skip(if: false)".repeat(101))).contains("100"));
        assert!(refused(&format!("{{ {} }}", "a ".repeat(21))).contains("20"));
        assert!(refused(&format!("{}a{}", "{ a ".repeat(16), " }".repeat(16))).contains("15"));
    }

    #[test]
    fn fragments_that_spread_themselves_are_refused() {
        let message = refused("{ ...a } fragment a on Query { b { ...c } } fragment c on Query { d { ...a } }");
        assert!(message.contains("contains itself"), "{message}");
    }

    #[test]
    fn circular_introspection_is_refused() {
        let text =
            "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }";
        assert!(refused(text).contains('3'));
    }

    #[test]
    fn ordinary_documents_pass() {
        admit("query Q($n: Int = 5) { customers(first: $n) { nodes { id ...f } } } fragment f on Customer { name }")
            .unwrap();
        admit("{ a(text: \"}}}}{{{{ # not a comment \\\" \", block: \"\"\"{{ \\\"\"\" }\"\"\") } # comment {{{{")
            .unwrap();
    }
}
