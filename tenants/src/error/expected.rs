//! What a value should have been, in three languages. Code names it in English; a phrase without a line here is shown
//! in English.

/// English, French, Spanish.
const PHRASES: &[[&str; 3]] = &[
    ["a text", "un texte", "un texto"],
    ["a list of texts", "une liste de textes", "una lista de textos"],
    ["text without NUL characters", "un texte sans caractère NUL", "un texto sin caracteres NUL"],
    ["a whole number", "un nombre entier", "un número entero"],
    ["a number like \"12.5\"", "un nombre comme \"12.5\"", "un número como \"12.5\""],
    ["a number like 12.5", "un nombre comme 12,5", "un número como 12,5"],
    ["a percentage like \"12.5\"", "un pourcentage comme \"12.5\"", "un porcentaje como \"12.5\""],
    ["a percentage like 12.5", "un pourcentage comme 12,5", "un porcentaje como 12,5"],
    [
        "an amount like \"12.50\" or { amount: \"12.50\", currency: \"EUR\" }",
        "un montant comme \"12.50\" ou { amount: \"12.50\", currency: \"EUR\" }",
        "un importe como \"12.50\" o { amount: \"12.50\", currency: \"EUR\" }",
    ],
    [
        "a link like { object: \"customer\", id: … }",
        "un lien comme { object: \"customer\", id: … }",
        "un enlace como { object: \"customer\", id: … }",
    ],
    ["a link like customer:<id>", "un lien comme customer:<id>", "un enlace como customer:<id>"],
    ["an amount like 12.50 or 12.50 EUR", "un montant comme 12,50 ou 12,50 EUR", "un importe como 12,50 o 12,50 EUR"],
    ["a currency code like EUR", "un code de devise comme EUR", "un código de moneda como EUR"],
    ["true or false", "true ou false", "true o false"],
    ["yes or no", "oui ou non", "sí o no"],
    ["a date like 2026-03-01", "une date comme 2026-03-01", "una fecha como 2026-03-01"],
    [
        "a date and time like 2026-03-01T10:00:00Z",
        "une date et une heure comme 2026-03-01T10:00:00Z",
        "una fecha y hora como 2026-03-01T10:00:00Z",
    ],
    [
        "a date and time like 2026-03-01 10:00",
        "une date et une heure comme 2026-03-01 10:00",
        "una fecha y hora como 2026-03-01 10:00",
    ],
    ["a duration like PT1H30M", "une durée comme PT1H30M", "una duración como PT1H30M"],
    [
        "a duration like 1:30, 45 min or PT1H30M",
        "une durée comme 1:30, 45 min ou PT1H30M",
        "una duración como 1:30, 45 min o PT1H30M",
    ],
    ["one of the options", "une des options", "una de las opciones"],
    ["a list of options", "une liste d'options", "una lista de opciones"],
    ["an email address", "une adresse e-mail", "una dirección de correo"],
    [
        "an email address like name@example.com",
        "une adresse e-mail comme nom@example.com",
        "una dirección de correo como nombre@example.com",
    ],
    ["a phone number as text", "un numéro de téléphone en texte", "un número de teléfono como texto"],
    [
        "an address like https://example.com",
        "une adresse comme https://example.com",
        "una dirección como https://example.com",
    ],
    ["an id", "un identifiant", "un identificador"],
    ["a list of ids", "une liste d'identifiants", "una lista de identificadores"],
    ["JSON", "du JSON", "JSON"],
    [
        "a regular expression of at most 1000 characters, on a text field",
        "une expression régulière d'au plus 1000 caractères, sur un champ texte",
        "una expresión regular de 1000 caracteres como máximo, en un campo de texto",
    ],
    [
        "limits that are values of the field's type",
        "des limites du type du champ",
        "límites que sean valores del tipo del campo",
    ],
    ["1 to 200 characters", "1 à 200 caractères", "de 1 a 200 caracteres"],
    [
        "2 to 40 of a-z, 0-9 and -, beginning with a letter",
        "2 à 40 caractères parmi a-z, 0-9 et -, dont une lettre au début",
        "de 2 a 40 caracteres de a-z, 0-9 y -, empezando por una letra",
    ],
    ["an ISO 3166 code such as DZ", "un code ISO 3166 comme DZ", "un código ISO 3166 como DZ"],
    ["an ISO 4217 code such as DZD", "un code ISO 4217 comme DZD", "un código ISO 4217 como DZD"],
    [
        "an IANA time zone such as Africa/Algiers",
        "un fuseau horaire IANA comme Africa/Algiers",
        "una zona horaria IANA como Africa/Algiers",
    ],
    ["an instant to come", "un instant à venir", "un instante futuro"],
    [
        "an instant such as 2026-02-28T09:30:00Z",
        "un instant comme 2026-02-28T09:30:00Z",
        "un instante como 2026-02-28T09:30:00Z",
    ],
    [
        "an address, or a network such as 192.0.2.0/24",
        "une adresse, ou un réseau comme 192.0.2.0/24",
        "una dirección, o una red como 192.0.2.0/24",
    ],
    ["1 to 1000000000 points", "1 à 1000000000 points", "de 1 a 1000000000 puntos"],
    [
        "0 to 604800 seconds, which are 7 days",
        "0 à 604800 secondes, soit 7 jours",
        "de 0 a 604800 segundos, es decir, 7 días",
    ],
    [
        "an origin such as https://app.example.com, without a path",
        "une origine comme https://app.example.com, sans chemin",
        "un origen como https://app.example.com, sin ruta",
    ],
    ["7 to 3650 days", "7 à 3650 jours", "de 7 a 3650 días"],
    ["the name of a role other than owner", "le nom d'un rôle autre que owner", "el nombre de un rol que no sea owner"],
    ["1 to 1000 bytes", "1 à 1000 octets", "de 1 a 1000 bytes"],
    [
        "an https address, as the provider's discovery document has it",
        "une adresse https, telle que dans le document de découverte du fournisseur",
        "una dirección https, tal como figura en el documento de descubrimiento del proveedor",
    ],
    [
        "a name on one line, without invisible characters",
        "un nom sur une seule ligne, sans caractères invisibles",
        "un nombre en una sola línea, sin caracteres invisibles",
    ],
    ["a small whole number", "un petit nombre entier", "un número entero pequeño"],
    ["1 to 100 characters", "1 à 100 caractères", "de 1 a 100 caracteres"],
];

/// A phrase in a language (ISO 639 code).
pub(super) fn in_language<'a>(phrase: &'a str, language: &str) -> &'a str {
    let column = match language {
        "fr" => 1,
        "es" => 2,
        _ => return phrase,
    };
    PHRASES.iter().find(|line| line[0] == phrase).map_or(phrase, |line| line[column])
}
