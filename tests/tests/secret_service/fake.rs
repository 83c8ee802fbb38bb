//! A scripted Secret Service: one collection with one item, and a prompt that is always granted.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use astropass_tests::sandbox::{NAME, ask_bus, on_the_bus};
use dbus::arg::{RefArg, Variant};
use dbus::{Message, MessageType, Path};

pub(crate) const SECRET: &[u8] = b"kept by the fake";

const COLLECTION: &str = "/org/freedesktop/secrets/collection/fake";
const ITEM: &str = "/org/freedesktop/secrets/collection/fake/1";
const UNLOCK: &str = "/org/freedesktop/secrets/prompt/unlock";
const DELETE: &str = "/org/freedesktop/secrets/prompt/delete";

/// What the service does in its own way. All but the last start locked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    /// It owns the name and answers nothing.
    Silent,
    ShowsLockedItems,
    HidesLockedItems,
    UnlocksWithoutPrompt,
    ConfirmsDeletion,
}

/// The service, on a thread that ends with the process.
pub(crate) struct Fake {
    prompts: Arc<AtomicUsize>,
}

impl Fake {
    /// Owns the service's name when it returns.
    pub(crate) fn start(manners: Manners) -> Self {
        let channel = on_the_bus();
        let owned = ask_bus(&channel, "RequestName", (NAME, 0u32)).unwrap();
        assert_eq!(owned.read1::<u32>().unwrap(), 1, "somebody else owns the name");

        let prompts = Arc::new(AtomicUsize::new(0));
        let mut script = Script {
            manners,
            locked: manners != Manners::ConfirmsDeletion,
            deleted: false,
            prompts: Arc::clone(&prompts),
        };
        std::thread::spawn(move || {
            while channel.read_write(None).is_ok() {
                while let Some(call) = channel.pop_message() {
                    if manners != Manners::Silent && call.msg_type() == MessageType::MethodCall {
                        for message in script.answer(&call) {
                            channel.send(message).unwrap();
                        }
                    }
                }
            }
        });
        Self { prompts }
    }

    /// How many prompts were shown.
    pub(crate) fn prompts(&self) -> usize {
        self.prompts.load(Ordering::SeqCst)
    }
}

struct Script {
    manners: Manners,
    locked: bool,
    deleted: bool,
    prompts: Arc<AtomicUsize>,
}

impl Script {
    fn answer(&mut self, call: &Message) -> Vec<Message> {
        let reply = call.method_return();
        let member = call.member().unwrap().to_string();
        let reply = match member.as_str() {
            "OpenSession" => reply.append2(Variant(""), path("/org/freedesktop/secrets/session/1")),
            "SearchItems" => {
                let attributes: HashMap<String, String> = call.read1().unwrap();
                assert_eq!(attributes["service"], "astropass");
                let (unlocked, locked) = self.found();
                reply.append2(unlocked, locked)
            }
            "ReadAlias" => reply.append1(path(COLLECTION)),
            "Get" => reply.append1(Variant(self.locked)),
            "Unlock" if self.manners == Manners::UnlocksWithoutPrompt => {
                self.locked = false;
                reply.append2(call.read1::<Vec<Path<'_>>>().unwrap(), path("/"))
            }
            "Unlock" if self.locked => reply.append2(Vec::<Path<'_>>::new(), path(UNLOCK)),
            "Unlock" => reply.append2(call.read1::<Vec<Path<'_>>>().unwrap(), path("/")),
            "GetSecret" if self.locked => return vec![is_locked(call)],
            "GetSecret" => {
                let session: Path<'_> = call.read1().unwrap();
                reply.append1((session, Vec::<u8>::new(), SECRET, "application/octet-stream"))
            }
            "Delete" => reply.append1(path(DELETE)),
            "Prompt" => return self.prompt(call),
            other => panic!("the fake has no {other}"),
        };
        vec![reply]
    }

    fn found(&self) -> (Vec<Path<'static>>, Vec<Path<'static>>) {
        let item = vec![path(ITEM)];
        match (self.deleted, self.locked, self.manners) {
            (true, _, _) | (false, true, Manners::HidesLockedItems) => (vec![], vec![]),
            (false, true, _) => (vec![], item),
            (false, false, _) => (item, vec![]),
        }
    }

    fn prompt(&mut self, call: &Message) -> Vec<Message> {
        self.prompts.fetch_add(1, Ordering::SeqCst);
        let prompt = call.path().unwrap().into_static();
        if *prompt == *DELETE {
            self.deleted = true;
        } else {
            self.locked = false;
        }
        let result: Box<dyn RefArg> = Box::new(vec![path(ITEM)]);
        let interface = "org.freedesktop.Secret.Prompt";
        let completed = Message::signal(&prompt, &interface.into(), &"Completed".into())
            .append2(false, Variant(result));
        vec![call.method_return(), completed]
    }
}

fn path(path: &'static str) -> Path<'static> {
    Path::from(path)
}

fn is_locked(call: &Message) -> Message {
    call.error(&"org.freedesktop.Secret.Error.IsLocked".into(), c"the item is locked")
}
