//! What falls due when.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use crate::turn::state::arena::{AllocationId, PeerId, RelayId, RequestId};
use crate::turn::time::Time;

/// Something that has a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Allocation(AllocationId),
    Request(RequestId),
    Reservation(RelayId),
    Connection(PeerId),
    /// A permission or a channel of an allocation.
    Reach(AllocationId),
}

/// Deadlines in order. Setting, cancelling and taking one costs the logarithm
/// of their number, and a cancelled one leaves nothing behind.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    set: BTreeSet<(Time, Due)>,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Time, due: Due) {
        self.set.insert((at, due));
    }

    /// Takes back a deadline; `at` must be the time it was set to.
    pub(crate) fn cancel(&mut self, at: Time, due: Due) {
        self.set.remove(&(at, due));
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.set.first().map(|(at, _)| *at)
    }

    /// Takes the first deadline that has come.
    pub(crate) fn take(&mut self, now: Time) -> Option<Due> {
        let first = self.set.first().filter(|(at, _)| *at <= now)?;
        let due = first.1;
        self.set.pop_first();
        Some(due)
    }
}
