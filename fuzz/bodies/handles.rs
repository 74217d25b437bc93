//! Calls on the slab in any order, with stale, foreign and made-up handles, beside
//! a map that holds what it ought to hold.

use std::collections::{HashMap, HashSet};

use arbitrary::{Result, Unstructured};
use pjauth::handle::{Cell, Handle, Info, Kind, NEST, Nest, Slab, Words};

/// The owner of what is minted into the nest.
const NESTED: u64 = 9;

pub fn run(data: &[u8]) {
    let mut twin = Twin {
        slab: Slab::new(Kind::CHALLENGE),
        nest: Nest::default(),
        minted: Vec::new(),
        live: HashMap::new(),
    };
    let mut u = Unstructured::new(data);
    let mut step = 0;
    while !u.is_empty() && twin.step(&mut u, step).is_ok() {
        step += 1;
        twin.compare();
    }
}

struct Twin {
    slab: Slab<Words<2>>,
    nest: Nest,
    minted: Vec<Handle>,
    live: HashMap<Handle, ([u64; 2], Info)>,
}

impl Twin {
    fn step(&mut self, u: &mut Unstructured<'_>, step: u64) -> Result<()> {
        match u.int_in_range(0..=9)? {
            0..=3 => self.mint(u.int_in_range(0..=3)?, step),
            4 => {
                let handle = self.any(u)?;
                let expected = self.live.get(&handle).map(|entry| entry.0);
                assert_eq!(self.slab.get(handle), expected);
                assert_eq!(self.slab.is_live(handle), expected.is_some());
            }
            5 | 6 => {
                let handle = self.any(u)?;
                let expected = self.live.remove(&handle).map(|entry| entry.0);
                assert_eq!(self.slab.take(handle), expected);
                assert_eq!(self.slab.take(handle), None, "taken twice");
            }
            7 | 8 => {
                let value = [step, !step];
                let minted = self.slab.vacancy_in(&self.nest).map(|vacant| {
                    vacant.cell().put(value);
                    vacant.publish(NESTED, step)
                });
                let before = self.nested();
                assert_eq!(minted.is_some(), before < NEST);
                if let Some(handle) = minted {
                    self.minted(handle, value, NESTED, step);
                }
            }
            _ => {
                let mut gone: Vec<_> = self
                    .live
                    .extract_if(|_, entry| entry.1.owner == NESTED)
                    .map(|(_, entry)| entry.0)
                    .collect();
                self.slab.clear_nest(
                    &self.nest,
                    |value| {
                        let at = gone.iter().position(|known| *known == value);
                        gone.swap_remove(at.expect("minted into the nest"));
                    },
                    || unreachable!("there is one thread"),
                );
                assert!(gone.is_empty(), "left behind: {gone:?}");
            }
        }
        Ok(())
    }

    fn mint(&mut self, owner: u64, step: u64) {
        let value = [step, !step];
        let handle = self.slab.mint(owner, step, value).expect("room");
        self.minted(handle, value, owner, step);
    }

    fn nested(&self) -> usize {
        let nested = |entry: &&([u64; 2], Info)| entry.1.owner == NESTED;
        self.live.values().filter(nested).count()
    }

    fn minted(&mut self, handle: Handle, value: [u64; 2], owner: u64, step: u64) {
        assert_eq!(handle.bits() & 1, 1, "could be an object's address");
        assert!(!self.minted.contains(&handle), "a handle came twice");
        self.minted.push(handle);
        let info = Info {
            owner,
            minted_at: step,
        };
        self.live.insert(handle, (value, info));
    }

    /// A handle that was minted at some time, one with bits flipped, or any bits.
    fn any(&self, u: &mut Unstructured<'_>) -> Result<Handle> {
        let fallback = self.minted.first().copied();
        let pick = match (u.int_in_range(0..=3)?, self.minted.is_empty()) {
            (0 | 1, false) => return u.choose(&self.minted).copied(),
            (2, false) => {
                let handle = u.choose(&self.minted)?;
                Handle::from_bits(handle.bits() ^ 1 << u.int_in_range(0..=63)?)
            }
            _ => Handle::from_bits(u.arbitrary()?),
        };
        pick.or(fallback).ok_or(arbitrary::Error::IncorrectFormat)
    }

    fn compare(&self) {
        assert_eq!(self.slab.len(), self.live.len());
        assert_eq!(self.slab.is_empty(), self.live.is_empty());
        assert_eq!(self.slab.minted(), self.minted.len() as u64);
        let mut seen = HashSet::new();
        for (handle, info) in self.slab.outstanding() {
            assert_eq!(self.live.get(&handle).map(|entry| entry.1), Some(info));
            assert!(seen.insert(handle));
        }
        assert_eq!(seen.len(), self.live.len());
    }
}
