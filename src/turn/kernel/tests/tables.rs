//! The tables in the kernel against what should be in them, whatever comes, changes and goes.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::differential::Dice;
use super::frames::program;
use crate::turn::core::routes::{Route, RouteId};
use crate::turn::kernel::layout::{Flow, Hop};
use crate::turn::kernel::{Kernel, Relayed, Routes};
use crate::turn::state::allocation::Traffic;
use crate::turn::state::arena::{AllocationId, RelayId};
use crate::turn::time::Time;

/// Room for so many channels, of which there may be twice as many.
const ROOM: u32 = 8;
const ALLOCATIONS: usize = 4;
const CHANNELS: usize = 4;
const STEPS: usize = 6_000;

struct Scene {
    kernel: Arc<Kernel>,
    routes: Routes,
    /// Which world the host's routing table is for; in some of them some hosts are out of reach.
    world: Arc<AtomicUsize>,
    /// What the core has announced last.
    wanted: BTreeMap<RouteId, Route>,
    gone: BTreeSet<SocketAddr>,
    /// What has been counted as the program counts, and what has been told of it.
    counted: Traffic,
    told: Traffic,
}

fn listener(dice: &mut Dice) -> SocketAddr {
    SocketAddr::from(([11, 0, 1, 5], 3478 + dice.roll(2) as u16))
}

impl Scene {
    fn new() -> Self {
        let world = Arc::new(AtomicUsize::new(0));
        let current = world.clone();
        let hop = move |_, to: SocketAddr| {
            let next = to.ip();
            let world = current.load(Relaxed);
            let last = next.to_string().bytes().last().map_or(0, usize::from);
            (world == 0 || !(last + world).is_multiple_of(3)).then_some(Hop {
                interface: 1 + world as u32,
                next,
                mtu: None,
            })
        };
        let kernel = Kernel::with(ROOM, Time::default, Box::new(hop)).expect("a kernel as before");
        let kernel = Arc::new(kernel);
        Scene {
            routes: Routes::new(kernel.clone()),
            kernel,
            world,
            wanted: BTreeMap::new(),
            gone: BTreeSet::new(),
            counted: Traffic::default(),
            told: Traffic::default(),
        }
    }

    /// A route as the core makes them: no two have an end at the server and one elsewhere in common.
    fn announce(&mut self, dice: &mut Dice) {
        let (allocation, channel) = (dice.roll(ALLOCATIONS), dice.roll(CHANNELS));
        let id = RouteId {
            allocation: AllocationId::from_bits(allocation as u64),
            channel: 0x4000 + channel as u16,
        };
        let until = |dice: &mut Dice| Time::from_nanos(dice.roll(1 << 30) as u64);
        let route = Route {
            id,
            client: SocketAddr::from(([11, 0, 9, allocation as u8], 1000)),
            listener: listener(dice),
            relay: RelayId::from_bits(allocation as u64),
            peer: SocketAddr::from(([11, 0, 2, (channel * 2 + dice.roll(2)) as u8], 7000)),
            inside: dice.roll(5) == 0,
            to_peer_until: until(dice),
            to_client_until: until(dice),
        };
        let relayed = SocketAddr::from(([11, 0, 3, 1], 50_000 + allocation as u16));
        let told = self.routes.open(route, relayed);
        self.hear(told);
        self.wanted.insert(id, route);
    }

    fn hear(&mut self, told: impl IntoIterator<Item = Relayed>) {
        for (_, both) in told {
            both.into_iter().for_each(|one| self.told.add(one));
        }
    }

    /// The same by a call that tells as it goes.
    fn heard(&mut self, f: impl FnOnce(&mut Routes, &mut dyn FnMut(Relayed))) {
        let mut told = Vec::new();
        f(&mut self.routes, &mut |relayed| told.push(relayed));
        self.hear(told);
    }

    fn step(&mut self, dice: &mut Dice) {
        let ids: Vec<_> = self.wanted.keys().copied().collect();
        match dice.roll(16) {
            0..7 => self.announce(dice),
            7..10 if !ids.is_empty() => {
                let id = *dice.pick(&ids);
                let told = self.routes.close(id);
                self.hear(told);
                self.wanted.remove(&id);
            }
            10 => {
                let listener = listener(dice);
                self.heard(|routes, tell| routes.listener_gone(listener, tell));
                self.gone.insert(listener);
            }
            11 => {
                let listener = listener(dice);
                self.routes.listener_back(listener);
                self.gone.remove(&listener);
            }
            12 => {
                self.world.store(dice.roll(4), Relaxed);
                self.routes.review();
            }
            13 => self.heard(|routes, tell| routes.settle(1 + dice.roll(9), tell)),
            14 => {
                let of = ids.first().filter(|_| dice.roll(2) == 0);
                let of = of.map(|id| id.allocation);
                self.heard(|routes, tell| routes.gather(of, tell));
            }
            _ => self.count(dice),
        }
    }

    /// Packets by a route that is in the kernel.
    fn count(&mut self, dice: &mut Dice) {
        let ways: Vec<u32> = self.routes.places().collect();
        if !ways.is_empty() {
            let more = Traffic {
                packets: 1 + dice.roll(9) as u64,
                bytes: dice.roll(1 << 16) as u64,
            };
            self.kernel
                .program
                .table()
                .count_up(*dice.pick(&ways), more);
            self.counted.add(more);
        }
    }

    fn check(&mut self) {
        let used: Vec<u32> = self.routes.places().collect();
        let distinct: BTreeSet<u32> = used.iter().copied().collect();
        assert_eq!(used.len(), distinct.len(), "a place for each way");
        let places = self.kernel.places.lock();
        let free: BTreeSet<u32> = places.free.iter().copied().collect();
        assert_eq!(free.len(), places.free.len(), "a place is free once");
        assert!(free.is_disjoint(&distinct), "a place is free or taken");
        assert_eq!(
            free.len() + used.len(),
            places.next as usize,
            "none is lost"
        );
        drop(places);
        for place in free {
            assert_eq!(self.kernel.program.table().until(place), 0);
        }
        let sorted = |flows: &mut dyn Iterator<Item = [u64; Flow::WORDS]>| {
            let mut flows: Vec<_> = flows.collect();
            flows.sort();
            flows
        };
        let there = sorted(&mut self.kernel.program.table().flows());
        assert_eq!(there, sorted(&mut self.routes.flows()));
        for (route, deadlines) in self.routes.in_kernel() {
            assert_eq!(
                self.wanted.get(&route.id),
                Some(&route),
                "as announced last"
            );
            assert!(
                !self.gone.contains(&route.listener),
                "of a listener that is there"
            );
            let wanted = [route.to_peer_until, route.to_client_until];
            assert_eq!(
                deadlines,
                wanted.map(|until| self.kernel.in_its_clock(until))
            );
        }
    }
}

#[test]
fn the_tables_have_what_was_announced_and_nothing_else() {
    if program().is_none() {
        return;
    }
    let (mut dice, mut scene) = (Dice(11), Scene::new());
    let mut most = 0;
    for _ in 0..STEPS {
        scene.step(&mut dice);
        scene.check();
        most = most.max(scene.routes.flows().count());
    }
    assert_eq!(most, 2 * ROOM as usize, "the table was full once");
    assert!(scene.kernel.refused() > 0, "and refused what came then");
    scene.heard(|routes, tell| routes.gather(None, tell));
    assert_eq!(scene.told, scene.counted, "every packet is told of once");
    drop(scene.routes);
    let table = scene.kernel.program.table();
    assert_eq!(table.flows().count(), 0, "nothing stays");
}
