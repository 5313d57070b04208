//! Arguments of handlers whose text may name nothing.

use serde::{Deserialize, Deserializer};
use tenants::error::{Code, Error, Result};

/// An id that a request gave. A text that is no id names nothing, and is answered like an id that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<T>(Option<T>);

impl<T> Given<T> {
    /// The id, if it is one.
    pub fn id(self) -> Option<T> {
        self.0
    }

    /// The id of a thing of this name.
    ///
    /// # Errors
    /// `NOT_FOUND`, saying that there is no such thing.
    pub fn needed(self, what: &str) -> Result<T> {
        self.0.ok_or_else(|| Error::new(Code::NotFound, format!("There is no such {what}.")))
    }
}

impl<'de, T: std::str::FromStr> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.parse().ok()))
    }
}

/// The arguments of an operation that has none.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct NoArgs {}
