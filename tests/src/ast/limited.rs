//! Programs that get only so much memory, and answers that ask for much more.

use super::{Ast, Home, Output, program};
use crate::server::What;

/// Most data of the process in KiB, its threads' stacks included.
pub const MOST: u32 = 40 << 10;
/// The same where an answer of the API server is read, which may have 64 MiB.
pub const MOST_FOR_API: u32 = 88 << 10;
/// The most that is read of any other answer.
const MOST_BODY: usize = 1 << 20;

/// What an answer is, to whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Costly {
    /// It has no end.
    Endless,
    /// It is JSON that becomes much larger when it is read, and has nothing in it that is wanted.
    Json,
    /// The same, but nobody can read it.
    Page,
}

impl Home {
    /// The program `name` of this workspace with no more data than `most` KiB. Without memory it is
    /// killed, in place of saying what is wrong.
    pub fn limited(&self, name: &str, most: u32) -> Ast {
        let shell = self.program_at("/bin/sh".as_ref());
        let shell = shell.args(["-c", &format!("ulimit -d {most} && exec \"$0\" \"$@\"")]);
        shell.args([program(name)])
    }
}

/// Answers without an end, and of the largest size that is read.
#[must_use]
pub fn costly_answers() -> Vec<(Costly, What)> {
    let repeated = |kind, begin: &str, unit: &str, end: &str| {
        let count = (MOST_BODY - begin.len() - end.len()) / unit.len();
        let what = What::RawBody {
            status: 200,
            content_type: "application/json".to_owned(),
            body: [begin, &unit.repeat(count), end].concat().into_bytes(),
        };
        (kind, what)
    };
    vec![
        (Costly::Endless, What::EndlessBody),
        repeated(Costly::Json, "{\"access_token\":[0", ",0", "]}"),
        repeated(Costly::Json, "{\"access_token\":[[]", ",[]", "]}"),
        repeated(Costly::Json, "{\"a\":0", ",\"\":0", "}"),
        repeated(Costly::Json, "{\"a\":\"", "\\n", "\"}"),
        repeated(Costly::Json, "\"", "\\u00e9", "\""),
        repeated(Costly::Page, "[", "[", ""),
    ]
}

impl Output {
    /// The code of the error that it ended with, which is the last line of its JSON; `None` if it
    /// succeeded.
    ///
    /// # Panics
    /// If it was killed, or failed and did not say why.
    #[must_use]
    #[track_caller]
    pub fn error_code(&self) -> Option<String> {
        match self.code {
            None => panic!("it was killed: {self}"),
            Some(0) => None,
            Some(_) => {
                let last = self.json().pop().unwrap_or_default();
                Some(last["code"].as_str().unwrap_or_else(|| panic!("{self}")).to_owned())
            }
        }
    }
}
