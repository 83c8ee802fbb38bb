//! What `astro` has of its own: two systems, whose contexts are named by their domains.

mod args;

mod context;
mod login;
mod workspace;

pub(crate) use self::args::Args;
pub(crate) use self::context::{at_domain, domain, login_to};
