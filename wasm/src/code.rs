//! Signing in with the authorization code flow: by leaving the page, or in a window of its own.

use astropass_core::flow::{Entropy, Pending};
use astropass_core::wire::{MAX_DEPTH, Value};
use astropass_core::{Dialect, Endpoint, Error, Runtime};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroizing;

use crate::bindings::{call, fill_random};
use crate::json::{to_js, to_value};
use crate::session::{Core, Session};
use crate::task::{Task, settled};
use crate::waiting::Waiting;

#[wasm_bindgen]
impl Session {
    /// Begins a login that leaves the page, and gives the URL to go to. `asked` is
    /// `{redirectUri, loginHint, organization, parameters, returnTo}`.
    #[wasm_bindgen(js_name = beginRedirect)]
    pub fn begin_redirect(&self, asked: &JsValue) -> Task {
        let (inner, asked) = (self.inner(), read(asked));
        Task::new(async move {
            let core = inner.core_for_login().await?;
            let (url, pending) = begin(&core, &asked).await?;
            let now = core.runtime().wall();
            Waiting::new(inner.key()).keep(&pending, asked.string("returnTo"), now).await?;
            Ok(url.as_str().into())
        })
    }

    /// Ends the login that the URL `callback` answers, and gives `{returnTo}`; nothing if no login
    /// of this profile waits for it.
    #[wasm_bindgen(js_name = finishRedirect)]
    pub fn finish_redirect(&self, callback: String) -> Task {
        let inner = self.inner();
        Task::new(async move {
            let taken = Waiting::new(inner.key()).take(&callback).await?;
            let Some((pending, return_to)) = taken else { return Ok(JsValue::UNDEFINED) };
            let core = inner.core_of(pending.provider());
            let grant = core.redeem(pending, &callback).await?;
            inner.establish(core, grant).await?;
            let mut result = Value::Map(Vec::new());
            result.put("returnTo", return_to.as_deref());
            Ok(to_js(&result))
        })
    }

    /// Signs in by a window, up to the grant; gives the task that stores the session. `visit` gets
    /// `{url, expiresIn}`, and throws nothing; `answer` is of the URL that the window comes back to,
    /// or of nothing.
    #[wasm_bindgen(js_name = loginWithPopup)]
    pub fn login_with_popup(&self, asked: &JsValue, visit: JsValue, answer: Promise) -> Task {
        let (inner, asked) = (self.inner(), read(asked));
        Task::new(async move {
            let core = inner.core_for_login().await?;
            let (url, pending) = begin(&core, &asked).await?;
            let mut shape = Value::Map(Vec::new());
            shape.put("url", Some(url.as_str()));
            shape.put("expiresIn", Some(Pending::LIFETIME));
            call(&visit, &to_js(&shape));
            let callback = settled(answer).await.ok().and_then(|url| url.as_string());
            let grant = core.redeem(pending, &callback.ok_or(Error::LoginExpired)?).await?;
            Ok(inner.establishing(core, grant).into())
        })
    }
}

/// What the npm package asks for. It gives texts, and an object of texts.
fn read(asked: &JsValue) -> Value {
    to_value(asked, MAX_DEPTH).unwrap_or(Value::Null)
}

async fn begin(core: &Core, asked: &Value) -> Result<(Endpoint, Pending), Error> {
    core.prepare_login().await?;
    let organization = match core.provider().dialect {
        Dialect::WorkOs(_) => "organization_id",
        _ => "organization",
    };
    let mut parameters = Vec::new();
    for (name, value) in
        [("login_hint", asked.string("loginHint")), (organization, asked.string("organization"))]
    {
        parameters.extend(value.map(|value| (name, value)));
    }
    if let Some(Value::Map(fields)) = asked.field("parameters") {
        for (name, value) in fields {
            parameters.extend(value.as_str().map(|value| (name.as_str(), value)));
        }
    }
    let mut entropy: Entropy = Zeroizing::new([0; 48]);
    fill_random(&mut *entropy);
    let redirect_uri = asked.string("redirectUri").unwrap_or_default();
    core.begin_code(redirect_uri, &parameters, &entropy)
}
