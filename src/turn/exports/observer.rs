//! What stands behind the handles, and the way to the application's observer.

use core::ffi::c_void;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex, RwLock};

use crate::handle::Handle;
use crate::turn::core::action::{Decision, Grant, Reach};
use crate::turn::driver::{self, Ask, Level, Observer, Options, Place};
use crate::turn::state::allocation::Reason;
use crate::turn::state::arena::{AllocationId, RequestId};
use crate::turn::status::{EINVAL, Status};

use super::attribute::Attributes;
use super::call::{Outcome, call};
use super::engine::Engine;
use super::peers::PeerFunctions;
use super::types::{
    PJAUTH_TURN_AUTHENTICATING, PJAUTH_TURN_AUTHORIZED, PJAUTH_TURN_NOT_AUTHORIZED,
    PJAUTH_TURN_QUOTA_REACHED, pjauth_turn_observer,
};
use super::{ALLOCATIONS, REQUESTS, UserData};

/// A server, running or not.
pub struct ServerState {
    pub options: Options,
    /// What each allocation starts with, when the server starts.
    pub first_terms: Grant,
    /// What each allocation starts with from now on.
    pub terms: Mutex<Grant>,
    /// Who hears of permissions and channels, and of their ends.
    on_peer: PeerFunctions,
    pub observer: ObserverPointer,
    /// Its own handle.
    pub handle: OnceLock<Handle>,
    /// The one that runs, or the last one that ran.
    pub running: RwLock<Option<Arc<Engine>>>,
    /// The generation of the process that has started it; 0 before.
    started_in: AtomicU32,
    /// The handles of the allocations that exist.
    pub allocations: Mutex<HashMap<Place<AllocationId>, Handle>>,
    pub user_data: UserData,
    /// Why it could not be started last.
    pub refused: Mutex<String>,
}

/// A request that waits for a decision.
pub struct RequestState {
    pub server: Arc<ServerState>,
    pub ask: Ask,
    pub terms: Mutex<Grant>,
    phase: Mutex<Phase>,
    /// What was asked for of its message.
    pub attributes: Mutex<Attributes>,
    pub user_data: UserData,
}

/// How far a request has come.
enum Phase {
    /// The observer's function has not returned. If the answer comes before it
    /// does, it is here.
    Asked(Option<Decision>),
    /// It waits for an answer.
    Waiting,
}

impl RequestState {
    /// Tells the server of a request that waits what has been set so far.
    pub fn identify(&self) {
        let is_waiting = matches!(*self.phase.lock(), Phase::Waiting);
        let identity = self.terms.lock().identity();
        if let Some(identity) = identity.filter(|_| is_waiting)
            && let Some(server) = self.server.running()
        {
            server.cores().identify(self.ask.place, identity);
        }
    }

    /// Takes in the answer, or gives it back where it must be brought to a
    /// request that waits.
    pub fn answer(&self, decision: Decision) -> Option<Decision> {
        match &mut *self.phase.lock() {
            Phase::Asked(answer) => {
                *answer = Some(decision);
                None
            }
            Phase::Waiting => Some(decision),
        }
    }
}

/// An allocation.
pub struct AllocationState {
    pub server: Arc<ServerState>,
    pub place: Place<AllocationId>,
    pub user_data: UserData,
}

/// The decision that a state stands for, on these terms; `None` for one that is
/// none.
pub fn decision(terms: Grant, state: i32) -> Option<Decision> {
    match state {
        PJAUTH_TURN_AUTHORIZED => Some(Decision::Authorized(terms)),
        PJAUTH_TURN_QUOTA_REACHED => Some(Decision::QuotaReached(terms.identity())),
        PJAUTH_TURN_NOT_AUTHORIZED => Some(Decision::NotAuthorized),
        _ => None,
    }
}

impl ServerState {
    /// A server that does not run.
    pub fn new(
        options: Options,
        terms: Grant,
        on_peer: PeerFunctions,
        observer: ObserverPointer,
    ) -> Arc<Self> {
        Arc::new(ServerState {
            options,
            first_terms: terms.clone(),
            terms: Mutex::new(terms),
            on_peer,
            observer,
            handle: OnceLock::new(),
            running: RwLock::new(None),
            started_in: AtomicU32::new(0),
            allocations: Mutex::new(HashMap::new()),
            user_data: UserData::default(),
            refused: Mutex::default(),
        })
    }

    /// From now on the server is this process's alone.
    pub fn claim(&self) {
        self.started_in.store(driver::generation(), Relaxed);
    }

    /// Whether it may be looked into here: not in a child of `fork`, which has
    /// none of its threads, and its locks as they were at that moment.
    pub fn is_ours(&self) -> bool {
        let started_in = self.started_in.load(Relaxed);
        started_in == 0 || started_in == driver::current_generation()
    }

    pub fn running(&self) -> Option<Arc<Engine>> {
        self.running.read().clone()
    }

    pub fn log(&self, level: Level, text: &str) {
        (self.options.log)(level, text);
    }

    /// Keeps why something failed, for `pjauth_turn_server_error()`.
    pub fn remember<E: std::fmt::Display>(&self, result: &Result<(), E>) {
        let why = result.as_ref().err().map(E::to_string);
        *self.refused.lock() = why.unwrap_or_default();
    }

    /// The decision that a state stands for. One that is none is refused.
    pub fn decision(&self, terms: Grant, state: i32) -> Decision {
        decision(terms, state).unwrap_or_else(|| {
            let text = format!("{state} is no state of a request: taken as NOT_AUTHORIZED");
            self.log(Level::Warning, &text);
            Decision::NotAuthorized
        })
    }

    fn pointer(&self) -> *mut c_void {
        let handle = self.handle.get();
        handle.map_or(core::ptr::null_mut(), |handle| super::pointer(*handle))
    }
}

/// The application's observer, until it is forgotten.
pub struct ObserverPointer {
    calls: Mutex<Calls>,
    returned: Condvar,
}

struct Calls {
    /// NULL once it is forgotten.
    observer: *mut pjauth_turn_observer,
    /// The threads that are in one of its functions.
    inside: Vec<libc::pthread_t>,
}

// SAFETY: the application promises that its observer may be called from the
// server's threads, and we only pass the address on and read its table.
unsafe impl Send for Calls {}

fn this_thread() -> libc::pthread_t {
    // SAFETY: asks for nothing but a number.
    unsafe { libc::pthread_self() }
}

/// The functions by their place in the table.
#[derive(Clone, Copy)]
enum Function {
    Created = 0,
    Removed = 1,
    Authenticate = 2,
}

impl ObserverPointer {
    /// `PJ_EINVAL` for an observer without a table, or with a NULL in it.
    ///
    /// # Safety
    /// The observer is there, and outlives every call to it.
    pub unsafe fn new(observer: *mut pjauth_turn_observer) -> Result<Self, Status> {
        // SAFETY: the caller's observer. Its first word is NULL or the address of a
        // table of three functions, of which C may have left one out.
        let table = unsafe { (*observer).vtable.cast::<[*const c_void; 3]>().as_ref() };
        match table.is_some_and(|table| table.iter().all(|entry| !entry.is_null())) {
            true => Ok(ObserverPointer {
                calls: Mutex::new(Calls {
                    observer,
                    inside: Vec::new(),
                }),
                returned: Condvar::new(),
            }),
            false => Err(EINVAL),
        }
    }

    /// `None` once it is forgotten.
    fn call(
        &self,
        function: Function,
        server: *mut c_void,
        subject: *mut c_void,
    ) -> Option<Outcome> {
        let observer = {
            let mut calls = self.calls.lock();
            if calls.observer.is_null() {
                return None;
            }
            calls.inside.push(this_thread());
            calls.observer
        };
        // SAFETY: the application keeps the observer alive while the server
        // exists, or has it forgotten, which waits for this call. Its first word
        // is the address of a table of three functions.
        let entry = unsafe {
            let table = (*observer).vtable.cast::<*const c_void>();
            *table.add(function as usize)
        };
        // SAFETY: each of the functions takes three pointers.
        let outcome = unsafe { call(entry, [observer.cast(), server, subject]) };
        let mut calls = self.calls.lock();
        let this = this_thread();
        if let Some(at) = calls.inside.iter().rposition(|thread| *thread == this) {
            calls.inside.swap_remove(at);
        }
        self.returned.notify_all();
        Some(outcome)
    }

    /// Calls it no more, and waits for the calls of other threads to return.
    pub fn forget(&self) {
        let mut calls = self.calls.lock();
        calls.observer = core::ptr::null_mut();
        let this = this_thread();
        while calls.inside.iter().any(|thread| *thread != this) {
            self.returned.wait(&mut calls);
        }
    }
}

/// One worker's way to the observer.
pub struct Caller {
    state: Arc<ServerState>,
    /// The requests that wait, of this worker.
    requests: HashMap<RequestId, Handle>,
}

impl Caller {
    pub fn new(state: Arc<ServerState>) -> Self {
        Caller {
            state,
            requests: HashMap::new(),
        }
    }

    fn call(&self, function: Function, subject: Handle) -> Option<i32> {
        let server = self.state.pointer();
        let observer = &self.state.observer;
        match observer.call(function, server, super::pointer(subject))? {
            Outcome::Returned(value) => Some(value),
            Outcome::Threw => {
                let name = match function {
                    Function::Created => "onServerAllocationCreated",
                    Function::Removed => "onServerAllocationRemoved",
                    Function::Authenticate => "authenticateRequest",
                };
                let text = format!("the observer's {name} threw an exception");
                self.state.log(Level::Error, &text);
                None
            }
        }
    }
}

impl Observer for Caller {
    fn created(&mut self, place: Place<AllocationId>) {
        let allocation = Arc::new(AllocationState {
            server: self.state.clone(),
            place,
            user_data: UserData::default(),
        });
        let Some(handle) = ALLOCATIONS.mint(0, 0, allocation) else {
            self.state
                .log(Level::Error, "no handle is left: an allocation is revoked");
            if let Some(server) = self.state.running() {
                server.cores().revoke(place);
            }
            return;
        };
        self.state.allocations.lock().insert(place, handle);
        self.call(Function::Created, handle);
    }

    fn removed(&mut self, place: Place<AllocationId>, _: Reason) {
        let handle = self.state.allocations.lock().remove(&place);
        if let Some(handle) = handle {
            self.call(Function::Removed, handle);
            ALLOCATIONS.take(handle);
        }
    }

    fn reaches(&mut self, place: Place<AllocationId>, reach: Reach) {
        let handle = self.state.allocations.lock().get(&place).copied();
        if let (Some(handle), Some(begins)) = (handle, &self.state.on_peer.begins) {
            begins.tell(handle, reach);
        }
    }

    fn reaches_no_more(&mut self, place: Place<AllocationId>, reach: Reach) {
        let handle = self.state.allocations.lock().get(&place).copied();
        if let (Some(handle), Some(ends)) = (handle, &self.state.on_peer.ends) {
            ends.tell(handle, reach);
        }
    }

    fn authenticate(&mut self, ask: Ask) -> Decision {
        let id = ask.place.id;
        let request = Arc::new(RequestState {
            server: self.state.clone(),
            ask,
            terms: Mutex::new(self.state.terms.lock().clone()),
            phase: Mutex::new(Phase::Asked(None)),
            attributes: Mutex::default(),
            user_data: UserData::default(),
        });
        let Some(handle) = REQUESTS.mint(0, 0, request.clone()) else {
            self.state
                .log(Level::Error, "no handle is left: a request is refused");
            return Decision::NotAuthorized;
        };
        let state = self.call(Function::Authenticate, handle);
        let state = state.unwrap_or(PJAUTH_TURN_NOT_AUTHORIZED);
        let phase = std::mem::replace(&mut *request.phase.lock(), Phase::Waiting);
        if let Phase::Asked(Some(decision)) = phase {
            return decision;
        }
        if state == PJAUTH_TURN_AUTHENTICATING {
            self.requests.insert(id, handle);
            request.identify();
            return Decision::Later;
        }
        match REQUESTS.take(handle) {
            Some(_) => {
                let terms = std::mem::take(&mut *request.terms.lock());
                self.state.decision(terms, state)
            }
            // Another thread is about to answer.
            None => Decision::Later,
        }
    }

    fn done(&mut self, id: RequestId) {
        if let Some(handle) = self.requests.remove(&id) {
            REQUESTS.take(handle);
            if self.requests.len() < self.requests.capacity() / 8 {
                self.requests.shrink_to(self.requests.len() * 2);
            }
        }
    }
}
