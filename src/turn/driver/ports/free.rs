//! The free ports of an address, those first that have rested longest.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::Kind;
use crate::turn::driver::random::RandomNumbers;

/// When a port has rested, in tenths of a second: 0 for one that has. With
/// [`FOREIGN`], when another program may be gone that had it.
pub type Rested = u32;
/// Marks a port that another program had: after all others.
pub const FOREIGN: Rested = 1 << 31;
/// Of a port that is not free.
const TAKEN: Rested = Rested::MAX;
/// Ports that have rested meanwhile and are put to the others at a time: more than are given
/// back at a time, so that none of them waits for long.
const RENEWED: usize = 4;

/// In the order in which they are given out.
type List = BTreeSet<(Rested, u16)>;

/// Every port of a range, by its number.
#[derive(Debug)]
pub struct FreePorts {
    range: RangeInclusive<u16>,
    /// By place in the range.
    rested: Box<[Rested]>,
    /// The free ports by their lowest bit.
    single: [List; 2],
    /// The even ones that are free with the next above, by the later rest of the two.
    pairs: List,
    taken: usize,
    random: RandomNumbers,
    /// Changes of a list, which is the work.
    #[cfg(test)]
    pub steps: usize,
}

impl FreePorts {
    pub fn new(range: RangeInclusive<u16>) -> Self {
        let of = |parity| range.clone().filter(move |port| port % 2 == parity);
        let list = |parity| of(parity).map(|port| (0, port)).collect();
        let has_next = |port: &u16| port < range.end();
        FreePorts {
            rested: range.clone().map(|_| 0).collect(),
            single: [list(0), list(1)],
            pairs: of(0).filter(has_next).map(|port| (0, port)).collect(),
            taken: 0,
            random: RandomNumbers::new(),
            range,
            #[cfg(test)]
            steps: 0,
        }
    }

    /// Takes a port of the kind and tells whether another program is known to have it: one
    /// that has rested, at random; else the one that will first. `None` when none is free.
    pub fn take(&mut self, kind: Kind, now: Rested) -> Option<(u16, bool)> {
        self.renew(now);
        let random = self.random.take();
        let (_, port) = self.choose(kind, random)?;
        let rested = self.set(port, TAKEN);
        let next = (kind == Kind::Pair).then(|| self.set(port + 1, TAKEN));
        let is_foreign = |at: Rested| at & FOREIGN != 0;
        Some((port, is_foreign(rested) || next.is_some_and(is_foreign)))
    }

    /// Gives a port back that has rested at that time.
    pub fn give_back(&mut self, port: u16, rested: Rested) {
        self.set(port, rested);
    }

    /// How many are in use, and how many rest.
    pub fn count(&self, now: Rested) -> (usize, usize) {
        let resting = |list: &List| list.range((now + 1, 0)..(FOREIGN, 0)).count();
        (self.taken, self.single.iter().map(resting).sum())
    }

    fn choose(&self, kind: Kind, random: u32) -> Option<(Rested, u16)> {
        let (first, second) = match kind {
            Kind::Pair => (&self.pairs, None),
            Kind::Even => (&self.single[0], None),
            Kind::Any => {
                let [even, odd] = &self.single;
                match random >> 16 & 1 {
                    0 => (even, Some(odd)),
                    _ => (odd, Some(even)),
                }
            }
        };
        let start = self.range.start() + (random % self.rested.len() as u32) as u16;
        let lists = || [Some(first), second].into_iter().flatten();
        let mut rested = lists().filter_map(|list| {
            let above = list.range((0, start)..(1, 0)).next();
            above.or_else(|| list.range(..(1, 0)).next())
        });
        let longest = || lists().filter_map(|list| list.first()).min();
        rested.next().or_else(longest).copied()
    }

    /// Puts a few of those that have rested meanwhile to those that had before.
    fn renew(&mut self, now: Rested) {
        for _ in 0..RENEWED {
            let due = |list: &List| {
                let own = list.range((1, 0)..(now + 1, 0)).next();
                let foreign = || list.range((FOREIGN, 0)..(FOREIGN + now + 1, 0)).next();
                own.or_else(foreign).copied()
            };
            let Some((_, port)) = self.single.iter().find_map(due) else {
                return;
            };
            self.set(port, 0);
        }
    }

    /// Tells what it was.
    fn set(&mut self, port: u16, rested: Rested) -> Rested {
        self.list(port, false);
        let place = usize::from(port - self.range.start());
        let before = std::mem::replace(&mut self.rested[place], rested);
        self.taken -= usize::from(before == TAKEN);
        self.taken += usize::from(rested == TAKEN);
        self.list(port, true);
        before
    }

    /// Puts a port, and the pair of which it is, into the lists as they are now, or out.
    fn list(&mut self, port: u16, into: bool) {
        #[cfg(test)]
        {
            self.steps += 1;
        }
        let even = port & !1;
        let pair = self.at(even).max(self.at(even | 1));
        let own = self.at(port);
        change(&mut self.single[usize::from(port % 2)], (own, port), into);
        change(&mut self.pairs, (pair, even), into);
    }

    /// Of a port outside the range as of one that is taken.
    fn at(&self, port: u16) -> Rested {
        let place = port.checked_sub(*self.range.start());
        let rested = place.and_then(|place| self.rested.get(usize::from(place)));
        rested.copied().unwrap_or(TAKEN)
    }
}

fn change(list: &mut List, entry: (Rested, u16), into: bool) {
    match (entry.0, into) {
        (TAKEN, _) => false,
        (_, true) => list.insert(entry),
        (_, false) => list.remove(&entry),
    };
}
