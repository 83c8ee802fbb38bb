//! Items of the Secret Service (freedesktop.org, Secret Service API Draft 0.2).
//!
//! The calls go over libdbus directly, because a whole process that reads one token is measured in
//! milliseconds: `Hello` and a first call leave in one go, then `OpenSession` and `SearchItems`, then
//! `GetSecret`.
//! And because prompts have to be ours to decide on: the crates above libdbus unlock on every call.
//!
//! The session is `plain`. The encrypted one costs three times the whole operation (10.4 ms against
//! 3.6 ms with gnome-keyring) and protects from nobody who could see these messages: the bus is a
//! Unix socket of this user's, its key exchange is not authenticated, and who can listen on it can
//! also ask for the item. Buses that are not Unix sockets are refused. What is given up is that the
//! bus's own process never has the secret in its memory.

mod messages;

use std::time::Duration;

use astropass_core::StoreError;
use dbus::Path;
use dbus::arg::{PropMap, RefArg, Variant};
use zeroize::Zeroizing;

use super::Prompt;
use super::bus::{Bus, Serial, fault};
use messages::{
    COLLECTION, ITEM, PROMPT, ROOT, SERVICE, attributes, call, create_item, is_gone, is_locked,
    is_none, read_alias, two, unreadable,
};

pub(super) const NAME: &str = "Secret Service";
/// The interface names none.
pub(super) const LIMIT: Option<usize> = None;

pub(super) fn check() -> Result<(), StoreError> {
    let mut secrets = Secrets::connect("", "", Prompt::Never)?;
    let collection = secrets.default_collection()?.ok_or_else(no_keyring)?;
    if secrets.is_locked(&collection)? {
        return Err(StoreError::Locked("its password is needed".to_owned()));
    }
    Ok(())
}

pub(super) fn read(
    service: &str,
    name: &str,
    prompt: Prompt,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let mut secrets = Secrets::connect(service, name, prompt)?;
    let session = secrets.open_session()?;
    let search = secrets.search()?;
    let session = secrets.session(&session)?;

    let mut found = secrets.found(&search)?;
    let item = match (found.unlocked.pop(), found.locked.pop()) {
        (Some(item), _) => item,
        (None, Some(item)) => {
            secrets.unlock(vec![item.clone()])?;
            item
        }
        (None, None) => return Ok(None),
    };
    match secrets.bus.call(call(item, ITEM, "GetSecret").append1(session))? {
        Ok(reply) => {
            let (_, _, secret, _) =
                reply.read1::<(Path<'_>, &[u8], &[u8], &str)>().map_err(unreadable)?;
            Ok(Some(Zeroizing::new(secret.to_vec())))
        }
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(fault(&error)),
    }
}

pub(super) fn write(
    service: &str,
    name: &str,
    secret: &[u8],
    prompt: Prompt,
) -> Result<(), StoreError> {
    let mut secrets = Secrets::connect(service, name, prompt)?;
    let session = secrets.open_session()?;
    let session = secrets.session(&session)?;

    // Not by the alias's own path: gnome-keyring resolves that on a thread that may read a name
    // which another one is replacing, as it does for each new client.
    let collection = match secrets.default_collection()? {
        Some(collection) => collection,
        None => secrets.create_default()?,
    };
    let create = || create_item(collection.clone(), service, name, &session, secret);
    let reply = match secrets.bus.call(create())? {
        Err(error) if is_locked(&error) => {
            secrets.unlock(vec![collection.clone()])?;
            secrets.bus.call(create())?
        }
        reply => reply,
    };
    let (_, prompt) = two::<Path<'static>>(reply)?;
    secrets.settle(&prompt)
}

pub(super) fn delete(service: &str, name: &str, prompt: Prompt) -> Result<(), StoreError> {
    let mut secrets = Secrets::connect(service, name, prompt)?;
    let search = secrets.search()?;
    let found = secrets.found(&search)?;
    if !found.locked.is_empty() {
        secrets.unlock(found.locked.clone())?;
    }
    for item in found.unlocked.into_iter().chain(found.locked) {
        match secrets.bus.call(call(item, ITEM, "Delete"))? {
            Ok(reply) => {
                let prompt = reply.read1::<Path<'static>>().map_err(unreadable)?;
                secrets.settle(&prompt)?;
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(fault(&error)),
        }
    }
    Ok(())
}

/// A conversation with the service about one item.
struct Secrets<'a> {
    bus: Bus,
    service: &'a str,
    name: &'a str,
    prompt: Prompt,
}

/// More than one if the user changed the default collection.
struct Found {
    unlocked: Vec<Path<'static>>,
    locked: Vec<Path<'static>>,
}

impl<'a> Secrets<'a> {
    /// Connects, and goes on only once the service knows this client.
    ///
    /// gnome-keyring (42 to 50) crashes if it gets to a client's call before its own note of that
    /// client. It takes the note of a message first, except now and then when the message arrives
    /// while it is at work, and a new connection gives it work: the bus announces each one. So the
    /// first call is one that needs no note, the alias that nobody has. By the time its reply is
    /// here, its note comes before whatever is sent next.
    fn connect(service: &'a str, name: &'a str, prompt: Prompt) -> Result<Self, StoreError> {
        let patience = match prompt {
            Prompt::Never => Duration::from_secs(3),
            Prompt::Allowed => Duration::from_secs(60),
        };
        let mut bus = Bus::connect(patience)?;
        // An error shows again in the calls that matter, or does not matter.
        let _ = bus.call(read_alias(""))?;
        Ok(Self { bus, service, name, prompt })
    }

    fn open_session(&self) -> Result<Serial, StoreError> {
        self.bus.post(call(ROOT, SERVICE, "OpenSession").append2("plain", Variant("")))
    }

    fn session(&mut self, opened: &Serial) -> Result<Path<'static>, StoreError> {
        let reply = self.bus.reply(opened)?.map_err(|error| fault(&error))?;
        let (_, session) =
            reply.read2::<Variant<Box<dyn RefArg>>, Path<'static>>().map_err(unreadable)?;
        Ok(session)
    }

    fn search(&self) -> Result<Serial, StoreError> {
        let attributes = attributes(self.service, self.name);
        self.bus.post(call(ROOT, SERVICE, "SearchItems").append1(attributes))
    }

    /// What a search found, or finds once nothing is hidden from it.
    fn found(&mut self, search: &Serial) -> Result<Found, StoreError> {
        let (unlocked, locked) = two::<Vec<Path<'static>>>(self.bus.reply(search)?)?;
        if unlocked.is_empty() && locked.is_empty() && self.unlock_default()? {
            let again = self.search()?;
            let (unlocked, locked) = two(self.bus.reply(&again)?)?;
            return Ok(Found { unlocked, locked });
        }
        Ok(Found { unlocked, locked })
    }

    /// Unlocks the default collection if it is locked, and says whether it was.
    ///
    /// An item that cannot be seen is not an item that is missing: some services (KeePassXC) hide
    /// those of a locked collection from a search, and have no collection at all while it is closed.
    fn unlock_default(&mut self) -> Result<bool, StoreError> {
        let collection = self.default_collection()?.ok_or_else(no_keyring)?;
        let locked = self.is_locked(&collection)?;
        if locked {
            self.unlock(vec![collection])?;
        }
        Ok(locked)
    }

    fn is_locked(&mut self, collection: &Path<'static>) -> Result<bool, StoreError> {
        let get = call(collection, "org.freedesktop.DBus.Properties", "Get");
        let reply = self.bus.call(get.append2(COLLECTION, "Locked"))?;
        let Variant(locked) =
            reply.map_err(|error| fault(&error))?.read1::<Variant<bool>>().map_err(unreadable)?;
        Ok(locked)
    }

    /// A default collection for a user who has none yet.
    ///
    /// Creating one asks for its password, and without a desktop that question counts as dismissed:
    /// a machine on which a Secret Service is installed but was never set up has no keyring.
    fn create_default(&mut self) -> Result<Path<'static>, StoreError> {
        let label: Box<dyn RefArg> = Box::new("Default keyring".to_owned());
        let properties = PropMap::from([(format!("{COLLECTION}.Label"), Variant(label))]);
        let create = call(ROOT, SERVICE, "CreateCollection").append2(properties, "default");
        let (_, prompt) = two::<Path<'static>>(self.bus.call(create)?)?;
        match self.ask(&prompt)? {
            Answer::Granted => self.default_collection()?.ok_or_else(no_keyring),
            Answer::Dismissed | Answer::NotAsked => Err(no_keyring()),
        }
    }

    fn default_collection(&mut self) -> Result<Option<Path<'static>>, StoreError> {
        let reply = self.bus.call(read_alias("default"))?.map_err(|error| fault(&error))?;
        let collection = reply.read1::<Path<'static>>().map_err(unreadable)?;
        Ok(Some(collection).filter(|path| !is_none(path)))
    }

    fn unlock(&mut self, objects: Vec<Path<'static>>) -> Result<(), StoreError> {
        let reply = self.bus.call(call(ROOT, SERVICE, "Unlock").append1(objects))?;
        let reply = reply.map_err(|error| fault(&error))?;
        let (_, prompt) = reply.read2::<Vec<Path<'_>>, Path<'static>>().map_err(unreadable)?;
        self.settle(&prompt)
    }

    /// Goes through with an operation that may depend on a prompt.
    fn settle(&mut self, prompt: &Path<'static>) -> Result<(), StoreError> {
        let why = match self.ask(prompt)? {
            Answer::Granted => return Ok(()),
            Answer::Dismissed => "its prompt was dismissed",
            Answer::NotAsked => "its password is needed, and this run may not ask for it",
        };
        Err(StoreError::Locked(why.to_owned()))
    }

    /// Shows the prompt on which the service makes an operation depend, if there is one.
    ///
    /// A prompt that is not told to show itself stays invisible, and ends with the connection.
    fn ask(&mut self, prompt: &Path<'static>) -> Result<Answer, StoreError> {
        if is_none(prompt) {
            return Ok(Answer::Granted);
        }
        if self.prompt == Prompt::Never {
            return Ok(Answer::NotAsked);
        }
        let rule = format!("type='signal',interface='{PROMPT}',member='Completed',path='{prompt}'");
        let subscribed = self.bus.subscribe(&rule)?;
        let shown = self.bus.post(call(prompt, PROMPT, "Prompt").append1(""))?;
        for serial in [subscribed, shown] {
            self.bus.reply(&serial)?.map_err(|error| fault(&error))?;
        }
        let completed = self.bus.wait(|message| {
            message.path().is_some_and(|path| path == *prompt)
                && message.member().is_some_and(|member| &*member == "Completed")
        });
        match completed {
            Ok(signal) if signal.read1::<bool>().map_err(unreadable)? => Ok(Answer::Dismissed),
            Ok(_) => Ok(Answer::Granted),
            Err(_) if self.bus.is_late() => {
                self.bus.post(call(prompt, PROMPT, "Dismiss"))?;
                Err(StoreError::Locked("nobody answered its prompt".to_owned()))
            }
            Err(error) => Err(error),
        }
    }
}

/// What became of a prompt.
enum Answer {
    Granted,
    Dismissed,
    NotAsked,
}

fn no_keyring() -> StoreError {
    StoreError::Absent("the user has no default keyring, and none was created".to_owned())
}
