//! A core that the test drives: with bytes, a time and no socket.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

use super::lab::{Reporter, Told, authorize, later, options};
use crate::stun::attributes::kind;
use crate::stun::message::{Message, Method};
use crate::turn::auth::credentials::Credential;
use crate::turn::core::action::{Decision, Grant, IcmpError, OpenError, Port};
use crate::turn::driver::{Ask, Embedded, Output, Refused};
use crate::turn::state::allocation::Reason;
use crate::turn::state::arena::RelayId;
use crate::turn::state::five_tuple::{Link, ListenerId};
use crate::turn::tests::client::{Client, Reply, addr, channel as channel_data, secs, udp};
use crate::turn::time::Time;

/// A core, what it told, and a clock.
struct Bench {
    core: Embedded,
    told: Receiver<Told>,
    wakes: Arc<AtomicUsize>,
    now: Time,
}

type Open = dyn FnMut(RelayId, Port) -> Result<Option<SocketAddr>, OpenError> + Send;

impl Bench {
    fn new(decide: impl FnMut(&Ask) -> Decision + Send + 'static, mut open: Box<Open>) -> Self {
        let (sender, told) = channel();
        let wakes = Arc::new(AtomicUsize::new(0));
        let counted = wakes.clone();
        let core = Embedded::new(
            &options(),
            Box::new(Reporter {
                worker: 0,
                told: sender,
                decide: Arc::new(Mutex::new(decide)),
            }),
            Box::new(move |relay, _, port| open(relay, port)),
            Box::new(move || {
                counted.fetch_add(1, Relaxed);
            }),
        );
        Bench {
            core: core.unwrap(),
            told,
            wakes,
            now: Time::ZERO + secs(1000),
        }
    }

    fn outputs(&self) -> Vec<Output> {
        std::iter::from_fn(|| self.core.next_output()).collect()
    }

    fn bring(&self, client: &Client, bytes: &[u8]) -> Vec<Output> {
        let Link { listener, client } = client.link;
        let taken = self.core.from_client(listener.0, client, bytes, self.now);
        assert_eq!(taken, Ok(()));
        self.outputs()
    }

    /// The reply, which must be the one output.
    fn exchange(&self, client: &Client, request: &[u8]) -> Reply {
        reply(client, &self.bring(client, request))
    }

    fn ask(&self, client: &mut Client, build: impl FnOnce(&mut Client) -> Vec<u8>) -> Reply {
        let request = build(client);
        self.exchange(client, &request)
    }

    fn greet(&self, client: &mut Client) {
        let request = client.bare(Method::Allocate, udp);
        let reply = self.exchange(client, &request);
        assert_eq!(reply.code(), 401);
        client.nonce = reply.get(kind::NONCE).unwrap();
    }
}

fn reply(client: &Client, outputs: &[Output]) -> Reply {
    match outputs {
        [Output::ToClient(link, bytes)] if *link == client.link => Reply::parse(bytes),
        other => panic!("not one reply: {other:?}"),
    }
}

fn client(port: u16) -> Client {
    Client::on(Link {
        listener: ListenerId(0),
        client: SocketAddr::new("192.0.2.1".parse().unwrap(), port),
    })
}

/// Relays with ports from 5000 on; the names go into the list.
fn open_into(names: &Arc<Mutex<Vec<RelayId>>>) -> Box<Open> {
    let names = names.clone();
    Box::new(move |relay, _| {
        let mut names = names.lock();
        names.push(relay);
        Ok(Some(SocketAddr::new(
            "198.51.100.1".parse().unwrap(),
            4999 + names.len() as u16,
        )))
    })
}

#[test]
fn a_core_allocates_relays_and_expires_as_the_clock_says() {
    let names = Arc::default();
    let mut bench = Bench::new(authorize, open_into(&names));
    let mut client = client(1);
    bench.greet(&mut client);
    let granted = bench.ask(&mut client, Client::allocate);
    assert_eq!(granted.code(), 0);
    assert_eq!(
        granted.address(kind::XOR_RELAYED_ADDRESS),
        Some(addr("198.51.100.1:5000"))
    );
    let relay = names.lock()[0];
    let peer = addr("127.0.0.7:9");
    let bound = bench.ask(&mut client, |client| client.bind(0x4000, "127.0.0.7:9"));
    assert_eq!(bound.code(), 0);
    let expected = Output::ToPeer {
        relay,
        peer,
        bytes: b"hello".to_vec(),
        dont_fragment: false,
    };
    let sent = bench.bring(&client, &channel_data(0x4000, b"hello"));
    assert_eq!(sent, [expected]);
    assert_eq!(
        bench.core.from_peer(relay, peer, b"there", bench.now),
        Ok(())
    );
    let expected = channel_data(0x4000, b"there");
    match &bench.outputs()[..] {
        [Output::ToClient(link, bytes)] => {
            assert_eq!(*link, client.link);
            assert_eq!(bytes[..9], expected[..9]);
        }
        other => panic!("{other:?}"),
    }
    let deadline = bench.core.next_deadline().unwrap();
    assert!(deadline > bench.now);
    bench.now = bench.now + secs(599);
    bench.core.tick(bench.now).unwrap();
    assert_eq!(bench.outputs(), []);
    bench.now = bench.now + secs(1);
    bench.core.tick(bench.now).unwrap();
    assert_eq!(bench.outputs(), [Output::Close(relay)]);
    let told: Vec<_> = bench.told.try_iter().collect();
    assert!(matches!(
        told[..],
        [Told::Asked(_), Told::Created(a), Told::Removed(b, Reason::Expired)] if a == b
    ));
    assert!(bench.core.accounts().is_empty());
}

#[test]
fn there_are_no_tcp_relays() {
    let bench = Bench::new(authorize, open_into(&Arc::default()));
    let mut client = client(1);
    bench.greet(&mut client);
    let reply = bench.ask(&mut client, |client| {
        client.signed(Method::Allocate, |w| {
            w.attribute(kind::REQUESTED_TRANSPORT, &[6, 0, 0, 0]);
        })
    });
    assert_eq!(reply.code(), 442);
}

#[test]
fn a_decision_of_another_thread_wakes_the_driver() {
    let names = Arc::default();
    let bench = Bench::new(later, open_into(&names));
    let mut client = client(1);
    bench.greet(&mut client);
    let request = client.allocate();
    assert_eq!(bench.bring(&client, &request), []);
    let Ok(Told::Asked(ask)) = bench.told.recv() else {
        panic!("nobody was asked");
    };
    let decision = Decision::Authorized(Grant::new(Credential::password("secret")));
    let cores = bench.core.cores();
    assert_eq!(bench.wakes.load(Relaxed), 0);
    thread::scope(|scope| {
        scope.spawn(|| cores.decide(ask.place, decision));
    });
    assert_eq!(bench.wakes.load(Relaxed), 1);
    assert!(bench.core.next_deadline().unwrap() <= bench.now);
    assert_eq!(bench.outputs(), []);
    bench.core.tick(bench.now).unwrap();
    assert_eq!(reply(&client, &bench.outputs()).code(), 0);
    // A revocation wakes it too; a stop needs no tick.
    let place = cores.allocations()[0];
    assert!(cores.revoke(place));
    assert_eq!(bench.wakes.load(Relaxed), 2);
    bench.core.stop();
    let relay = names.lock()[0];
    assert_eq!(bench.outputs(), [Output::Close(relay)]);
    assert!(bench.core.has_ended());
    assert_eq!(bench.core.tick(bench.now), Err(Refused::Stopped));
    let removed = |told: &Told| matches!(told, Told::Removed(_, Reason::Revoked));
    assert_eq!(bench.told.try_iter().filter(removed).count(), 1);
}

#[test]
fn the_observer_cannot_drive_but_can_look_change_and_stop() {
    let slot: Arc<Mutex<Option<Arc<Embedded>>>> = Arc::default();
    let inside = slot.clone();
    let (sender, found) = channel();
    let decide = move |ask: &Ask| {
        let core = inside.lock().clone().unwrap();
        let refused = core.tick(Time::ZERO);
        let nothing = core.next_output();
        core.stop();
        sender
            .send((refused, nothing, core.cores().totals().asked))
            .unwrap();
        authorize(ask)
    };
    let names = Arc::default();
    let Bench {
        core, told, now, ..
    } = Bench::new(decide, open_into(&names));
    let core = Arc::new(core);
    *slot.lock() = Some(core.clone());
    let mut client = client(1);
    let request = client.bare(Method::Allocate, udp);
    core.from_client(0, client.link.client, &request, now)
        .unwrap();
    let Some(Output::ToClient(_, challenge)) = core.next_output() else {
        panic!("no challenge");
    };
    client.nonce = Reply::parse(&challenge).get(kind::NONCE).unwrap();
    let request = client.allocate();
    core.from_client(0, client.link.client, &request, now)
        .unwrap();
    assert_eq!(found.recv().unwrap(), (Err(Refused::Busy), None, 1));
    // The request was granted, and then the stop took effect.
    assert!(core.has_ended());
    let told: Vec<_> = told.try_iter().collect();
    assert!(matches!(
        told[..],
        [Told::Asked(_), Told::Created(a), Told::Removed(b, Reason::Stopped)] if a == b
    ));
    slot.lock().take();
}

#[test]
fn sockets_that_cannot_be_had_or_named_are_no_allocation() {
    let mut calls = 0;
    let open = move |_, _| {
        calls += 1;
        match calls {
            1 => Err(OpenError::Family),
            2 => Err(OpenError::Capacity),
            3 => Ok(None),
            _ => Ok(Some("[2001:db8::1]:5".parse().unwrap())),
        }
    };
    let bench = Bench::new(authorize, Box::new(open));
    for (port, expected, closed) in [(1, 440, 0), (2, 508, 0), (3, 508, 1), (4, 508, 1)] {
        let mut client = client(port);
        bench.greet(&mut client);
        let request = client.allocate();
        let outputs = bench.bring(&client, &request);
        let (replies, others): (Vec<_>, Vec<_>) = outputs
            .into_iter()
            .partition(|output| matches!(output, Output::ToClient(..)));
        assert_eq!(reply(&client, &replies).code(), expected);
        assert_eq!(others.len(), closed);
        assert!(others.iter().all(|other| matches!(other, Output::Close(_))));
    }
    assert_eq!(bench.core.cores().totals().allocations, 0);
    assert!(bench.core.accounts().is_empty());
}

#[test]
fn outputs_that_nobody_takes_are_bounded() {
    let names = Arc::default();
    let bench = Bench::new(authorize, open_into(&names));
    let mut client = client(1);
    let request = client.bare(Method::Binding, |_| {});
    let mut taken = 0;
    let refused = loop {
        // From ever new sources, which no limit meets.
        let ip = std::net::Ipv4Addr::from_bits(0x0900_0000 + taken as u32);
        let from = std::net::SocketAddr::from((ip, 1000));
        match bench.core.from_client(0, from, &request, bench.now) {
            Ok(()) => taken += 1,
            Err(refused) => break refused,
        }
        assert!(taken < 100_000);
    };
    assert_eq!(refused, Refused::Full);
    assert_eq!(bench.outputs().len(), taken);
    assert_eq!(bench.core.tick(bench.now + Duration::from_secs(1)), Ok(()));
}

#[test]
fn icmp_errors_reach_the_client_and_large_outputs_are_bounded_too() {
    let names = Arc::default();
    let bench = Bench::new(authorize, open_into(&names));
    let mut client = client(1);
    bench.greet(&mut client);
    assert_eq!(bench.ask(&mut client, Client::allocate).code(), 0);
    let peer: std::net::SocketAddr = "8.8.8.8:7000".parse().unwrap();
    let bind = bench.ask(&mut client, |client| client.bind(0x4000, &peer.to_string()));
    assert_eq!(bind.code(), 0);
    let relay = names.lock()[0];
    let error = IcmpError {
        kind: 3,
        code: 3,
        mtu: 0,
    };
    assert_eq!(bench.core.from_icmp(relay, peer, error, bench.now), Ok(()));
    let outputs = bench.outputs();
    let [Output::ToClient(link, bytes)] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!(*link, client.link);
    let value = Message::parse(bytes)
        .unwrap()
        .get(kind::ICMP)
        .map(<[u8]>::to_vec);
    assert_eq!(value, Some(vec![0, 0, 6, 3, 0, 0, 0, 0]));
    let data = [7; 60_000];
    let mut taken = 0;
    while bench.core.from_peer(relay, peer, &data, bench.now) == Ok(()) {
        taken += 1;
        assert!(taken < 1000);
    }
    assert_eq!(bench.outputs().len(), taken);
}
