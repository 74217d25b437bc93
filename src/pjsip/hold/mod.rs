//! Challenges that wait below the transaction layer (docs/deferral.md): those of
//! calls, and before pjproject 2.17 all.
//!
//! ```text
//!   story     a response comes in: absorb it, offer it, or let it pass
//!     |
//!   holding   what a held challenge owns, and how its transaction gets it at last
//!     |
//!   table     which are held, and what is on its way up: addresses alone
//! ```

mod holding;
mod story;
mod table;

pub use holding::{answer, discard, forget, is_held};
pub use story::{has_callback, hold_in, hold_in_endpoint_of};
pub use table::{Decision, holds, is_decided, set_wanted, take_decision};
