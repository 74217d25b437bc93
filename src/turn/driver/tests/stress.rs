//! Everything at once: clients, decisions, revocations and a stop, each from
//! threads of their own.
#![forbid(unsafe_code)]

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::lab::{Caller, Lab, PATIENCE, Told, options};
use crate::stun::attributes::kind;
use crate::stun::message::Method;
use crate::turn::auth::credentials::Credential;
use crate::turn::core::action::{Decision, Grant};
use crate::turn::driver::{Ask, Place, Server};
use crate::turn::policy::limits::Rate;
use crate::turn::state::arena::AllocationId;
use crate::turn::tests::client::udp;

const CLIENTS: usize = 4;
const ROUNDS: usize = 40;
/// How long a client waits: the server may have stopped.
const REPLY: Duration = Duration::from_millis(500);

/// A small generator: a run's course depends on the scheduler anyway.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % sides
    }
}

fn grant(quota: u32) -> Decision {
    Decision::Authorized(Grant {
        quota: Some(quota),
        ..Grant::new(Credential::password("secret"))
    })
}

/// What the threads share.
#[derive(Default)]
struct Field {
    /// Requests that wait for one of the threads to decide.
    asks: Mutex<Vec<Ask>>,
    later: AtomicUsize,
    is_over: AtomicBool,
}

impl Field {
    fn authenticate(&self, ask: &Ask, dice: &mut Dice) -> Decision {
        match dice.roll(5) {
            0 => grant(50),
            1 => Decision::NotAuthorized,
            _ => {
                self.later.fetch_add(1, Relaxed);
                self.asks.lock().push(ask.clone());
                Decision::Later
            }
        }
    }

    /// Decides what waits: some requests twice, some in the wrong order, and
    /// some never.
    fn decide(&self, server: &Server, seed: u32) {
        let mut dice = Dice(seed);
        while !self.is_over.load(Relaxed) {
            let ask = self.asks.lock().pop();
            let Some(ask) = ask else {
                thread::sleep(Duration::from_millis(1));
                continue;
            };
            match dice.roll(8) {
                0 => {}
                1 => server
                    .cores()
                    .decide(ask.place, Decision::QuotaReached(None)),
                2 => {
                    server.cores().decide(ask.place, grant(50));
                    server.cores().decide(ask.place, Decision::NotAuthorized);
                }
                _ => server.cores().decide(ask.place, grant(50)),
            }
        }
    }

    /// Changes and ends what there is.
    fn meddle(&self, server: &Server) {
        let mut dice = Dice(99);
        let mut known: Vec<Place<AllocationId>> = Vec::new();
        while !self.is_over.load(Relaxed) {
            known.extend(server.cores().allocations());
            for place in known.split_off(known.len() / 2) {
                match dice.roll(6) {
                    0 => assert!(!(server.cores().revoke(place) && server.cores().revoke(place))),
                    1 => drop(server.cores().set_lifetime(place, Duration::from_millis(1))),
                    2 => drop(server.cores().set_byte_cap(place, Some(10))),
                    3 => drop(server.cores().set_rate(place, Some(SLOW))),
                    _ => drop(server.cores().figures(place)),
                }
            }
            if dice.roll(20) == 0 {
                server.cores().revoke_user("ann");
            }
            server
                .accounts()
                .set_rate("ann", (dice.roll(2) == 0).then_some(SLOW));
            server.totals();
            thread::sleep(Duration::from_millis(2));
        }
    }
}

const SLOW: Rate = Rate {
    bytes_per_second: 1000,
    burst: 1000,
};

/// One client's life. Any step may fail, for the server may stop.
fn live(mut caller: Caller, dice: &mut Dice) -> Option<()> {
    let request = caller.client.bare(Method::Allocate, udp);
    let reply = caller.try_exchange(&request, REPLY)?;
    caller.client.nonce = reply.get(kind::NONCE)?;
    let request = caller.client.allocate();
    if dice.roll(8) == 0 {
        // Gone before the answer.
        return caller.wire.try_send(&request);
    }
    let reply = caller.try_exchange(&request, REPLY)?;
    assert!(
        [0, 401, 486, 500, 508].contains(&reply.code()),
        "{}",
        reply.code()
    );
    if reply.code() != 0 {
        return None;
    }
    let peer = "127.0.0.1:9";
    let request = caller.client.bind(0x4000, peer);
    caller.try_exchange(&request, REPLY)?;
    for _ in 0..dice.roll(5) {
        caller.wire.try_send(&[0x40, 0, 0, 4, 1, 2, 3, 4])?;
    }
    for lifetime in [600, 0].iter().take(dice.roll(3) as usize) {
        let request = caller.client.refresh(*lifetime);
        caller.try_exchange(&request, REPLY)?;
    }
    Some(())
}

/// What an allocation or a request has been through.
fn judge(told: impl Iterator<Item = Told>, later: usize) -> usize {
    let mut live = HashSet::new();
    let mut ended: HashMap<_, u32> = HashMap::new();
    let mut done = HashSet::new();
    let mut asked = HashSet::new();
    for told in told {
        match told {
            Told::Created(place) => assert!(live.insert(place), "created twice: {place:?}"),
            Told::Removed(place, reason) => {
                assert!(
                    live.contains(&place),
                    "removed before it was created: {reason:?}"
                );
                *ended.entry(place).or_default() += 1;
            }
            Told::Asked(ask) => drop(asked.insert(ask.place)),
            Told::Done(place) => drop(done.insert(place)),
            Told::Reaches(_) => panic!("nobody has asked for it"),
        }
    }
    assert!(ended.values().all(|times| *times == 1), "removed twice");
    assert_eq!(ended.len(), live.len(), "never removed");
    assert!(done.is_subset(&asked));
    assert_eq!(done.len(), later, "requests that were never taken back");
    live.len()
}

fn run(stops_in_the_middle: bool) {
    let mut options = options();
    options.workers = 2;
    options.config.held_deadline = Duration::from_millis(100);
    let field = std::sync::Arc::new(Field::default());
    let (asked, mut dice) = (field.clone(), Dice(7));
    let lab = Lab::with(&options, move |ask| asked.authenticate(ask, &mut dice));
    let server = &lab.server;
    let addresses = [
        lab.address(crate::turn::Transport::Udp),
        lab.address(crate::turn::Transport::Tcp),
    ];
    thread::scope(|scope| {
        scope.spawn(|| field.decide(server, 3));
        scope.spawn(|| field.decide(server, 4));
        scope.spawn(|| field.meddle(server));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                scope.spawn(move || {
                    let mut dice = Dice(client as u32);
                    for _ in 0..ROUNDS {
                        let is_udp = dice.roll(2) == 0;
                        match Caller::reach(addresses[usize::from(!is_udp)], is_udp) {
                            Some(caller) => drop(live(caller, &mut dice)),
                            None => break,
                        }
                    }
                })
            })
            .collect();
        if stops_in_the_middle {
            while server.totals().allocations_created < 20 {
                thread::sleep(Duration::from_millis(1));
                if clients.iter().all(|client| client.is_finished()) {
                    break;
                }
            }
            server.stop();
        }
        for client in clients {
            client.join().unwrap();
        }
        field.is_over.store(true, Relaxed);
    });
    work_off(server);
    lab.server.stop();
    let created = judge(lab.told.try_iter(), field.later.load(Relaxed));
    assert!(
        created >= 10,
        "only {created} allocations: this was no stress"
    );
    assert!(lab.server.has_ended());
}

/// Ends what the clients left behind, and sees everything go back to zero.
fn work_off(server: &Server) {
    server.accounts().set_rate("ann", None);
    let end = Instant::now() + PATIENCE;
    loop {
        server.cores().revoke_user("ann");
        let totals = server.totals();
        if (totals.allocations, totals.held, totals.connections) == (0, 0, 0) {
            break;
        }
        assert!(Instant::now() < end, "left behind: {totals:?}");
        thread::sleep(Duration::from_millis(5));
    }
    let counters = server.totals();
    assert_eq!(counters.allocations_created, counters.allocations_removed);
    while !server.accounts().is_empty() {
        assert!(Instant::now() < end, "a seat was never given back");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn clients_decisions_and_revocations_at_once() {
    run(false);
}

#[test]
fn a_stop_in_the_middle_of_it_all() {
    run(true);
}
