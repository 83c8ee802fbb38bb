use std::sync::OnceLock;

use astropass::{Dialect, Profile};

/// Which of the two programs this process is: they share commands, the home and the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Ast,
    Astro,
}

static RUNNING: OnceLock<Program> = OnceLock::new();

impl Program {
    /// Says which one this is, before anything asks.
    pub(crate) fn start(self) {
        // A process is started once.
        let _ = RUNNING.set(self);
    }

    pub(crate) fn running() -> Self {
        RUNNING.get().copied().unwrap_or(Self::Ast)
    }

    /// Its name, by which it also has a current profile of its own.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ast => "ast",
            Self::Astro => "astro",
        }
    }

    /// The other program.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Ast => Self::Astro,
            Self::Astro => Self::Ast,
        }
    }

    /// What it calls a profile.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Ast => "profile",
            Self::Astro => "context",
        }
    }

    /// The profile that it uses while none was chosen.
    pub(crate) fn default_profile(self) -> &'static str {
        match self {
            Self::Ast => "default",
            Self::Astro => "astronomer.io",
        }
    }

    /// The command that chooses a profile, but for its name.
    pub(crate) fn choice(self) -> &'static str {
        match self {
            Self::Ast => "ast profile use",
            Self::Astro => "astro context switch",
        }
    }

    /// The command that forgets a profile.
    pub(crate) fn removal(self) -> &'static str {
        match self {
            Self::Ast => "ast profile remove",
            Self::Astro => "astro context delete",
        }
    }

    /// The variable that names a profile.
    pub(crate) fn profile_variable(self) -> &'static str {
        match self {
            Self::Ast => "ASTRO_PROFILE",
            Self::Astro => "ASTRO_DOMAIN",
        }
    }

    /// The variable that gives it an access token, to be used as it is.
    pub(crate) fn token_variable(self) -> &'static str {
        match self {
            Self::Ast => "ASTRO_ACCESS_TOKEN",
            Self::Astro => "ASTRO_API_TOKEN",
        }
    }

    /// Whether `profile` is one of its own. What nobody has signed in to yet is `ast`'s.
    pub(crate) fn owns(self, profile: &Profile) -> bool {
        let dialect = profile.provider.as_ref().map(|provider| provider.dialect);
        let owner = match dialect {
            Some(Dialect::Astro | Dialect::Software) => Self::Astro,
            _ => Self::Ast,
        };
        self == owner
    }
}
