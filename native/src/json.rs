use std::fmt;

use astropass_core::wire::{MAX_DEPTH, Malformed, Value};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use zeroize::Zeroizing;

/// JSON text as a [`Value`]; see [`ParseJson`](astropass_core::wire::ParseJson).
///
/// # Errors
/// [`Malformed`] for what is not one JSON value in UTF-8, or nests too deep.
pub fn parse_json(text: &[u8]) -> Result<Value, Malformed> {
    let mut parser = serde_json::Deserializer::from_slice(text);
    let value = Depth(MAX_DEPTH).deserialize(&mut parser).map_err(|_| Malformed)?;
    parser.end().map_err(|_| Malformed)?;
    Ok(value)
}

/// JSON text of `value` for people, one field a line.
pub(crate) fn print_json_pretty(value: &Value) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(64 << 10));
    let _ = serde_json::to_writer_pretty(&mut *text, &Printed(value));
    text.push(b'\n');
    text
}

/// JSON text of `value`.
pub(crate) fn print_json(value: &Value) -> Zeroizing<Vec<u8>> {
    // Large enough for any token response: growing would leave copies of a secret behind.
    let mut text = Zeroizing::new(Vec::with_capacity(16 << 10));
    // Only a map with keys that are not strings, or a failing writer, could fail.
    let _ = serde_json::to_writer(&mut *text, &Printed(value));
    text
}

/// How many levels may still be opened.
struct Depth(usize);

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Depth {
    fn below<E: Error>(&self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(Zeroizing::new(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(self.below()?)? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key()? {
            let value = map.next_value_seed(self.below()?)?;
            // Of a name given twice `Value::field` finds the last.
            fields.push((name, value));
        }
        Ok(Value::Map(fields))
    }
}

struct Printed<'a>(&'a Value);

impl serde::Serialize for Printed<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            // JSON knows no 3600.0: what was a whole number stays one, up to 2^53.
            Value::Number(value)
                if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 =>
            {
                serializer.serialize_i64(*value as i64)
            }
            Value::Number(value) => serializer.serialize_f64(*value),
            Value::String(text) => serializer.serialize_str(text),
            Value::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    list.serialize_element(&Printed(value))?;
                }
                list.end()
            }
            Value::Map(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, &Printed(value))?;
                }
                map.end()
            }
        }
    }
}
