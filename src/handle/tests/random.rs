//! Random sequences of operations, on the slab and on a map, with stale and forged
//! handles among them.

use std::collections::HashMap;

use proptest::prelude::*;

use super::short_lived;
use crate::handle::bits::LAST_GENERATION;
use crate::handle::shard::SHARDS;
use crate::handle::{Handle, Info, Slab, Words};

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
    Mint { owner: u64 },
    Get(Pick),
    Take(Pick),
    SetDeadline(Pick, u64),
    TakeOwned(u64),
    TakeExpired(u64),
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
        4 => (pick(), 0u64..20).prop_map(|(pick, at)| Op::SetDeadline(pick, at)),
        1 => (0u64..4).prop_map(Op::TakeOwned),
        1 => (0u64..20).prop_map(Op::TakeExpired),
    ]
}

/// The slab, and beside it what it ought to hold.
struct Twin {
    slab: Slab<Words<1>>,
    slots: usize,
    retired: usize,
    minted: Vec<Handle>,
    live: HashMap<Handle, (u64, Info)>,
}

impl Twin {
    fn new(slots: u32, lives: u32) -> Self {
        Twin {
            slab: short_lived(slots, lives),
            slots: slots as usize * SHARDS,
            retired: 0,
            minted: Vec::new(),
            live: HashMap::new(),
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

    fn gone_where(&mut self, which: impl Fn(&Info) -> bool) -> HashMap<Handle, [u64; 1]> {
        let gone: Vec<_> = self
            .live
            .iter()
            .filter(|(_, (_, info))| which(info))
            .map(|(h, _)| *h)
            .collect();
        gone.into_iter()
            .map(|handle| (handle, self.gone(handle).unwrap()))
            .collect()
    }

    fn mint(&mut self, owner: u64, step: u64) {
        let info = Info {
            owner,
            minted_at: step,
            deadline: 0,
        };
        let handle = self.slab.mint(owner, step, [step]);
        assert_eq!(
            handle.is_none(),
            self.live.len() + self.retired == self.slots
        );
        if let Some(handle) = handle {
            assert!(!self.minted.contains(&handle), "a handle came twice");
            self.minted.push(handle);
            self.live.insert(handle, (step, info));
        }
    }

    fn step(&mut self, op: &Op, step: u64) {
        let mut taken = HashMap::new();
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
            Op::SetDeadline(pick, at) => {
                let Some(handle) = self.resolve(pick) else {
                    return;
                };
                let known = self.live.get_mut(&handle);
                assert_eq!(self.slab.set_deadline(handle, *at), known.is_some());
                if let Some((_, info)) = known {
                    info.deadline = *at;
                }
            }
            Op::TakeOwned(owner) => {
                let expected = self.gone_where(|info| *owner != 0 && info.owner == *owner);
                self.slab.take_owned(*owner, |handle, value| {
                    assert!(taken.insert(handle, value).is_none());
                });
                assert_eq!(taken, expected);
            }
            Op::TakeExpired(now) => {
                let due = |info: &Info| info.deadline != 0 && info.deadline <= *now;
                let expected = self.gone_where(due);
                self.slab.take_expired(*now, |handle, value| {
                    assert!(taken.insert(handle, value).is_none());
                });
                assert_eq!(taken, expected);
            }
        }
    }

    fn compare(&self) {
        let expected: HashMap<_, _> = self.live.iter().map(|(h, (_, info))| (*h, *info)).collect();
        assert_eq!(self.slab.outstanding().collect::<HashMap<_, _>>(), expected);
        assert_eq!(self.slab.len(), self.live.len());
        assert_eq!(self.slab.is_empty(), self.live.is_empty());
        let deadlines = expected.values().map(|info| info.deadline);
        assert_eq!(
            self.slab.next_deadline(),
            deadlines.filter(|&at| at != 0).min()
        );
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
