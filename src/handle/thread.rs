//! Which thread this is.

/// The number of this thread: never 0, and for longer than any process lives no other's.
#[cfg(not(loom))]
#[inline]
pub(super) fn number() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};

    static DEALT: AtomicU32 = AtomicU32::new(1);
    thread_local! {
        // Const and without a destructor: nothing is left to run when the library is
        // unloaded or the thread ends.
        static NUMBER: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }
    NUMBER.with(|number| {
        while number.get() == 0 {
            number.set(DEALT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}

#[cfg(loom)]
pub(super) fn number() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};

    static DEALT: AtomicU32 = AtomicU32::new(1);
    loom::thread_local! {
        static NUMBER: u32 = DEALT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
