//! Bad input: nothing panics, nothing grows, others go on undisturbed.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::{Class, Method};
use crate::stun::*;
use crate::turn::*;

const PEER: &str = "8.8.8.8:7000";

/// What a client sends in a good session, with a nonce that is valid.
fn session(client: &mut Client) -> Vec<Vec<u8>> {
    vec![
        client.bare(Method::Binding, |w| {
            w.fingerprint();
        }),
        client.bare(Method::Allocate, udp),
        client.signed(Method::Allocate, |w| {
            udp(w);
            w.number(kind::LIFETIME, 700)
                .attribute(kind::DONT_FRAGMENT, b"");
            w.attribute(kind::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
        }),
        client.permit(PEER),
        client.bind(CHANNEL, PEER),
        client.indication(PEER, b"some data"),
        channel(CHANNEL, b"some more data"),
        client.signed(Method::Refresh, |w| {
            w.number(kind::LIFETIME, 700);
            w.attribute(kind::REQUESTED_ADDRESS_FAMILY, &[1, 0, 0, 0]);
        }),
        client.refresh(0),
    ]
}

/// A world in which a legitimate client relays, to be disturbed.
struct Beside {
    world: World,
    good: Client,
    relay: RelayId,
}

impl Beside {
    fn new() -> Self {
        let mut world = World::new();
        let mut good = Client::new(&world, "9.9.9.9:1000");
        good.user = "good".into();
        let relayed = good.connect(&mut world);
        let bind = good.bind(CHANNEL, PEER);
        assert_eq!(good.ask(&mut world, &bind), 0);
        let relay = world.relay_of(&relayed);
        Beside { world, good, relay }
    }

    /// Feeds bytes in, from two places, and answers what is asked.
    fn feed(&mut self, bad: &Client, bytes: &[u8]) {
        for client in [bad, &self.good.clone()] {
            if let Action::Ask(id) = self.world.send(client, bytes) {
                self.world.authorize(id);
            }
        }
        self.world.drain_events();
        self.world.events.clear();
    }

    fn assert_undisturbed(&mut self) {
        let action = self.world.send(&self.good, &channel(CHANNEL, b"x"));
        assert!(matches!(action, Action::ToPeer { .. }), "{action:?}");
        let now = self.world.now;
        let action = self.world.core.from_peer(self.relay, addr(PEER), 1, now);
        assert!(matches!(action, Action::ToClient { .. }), "{action:?}");
        let permit = self.good.permit(PEER);
        assert_eq!(self.good.ask(&mut self.world, &permit), 0);
    }
}

/// Plays the good session, each message replaced by its variants and then
/// sent as it is, so that every variant meets the state it aims at.
fn play(variants: impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    let mut beside = Beside::new();
    let mut bad = Client::new(&beside.world, "6.6.6.6:666");
    bad.greet(&mut beside.world);
    for message in session(&mut bad) {
        for variant in variants(&message) {
            beside.feed(&bad, &variant);
            // Keep the limit on challenges out of the way.
            beside.world.now = beside.world.now + std::time::Duration::from_micros(10);
        }
        beside.feed(&bad, &message);
        beside.assert_undisturbed();
    }
    beside.world.core.client_gone(&bad.link, beside.world.now);
    beside.world.drain_events();
    assert_eq!(beside.world.core.allocation_count(), 1);
    assert_eq!(beside.world.core.held_count(), 0);
}

#[test]
fn every_prefix() {
    play(|message| {
        (0..message.len())
            .map(|len| message[..len].to_vec())
            .collect()
    });
}

#[test]
fn every_single_byte_changed() {
    play(|message| {
        let mut variants = Vec::new();
        for at in 0..message.len() {
            for change in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut variant = message.to_vec();
                variant[at] ^= change;
                variants.push(variant);
            }
        }
        variants
    });
}

#[test]
fn every_length_field_lying() {
    play(|message| {
        let mut variants = Vec::new();
        for at in (2..message.len() - 1).step_by(4) {
            for lie in [
                0, 1, 2, 3, 4, 5, 7, 8, 16, 255, 256, 0x7FFF, 0x8000, 0xFFFC, 0xFFFF_u16,
            ] {
                let mut variant = message.to_vec();
                variant[at..at + 2].copy_from_slice(&lie.to_be_bytes());
                variants.push(variant);
            }
        }
        variants
    });
}

#[test]
fn attributes_repeated_emptied_swollen_and_after_integrity() {
    let all = [
        kind::USERNAME,
        kind::MESSAGE_INTEGRITY,
        kind::CHANNEL_NUMBER,
        kind::LIFETIME,
        kind::XOR_PEER_ADDRESS,
        kind::DATA,
        kind::REALM,
        kind::NONCE,
        kind::REQUESTED_ADDRESS_FAMILY,
        kind::EVEN_PORT,
        kind::REQUESTED_TRANSPORT,
        kind::DONT_FRAGMENT,
        kind::MESSAGE_INTEGRITY_SHA256,
        kind::PASSWORD_ALGORITHM,
        kind::USERHASH,
        kind::RESERVATION_TOKEN,
        kind::ADDITIONAL_ADDRESS_FAMILY,
        kind::PASSWORD_ALGORITHMS,
        kind::FINGERPRINT,
        0x7777,
        0xFFFF,
    ];
    let append = |message: &[u8], parts: &[(u16, &[u8])]| {
        let mut variant = message.to_vec();
        for (attribute, value) in parts {
            variant.extend_from_slice(&attribute.to_be_bytes());
            variant.extend_from_slice(&(value.len() as u16).to_be_bytes());
            variant.extend_from_slice(value);
            variant.resize(variant.len().next_multiple_of(4), 0);
        }
        let len = (variant.len() - 20) as u16;
        variant[2..4].copy_from_slice(&len.to_be_bytes());
        variant
    };
    play(|message| {
        if message.len() < 20 || message[0] >= 0x40 {
            return Vec::new();
        }
        let mut variants = Vec::new();
        for attribute in all {
            for len in [0, 1, 3, 4, 8, 20, 32, 509, 763, 4000, 60_000] {
                let value = vec![0x41; len];
                variants.push(append(message, &[(attribute, &value)]));
                if len < 40 {
                    // In front, as the first attribute, too.
                    variants.push(append(&append(&message[..20], &[(attribute, &value)]), &[]));
                    variants.push(append(message, &[(attribute, &value), (attribute, &value)]));
                }
            }
        }
        variants
    });
}

#[test]
fn a_hundred_thousand_spoofed_first_requests_leave_nothing_behind() {
    let mut beside = Beside::new();
    let mut spoofed = Client::new(&beside.world, "6.6.6.6:666");
    let before = beside.world.core.sizes();
    for n in 0..100_000_u32 {
        let ip = IpAddr::V4((0x0100_0000 + n * 7919).into());
        spoofed.link.client = SocketAddr::new(ip, n as u16);
        let request = match n % 3 {
            0 => spoofed.bare(Method::Allocate, udp),
            // With credentials, but a nonce that cannot be theirs.
            1 => spoofed.allocate(),
            _ => spoofed.bare(Method::Binding, |_| {}),
        };
        let action = beside.world.send(&spoofed, &request);
        assert!(matches!(action, Action::Reply | Action::Nothing));
        assert!(beside.world.out.len() <= 112, "{}", beside.world.out.len());
    }
    assert_eq!(beside.world.core.sizes(), before);
    assert_eq!(beside.world.core.counters().asked, 1);
    beside.assert_undisturbed();
}

#[test]
fn tables_are_empty_and_small_again_after_churn() {
    let mut world = World::new();
    for n in 0..20_000_u32 {
        let mut client = Client::new(&world, "9.9.9.9:1000");
        let ip = IpAddr::V4((0x0900_0000 + n / 4).into());
        client.link.client = SocketAddr::new(ip, n as u16);
        client.connect(&mut world);
        if n % 2 == 0 {
            let delete = client.refresh(0);
            assert_eq!(client.ask(&mut world, &delete), 0);
        }
        world.events.clear();
    }
    assert_eq!(world.core.allocation_count(), 10_000);
    world.pass(secs(700));
    world.assert_empty();
    assert_eq!(world.core.next_deadline(), None);
    assert!(world.core.capacity() < 1000, "{}", world.core.capacity());
}

#[test]
fn an_idle_allocation_is_small() {
    use crate::turn::state::allocation::Allocation;
    let bytes = std::mem::size_of::<Allocation>();
    assert!(bytes <= 640, "{bytes}");
}

fn soup() -> impl Strategy<Value = Vec<(u16, Vec<u8>)>> {
    let attribute = prop_oneof![0..0x30_u16, 0x8000..0x8030_u16, any::<u16>()];
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        Just(vec![1, 0, 0, 0]),
        Just(vec![17, 0, 0, 0]),
    ];
    prop::collection::vec((attribute, value), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..8)) {
        let mut beside = Beside::new();
        let bad = Client::new(&beside.world, "6.6.6.6:666");
        for packet in &packets {
            beside.feed(&bad, packet);
            let now = beside.world.now;
            let _ = beside.world.core.from_peer(beside.relay, addr("6.6.6.6:6"), packet.len(), now);
        }
        beside.assert_undisturbed();
    }

    #[test]
    fn random_attributes(parts in soup(), method in 0..16_u16, is_signed in any::<bool>(), indication in any::<bool>()) {
        let mut beside = Beside::new();
        let mut bad = Client::new(&beside.world, "6.6.6.6:666");
        bad.connect(&mut beside.world);
        let class = if indication { Class::Indication } else { Class::Request };
        let known = [Method::Binding, Method::Allocate, Method::Refresh, Method::Send, Method::Data, Method::CreatePermission, Method::ChannelBind];
        let mut out = Vec::new();
        let id = bad.next_id();
        let mut writer = Writer::new(&mut out, known[usize::from(method) % known.len()], class, &id);
        for (attribute, value) in &parts {
            writer.attribute(*attribute, value);
        }
        if is_signed {
            bad.sign(&mut writer);
        }
        let action = beside.world.send(&bad, &out);
        if indication {
            prop_assert!(!matches!(action, Action::Reply | Action::Ask(_)));
        }
        if let Action::Ask(id) = action {
            beside.world.authorize(id);
        }
        if action == Action::Reply {
            Reply::parse(&beside.world.out);
        }
        beside.world.drain_events();
        beside.assert_undisturbed();
    }

    #[test]
    fn random_streams(stream in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut rest = &stream[..];
        while let Ok(Some(len)) = frame_len(rest) {
            prop_assert!((4..=MAX_FRAME).contains(&len) && len % 4 == 0);
            let Some((_, next)) = rest.split_at_checked(len) else { break };
            rest = next;
        }
    }
}
