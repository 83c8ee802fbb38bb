use std::path::{Path, PathBuf};

use astropass_core::wire::Value;
use astropass_core::{
    Credentials, Endpoint, Endpoints, Error, Identity, Named, Provider, Request, StoreError,
    Stored, Timestamp, User, is_profile_name,
};

use crate::json::parse_json;
use crate::loopback::RedirectUri;
use crate::store::{Document, Folder, Notice, Notices, StoreChoice, StoreKind};

/// Everything that is stored for a user: the folder `.astro` and the profiles in it.
#[derive(Clone, Debug)]
pub struct Home {
    pub(crate) folder: Folder,
    pub(crate) notices: Notices,
}

/// What is stored of a profile, without its tokens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Its name
    pub name: String,
    /// Where it signs in
    pub provider: Option<Provider>,
    /// The endpoints of the provider that were set by hand
    pub endpoints: Endpoints,
    /// The redirect URI that is registered for its client, if browser logins need a certain one
    pub redirect_uri: Option<RedirectUri>,
    /// The API server that its tokens are for
    pub server: Option<Endpoint>,
    /// A CA certificate to trust besides the platform's
    pub ca_file: Option<PathBuf>,
    /// Where its logins are to keep tokens
    pub store_choice: StoreChoice,
    /// Where its tokens are; `None` if it is signed out
    pub store: Option<StoreKind>,
    /// Whose session it is; `None` if it is signed out
    pub identity: Option<Identity>,
    /// Who is, or with an older client was, signed in
    pub user: Option<User>,
    /// When the access token expires, if that is known
    pub expires_at: Option<Timestamp>,
    /// The user's accounts, as last heard
    pub accounts: Vec<Account>,
    /// The organization that was found at login, in Astro cloud
    pub organization: Option<Named>,
    /// The workspace that is used
    pub workspace: Option<Named>,
    /// The e-mail address that the last login was begun with
    pub email: Option<String>,
}

/// An account or organization of a user, as the API server's `/api/v1/me` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The API server's id
    pub id: String,
    /// For people
    pub name: String,
    /// `personal` or `organization`
    pub kind: Option<String>,
    /// The user's role in it
    pub role: Option<String>,
    /// The provider's id of the organization, where it is one
    pub organization: Option<String>,
}

impl Home {
    /// The folder `.astro` in the directory that `ASTRO_HOME` names, or in the user's home.
    ///
    /// # Errors
    /// If the system does not know a home directory.
    pub fn from_env() -> Result<Self, StoreError> {
        let named = std::env::var_os("ASTRO_HOME").filter(|name| !name.is_empty());
        match named.map(PathBuf::from).or_else(std::env::home_dir) {
            Some(parent) if !parent.as_os_str().is_empty() => Ok(Self::in_directory(&parent)),
            _ => Err(StoreError::Io("there is no home directory; set ASTRO_HOME".to_owned())),
        }
    }

    /// The folder `.astro` in `parent`.
    pub fn in_directory(parent: &Path) -> Self {
        let notices = Notices::default();
        Self { folder: Folder::new(parent.join(".astro"), notices.clone()), notices }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// All profiles, in the order in which they were begun.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn profiles(&self) -> Result<Vec<Profile>, StoreError> {
        let document = self.folder.document()?;
        Ok(document.names().into_iter().filter_map(|name| Profile::read(&document, name)).collect())
    }

    /// The profile `name`, if there is one.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn profile(&self, name: &str) -> Result<Option<Profile>, StoreError> {
        Ok(Profile::read(&*self.folder.document()?, name))
    }

    /// The profile that `program` (such as `ast`) uses unless told otherwise.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn current(&self, program: &str) -> Result<Option<String>, StoreError> {
        let document = self.folder.document()?;
        Ok(document.current(program).filter(|name| is_profile_name(name)).map(str::to_owned))
    }

    /// Makes `name` the profile that `program` uses.
    ///
    /// # Errors
    /// If the file cannot be changed.
    pub fn set_current(&self, program: &str, name: Option<&str>) -> Result<(), StoreError> {
        self.folder.update(|document| {
            document.set_current(program, name);
            Ok(())
        })
    }

    /// Forgets a signed-out profile and its settings. It is no program's current one any more.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if it is signed in; or if the file cannot be changed.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.folder.update(|document| {
            if document.revision(name).is_some() {
                return Err(StoreError::Changed);
            }
            document.remove_profile(name);
            Ok(())
        })
    }

    /// Notes in the profile `name`, where `user` is signed in, where in its system the user works.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if nobody or somebody else is signed in there by now; or if the file
    /// cannot be changed.
    pub fn set_workspace(
        &self,
        name: &str,
        user: &Identity,
        organization: Option<&Named>,
        workspace: Option<&Named>,
    ) -> Result<(), StoreError> {
        self.folder.update(|document| {
            let profile = document.profile_of(name, user)?;
            profile.set("organization", organization.map(Named::to_value));
            profile.set("workspace", workspace.map(Named::to_value));
            Ok(())
        })
    }

    /// Notes the e-mail address that a login of the profile `name` is begun with.
    ///
    /// # Errors
    /// If the file cannot be changed.
    pub fn set_email(&self, name: &str, email: &str) -> Result<(), StoreError> {
        self.folder.update(|document| {
            // One that was removed meanwhile is not begun anew.
            if document.profile(name).is_some() {
                document.profile_mut(name).set("email", Some(email.into()));
            }
            Ok(())
        })
    }

    /// Notes the accounts of `user` in the profile `name`, where he is signed in.
    ///
    /// # Errors
    /// As [`set_workspace`](Self::set_workspace).
    pub fn set_accounts(
        &self,
        name: &str,
        user: &Identity,
        accounts: &[Account],
    ) -> Result<(), StoreError> {
        self.folder.update(|document| {
            let accounts = accounts.iter().map(Account::to_value).collect();
            document.profile_of(name, user)?.set("accounts", Some(Value::List(accounts)));
            Ok(())
        })
    }

    /// What the stores of this home did on their own since the last call.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.notices.take()
    }
}

impl Profile {
    /// Whether `name` can name a profile: 1 to 242 letters, digits, `-`, `_` and `.`, beginning
    /// with a letter or digit and not ending with `.`.
    pub fn is_name(name: &str) -> bool {
        is_profile_name(name)
    }

    fn read(document: &Document, name: &str) -> Option<Self> {
        // What has another name was not made here: nothing can open it, and it may not be printable.
        let profile = document.profile(name).filter(|_| is_profile_name(name))?;
        // The tokens are left where they are: these stand for them.
        let no_tokens =
            Value::map([("version", Some(1.into())), ("access_token", Some("-".into()))]);
        let session = document.session(name).cloned().and_then(|session| {
            Credentials::from_stored(Stored { session, tokens: no_tokens }).ok()
        });
        let text = |name| profile.string(name).map(str::to_owned);
        let named = |field| Named::read(profile.field(field)?, "name");
        let former = profile.field("user").and_then(|user| {
            let text = |name| user.string(name).map(str::to_owned);
            Some(User { id: text("id")?, email: text("email"), name: text("name") })
        });
        let accounts = profile.field("accounts").and_then(Value::as_list).unwrap_or_default();
        Some(Self {
            name: name.to_owned(),
            provider: profile.field("provider").and_then(Provider::from_value),
            endpoints: profile
                .field("endpoints")
                .and_then(Endpoints::from_value)
                .unwrap_or_default(),
            redirect_uri: profile.string("redirect_uri").and_then(|uri| uri.parse().ok()),
            server: profile.string("server").and_then(|url| Endpoint::parse(url).ok()),
            ca_file: text("ca_file").map(PathBuf::from),
            store_choice: profile
                .string("store_choice")
                .and_then(|choice| choice.parse().ok())
                .unwrap_or_default(),
            store: profile.string("store").and_then(StoreKind::parse),
            expires_at: session.as_ref().and_then(Credentials::expires_at),
            identity: session.as_ref().map(|session| session.identity.clone()),
            user: session.and_then(|session| session.user).or(former),
            accounts: accounts.iter().filter_map(Account::from_value).collect(),
            organization: named("organization"),
            workspace: named("workspace"),
            email: text("email"),
        })
    }

    /// The account that the session is for: of its organization, else the personal one.
    pub fn account(&self) -> Option<&Account> {
        let organization = self.identity.as_ref()?.organization.as_ref();
        let by_organization = self.accounts.iter().find(|account| {
            organization.is_some() && account.organization.as_ref() == organization
        });
        by_organization.or_else(|| {
            let personal = |account: &&Account| account.kind.as_deref() == Some("personal");
            self.accounts.iter().find(personal).filter(|_| organization.is_none())
        })
    }
}

impl Account {
    /// The accounts in the answer of `/api/v1/me`.
    ///
    /// # Errors
    /// [`Error::MalformedResponse`] if it does not list accounts, or has more than 1 MiB: a profile
    /// is to hold them.
    pub fn list(body: &[u8]) -> Result<Vec<Self>, Error> {
        if body.len() > Request::MAX_BODY {
            return Err(Error::malformed("account list", "it has more than 1 MiB", 200));
        }
        let body = parse_json(body).ok();
        let accounts = body.as_ref().and_then(|body| body.field("accounts")?.as_list());
        let accounts = accounts
            .ok_or_else(|| Error::malformed("account list", "it lists no accounts", 200))?;
        Ok(accounts.iter().filter_map(Self::from_value).collect())
    }

    fn from_value(value: &Value) -> Option<Self> {
        let text = |name| value.string(name).map(str::to_owned);
        Some(Self {
            id: text("id")?,
            name: text("name")?,
            kind: text("type"),
            role: text("role"),
            organization: text("workos_org_id").filter(|id| !id.is_empty()),
        })
    }

    fn to_value(&self) -> Value {
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        Value::map([
            ("id", Some(self.id.as_str().into())),
            ("name", Some(self.name.as_str().into())),
            ("type", text(&self.kind)),
            ("role", text(&self.role)),
            ("workos_org_id", text(&self.organization)),
        ])
    }
}
