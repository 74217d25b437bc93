//! The cores of a server as the rest of the program reaches them, whoever
//! drives them.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::stun::address::Family;
use crate::turn::auth::credentials::Identity;
use crate::turn::core::Core;
use crate::turn::core::action::Decision;
use crate::turn::core::config::Config;
use crate::turn::core::counters::Counters;
use crate::turn::policy::limits::Rate;
use crate::turn::policy::peers::Policy;
use crate::turn::policy::ranges::Range;
use crate::turn::state::allocation::Figures;
use crate::turn::state::arena::{AllocationId, RequestId};
use crate::turn::state::five_tuple::Transport;
use crate::turn::time::Time;

use super::observer::Place;

/// What drives a core, seen from outside. Called from any thread.
pub trait CoreAccess: Send + Sync {
    /// Has `f` look at the core or change it, at the driver's time.
    fn with_core(&self, f: &mut dyn FnMut(&mut Core, Time));

    /// Has the core's figures include what was relayed past it, by an allocation or by all.
    fn gather(&self, of: Option<AllocationId>) {
        let _ = of;
    }

    /// There may be events to tell, or an earlier deadline.
    fn wake(&self);

    /// Takes in the decision about a request that was to be answered later.
    fn decide(&self, id: RequestId, decision: Decision);

    /// What was lost so far.
    fn losses(&self) -> Counters;
}

/// The cores of one server, by worker. Its methods may be called from any
/// thread, the observer's included.
pub struct Cores(Vec<Arc<dyn CoreAccess>>);

impl Cores {
    pub(super) fn new(drivers: Vec<Arc<dyn CoreAccess>>) -> Self {
        Cores(drivers)
    }

    /// Whether the client of a request is that; `None` when the request has been
    /// decided, or can no longer be.
    pub fn verify(&self, request: Place<RequestId>, identity: Option<&Identity>) -> Option<bool> {
        self.look(request.worker, |core, _| core.verify(request.id, identity))?
    }

    /// Says of a request that waits who its client must prove to be, should nobody
    /// decide.
    pub fn identify(&self, request: Place<RequestId>, identity: Identity) {
        self.look(request.worker, |core, _| {
            core.identify(request.id, identity)
        });
    }

    /// Decides about a request that was to be answered later.
    pub fn decide(&self, request: Place<RequestId>, decision: Decision) {
        if let Some(driver) = self.0.get(usize::from(request.worker)) {
            driver.decide(request.id, decision);
        }
    }

    /// What is known of an allocation; `None` when it is gone.
    pub fn figures(&self, at: Place<AllocationId>) -> Option<Figures> {
        self.0.get(usize::from(at.worker))?.gather(Some(at.id));
        self.look(at.worker, |core, now| core.figures(at.id, now))?
    }

    /// The allocations that exist now.
    pub fn allocations(&self) -> Vec<Place<AllocationId>> {
        let mut found = Vec::new();
        for worker in self.workers() {
            self.look(worker, |core, _| {
                found.extend(core.allocations().map(|id| Place { worker, id }));
            });
        }
        found
    }

    /// Ends an allocation; `false` when it has ended already.
    pub fn revoke(&self, at: Place<AllocationId>) -> bool {
        self.change(at.worker, |core, now| core.revoke(at.id, now))
    }

    /// Ends all allocations of a user; returns how many.
    pub fn revoke_user(&self, user: &str) -> usize {
        let revoke = |worker| self.change(worker, |core, now| core.revoke_user(user, now));
        self.workers().map(revoke).sum()
    }

    /// Sets when an allocation expires, counted from now; `false` when it has
    /// ended.
    pub fn set_lifetime(&self, at: Place<AllocationId>, lifetime: Duration) -> bool {
        self.change(at.worker, |core, now| {
            core.set_lifetime(at.id, lifetime, now)
        })
    }

    /// Sets how many bytes an allocation may relay in all; `false` when it has
    /// ended.
    pub fn set_byte_cap(&self, at: Place<AllocationId>, cap: Option<u64>) -> bool {
        self.change(at.worker, |core, _| core.set_byte_cap(at.id, cap))
    }

    /// Sets the rate of an allocation; `false` when it has ended.
    pub fn set_rate(&self, at: Place<AllocationId>, rate: Option<Rate>) -> bool {
        self.change(at.worker, |core, _| core.set_rate(at.id, rate))
    }

    /// A user's rate has changed, which is beside the cores.
    pub fn rate_changed(&self) {
        for worker in self.workers() {
            self.look(worker, |core, _| core.reroute_all());
        }
    }

    /// Figures of the whole server, connections excepted.
    pub fn totals(&self) -> Counters {
        let mut totals = Counters::default();
        for (worker, driver) in self.workers().zip(&self.0) {
            driver.gather(None);
            totals.add(&driver.losses());
            self.look(worker, |core, _| {
                totals.add(core.counters());
                totals.allocations += core.allocation_count() as u64;
                totals.held += core.held_count() as u64;
                totals.peer_connections += core.connection_count() as u64;
            });
        }
        // What they share any of them tells.
        if let Some((sources, guessers)) = self.look(0, |core, now| core.suppressed(now)) {
            totals.sources_unanswered = sources as u64;
            totals.guessers_suppressed = guessers as u64;
        }
        totals
    }

    /// Sends new clients of a family to another server, or no longer.
    pub fn set_alternate(
        &self,
        transport: Option<Transport>,
        family: Family,
        server: Option<SocketAddr>,
    ) {
        for worker in self.workers() {
            self.look(worker, |core, _| {
                core.set_alternate(transport, family, server)
            });
        }
    }

    pub(super) fn set_policy(&self, ranges: Option<&[Range]>, change: impl Fn(&mut Policy)) {
        for worker in self.workers() {
            self.look(worker, |core, _| core.set_policy(ranges, &change));
        }
    }

    /// Goes by these limits from now on.
    pub fn set_limits(&self, from: &Config) {
        for worker in self.workers() {
            self.look(worker, |core, _| core.set_limits(from));
        }
    }

    pub(super) fn drain(&self, drain: bool) {
        for worker in self.workers() {
            self.look(worker, |core, _| core.drain(drain));
        }
    }

    fn workers(&self) -> impl Iterator<Item = u16> {
        0..self.0.len() as u16
    }

    fn look<R>(&self, worker: u16, f: impl FnOnce(&mut Core, Time) -> R) -> Option<R> {
        let driver = self.0.get(usize::from(worker))?;
        let (mut f, mut found) = (Some(f), None);
        driver.with_core(&mut |core, now| found = f.take().map(|f| f(core, now)));
        found
    }

    fn change<R: Default>(&self, worker: u16, f: impl FnOnce(&mut Core, Time) -> R) -> R {
        let changed = self.look(worker, f);
        if let Some(driver) = self.0.get(usize::from(worker)) {
            driver.wake();
        }
        changed.unwrap_or_default()
    }
}
