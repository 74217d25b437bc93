//! Before 2.17: whose session a request is of that is sent outside of dialogs. PJSIP's
//! modules ask for an answer only after the response has reached them, and by then it
//! is too late to hold it.
//!
//! What links the two is the request's Call-ID: the request's own, never that of a
//! response, and no address, which another request may have tomorrow.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};

/// A session's latest Call-IDs that are remembered. A registration or publication has
/// one for all its life.
const MOST: usize = 32;

struct Links {
    sessions: BTreeMap<Box<[u8]>, usize>,
    calls: BTreeMap<usize, VecDeque<Box<[u8]>>>,
}

static LINKS: Mutex<Links> = Mutex::new(Links {
    sessions: BTreeMap::new(),
    calls: BTreeMap::new(),
});

/// Whether there is any, so that who defers nothing takes no lock.
static ANY: AtomicBool = AtomicBool::new(false);

/// A session prepares a request of this call.
pub fn note(session: usize, call_id: &[u8]) {
    let mut links = LINKS.lock();
    ANY.store(true, Relaxed);
    match links.sessions.insert(call_id.into(), session) {
        Some(known) if known == session => return,
        Some(other) => links.drop_from(other, call_id),
        None => {}
    }
    let calls = links.calls.entry(session).or_default();
    calls.push_back(call_id.into());
    if let Some(oldest) = (calls.len() > MOST).then(|| calls.pop_front()).flatten() {
        links.sessions.remove(&oldest);
    }
}

/// The session that prepared the last request of this call, unless that is gone.
pub fn session_of(call_id: &[u8]) -> Option<usize> {
    if !ANY.load(Relaxed) {
        return None;
    }
    LINKS.lock().sessions.get(call_id).copied()
}

/// The session is gone.
pub fn forget(session: usize) {
    if !ANY.load(Relaxed) {
        return;
    }
    let mut links = LINKS.lock();
    for call_id in links.calls.remove(&session).into_iter().flatten() {
        links.sessions.remove(&call_id);
    }
    ANY.store(!links.calls.is_empty(), Relaxed);
}

impl Links {
    fn drop_from(&mut self, session: usize, call_id: &[u8]) {
        if let Some(calls) = self.calls.get_mut(&session) {
            calls.retain(|known| **known != *call_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, forget, note, session_of};

    #[test]
    fn sessions_and_calls() {
        note(1, b"a");
        note(1, b"a");
        note(2, b"b");
        assert_eq!(session_of(b"a"), Some(1));
        assert_eq!(session_of(b"c"), None);
        note(2, b"a");
        assert_eq!(session_of(b"a"), Some(2));
        forget(1);
        assert_eq!(session_of(b"a"), Some(2));
        for i in 0..MOST {
            note(2, format!("{i}").as_bytes());
        }
        assert_eq!((session_of(b"b"), session_of(b"a")), (None, None));
        assert_eq!(session_of(b"0"), Some(2));
        forget(2);
        assert_eq!(session_of(b"0"), None);
    }
}
