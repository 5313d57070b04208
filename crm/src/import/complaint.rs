//! Why a row was refused, so that it can be corrected in the file.

use std::borrow::Cow;

use tenants::error::{FieldIssue, Issue};

use super::mapping::Mapping;

/// What is wrong with a cell, or with a whole row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Complaint {
    /// Header of the column; empty if the whole row is meant.
    pub(super) column: String,
    /// The cell as in the file.
    pub(super) value: String,
    /// What is wrong.
    pub(super) reason: Reason,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reason {
    /// More or fewer columns than the header has.
    Columns { found: usize, expected: usize },
    /// Bytes that are not valid in the file's encoding.
    Broken,
    /// A quote that is never closed.
    Unclosed,
    /// Several records match the text.
    Ambiguous,
    /// No record matches the text.
    NoSuchRecord,
    /// Two columns or rules conflict, or a value is not accepted.
    Issue(Issue),
}

impl Reason {
    /// The sentence for people.
    pub(super) fn message(&self, language: &str) -> Cow<'static, str> {
        let pick = |en: &'static str, fr: &'static str, es: &'static str| match language {
            "fr" => fr,
            "es" => es,
            _ => en,
        };
        match self {
            Reason::Columns { found, expected } => pick(
                "The row has {f} columns and the header {e}; put cells that hold a delimiter in quotes.",
                "La ligne a {f} colonnes et l'en-tête {e} ; mettez entre guillemets les cellules qui contiennent un séparateur.",
                "La fila tiene {f} columnas y el encabezado {e}; ponga entre comillas las celdas que contengan un separador.",
            )
            .replace("{f}", &found.to_string())
            .replace("{e}", &expected.to_string())
            .into(),
            Reason::Broken => pick(
                "Some bytes are not valid in the file's encoding; they are shown as \u{fffd}.",
                "Certains octets ne sont pas du texte dans l'encodage du fichier ; ils sont remplacés par \u{fffd}.",
                "Algunos bytes no son texto en la codificación del archivo; se muestran como \u{fffd}.",
            )
            .into(),
            Reason::Unclosed => pick(
                "A quote in this row is never closed: it contains the rest of the file.",
                "Un guillemet s'ouvre dans cette ligne et ne se ferme jamais : il a absorbé le reste du fichier.",
                "Una comilla se abre en esta fila y nunca se cierra: ha absorbido el resto del archivo.",
            )
            .into(),
            Reason::Ambiguous => pick(
                "Several records match this; give the id.",
                "Plusieurs fiches correspondent ; indiquez l'identifiant.",
                "Varios registros corresponden; indique el identificador.",
            )
            .into(),
            Reason::NoSuchRecord => Issue::NoSuchRecord.message(language).into(),
            Reason::Issue(issue) => issue.message(language).into(),
        }
    }
}

/// The engine's errors about a row, by column of the file.
pub(super) fn of_issues<'a>(
    issues: &[FieldIssue],
    mapping: &Mapping,
    field_of: impl Fn(&str) -> Option<entities::ids::FieldId>,
    cell: impl Fn(usize) -> &'a str,
) -> Vec<Complaint> {
    let complaint = |issue: &FieldIssue| {
        let field = field_of(&issue.field);
        let index = mapping.0.iter().position(|column| column.field.is_some() && column.field == field);
        Complaint {
            // a field without a column is named by its own name
            column: index.map_or_else(|| issue.field.clone(), |index| mapping.0[index].header.clone()),
            value: index.map(&cell).unwrap_or_default().to_owned(),
            reason: Reason::Issue(issue.issue.clone()),
        }
    };
    issues.iter().map(complaint).collect()
}
