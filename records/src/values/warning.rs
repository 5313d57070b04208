//! What is strange about a value that is accepted all the same.

/// A warning, as opposed to an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Warning {
    /// The number cannot be called as written.
    OddPhone,
    /// It looks like an address, but mail servers will hardly accept it.
    OddEmail,
}

impl Warning {
    /// Name for programs.
    pub fn code(self) -> &'static str {
        match self {
            Warning::OddPhone => "ODD_PHONE",
            Warning::OddEmail => "ODD_EMAIL",
        }
    }

    /// The sentence for people. `language` is an ISO 639 code; unknown languages get English.
    pub fn message(self, language: &str) -> &'static str {
        match (self, language) {
            (Warning::OddPhone, "fr") => "Ce numéro de téléphone ne semble pas exister ; il est gardé tel quel.",
            (Warning::OddPhone, "es") => "Este número de teléfono no parece existir; se guarda tal cual.",
            (Warning::OddPhone, _) => "This phone number does not seem to exist; it is kept as written.",
            (Warning::OddEmail, "fr") => "Cette adresse e-mail ne semble pas joignable ; elle est gardée telle quelle.",
            (Warning::OddEmail, "es") => "Esta dirección de correo no parece válida; se guarda tal cual.",
            (Warning::OddEmail, _) => "This email address does not seem deliverable; it is kept as written.",
        }
    }
}
