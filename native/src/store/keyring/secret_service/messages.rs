//! The messages of the Secret Service: what is sent, and how a reply is read.

use std::collections::HashMap;

use astropass_core::StoreError;
use dbus::arg::{Arg, Get, PropMap, RefArg, TypeMismatchError, Variant};
use dbus::{Error, Message, Path};

use crate::store::keyring::bus::fault;

pub(super) const ROOT: &str = "/org/freedesktop/secrets";
pub(super) const SERVICE: &str = "org.freedesktop.Secret.Service";
pub(super) const COLLECTION: &str = "org.freedesktop.Secret.Collection";
pub(super) const ITEM: &str = "org.freedesktop.Secret.Item";
pub(super) const PROMPT: &str = "org.freedesktop.Secret.Prompt";

pub(super) fn create_item(
    collection: Path<'static>,
    service: &str,
    name: &str,
    session: &Path<'static>,
    secret: &[u8],
) -> Message {
    let profile = name.split('/').next().unwrap_or(name);
    let label: Box<dyn RefArg> = Box::new(format!("{service}: {profile}"));
    let attributes: Box<dyn RefArg> = Box::new(attributes(service, name));
    let properties = PropMap::from([
        (format!("{ITEM}.Label"), Variant(label)),
        (format!("{ITEM}.Attributes"), Variant(attributes)),
    ]);
    let no_parameters: &[u8] = &[];
    let secret = (session.clone(), no_parameters, secret, "application/octet-stream");
    let replace = true;
    call(collection, COLLECTION, "CreateItem").append3(properties, secret, replace)
}

pub(super) fn read_alias(name: &str) -> Message {
    call(ROOT, SERVICE, "ReadAlias").append1(name)
}

/// What an item is found by, as the keyring family of crates has it.
pub(super) fn attributes(service: &str, name: &str) -> HashMap<String, String> {
    HashMap::from([
        ("service".to_owned(), service.to_owned()),
        ("username".to_owned(), name.to_owned()),
    ])
}

pub(super) fn call<'p>(object: impl Into<Path<'p>>, interface: &str, method: &str) -> Message {
    Message::call_with_args("org.freedesktop.secrets", object, interface, method, ())
}

/// The two results of one type that a reply has.
pub(super) fn two<T>(reply: Result<Message, Error>) -> Result<(T, T), StoreError>
where
    T: Arg + for<'z> Get<'z>,
{
    reply.map_err(|error| fault(&error))?.read2::<T, T>().map_err(unreadable)
}

pub(super) fn unreadable(_: TypeMismatchError) -> StoreError {
    StoreError::Unavailable("the Secret Service's reply has another form than specified".to_owned())
}

/// `/` stands for no object (Secret Service API, "Prompts and Prompting").
pub(super) fn is_none(path: &Path<'_>) -> bool {
    &**path == "/"
}

pub(super) fn is_locked(error: &Error) -> bool {
    error.name() == Some("org.freedesktop.Secret.Error.IsLocked")
}

pub(super) fn is_gone(error: &Error) -> bool {
    matches!(
        error.name(),
        Some(
            "org.freedesktop.Secret.Error.NoSuchObject"
                | "org.freedesktop.DBus.Error.UnknownObject"
                | "org.freedesktop.DBus.Error.UnknownMethod"
        )
    )
}
