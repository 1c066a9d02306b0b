//! Go's zero values in serde's terms: `null` reads as zero, and zero is not written.
//!
//! Never used on a field where the engine tells `null` from empty; those are an `Option`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// Reads `null` as the type's zero value, as Go's `encoding/json` does for a field without a pointer.
pub(super) fn null_is_zero<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a JSON object of values, each of which may be `null`; the key stays, as it does in a Go map.
pub(super) fn null_values_are_zero<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    let read: BTreeMap<String, Option<T>> = null_is_zero(deserializer)?;
    Ok(read.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// Whether a value is its type's zero, and so is left out when written.
pub(super) fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
