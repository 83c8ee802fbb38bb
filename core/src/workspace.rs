use crate::wire::Value;

/// An organization of Astro cloud.
///
/// The strings come from the server: pass them through [`printable`](crate::printable) first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id
    pub id: String,
    /// Its name, or else its id
    pub name: String,
}

/// A workspace of Astro cloud or of Astronomer Software.
///
/// The strings come from the server: pass them through [`printable`](crate::printable) first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its id
    pub id: String,
    /// Its name, or else its id
    pub name: String,
}

impl Organization {
    /// Reads `{id, name}`.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let (id, name) = id_and_name(value, "name")?;
        Some(Self { id, name })
    }
}

impl Workspace {
    /// Reads an object with an `id` and a name in the field `name`.
    pub(crate) fn read(value: &Value, name: &str) -> Option<Self> {
        let (id, name) = id_and_name(value, name)?;
        Some(Self { id, name })
    }
}

fn id_and_name(value: &Value, name: &str) -> Option<(String, String)> {
    let id = value.string("id").filter(|id| !id.is_empty())?;
    let name = value.string(name).filter(|name| !name.is_empty()).unwrap_or(id);
    Some((id.to_owned(), name.to_owned()))
}
