//! Random sequences of operations, on the slab and on a map, with stale and forged
//! handles among them.

use std::collections::HashMap;

use proptest::prelude::*;

use super::short_lived;
use crate::handle::bits::LAST_GENERATION;
use crate::handle::shard::SHARDS;
use crate::handle::{Cell, Handle, Info, NEST, Nest, Slab, Words};

const NESTS: usize = 2;

/// A handle to use: one that was minted at some time, that one with some bits
/// flipped, or bits out of the air.
#[derive(Clone, Debug)]
enum Pick {
    Minted(prop::sample::Index),
    Flipped(prop::sample::Index, u64),
    Bits(u64),
}

#[derive(Clone, Debug)]
enum Op {
    Mint {
        owner: u64,
    },
    Get(Pick),
    Take(Pick),
    /// Into one of the nests.
    MintIn(usize),
    ClearNest(usize),
}

fn pick() -> impl Strategy<Value = Pick> {
    let flips = prop_oneof![(0u32..64).prop_map(|bit| 1u64 << bit), any::<u64>()];
    prop_oneof![
        6 => any::<prop::sample::Index>().prop_map(Pick::Minted),
        2 => (any::<prop::sample::Index>(), flips).prop_map(|(i, flip)| Pick::Flipped(i, flip)),
        1 => any::<u64>().prop_map(Pick::Bits),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0u64..4).prop_map(|owner| Op::Mint { owner }),
        4 => pick().prop_map(Op::Get),
        5 => pick().prop_map(Op::Take),
        8 => (0..NESTS).prop_map(Op::MintIn),
        1 => (0..NESTS).prop_map(Op::ClearNest),
    ]
}

/// The slab, and beside it what it ought to hold.
struct Twin {
    slab: Slab<Words<1>>,
    slots: usize,
    retired: usize,
    minted: Vec<Handle>,
    live: HashMap<Handle, (u64, Info)>,
    nests: [Nest; NESTS],
    has_nests: bool,
}

impl Twin {
    fn new(slots: u32, lives: u32) -> Self {
        Twin {
            slab: short_lived(slots, lives),
            slots: slots as usize * SHARDS,
            retired: 0,
            minted: Vec::new(),
            live: HashMap::new(),
            nests: Default::default(),
            has_nests: false,
        }
    }

    fn resolve(&self, pick: &Pick) -> Option<Handle> {
        match pick {
            _ if self.minted.is_empty() => None,
            Pick::Minted(index) => Some(*index.get(&self.minted)),
            Pick::Flipped(index, flip) => Handle::from_bits(index.get(&self.minted).bits() ^ flip),
            Pick::Bits(bits) => Handle::from_bits(*bits),
        }
    }

    fn gone(&mut self, handle: Handle) -> Option<[u64; 1]> {
        let (value, _) = self.live.remove(&handle)?;
        self.retired += usize::from(handle.generation() == LAST_GENERATION);
        Some([value])
    }

    fn mint(&mut self, owner: u64, step: u64) {
        let handle = self.slab.mint(owner, step, [step]);
        // Nests keep slots that nobody else can have.
        let is_full = self.live.len() + self.retired == self.slots;
        assert!(handle.is_none() || !is_full);
        assert!(handle.is_some() || is_full || self.has_nests);
        self.minted(handle, owner, step);
    }

    fn mint_in(&mut self, nest: usize, step: u64) {
        self.has_nests = true;
        let owner = nest as u64 + 10;
        let vacant = self.slab.vacancy_in(&self.nests[nest]);
        let handle = vacant.map(|vacant| {
            vacant.cell().put([step]);
            vacant.publish(owner, step)
        });
        let live = self.live.values().filter(|(_, info)| info.owner == owner);
        let live = live.count();
        assert!(live <= NEST && (handle.is_none() || live < NEST));
        self.minted(handle, owner, step);
    }

    fn minted(&mut self, handle: Option<Handle>, owner: u64, step: u64) {
        let info = Info {
            owner,
            minted_at: step,
        };
        if let Some(handle) = handle {
            assert!(!self.minted.contains(&handle), "a handle came twice");
            self.minted.push(handle);
            self.live.insert(handle, (step, info));
        }
    }

    fn step(&mut self, op: &Op, step: u64) {
        match op {
            Op::Mint { owner } => self.mint(*owner, step),
            Op::Get(pick) => {
                let Some(handle) = self.resolve(pick) else {
                    return;
                };
                let known = self.live.get(&handle);
                assert_eq!(self.slab.get(handle), known.map(|(value, _)| [*value]));
                assert_eq!(self.slab.info(handle), known.map(|(_, info)| *info));
                assert_eq!(self.slab.is_live(handle), known.is_some());
            }
            Op::Take(pick) => {
                let Some(handle) = self.resolve(pick) else {
                    return;
                };
                let expected = self.gone(handle);
                assert_eq!(self.slab.take(handle), expected);
            }
            Op::MintIn(nest) => self.mint_in(*nest, step),
            Op::ClearNest(nest) => {
                let owner = *nest as u64 + 10;
                let mut expected: Vec<_> = self.live.iter().map(|(h, v)| (*h, *v)).collect();
                expected.retain(|(_, (_, info))| info.owner == owner);
                let mut taken = Vec::new();
                self.slab.clear_nest(
                    &self.nests[*nest],
                    |[value]| taken.push(value),
                    || unreachable!("nobody to wait for"),
                );
                taken.sort_unstable();
                let mut values: Vec<_> = expected.iter().map(|(_, (value, _))| *value).collect();
                values.sort_unstable();
                assert_eq!(taken, values);
                for (handle, _) in expected {
                    self.gone(handle);
                }
            }
        }
    }

    fn compare(&self) {
        let expected: HashMap<_, _> = self.live.iter().map(|(h, (_, info))| (*h, *info)).collect();
        assert_eq!(self.slab.outstanding().collect::<HashMap<_, _>>(), expected);
        assert_eq!(self.slab.len(), self.live.len());
        assert_eq!(self.slab.is_empty(), self.live.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_slab_is_a_map(
        (slots, lives) in prop_oneof![Just((1u32, 2u32)), Just((1, 100)), Just((200, 3))],
        ops in prop::collection::vec(op(), 1..300),
    ) {
        let mut twin = Twin::new(slots, lives);
        for (step, op) in ops.iter().enumerate() {
            twin.step(op, step as u64);
        }
        twin.compare();
    }
}
