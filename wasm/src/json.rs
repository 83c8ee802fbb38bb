//! JSON by the page's own parser.

use astropass_core::wire::{MAX_DEPTH, Malformed, Value};
use js_sys::{Array, Object};
use wasm_bindgen::{JsCast, JsValue};
use zeroize::Zeroizing;

use crate::bindings::{kind, parse, put};

/// JSON text as a [`Value`]; see [`ParseJson`](astropass_core::wire::ParseJson).
///
/// # Errors
/// [`Malformed`] for what is not one JSON value in UTF-8, or nests too deep.
pub fn parse_json(text: &[u8]) -> Result<Value, Malformed> {
    to_value(&parse(text), MAX_DEPTH)
}

/// What a page's value is to core; functions and the like are objects without fields.
pub(crate) fn to_value(value: &JsValue, levels: usize) -> Result<Value, Malformed> {
    Ok(match kind(value) {
        Kind::NULL => Value::Null,
        Kind::FALSE => Value::Bool(false),
        Kind::TRUE => Value::Bool(true),
        Kind::NUMBER => Value::Number(value.as_f64().ok_or(Malformed)?),
        Kind::STRING => Value::String(Zeroizing::new(value.as_string().ok_or(Malformed)?)),
        Kind::LIST => {
            let list: &Array = value.unchecked_ref();
            let mut values = Vec::new();
            for index in 0..list.length() {
                values.push(to_value(&list.get(index), below(levels)?)?);
            }
            Value::List(values)
        }
        Kind::MAP => {
            let entries = Object::entries(value.unchecked_ref());
            let mut fields = Vec::new();
            for index in 0..entries.length() {
                let entry: Array = entries.get(index).unchecked_into();
                let name = entry.get(0);
                if kind(&name) != Kind::STRING {
                    return Err(Malformed);
                }
                let name = name.as_string().ok_or(Malformed)?;
                fields.push((name, to_value(&entry.get(1), below(levels)?)?));
            }
            Value::Map(fields)
        }
        _ => return Err(Malformed),
    })
}

/// What `kind` of `page.js` answers; anything else is what no other parser would take.
struct Kind;

impl Kind {
    const NULL: u32 = 1;
    const FALSE: u32 = 2;
    const TRUE: u32 = 3;
    const NUMBER: u32 = 4;
    const STRING: u32 = 5;
    const LIST: u32 = 6;
    const MAP: u32 = 7;
}

fn below(levels: usize) -> Result<usize, Malformed> {
    levels.checked_sub(1).ok_or(Malformed)
}

/// A plain object, list, text or number.
pub(crate) fn to_js(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Bool(value) => (*value).into(),
        Value::Number(value) => (*value).into(),
        Value::String(text) => text.as_str().into(),
        Value::List(values) => values.iter().map(to_js).collect::<Array>().into(),
        Value::Map(fields) => {
            let object = Object::new();
            for (name, value) in fields {
                put(&object, name, &to_js(value));
            }
            object.into()
        }
    }
}
