//! Making tokens and codes.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Map, Value, json};

/// Every token and device code contains this, so that a leak can be found by `grep`.
///
/// It is the base64url form of `canary`, because that is what a marker inside a JWT looks like from
/// outside: the header has the claim at an offset where base64 leaves it whole.
pub const CANARY: &str = "Y2FuYXJ5";

/// Consonants only, so that a code spells no word: RFC 8628 section 6.1.
const USER_CODE_LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// Something in the cryptographic library failed; the operating system gave no randomness.
#[derive(Debug)]
pub struct CryptoFailed;

impl From<ring::error::Unspecified> for CryptoFailed {
    fn from(_: ring::error::Unspecified) -> Self {
        Self
    }
}

impl From<ring::error::KeyRejected> for CryptoFailed {
    fn from(_: ring::error::KeyRejected) -> Self {
        Self
    }
}

impl std::fmt::Display for CryptoFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no random numbers or no key could be made")
    }
}

impl std::error::Error for CryptoFailed {}

/// The server's keys and its source of randomness.
pub(super) struct Mint {
    random: SystemRandom,
    key: EcdsaKeyPair,
    header: String,
    kid: String,
    form_key: hmac::Key,
}

impl Mint {
    pub(super) fn new() -> Result<Self, CryptoFailed> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random)?;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random)?;
        let thumb = encode(digest(&SHA256, key.public_key().as_ref()).as_ref());
        let thumb: String = thumb.chars().take(8).collect();
        // `{"kid":"k` is nine bytes long, so the marker starts at a multiple of three.
        let kid = format!("kcanary-{thumb}");
        let header = encode(format!(r#"{{"kid":"{kid}","alg":"ES256","typ":"JWT"}}"#).as_bytes());
        let form_key = hmac::Key::generate(hmac::HMAC_SHA256, &random)?;
        Ok(Self { random, key, header, kid, form_key })
    }

    /// 128 random bits after a prefix and a separator.
    pub(super) fn id(&self, prefix: &str) -> Result<String, CryptoFailed> {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes)?;
        Ok(format!("{prefix}_{}", encode(&bytes)))
    }

    /// An opaque token or a device code, with the marker.
    pub(super) fn opaque(&self, prefix: &str) -> Result<String, CryptoFailed> {
        self.id(&format!("{prefix}_{CANARY}"))
    }

    /// Eight letters, without the hyphen they are shown with.
    pub(super) fn user_code(&self) -> Result<String, CryptoFailed> {
        let mut code = String::new();
        while code.len() < 8 {
            let mut byte = [0];
            self.random.fill(&mut byte)?;
            // 240 is the largest multiple of 20 in a byte: above it letters would not be equal.
            if let [byte @ 0..240] = byte
                && let Some(letter) = USER_CODE_LETTERS.get(usize::from(byte % 20))
            {
                code.push(char::from(*letter));
            }
        }
        Ok(code)
    }

    /// A signed compact JWT (RFC 7519, ES256).
    pub(super) fn jwt(&self, claims: &Map<String, Value>) -> Result<String, CryptoFailed> {
        let claims = encode(Value::Object(claims.clone()).to_string().as_bytes());
        let signed = format!("{}.{claims}", self.header);
        let signature = self.key.sign(&self.random, signed.as_bytes())?;
        Ok(format!("{signed}.{}", encode(signature.as_ref())))
    }

    /// The JWK set (RFC 7517) with the public key.
    pub(super) fn jwks(&self) -> Value {
        // An uncompressed point: the byte 4, then x and y of 32 bytes each.
        let point = self.key.public_key().as_ref();
        let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
            "x": encode(x), "y": encode(y),
        }]})
    }

    /// Ties a form to the cookie of the browser it was sent to.
    pub(super) fn form_token(&self, cookie: &str, user_code: &str) -> String {
        encode(hmac::sign(&self.form_key, format!("{cookie} {user_code}").as_bytes()).as_ref())
    }

    pub(super) fn is_form_token(&self, token: &str, cookie: &str, user_code: &str) -> bool {
        BASE64_URL_SAFE_NO_PAD.decode(token).is_ok_and(|tag| {
            hmac::verify(&self.form_key, format!("{cookie} {user_code}").as_bytes(), &tag).is_ok()
        })
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Whole seconds, rounded up, so that a short lifetime is never told as none.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_token_shows_the_canary() {
        let mint = Mint::new().unwrap();
        let jwt = mint.jwt(&Map::new()).unwrap();
        assert!(jwt.contains(CANARY), "{jwt}");
        assert!(mint.opaque("rt").unwrap().contains(CANARY));
    }

    #[test]
    fn a_form_token_fits_one_cookie_and_one_code() {
        let mint = Mint::new().unwrap();
        let token = mint.form_token("cookie", "BCDFGHJK");
        assert!(mint.is_form_token(&token, "cookie", "BCDFGHJK"));
        assert!(!mint.is_form_token(&token, "other", "BCDFGHJK"));
        assert!(!mint.is_form_token(&token, "cookie", "BCDFGHJL"));
        assert!(!mint.is_form_token("", "cookie", "BCDFGHJK"));
    }
}
