//! The pairs of a query as a serde deserializer: the fields of the type are the known keys.

use crate::request::error::{Found, RequestError, shorten};
use crate::request::fold;
use crate::request::number::whole;
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::str::FromStr;

/// All pairs of a query.
pub(super) struct Pairs<'a>(pub(super) &'a [(String, String)]);

impl<'de> Deserializer<'de> for Pairs<'de> {
    type Error = RequestError;

    /// Without known fields (a map) every key is known.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        let mut fields: Vec<&str> = self.0.iter().map(|(key, _)| key.as_str()).collect();
        fields.sort_unstable();
        fields.dedup();
        visitor.visit_map(Parameters::new(self.0, fields))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RequestError> {
        for (key, _) in self.0 {
            check_spelling(key, fields)?;
        }
        let present = fields.iter().copied().filter(|field| self.0.iter().any(|(key, _)| key == field)).collect();
        visitor.visit_map(Parameters::new(self.0, present))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, RequestError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map enum identifier ignored_any
    }
}

fn check_spelling(key: &str, fields: &'static [&'static str]) -> Result<(), RequestError> {
    if fields.contains(&key) {
        return Ok(());
    }
    match fields.iter().find(|field| fold::same(field, key)) {
        None => Ok(()),
        Some(field) => {
            let error = RequestError::Spelling { place: String::new(), wanted: (*field).to_owned() };
            Err(error.inside_query(key))
        }
    }
}

/// The known keys that are there, each with all of its values.
struct Parameters<'a> {
    pairs: &'a [(String, String)],
    keys: std::vec::IntoIter<&'a str>,
    key: &'a str,
}

impl<'a> Parameters<'a> {
    fn new(pairs: &'a [(String, String)], keys: Vec<&'a str>) -> Self {
        Self { pairs, keys: keys.into_iter(), key: "" }
    }
}

impl<'de> MapAccess<'de> for Parameters<'de> {
    type Error = RequestError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, RequestError> {
        let Some(key) = self.keys.next() else { return Ok(None) };
        self.key = key;
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, RequestError> {
        let key = self.key;
        let values = self.pairs.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect();
        seed.deserialize(Values(values)).map_err(|error| error.inside_query(key))
    }
}

/// The values of one key: one, unless the field is a list.
struct Values<'a>(Vec<&'a str>);

impl<'de> Deserializer<'de> for Values<'de> {
    type Error = RequestError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_borrowed_str(self.single()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        let text = self.single()?.trim();
        visitor.visit_bool(!FALSE.iter().any(|word| text.eq_ignore_ascii_case(word)))
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

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, RequestError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RequestError> {
        visitor.visit_seq(List(self.0.into_iter()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RequestError> {
        StrDeserializer::new(self.single()?).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl<'a> Values<'a> {
    fn single(&self) -> Result<&'a str, RequestError> {
        match self.0.as_slice() {
            [single] => Ok(single),
            _ => Err(RequestError::Repeated { place: String::new() }),
        }
    }

    fn whole<T: FromStr>(&self, least: i128, most: i128) -> Result<T, RequestError> {
        let text = self.single()?;
        whole(text).ok_or_else(|| RequestError::Value {
            place: String::new(),
            found: Found { kind: "the text", value: Some(shorten(text)) },
            wanted: format!("a whole number from {least} to {most}"),
        })
    }
}

/// The values of a key that may be repeated.
struct List<'a>(std::vec::IntoIter<&'a str>);

impl<'de> SeqAccess<'de> for List<'de> {
    type Error = RequestError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, RequestError> {
        self.0.next().map(|value| seed.deserialize(Values(vec![value]))).transpose()
    }
}

/// What the engine's `BoolValue` takes for false (moby, api/server/httputils/form.go); all else is true.
const FALSE: [&str; 5] = ["", "0", "no", "false", "none"];
