use super::{Flow, is_id, success};
use crate::flow::{Action, Input};
use crate::provider::bearer;
use crate::wire::{ParseJson, Value, concat};
use crate::{Endpoint, Error, Instant, InvalidUrl, Named, Request, Response, Secret, User};

/// Asks Astro cloud who is signed in, in which organization, and for its workspaces.
///
/// ```text
/// Start ─send→ User ─an id is known, send→ Organization ─answer, send→ Workspaces ─last page→ Ended
///               │                              └─403, 404, send→ Organizations  └─page, send→ Workspaces
///               └─none is known, send→ Organizations ─answer, send→ Workspaces
///                                                     └─there is none→ Ended
/// ```
#[derive(Debug)]
pub struct Account {
    api: Endpoint,
    access_token: Secret,
    organization: Option<String>,
    parse: ParseJson,
    state: State,
}

/// What a user has at Astro cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Who is signed in; the `username` is the e-mail address.
    pub user: User,
    /// The organization, unless the user is in none.
    pub organization: Option<Named>,
    /// The organization's workspaces that the user may see.
    pub workspaces: Vec<Named>,
}

#[derive(Debug)]
enum State {
    Start,
    User,
    Organization(User),
    Organizations(User),
    /// What is known so far, and how many pages of it were answered.
    Workspaces(Box<Membership>, u64),
    Ended,
}

/// Workspaces a page. The API gives 20 unless it is asked for more, and a page of the largest
/// number that it allows may be larger than a response may be here.
const PAGE: &str = "100";
/// Where a server that says that there are always more is not asked again.
const MOST_WORKSPACES: u64 = 10_000;
/// The same in pages, since there may be next to nothing on each.
const MOST_PAGES: u64 = 100;
/// The same in bytes of ids and names.
const MOST_TEXT: usize = Request::MAX_BODY;

impl Account {
    /// Asks `api`, such as `https://api.astronomer.io`, with `access_token`.
    ///
    /// `organization` is the id of the one used last; where it is not known the user's own is taken,
    /// and where he is not in it any more, the first.
    pub fn new(
        api: &Endpoint,
        access_token: Secret,
        organization: Option<String>,
        parse: ParseJson,
    ) -> Self {
        Self { api: api.clone(), access_token, organization, parse, state: State::Start }
    }

    fn request(&self, path: &[&str], fields: &[(&str, &str)]) -> Result<Box<Request>, Error> {
        let mut endpoint = self.api.join(&concat(path))?;
        if !fields.is_empty() {
            endpoint = endpoint.with_fields(fields)?;
        }
        let mut request = Request::fetch(endpoint);
        request.authorization = Some(bearer(&self.access_token));
        Ok(request)
    }

    fn read(&self, of: &'static str, response: &Response) -> Result<Value, Error> {
        success(of, response, self.parse, &[&self.access_token])
    }

    /// The user, whose organization is taken unless another one was named.
    fn user(&mut self, response: &Response) -> Result<User, Error> {
        const OF: &str = "user";
        let body = self.read(OF, response)?;
        let text = |name| body.string(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let id = text("id").ok_or_else(|| Error::malformed(OF, "it has no id", 200))?;
        self.organization = self.organization.take().or_else(|| text("organizationId"));
        Ok(User { id, email: text("username"), name: text("fullName") })
    }

    fn ask_organization(&self, user: User) -> Result<(State, Action<Membership>), Error> {
        let Some(id) = &self.organization else { return self.ask_organizations(user) };
        let request = self.request(&["v1/organizations/", checked(id)?], &[])?;
        Ok((State::Organization(user), Action::Send(request)))
    }

    fn ask_organizations(&self, user: User) -> Result<(State, Action<Membership>), Error> {
        let request = self.request(&["v1/organizations"], &[("limit", PAGE)])?;
        Ok((State::Organizations(user), Action::Send(request)))
    }

    fn organization(&self, response: &Response) -> Result<Named, Error> {
        const OF: &str = "organization";
        let body = self.read(OF, response)?;
        Named::read(&body, "name").ok_or_else(|| Error::malformed(OF, "it has no id", 200))
    }

    fn first_organization(&self, response: &Response) -> Result<Option<Named>, Error> {
        const OF: &str = "list of organizations";
        let body = self.read(OF, response)?;
        let list = body.field("organizations").and_then(Value::as_list);
        let list = list.ok_or_else(|| Error::malformed(OF, "it has no organizations", 200))?;
        let Some(first) = list.first() else { return Ok(None) };
        let first = Named::read(first, "name");
        first.map(Some).ok_or_else(|| Error::malformed(OF, "one has no id", 200))
    }

    fn ask_workspaces(
        &self,
        user: User,
        organization: Named,
    ) -> Result<(State, Action<Membership>), Error> {
        let request = self.workspaces_request(&organization.id, 0)?;
        let workspaces = Vec::new();
        let known = Membership { user, organization: Some(organization), workspaces };
        Ok((State::Workspaces(Box::new(known), 0), Action::Send(request)))
    }

    fn workspaces_request(&self, id: &str, offset: u64) -> Result<Box<Request>, Error> {
        let path = ["v1/organizations/", checked(id)?, "/workspaces"];
        match offset {
            0 => self.request(&path, &[("limit", PAGE)]),
            _ => self.request(&path, &[("limit", PAGE), ("offset", &offset.to_string())]),
        }
    }

    /// Takes a page over, and asks for the next one if there is one.
    fn workspaces(
        &self,
        mut known: Box<Membership>,
        pages: u64,
        response: &Response,
    ) -> Result<(State, Action<Membership>), Error> {
        const OF: &str = "list of workspaces";
        let body = self.read(OF, response)?;
        let list = body.field("workspaces").and_then(Value::as_list);
        let list = list.ok_or_else(|| Error::malformed(OF, "it has no workspaces", 200))?;
        for workspace in list {
            let workspace = Named::read(workspace, "name");
            known
                .workspaces
                .push(workspace.ok_or_else(|| Error::malformed(OF, "one has no id", 200))?);
        }
        let (seen, pages) = (known.workspaces.len() as u64, pages + 1);
        let text = known.workspaces.iter().map(|it| it.id.len() + it.name.len()).sum::<usize>();
        let total = body.seconds("totalCount").unwrap_or_default().min(MOST_WORKSPACES);
        let is_last = list.is_empty() || seen >= total || pages >= MOST_PAGES || text >= MOST_TEXT;
        match &known.organization {
            Some(organization) if !is_last => {
                let request = self.workspaces_request(&organization.id, seen)?;
                Ok((State::Workspaces(known, pages), Action::Send(request)))
            }
            _ => Ok((State::Ended, Action::Done(*known))),
        }
    }
}

/// `id`, if it can be a part of a path: another one could lead the token elsewhere.
fn checked(id: &str) -> Result<&str, InvalidUrl> {
    if is_id(id) { Ok(id) } else { Err(InvalidUrl::NOT_AN_ID) }
}

impl Flow for Account {
    type Output = Membership;

    fn step(&mut self, input: Input, _now: Instant) -> Result<Action<Membership>, Error> {
        let (state, action) = match (std::mem::replace(&mut self.state, State::Ended), input) {
            (State::Start, Input::Tick) => {
                // A first login makes the user.
                let request = self.request(&["v1/users/self"], &[("createIfNotExist", "true")])?;
                (State::User, Action::Send(request))
            }
            (State::User, Input::Response(response)) => {
                let user = self.user(&*response?)?;
                self.ask_organization(user)?
            }
            (State::Organization(user), Input::Response(Ok(response)))
                if matches!(response.status, 403 | 404) =>
            {
                self.ask_organizations(user)?
            }
            (State::Organization(user), Input::Response(response)) => {
                self.ask_workspaces(user, self.organization(&*response?)?)?
            }
            (State::Organizations(user), Input::Response(response)) => {
                match self.first_organization(&*response?)? {
                    Some(organization) => self.ask_workspaces(user, organization)?,
                    None => {
                        let (organization, workspaces) = (None, Vec::new());
                        let known = Membership { user, organization, workspaces };
                        (State::Ended, Action::Done(known))
                    }
                }
            }
            (State::Workspaces(known, pages), Input::Response(response)) => {
                self.workspaces(known, pages, &*response?)?
            }
            (State::Ended, _) => return Err(Error::Finished),
            (State::Start, Input::Response(_)) => {
                self.state = State::Start;
                return Err(Error::UnexpectedResponse);
            }
            (state, Input::Tick) => (state, Action::AwaitResponse),
        };
        self.state = state;
        Ok(action)
    }
}
