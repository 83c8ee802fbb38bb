use zeroize::Zeroizing;

use crate::wire::{ParseJson, Value};

/// The claims of a JWT in compact form (RFC 7519 §3), or `None` for any other token.
///
/// The signature is not looked at: tokens come straight from the token endpoint over TLS, which
/// OpenID Connect Core §3.1.3.7 (6) lets stand in for it, and an access token is read only for
/// its lifetime and session id, which a forger could only turn against himself.
pub(crate) fn claims(token: &str, parse: ParseJson) -> Option<Value> {
    let mut parts = token.as_bytes().split(|byte| *byte == b'.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    match parse(&base64url(payload)?).ok()? {
        claims @ Value::Map(_) => Some(claims),
        _ => None,
    }
}

/// Base64url without padding (RFC 4648 §5), in the one form that each text has.
fn base64url(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Reserved at its largest size: growing would leave copies of a secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut count) = (0u32, 0);
    for byte in text {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(sextet);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    // What is left over is less than a character's bits, and zeros.
    (count < 6 && bits == 0).then_some(bytes)
}

/// The lifetime in seconds that a JWT names by itself: `exp - iat`.
pub(crate) fn lifetime(claims: &Value) -> Option<u64> {
    claims.seconds("exp")?.checked_sub(claims.seconds("iat")?)
}
