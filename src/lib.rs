//! pjauth: answer an authentication challenge *later*.
//!
//! ```text
//!   application (C, C++)
//!        |  pjsip_auth_*            |  pjauth_turn_*
//!   +----v---------------+    +----v---------------+
//!   | pjsip/  drop-in    |    | turn/  server      |   unsafe only here, at the
//!   | exports -> session |    | exports -> relay   |   boundary (exports, host,
//!   |  request challenge |    |  server allocation |   abi, relay)
//!   +----+----------+----+    +----+---------------+
//!        |          |              |
//!   +----v----+  +--v--------------v--+
//!   | digest/ |  | handle/            |   pure, safe Rust: no FFI, no I/O
//!   +---------+  +--------------------+
//! ```
//!
//! What the library lends to the application is a [`handle`], never a pointer:
//! used once, checked always, dead when its owner is.

pub mod digest;
pub mod handle;
#[cfg(feature = "sip")]
pub mod pjsip;
#[cfg(feature = "turn")]
pub mod turn;
pub mod version;
