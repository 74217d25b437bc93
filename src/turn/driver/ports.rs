//! Which worker has which port of a relay address.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::atomic::{
    AtomicU16, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

use crate::turn::time::Time;

use super::relay_addresses::RelayAddress;

/// Addresses that a server may come to have in its life.
const MOST_ADDRESSES: usize = 1024;

/// The relay addresses of a server with the owner of every port, for all
/// workers and without a lock. Addresses are added while it runs, and stay.
#[derive(Debug)]
pub struct Ports {
    addresses: Box<[OnceLock<Address>]>,
    /// How many there are.
    count: Mutex<usize>,
    range: RangeInclusive<u16>,
    /// How long a port rests before the next has it.
    port_rest: Duration,
}

#[derive(Debug)]
struct Address {
    address: RelayAddress,
    states: States,
}

/// By port of the range. Addresses that are bound or seen as the same one have
/// them in common.
type States = Arc<[State]>;

/// What is known of a port.
#[derive(Debug, Default)]
struct State {
    /// The worker that has it, plus one; 0 for nobody.
    owner: AtomicU16,
    /// When it has rested, in tenths of a second; with [`FOREIGN`], when another
    /// program may be gone that had it.
    rested_at: AtomicU32,
}

/// Marks a port that another program had.
const FOREIGN: u32 = 1 << 31;
/// How long such a port is not tried before others.
const FOREIGN_FOR: Duration = Duration::from_secs(30);
/// Ports tried for one allocation, while other programs have them. None of them is
/// tried again for a while, so the next allocation gets further.
const ATTEMPTS: usize = 1024;
/// Ports picked at random before all are looked at.
const PICKS: usize = 8;

/// Why a port is not bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBound {
    /// Another program has it.
    Taken,
    /// No other will be had either.
    Failed,
}

/// Random bits of the system's: a port cannot be guessed from those before it.
pub fn random() -> u16 {
    super::control::random_word() as u16
}

/// A port that nobody else can claim until it is given back.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    address: usize,
    port: u16,
}

impl Ports {
    pub fn new(range: RangeInclusive<u16>, port_rest: Duration) -> Self {
        Ports {
            addresses: (0..MOST_ADDRESSES).map(|_| OnceLock::new()).collect(),
            count: Mutex::new(0),
            range,
            port_rest,
        }
    }

    /// The number of an address, which may be a new one. `None` when there
    /// have been too many.
    pub fn number(&self, address: RelayAddress) -> Option<usize> {
        let mut count = self.count.lock();
        if let Some(known) = self.all().position(|a| a.address == address) {
            return Some(known);
        }
        let same = |a: &&Address| {
            a.address.bind == address.bind || a.address.advertised == address.advertised
        };
        let states = self.all().find(same).map(|a| a.states.clone());
        let place = self.addresses.get(*count)?;
        // Only who holds the lock sets one.
        let _ = place.set(Address {
            address,
            states: states
                .unwrap_or_else(|| self.range.clone().map(|_| State::default()).collect()),
        });
        *count += 1;
        Some(*count - 1)
    }

    /// The addresses that peers have seen so far.
    pub fn advertised_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.all().map(|a| a.address.advertised)
    }

    fn all(&self) -> impl Iterator<Item = &Address> {
        self.addresses.iter().map_while(OnceLock::get)
    }

    /// Claims a free port of an address that `bind` takes: an even one with the next
    /// above if `pair`, an even one if `even`. First those that have rested, in
    /// random order; then the one that has rested longest; last those that another
    /// program had a while ago.
    pub fn claim<T>(
        &self,
        address: usize,
        worker: u16,
        kind: (bool, bool),
        now: Time,
        mut bind: impl FnMut(Claim) -> Result<T, NotBound>,
    ) -> Option<(Claim, T)> {
        let count = self.range.len();
        for attempt in 0..ATTEMPTS + PICKS {
            let start = usize::from(random()) % count;
            let claim = match attempt < PICKS {
                true => self
                    .candidate(address, start, kind)
                    .filter(|claim| self.rest(*claim, kind.1, now) <= tenths(now)),
                false => Some(self.best(address, start, kind, now)?),
            };
            let Some(claim) = claim.filter(|claim| self.take_all(*claim, kind.1, worker)) else {
                continue;
            };
            match bind(claim) {
                Ok(bound) => return Some((claim, bound)),
                Err(why) => {
                    let until = tenths(now + FOREIGN_FOR) | FOREIGN;
                    let taken = (why == NotBound::Taken).then_some(until);
                    self.give_back(claim, taken);
                    if kind.1 {
                        self.give_back(claim.next(), taken);
                    }
                    if why == NotBound::Failed {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// The first port from `start` on that has rested, else the free one that is
    /// nearest to it; `None` when none is free.
    fn best(&self, address: usize, start: usize, kind: (bool, bool), now: Time) -> Option<Claim> {
        let count = self.range.len();
        let mut best = None;
        for step in 0..count {
            let Some(claim) = self.candidate(address, (start + step) % count, kind) else {
                continue;
            };
            let rest = self.rest(claim, kind.1, now);
            if rest <= tenths(now) {
                return Some(claim);
            }
            if best.is_none_or(|(least, _)| rest < least) {
                best = Some((rest, claim));
            }
        }
        best.map(|(_, claim)| claim)
    }

    /// A port by its place in the range, if it is free and of the kind.
    fn candidate(&self, address: usize, place: usize, (even, pair): (bool, bool)) -> Option<Claim> {
        let port = self.range.start() + place as u16;
        let claim = Claim { address, port };
        let is_free = |claim| self.at(claim).owner.load(Relaxed) == 0;
        let fits = !(even && port % 2 == 1 || pair && port == *self.range.end());
        (fits && is_free(claim) && (!pair || is_free(claim.next()))).then_some(claim)
    }

    /// When a port, or the later of a pair, has rested; after all others one that
    /// another program has.
    fn rest(&self, claim: Claim, pair: bool, now: Time) -> u32 {
        let of = |claim| match self.at(claim).rested_at.load(Relaxed) {
            at if at & FOREIGN != 0 && at & !FOREIGN <= tenths(now) => 0,
            at => at,
        };
        let next = if pair { of(claim.next()) } else { 0 };
        of(claim).max(next)
    }

    /// Where a claimed port is bound.
    pub fn bound(&self, claim: Claim) -> SocketAddr {
        SocketAddr::new(self.address(claim).address.bind, claim.port)
    }

    /// What peers see of it.
    pub fn advertised(&self, claim: Claim) -> SocketAddr {
        SocketAddr::new(self.address(claim).address.advertised, claim.port)
    }

    /// The worker that has the port with this advertised address.
    pub fn owner(&self, advertised: &SocketAddr) -> Option<u16> {
        let ip = advertised.ip();
        let found = self.all().find(|a| a.address.advertised == ip)?;
        let place = advertised.port().checked_sub(*self.range.start())?;
        let state = found.states.get(usize::from(place))?;
        state.owner.load(Relaxed).checked_sub(1)
    }

    /// Another worker has it from now on.
    pub fn pass(&self, claim: Claim, worker: u16) {
        self.at(claim).owner.store(worker + 1, Relaxed);
    }

    /// Nobody has it any more, and nobody shall have it for a while: what was meant
    /// for the last user still comes.
    pub fn release(&self, claim: Claim, now: Time) {
        self.give_back(claim, Some(tenths(now + self.port_rest)));
    }

    fn give_back(&self, claim: Claim, rested_at: Option<u32>) {
        let state = self.at(claim);
        if let Some(at) = rested_at {
            state.rested_at.store(at, Relaxed);
        }
        state.owner.store(0, Release);
    }

    /// Takes a port, or both of a pair.
    fn take_all(&self, claim: Claim, pair: bool, worker: u16) -> bool {
        let is_ours = self.take(claim, worker);
        if is_ours && pair && !self.take(claim.next(), worker) {
            self.give_back(claim, None);
            return false;
        }
        is_ours
    }

    fn take(&self, claim: Claim, worker: u16) -> bool {
        let owner = &self.at(claim).owner;
        owner
            .compare_exchange(0, worker + 1, Acquire, Relaxed)
            .is_ok()
    }

    fn at(&self, claim: Claim) -> &State {
        &self.address(claim).states[usize::from(claim.port - self.range.start())]
    }

    fn address(&self, claim: Claim) -> &Address {
        // Claims are of addresses that there are.
        self.addresses[claim.address]
            .get()
            .expect("a claimed address")
    }
}

impl Claim {
    /// The next higher port of the same address.
    pub fn next(self) -> Claim {
        Claim {
            port: self.port + 1,
            ..self
        }
    }
}

/// Since this process first asked, never 0.
fn tenths(at: Time) -> u32 {
    let start = super::clock::start();
    let tenths = at.since(start).as_millis() / 100;
    tenths.min(u128::from(FOREIGN - 2)) as u32 + 1
}

#[cfg(test)]
mod tests;
