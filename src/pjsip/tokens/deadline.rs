//! What ends tokens that nobody consumes: their deadlines, and the end of the
//! endpoint they live in.
//!
//! Each endpoint that a token was minted in is watched: we hear of its end, and one
//! timer of its own heap goes off at the earliest deadline, so that a forgotten
//! token is abandoned on a thread of the host's, with nothing of ours held.
//!
//! Setting the timer is a call into the host that may throw, so it is done without
//! our lock; `setting` keeps a second thread from setting the same timer, and that
//! thread leaves its wish in `wake` for the first to find.
#![forbid(unsafe_code)]

use super::due::{Due, Unset};
use super::table::{self, Lent, TOKENS};
use crate::handle::Handle;
use crate::pjsip::guard::guard;
use crate::pjsip::host::{self, Alarm, Lock, WORDS};
use crate::pjsip::status::{EINVAL, ENOMEM, Status};
use core::sync::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Release};

struct Watched {
    alarm: Alarm,
    due: Due,
    /// When the alarm goes off, or should; 0 is never.
    wake: u64,
    setting: bool,
}

static WATCHED: Lock<Vec<Watched>> = Lock::new(Vec::new());

/// The endpoint that was asked about last: there is one in nearly every process.
static LAST: AtomicUsize = AtomicUsize::new(0);

/// Whether an endpoint is watched.
#[inline]
pub fn is_watched(endpoint: usize) -> bool {
    LAST.load(Acquire) == endpoint || is_among(endpoint)
}

#[cold]
fn is_among(endpoint: usize) -> bool {
    let watched = WATCHED.lock();
    let known = watched
        .iter()
        .any(|watched| watched.alarm.endpoint() == endpoint);
    // Under the lock, so that `unwatch` finds it there, or is found to have been.
    if known {
        LAST.store(endpoint, Release);
    }
    known
}

/// Watches the alarm's endpoint from now on. Gives the alarm back, unused, if
/// another thread was first, or memory runs out.
pub fn watch(alarm: Alarm) -> Result<(), Alarm> {
    let mut watched = WATCHED.lock();
    let known = watched
        .iter()
        .any(|known| known.alarm.endpoint() == alarm.endpoint());
    if known || watched.try_reserve(1).is_err() {
        return Err(alarm);
    }
    watched.push(Watched {
        alarm,
        due: Due::default(),
        wake: 0,
        setting: false,
    });
    Ok(())
}

/// Forgets an endpoint that is going; its alarm is the caller's to discard.
pub fn unwatch(endpoint: usize) -> Option<Alarm> {
    let mut watched = WATCHED.lock();
    let _ = LAST.compare_exchange(endpoint, 0, Release, Acquire);
    let at = watched
        .iter()
        .position(|watched| watched.alarm.endpoint() == endpoint)?;
    let gone = watched.swap_remove(at);
    drop(watched);
    Some(gone.alarm)
}

/// Mints a token of this endpoint's that has a deadline from the start, so many
/// milliseconds from now.
pub fn mint_due(
    endpoint: usize,
    milliseconds: u32,
    mint: impl FnOnce() -> Option<Handle>,
) -> Option<Handle> {
    let due = host::now_ms() + u64::from(milliseconds);
    with(endpoint, |watched| {
        let handle = mint()?;
        // Somebody may have taken it already: then there is nothing to abandon. And
        // where there is no memory for a deadline, it has none.
        let _ = watched.due.set(&TOKENS, handle, due);
        Some(handle)
    })
    .flatten()
}

/// Gives a token of this endpoint's a deadline in milliseconds from now; 0 takes it
/// away. Returns when that is, if the alarm is to be set.
pub fn set(endpoint: usize, handle: Handle, milliseconds: u32) -> Result<Option<u64>, Status> {
    let due = match milliseconds {
        0 => 0,
        wait => host::now_ms() + u64::from(wait),
    };
    let set = with(endpoint, |watched| watched.due.set(&TOKENS, handle, due));
    match set.unwrap_or(Err(Unset::Dead)) {
        Ok(()) => Ok((due != 0).then_some(due)),
        Err(Unset::Dead) => Err(EINVAL),
        Err(Unset::NoMemory) => Err(ENOMEM),
    }
}

/// When a token of this endpoint's is due, if it is ever.
pub fn of(endpoint: usize, handle: Handle) -> Option<u64> {
    with(endpoint, |watched| watched.due.of(handle)).flatten()
}

/// Takes one of the endpoint's tokens that are due by now.
pub fn take_due(endpoint: usize) -> Option<(Lent, [u64; WORDS])> {
    let now = host::now_ms();
    with(endpoint, |watched| {
        watched.due.take(now, |handle| {
            let lent = table::find(handle).ok()?;
            Some((lent, lent.take_pending()?))
        })
    })
    .flatten()
}

/// The endpoint's alarm went off, and is not set.
pub fn went_off(endpoint: usize) {
    with(endpoint, |watched| watched.wake = 0);
}

/// Has the endpoint's alarm go off in time for the earliest deadline. To be called
/// with nothing held.
pub fn wake(endpoint: usize) {
    let alarm = with(endpoint, |watched| {
        let due = watched.due.next()?;
        if watched.wake != 0 && watched.wake <= due {
            return None;
        }
        watched.wake = due;
        if watched.setting {
            return None;
        }
        watched.setting = true;
        Some(watched.alarm.alias())
    });
    let Some(alarm) = alarm.flatten() else { return };
    let mut set_to = 0;
    // Until what is set is what is wished for.
    while let Some(wake) = with(endpoint, |watched| {
        watched.setting = watched.wake != 0 && watched.wake != set_to;
        watched.setting.then_some(watched.wake)
    })
    .flatten()
    {
        alarm.set(wake);
        set_to = wake;
    }
}

/// Under the lock, and behind the panic barrier.
fn with<T>(endpoint: usize, f: impl FnOnce(&mut Watched) -> T) -> Option<T> {
    let found = guard(|| {
        let mut all = WATCHED.lock();
        let one = all
            .iter_mut()
            .find(|watched| watched.alarm.endpoint() == endpoint);
        Ok(one.map(f))
    });
    found.ok().flatten()
}
