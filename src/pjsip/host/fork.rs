//! Locks that no child of `fork` finds held.
//!
//! A child has the thread that forked and no other: a lock that another thread of the
//! parent held would stay so for ever. So whoever forks gets all of these first.

use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use parking_lot::lock_api::RawMutex as _;
use parking_lot::{Mutex, MutexGuard, RawMutex};

/// How many locks there can be.
const LOCKS: usize = 16;

static KNOWN: [AtomicPtr<RawMutex>; LOCKS] = [const { AtomicPtr::new(ptr::null_mut()) }; LOCKS];

/// How many of them, from the first on, the thread that forks has got.
static GOT: AtomicUsize = AtomicUsize::new(0);

static IS_CHILD: AtomicBool = AtomicBool::new(false);

/// A lock in a `static`, which whoever forks holds while it does.
pub struct Lock<T> {
    mutex: Mutex<T>,
    known: AtomicBool,
}

impl<T> Lock<T> {
    /// A lock that nobody holds.
    pub const fn new(value: T) -> Lock<T> {
        Lock {
            mutex: Mutex::new(value),
            known: AtomicBool::new(false),
        }
    }

    /// Waits for the lock. Never call out with it.
    pub fn lock(&'static self) -> MutexGuard<'static, T> {
        if !self.known.load(Ordering::Relaxed) && !self.known.swap(true, Ordering::Relaxed) {
            get_before_fork(&self.mutex);
        }
        self.mutex.lock()
    }
}

/// Has whoever forks get this lock first.
pub fn get_before_fork<T>(lock: &'static Mutex<T>) {
    static IS_WATCHED: AtomicBool = AtomicBool::new(false);
    if !IS_WATCHED.swap(true, Ordering::Relaxed) {
        // SAFETY: the functions are there as long as this code is. Without memory for
        // the entry forks go unnoticed, which harms the child alone.
        unsafe { libc::pthread_atfork(Some(get_all), Some(let_all_go), Some(renew_all)) };
    }
    // SAFETY: the lock is used as a lock alone.
    let raw = ptr::from_ref(unsafe { lock.raw() }).cast_mut();
    let free = KNOWN.iter().find(|place| {
        place
            .compare_exchange(ptr::null_mut(), raw, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    });
    debug_assert!(free.is_some(), "room for every lock there is");
}

/// Whether this process is a child of one in which the library was in use.
pub fn is_child() -> bool {
    IS_CHILD.load(Ordering::Relaxed)
}

/// The known locks, from the first on.
fn known() -> impl Iterator<Item = &'static RawMutex> {
    KNOWN
        .iter()
        .map(|place| place.load(Ordering::Acquire))
        .take_while(|raw| !raw.is_null())
        // SAFETY: of a lock in a static.
        .map(|raw| unsafe { &*raw })
}

/// All or none: who waits for one while it holds another might wait for itself.
unsafe extern "C" fn get_all() {
    loop {
        let mut got = 0;
        let all = known().all(|raw| {
            let is_mine = raw.try_lock();
            got += usize::from(is_mine);
            is_mine
        });
        GOT.store(got, Ordering::Relaxed);
        if all {
            return;
        }
        // SAFETY: got just now.
        unsafe { let_all_go() };
        std::thread::yield_now();
    }
}

unsafe extern "C" fn let_all_go() {
    for raw in known().take(GOT.load(Ordering::Relaxed)) {
        // SAFETY: this thread got it, in `get_all`.
        unsafe { raw.unlock() };
    }
}

/// In the child: nobody holds them, and nobody waits for them.
unsafe extern "C" fn renew_all() {
    IS_CHILD.store(true, Ordering::Relaxed);
    for raw in known() {
        // SAFETY: there is one thread. What waited in the parent is not here to be woken.
        unsafe { ptr::from_ref(raw).cast_mut().write(RawMutex::INIT) };
    }
}
