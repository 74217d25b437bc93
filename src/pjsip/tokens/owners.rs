//! Which tokens are a session's: found without a look at any other's.
//!
//! A session's first tokens live in a nest of its own; a table has those beyond, and
//! forgets the dead among them before it grows. The session itself is known by a handle
//! too, so that the number of one that was never ended leads nowhere.
#![forbid(unsafe_code)]

use super::table::TOKENS;
use crate::handle::{Handle, Kind, Nest, Slab};
use crate::pjsip::guard::guard;
use crate::pjsip::host::{self, Lock, Session, WORDS};
use crate::pjsip::status::ENOMEM;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::time::{Duration, Instant};

/// The sessions that tokens were minted for.
static OWNERS: Slab<Nest> = Slab::new(Kind::SESSION);

type Beyond = HashMap<Handle, Vec<Handle>, BuildHasherDefault<DefaultHasher>>;

/// By owner, tokens that its nest had no room for.
static BEYOND: Lock<Beyond> = Lock::new(HashMap::with_hasher(BuildHasherDefault::new()));

/// Room for so many is made at first, where a nest does not suffice.
const FEW: usize = 16;

/// Between two looks at a token that another thread uses.
const PAUSE: Duration = Duration::from_millis(1);

/// The number that a session's tokens are minted under; given to it on first use,
/// which two challenges at once may race for. `None` where memory runs out.
#[inline(always)]
pub fn owner_of(session: Session<'_>) -> Option<Handle> {
    match session.owner() {
        0 => make_owner(session),
        bits => Handle::from_bits(bits),
    }
}

#[cold]
fn make_owner(session: Session<'_>) -> Option<Handle> {
    static KNOWN: AtomicBool = AtomicBool::new(false);
    if !KNOWN.swap(true, Relaxed) {
        host::get_before_fork(TOKENS.growth());
        host::get_before_fork(OWNERS.growth());
    }
    let fresh = guard(|| OWNERS.mint(0, 0, ()).ok_or(ENOMEM)).ok()?;
    let bits = session.set_owner(fresh.bits());
    if bits != fresh.bits() {
        OWNERS.take(fresh);
    }
    Handle::from_bits(bits)
}

/// The nest of an owner that has not ended.
#[inline(always)]
pub fn nest_of(owner: Handle) -> Option<&'static Nest> {
    OWNERS.find(owner)?.nest()
}

/// Mints a token that the owner's nest has no room for; `None` where memory runs out.
#[cold]
pub fn mint_beyond(owner: Handle, mint: impl FnOnce() -> Option<Handle>) -> Option<Handle> {
    let minted = guard(|| {
        let mut beyond = BEYOND.lock();
        beyond.try_reserve(1).map_err(|_| ENOMEM)?;
        let tokens = beyond.entry(owner).or_default();
        if tokens.len() == tokens.capacity() {
            tokens.retain(|&token| TOKENS.is_live(token));
            if 2 * tokens.len() >= tokens.capacity() {
                let more = tokens.len().max(FEW);
                tokens.try_reserve(more).map_err(|_| ENOMEM)?;
            }
        }
        // Under the lock, so that there is still room for it.
        let token = mint().ok_or(ENOMEM)?;
        tokens.push(token);
        Ok(token)
    });
    minted.ok()
}

/// Takes back all of a session's tokens, gives the words of each to `release`, and waits
/// until no other thread uses one: for as long as `patience` says.
///
/// Nothing is locked while `release` runs.
pub fn take_back(session: Session<'_>, patience: Duration, release: impl Fn([u64; WORDS])) {
    let Some(owner) = Handle::from_bits(session.owner()) else {
        return;
    };
    let start = Instant::now();
    let wait = || {
        // Who used a token when the process forked is not in the child.
        if host::is_child() || start.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(PAUSE);
        true
    };
    if let Some(nest) = nest_of(owner) {
        TOKENS.clear_nest(nest, &release, wait);
    }
    let beyond = match BEYOND.lock() {
        all if all.is_empty() => None,
        mut all => all.remove(&owner),
    };
    for token in beyond.unwrap_or_default() {
        TOKENS.end_of(token, &release, wait);
    }
}

/// The session has none and gets none under this number any more.
pub fn end(session: Session<'_>) {
    if let Some(owner) = Handle::from_bits(session.forget_owner()) {
        OWNERS.take(owner);
    }
}
