//! Digest access authentication: choose a challenge, compute an answer.
//!
//! RFC 7616, RFC 8760 (its use in SIP), RFC 3261 section 22 and, for servers
//! that offer no `qop`, RFC 2617 and RFC 2069. Pure functions over borrowed
//! bytes: no I/O but the random numbers of [`cnonce`], no heap, no locks; every
//! function may be called from any thread.
//!
//! ```text
//!   challenges ------assess-----> Plan --response--> Hex
//!                  |                       |
//!               Policy, Realms        Secret, Protection
//! ```
//!
//! **Bytes as they stand.** PJSIP's parser has taken the surrounding quotes off
//! realm, nonce, algorithm and qop before they come here. What stands between
//! them is hashed as it came: a quoted pair such as `\"` keeps its backslash,
//! because client and server both hash what the header shows, and neither can
//! know what the other would make of it.
#![forbid(unsafe_code)]

mod algorithm;
mod challenge;
mod hex;
mod joined;
mod qop;
mod random;
mod response;

pub use algorithm::{Algorithm, Hash};
pub use challenge::{
    Challenge, MAX_REALMS, Plan, Policy, Realms, Refusal, assess, is_same_realm, is_true,
};
pub use hex::{Hex, nonce_count};
pub use qop::{Qop, UnsupportedQop, choose_qop};
pub use random::cnonce;
pub use response::{
    Answer, DigestError, Protection, Secret, ha1, response, response_with, userhash,
};
