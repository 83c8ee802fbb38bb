use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Text that must not be seen: a token, a device code, a request body that holds one.
///
/// It prints as `[redacted]`, is wiped when the last clone is dropped, and leaves only through
/// [`expose_secret`](Self::expose_secret). Clones share one buffer.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes over `text`; the caller keeps no copy.
    pub fn new(text: impl Into<Zeroizing<String>>) -> Self {
        Self(Arc::new(text.into()))
    }

    /// A token, if `text` is one: RFC 6749 appendix A.12 and A.17, without the space, which a
    /// header could not carry.
    pub fn token(text: Zeroizing<String>) -> Option<Self> {
        Some(Self::new(text)).filter(Self::is_token)
    }

    /// Whether this could be a token; see [`token`](Self::token).
    pub(crate) fn is_token(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// The secret itself, for a header or a request body.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
