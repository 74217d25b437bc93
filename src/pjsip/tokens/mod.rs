//! Tokens: what an application holds of a deferred challenge.
//!
//! ```text
//!   events    one response, one question: what several modules hand over
//!   offer     the application is asked, and lent a token
//!   endings   sent, abandoned, revoked, expired: whoever takes a token ends it here
//!   deadline  what ends a token that nobody takes     due      an ordered queue of those
//!   table     which are live, and what stands behind  owners   whose they are
//! ```

mod deadline;
mod due;
pub mod endings;
mod events;
mod offer;
mod owners;
mod table;

pub use deadline::of as due_of;
pub use events::offer_once;
pub use offer::offer;
#[cfg(not(pj_async))]
pub use owners::owner_of;
pub use table::{
    BATCH, find, handle, info, minted, peek, pointer, set_default_deadline, take_some, walk,
};
