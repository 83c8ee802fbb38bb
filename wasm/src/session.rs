use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use astropass_core::flow::Prompt;
use astropass_core::wire::{MAX_DEPTH, Value, concat};
use astropass_core::{
    Credentials, Dialect, Endpoint, Endpoints, Error, Grant, Provider, Secret, discover,
    is_profile_name, printable,
};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use crate::bindings::{Host, call};
use crate::failure::to_js_error;
use crate::http::FetchHttp;
use crate::json::{to_js, to_value};
use crate::runtime::PageRuntime;
use crate::store::ProfileStore;
use crate::task::Task;

pub(crate) type Core = astropass_core::Session<FetchHttp, ProfileStore, PageRuntime>;

/// A session, as the npm package's `Astropass` has it.
#[wasm_bindgen]
pub struct Session(Rc<Inner>);

pub(crate) struct Inner {
    host: Host,
    /// What the profile is known by in the store.
    key: String,
    store: ProfileStore,
    /// As far as it is known without discovery.
    provider: Arc<Provider>,
    /// Whether a login asks the issuer for endpoints first.
    discovers: bool,
    /// Made as soon as all endpoints are known; made anew by a login.
    core: RefCell<Option<Arc<Core>>>,
}

#[wasm_bindgen]
impl Session {
    /// The session kept by `host`; nothing is read yet. `options` are the stored form of a
    /// [`Provider`], with `profile` and `discover`.
    pub fn open(options: &JsValue, host: JsValue) -> Result<Self, JsValue> {
        match Inner::open(options, host.unchecked_into()) {
            Ok(inner) => Ok(Self(Rc::new(inner))),
            Err(error) => Err(to_js_error(&error)),
        }
    }

    /// Tries the store, and whether it can be written if this is `thorough`; gives what keeps the
    /// database from being used, if anything does. Then the session is in this page only.
    pub fn start(&self, thorough: bool) -> Task {
        let inner = Rc::clone(&self.0);
        Task::new(async move {
            let problem = inner.store.start(thorough).await;
            Ok(problem.map_or(JsValue::UNDEFINED, |error| to_js_error(&error.into())))
        })
    }

    /// The access token where no I/O is needed to have it, else `undefined`.
    pub fn cached(&self) -> JsValue {
        let token = self.0.core.borrow().as_ref().and_then(|core| core.cached());
        token.map_or(JsValue::UNDEFINED, |token| token.expose_secret().into())
    }

    /// Gives an access token; `rejected` is one that a server answered 401 to, or `undefined`.
    pub fn token(&self, rejected: &JsValue) -> Task {
        let inner = Rc::clone(&self.0);
        let rejected = rejected.as_string();
        Task::new(async move {
            let core = inner.core().await?;
            let fresh = if rejected.is_none() { core.fresh().await? } else { None };
            let token = match fresh {
                Some(token) => token,
                None => core.refresh(rejected.map(Secret::new)).await?,
            };
            Ok(token.expose_secret().into())
        })
    }

    /// Gives `{user, organization, expiresAt, revision, over}` of the stored session; it is `over`
    /// where the server has ended it, or its token has expired and nothing renews it.
    pub fn credentials(&self) -> Task {
        let inner = Rc::clone(&self.0);
        Task::new(async move {
            let core = inner.core().await?;
            let found = core.credentials().await;
            if matches!(found, Err(Error::NotSignedIn)) {
                // The page is told so. Whoever signs in next, in any tab, is news to it; unless a
                // login has made another core meanwhile.
                inner.core.borrow_mut().take_if(|now| Arc::ptr_eq(now, &core));
            }
            let mut session = describe(&*found?);
            if let Some((revision, is_over)) = core.standing() {
                session.put("revision", Some(revision.0.as_str()));
                session.put("over", is_over.then_some(true));
            }
            Ok(to_js(&session))
        })
    }

    /// Signs in, up to the approval; gives the task that stores the session. `show` gets
    /// `{userCode, verificationUri, verificationUriComplete, expiresIn}`, and throws nothing.
    pub fn login(&self, show: JsValue) -> Task {
        let inner = Rc::clone(&self.0);
        Task::new(async move {
            let core = inner.core_for_login().await?;
            let grant = core.authorize_device(|prompt| call(&show, &prompt_to_js(&prompt))).await?;
            Ok(inner.establishing(core, grant).into())
        })
    }

    /// Signs out; gives whether the server confirmed it, or nothing where it has no way to.
    pub fn logout(&self) -> Task {
        let inner = Rc::clone(&self.0);
        Task::new(async move {
            let signed_out = inner.core().await?.logout().await?;
            Ok(signed_out.revoked.map_or(JsValue::UNDEFINED, |revoked| revoked.is_ok().into()))
        })
    }

    /// Goes on as a member of another organization (WorkOS).
    #[wasm_bindgen(js_name = switchOrganization)]
    pub fn switch_organization(&self, organization: String) -> Task {
        let inner = Rc::clone(&self.0);
        Task::new(async move {
            inner.core().await?.switch_organization(organization).await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}

impl Session {
    pub(crate) fn inner(&self) -> Rc<Inner> {
        Rc::clone(&self.0)
    }
}

impl Inner {
    fn open(options: &JsValue, host: Host) -> Result<Self, Error> {
        let options = to_value(options, MAX_DEPTH).unwrap_or(Value::Null);
        let profile = options.string("profile").unwrap_or_default();
        if !is_profile_name(profile) {
            return Err(Error::InvalidProfileName(profile.into()));
        }
        // The stored form has nothing to say about a URL that cannot be used.
        Endpoint::parse(options.string("issuer").unwrap_or_default())?;
        if let Some(Value::Map(endpoints)) = options.field("endpoints") {
            for (_, url) in endpoints {
                url.as_str().map(Endpoint::parse).transpose()?;
            }
        }
        // The npm package gives every field, with the right type.
        let mut provider = Provider::from_value(&options).ok_or(Error::Finished)?;
        if let Dialect::WorkOs(encoding) = provider.dialect {
            let base = Endpoint::parse(&provider.issuer)?;
            let known = Provider::workos(&base, &provider.client_id, encoding)?;
            provider.issuer = known.issuer;
            provider.endpoints.fill_gaps(known.endpoints);
        }
        let key = concat(&[profile, " ", &provider.issuer, " ", &provider.client_id]);
        Ok(Self {
            store: ProfileStore::new(&host, &key),
            key,
            host,
            provider: Arc::new(provider),
            discovers: matches!(options.field("discover"), Some(Value::Bool(true))),
            core: RefCell::default(),
        })
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Makes `grant`, which `core` was given, the session.
    pub(crate) async fn establish(&self, mut core: Core, grant: Box<Grant>) -> Result<(), Error> {
        if let Some(begun) = self.begun() {
            core.go_on_from(&begun);
        }
        // First: who is told of the new session looks at it at once, and the core before asks where
        // the provider was then.
        let core = self.begin(core);
        core.store().begin_login(&grant.access_token, core.provider());
        let established = core.establish(grant).await;
        core.store().end_login();
        established.map(drop)
    }

    /// The same as work that goes on when nobody waits for it any more.
    pub(crate) fn establishing(self: Rc<Self>, core: Core, grant: Box<Grant>) -> Task {
        Task::new(async move {
            self.establish(core, grant).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// The session's core, with the endpoints that were stored with it.
    async fn core(&self) -> Result<Arc<Core>, Error> {
        if let Some(core) = self.begun() {
            return Ok(core);
        }
        let provider = if self.discovers {
            let stored = self.store.provider().await?.ok_or(Error::NotSignedIn)?;
            self.with_endpoints(stored.endpoints)
        } else {
            Arc::clone(&self.provider)
        };
        // Another call may have come here meanwhile.
        Ok(self.begun().unwrap_or_else(|| self.begin(self.new_core(provider))))
    }

    /// The core of a login that was begun at `provider`, before the page went away.
    pub(crate) fn core_of(&self, provider: &Provider) -> Core {
        self.new_core(self.with_endpoints(provider.endpoints.clone()))
    }

    /// The core of a login, for which the issuer is asked again.
    pub(crate) async fn core_for_login(&self) -> Result<Core, Error> {
        let mut provider = Arc::clone(&self.provider);
        if self.discovers {
            let http = FetchHttp(self.host.clone());
            let runtime = PageRuntime(self.host.clone());
            provider = self.with_endpoints(discover(&http, &runtime, &provider.issuer).await?);
        }
        Ok(self.new_core(provider))
    }

    fn with_endpoints(&self, found: Endpoints) -> Arc<Provider> {
        let mut provider = Provider::clone(&self.provider);
        provider.endpoints.fill_gaps(found);
        Arc::new(provider)
    }

    fn begun(&self) -> Option<Arc<Core>> {
        self.core.borrow().clone()
    }

    #[allow(
        clippy::arc_with_non_send_sync,
        reason = "core takes an Arc, and a page has one thread"
    )]
    fn begin(&self, core: Core) -> Arc<Core> {
        let core = Arc::new(core);
        *self.core.borrow_mut() = Some(Arc::clone(&core));
        core
    }

    fn new_core(&self, provider: Arc<Provider>) -> Core {
        let http = FetchHttp(self.host.clone());
        Core::new(provider, http, self.store.clone(), PageRuntime(self.host.clone()))
    }
}

fn prompt_to_js(prompt: &Prompt) -> JsValue {
    let complete = prompt.verification_uri_complete.as_ref();
    let mut shown = Value::Map(Vec::new());
    shown.put("userCode", Some(prompt.user_code.as_str()));
    shown.put("verificationUri", Some(prompt.verification_uri.as_str()));
    shown.put("verificationUriComplete", complete.map(Endpoint::as_str));
    shown.put("expiresIn", Some(prompt.expires_in.as_secs()));
    to_js(&shown)
}

fn describe(credentials: &Credentials) -> Value {
    let mut session = Value::Map(Vec::new());
    let put = |to: &mut Value, name, text: Option<&str>| {
        to.put(name, text.map(printable).as_deref());
    };
    if let Some(user) = &credentials.user {
        let mut shape = Value::Map(Vec::new());
        put(&mut shape, "id", Some(&user.id));
        put(&mut shape, "email", user.email.as_deref());
        put(&mut shape, "name", user.name.as_deref());
        session.put("user", Some(shape));
    }
    put(&mut session, "organization", credentials.identity.organization.as_deref());
    session.put("expiresAt", credentials.expires_at().map(|at| Value::Number(at.as_unix() as f64)));
    session
}
