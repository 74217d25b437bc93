//! The table of routes that the program goes by, and counts on, in memory that it and this process share.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{AcqRel, Relaxed, Release},
};

use parking_lot::Mutex;

use super::array::{Array, Element};
use super::layout::{Flow, Onward};
use crate::turn::state::allocation::Traffic;

/// As in `relay.h`: an odd number without a pattern in its bits.
const SPREAD: u64 = 0xD6E8_FEB8_6659_FD93;

/// A route: `struct route` of `relay.h`.
#[repr(C)]
#[derive(Debug)]
struct Place {
    until: AtomicU64,
    packets: AtomicU64,
    bytes: AtomicU64,
    most: AtomicU32,
    version: AtomicU32,
    next: AtomicU32,
    interface: AtomicU32,
    flow: [AtomicU64; Flow::WORDS],
    onward: [AtomicU64; Onward::WORDS],
}

// SAFETY: four numbers of 32 bits between those of 64, and nothing else.
unsafe impl Element for Place {}

/// Where a chain of routes begins whose flows fell together: the number of a place, counted from 1.
#[repr(C)]
#[derive(Debug)]
struct Chain {
    first: AtomicU32,
    _rest: AtomicU32,
}

// SAFETY: two numbers, and nothing else.
unsafe impl Element for Chain {}

/// All routes of a server, each in its place: whoever has taken a place is the only one to write there.
#[derive(Debug)]
pub struct Table {
    places: Array<Place>,
    chains: Array<Chain>,
    secrets: [u64; Flow::WORDS],
    /// Who changes chains: one at a time.
    changes: Mutex<()>,
}

impl Table {
    pub fn new(count: u32, secrets: [u64; Flow::WORDS]) -> io::Result<Self> {
        Ok(Table {
            places: Array::new(c"pjauth_routes", count)?,
            // Two at least, whose numbers have a bit.
            chains: Array::new(c"pjauth_chains", count.next_power_of_two().max(2))?,
            secrets,
            changes: Mutex::new(()),
        })
    }

    /// The maps: of routes, and of where chains begin.
    pub fn maps(&self) -> [&OwnedFd; 2] {
        [self.places.map(), self.chains.map()]
    }

    /// How many of 64 bits are not of the number of a chain.
    pub fn shift(&self) -> u32 {
        64 - self.chains.len().ilog2()
    }

    /// How many places there are.
    pub fn count(&self) -> u32 {
        self.places.len() as u32
    }

    fn place(&self, place: u32) -> &Place {
        &self.places[place as usize]
    }

    /// Which chain a flow is in.
    pub fn number_of_chain(&self, flow: &[u64; Flow::WORDS]) -> usize {
        let sum = flow
            .iter()
            .zip(self.secrets)
            .fold(0_u64, |sum, (word, secret)| {
                sum.wrapping_add((word ^ secret).wrapping_mul(secret | 1))
            });
        let spread = |sum: u64| (sum ^ sum >> 32).wrapping_mul(SPREAD);
        (spread(spread(sum)) >> self.shift()) as usize
    }

    /// Where a flow's chain begins.
    fn chain(&self, flow: &[u64; Flow::WORDS]) -> &AtomicU32 {
        &self.chains[self.number_of_chain(flow)].first
    }

    /// Puts a route into a place that nobody has. It does not forward before it has a deadline and a size.
    pub fn put(&self, place: u32, flow: &Flow, onward: &Onward) {
        let _one = self.changes.lock();
        let (flow, new) = (flow.to_words(), self.place(place));
        // The program may still be at work on a packet by what was here: it looks at the version before it sends.
        new.version.fetch_add(1, AcqRel);
        new.interface.store(onward.hop.interface, Release);
        let words = new.flow.iter().chain(&new.onward);
        let wanted = flow.into_iter().chain(onward.to_words());
        words
            .zip(wanted)
            .for_each(|(word, value)| word.store(value, Release));
        let first = self.chain(&flow);
        new.next.store(first.load(Relaxed), Release);
        new.version.fetch_add(1, AcqRel);
        first.store(place + 1, Release);
    }

    /// Takes a route out of its chain. Whoever is at it goes on from there as before.
    pub fn take(&self, place: u32) {
        let _one = self.changes.lock();
        let old = self.place(place);
        let flow = old.flow.each_ref().map(|word| word.load(Relaxed));
        let mut at = self.chain(&flow);
        while let Some(next) = at.load(Relaxed).checked_sub(1) {
            if next == place {
                return at.store(old.next.load(Relaxed), Release);
            }
            at = &self.place(next).next;
        }
    }

    /// Lets a route forward until then, in the kernel's clock; 0 ends it.
    pub fn set_until(&self, place: u32, until: u64) {
        self.place(place).until.store(until, Release);
    }

    /// Sets how large an IP packet may be that leaves by a route.
    pub fn set_most(&self, place: u32, most: u32) {
        self.place(place).most.store(most, Relaxed);
    }

    /// Forgets what was counted.
    pub fn clear(&self, place: u32) {
        let place = self.place(place);
        place.packets.store(0, Relaxed);
        place.bytes.store(0, Relaxed);
    }

    /// What was relayed since it was cleared.
    pub fn read(&self, place: u32) -> Traffic {
        let place = self.place(place);
        Traffic {
            packets: place.packets.load(Relaxed),
            bytes: place.bytes.load(Relaxed),
        }
    }
}

/// What tests look at.
#[cfg(test)]
impl Table {
    /// Until when a route forwards.
    pub fn until(&self, place: u32) -> u64 {
        self.place(place).until.load(Relaxed)
    }

    /// Counts as the program does.
    pub fn count_up(&self, place: u32, more: Traffic) {
        let place = self.place(place);
        place.packets.fetch_add(more.packets, Relaxed);
        place.bytes.fetch_add(more.bytes, Relaxed);
    }

    /// The flows of the routes that chains lead to.
    pub fn flows(&self) -> impl Iterator<Item = [u64; Flow::WORDS]> {
        let next = |at: &AtomicU32| at.load(Relaxed).checked_sub(1);
        let firsts = self
            .chains
            .iter()
            .filter_map(move |chain| next(&chain.first));
        let places = firsts.flat_map(move |first| {
            std::iter::successors(Some(first), move |at| next(&self.place(*at).next))
        });
        places.map(|at| {
            self.place(at)
                .flow
                .each_ref()
                .map(|word| word.load(Relaxed))
        })
    }
}
