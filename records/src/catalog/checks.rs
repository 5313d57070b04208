//! What a field may be declared as. Every error names the part of the declaration and what to do.

use std::collections::HashSet;

use tenants::{
    Issue,
    error::{Error, FieldIssue, Result},
};

use super::{
    Cardinality, Choice, Field, FieldKind, Labels, OnDestroy, Origin,
    spec::{FieldSpec, KindSpec},
};
use crate::values::{Locale, Value, check_rules, from_json, validate};

/// Most options of a select.
const OPTIONS: usize = 500;
/// Longest label or help text, in characters.
const LABEL: usize = 500;

/// Refuses an invalid declaration of a field.
pub(super) fn field(spec: &FieldSpec, origin: Origin) -> Result<()> {
    let mut complaints = Complaints::default();
    complaints.labels("label", &spec.label);
    complaints.labels("help", &spec.help);
    match &spec.kind {
        KindSpec::Value(kind) => complaints.value(kind, origin),
        KindSpec::Relation(relation) => {
            if relation.cardinality == Cardinality::OneToMany {
                complaints.add(
                    "relation.kind",
                    "a ONE_TO_MANY relation is the inverse of a MANY_TO_ONE; declare that one on the other object",
                );
            }
            if spec.required && relation.cardinality == Cardinality::ManyToMany {
                complaints.add("required", "a MANY_TO_MANY link cannot be required");
            }
            if spec.required && relation.on_destroy == OnDestroy::SetNull {
                complaints.add("relation.onDestroy", "a required link cannot be emptied; use RESTRICT or CASCADE");
            }
        }
        KindSpec::Link(_) => {
            if spec.required {
                complaints.add("required", "a LINK cannot be required: destroying its target empties it");
            }
        }
        KindSpec::Rollup(_) => {
            if spec.required || spec.default.is_some() {
                complaints.add("required", "a rollup is computed; it takes neither `required` nor a default");
            }
        }
    }
    complaints.rules(spec);
    complaints.end()
}

/// Refuses limits and a default that do not fit the field.
pub(super) fn values(field: &Field, locale: &Locale) -> Result<()> {
    let mut complaints = Complaints::default();
    complaints.encryption(field);
    if let Some(issue) = check_rules(&field.kind, &field.validation) {
        complaints.0.push(FieldIssue { field: "validation".to_owned(), issue });
    }
    if let Some(default) = &field.default {
        let issue = match from_json(field, default, locale) {
            Ok(Value::Null) => Some(Issue::Required),
            Ok(value) => validate(field, &value),
            Err(issue) => Some(issue),
        };
        complaints.0.extend(issue.map(|issue| FieldIssue { field: "default".to_owned(), issue }));
    }
    complaints.end()
}

/// Refuses a type with invalid settings.
pub(super) fn kind(kind: &FieldKind) -> Result<()> {
    let mut complaints = Complaints::default();
    complaints.value(kind, Origin::Custom);
    complaints.end()
}

/// Refuses invalid options of a select.
pub(super) fn options(options: &[Choice]) -> Result<()> {
    let mut complaints = Complaints::default();
    complaints.options(options);
    complaints.end()
}

/// Refuses labels that are too long.
pub(super) fn label(label: &Labels) -> Result<()> {
    let mut complaints = Complaints::default();
    complaints.labels("label", label);
    complaints.end()
}

/// Whether values of a declared kind can be unique.
fn can_be_unique(kind: &KindSpec) -> bool {
    match kind {
        KindSpec::Value(kind) => kind_can_be_unique(kind),
        KindSpec::Relation(relation) => relation.cardinality == Cardinality::ManyToOne,
        KindSpec::Link(_) => true,
        KindSpec::Rollup(_) => false,
    }
}

/// Whether values of a kind can be unique.
pub(super) fn kind_can_be_unique(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Relation(relation) => relation.cardinality == Cardinality::ManyToOne,
        FieldKind::LongText
        | FieldKind::Boolean
        | FieldKind::MultiSelect { .. }
        | FieldKind::Tags
        | FieldKind::Json
        | FieldKind::Money
        | FieldKind::Rollup(_) => false,
        _ => true,
    }
}

#[derive(Default)]
struct Complaints(Vec<FieldIssue>);

impl Complaints {
    fn add(&mut self, part: &str, what: impl Into<String>) {
        self.0.push(FieldIssue { field: part.to_owned(), issue: Issue::Rule(what.into()) });
    }

    fn end(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::invalid(self.0)) }
    }

    fn labels(&mut self, part: &str, labels: &Labels) {
        for (language, text) in labels {
            if !(language.len() == 2 && language.bytes().all(|b| b.is_ascii_lowercase())) {
                self.add(part, format!("`{language}` is not a language; use `en`, `fr` or `es`"));
            }
            if text.chars().count() > LABEL {
                self.add(part, format!("at most {LABEL} characters"));
            }
        }
    }

    fn encryption(&mut self, field: &Field) {
        if !field.encryption.is_some() {
            return;
        }
        let told_apart = match field.kind {
            FieldKind::LongText | FieldKind::Json => false,
            FieldKind::Text
            | FieldKind::Integer
            | FieldKind::Decimal { .. }
            | FieldKind::Percent
            | FieldKind::Date
            | FieldKind::DateTime
            | FieldKind::Email
            | FieldKind::Phone
            | FieldKind::Url => true,
            _ => {
                self.add(
                    "encryption",
                    "values of this type cannot be encrypted; use a text, number, date, address or JSON",
                );
                return;
            }
        };
        if field.encryption.has_equality() && !told_apart {
            self.add("encryption", "values of this type cannot be compared; use SEALED");
        }
        if field.unique && !field.encryption.has_equality() {
            self.add("unique", "encrypted values can only be compared with SEALED_EQUALITY");
        }
        if field.searchable {
            self.add("searchable", "encrypted values cannot be searched");
        }
        if field.default.is_some() {
            self.add("default", "an encrypted field cannot have a default: everybody would know it");
        }
    }

    fn value(&mut self, kind: &FieldKind, origin: Origin) {
        match kind {
            FieldKind::Id | FieldKind::Actor if origin == Origin::Custom => {
                self.add("type", "ids and actors are system fields");
            }
            FieldKind::Relation(_) | FieldKind::Link { .. } | FieldKind::Rollup(_) => {
                self.add("type", "relations, links and rollups are declared with `relation`, `linkTo` and `rollup`");
            }
            FieldKind::Decimal { scale } if *scale > 9 => self.add("scale", "0 to 9"),
            FieldKind::Rating { max } if !(1..=10).contains(max) => self.add("max", "1 to 10"),
            FieldKind::AutoNumber { prefix, width } if prefix.len() > 10 || *width > 18 => {
                self.add("autoNumber", "a prefix of at most 10 characters and a width of at most 18");
            }
            FieldKind::Select { options } | FieldKind::MultiSelect { options } => self.options(options),
            _ => {}
        }
    }

    fn options(&mut self, options: &[Choice]) {
        if options.is_empty() || options.len() > OPTIONS {
            self.add("options", format!("at least one option, at most {OPTIONS}"));
        }
        let mut seen = HashSet::new();
        for option in options {
            let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if !((1..=40).contains(&option.value.len()) && option.value.bytes().all(letters)) {
                self.add(
                    "options",
                    format!(
                        "`{}` cannot be a value; use 1 to 40 small letters, digits and `_`, and put the words into \
                         `label`",
                        option.value.chars().take(60).collect::<String>()
                    ),
                );
            }
            if !seen.insert(&option.value) {
                self.add("options", format!("`{}` is listed twice", option.value));
            }
            self.labels("options", &option.label);
        }
    }

    fn rules(&mut self, spec: &FieldSpec) {
        if spec.unique && !can_be_unique(&spec.kind) {
            self.add("unique", "values of this type cannot be unique");
        }
        if spec.unique && spec.default.is_some() {
            self.add(
                "default",
                "a unique field cannot have a default: the second record would have the value of the first",
            );
        }
        if spec.default.is_some() && matches!(spec.kind, KindSpec::Relation(_) | KindSpec::Link(_)) {
            self.add("default", "a link cannot have a default");
        }
        if matches!(spec.kind, KindSpec::Value(FieldKind::AutoNumber { .. })) && spec.default.is_some() {
            self.add("default", "an auto-number cannot have a default");
        }
    }
}
