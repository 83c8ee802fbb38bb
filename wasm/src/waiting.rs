use astropass_core::flow::Pending;
use astropass_core::wire::{Value, concat};
use astropass_core::{StoreError, Timestamp};
use zeroize::Zeroizing;

use crate::bindings::{self, database, print, random_name, store_error, text};
use crate::json::{parse_json, to_js};
use crate::task::settled;

/// Logins of one profile that wait for the browser to come back.
///
/// They are in the page's database, wherever the session is: encrypted as that, under a name of
/// their own. All are one record, whose revision sees to it that each is taken by one page only.
pub(crate) struct Waiting(bindings::Store);

/// A login that was taken out, and what the page wanted to have back with it.
type Taken = (Pending, Option<String>);

impl Waiting {
    /// Those of the profile whose session is kept under `key`.
    pub(crate) fn new(key: &str) -> Self {
        // No profile has such a name.
        let name = concat(&["login: ", key]);
        Self(bindings::Store::new(&name, &database(), &"indexeddb".into()))
    }

    /// Adds one, and drops those that waited too long.
    pub(crate) async fn keep(
        &self,
        pending: &Pending,
        return_to: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        loop {
            let (revision, mut logins) = self.read().await?;
            logins.retain(|login| pending_of(login).is_some_and(|it| !it.has_expired(now)));
            let mut login = Value::Map(Vec::new());
            login.put("pending", Some(pending.to_value()));
            login.put("returnTo", return_to);
            logins.push(login);
            match self.write(revision, logins).await {
                // Another tab was here meanwhile.
                Err(StoreError::Changed) => {}
                written => return written,
            }
        }
    }

    /// Takes out the one that `callback` answers: nobody else gets it then.
    pub(crate) async fn take(&self, callback: &str) -> Result<Option<Taken>, StoreError> {
        loop {
            let (revision, mut logins) = self.read().await?;
            let answered = |login: &Value| Some(pending_of(login)?.is_answered_by(callback));
            let Some(at) = logins.iter().position(|login| answered(login) == Some(true)) else {
                return Ok(None);
            };
            let login = logins.remove(at);
            match self.write(revision, logins).await {
                Err(StoreError::Changed) => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    let return_to = login.string("returnTo").map(str::to_owned);
                    return Ok(pending_of(&login).map(|pending| (pending, return_to)));
                }
            }
        }
    }

    async fn read(&self) -> Result<(Option<String>, Vec<Value>), StoreError> {
        let found = match settled(self.0.read()).await.map_err(|error| store_error(&error)) {
            // It was set aside. What waited cannot be finished, but others can begin.
            Err(StoreError::Corrupt(_)) => return Ok((None, Vec::new())),
            found => found?,
        };
        let stored = text(&found, "text").map(Zeroizing::new);
        let logins = match stored.and_then(|text| parse_json(text.as_bytes()).ok()) {
            Some(Value::List(logins)) => logins,
            _ => Vec::new(),
        };
        Ok((text(&found, "revision"), logins))
    }

    async fn write(&self, expected: Option<String>, logins: Vec<Value>) -> Result<(), StoreError> {
        let text = print(&to_js(&Value::List(logins)));
        let saved = self.0.save(expected.as_deref(), &random_name(), &text);
        settled(saved).await.map(drop).map_err(|error| store_error(&error))
    }
}

fn pending_of(login: &Value) -> Option<Pending> {
    Pending::from_value(login.field("pending")?.clone())
}
