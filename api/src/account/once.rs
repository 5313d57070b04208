//! One attempt per document: with aliases, one request could otherwise make many guesses at a password, token or code.

use std::collections::HashMap;

use async_graphql_parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet};

use crate::graphql::errors::Refusal;

/// Mutations that prove nothing and send nothing. Any other one may appear only once in a document.
const FREE: &[&str] = &["__typename", "updateProfile", "signOut", "signOutEverywhere"];

/// Refuses documents with several attempts. Fragments are counted where they are used, without being expanded.
///
/// # Errors
/// `TOO_COMPLEX`.
pub fn check(document: &ExecutableDocument) -> Result<(), Refusal> {
    let mut counted = Counted { document, fragments: HashMap::new() };
    let mutations = document.operations.iter().filter(|(_, operation)| operation.node.ty == OperationType::Mutation);
    for (_, operation) in mutations {
        let tries = counted.tries(&operation.node.selection_set.node);
        if tries > 1 {
            return Err(Refusal::too_complex("passwords, tokens or codes to try", tries.into(), 1));
        }
    }
    Ok(())
}

struct Counted<'a> {
    document: &'a ExecutableDocument,
    fragments: HashMap<&'a str, u32>,
}

impl<'a> Counted<'a> {
    fn tries(&mut self, set: &'a SelectionSet) -> u32 {
        set.items.iter().fold(0, |sum: u32, item| {
            sum.saturating_add(match &item.node {
                Selection::Field(field) => u32::from(!FREE.contains(&field.node.name.node.as_str())),
                Selection::InlineFragment(inline) => self.tries(&inline.node.selection_set.node),
                Selection::FragmentSpread(spread) => self.fragment(spread.node.fragment_name.node.as_str()),
            })
        })
    }

    fn fragment(&mut self, name: &'a str) -> u32 {
        if let Some(tries) = self.fragments.get(name) {
            return *tries;
        }
        // a fragment that uses itself is refused later; here the loop must end
        self.fragments.insert(name, 0);
        let fragment = self.document.fragments.iter().find(|(known, _)| known.as_str() == name);
        let tries = fragment.map_or(0, |(_, fragment)| self.tries(&fragment.node.selection_set.node));
        self.fragments.insert(name, tries);
        tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graphql::admit;

    #[test]
    fn a_document_tries_once() {
        let many = |text: &str| check(&admit(text).unwrap()).is_err();
        assert!(!many("mutation { signIn(email: \"a\") { accessToken } signOut updateProfile { id } __typename }"));
        assert!(!many("mutation a { signIn } mutation b { signIn }"), "one of them runs");
        assert!(!many("{ a: me { user { id } } b: me { user { id } } }"), "reading tries nothing");
        for text in [
            "mutation { a: signIn b: signIn }",
            "mutation { signIn signIn }",
            "mutation { signIn recover }",
            "mutation { ... on Mutation { signIn } signIn }",
            "mutation { ...f ...f } fragment f on Mutation { signIn }",
            "mutation { ...f } fragment f on Mutation { ...g ...g } fragment g on Mutation { a: signIn }",
        ] {
            assert!(many(text), "{text}");
        }
    }
}
