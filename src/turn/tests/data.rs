//! The packet path, permissions and channels.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::ops::Range;

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::{Class, Message, Method};
use crate::stun::*;
use crate::turn::*;

const PEER: &str = "8.8.8.8:7000";

/// A world with one allocation, its relay socket and its relayed address.
fn connected() -> (World, Client, RelayId) {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    let relayed = ann.connect(&mut world);
    let relay = world.relay_of(&relayed);
    (world, ann, relay)
}

fn to_peer(action: &Action) -> Option<(SocketAddr, Range<usize>, bool)> {
    match action {
        Action::ToPeer {
            peer,
            payload,
            dont_fragment,
            ..
        } => Some((*peer, payload.clone(), *dont_fragment)),
        _ => None,
    }
}

#[test]
fn channel_data_goes_both_ways() {
    let (mut world, mut ann, relay) = connected();
    let bind = ann.bind(CHANNEL, PEER);
    assert_eq!(ann.ask(&mut world, &bind), 0);
    let action = world.send(&ann, &channel(CHANNEL, b"hello"));
    assert_eq!(to_peer(&action), Some((addr(PEER), 4..9, false)));
    let action = world.send(&ann, &channel(CHANNEL, b""));
    assert_eq!(to_peer(&action), Some((addr(PEER), 4..4, false)));
    let action = world.core.from_peer(relay, addr(PEER), 5, world.now);
    let Action::ToClient {
        link,
        header,
        payload,
        padding,
    } = action
    else {
        panic!("{action:?}");
    };
    assert_eq!((link, payload, padding), (ann.link, 0..5, 0));
    assert_eq!(&header[..], [0x40, 0x01, 0, 5]);
    // Another port of the same peer has permission, but no channel.
    let action = world
        .core
        .from_peer(relay, addr("8.8.8.8:7001"), 5, world.now);
    assert!(matches!(action, Action::ToClient { header, padding: 3, .. } if header.len() == 36));
    let figures = world.core.figures(world.only(), world.now).unwrap();
    assert_eq!((figures.to_peers.packets, figures.to_peers.bytes), (2, 5));
    assert_eq!(
        (figures.to_client.packets, figures.to_client.bytes),
        (2, 10)
    );
}

#[test]
fn channel_data_to_a_tcp_client_is_padded() {
    let mut world = World::new();
    let mut ann = Client::over_tcp(&world, "9.9.9.9:1000");
    let relayed = ann.connect(&mut world);
    let bind = ann.bind(CHANNEL, PEER);
    assert_eq!(ann.ask(&mut world, &bind), 0);
    let relay = world.relay_of(&relayed);
    let action = world.core.from_peer(relay, addr(PEER), 5, world.now);
    assert!(matches!(action, Action::ToClient { padding: 3, .. }));
    let mut padded = channel(CHANNEL, b"hello");
    padded.extend_from_slice(&[0; 3]);
    let action = world.send(&ann, &padded);
    assert_eq!(to_peer(&action), Some((addr(PEER), 4..9, false)));
}

#[test]
fn lying_channel_data_is_dropped() {
    let (mut world, mut ann, _) = connected();
    let bind = ann.bind(CHANNEL, PEER);
    assert_eq!(ann.ask(&mut world, &bind), 0);
    let good = channel(CHANNEL, b"hello");
    for len in 0..good.len() {
        assert_eq!(world.send(&ann, &good[..len]), Action::Nothing);
    }
    for length in [6_u16, 100, u16::MAX] {
        let mut bad = good.clone();
        bad[2..4].copy_from_slice(&length.to_be_bytes());
        assert_eq!(world.send(&ann, &bad), Action::Nothing);
    }
    assert_eq!(
        world.send(&ann, &channel(CHANNEL + 1, b"x")),
        Action::Nothing
    );
    assert_eq!(world.send(&ann, &channel(0x8000, b"x")), Action::Nothing);
    let stranger = Client::new(&world, "9.9.9.9:1001");
    assert_eq!(world.send(&stranger, &good), Action::Nothing);
}

#[test]
fn indications_need_a_permission_for_the_address_not_the_port() {
    let (mut world, mut ann, relay) = connected();
    let send = ann.indication(PEER, b"data!");
    assert_eq!(world.send(&ann, &send), Action::Nothing);
    let from = |world: &mut World, peer: &str| {
        let action = world.core.from_peer(relay, addr(peer), 5, world.now);
        matches!(action, Action::ToClient { .. })
    };
    assert!(!from(&mut world, PEER));
    let permit = ann.permit("8.8.8.8:1");
    assert_eq!(ann.ask(&mut world, &permit), 0);
    let (peer, payload, _) = to_peer(&world.send(&ann, &send)).unwrap();
    assert_eq!((peer, &send[payload]), (addr(PEER), &b"data!"[..]));
    assert!(from(&mut world, PEER) && from(&mut world, "8.8.8.8:1"));
    assert!(!from(&mut world, "8.8.4.4:7000"));
    world.pass(secs(299));
    assert!(from(&mut world, PEER));
    world.pass(secs(1));
    assert!(!from(&mut world, PEER));
    assert_eq!(world.send(&ann, &send), Action::Nothing);
}

#[test]
fn a_data_indication_is_a_message() {
    let (mut world, mut ann, relay) = connected();
    let permit = ann.permit(PEER);
    assert_eq!(ann.ask(&mut world, &permit), 0);
    let mut ids = Vec::new();
    for len in [0, 1, 2, 3, 4, 1200] {
        let action = world.core.from_peer(relay, addr(PEER), len, world.now);
        let Action::ToClient {
            header, padding, ..
        } = action
        else {
            panic!("{action:?}");
        };
        let mut bytes = header.to_vec();
        bytes.extend(std::iter::repeat_n(7, len));
        bytes.extend(std::iter::repeat_n(0, padding.into()));
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(
            (message.method(), message.class()),
            (Method::Data, Class::Indication)
        );
        assert_eq!(
            message.xor_address(kind::XOR_PEER_ADDRESS),
            Some(addr(PEER))
        );
        assert_eq!(message.get(kind::DATA), Some(&vec![7; len][..]));
        ids.push(*message.id());
    }
    ids.dedup();
    assert_eq!(ids.len(), 6);
    let action = world.core.from_peer(relay, addr(PEER), 65_530, world.now);
    assert_eq!(action, Action::Nothing);
}

#[test]
fn indications_that_are_not_understood_are_dropped_unanswered() {
    let (mut world, mut ann, _) = connected();
    let permit = ann.permit(PEER);
    assert_eq!(ann.ask(&mut world, &permit), 0);
    type Body = fn(&mut Writer<'_>);
    let peer: Body = |w| {
        w.xor_address(kind::XOR_PEER_ADDRESS, &addr(PEER));
    };
    let data: Body = |w| {
        w.attribute(kind::DATA, b"x");
    };
    let unknown: Body = |w| {
        w.attribute(0x7777, b"");
    };
    let short: Body = |w| {
        w.attribute(kind::XOR_PEER_ADDRESS, &[0, 1, 2]);
    };
    for parts in [
        vec![peer],
        vec![data],
        vec![],
        vec![peer, data, unknown],
        vec![short, data],
    ] {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, Method::Send, Class::Indication, &[1; 12]);
        parts.iter().for_each(|part| part(&mut writer));
        assert_eq!(world.send(&ann, &out), Action::Nothing);
    }
    for method in [
        Method::Binding,
        Method::Allocate,
        Method::Data,
        Method::Refresh,
    ] {
        let mut out = Vec::new();
        Writer::new(&mut out, method, Class::Indication, &[1; 12]);
        assert_eq!(world.send(&ann, &out), Action::Nothing);
    }
    for class in [Class::Success, Class::Error] {
        let mut out = Vec::new();
        Writer::new(&mut out, Method::Binding, class, &[1; 12]);
        assert_eq!(world.send(&ann, &out), Action::Nothing);
    }
}

#[test]
fn dont_fragment_reaches_the_socket_where_it_can_be_done() {
    let (mut world, mut ann, _) = connected();
    let permit = ann.permit(PEER);
    assert_eq!(ann.ask(&mut world, &permit), 0);
    let mut send = Vec::new();
    Writer::new(&mut send, Method::Send, Class::Indication, &[1; 12])
        .xor_address(kind::XOR_PEER_ADDRESS, &addr(PEER))
        .attribute(kind::DONT_FRAGMENT, b"")
        .attribute(kind::DATA, b"x");
    let (_, _, dont_fragment) = to_peer(&world.send(&ann, &send)).unwrap();
    assert!(dont_fragment);
    let mut world = World::with(Config {
        dont_fragment: false,
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.connect(&mut world);
    let permit = ann.permit(PEER);
    assert_eq!(ann.ask(&mut world, &permit), 0);
    assert_eq!(world.send(&ann, &send), Action::Nothing);
}

#[test]
fn channels_follow_the_rules_of_binding() {
    let (mut world, mut ann, relay) = connected();
    let mut code = |number: u16, peer: &str| {
        let request = ann.bind(number, peer);
        ann.ask(&mut world, &request)
    };
    assert_eq!(code(0x3FFF, PEER), 400);
    assert_eq!(code(0x8000, PEER), 400);
    assert_eq!(code(CHANNEL, "127.0.0.1:1"), 403);
    assert_eq!(code(CHANNEL, "[2606:4700::1111]:1"), 443);
    assert_eq!(code(CHANNEL, PEER), 0);
    assert_eq!(code(CHANNEL, PEER), 0);
    assert_eq!(code(CHANNEL, "8.8.4.4:7000"), 400);
    assert_eq!(code(CHANNEL + 1, PEER), 400);
    assert_eq!(code(0x7FFF, "8.8.8.8:7001"), 0);
    for body in [
        (|w: &mut Writer<'_>| {
            w.number(kind::CHANNEL_NUMBER, 0x4002 << 16);
        }) as fn(&mut Writer<'_>),
        |w| {
            w.xor_address(kind::XOR_PEER_ADDRESS, &addr(PEER));
        },
        |w| {
            w.attribute(kind::CHANNEL_NUMBER, &[0x40, 2]);
        },
    ] {
        let request = ann.signed(Method::ChannelBind, body);
        assert_eq!(ann.ask(&mut world, &request), 400);
    }
    // The failed ones installed nothing.
    let figures = world.core.figures(world.only(), world.now).unwrap();
    assert_eq!(figures.permissions, [addr(PEER).ip()]);
    // A channel outlives its permission, and then only sends.
    let refresh = ann.refresh(3600);
    assert_eq!(ann.ask(&mut world, &refresh), 0);
    world.pass(secs(301));
    assert!(to_peer(&world.send(&ann, &channel(CHANNEL, b"x"))).is_some());
    let action = world.core.from_peer(relay, addr(PEER), 1, world.now);
    assert_eq!(action, Action::Nothing);
    world.pass(secs(299));
    assert_eq!(world.send(&ann, &channel(CHANNEL, b"x")), Action::Nothing);
}

#[test]
fn permissions_are_all_or_none() {
    let (mut world, mut ann, _) = connected();
    let mut code = |peers: &[&str]| {
        let request = ann.signed(Method::CreatePermission, |w| {
            for peer in peers {
                w.xor_address(kind::XOR_PEER_ADDRESS, &addr(peer));
            }
        });
        let code = ann.ask(&mut world, &request);
        let figures = world.core.figures(world.only(), world.now).unwrap();
        (code, figures.permissions.len())
    };
    assert_eq!(code(&[]), (400, 0));
    assert_eq!(code(&["8.8.8.8:1", "10.0.0.1:1"]), (403, 0));
    assert_eq!(code(&["8.8.8.8:1", "[2606:4700::1111]:1"]), (443, 0));
    assert_eq!(code(&["8.8.8.8:1", "8.8.4.4:1", "8.8.8.8:2"]), (0, 2));
    let broken = ann.signed(Method::CreatePermission, |w| {
        w.xor_address(kind::XOR_PEER_ADDRESS, &addr("8.8.8.9:1"));
        w.attribute(kind::XOR_PEER_ADDRESS, &[0, 9, 0, 0, 1, 2, 3, 4]);
    });
    assert_eq!(ann.ask(&mut world, &broken), 400);
    let unknown = ann.signed(Method::CreatePermission, |w| {
        w.xor_address(kind::XOR_PEER_ADDRESS, &addr("8.8.8.9:1"));
        w.attribute(0x7777, b"");
    });
    assert_eq!(ann.ask(&mut world, &unknown), 420);
}

#[test]
fn permissions_and_channels_are_bounded() {
    let mut world = World::with(Config {
        max_permissions: 4,
        max_channels: 4,
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.connect(&mut world);
    for n in 0..10_u16 {
        let permit = ann.permit(&format!("8.8.8.{n}:1"));
        let expected = if n < 4 { 0 } else { 508 };
        assert_eq!(ann.ask(&mut world, &permit), expected);
        let bind = ann.bind(0x4000 + n, &format!("8.8.8.1:{}", n + 1));
        assert_eq!(ann.ask(&mut world, &bind), expected);
    }
}

#[test]
fn a_channel_without_room_for_its_permission_is_not_bound() {
    let mut world = World::with(Config {
        max_permissions: 1,
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.connect(&mut world);
    let permit = ann.permit("8.8.4.4:1");
    assert_eq!(ann.ask(&mut world, &permit), 0);
    let bind = ann.bind(CHANNEL, PEER);
    assert_eq!(ann.ask(&mut world, &bind), 508);
    assert_eq!(world.send(&ann, &channel(CHANNEL, b"x")), Action::Nothing);
}

#[test]
fn a_denied_port_is_closed_both_ways() {
    let mut world = World::new();
    world.core.set_policy(None, |policy| {
        let denied = ["8.8.8.8:53", "[2a00:8::8]:53"].map(|range| range.parse().unwrap());
        policy.set_ranges(Vec::new(), denied.into());
    });
    let mut ann = Client::new(&world, "9.9.9.9:1");
    let relay = ann.connect(&mut world);
    let relay = world.relay_of(&relay);
    let permit = ann.permit("8.8.8.8:7000");
    assert_eq!(ann.ask(&mut world, &permit), 0);
    for (peer, passes) in [("8.8.8.8:53", false), ("8.8.8.8:54", true)] {
        let indication = ann.indication(peer, b"hello");
        let out = world.send(&ann, &indication);
        assert_eq!(out != Action::Nothing, passes, "{peer}");
        let back = world.core.from_peer(relay, addr(peer), 5, world.now);
        assert_eq!(back != Action::Nothing, passes, "{peer}");
    }
    assert_eq!(world.core.counters().packets_denied, 2);
}

#[test]
fn a_peer_without_a_port_is_none() {
    let (mut world, mut ann) = greeted();
    ann.connect(&mut world);
    let permit = ann.permit("8.8.8.8:0");
    assert_eq!(ann.ask(&mut world, &permit), 0);
    let bind = ann.bind(CHANNEL, "8.8.8.8:0");
    assert_eq!(ann.ask(&mut world, &bind), 400);
    let indication = ann.indication("8.8.8.8:0", b"data");
    assert_eq!(world.send(&ann, &indication), Action::Nothing);
    assert_eq!(world.core.counters().packets_to_peers, 0);
}
