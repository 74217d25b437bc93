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

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use parking_lot::Mutex;

/// A challenge that its transaction has not seen yet, and addresses.
#[derive(Clone, Copy)]
pub struct Held {
    /// What the token was minted with: the address of what the challenge owns.
    pub id: usize,
    pub transaction: usize,
    pub dialog: usize,
    pub request: usize,
    /// Not yet handed to the transaction.
    pub waiting: bool,
}

/// What a challenge's module is to be told when it asks for an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answer {
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
    answer: Answer,
    used: bool,
}

static HELD: Mutex<Vec<Held>> = Mutex::new(Vec::new());
static DELIVERIES: Mutex<Vec<Delivery>> = Mutex::new(Vec::new());

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
pub fn is_empty() -> bool {
    HELD_COUNT.load(Relaxed) == 0
}

/// Remembers a held challenge.
pub fn insert(held: Held) {
    let mut all = HELD.lock();
    all.push(held);
    HELD_COUNT.store(all.len(), Relaxed);
}

/// Forgets it; `None` if it is none, or somebody was first.
pub fn remove(id: usize) -> Option<Held> {
    if is_empty() {
        return None;
    }
    let mut all = HELD.lock();
    let at = all.iter().position(|held| held.id == id)?;
    let held = all.swap_remove(at);
    HELD_COUNT.store(all.len(), Relaxed);
    Some(held)
}

/// The challenge with this identity.
pub fn of(id: usize) -> Option<Held> {
    find(|held| held.id == id)
}

/// The challenge of a token, by what that was minted with. Not by `id` alone: what
/// another's token has there may be the address of something freed, and then ours.
pub fn get(id: usize, request: usize) -> Option<Held> {
    find(|held| held.id == id && held.request == request)
}

/// Whether this request's challenge waits for its transaction.
pub fn holds(request: usize) -> bool {
    find(|held| held.waiting && held.request == request).is_some()
}

/// The challenge that waits for this transaction.
pub fn waiting_for(transaction: usize) -> Option<Held> {
    find(|held| held.waiting && held.transaction == transaction)
}

/// A challenge that a request of this dialog waits with.
pub fn waiting_in(dialog: usize) -> Option<Held> {
    find(|held| held.waiting && held.dialog == dialog)
}

/// The transaction is about to be handed the challenge. One caller is told so.
pub fn stop_waiting(id: usize) -> bool {
    let mut all = HELD.lock();
    all.iter_mut()
        .find(|held| held.id == id)
        .is_some_and(|held| core::mem::replace(&mut held.waiting, false))
}

fn find(wanted: impl Fn(&Held) -> bool) -> Option<Held> {
    if is_empty() {
        return None;
    }
    HELD.lock().iter().copied().find(wanted)
}

/// From now on, whoever asks about this response is told `answer`.
pub fn begin_delivery(response: usize, answer: Answer) {
    let mut all = DELIVERIES.lock();
    all.push(Delivery {
        response,
        answer,
        used: false,
    });
    DELIVERY_COUNT.store(all.len(), Relaxed);
}

/// Ends what [`begin_delivery`] began. Returns whether the answer was asked for.
pub fn end_delivery(response: usize) -> bool {
    let mut all = DELIVERIES.lock();
    let at = all.iter().position(|one| one.response == response);
    let used = at.is_some_and(|at| all.swap_remove(at).used);
    DELIVERY_COUNT.store(all.len(), Relaxed);
    used
}

/// Whether the application was asked about this response already.
pub fn is_decided(response: usize) -> bool {
    DELIVERY_COUNT.load(Relaxed) != 0
        && DELIVERIES.lock().iter().any(|one| one.response == response)
}

/// What was decided about a response. A prepared request is given out once.
pub fn take_answer(response: usize) -> Answer {
    if DELIVERY_COUNT.load(Relaxed) == 0 {
        return Answer::Ordinary;
    }
    let mut all = DELIVERIES.lock();
    let Some(delivery) = all.iter_mut().find(|one| one.response == response) else {
        return Answer::Ordinary;
    };
    let first = !core::mem::replace(&mut delivery.used, true);
    match delivery.answer {
        Answer::Prepared(_) if !first => Answer::None,
        answer => answer,
    }
}
