//! Quality of protection: what the answer covers.
#![forbid(unsafe_code)]

/// A value of the `qop` parameter (RFC 7616 section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qop {
    /// The request line only.
    Auth,
    /// The request line and the body.
    AuthInt,
}

impl Qop {
    /// The token to write in the answer, and to hash.
    pub const fn as_str(self) -> &'static str {
        match self {
            Qop::Auth => "auth",
            Qop::AuthInt => "auth-int",
        }
    }
}

/// The server offers protections, and we know none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedQop;

/// Picks from a challenge's `qop` list. `auth` wins over `auth-int` wherever it
/// stands: it survives intermediaries that touch the body.
///
/// Items may be separated by commas, blanks and stray quotes in any number,
/// none of which can be part of a token; case does not matter (it is a token)
/// and unknown items are passed over, as RFC 7616 section 3.3 demands. A list
/// without any item is no offer: `Ok(None)`, answered as in RFC 2069. A list
/// of nothing but strangers is an error, not an excuse to answer without
/// protection.
pub fn choose_qop(offer: &[u8]) -> Result<Option<Qop>, UnsupportedQop> {
    let mut items = offer
        .split(|byte| matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n' | b'"'))
        .filter(|item| !item.is_empty())
        .peekable();
    if items.peek().is_none() {
        return Ok(None);
    }
    let mut integrity = false;
    for item in items {
        if item.eq_ignore_ascii_case(b"auth") {
            return Ok(Some(Qop::Auth));
        }
        integrity |= item.eq_ignore_ascii_case(b"auth-int");
    }
    if integrity {
        Ok(Some(Qop::AuthInt))
    } else {
        Err(UnsupportedQop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers() {
        const AUTH: Result<Option<Qop>, UnsupportedQop> = Ok(Some(Qop::Auth));
        const INT: Result<Option<Qop>, UnsupportedQop> = Ok(Some(Qop::AuthInt));
        const NONE: Result<Option<Qop>, UnsupportedQop> = Ok(None);
        const STRANGE: Result<Option<Qop>, UnsupportedQop> = Err(UnsupportedQop);
        let table: &[(&[u8], _)] = &[
            (b"", NONE),
            (b" \t", NONE),
            (b",, ,", NONE),
            (b"\"\"", NONE),
            (b"auth", AUTH),
            (b"AUTH", AUTH),
            (b"auth,auth-int", AUTH),
            (b"auth-int,auth", AUTH),
            (b"auth ,auth-int", AUTH),
            (b"auth-int\t,\r\n auth", AUTH),
            (b",,auth", AUTH),
            (b"auth,,", AUTH),
            (b"\"auth\"", AUTH),
            (b"auth-int\", \"auth", AUTH),
            (b"token,auth", AUTH),
            (b"auth-conf, Auth-Int", INT),
            (b" auth-int ", INT),
            (b"auth-conf", STRANGE),
            (b"authx", STRANGE),
            (b"xauth", STRANGE),
            (b"aut", STRANGE),
            (b"auth-", STRANGE),
            (b"auth;auth-int", STRANGE),
            (b"auth\0", STRANGE),
        ];
        for (offer, expected) in table {
            assert_eq!(choose_qop(offer), *expected, "{}", offer.escape_ascii());
        }
    }
}
