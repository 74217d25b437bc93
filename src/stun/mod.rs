//! STUN on the wire (RFC 8489): messages, their attributes and integrity,
//! addresses, and where a message ends in a stream.
//!
//! ```text
//!   bytes -> framing -> message -> attributes      reading
//!                          |
//!                       integrity                  MESSAGE-INTEGRITY, FINGERPRINT
//!                          |
//!   bytes <- writer <------+                       writing
//!   address, errors                                what both name
//! ```
//!
//! Nothing here knows what a TURN server does with a message: no allocation,
//! no time, no state between two calls.
#![forbid(unsafe_code)]

pub(crate) mod address;
pub mod attributes;
pub mod errors;
mod framing;
pub(crate) mod integrity;
pub mod message;
#[cfg(test)]
mod tests;
mod writer;

pub use address::Family;
pub use framing::{MAX_FRAME, NotTurn, frame_len};
pub use integrity::{Protection, verify};
pub use writer::Writer;
