use crate::wire::Value;

/// An organization of Astro cloud, or a workspace of either system.
///
/// The strings come from the server: pass them through [`printable`](crate::printable) first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id
    pub id: String,
    /// Its name, or else its id
    pub name: String,
}

impl Named {
    /// Reads an object with an `id` and a name in the field `name`; `None` if it has no id.
    pub fn read(value: &Value, name: &str) -> Option<Self> {
        let id = value.string("id").filter(|id| !id.is_empty())?;
        let name = value.string(name).filter(|name| !name.is_empty()).unwrap_or(id);
        Some(Self { id: id.to_owned(), name: name.to_owned() })
    }

    /// The stored form: `{id, name}`.
    pub fn to_value(&self) -> Value {
        let mut named = Value::Map(Vec::new());
        named.put("id", Some(self.id.as_str()));
        named.put("name", Some(self.name.as_str()));
        named
    }
}
