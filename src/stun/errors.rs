//! Error codes of STUN and TURN (RFC 8489, 14.8; RFC 8656, 19; RFC 6062, 6.3).
#![forbid(unsafe_code)]
#![allow(missing_docs)]

/// Makes of one list the codes and their reason phrases.
macro_rules! errors {
    ($($name:ident = $code:literal, $phrase:literal;)+) => {
        $(pub const $name: u16 = $code;)+

        /// Every code, and how it is written.
        pub const ALL: [(u16, &str); [$($code),+].len()] = [$(($code, stringify!($code))),+];

        /// The reason phrase of a code.
        pub(crate) fn phrase(code: u16) -> &'static str {
            match code {
                $($name => $phrase,)+
                _ => "",
            }
        }
    };
}

errors! {
    TRY_ALTERNATE = 300, "Try Alternate";
    BAD_REQUEST = 400, "Bad Request";
    UNAUTHENTICATED = 401, "Unauthenticated";
    FORBIDDEN = 403, "Forbidden";
    UNKNOWN_ATTRIBUTE = 420, "Unknown Attribute";
    ALLOCATION_MISMATCH = 437, "Allocation Mismatch";
    STALE_NONCE = 438, "Stale Nonce";
    FAMILY_NOT_SUPPORTED = 440, "Address Family not Supported";
    WRONG_CREDENTIALS = 441, "Wrong Credentials";
    UNSUPPORTED_TRANSPORT = 442, "Unsupported Transport Protocol";
    PEER_FAMILY_MISMATCH = 443, "Peer Address Family Mismatch";
    CONNECTION_EXISTS = 446, "Connection Already Exists";
    CONNECTION_FAILED = 447, "Connection Timeout or Failure";
    QUOTA_REACHED = 486, "Allocation Quota Reached";
    SERVER_ERROR = 500, "Server Error";
    INSUFFICIENT_CAPACITY = 508, "Insufficient Capacity";
}
