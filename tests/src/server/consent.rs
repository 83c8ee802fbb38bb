//! The page of the authorization code flow: who asks, for what, as whom, and yes or no.

use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName};

use super::authorization::Authorization;
use super::options::Approval;
use super::page::{accounts, chosen, escaped, form_cookie, is_own_form, page, policy, set_cookie};
use super::params::Params;
use super::reply::{Refusal, Reply};
use super::state::{Call, State};

const TITLE: &str = "Sign in";

/// Asks about `login`, which will be known as `id`.
pub(super) fn ask(
    state: &State,
    call: &Call<'_>,
    id: &str,
    login: &Authorization,
) -> Result<Reply, Refusal> {
    let cookie = form_cookie(state, call)?;
    let app = state.options.clients.iter().find(|known| known.id == login.client);
    let app = app.map_or(&login.client, |known| &known.name);
    let scopes = match login.scopes.join(" ").as_str() {
        "" => String::new(),
        scopes => format!("<p>It asks for: <strong>{}</strong>.</p>", escaped(scopes)),
    };
    let origin = origin(&login.redirect_uri);
    let text = format!(
        r#"<p><strong>{app}</strong> asks to sign in as you, and gets the answer at
<strong>{origin}</strong>.</p>
{scopes}
<form method="post" action="{path}">
<input type="hidden" name="form" value="{form}">
<input type="hidden" name="login" value="{id}">
<fieldset>
<legend>Sign in as</legend>
{accounts}</fieldset>
<div class="buttons">
<button name="decision" value="approve">Approve</button>
<button name="decision" value="deny" class="second">Deny</button>
</div>
</form>"#,
        app = escaped(app),
        origin = escaped(origin),
        path = call.request.uri().path(),
        form = state.mint.form_token(&cookie, id),
        accounts = accounts(state, login.login_hint.as_deref(), login.organization.as_deref()),
    );
    let reply = page(StatusCode::OK, TITLE, &text)
        // Chromium holds a form's policy against the redirect that answers it, too.
        .header(CONTENT_SECURITY_POLICY, &policy(&format!("'self' {origin}")));
    let reply = match &state.options.opener_policy {
        Some(policy) => reply.header(HeaderName::from_static("cross-origin-opener-policy"), policy),
        None => reply,
    };
    Ok(set_cookie(state, reply, &cookie))
}

/// Why nobody is asked, and nobody is sent anywhere.
pub(super) fn refused(error: &str, description: &str) -> Reply {
    let text = format!("<p role=\"alert\">{}</p>", escaped(description));
    page(StatusCode::BAD_REQUEST, "This sign-in cannot begin", &text).outcome(error)
}

/// `POST` to where the page came from: the decision, and the way back to the client.
pub(super) fn decide(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let params = Params::form(call.request)?;
    let id = params.required("login")?;
    if !is_own_form(state, call, &params, id) {
        let text = "<p>This form was not made for this browser. Start the sign-in again.</p>";
        return Ok(page(StatusCode::FORBIDDEN, "Not accepted", text).outcome("foreign_form"));
    }
    let Some(login) = state.login(id, call.now).cloned() else {
        let text = "<p role=\"alert\">This sign-in was already decided, or it took too long. \
                    Start it again.</p>";
        return Ok(page(StatusCode::BAD_REQUEST, "Over", text).outcome("unknown_login"));
    };
    let reply = match params.optional("decision") {
        Some("approve") => {
            let approval: Approval = chosen(&params);
            state.approve_login(login, approval, call.now)?
        }
        Some("deny") => state.deny_login(&login),
        _ => return Err(Refusal::invalid_request("decision is neither approve nor deny")),
    };
    state.logins.remove(id);
    Ok(reply)
}

/// `http://127.0.0.1:8080` of a URL there.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(host..).unwrap_or_default();
    let end = host + rest.find(['/', '?', '#']).unwrap_or(rest.len());
    url.get(..end).unwrap_or(url)
}
