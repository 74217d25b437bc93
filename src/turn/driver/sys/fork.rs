//! Whether this process is a copy of the one that started a server.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// One more in a child of `fork` than in its parent.
static GENERATION: AtomicU32 = AtomicU32::new(1);

/// The generation of this process among those that are forks of one another,
/// never 0. Counted from the first call on.
///
/// Not the process id, which a namespace or a reuse can make the same.
pub fn generation() -> u32 {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // SAFETY: the function is there as long as this code is. Without memory
        // for the entry forks go unnoticed, which harms the child alone.
        unsafe { libc::pthread_atfork(None, None, Some(forked)) };
    });
    current_generation()
}

/// The same, where [`generation`] has been called before: an atomic load.
pub fn current_generation() -> u32 {
    GENERATION.load(Relaxed)
}

unsafe extern "C" fn forked() {
    GENERATION.fetch_add(1, Relaxed);
}
