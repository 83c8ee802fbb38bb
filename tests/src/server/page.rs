//! The page where a person types the code, sees who asks, and decides; and what every page is made
//! of. Plain HTML, no script.

use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HeaderName, ORIGIN, REFERRER_POLICY, SET_COOKIE,
};

use super::device::{hyphenated, normalized};
use super::options::{Approval, Organization, User};
use super::params::Params;
use super::reply::{Refusal, Reply};
use super::state::{Call, State};
use super::token::CryptoFailed;

const STYLE: &str = include_str!("page.css");

/// Names the browser that a form was sent to. The value is nothing but random.
const COOKIE_NAME: &str = "form";

/// `GET /device`: asks for the code, or, with one in the query, for the decision.
pub(super) fn show(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let params = Params::query(call.request)?;
    match params.optional("user_code") {
        None => Ok(code_form(StatusCode::OK, "", None)),
        Some(typed) => match state.pending(typed, call.now) {
            None => Ok(unknown_code(typed)),
            Some(device) => {
                let (code, client) = (device.user_code.clone(), device.client.clone());
                let scopes = device.scopes.join(" ");
                decision_form(state, call, &code, &client, &scopes)
            }
        },
    }
}

/// `POST /device`: the decision. The form must have come from this server to this browser.
pub(super) fn decide(state: &mut State, call: &Call<'_>) -> Result<Reply, Refusal> {
    let params = Params::form(call.request)?;
    let code = params.required("user_code")?;
    if !is_own_form(state, call, &params, &normalized(code)) {
        let text = "<p>This form was not made for this browser. Open the page again.</p>";
        let reply = page(StatusCode::FORBIDDEN, "Not accepted", text);
        return Ok(reply.outcome("foreign_form"));
    }
    let (done, outcome, title, text) = match params.optional("decision") {
        Some("approve") => {
            let done = state.approve(code, &chosen(&params), call.now);
            (done, "approved", "Signed in", "You can go back to your device.")
        }
        Some("deny") => {
            let done = state.deny(code, call.now);
            (done, "denied", "Denied", "Your device was not signed in.")
        }
        _ => return Err(Refusal::invalid_request("decision is neither approve nor deny")),
    };
    match done {
        Ok(()) => {
            let text = format!("<p role=\"status\">{text} This page can be closed.</p>");
            Ok(page(StatusCode::OK, title, &text).outcome(outcome))
        }
        Err(error) => Ok(code_form(StatusCode::BAD_REQUEST, "", Some(&error.to_string()))),
    }
}

fn unknown_code(typed: &str) -> Reply {
    let error =
        "This code is not known, was already used, or has expired. Compare it with your device.";
    code_form(StatusCode::NOT_FOUND, typed, Some(error)).outcome("unknown_code")
}

fn code_form(status: StatusCode, typed: &str, error: Option<&str>) -> Reply {
    let (message, invalid) = match error {
        Some(error) => (
            format!("<p class=\"error\" id=\"error\" role=\"alert\">{}</p>", escaped(error)),
            " aria-invalid=\"true\" aria-describedby=\"error\"",
        ),
        None => (String::new(), ""),
    };
    let text = format!(
        r#"<p>Type the code that your device shows.</p>
{message}
<form method="get" action="/device">
<label for="user_code">Code</label>
<input id="user_code" name="user_code" value="{typed}" required autofocus autocomplete="off"
 autocapitalize="characters" spellcheck="false" placeholder="ABCD-EFGH"{invalid}>
<div class="buttons"><button>Continue</button></div>
</form>"#,
        typed = escaped(typed),
    );
    page(status, "Connect a device", &text)
}

fn decision_form(
    state: &State,
    call: &Call<'_>,
    code: &str,
    client: &str,
    scopes: &str,
) -> Result<Reply, Refusal> {
    let cookie = form_cookie(state, call)?;
    let app = state.options.clients.iter().find(|known| known.id == client);
    let app = escaped(app.map_or(client, |known| &known.name));
    let scopes = match scopes {
        "" => String::new(),
        scopes => format!("<p>It asks for: <strong>{}</strong>.</p>", escaped(scopes)),
    };
    let text = format!(
        r#"<p><strong>{app}</strong> asks to sign in as you. Does your device show this code?</p>
<p class="code">{shown}</p>
<p>Only go on if you started this yourself, just now.</p>
{scopes}
<form method="post" action="/device">
<input type="hidden" name="form" value="{form}">
<input type="hidden" name="user_code" value="{shown}">
<fieldset>
<legend>Sign in as</legend>
{accounts}</fieldset>
<div class="buttons">
<button name="decision" value="approve">Approve</button>
<button name="decision" value="deny" class="second">Deny</button>
</div>
</form>"#,
        shown = hyphenated(code),
        form = state.mint.form_token(&cookie, code),
        accounts = accounts(state, None, None),
    );
    Ok(set_cookie(state, page(StatusCode::OK, "Connect a device", &text), &cookie))
}

/// One radio button for each user and account; its value is `USER ORGANIZATION`. Chosen already is
/// the user with this e-mail address, or the first one, in this organization, or in none.
pub(super) fn accounts(state: &State, email: Option<&str>, organization: Option<&str>) -> String {
    let users = &state.options.users;
    let hinted = users.iter().find(|user| Some(user.email.as_str()) == email);
    let hinted = hinted.or(users.first());
    let member = |id: &&str| hinted.is_some_and(|user| user.role(id).is_some());
    let within = organization.filter(member).unwrap_or_default();
    let mut html = String::new();
    for user in users {
        let checked = |id: &str| hinted == Some(user) && within == id;
        html.push_str(&account(user, "", "personal account", checked("")));
        for Organization { id, name } in &state.options.organizations {
            if user.role(id).is_some() {
                html.push_str(&account(user, id, name, checked(id)));
            }
        }
    }
    html
}

/// The account that was chosen among them.
pub(super) fn chosen(params: &Params) -> Approval {
    let account = params.optional("account").unwrap_or_default();
    let (user, organization) = account.split_once(' ').unwrap_or((account, ""));
    Approval {
        user: Some(user.to_owned()),
        organization: (!organization.is_empty()).then(|| organization.to_owned()),
    }
}

fn account(user: &User, organization: &str, name: &str, checked: bool) -> String {
    let value = format!("{} {organization}", user.id);
    format!(
        "<label class=\"choice\"><input type=\"radio\" name=\"account\" value=\"{value}\"{checked} \
         required> {person}, {name}</label>\n",
        value = escaped(value.trim_end()),
        checked = if checked { " checked" } else { "" },
        person = escaped(&user.name()),
        name = escaped(name),
    )
}

pub(super) fn page(status: StatusCode, title: &str, text: &str) -> Reply {
    let html = format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{text}
</main>
</body>
</html>
"#
    );
    Reply::new(status, "text/html; charset=utf-8", html)
        .header(CACHE_CONTROL, "no-store")
        .header(CONTENT_SECURITY_POLICY, &policy("'self'"))
        // Not `no-referrer`, under which browsers send the form with `Origin: null`.
        .header(REFERRER_POLICY, "same-origin")
        .header(HeaderName::from_static("x-content-type-options"), "nosniff")
}

/// What a page may do: nothing but send its form.
pub(super) fn policy(form_action: &str) -> String {
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; form-action {form_action}; \
         frame-ancestors 'none'; base-uri 'none'"
    )
}

/// What the browser is known by, or will be.
pub(super) fn form_cookie(state: &State, call: &Call<'_>) -> Result<String, CryptoFailed> {
    cookie(call).map_or_else(|| state.mint.id("form"), |cookie| Ok(cookie.to_owned()))
}

pub(super) fn set_cookie(state: &State, reply: Reply, cookie: &str) -> Reply {
    let secure = if state.url.starts_with("https:") { "; Secure" } else { "" };
    let set = format!("{COOKIE_NAME}={cookie}; Path=/; HttpOnly; SameSite=Strict{secure}");
    reply.header(SET_COOKIE, &set)
}

/// Whether the form about `subject` came from this server to this browser.
pub(super) fn is_own_form(state: &State, call: &Call<'_>, params: &Params, subject: &str) -> bool {
    let cookie = cookie(call).unwrap_or_default();
    let form = params.optional("form").unwrap_or_default();
    let origin = call.request.headers().get(ORIGIN).map(|origin| origin.as_bytes());
    origin.is_none_or(|origin| origin == state.url.as_bytes())
        && state.mint.is_form_token(form, cookie, subject)
}

fn cookie<'a>(call: &Call<'a>) -> Option<&'a str> {
    let cookies = call.request.headers().get(COOKIE)?.to_str().ok()?;
    let pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.into_iter().find(|(name, _)| *name == COOKIE_NAME)?.1;
    // It goes back into a header and is the key of nothing else, so only its alphabet matters.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!value.is_empty() && value.len() <= 64 && value.chars().all(plain)).then_some(value)
}

pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}
