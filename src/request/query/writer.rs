//! Types of the operations as a query string for the engine.
//!
//! What is left out means the engine's default, so nothing neutral is written unless it was said: `Some(false)` is,
//! `false` is not. Everything but unreserved characters is percent-encoded, so no value can end its pair.

use crate::request::percent;
use serde::Serialize;
use serde::ser::{self, Impossible, SerializeMap, SerializeSeq, SerializeStruct, Serializer};
use std::fmt::Display;

/// A type cannot be written as a query. A fault of the type, never of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this cannot be written as a query string: {0}")]
pub struct QueryWriteError(String);

/// Writes a struct or map as `all=1&name=a%20b`, or `""`.
///
/// `true` is `1`; `false` is left out, `Some(false)` is `0`. `None`, `""` and empty lists are left out; lists repeat
/// the key, also with an empty item. Whole numbers are always written; an optional one is left out when `None`.
///
/// # Errors
/// [`QueryWriteError`] when the type is neither struct nor map, or a value is not a boolean, whole number, text, unit
/// variant, or a list or option of these.
pub fn write<T: Serialize>(value: &T) -> Result<String, QueryWriteError> {
    let mut out = String::new();
    value.serialize(Top(&mut out))?;
    Ok(out)
}

impl ser::Error for QueryWriteError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn refuse<T>(what: &str) -> Result<T, QueryWriteError> {
    Err(QueryWriteError(what.to_owned()))
}

/// Where fields are expected.
struct Top<'a>(&'a mut String);

impl<'a> Serializer for Top<'a> {
    type Ok = ();
    type Error = QueryWriteError;
    type SerializeSeq = Impossible<(), QueryWriteError>;
    type SerializeTuple = Impossible<(), QueryWriteError>;
    type SerializeTupleStruct = Impossible<(), QueryWriteError>;
    type SerializeTupleVariant = Impossible<(), QueryWriteError>;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Impossible<(), QueryWriteError>;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>, QueryWriteError> {
        Ok(Fields { out: self.0, key: String::new() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'a>, QueryWriteError> {
        Ok(Fields { out: self.0, key: String::new() })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), QueryWriteError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), QueryWriteError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), QueryWriteError> {
        Ok(())
    }

    fn serialize_none(self) -> Result<(), QueryWriteError> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), QueryWriteError> {
        value.serialize(self)
    }

    fn serialize_bool(self, _: bool) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_i8(self, _: i8) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_i16(self, _: i16) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_i32(self, _: i32) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_i64(self, _: i64) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_u8(self, _: u8) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_u16(self, _: u16) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_u32(self, _: u32) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_u64(self, _: u64) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_f32(self, _: f32) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_f64(self, _: f64) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_char(self, _: char) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_str(self, _: &str) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, QueryWriteError> {
        refuse(NO_FIELDS)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, QueryWriteError> {
        refuse(NO_FIELDS)
    }
}

/// The fields of a struct, or the entries of a map.
struct Fields<'a> {
    out: &'a mut String,
    key: String,
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = QueryWriteError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), QueryWriteError> {
        value.serialize(Field { out: self.out, key, said: false, item: false })
    }

    fn end(self) -> Result<(), QueryWriteError> {
        Ok(())
    }
}

impl SerializeMap for Fields<'_> {
    type Ok = ();
    type Error = QueryWriteError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), QueryWriteError> {
        // A key is a text, and a text is read here as the value of an unnamed pair.
        let mut pair = String::new();
        key.serialize(Field { out: &mut pair, key: "", said: true, item: false })?;
        self.key =
            percent::decode(pair.trim_start_matches('='), false).map_err(|fault| QueryWriteError(fault.to_owned()))?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), QueryWriteError> {
        value.serialize(Field { out: self.out, key: &self.key, said: false, item: false })
    }

    fn end(self) -> Result<(), QueryWriteError> {
        Ok(())
    }
}

/// The value of one field. `said` once an option or list around it says that even `false` was meant.
struct Field<'a> {
    out: &'a mut String,
    key: &'a str,
    said: bool,
    /// An item of a list is written even when it is empty: it was there.
    item: bool,
}

impl Field<'_> {
    fn pair(self, value: &str) -> Result<(), QueryWriteError> {
        if !self.out.is_empty() {
            self.out.push('&');
        }
        percent::encode(self.out, self.key);
        self.out.push('=');
        percent::encode(self.out, value);
        Ok(())
    }
}

impl<'a> Serializer for Field<'a> {
    type Ok = ();
    type Error = QueryWriteError;
    type SerializeSeq = Self;
    type SerializeTuple = Impossible<(), QueryWriteError>;
    type SerializeTupleStruct = Impossible<(), QueryWriteError>;
    type SerializeTupleVariant = Impossible<(), QueryWriteError>;
    type SerializeMap = Impossible<(), QueryWriteError>;
    type SerializeStruct = Impossible<(), QueryWriteError>;
    type SerializeStructVariant = Impossible<(), QueryWriteError>;

    fn serialize_bool(self, value: bool) -> Result<(), QueryWriteError> {
        match (value, self.said) {
            (true, _) => self.pair("1"),
            (false, true) => self.pair("0"),
            (false, false) => Ok(()),
        }
    }

    fn serialize_i8(self, value: i8) -> Result<(), QueryWriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), QueryWriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), QueryWriteError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), QueryWriteError> {
        self.pair(&value.to_string())
    }

    fn serialize_u8(self, value: u8) -> Result<(), QueryWriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), QueryWriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), QueryWriteError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), QueryWriteError> {
        self.pair(&value.to_string())
    }

    fn serialize_f32(self, _: f32) -> Result<(), QueryWriteError> {
        refuse(NO_VALUE)
    }

    fn serialize_f64(self, _: f64) -> Result<(), QueryWriteError> {
        refuse(NO_VALUE)
    }

    fn serialize_char(self, value: char) -> Result<(), QueryWriteError> {
        self.pair(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), QueryWriteError> {
        if value.is_empty() && !self.item { Ok(()) } else { self.pair(value) }
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), QueryWriteError> {
        refuse(NO_VALUE)
    }

    fn serialize_none(self) -> Result<(), QueryWriteError> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), QueryWriteError> {
        value.serialize(Field { said: true, ..self })
    }

    fn serialize_unit(self) -> Result<(), QueryWriteError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), QueryWriteError> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, word: &'static str) -> Result<(), QueryWriteError> {
        self.serialize_str(word)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), QueryWriteError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), QueryWriteError> {
        refuse(NO_VALUE)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, QueryWriteError> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, QueryWriteError> {
        refuse(NO_VALUE)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, QueryWriteError> {
        refuse(NO_VALUE)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, QueryWriteError> {
        refuse(NO_VALUE)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, QueryWriteError> {
        refuse(NO_VALUE)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, QueryWriteError> {
        refuse(NO_VALUE)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, QueryWriteError> {
        refuse(NO_VALUE)
    }
}

impl SerializeSeq for Field<'_> {
    type Ok = ();
    type Error = QueryWriteError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), QueryWriteError> {
        value.serialize(Field { out: self.out, key: self.key, said: true, item: true })
    }

    fn end(self) -> Result<(), QueryWriteError> {
        Ok(())
    }
}

const NO_FIELDS: &str = "a struct or a map was wanted";
const NO_VALUE: &str = "a boolean, a whole number, a text or a list of these was wanted";
