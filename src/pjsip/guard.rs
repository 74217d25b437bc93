//! The panic barrier: a bug of ours becomes an error status and a line in the
//! host's log. Nothing unwinds into C.
#![forbid(unsafe_code)]

use super::host;
use super::status::{EBUG, Status};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f`. What it was given must need no repair after a panic: pointers of the
/// host's and values of ours that are dropped with it.
///
/// Nothing that can throw by `longjmp` runs in here.
#[inline(always)]
pub fn guard<T>(f: impl FnOnce() -> Result<T, Status>) -> Result<T, Status> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or(Err(EBUG))
}

/// Has panics reported in the host's log. The standard library in here is our own,
/// so this touches no other Rust code of the process.
pub fn install() {
    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.swap(true, Relaxed) {
        std::panic::set_hook(Box::new(|panic| {
            host::log_error(&format!("a bug in pjauth: {panic}"));
        }));
    }
}
