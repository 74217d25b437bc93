//! pjauth: answer an authentication challenge *later*.
//!
//! ```text
//!   application (C, C++)
//!        |  pjsip_auth_*            |  pjauth_turn_*
//!   +----v---------------+    +----v---------------+
//!   | pjsip/  drop-in    |    | turn/  server      |   unsafe only here, at the
//!   | exports -> session |    | exports -> driver  |   boundary (exports, host,
//!   |  request challenge |    |  core state ...    |   abi, driver)
//!   +----+----------+----+    +----+----------+----+
//!        |          |              |          |
//!   +----v----+  +--v--------------v--+  +----v----+
//!   | digest/ |  | handle/            |  | stun/   |   pure, safe Rust: no FFI, no I/O
//!   +---------+  +--------------------+  +---------+
//! ```
//!
//! What the library lends to the application is a [`handle`], never a pointer:
//! used once, checked always, dead when its owner is.

#[macro_use]
mod listed;

pub mod digest;
pub mod handle;
#[cfg(feature = "sip")]
pub mod pjsip;
#[cfg(feature = "turn")]
pub mod stun;
#[cfg(feature = "turn")]
pub mod turn;
pub mod version;
