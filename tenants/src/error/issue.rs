//! What can be wrong with a value, explained in the caller's language.

use std::borrow::Cow;

use super::expected;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldIssue {
    /// API name, with a path for lists: `data.3.email`.
    pub field: String,
    /// What is wrong.
    pub issue: Issue,
}

/// What can be wrong with a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Issue {
    /// No value where one is needed.
    Required,
    /// Of the wrong type; holds what was expected.
    WrongType(Cow<'static, str>),
    /// Below the minimum (a value, or a number of values); holds the minimum.
    TooSmall(String),
    /// Above the maximum (a value, or a number of values); holds the maximum.
    TooLarge(String),
    /// Too short; holds the least number of characters.
    TooShort(String),
    /// Too long; holds the greatest number of characters.
    TooLong(String),
    /// A password that is easy to guess.
    EasyToGuess,
    /// Does not match the pattern.
    Pattern(String),
    /// Not one of the options; holds them.
    NotAnOption(String),
    /// Another record has it; holds that record's id.
    Taken(Option<String>),
    /// The record to link to does not exist.
    NoSuchRecord,
    /// No such field.
    UnknownField,
    /// The field is read-only for clients.
    ReadOnly,
    /// The caller's role does not allow it.
    Forbidden,
    /// No exchange rate for this currency.
    NoExchangeRate(String),
    /// A rule of the object refused it; holds the rule's message.
    Rule(String),
}

impl Issue {
    /// Name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Issue::Required => "REQUIRED",
            Issue::WrongType(_) => "WRONG_TYPE",
            Issue::TooSmall(_) | Issue::TooShort(_) => "TOO_SMALL",
            Issue::TooLarge(_) | Issue::TooLong(_) => "TOO_LARGE",
            Issue::EasyToGuess => "EASY_TO_GUESS",
            Issue::Pattern(_) => "PATTERN",
            Issue::NotAnOption(_) => "NOT_AN_OPTION",
            Issue::Taken(_) => "TAKEN",
            Issue::NoSuchRecord => "NO_SUCH_RECORD",
            Issue::UnknownField => "UNKNOWN_FIELD",
            Issue::ReadOnly => "READ_ONLY",
            Issue::Forbidden => "FORBIDDEN",
            Issue::NoExchangeRate(_) => "NO_EXCHANGE_RATE",
            Issue::Rule(_) => "RULE",
        }
    }

    /// The sentence for people. `language` is an ISO 639 code; unknown languages get English.
    pub fn message(&self, language: &str) -> String {
        let pick = |en: &str, fr: &str, es: &str| match language {
            "fr" => fr.to_owned(),
            "es" => es.to_owned(),
            _ => en.to_owned(),
        };
        match self {
            Issue::Required => pick("A value is required.", "Une valeur est requise.", "Se requiere un valor."),
            Issue::WrongType(what) => {
                pick("Not accepted; expected: ", "Valeur refusée ; attendu : ", "Valor no admitido; se esperaba: ")
                    + expected::in_language(what, language)
            }
            Issue::TooSmall(least) => pick("The minimum is ", "Le minimum est ", "El mínimo es ") + least,
            Issue::TooLarge(most) => pick("The maximum is ", "Le maximum est ", "El máximo es ") + most,
            Issue::TooShort(least) => {
                pick(
                    "The minimum number of characters is ",
                    "Le nombre minimum de caractères est ",
                    "El mínimo de caracteres es ",
                ) + least
            }
            Issue::TooLong(most) => {
                pick(
                    "The maximum number of characters is ",
                    "Le nombre maximum de caractères est ",
                    "El máximo de caracteres es ",
                ) + most
            }
            Issue::EasyToGuess => pick(
                "Easy to guess; take several words that have nothing to do with each other, with you or with your organisation.",
                "Facile à deviner ; prenez plusieurs mots sans rapport entre eux, avec vous ou avec votre organisation.",
                "Fácil de adivinar; use varias palabras sin relación entre sí, con usted ni con su organización.",
            ),
            Issue::Pattern(pattern) => {
                pick("Does not match the pattern ", "Ne suit pas le modèle ", "No cumple el patrón ") + pattern
            }
            Issue::NotAnOption(options) => {
                pick("Not one of the options: ", "Pas une des options : ", "No es una de las opciones: ") + options
            }
            Issue::Taken(_) => pick(
                "Another record already has this value.",
                "Une autre fiche a déjà cette valeur.",
                "Otro registro ya tiene este valor.",
            ),
            Issue::NoSuchRecord => {
                pick("There is no such record.", "Cette fiche n'existe pas.", "No existe ese registro.")
            }
            Issue::UnknownField => pick("There is no such field.", "Ce champ n'existe pas.", "No existe ese campo."),
            Issue::ReadOnly => {
                pick("Only the system can set this.", "Seul le système l'écrit.", "Solo el sistema lo escribe.")
            }
            Issue::Forbidden => pick(
                "Your role does not let you set this.",
                "Votre rôle ne permet pas de renseigner ceci.",
                "Su rol no le permite definir esto.",
            ),
            Issue::NoExchangeRate(currency) => {
                pick("No exchange rate is set for ", "Aucun taux de change pour ", "No hay tipo de cambio para ")
                    + currency
            }
            Issue::Rule(message) => message.clone(),
        }
    }
}
