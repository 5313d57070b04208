//! The inputs of the catalog's operations as their declarations have them.

use std::collections::BTreeMap;

use records::catalog::{Cardinality, Choice, Encryption, Labels, OnDestroy, Personal, RollupFunction};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// `LabelInput`.
pub type LabelInput = BTreeMap<String, Option<String>>;

/// `CreateObjectInput`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateObjectInput {
    pub name: String,
    pub plural: String,
    pub label: Option<LabelInput>,
    pub plural_label: Option<LabelInput>,
    pub owned: Option<bool>,
}

/// `UpdateObjectInput`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateObjectInput {
    pub name: Option<String>,
    pub plural: Option<String>,
    pub label: Option<LabelInput>,
    pub plural_label: Option<LabelInput>,
}

/// `CreateFieldInput`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateFieldInput {
    pub object: String,
    pub name: String,
    pub label: Option<LabelInput>,
    pub help: Option<LabelInput>,
    pub section: Option<String>,
    pub position: Option<i32>,
    pub required: Option<bool>,
    pub applies_to: Option<AppliesTo>,
    pub unique: Option<bool>,
    pub default: Option<Json>,
    pub validation: Option<ValidationInput>,
    pub searchable: Option<bool>,
    pub audited: Option<bool>,
    pub personal: Option<PersonalData>,
    pub encryption: Option<Encryption>,
    #[serde(flatten)]
    pub kind: KindInput,
}

/// `UpdateFieldInput`; of what may be emptied, null is told from what is left out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateFieldInput {
    pub name: Option<String>,
    pub drop_unconvertible: Option<bool>,
    pub label: Option<LabelInput>,
    pub help: Option<LabelInput>,
    #[serde(default, deserialize_with = "given")]
    pub section: Option<Option<String>>,
    pub position: Option<i32>,
    pub required: Option<bool>,
    pub applies_to: Option<AppliesTo>,
    pub unique: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    pub default: Option<Option<Json>>,
    pub validation: Option<ValidationInput>,
    pub on_destroy: Option<OnDestroy>,
    pub searchable: Option<bool>,
    pub audited: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    pub personal: Option<Option<PersonalData>>,
    #[serde(flatten)]
    pub kind: KindInput,
}

/// The type of a field with what it needs besides.
#[derive(Clone, Default, Deserialize)]
pub struct KindInput {
    #[serde(rename = "type")]
    pub ty: Option<String>,
    pub scale: Option<i32>,
    pub max: Option<i32>,
    pub prefix: Option<String>,
    pub width: Option<i32>,
    pub options: Option<Vec<FieldOptionInput>>,
    #[serde(rename = "linkTo")]
    pub link_to: Option<Vec<String>>,
    pub relation: Option<RelationInput>,
    pub rollup: Option<RollupInput>,
}

/// `FieldOptionInput`.
#[derive(Clone, Deserialize)]
pub struct FieldOptionInput {
    pub value: String,
    pub label: Option<LabelInput>,
    pub retired: Option<bool>,
}

/// `ValidationInput`; limits are given as numbers or as texts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidationInput {
    pub min: Option<Json>,
    pub max: Option<Json>,
    pub pattern: Option<String>,
    pub required_when: Option<Json>,
    pub visible_when: Option<Json>,
}

/// `RelationInput`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelationInput {
    pub to: String,
    pub kind: Cardinality,
    pub inverse: Option<String>,
    pub inverse_label: Option<LabelInput>,
    pub on_destroy: Option<OnDestroy>,
}

/// `RollupInput`.
#[derive(Clone, Deserialize)]
pub struct RollupInput {
    pub relation: String,
    pub function: RollupFunction,
    pub field: Option<String>,
    pub filter: Option<Json>,
}

/// `ConstraintInput`.
#[derive(Deserialize)]
pub struct ConstraintInput {
    pub object: String,
    pub fields: Vec<String>,
}

/// `CreateSectionInput`.
#[derive(Deserialize)]
pub struct CreateSectionInput {
    pub object: String,
    pub name: String,
    pub label: Option<LabelInput>,
    pub position: Option<i32>,
}

/// `UpdateSectionInput`.
#[derive(Deserialize)]
pub struct UpdateSectionInput {
    pub name: Option<String>,
    pub label: Option<LabelInput>,
    pub position: Option<i32>,
}

/// `AppliesTo`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AppliesTo {
    All,
    New,
}

/// `PersonalData`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PersonalData {
    Ordinary,
    Sensitive,
}

impl From<PersonalData> for Personal {
    fn from(class: PersonalData) -> Self {
        match class {
            PersonalData::Ordinary => Personal::Ordinary,
            PersonalData::Sensitive => Personal::Sensitive,
        }
    }
}

impl From<FieldOptionInput> for Choice {
    fn from(option: FieldOptionInput) -> Self {
        Choice {
            value: option.value,
            label: option.label.map(labels).unwrap_or_default(),
            retired: option.retired.unwrap_or_default(),
        }
    }
}

impl From<&Choice> for FieldOptionInput {
    fn from(choice: &Choice) -> Self {
        let label = choice.label.iter().map(|(code, text)| (code.clone(), Some(text.clone())));
        Self { value: choice.value.clone(), label: Some(label.collect()), retired: Some(choice.retired) }
    }
}

/// The titles that were given.
pub fn labels(input: LabelInput) -> Labels {
    input.into_iter().filter_map(|(code, text)| Some((code, text?))).collect()
}

/// A key that is there: given as null, or with a value.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
