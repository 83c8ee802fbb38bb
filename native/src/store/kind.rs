use std::fmt;
use std::str::FromStr;

/// Which store a login is to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreChoice {
    /// The keyring, or the file where there is none.
    #[default]
    Auto,
    /// The keyring, or an error.
    Keyring,
    /// The file.
    File,
}

impl FromStr for StoreChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "keyring" => Ok(Self::Keyring),
            "file" => Ok(Self::File),
            _ => Err("a store is auto, keyring or file"),
        }
    }
}

impl StoreChoice {
    /// `auto`, `keyring` or `file`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Keyring => "keyring",
            Self::File => "file",
        }
    }
}

/// Where tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// In the platform's keyring
    Keyring,
    /// In `credentials.json`
    File,
}

impl StoreKind {
    /// `keyring` or `file`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Keyring, Self::File].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
