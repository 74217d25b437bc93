//! Who an allocation may reach, as far as the application wants to hear of it.
#![forbid(unsafe_code)]

use crate::turn::core::action::{Event, Reach};
use crate::turn::state::allocation::Allocation;
use crate::turn::state::arena::AllocationId;
use crate::turn::state::timers::Due;
use crate::turn::time::Time;

use super::Core;

impl Core {
    /// Changes an allocation's permissions and channels, and tells of those that are
    /// gone by it.
    pub(super) fn narrow(&mut self, id: AllocationId, change: impl FnOnce(&mut Allocation)) {
        let Some(allocation) = self.table.get_mut(id) else {
            return;
        };
        if !self.config.tell_peers {
            return change(allocation);
        }
        let before = reaches(allocation);
        change(allocation);
        let is_gone = |(reach, _): &(Reach, Time)| match reach {
            Reach::Permission(ip) => allocation.permissions.until(ip) == Time::ZERO,
            Reach::Channel(number, peer) => !allocation.channels.has(*number, peer),
            Reach::Connection(_) => false,
        };
        let gone = before.into_iter().filter(is_gone);
        let events = gone.map(|(reach, _)| Event::ReachesNoMore(id, reach));
        self.events.extend(events);
    }

    /// Lets go of permissions and channels that have expired.
    pub(super) fn expire_reaches(&mut self, id: AllocationId, now: Time) {
        if self.config.tell_peers {
            self.narrow(id, |allocation| {
                allocation.permissions.purge(now);
                allocation.channels.purge(now);
            });
        }
    }

    /// Sees to it that the next permission or channel that expires is told of when it does.
    pub(super) fn watch_reaches(&mut self, id: AllocationId) {
        let Some(allocation) = self.table.get_mut(id) else {
            return;
        };
        if !self.config.tell_peers || allocation.ended.is_some() {
            return;
        }
        let next = reaches(allocation).into_iter().map(|(_, until)| until);
        let next = next.min().unwrap_or(Time::ZERO);
        let before = std::mem::replace(&mut allocation.next_reach, next);
        self.timers.cancel(before, Due::Reach(id));
        if next > Time::ZERO {
            self.timers.set(next, Due::Reach(id));
        }
    }

    /// An allocation ends, and with it all that it may reach.
    pub(super) fn end_reaches(&mut self, id: AllocationId) {
        let Some(allocation) = self.table.get(id) else {
            return;
        };
        if self.config.tell_peers {
            self.timers.cancel(allocation.next_reach, Due::Reach(id));
            let all = reaches(allocation).into_iter();
            let events = all.map(|(reach, _)| Event::ReachesNoMore(id, reach));
            self.events.extend(events);
        }
    }
}

/// The permissions and channels that are there, with when they expire.
fn reaches(allocation: &Allocation) -> Vec<(Reach, Time)> {
    let permissions = allocation.permissions.all();
    let permissions = permissions.map(|(ip, until)| (Reach::Permission(ip), until));
    let channels = allocation.channels.all();
    let channels = channels.map(|(number, peer, until)| (Reach::Channel(number, peer), until));
    permissions.chain(channels).collect()
}
