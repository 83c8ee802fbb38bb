//! A person at a page that asks: opens it, reads the form, decides.

use std::io;

use http::header::{LOCATION, SET_COOKIE};

use crate::client;

/// What the person wants.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Click "Deny" instead of "Approve".
    pub denies: bool,
    /// Choose the first account whose label contains all of these; the preselected one if empty.
    pub account: Vec<String>,
    /// Type this code, if the page asks for one.
    pub code: Option<String>,
}

impl Person {
    /// Opens the page and decides; the answer is the heading of the last page, or the URL that the
    /// browser is sent to then.
    ///
    /// `url` is `verification_uri_complete`, or `verification_uri` for a person with a code, or an
    /// authorization URL.
    /// Fails when the page does not lead to a decision, and says what it showed.
    pub fn visit(&self, url: &str) -> io::Result<String> {
        let mut page = client::get(url).send()?;
        let mut text = page.text();
        if let (Some(code), Some(input)) = (&self.code, tag(&text, "input", "name", "user_code"))
            && attribute(input, "type").is_none()
        {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("user_code", code);
            let action = action(&text, url)?;
            page = client::get(&format!("{action}?{}", query.finish())).send()?;
            text = page.text();
        }
        if !page.status().is_success() {
            return Err(unexpected(&text));
        }

        let wanted = if self.denies { "deny" } else { "approve" };
        tag(&text, "button", "value", wanted).ok_or_else(|| unexpected(&text))?;
        let mut fields = vec![("decision".to_owned(), wanted.to_owned())];
        for input in tags(&text, "input") {
            if attribute(input, "type").as_deref() == Some("hidden")
                && let (Some(name), Some(value)) =
                    (attribute(input, "name"), attribute(input, "value"))
            {
                fields.push((name, value));
            }
        }
        fields.push(("account".to_owned(), self.choice(&text)?));

        let cookie = page.header(&SET_COOKIE).and_then(|cookie| cookie.split(';').next());
        let post = client::post(&action(&text, url)?);
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let page = post.cookie(cookie.unwrap_or_default()).form(fields).send()?;
        if let Some(location) = page.header(&LOCATION) {
            Ok(location.to_owned())
        } else if page.status().is_success() {
            Ok(heading(&page.text()))
        } else {
            Err(unexpected(&page.text()))
        }
    }

    fn choice(&self, page: &str) -> io::Result<String> {
        let radios = page.split("<label").filter_map(|label| {
            let (label, _) = label.split_once("</label>")?;
            let radio = tag(label, "input", "type", "radio")?;
            Some((radio, unescaped(label)))
        });
        let fits = |radio: &str, label: &str| match self.account.is_empty() {
            true => radio.contains(" checked"),
            false => self.account.iter().all(|part| label.contains(part.as_str())),
        };
        let mut fitting = radios.filter(|(radio, label)| fits(radio, label));
        let radio =
            fitting.next().ok_or_else(|| io::Error::other("no such account on the page"))?;
        Ok(attribute(radio.0, "value").unwrap_or_default())
    }
}

fn unexpected(page: &str) -> io::Error {
    let error = page.split_once("role=\"alert\">").and_then(|(_, rest)| rest.split_once('<'));
    let error = error.map(|(error, _)| unescaped(error));
    io::Error::other(format!("the page says: {}. {}", heading(page), error.unwrap_or_default()))
}

fn heading(page: &str) -> String {
    let rest = page.split_once("<h1>").map_or("", |(_, rest)| rest);
    unescaped(rest.split_once("</h1>").map_or("no heading", |(heading, _)| heading))
}

/// Where the page's form goes: always to the origin of `url`.
fn action(page: &str, url: &str) -> io::Result<String> {
    let form = tags(page, "form").next().ok_or_else(|| unexpected(page))?;
    let path = attribute(form, "action").filter(|path| path.starts_with('/'));
    let path = path.ok_or_else(|| io::Error::other("the form goes somewhere else"))?;
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(after_scheme..).unwrap_or_default();
    let end = after_scheme + rest.find(['/', '?', '#']).unwrap_or(rest.len());
    Ok(format!("{}{path}", url.get(..end).unwrap_or_default()))
}

/// The opening tags of one kind, without their angle brackets.
fn tags<'a>(page: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    page.split('<').filter_map(move |part| {
        let inside = part.strip_prefix(name)?;
        inside.starts_with(char::is_whitespace).then(|| inside.split('>').next().unwrap_or(inside))
    })
}

fn tag<'a>(page: &'a str, name: &'a str, key: &str, value: &str) -> Option<&'a str> {
    tags(page, name).find(|inside| attribute(inside, key).as_deref() == Some(value))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next().unwrap_or(rest)))
}

fn unescaped(html: &str) -> String {
    let html = html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    html.replace("&#39;", "'").replace("&amp;", "&")
}
