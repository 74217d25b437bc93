//! Handles: what the library lends out instead of pointers.
//!
//! A [`Handle`] names one life of one slot in a [`Slab`]. The slab hands the value
//! behind it to the first [`take`](Slab::take) and to nobody after that; every
//! other use of the handle, from any thread and however late, finds nothing. A
//! slot that is taken becomes free under the next generation, so an old handle
//! never meets a new value. A slot that has used up its generations retires.
//!
//! ```text
//!   Slab -- 16 Shards -- chunks of Slots (never moved, never returned)
//!             |              |
//!        free list       state word, owner, time, Cell
//! ```
//!
//! `mint`, `get` and `take` are lock free on [`Words`], except for the mint that
//! needs a new chunk of memory. [`ArcCell`] adds one short lock per slot.
//! An owner that mints often keeps a few slots to itself, in a [`Nest`].
//!
//! The module knows nothing of SIP, TURN or deadlines. It is model-checked:
//! `RUSTFLAGS="--cfg loom" cargo test --release --lib --no-default-features handle::`
#![forbid(unsafe_code)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("a pjauth handle is 64 bits wide and travels as a pointer: 64-bit targets only");

mod bits;
mod cell;
mod lent;
mod nest;
mod shard;
mod slab;
mod slot;
mod sync;
mod thread;

#[cfg(all(test, loom))]
mod model;
#[cfg(all(test, not(loom)))]
mod tests;

pub use bits::{Handle, Kind};
pub use cell::{ArcCell, Cell, Words};
pub use lent::{Lent, Seen, Vacant};
pub use nest::{NEST, Nest};
pub use slab::{Info, Slab};
