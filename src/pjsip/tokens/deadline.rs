//! What ends tokens that nobody consumes: their deadlines, and the end of the
//! endpoint they live in.
//!
//! Each endpoint that a token was minted in is watched: we hear of its end, and one
//! timer of its own heap goes off at the earliest deadline, so that a forgotten
//! token is abandoned on a thread of the host's, with nothing held.
//!
//! Setting the timer is a call into the host that may throw, so it is done without
//! our lock; `setting` keeps a second thread from setting the same timer, and that
//! thread leaves its wish in `due` for the first to find.
#![forbid(unsafe_code)]

use crate::pjsip::host::Alarm;
use core::sync::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Release};
use parking_lot::Mutex;

struct Watched {
    alarm: Alarm,
    /// When the alarm goes off, or should; 0 is never.
    due: u64,
    setting: bool,
}

static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());

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
/// another thread was first.
pub fn watch(alarm: Alarm) -> Result<(), Alarm> {
    let mut watched = WATCHED.lock();
    if watched
        .iter()
        .any(|known| known.alarm.endpoint() == alarm.endpoint())
    {
        return Err(alarm);
    }
    watched.push(Watched {
        alarm,
        due: 0,
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
    Some(watched.swap_remove(at).alarm)
}

/// The endpoint's alarm went off, and is not set.
pub fn went_off(endpoint: usize) {
    with(endpoint, |watched| watched.due = 0);
}

/// Has the endpoint's alarm go off at `due` at the latest. To be called with
/// nothing held.
pub fn wake_at(endpoint: usize, due: u64) {
    let alarm = with(endpoint, |watched| {
        if watched.due != 0 && watched.due <= due {
            return None;
        }
        watched.due = due;
        if watched.setting {
            return None;
        }
        watched.setting = true;
        Some(watched.alarm.alias())
    });
    let Some(alarm) = alarm.flatten() else { return };
    let mut set_to = 0;
    // Until what is set is what is wished for.
    while let Some(due) = with(endpoint, |watched| {
        watched.setting = watched.due != 0 && watched.due != set_to;
        watched.setting.then_some(watched.due)
    })
    .flatten()
    {
        alarm.set(due);
        set_to = due;
    }
}

fn with<T>(endpoint: usize, f: impl FnOnce(&mut Watched) -> T) -> Option<T> {
    WATCHED
        .lock()
        .iter_mut()
        .find(|watched| watched.alarm.endpoint() == endpoint)
        .map(f)
}
