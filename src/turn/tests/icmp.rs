//! ICMP errors reach the client (RFC 8656, 11.5 and 18.13).
#![forbid(unsafe_code)]

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::{Class, Message, Method};
use crate::turn::*;

const PEER: &str = "8.8.8.8:7000";

fn error(kind: u8, code: u8, mtu: u32) -> IcmpError {
    IcmpError { kind, code, mtu }
}

/// What the client is told of an error: peer and value.
fn told(
    world: &mut World,
    relay: RelayId,
    peer: &str,
    error: IcmpError,
) -> Option<(String, Vec<u8>)> {
    let now = world.now;
    world.core.icmp_error(relay, addr(peer), error, now);
    world.drain_events();
    let Some(Event::Send(_, bytes)) = world.events.pop() else {
        return None;
    };
    let message = Message::parse(&bytes).unwrap();
    let what = (message.class(), message.method());
    assert_eq!(what, (Class::Indication, Method::Data));
    assert!(!message.has(kind::DATA));
    let peer = message.xor_address(kind::XOR_PEER_ADDRESS).unwrap();
    let value = message.get(kind::ICMP).unwrap().to_vec();
    Some((peer.to_string(), value))
}

#[test]
fn a_client_is_told_what_the_network_says_of_its_peers() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1");
    let relayed = ann.connect(&mut world);
    let relay = world.relay_of(&relayed);
    world.events.clear();
    assert_eq!(
        told(&mut world, relay, PEER, error(3, 3, 0)),
        None,
        "no permission"
    );
    let permit = ann.permit(PEER);
    assert_eq!(ann.ask(&mut world, &permit), 0);
    for (sent, value) in [
        (error(3, 4, 1280), vec![0, 0, 6, 4, 0, 0, 5, 0]),
        (error(3, 3, 77), vec![0, 0, 6, 3, 0, 0, 0, 0]),
        (error(11, 0, 0), vec![0, 0, 22, 0, 0, 0, 0, 0]),
    ] {
        let expected = Some((PEER.to_owned(), value));
        assert_eq!(told(&mut world, relay, PEER, sent), expected);
    }
    // Redirects, source quench and echoes are none of its business.
    for kind in [0, 4, 5, 8] {
        assert_eq!(told(&mut world, relay, PEER, error(kind, 0, 0)), None);
    }
    let other = RelayId::from_bits(relay.to_bits() ^ 1 << 40);
    assert_eq!(told(&mut world, other, PEER, error(3, 3, 0)), None);
    // A flood is not passed on.
    let count = (0..1000)
        .filter(|_| told(&mut world, relay, PEER, error(3, 1, 0)).is_some())
        .count();
    assert_eq!(count, 7);
    assert_eq!(world.core.counters().icmp_errors, 10);
    world.pass(secs(1));
    assert!(told(&mut world, relay, PEER, error(3, 1, 0)).is_some());
    world.pass(secs(300));
    assert_eq!(
        told(&mut world, relay, PEER, error(3, 1, 0)),
        None,
        "expired"
    );
}

#[test]
fn ipv6_has_types_of_its_own() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.greet(&mut world);
    let request = ann.signed(Method::Allocate, |w| {
        udp(w);
        w.attribute(kind::REQUESTED_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    });
    let reply = world.exchange(&ann, &request).unwrap();
    let relayed = reply.address(kind::XOR_RELAYED_ADDRESS).unwrap();
    let relay = world.relay_of(&relayed);
    let peer = "[2606:4700::1111]:9";
    let permit = ann.permit(peer);
    assert_eq!(ann.ask(&mut world, &permit), 0);
    world.events.clear();
    let expected = Some((peer.to_owned(), vec![0, 0, 4, 0, 0, 0, 5, 0]));
    assert_eq!(told(&mut world, relay, peer, error(2, 0, 1280)), expected);
    assert!(told(&mut world, relay, peer, error(1, 4, 0)).is_some());
    assert!(told(&mut world, relay, peer, error(3, 0, 0)).is_some());
    assert_eq!(told(&mut world, relay, peer, error(11, 0, 0)), None);
    assert_eq!(told(&mut world, relay, PEER, error(3, 3, 0)), None);
}
