//! The published facts about the Engine API (`tests/facts`), as the tests need them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What a body holds: path to field.
pub(crate) type Fields = BTreeMap<String, Field>;

/// One field of a body.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Field {
    /// The nesting, such as `{}[]object`.
    pub(crate) shape: String,
    /// Values that the pages list.
    #[serde(default, rename = "enum")]
    pub(crate) words: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct FieldsFile {
    bodies: BTreeMap<String, Fields>,
}

/// The fields of a body, by the operation's id.
pub(crate) fn fields(operation: &str) -> Fields {
    let file: FieldsFile = serde_json::from_str(include_str!("../facts/fields.json")).expect("the facts are JSON");
    file.bodies.get(operation).unwrap_or_else(|| panic!("{operation} has no body")).clone()
}

/// One operation.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Operation {
    pub(crate) methods: Vec<String>,
    pub(crate) path: String,
    /// By name.
    pub(crate) query: BTreeMap<String, Parameter>,
    /// Ids that older pages gave it.
    #[serde(default)]
    pub(crate) aliases: BTreeMap<String, serde_json::Value>,
}

/// One query parameter.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Parameter {
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Deserialize)]
struct OperationsFile {
    operations: BTreeMap<String, Operation>,
}

/// Every operation, by its id.
pub(crate) fn operations() -> BTreeMap<String, Operation> {
    let file: OperationsFile = serde_json::from_str(include_str!("../facts/operations.json")).expect("JSON");
    file.operations
}
