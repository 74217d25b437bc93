//! Tokens: what an application holds of a deferred challenge.
//!
//! ```text
//!   offer     the application is asked, and lent a token
//!   endings   sent, abandoned, revoked, expired: whoever takes a token ends it here
//!   deadline  what ends a token that nobody takes
//!   table     which are live, and what stands behind each
//! ```

mod deadline;
pub mod endings;
mod offer;
mod table;

pub use offer::offer;
pub use table::*;
