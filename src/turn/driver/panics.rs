//! The panic barrier: a bug of ours becomes a text for the log. Nothing is
//! printed, and nothing unwinds further.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use parking_lot::Mutex;

/// What the last panic behind a barrier said.
static LAST: Mutex<String> = Mutex::new(String::new());

thread_local! {
    /// How many barriers this thread is behind. Const and without a
    /// destructor: nothing is left to run when the thread ends.
    static BARRIERS: Cell<u32> = const { Cell::new(0) };
}

/// Runs `f`. What it was given must need no repair after a panic.
///
/// # Errors
/// The panic's message and place.
pub fn catch<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    install();
    BARRIERS.set(BARRIERS.get() + 1);
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    BARRIERS.set(BARRIERS.get() - 1);
    result.map_err(|_| LAST.lock().clone())
}

/// Keeps panics behind a barrier off stderr; others are reported as before.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match BARRIERS.get() {
            0 => others(panic),
            _ => *LAST.lock() = panic.to_string(),
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::catch;

    #[test]
    fn a_panic_is_caught_with_its_text() {
        let text = catch(|| panic!("seven")).unwrap_err();
        assert!(
            text.contains("seven") && text.contains("panics.rs"),
            "{text}"
        );
        assert_eq!(catch(|| 7), Ok(7));
    }
}
