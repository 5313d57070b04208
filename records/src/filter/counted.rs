//! How many related records must match: `orders: { count: { gte: 2 }, where: { … } }`.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A comparison of the number of related records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountTest {
    /// This many.
    Eq(u32),
    /// Any other number.
    Ne(u32),
    /// Fewer.
    Lt(u32),
    /// This many or fewer.
    Lte(u32),
    /// More.
    Gt(u32),
    /// This many or more.
    Gte(u32),
}

impl CountTest {
    /// The names of all comparisons in the API.
    pub(super) const NAMES: &str = "eq, ne, lt, lte, gt, gte";

    /// The comparison with this name in the API.
    pub(super) fn named(name: &str, number: u32) -> Option<Self> {
        Some(match name {
            "eq" => CountTest::Eq(number),
            "ne" => CountTest::Ne(number),
            "lt" => CountTest::Lt(number),
            "lte" => CountTest::Lte(number),
            "gt" => CountTest::Gt(number),
            "gte" => CountTest::Gte(number),
            _ => return None,
        })
    }

    /// Name in the API and the number that is compared with.
    pub(super) fn shown(self) -> (&'static str, Json) {
        let (name, _, number) = self.parts();
        (name, number.into())
    }

    /// The operator in SQL and the number that is compared with.
    pub(super) fn sql(self) -> (&'static str, u32) {
        let (_, operator, number) = self.parts();
        (operator, number)
    }

    fn parts(self) -> (&'static str, &'static str, u32) {
        match self {
            CountTest::Eq(number) => ("eq", " = ", number),
            CountTest::Ne(number) => ("ne", " <> ", number),
            CountTest::Lt(number) => ("lt", " < ", number),
            CountTest::Lte(number) => ("lte", " <= ", number),
            CountTest::Gt(number) => ("gt", " > ", number),
            CountTest::Gte(number) => ("gte", " >= ", number),
        }
    }
}
