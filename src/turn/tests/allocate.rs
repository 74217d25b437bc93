//! Allocate and Refresh: every attribute, every error, lifetimes.
#![forbid(unsafe_code)]

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::Method;
use crate::stun::*;
use crate::turn::*;

#[test]
fn malformed_and_contradicting_attributes_get_400() {
    let (mut world, mut ann) = greeted();
    type Body = fn(&mut Writer<'_>);
    let bodies: [Body; 12] = [
        |_| {},
        |w| {
            w.attribute(kind::REQUESTED_TRANSPORT, &[17]);
        },
        |w| {
            w.attribute(kind::REQUESTED_TRANSPORT, &[]);
        },
        |w| {
            w.attribute(kind::LIFETIME, &[1, 2, 3]);
        },
        |w| {
            w.attribute(kind::EVEN_PORT, &[0, 0]);
        },
        |w| {
            w.attribute(kind::RESERVATION_TOKEN, &[1; 7]);
        },
        |w| {
            w.attribute(kind::RESERVATION_TOKEN, &[1; 8])
                .attribute(kind::EVEN_PORT, &[0]);
        },
        |w| {
            w.attribute(kind::RESERVATION_TOKEN, &[1; 8]);
            w.attribute(kind::REQUESTED_ADDRESS_FAMILY, &[1, 0, 0, 0]);
        },
        |w| {
            w.attribute(kind::RESERVATION_TOKEN, &[1; 8]);
            w.attribute(kind::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
        },
        |w| {
            w.attribute(kind::REQUESTED_ADDRESS_FAMILY, &[1, 0, 0, 0]);
            w.attribute(kind::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
        },
        |w| {
            w.attribute(kind::EVEN_PORT, &[0x80]);
            w.attribute(kind::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
        },
        |w| {
            w.attribute(kind::ADDITIONAL_ADDRESS_FAMILY, &[1, 0, 0, 0]);
        },
    ];
    for (n, body) in bodies.into_iter().enumerate() {
        let code = code_of(&mut world, &mut ann, |w| {
            if n > 2 {
                udp(w);
            }
            body(w);
        });
        assert_eq!(code, 400, "body {n}");
    }
    world.assert_empty();
}

#[test]
fn unsupported_wishes_get_their_codes() {
    let (mut world, mut ann) = greeted();
    let sctp = |w: &mut Writer<'_>| {
        w.attribute(kind::REQUESTED_TRANSPORT, &[132, 0, 0, 0]);
    };
    assert_eq!(code_of(&mut world, &mut ann, sctp), 442);
    let family = |code: u8| {
        move |w: &mut Writer<'_>| {
            udp(w);
            w.attribute(kind::REQUESTED_ADDRESS_FAMILY, &[code, 0, 0, 0]);
        }
    };
    assert_eq!(code_of(&mut world, &mut ann, family(3)), 440);
    world.relays.no_v6 = true;
    assert_eq!(code_of(&mut world, &mut ann, family(2)), 440);
    world.relays.no_v6 = false;
    world.relays.full = true;
    assert_eq!(code_of(&mut world, &mut ann, udp), 508);
    world.relays.full = false;
    let token = |w: &mut Writer<'_>| {
        udp(w);
        w.attribute(kind::RESERVATION_TOKEN, b"no token");
    };
    assert_eq!(code_of(&mut world, &mut ann, token), 508);
    world.assert_empty();
    assert_eq!(code_of(&mut world, &mut ann, family(2)), 0);
}

#[test]
fn unknown_attributes_get_420_with_a_list() {
    let (mut world, mut ann) = greeted();
    let request = ann.signed(Method::Allocate, |w| {
        udp(w);
        w.attribute(0x7777, b"?").attribute(0x9999, b"optional");
    });
    let reply = world.exchange(&ann, &request).unwrap();
    assert_eq!(reply.code(), 420);
    assert_eq!(reply.get(kind::UNKNOWN_ATTRIBUTES).unwrap(), [0x77, 0x77]);
    assert!(reply.signed_by(&ann));
    let binding = ann.bare(Method::Binding, |w| {
        w.attribute(0x0003, &[0; 4]);
    });
    let reply = world.exchange(&ann, &binding).unwrap();
    assert_eq!(reply.code(), 420);
    assert_eq!(reply.get(kind::UNKNOWN_ATTRIBUTES).unwrap(), [0, 3]);
}

#[test]
fn dont_fragment_is_unknown_where_it_cannot_be_done() {
    let mut world = World::with(Config {
        dont_fragment: false,
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    let body = |w: &mut Writer<'_>| {
        udp(w);
        w.attribute(kind::DONT_FRAGMENT, b"");
    };
    let request = ann.signed(Method::Allocate, body);
    let reply = world.exchange(&ann, &request).unwrap();
    assert_eq!(reply.code(), 420);
    assert_eq!(reply.get(kind::UNKNOWN_ATTRIBUTES).unwrap(), [0, 0x1A]);
    let (mut world, mut ann) = greeted();
    assert_eq!(code_of(&mut world, &mut ann, body), 0);
}

#[test]
fn a_second_allocate_on_the_5_tuple_gets_437() {
    let (mut world, mut ann) = greeted();
    assert_eq!(code_of(&mut world, &mut ann, udp), 0);
    assert_eq!(code_of(&mut world, &mut ann, udp), 437);
    let mut bob = ann.clone();
    bob.user = "bob".into();
    let request = bob.allocate();
    assert_eq!(bob.ask(&mut world, &request), 437);
    let mut tcp = Client::over_tcp(&world, "9.9.9.9:1000");
    tcp.connect(&mut world);
    assert_eq!(world.core.allocation_count(), 2);
}

#[test]
fn requests_without_an_allocation_get_437() {
    let (mut world, mut ann) = greeted();
    for request in [
        ann.refresh(1),
        ann.permit("8.8.8.8:1"),
        ann.bind(CHANNEL, "8.8.8.8:1"),
    ] {
        assert_eq!(ann.ask(&mut world, &request), 437);
    }
}

#[test]
fn the_server_has_room_for_so_many() {
    let mut world = World::with(Config {
        max_allocations: 2,
        ..config()
    });
    for (port, code) in [(1, 0), (2, 0), (3, 508)] {
        let mut client = Client::new(&world, &format!("9.9.9.9:{port}"));
        client.greet(&mut world);
        assert_eq!(code_of(&mut world, &mut client, udp), code);
    }
    assert_eq!(world.core.sizes()[8], 1);
}

#[test]
fn new_clients_are_sent_elsewhere_or_turned_away() {
    let (mut world, mut ann) = greeted();
    let other = addr("5.6.7.8:3478");
    world.core.set_alternate(None, Family::V4, Some(other));
    let request = ann.allocate();
    let reply = world.exchange(&ann, &request).unwrap();
    assert_eq!(reply.code(), 300);
    assert!(reply.signed_by(&ann));
    let value = reply.get(kind::ALTERNATE_SERVER).unwrap();
    assert_eq!(value, [0, 1, 0x0D, 0x96, 5, 6, 7, 8]);
    // Over another transport the other is elsewhere.
    let over_tcp = Some(addr("5.6.7.8:5349"));
    world
        .core
        .set_alternate(Some(Transport::Tcp), Family::V4, over_tcp);
    let request = ann.allocate();
    let reply = world.exchange(&ann, &request).unwrap();
    assert_eq!(
        reply.get(kind::ALTERNATE_SERVER).unwrap()[..4],
        [0, 1, 0x0D, 0x96]
    );
    let mut sam = Client::on(Link {
        listener: world.tcp,
        client: addr("9.9.9.9:7"),
    });
    sam.greet(&mut world);
    let request = sam.allocate();
    let reply = world.exchange(&sam, &request).unwrap();
    assert_eq!(reply.code(), 300);
    assert_eq!(
        reply.get(kind::ALTERNATE_SERVER).unwrap()[..4],
        [0, 1, 0x14, 0xE5]
    );
    world.core.drain(true);
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 300);
    world.core.set_alternate(None, Family::V4, None);
    let asked = world.core.counters().asked;
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 508);
    assert_eq!(world.core.counters().asked, asked);
    world.core.drain(false);
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 0);
}

#[test]
fn binding_tells_the_client_its_address_and_no_more() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    let request = ann.bare(Method::Binding, |_| {});
    let reply = world.exchange(&ann, &request).unwrap();
    assert_eq!(
        reply.address(kind::XOR_MAPPED_ADDRESS),
        Some(ann.link.client)
    );
    assert_eq!(reply.bytes.len(), 32);
    let request = ann.bare(Method::Binding, |w| {
        w.fingerprint();
    });
    let reply = world.exchange(&ann, &request).unwrap();
    assert!(reply.message().has(kind::FINGERPRINT));
}

#[test]
fn software_is_named_to_clients_that_are_known() {
    let mut world = World::with(Config {
        software: "pjauth".into(),
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    assert!(!ann.greet(&mut world).message().has(kind::SOFTWARE));
    let request = ann.allocate();
    let reply = world.exchange(&ann, &request).unwrap();
    assert_eq!(reply.get(kind::SOFTWARE), Some(b"pjauth".to_vec()));
    assert!(reply.signed_by(&ann));
}
