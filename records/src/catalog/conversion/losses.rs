//! What a change of type would destroy, reported before it happens.

use tenants::{Code, Error};
use uuid::Uuid;

use super::super::Field;

/// Records named as examples.
const EXAMPLES: usize = 10;

/// Values that would not survive the change.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Losses {
    /// Records that would lose their value.
    pub lost: i64,
    /// Records whose value would lose decimals or its time of day.
    pub coarser: i64,
    /// Some of them, those that lose their value first.
    pub examples: Vec<Uuid>,
    rounded: Vec<Uuid>,
}

impl Losses {
    /// A value that the new type cannot hold.
    pub fn lose(&mut self, id: Uuid) {
        self.lost += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(id);
        }
    }

    /// A value that loses precision.
    pub fn round(&mut self, id: Uuid) {
        self.coarser += 1;
        if self.rounded.len() < EXAMPLES {
            self.rounded.push(id);
        }
    }

    /// Whether nothing is lost or rounded.
    pub fn is_none(&self) -> bool {
        self.lost == 0 && self.coarser == 0
    }

    /// The message that describes it.
    pub fn describe(&self, field: &Field) -> String {
        let parts = [
            (self.lost, "would lose their value, because the new type or its rules do not accept it"),
            (self.coarser, "would lose decimals or the time of day"),
        ];
        let reported: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} records {what}"))
            .collect();
        format!("`{}`: {}", field.name, reported.join("; "))
    }

    /// The error for a change that was not allowed to lose values.
    pub fn refusal(&self, field: &Field) -> Error {
        let message =
            format!("{}. Correct them first, or send `dropUnconvertible: true` to go ahead.", self.describe(field));
        let ids = self.examples.iter().chain(&self.rounded).take(EXAMPLES).map(Uuid::to_string);
        Error::new(Code::WouldLoseValues, message)
            .with("records", self.lost)
            .with("rounded", self.coarser)
            .with("examples", ids.collect::<Vec<_>>())
    }
}
