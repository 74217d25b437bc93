//! Challenges that are held back below the transaction layer, and responses that
//! are on their way up from there: what the callbacks that the host makes have to
//! find again. Addresses only; whoever looks one up knows why it is still good.
//!
//! ```text
//!   401 --> our module --> [ held ] ...... the application decides ......
//!                              |
//!                              v  delivery: the transaction gets its 401,
//!                          transaction --> dialog --> call --> reinit_req
//!                                                              which answers what
//!                                                              was decided
//! ```
#![forbid(unsafe_code)]

use crate::handle::Handle;
use crate::pjsip::guard::guard;
use crate::pjsip::host::Lock;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// A challenge that its transaction has not seen yet, and addresses.
#[derive(Clone, Copy)]
pub struct Held {
    /// What the token was minted with: the address of what the challenge owns.
    pub id: usize,
    pub transaction: usize,
    pub dialog: usize,
    pub request: usize,
    /// Whether the request is an INVITE.
    pub is_invite: bool,
    /// Whether the peer was sent its ACK.
    pub is_acknowledged: bool,
    /// The token, once there is one.
    pub token: Option<Handle>,
    /// Not yet handed to the transaction.
    pub waiting: bool,
}

/// What a challenge's module is to be told when it asks for an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The application declined: the library answers by itself.
    Ordinary,
    /// The request at this address.
    Prepared(usize),
    /// There is none.
    None,
}

/// A response that a transaction is being handed.
struct Delivery {
    response: usize,
    decision: Decision,
    used: bool,
}

/// What is held, and by what it is asked for.
struct Table {
    held: Map<Held>,
    by_transaction: Map<usize>,
    by_request: Map<usize>,
    /// Of each dialog all that waits in it.
    by_dialog: Map<Vec<usize>>,
}

type Map<T> = HashMap<usize, T, BuildHasherDefault<DefaultHasher>>;

const fn map<T>() -> Map<T> {
    HashMap::with_hasher(BuildHasherDefault::new())
}

static HELD: Lock<Table> = Lock::new(Table {
    held: map(),
    by_transaction: map(),
    by_request: map(),
    by_dialog: map(),
});
static DELIVERIES: Lock<Vec<Delivery>> = Lock::new(Vec::new());

/// Lengths of the two, so that a process that defers nothing takes no lock.
static HELD_COUNT: AtomicUsize = AtomicUsize::new(0);
static DELIVERY_COUNT: AtomicUsize = AtomicUsize::new(0);

static WANTED: AtomicBool = AtomicBool::new(true);

/// Whether challenges are to be held.
pub fn is_wanted() -> bool {
    WANTED.load(Relaxed)
}

/// Sets what [`is_wanted`] returns.
pub fn set_wanted(wanted: bool) {
    WANTED.store(wanted, Relaxed);
}

/// Whether nothing is held.
#[inline]
pub fn is_empty() -> bool {
    HELD_COUNT.load(Relaxed) == 0
}

impl Table {
    /// Room for one more in each map; false where there is no memory for it.
    fn reserve(&mut self, dialog: usize) -> bool {
        let waiting = self.by_dialog.try_reserve(1).is_ok()
            && self
                .by_dialog
                .entry(dialog)
                .or_default()
                .try_reserve(1)
                .is_ok();
        waiting
            && self.held.try_reserve(1).is_ok()
            && self.by_transaction.try_reserve(1).is_ok()
            && self.by_request.try_reserve(1).is_ok()
    }

    /// Nobody asks for it any more, but by its identity.
    fn unlist(&mut self, held: Held) {
        self.by_transaction.remove(&held.transaction);
        self.by_request.remove(&held.request);
        if let Some(waiting) = self.by_dialog.get_mut(&held.dialog) {
            waiting.retain(|&id| id != held.id);
            if waiting.is_empty() {
                self.by_dialog.remove(&held.dialog);
            }
        }
    }
}

/// Under the lock, and behind the panic barrier: callbacks of the host's come here.
fn with<T: Default>(f: impl FnOnce(&mut Table) -> T) -> T {
    guard(|| Ok(f(&mut HELD.lock()))).unwrap_or_default()
}

/// The same for what is on its way up.
fn with_deliveries<T: Default>(f: impl FnOnce(&mut Vec<Delivery>) -> T) -> T {
    guard(|| Ok(f(&mut DELIVERIES.lock()))).unwrap_or_default()
}

/// Remembers a held challenge that waits. False where there is no memory for it, or the
/// transaction has one.
pub fn insert(held: Held) -> bool {
    with(|all| {
        if all.by_transaction.contains_key(&held.transaction) || !all.reserve(held.dialog) {
            return false;
        }
        all.held.insert(held.id, held);
        all.by_transaction.insert(held.transaction, held.id);
        all.by_request.insert(held.request, held.id);
        all.by_dialog.entry(held.dialog).or_default().push(held.id);
        HELD_COUNT.store(all.held.len(), Relaxed);
        true
    })
}

/// Notes under which token a challenge is held.
pub fn set_token(id: usize, token: Handle) {
    with(|all| {
        if let Some(held) = all.held.get_mut(&id) {
            held.token = Some(token);
        }
    });
}

/// Forgets it; `None` if it is none, or somebody was first.
pub fn remove(id: usize) -> Option<Held> {
    if is_empty() {
        return None;
    }
    with(|all| {
        let held = all.held.remove(&id)?;
        if held.waiting {
            all.unlist(held);
        }
        HELD_COUNT.store(all.held.len(), Relaxed);
        Some(held)
    })
}

/// The challenge with this identity.
pub fn of(id: usize) -> Option<Held> {
    find(|all| Some(id).filter(|id| all.held.contains_key(id)))
}

/// The challenge of a token, by what that was minted with. Not by `id` alone: what
/// another's token has there may be the address of something freed, and then ours.
pub fn get(id: usize, request: usize) -> Option<Held> {
    of(id).filter(|held| held.request == request)
}

/// Whether this request's challenge waits for its transaction.
pub fn holds(request: usize) -> bool {
    find(|all| all.by_request.get(&request).copied()).is_some()
}

/// The challenge that waits for this transaction.
pub fn waiting_for(transaction: usize) -> Option<Held> {
    find(|all| all.by_transaction.get(&transaction).copied())
}

/// A challenge that a request of this dialog waits with.
pub fn waiting_in(dialog: usize) -> Option<Held> {
    find(|all| all.by_dialog.get(&dialog)?.first().copied())
}

/// The peer was sent the ACK.
pub fn note_acknowledged(id: usize) {
    with(|all| {
        if let Some(held) = all.held.get_mut(&id) {
            held.is_acknowledged = true;
        }
    });
}

/// The token of an INVITE that waits in this dialog.
pub fn waiting_invite_in(dialog: usize) -> Option<Handle> {
    let invite = find(|all| {
        let waiting = all.by_dialog.get(&dialog)?;
        let is_invite = |id: &&usize| all.held.get(id).is_some_and(|held| held.is_invite);
        waiting.iter().find(is_invite).copied()
    });
    invite.and_then(|held| held.token)
}

/// The transaction is about to be handed the challenge. One caller is told so.
pub fn stop_waiting(id: usize) -> bool {
    with(|all| {
        let Some(held) = all.held.get_mut(&id) else {
            return false;
        };
        let was = *held;
        held.waiting = false;
        if was.waiting {
            all.unlist(was);
        }
        was.waiting
    })
}

fn find(id: impl FnOnce(&Table) -> Option<usize>) -> Option<Held> {
    if is_empty() {
        return None;
    }
    with(|all| all.held.get(&id(all)?).copied())
}

/// From now on, whoever asks about this response is told `decision`.
pub fn begin_delivery(response: usize, decision: Decision) {
    with_deliveries(|all| {
        if all.try_reserve(1).is_err() {
            return; // as if the application had declined
        }
        all.push(Delivery {
            response,
            decision,
            used: false,
        });
        DELIVERY_COUNT.store(all.len(), Relaxed);
    });
}

/// Ends what [`begin_delivery`] began. Returns whether the decision was asked for.
pub fn end_delivery(response: usize) -> bool {
    with_deliveries(|all| {
        let at = all.iter().position(|one| one.response == response);
        let used = at.is_some_and(|at| all.swap_remove(at).used);
        DELIVERY_COUNT.store(all.len(), Relaxed);
        used
    })
}

/// Whether the application was asked about this response already.
#[inline]
pub fn is_decided(response: usize) -> bool {
    DELIVERY_COUNT.load(Relaxed) != 0
        && with_deliveries(|all| all.iter().any(|one| one.response == response))
}

/// What was decided about a response. A prepared request is given out once.
pub fn take_decision(response: usize) -> Decision {
    if DELIVERY_COUNT.load(Relaxed) == 0 {
        return Decision::Ordinary;
    }
    let decision = with_deliveries(|all| {
        let delivery = all.iter_mut().find(|one| one.response == response)?;
        let first = !core::mem::replace(&mut delivery.used, true);
        Some(match delivery.decision {
            Decision::Prepared(_) if !first => Decision::None,
            decision => decision,
        })
    });
    decision.unwrap_or(Decision::Ordinary)
}
