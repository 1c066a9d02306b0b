//! JSON bodies into the types of the operations, with the place of every fault.
//!
//! A type's fields, as serde declares them, are the known ones. Nothing else gets through: a key that Go's case folding
//! would take for a known one is refused, an unknown one is dropped when it holds a neutral value and refused by name
//! when it does not. `null` means what it means to Go: absent for a field, the zero value in a list or map.
//!
//! Types must not use `#[serde(flatten)]` or tagged enums: serde then hides the known fields from this reader.

use super::error::{Found, RequestError, shorten};
use super::fold;
use super::json::{Json, JsonBounds};
use super::number::whole;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::str::FromStr;

/// Reads a body that must be one JSON object.
///
/// # Errors
/// Everything [`Json::read`] refuses; another top level than an object; an unknown key with a value
/// ([`RequestError::UnknownField`]); a value of the wrong kind or range ([`RequestError::Value`]).
pub fn read_body<T: DeserializeOwned>(bytes: &[u8], bounds: &JsonBounds) -> Result<T, RequestError> {
    match Json::read(bytes, bounds)? {
        object @ Json::Object(_) => from_json(object, ""),
        other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
            Err(mismatch(&other, "an object".to_owned()))
        }
    }
}

/// Reads a value that stands at `place` of a larger document; `""` is the document itself.
///
/// # Errors
/// As [`read_body`], with places that begin at `place`.
pub fn from_json<T: DeserializeOwned>(json: Json, place: &str) -> Result<T, RequestError> {
    let read = T::deserialize(Value(json));
    if place.is_empty() { read } else { read.map_err(|error| error.below(place)) }
}

/// One value being read.
struct Value(Json);

impl<'de> Deserializer<'de> for Value {
    type Error = RequestError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        match self.0 {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(value),
            Json::Number(text) => visit_number(&text, visitor),
            Json::String(text) => visitor.visit_string(text),
            Json::Array(items) => visitor.visit_seq(List::new(items)),
            Json::Object(members) => visitor.visit_map(Members::new(members)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        match self.0 {
            Json::Null => visitor.visit_bool(false),
            Json::Bool(value) => visitor.visit_bool(value),
            other @ (Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_)) => {
                Err(mismatch(&other, "`true` or `false`".to_owned()))
            }
        }
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_i8(self.whole(i8::MIN.into(), i8::MAX.into())?)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_i16(self.whole(i16::MIN.into(), i16::MAX.into())?)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_i32(self.whole(i32::MIN.into(), i32::MAX.into())?)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_i64(self.whole(i64::MIN.into(), i64::MAX.into())?)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_u8(self.whole(0, u8::MAX.into())?)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_u16(self.whole(0, u16::MAX.into())?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_u32(self.whole(0, u32::MAX.into())?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_u64(self.whole(0, u64::MAX.into())?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        let value = match &self.0 {
            Json::Null => Some(0.0),
            Json::Number(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
            Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => None,
        };
        value.map_or_else(|| Err(mismatch(&self.0, "a number".to_owned())), |value| visitor.visit_f64(value))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_string(self.string()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_string(self.string()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        if self.0 == Json::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, RequestError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        match self.0 {
            Json::Null => visitor.visit_seq(List::new(Vec::new())),
            Json::Array(items) => read_list(items, visitor),
            other @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_)) => {
                Err(mismatch(&other, "a list".to_owned()))
            }
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, RequestError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_map(Members::new(self.object()?))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RequestError> {
        visitor.visit_map(Members::new(known(self.object()?, fields)?))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RequestError> {
        visitor.visit_enum(Word(self.string()?))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 char bytes byte_buf unit unit_struct tuple_struct identifier }
}

impl Value {
    fn whole<T: FromStr + Default>(&self, least: i128, most: i128) -> Result<T, RequestError> {
        let value = match &self.0 {
            Json::Null => Some(T::default()),
            Json::Number(text) => whole(text),
            Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => None,
        };
        value.ok_or_else(|| mismatch(&self.0, format!("a whole number from {least} to {most}")))
    }

    fn string(self) -> Result<String, RequestError> {
        match self.0 {
            Json::Null => Ok(String::new()),
            Json::String(text) => Ok(text),
            other @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => {
                Err(mismatch(&other, "a string".to_owned()))
            }
        }
    }

    fn object(self) -> Result<Vec<(String, Json)>, RequestError> {
        match self.0 {
            Json::Null => Ok(Vec::new()),
            Json::Object(members) => Ok(members),
            other @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
                Err(mismatch(&other, "an object".to_owned()))
            }
        }
    }
}

/// The members that a type knows and that have a value.
fn known(members: Vec<(String, Json)>, fields: &[&str]) -> Result<Vec<(String, Json)>, RequestError> {
    let mut kept = Vec::with_capacity(members.len());
    for (key, value) in members {
        if value == Json::Null {
            continue;
        }
        if fields.contains(&key.as_str()) {
            kept.push((key, value));
        } else if let Some(field) = fields.iter().find(|field| fold::same(field, &key)) {
            let wanted = (*field).to_owned();
            return Err(RequestError::Spelling { place: String::new(), wanted }.inside(&key));
        } else if !value.is_neutral() {
            return Err(RequestError::UnknownField { place: String::new(), found: value.kind() }.inside(&key));
        }
    }
    Ok(kept)
}

fn read_list<'de, V: Visitor<'de>>(items: Vec<Json>, visitor: V) -> Result<V::Value, RequestError> {
    let count = items.len();
    let mut list = List::new(items);
    let value = visitor.visit_seq(&mut list)?;
    if list.items.len() == 0 {
        return Ok(value);
    }
    // A fixed list, such as `ConsoleSize`, took what it wanted; Go would drop the rest.
    let found = Found { kind: "a list of another length", value: Some(count.to_string()) };
    Err(RequestError::Value { place: String::new(), found, wanted: format!("{} items", list.next) })
}

fn visit_number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, RequestError> {
    if let Some(value) = whole(text) {
        return visitor.visit_u64(value);
    }
    if let Some(value) = whole(text) {
        return visitor.visit_i64(value);
    }
    Value(Json::Number(text.to_owned())).deserialize_f64(visitor)
}

fn mismatch(found: &Json, wanted: String) -> RequestError {
    let value = match found {
        Json::Bool(value) => Some(value.to_string()),
        Json::Number(text) | Json::String(text) => Some(shorten(text)),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    };
    RequestError::Value { place: String::new(), found: Found { kind: found.kind(), value }, wanted }
}

/// The items of a list, counted for the place.
struct List {
    items: std::vec::IntoIter<Json>,
    next: usize,
}

impl List {
    fn new(items: Vec<Json>) -> Self {
        Self { items: items.into_iter(), next: 0 }
    }
}

impl<'de> SeqAccess<'de> for List {
    type Error = RequestError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, RequestError> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Value(item)).map(Some).map_err(|error| error.inside_item(index))
    }
}

/// The members of an object, with the one whose value is next.
struct Members {
    members: std::vec::IntoIter<(String, Json)>,
    value: Option<(String, Json)>,
}

impl Members {
    fn new(members: Vec<(String, Json)>) -> Self {
        Self { members: members.into_iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Members {
    type Error = RequestError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, RequestError> {
        let Some((key, value)) = self.members.next() else { return Ok(None) };
        let read = seed.deserialize(Value(Json::String(key.clone()))).map_err(|error| error.inside(&key))?;
        self.value = Some((key, value));
        Ok(Some(read))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, RequestError> {
        let (key, value) = self.value.take().unwrap_or((String::new(), Json::Null));
        seed.deserialize(Value(value)).map_err(|error| error.inside(&key))
    }
}

/// A string where one of several words is wanted.
struct Word(String);

impl<'de> EnumAccess<'de> for Word {
    type Error = RequestError;
    type Variant = Bare;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Bare), RequestError> {
        seed.deserialize(Value(Json::String(self.0))).map(|word| (word, Bare))
    }
}

/// A word stands alone: Docker has no enums with contents.
struct Bare;

impl Bare {
    fn refuse<T>() -> Result<T, RequestError> {
        Err(mismatch(&Json::String(String::new()), "a value with contents".to_owned()))
    }
}

impl<'de> VariantAccess<'de> for Bare {
    type Error = RequestError;

    fn unit_variant(self) -> Result<(), RequestError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, RequestError> {
        Self::refuse()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, RequestError> {
        Self::refuse()
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, RequestError> {
        Self::refuse()
    }
}

#[cfg(test)]
mod tests;
