//! TCP allocations: Connect, ConnectionBind, ConnectionAttempt (RFC 6062).
#![forbid(unsafe_code)]

use std::net::SocketAddr;

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::{Class, Message, Method};
use crate::stun::*;
use crate::turn::core::action::Reach;
use crate::turn::*;

const PEER: &str = "8.8.8.8:80";

/// REQUESTED-TRANSPORT for TCP.
fn tcp(writer: &mut Writer<'_>) {
    writer.attribute(kind::REQUESTED_TRANSPORT, &[6, 0, 0, 0]);
}

fn connect(client: &mut Client, peer: &str) -> Vec<u8> {
    client.signed(Method::Connect, |w| {
        w.xor_address(kind::XOR_PEER_ADDRESS, &addr(peer));
    })
}

fn bind(client: &mut Client, number: u32) -> Vec<u8> {
    client.signed(Method::ConnectionBind, |w| {
        w.number(kind::CONNECTION_ID, number);
    })
}

/// A world, and a client with a TCP allocation in it.
fn allocated(config: Config) -> (World, Client, SocketAddr) {
    let mut world = World::with(config);
    let mut ann = Client::over_tcp(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    let relayed = allocate(&mut world, &mut ann);
    (world, ann, relayed)
}

fn allocate(world: &mut World, client: &mut Client) -> SocketAddr {
    let request = client.signed(Method::Allocate, |w| {
        tcp(w);
        w.attribute(kind::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    });
    let reply = world.exchange(client, &request).unwrap();
    assert_eq!(reply.code(), 0);
    reply.address(kind::XOR_RELAYED_ADDRESS).unwrap()
}

/// A second connection of a client's.
fn beside(world: &mut World, port: u16) -> Client {
    let mut data = Client::over_tcp(world, &format!("9.9.9.9:{port}"));
    data.greet(world);
    data
}

/// A connection to a peer that the core asks for.
fn asked_for(world: &mut World, client: &mut Client, peer: &str) -> PeerId {
    let request = connect(client, peer);
    assert_eq!(world.send(client, &request), Action::Nothing);
    world.drain_events();
    match world.events.last() {
        Some(Event::Connect(id, _, to)) if *to == addr(peer) => *id,
        other => panic!("{other:?}"),
    }
}

fn last_reply(world: &World, client: &Client) -> Reply {
    match world.events.last() {
        Some(Event::Send(link, bytes)) if *link == client.link => Reply::parse(bytes),
        other => panic!("{other:?}"),
    }
}

/// A connection to a peer that has answered, with its CONNECTION-ID.
fn connected(world: &mut World, client: &mut Client, peer: &str) -> (PeerId, u32) {
    let id = asked_for(world, client, peer);
    world.core.connected(id, Ok(()), world.now);
    world.drain_events();
    let reply = last_reply(world, client);
    assert!(reply.code() == 0 && reply.signed_by(client));
    let number = reply.get(kind::CONNECTION_ID).unwrap();
    (id, u32::from_be_bytes(number.try_into().unwrap()))
}

fn joined(world: &mut World, client: &mut Client, data: &mut Client, peer: &str) -> PeerId {
    let (id, number) = connected(world, client, peer);
    let request = bind(data, number);
    assert_eq!(world.send(data, &request), Action::Join(id));
    let reply = Reply::parse(&world.out);
    assert!(reply.code() == 0 && reply.signed_by(data));
    id
}

fn gone(world: &World, id: PeerId) -> usize {
    let gone = |event: &&Event| **event == Event::Disconnect(id);
    world.events.iter().filter(gone).count()
}

#[test]
fn a_tcp_allocation_is_for_streams_and_for_nothing_else_asked_with_it() {
    let mut world = World::new();
    let mut udp_client = Client::new(&world, "9.9.9.9:1000");
    udp_client.greet(&mut world);
    assert_eq!(code_of(&mut world, &mut udp_client, tcp), 400);
    let mut ann = Client::over_tcp(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    type Body = fn(&mut Writer<'_>);
    let bodies: [Body; 3] = [
        |w| _ = w.attribute(kind::EVEN_PORT, &[0]),
        |w| _ = w.attribute(kind::DONT_FRAGMENT, &[]),
        |w| _ = w.attribute(kind::RESERVATION_TOKEN, b"01234567"),
    ];
    for body in bodies {
        let code = code_of(&mut world, &mut ann, |w| {
            tcp(w);
            body(w);
        });
        assert_eq!(code, 400);
    }
    allocate(&mut world, &mut ann);
    let figures = world.core.figures(world.only(), world.now).unwrap();
    assert_eq!(figures.transport, RelayTransport::Tcp);
    assert_eq!(figures.relayed.len(), 2);
    // No datagrams pass, and no channel is bound.
    let permit = ann.permit(PEER);
    assert_eq!(ann.ask(&mut world, &permit), 0);
    let channel = ann.bind(CHANNEL, PEER);
    assert_eq!(ann.ask(&mut world, &channel), 400);
    let indication = ann.indication(PEER, b"data");
    assert_eq!(world.send(&ann, &indication), Action::Nothing);

    let mut off = World::with(Config {
        tcp_relays: false,
        ..config()
    });
    ann.greet(&mut off);
    assert_eq!(code_of(&mut off, &mut ann, tcp), 442);
}

#[test]
fn a_connect_is_answered_when_the_peer_has_and_bound_by_another_connection() {
    let (mut world, mut ann, _) = allocated(config());
    let mut data = beside(&mut world, 1001);
    let id = joined(&mut world, &mut ann, &mut data, PEER);
    assert_eq!(
        world.core.allowance(id, world.now),
        Some(Allowance::Bytes(usize::MAX))
    );
    assert_eq!(world.core.took_in(id, 100, world.now), 100);
    world.core.passed_on(id, Direction::ToPeer, 100);
    assert_eq!(world.core.took_in(id, 30, world.now), 30);
    world.core.passed_on(id, Direction::ToClient, 30);
    let figures = world.core.figures(world.only(), world.now).unwrap();
    assert_eq!((figures.to_peers.bytes, figures.to_client.bytes), (100, 30));
    let counters = world.core.counters();
    assert_eq!(
        (counters.bytes_to_peers, counters.bytes_to_clients),
        (100, 30)
    );
    // Joined once and for all: no time limit, and nobody else gets it.
    world.pass(secs(500));
    assert!(world.core.serves(&data.link) && gone(&world, id) == 0);
    world.core.client_gone(&data.link, world.now);
    world.drain_events();
    assert_eq!(gone(&world, id), 1);
    assert_eq!(world.core.allocation_count(), 1);
    assert_eq!(world.core.connection_count(), 0);
}

#[test]
fn connects_are_refused_with_the_codes_of_the_rfc() {
    let (mut world, mut ann, _) = allocated(Config {
        max_connections: 3,
        ..config()
    });
    let mut code = |world: &mut World, peer: &str| {
        let request = connect(&mut ann, peer);
        ann.ask(world, &request)
    };
    for denied in [
        "127.0.0.1:80",
        "10.0.0.1:80",
        "198.100.0.1:3478",
        "[::1]:80",
    ] {
        assert_eq!(code(&mut world, denied), 403, "{denied}");
    }
    let first = asked_for(&mut world, &mut ann, PEER);
    let mut code = |world: &mut World, peer: &str| {
        let request = connect(&mut ann, peer);
        ann.ask(world, &request)
    };
    // While it is being made, when it waits, and (see above) when it is joined.
    assert_eq!(code(&mut world, PEER), 446);
    world.core.connected(first, Ok(()), world.now);
    world.drain_events();
    assert_eq!(code(&mut world, PEER), 446);
    for request in [
        ann.signed(Method::Connect, |_| {}),
        connect(&mut ann, "8.8.8.8:0"),
    ] {
        assert_eq!(ann.ask(&mut world, &request), 400);
    }
    for port in [81, 82] {
        asked_for(&mut world, &mut ann, &format!("8.8.8.8:{port}"));
    }
    let request = connect(&mut ann, "8.8.8.8:83");
    assert_eq!(ann.ask(&mut world, &request), 508);
    // A client without an allocation, and one whose allocation is for datagrams.
    let mut stranger = beside(&mut world, 2000);
    let request = connect(&mut stranger, PEER);
    assert_eq!(stranger.ask(&mut world, &request), 437);
    stranger.connect(&mut world);
    let request = connect(&mut stranger, PEER);
    assert_eq!(stranger.ask(&mut world, &request), 400);
}

#[test]
fn a_peer_that_fails_or_says_nothing_gets_the_client_447() {
    let (mut world, mut ann, _) = allocated(config());
    let failures = [(NotConnected::Failed, 447), (NotConnected::Capacity, 508)];
    for (why, code) in failures {
        let id = asked_for(&mut world, &mut ann, PEER);
        world.core.connected(id, Err(why), world.now);
        world.drain_events();
        let reply = last_reply(&world, &ann);
        assert!(reply.code() == code && reply.signed_by(&ann));
        assert_eq!((gone(&world, id), world.core.connection_count()), (0, 0));
    }
    let id = asked_for(&mut world, &mut ann, PEER);
    world.pass(secs(29));
    assert_eq!(gone(&world, id), 0);
    world.pass(secs(1));
    let end = world.events.len() - 2;
    assert!(matches!(&world.events[end..],
        [Event::Send(_, bytes), Event::Disconnect(other)]
            if *other == id && Reply::parse(bytes).code() == 447));
    // What comes too late changes nothing.
    world.core.connected(id, Ok(()), world.now);
    world.drain_events();
    assert_eq!(world.events.len(), end + 2);
    assert_eq!(world.core.counters().connects_failed, 3);
}

#[test]
fn a_connection_is_bound_once_in_time_by_its_user_over_a_stream() {
    let (mut world, mut ann, _) = allocated(config());
    let pending = asked_for(&mut world, &mut ann, "8.8.8.8:81");
    let (_, number) = connected(&mut world, &mut ann, PEER);
    let mut data = beside(&mut world, 1001);
    // Guessed, missing, and on the control connection.
    let request = bind(&mut data, number ^ 1);
    assert_eq!(data.ask(&mut world, &request), 400);
    let request = data.signed(Method::ConnectionBind, |_| {});
    assert_eq!(data.ask(&mut world, &request), 400);
    let request = bind(&mut ann, number);
    assert_eq!(ann.ask(&mut world, &request), 400);
    let mut datagrams = beside(&mut world, 1002);
    datagrams.link.listener = world.udp;
    let request = bind(&mut datagrams, number);
    assert_eq!(datagrams.ask(&mut world, &request), 400);
    // Another user, and a wrong key.
    let mut bob = beside(&mut world, 1003);
    bob.user = "bob".into();
    let request = bind(&mut bob, number);
    assert_eq!(bob.ask(&mut world, &request), 441);
    let mut wrong = beside(&mut world, 1004);
    wrong.password = "guess".into();
    let request = bind(&mut wrong, number);
    assert!(matches!(wrong.ask(&mut world, &request), 401 | 441));
    // Without credentials there is a challenge.
    let request = data.bare(Method::ConnectionBind, |w| {
        w.number(kind::CONNECTION_ID, number);
    });
    assert_eq!(data.ask(&mut world, &request), 401);

    // The nonce of the control connection serves as well; that of another client does not.
    data.nonce.clone_from(&bob.nonce);
    let request = bind(&mut data, number);
    assert_eq!(data.ask(&mut world, &request), 438);
    data.nonce.clone_from(&ann.nonce);
    let request = bind(&mut data, number);
    assert!(matches!(world.send(&data, &request), Action::Join(_)));
    let mut second = beside(&mut world, 1005);
    let request = bind(&mut second, number);
    assert_eq!(second.ask(&mut world, &request), 400);
    // One whose peer has yet to answer has no number that anybody knows; one that
    // was not bound in time is gone.
    world.core.connected(pending, Ok(()), world.now);
    world.drain_events();
    let reply = last_reply(&world, &ann).get(kind::CONNECTION_ID).unwrap();
    let late = u32::from_be_bytes(reply.try_into().unwrap());
    world.pass(secs(30));
    assert_eq!(gone(&world, pending), 1);
    let request = bind(&mut second, late);
    assert_eq!(second.ask(&mut world, &request), 400);
    assert_eq!(world.core.connection_count(), 1);
}

#[test]
fn what_waits_for_an_answer_is_no_connection_for_a_peer() {
    let (mut world, mut ann, _) = allocated(config());
    let mut other = World::sharing(config(), world.core.shared().clone(), 1);
    let (_, number) = connected(&mut world, &mut ann, PEER);
    for (elsewhere, port) in [(false, 1001), (true, 1002)] {
        let there = if elsewhere { &mut other } else { &mut world };
        let mut data = beside(there, port);
        let request = data.signed(Method::Allocate, tcp);
        let Action::Ask(id) = there.send(&data, &request) else {
            panic!("nobody asked");
        };
        assert_eq!(there.decide(id, Decision::Later), Decided::Held);
        let request = bind(&mut data, number);
        assert_eq!(data.ask(there, &request), 400);
        // The allocation is made where its client still is.
        assert_eq!(there.authorize(id), Decided::Reply(data.link));
    }
}

#[test]
fn a_peer_that_connects_needs_a_permission_and_is_announced() {
    let (mut world, mut ann, relayed) = allocated(config());
    let relay = world.relay_of(&relayed);
    assert_eq!(world.core.accepted(relay, addr(PEER), world.now), None);
    assert_eq!(world.core.counters().peers_denied, 1);
    let permit = ann.permit(PEER);
    assert_eq!(ann.ask(&mut world, &permit), 0);
    let id = world.core.accepted(relay, addr(PEER), world.now).unwrap();
    world.drain_events();
    let Some(Event::Send(link, bytes)) = world.events.last() else {
        panic!("no indication");
    };
    let message = Message::parse(bytes).unwrap();
    assert_eq!(*link, ann.link);
    assert_eq!(
        (message.class(), message.method()),
        (Class::Indication, Method::ConnectionAttempt)
    );
    assert_eq!(
        message.xor_address(kind::XOR_PEER_ADDRESS),
        Some(addr(PEER))
    );
    let number = message.number(kind::CONNECTION_ID).unwrap().unwrap();
    let mut data = beside(&mut world, 1001);
    let request = bind(&mut data, number);
    assert_eq!(world.send(&data, &request), Action::Join(id));
    // The other family's socket is not the one for this peer.
    let v6 = world.relays.open.iter().find(|(_, own)| own.is_ipv6());
    let v6 = *v6.unwrap().0;
    assert_eq!(world.core.accepted(v6, addr("8.8.8.8:1"), world.now), None);
    // The permission expires: who is there stays, who comes does not get in.
    world.pass(secs(301));
    assert_eq!(gone(&world, id), 0);
    assert_eq!(
        world.core.accepted(relay, addr("8.8.8.8:1"), world.now),
        None
    );
}

#[test]
fn what_ends_an_allocation_ends_its_connections_first() {
    type End = fn(&mut World, &mut Client);
    let ends: [End; 5] = [
        |world, ann| {
            let delete = ann.refresh(0);
            assert_eq!(ann.ask(world, &delete), 0);
        },
        |world, _| world.pass(secs(3600)),
        |world, ann| world.core.client_gone(&ann.link, world.now),
        |world, _| assert!(world.core.revoke(world.only(), world.now)),
        |world, _| world.core.stop(world.now),
    ];
    for end in ends {
        let (mut world, mut ann, _) = allocated(config());
        let mut data = beside(&mut world, 1001);
        let own = [
            joined(&mut world, &mut ann, &mut data, PEER),
            connected(&mut world, &mut ann, "8.8.8.8:81").0,
            asked_for(&mut world, &mut ann, "8.8.8.8:82"),
        ];
        assert_eq!(world.core.took_in(own[0], 9, world.now), 9);
        world.core.passed_on(own[0], Direction::ToPeer, 9);
        world.events.clear();
        end(&mut world, &mut ann);
        world.drain_events();
        assert!(own.iter().all(|id| gone(&world, *id) == 1));
        assert!(matches!(world.events.last(), Some(Event::Removed(..))));
        let refused = world.events.iter().filter(|e| matches!(e, Event::Send(..)));
        assert_eq!(refused.count(), 1);
        assert!(!world.core.serves(&data.link));
        world.assert_empty();
    }
}

#[test]
fn a_family_given_back_and_a_policy_end_the_connections_concerned() {
    let (mut world, mut ann, _) = allocated(config());
    let (v4, _) = connected(&mut world, &mut ann, PEER);
    let (v6, _) = connected(&mut world, &mut ann, "[2606:4700::1111]:80");
    let request = ann.signed(Method::Refresh, |w| {
        w.number(kind::LIFETIME, 0);
        w.attribute(kind::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    });
    assert_eq!(ann.ask(&mut world, &request), 0);
    assert_eq!((gone(&world, v4), gone(&world, v6)), (0, 1));
    let request = connect(&mut ann, "[2606:4700::1111]:80");
    assert_eq!(ann.ask(&mut world, &request), 443);
    world.core.set_policy(None, |policy| {
        policy.deny("8.8.8.0/24".parse().unwrap());
    });
    world.drain_events();
    assert_eq!(gone(&world, v4), 1);
    let request = connect(&mut ann, PEER);
    assert_eq!(ann.ask(&mut world, &request), 403);
}

#[test]
fn a_rate_delays_and_a_cap_ends_where_it_is_reached() {
    let (mut world, mut ann, _) = allocated(config());
    let mut data = beside(&mut world, 1001);
    let id = joined(&mut world, &mut ann, &mut data, PEER);
    let allocation = world.only();
    let rate = Rate {
        bytes_per_second: 1000,
        burst: 500,
    };
    assert!(world.core.set_rate(allocation, Some(rate)));
    assert_eq!(
        world.core.allowance(id, world.now),
        Some(Allowance::Bytes(500))
    );
    assert_eq!(world.core.took_in(id, 500, world.now), 500);
    let later = world.now + std::time::Duration::from_millis(250);
    assert_eq!(
        world.core.allowance(id, world.now),
        Some(Allowance::NotBefore(later))
    );
    assert_eq!(world.core.allowance(id, later), Some(Allowance::Bytes(250)));
    world.core.passed_on(id, Direction::ToPeer, 500);
    world.core.set_rate(allocation, None);
    // 600 in all: what is on its way counts.
    world.core.set_byte_cap(allocation, Some(600));
    assert_eq!(world.core.took_in(id, 60, world.now), 60);
    assert_eq!(world.core.took_in(id, 41, world.now), 40);
    world.core.passed_on(id, Direction::ToClient, 100);
    assert_eq!(world.core.took_in(id, 1, world.now), 0);
    let figures = world.core.figures(allocation, world.now).unwrap();
    assert_eq!(figures.bytes_used(), 600);
    world.core.over_cap(id, world.now);
    world.drain_events();
    assert_eq!(
        world.events.last(),
        Some(&Event::Removed(allocation, Reason::ByteCap))
    );
    assert_eq!(gone(&world, id), 1);
}

#[test]
fn a_connection_of_another_core_is_given_to_it_unauthenticated() {
    let (mut first, mut ann, _) = allocated(config());
    let shared = first.core.shared().clone();
    let mut second = World::sharing(config(), shared, 1);
    let (id, number) = connected(&mut first, &mut ann, PEER);
    let mut data = beside(&mut second, 1001);
    // Whoever it is: the key is with the other core.
    data.password = "guess".into();
    let request = bind(&mut data, number);
    assert_eq!(second.send(&data, &request), Action::Transfer(0));
    assert!(matches!(data.ask(&mut first, &request), 401 | 441));
    data.password = "secret".into();
    let request = bind(&mut data, number);
    assert_eq!(second.send(&data, &request), Action::Transfer(0));
    assert_eq!(first.send(&data, &request), Action::Join(id));
    // A challenge needs no other core.
    let request = data.bare(Method::ConnectionBind, |_| {});
    assert_eq!(data.ask(&mut second, &request), 401);
}

#[test]
fn connections_are_bounded_over_all_cores() {
    let limits = Config {
        max_connections_in_all: 2,
        ..config()
    };
    let (mut world, mut ann, _) = allocated(limits.clone());
    let mut other = World::sharing(limits, world.core.shared().clone(), 1);
    let mut bob = Client::over_tcp(&other, "9.9.9.10:1000");
    bob.greet(&mut other);
    allocate(&mut other, &mut bob);
    connected(&mut world, &mut ann, PEER);
    connected(&mut other, &mut bob, PEER);
    let request = connect(&mut ann, "8.8.8.8:81");
    assert_eq!(ann.ask(&mut world, &request), 508);
    world.pass(secs(30));
    asked_for(&mut other, &mut bob, "8.8.8.8:81");
}

#[test]
fn with_ask_each_the_observer_decides_about_a_connect_as_about_a_permission() {
    let (mut world, mut ann, _) = allocated(Config {
        ask_each: true,
        ..config()
    });
    let request = connect(&mut ann, PEER);
    let reply = world.exchange_with(&ann, &request, || Decision::NotAuthorized);
    assert_eq!(reply.unwrap().code(), 401);
    let request = connect(&mut ann, PEER);
    let Action::Ask(id) = world.send(&ann, &request) else {
        panic!("nobody asked");
    };
    assert_eq!(world.decide(id, Decision::Later), Decided::Held);
    assert_eq!(world.authorize(id), Decided::Dropped);
    world.drain_events();
    assert!(matches!(world.events.last(), Some(Event::Connect(..))));
}

#[test]
fn the_application_hears_of_connections_and_bounds_them_while_they_run() {
    let (mut world, mut ann, relayed) = allocated(Config {
        tell_peers: true,
        ..config()
    });
    let allocation = world.only();
    connected(&mut world, &mut ann, PEER);
    let permit = ann.permit("8.8.4.4:1");
    assert_eq!(ann.ask(&mut world, &permit), 0);
    let relay = world.relay_of(&relayed);
    let accepted = world.core.accepted(relay, addr("8.8.4.4:9"), world.now);
    assert!(accepted.is_some());
    world.drain_events();
    for peer in [PEER, "8.8.4.4:9"] {
        let told = Event::Reaches(allocation, Reach::Connection(addr(peer)));
        assert_eq!(world.events.iter().filter(|e| **e == told).count(), 1);
    }
    world.events.clear();
    world.core.disconnected(accepted.unwrap());
    world.drain_events();
    let over = Event::ReachesNoMore(allocation, Reach::Connection(addr("8.8.4.4:9")));
    assert_eq!(world.events, [over]);
    let permit = ann.permit("8.8.4.4:1");
    assert_eq!(ann.ask(&mut world, &permit), 0);
    assert!(
        world
            .core
            .accepted(relay, addr("8.8.4.4:9"), world.now)
            .is_some()
    );
    world.core.set_limits(&Config {
        max_connections: 2,
        ..config()
    });
    let request = connect(&mut ann, "8.8.8.8:81");
    assert_eq!(ann.ask(&mut world, &request), 508);
}
