//! What other threads reach of an embedded core.
#![forbid(unsafe_code)]

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Release},
};

use parking_lot::Mutex;

use crate::turn::core::Core;
use crate::turn::core::action::Decision;
use crate::turn::core::counters::Counters;
use crate::turn::driver::cores::CoreAccess;
use crate::turn::state::arena::RequestId;
use crate::turn::time::Time;

use super::relays::is_opening;

/// What other threads reach of a core.
pub struct EmbeddedCore {
    pub core: Mutex<Core>,
    pub decisions: Mutex<Vec<(RequestId, Decision)>>,
    /// The time that was told last, in nanoseconds.
    pub now: AtomicU64,
    pub wake: Box<dyn Fn() + Send + Sync>,
    pub stopping: AtomicBool,
    pub ended: AtomicBool,
}

impl CoreAccess for EmbeddedCore {
    fn with_core(&self, f: &mut dyn FnMut(&mut Core, Time)) {
        if !is_opening() {
            f(&mut self.core.lock(), self.now());
        }
    }

    fn wake(&self) {
        (self.wake)();
    }

    fn decide(&self, id: RequestId, decision: Decision) {
        self.decisions.lock().push((id, decision));
        self.wake();
    }

    fn losses(&self) -> Counters {
        Counters::default()
    }
}

impl EmbeddedCore {
    pub fn now(&self) -> Time {
        Time::from_nanos(self.now.load(Acquire))
    }

    /// Has the core stop when somebody is at work next.
    pub fn stop(&self) {
        self.stopping.store(true, Release);
    }

    pub fn must_stop(&self) -> bool {
        self.stopping.load(Acquire) && !self.has_ended()
    }

    /// Whether it has stopped: the observer will not be called again.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Acquire)
    }

    pub fn end(&self) {
        self.ended.store(true, Release);
    }
}
