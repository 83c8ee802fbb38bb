//! JSON by the page's own parser.

use astropass_core::wire::{MAX_DEPTH, Malformed, Value};
use js_sys::{Array, JSON, JsString, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use zeroize::Zeroizing;

use crate::bindings::parse;

/// JSON text as a [`Value`]; see [`ParseJson`](astropass_core::wire::ParseJson).
///
/// # Errors
/// [`Malformed`] for what is not one JSON value in UTF-8, or nests too deep.
pub fn parse_json(text: &[u8]) -> Result<Value, Malformed> {
    to_value(&parse(text).map_err(|_| Malformed)?, MAX_DEPTH)
}

/// What a page's value is to core; functions and the like are objects without fields.
pub(crate) fn to_value(value: &JsValue, levels: usize) -> Result<Value, Malformed> {
    let below = || levels.checked_sub(1).ok_or(Malformed);
    Ok(if value.is_null() || value.is_undefined() {
        Value::Null
    } else if let Some(value) = value.as_bool() {
        Value::Bool(value)
    } else if let Some(number) = value.as_f64() {
        // What a double cannot hold is no number to any other parser.
        Value::Number(Some(number).filter(|number| number.is_finite()).ok_or(Malformed)?)
    } else if value.is_string() {
        Value::String(Zeroizing::new(well_formed(value).ok_or(Malformed)?))
    } else if let Some(list) = value.dyn_ref::<Array>() {
        Value::List(list.iter().map(|value| to_value(&value, below()?)).collect::<Result<_, _>>()?)
    } else {
        let fields = Object::entries(value.unchecked_ref());
        let field = |entry: JsValue| {
            let entry: &Array = entry.unchecked_ref();
            let name = well_formed(&entry.get(0)).ok_or(Malformed)?;
            Ok((name, to_value(&entry.get(1), below()?)?))
        };
        Value::Map(fields.iter().map(field).collect::<Result<_, _>>()?)
    })
}

/// A text without lone surrogates, which no other parser would take.
fn well_formed(text: &JsValue) -> Option<String> {
    let text: &JsString = text.unchecked_ref();
    text.is_well_formed().then(|| text.into())
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
                // Setting a property of a new plain object cannot fail.
                let _ = Reflect::set(&object, &name.as_str().into(), &to_js(value));
            }
            object.into()
        }
    }
}

/// JSON text of `value`.
pub(crate) fn print_json(value: &Value) -> JsValue {
    // Only a cycle or a value without JSON could fail, and a `Value` has neither.
    JSON::stringify(&to_js(value)).map_or(JsValue::NULL, Into::into)
}
