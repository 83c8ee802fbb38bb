use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// What a store did on its own that its user should know: one sentence each.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The file was written by the older client, whose sign-in cannot be taken over.
    OlderClient {
        /// Where the file is kept now.
        kept_as: PathBuf,
    },
    /// The file could not be read and was set aside.
    SetAside {
        /// Where it is kept now.
        kept_as: PathBuf,
    },
    /// Others could read a file or folder; now they cannot.
    ModeRepaired {
        /// Which one.
        path: PathBuf,
    },
    /// There is no keyring, so the file holds the tokens.
    FellBack {
        /// What was looked for.
        detail: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OlderClient { kept_as } => write!(
                f,
                "An older version of this program was signed in here; its file is kept as {}, so please sign in once again.",
                kept_as.display()
            ),
            Self::SetAside { kept_as } => write!(
                f,
                "The credentials file could not be read and is kept as {}; a new one was begun.",
                kept_as.display()
            ),
            Self::ModeRepaired { path } => write!(
                f,
                "Others could read {}; its permissions are now restricted to you.",
                path.display()
            ),
            Self::FellBack { detail } => write!(
                f,
                "No keyring was found ({detail}), so the tokens are in a file that only you can read."
            ),
        }
    }
}

/// Where a store puts its notices until its user asks for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices(Arc<Mutex<Vec<Notice>>>);

impl Notices {
    pub(crate) fn push(&self, notice: Notice) {
        tracing::warn!("{notice}");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
    }

    pub(crate) fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
