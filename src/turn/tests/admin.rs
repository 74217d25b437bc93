//! Limits, caps, revocation, events and figures.
#![forbid(unsafe_code)]

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::Method;
use crate::turn::*;

const PEER: &str = "8.8.8.8:7000";

fn with_channel(world: &mut World, address: &str) -> (Client, AllocationId, RelayId) {
    let mut client = Client::new(world, address);
    let relayed = client.connect(world);
    let bind = client.bind(CHANNEL, PEER);
    assert_eq!(client.ask(world, &bind), 0);
    let id = match world.events.last() {
        Some(Event::Created(id)) => *id,
        other => panic!("{other:?}"),
    };
    let relay = world.relay_of(&relayed);
    (client, id, relay)
}

fn passes(world: &mut World, client: &Client, len: usize) -> bool {
    let action = world.send(client, &channel(CHANNEL, &vec![0; len]));
    matches!(action, Action::ToPeer { .. })
}

#[test]
fn a_rate_limits_an_allocation_in_both_directions() {
    let mut world = World::new();
    let (ann, id, relay) = with_channel(&mut world, "9.9.9.9:1000");
    let (bob, ..) = with_channel(&mut world, "9.9.9.9:1001");
    let rate = Rate {
        bytes_per_second: 1000,
        burst: 1000,
    };
    assert!(world.core.set_rate(id, Some(rate)));
    assert!(passes(&mut world, &ann, 600));
    let action = world.core.from_peer(relay, addr(PEER), 400, world.now);
    assert!(matches!(action, Action::ToClient { .. }));
    assert!(!passes(&mut world, &ann, 1));
    let action = world.core.from_peer(relay, addr(PEER), 1, world.now);
    assert_eq!(action, Action::Nothing);
    assert!(passes(&mut world, &bob, 60_000));
    assert_eq!(world.core.counters().packets_limited, 2);
    world.pass(secs(1));
    assert!(passes(&mut world, &ann, 1000));
    world.core.set_rate(id, None);
    assert!(passes(&mut world, &ann, 60_000));
}

#[test]
fn a_rate_limits_a_user_over_all_allocations() {
    let mut world = World::new();
    let (a, ..) = with_channel(&mut world, "9.9.9.9:1000");
    let (b, ..) = with_channel(&mut world, "9.9.9.9:1001");
    let accounts = world.core.shared().accounts().clone();
    let rate = Rate {
        bytes_per_second: 1000,
        burst: 1000,
    };
    accounts.set_rate("ann", Some(rate));
    assert!(passes(&mut world, &a, 600));
    assert!(!passes(&mut world, &b, 600));
    assert!(passes(&mut world, &b, 400));
    accounts.set_rate("ann", None);
    assert!(passes(&mut world, &b, 600));
}

#[test]
fn the_byte_cap_ends_an_allocation_with_exact_figures() {
    let mut world = World::new();
    let (ann, id, relay) = with_channel(&mut world, "9.9.9.9:1000");
    assert!(world.core.set_byte_cap(id, Some(1000)));
    assert!(passes(&mut world, &ann, 600));
    let figures = world.core.figures(id, world.now).unwrap();
    assert_eq!(
        (figures.bytes_used(), figures.bytes_remaining()),
        (600, Some(400))
    );
    world.core.from_peer(relay, addr(PEER), 400, world.now);
    world.pass(secs(5));
    assert!(!passes(&mut world, &ann, 1));
    let event = world.core.poll_event(&mut world.relays);
    assert_eq!(event, Some(Event::Removed(id, Reason::ByteCap)));
    // Lent until the next poll: figures, but no traffic and no changes.
    let later = world.now + secs(100);
    let figures = world.core.figures(id, later).unwrap();
    assert_eq!((figures.bytes_used(), figures.age), (1000, secs(5)));
    assert_eq!(
        (figures.ended, figures.remaining),
        (Some(Reason::ByteCap), secs(0))
    );
    assert_eq!(figures.tuple.client, ann.link.client);
    assert_eq!(figures.relayed.len(), 1);
    assert!(world.relays.open.contains_key(&relay));
    assert!(!passes(&mut world, &ann, 0));
    assert_eq!(
        world.core.from_peer(relay, addr(PEER), 1, world.now),
        Action::Nothing
    );
    assert!(!world.core.set_byte_cap(id, None));
    assert!(!world.core.set_rate(id, None));
    assert!(!world.core.set_lifetime(id, secs(9), world.now));
    assert!(!world.core.revoke(id, world.now));
    world.drain_events();
    assert_eq!(world.core.figures(id, world.now), None);
    world.assert_empty();
}

#[test]
fn grants_carry_their_terms() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    let request = ann.allocate();
    let reply = world.exchange_with(&ann, &request, || {
        Decision::Authorized(Grant {
            byte_cap: Some(100),
            rate: Some(Rate {
                bytes_per_second: 50,
                burst: 50,
            }),
            valid_for: Some(secs(700)),
            ..Grant::new(Credential::password("secret"))
        })
    });
    assert_eq!(reply.unwrap().lifetime(), 600);
    let bind = ann.bind(CHANNEL, PEER);
    assert_eq!(ann.ask(&mut world, &bind), 0);
    assert!(passes(&mut world, &ann, 50));
    assert!(!passes(&mut world, &ann, 50));
    world.pass(secs(300));
    let refresh = ann.refresh(3600);
    let reply = world.exchange(&ann, &refresh).unwrap();
    assert_eq!(reply.lifetime(), 400);
    assert_eq!(world.core.allocation_count(), 1);
    world.pass(secs(400));
    world.assert_empty();
}

#[test]
fn one_or_all_of_a_user_can_be_revoked() {
    let mut world = World::new();
    let (_, first, _) = with_channel(&mut world, "9.9.9.9:1000");
    let (_, second, _) = with_channel(&mut world, "9.9.9.9:1001");
    let (_, third, _) = with_channel(&mut world, "9.9.9.9:1002");
    let mut bob = Client::new(&world, "9.9.9.9:1003");
    bob.user = "bob".into();
    bob.connect(&mut world);
    world.events.clear();
    assert!(world.core.revoke(first, world.now));
    assert!(!world.core.revoke(first, world.now));
    assert_eq!(world.core.revoke_user("ann", world.now), 2);
    assert_eq!(world.core.revoke_user("ann", world.now), 0);
    world.drain_events();
    let removed = [first, second, third].map(|id| Event::Removed(id, Reason::Revoked));
    assert_eq!(world.events, removed);
    assert_eq!(world.core.allocation_count(), 1);
    assert_eq!(world.relays.open.len(), 1);
}

#[test]
fn each_created_allocation_is_removed_once_whatever_the_way_out() {
    let mut world = World::new();
    let mut ids = Vec::new();
    for port in 1000..1006 {
        ids.push(with_channel(&mut world, &format!("9.9.9.9:{port}")).1);
    }
    let mut tcp = Client::over_tcp(&world, "9.9.9.9:1006");
    tcp.connect(&mut world);
    world.events.clear();
    world.core.revoke(ids[0], world.now);
    world.core.set_lifetime(ids[1], secs(10), world.now);
    world.core.set_byte_cap(ids[2], Some(0));
    let mut deleter = Client::new(&world, "9.9.9.9:1003");
    deleter.greet(&mut world);
    let delete = deleter.refresh(0);
    assert_eq!(deleter.ask(&mut world, &delete), 0);
    assert!(!passes(
        &mut world,
        &Client::new(&World::new(), "9.9.9.9:1002"),
        1
    ));
    world.core.client_gone(&tcp.link, world.now);
    world.pass(secs(10));
    world.core.stop(world.now);
    world.core.stop(world.now);
    world.drain_events();
    let mut reasons: Vec<_> = Vec::new();
    let mut seen = Vec::new();
    for event in &world.events {
        match event {
            Event::Removed(id, reason) => {
                seen.push(*id);
                reasons.push(*reason);
            }
            other => panic!("{other:?}"),
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!((seen.len(), reasons.len()), (7, 7));
    for (reason, times) in [
        (Reason::Revoked, 1),
        (Reason::Expired, 1),
        (Reason::ByteCap, 1),
        (Reason::Deleted, 1),
        (Reason::ClientGone, 1),
        (Reason::Stopped, 2),
    ] {
        let found = reasons.iter().filter(|own| **own == reason).count();
        assert_eq!(found, times, "{reason:?}");
    }
    world.assert_empty();
    let counters = world.core.counters();
    assert_eq!(
        (counters.allocations_created, counters.allocations_removed),
        (7, 7)
    );
    // A stopped server says nothing.
    let request = tcp.bare(Method::Binding, |_| {});
    assert_eq!(world.send(&tcp, &request), Action::Nothing);
}

#[test]
fn a_5_tuple_is_free_at_once_when_its_allocation_ends() {
    let mut world = World::with(Config {
        user_quota: Some(1),
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.connect(&mut world);
    world.events.clear();
    // Delete and allocate in one batch, before any event is taken.
    let delete = ann.refresh(0);
    assert_eq!(world.send(&ann, &delete), Action::Reply);
    let request = ann.allocate();
    let Action::Ask(id) = world.send(&ann, &request) else {
        panic!("not asked");
    };
    assert!(matches!(world.authorize(id), Decided::Reply(_)));
    assert_eq!(Reply::parse(&world.out).code(), 0);
    world.drain_events();
    let kinds: Vec<_> = world
        .events
        .iter()
        .map(|e| matches!(e, Event::Created(_)))
        .collect();
    assert_eq!(kinds, [false, true]);
    assert_eq!(
        (world.core.allocation_count(), world.relays.open.len()),
        (1, 1)
    );
}

#[test]
fn a_core_can_move_to_its_thread() {
    fn assert_send<T: Send>() {}
    assert_send::<Core>();
    fn assert_shared<T: Send + Sync>() {}
    assert_shared::<Shared>();
}

#[test]
fn quotas_hold_and_go_back() {
    let mut world = World::with(Config {
        user_quota: Some(1),
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.connect(&mut world);
    let mut again = Client::new(&world, "9.9.9.9:1001");
    again.greet(&mut world);
    let request = again.allocate();
    let reply = world.exchange(&again, &request).unwrap();
    assert_eq!(reply.code(), 486);
    assert!(reply.signed_by(&again));
    let delete = ann.refresh(0);
    assert_eq!(ann.ask(&mut world, &delete), 0);
    // Failing after the seat was taken gives it back too.
    world.relays.full = true;
    let request = again.allocate();
    assert_eq!(again.ask(&mut world, &request), 508);
    world.relays.full = false;
    let request = again.allocate();
    assert_eq!(again.ask(&mut world, &request), 0);
}

#[test]
fn the_observers_own_quota_is_protected_where_it_gives_the_credential() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    let full = || Decision::QuotaReached(Some(Credential::password("secret").into()));
    let request = ann.allocate();
    let reply = world.exchange_with(&ann, &request, full).unwrap();
    assert_eq!((reply.code(), reply.signed_by(&ann)), (486, true));
    let request = ann.allocate();
    let reply = world.exchange_with(&ann, &request, || Decision::QuotaReached(None));
    let reply = reply.unwrap();
    // The key is known from before.
    assert_eq!((reply.code(), reply.signed_by(&ann)), (486, true));
    ann.password = "guess".into();
    let request = ann.allocate();
    let reply = world.exchange_with(&ann, &request, full).unwrap();
    assert_eq!(reply.code(), 401);
    assert!(reply.message().has(kind::NONCE));
}

#[test]
fn the_observers_own_error_is_protected_where_it_gives_the_credential() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    let refused = |code, credential: Option<&str>| {
        Decision::Refused(Refusal {
            code,
            reason: (code == 403).then(|| "Not today".to_owned()),
            alternate: (code == 300).then(|| "192.0.2.7:3478".parse().unwrap()),
            identity: credential.map(|password| Credential::password(password).into()),
        })
    };
    for code in [300, 403, 487, 508, 699] {
        for credential in [Some("secret"), None] {
            let request = ann.allocate();
            let decision = || refused(code, credential);
            let reply = world.exchange_with(&ann, &request, decision).unwrap();
            // Without the credential the key is known from before.
            assert_eq!((reply.code(), reply.signed_by(&ann)), (code, true));
            let alternate = reply.get(kind::ALTERNATE_SERVER);
            let expected = vec![0, 1, 0x0D, 0x96, 192, 0, 2, 7];
            assert_eq!(alternate, (code == 300).then_some(expected));
            let error = reply.get(kind::ERROR_CODE).unwrap();
            let says_why = error.ends_with(b"Not today");
            assert_eq!(says_why, code == 403);
        }
    }
    // A challenge is one whoever asks for it, and strangers get nothing else.
    ann.password = "guess".into();
    for (code, credential) in [(401, None), (438, Some("guess")), (403, Some("secret"))] {
        let request = ann.allocate();
        let decision = || refused(code, credential);
        let reply = world.exchange_with(&ann, &request, decision).unwrap();
        assert_eq!(reply.code(), if code == 403 { 401 } else { code });
        assert!(reply.message().has(kind::NONCE) && !reply.signed_by(&ann));
    }
}

#[test]
fn how_long_a_nonce_serves_can_change() {
    let (mut world, mut ann) = greeted();
    world.pass(secs(100));
    world.core.set_limits(&Config {
        nonce_lifetime: secs(60),
        ..config()
    });
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 438);
    world.core.set_limits(&config());
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 0);
}
