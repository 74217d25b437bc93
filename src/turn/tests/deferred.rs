//! Decisions that come later, in every order.
#![forbid(unsafe_code)]

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::Method;
use crate::turn::*;

/// Sends an Allocate and leaves it waiting.
fn hold(world: &mut World, client: &mut Client) -> (RequestId, Vec<u8>) {
    client.greet(world);
    let request = client.allocate();
    let id = asked(world, client, &request);
    assert_eq!(world.decide(id, Decision::Later), Decided::Held);
    (id, request)
}

fn asked(world: &mut World, client: &Client, request: &[u8]) -> RequestId {
    match world.send(client, request) {
        Action::Ask(id) => id,
        other => panic!("{other:?}"),
    }
}

fn client(world: &World) -> Client {
    Client::new(world, "9.9.9.9:1000")
}

fn reply_code(world: &World) -> u16 {
    Reply::parse(&world.out).code()
}

#[test]
fn an_id_of_one_core_names_nothing_in_another() {
    let mut old = World::new();
    let shared = old.core.shared().clone();
    let mut new = World::sharing(config(), shared, 1);
    let (mut ann, mut bob) = (client(&old), client(&new));
    let (kept, _) = hold(&mut old, &mut ann);
    let (waiting, _) = hold(&mut new, &mut bob);
    assert_eq!(new.authorize(kept), Decided::Gone);
    assert_eq!(new.authorize(waiting), Decided::Reply(bob.link));
}

#[test]
fn the_answer_comes_once_and_only_once() {
    let mut world = World::new();
    let mut ann = client(&world);
    let (id, request) = hold(&mut world, &mut ann);
    assert_eq!(world.core.held_count(), 1);
    world.pass(secs(3));
    for _ in 0..5 {
        assert_eq!(world.send(&ann, &request), Action::Nothing);
    }
    assert_eq!(world.authorize(id), Decided::Reply(ann.link));
    let first = world.out.clone();
    assert_eq!(reply_code(&world), 0);
    assert_eq!(world.authorize(id), Decided::Gone);
    assert_eq!(world.decide(id, Decision::Later), Decided::Gone);
    assert_eq!(world.decide(id, Decision::NotAuthorized), Decided::Gone);
    assert!(world.out.is_empty());
    // The retransmission that crossed the answer gets the same answer.
    assert_eq!(world.send(&ann, &request), Action::Reply);
    assert_eq!(world.out, first);
    let counters = world.core.counters();
    assert_eq!(
        (
            counters.asked,
            counters.held_total,
            counters.retransmissions
        ),
        (1, 1, 6)
    );
    assert_eq!(
        (world.core.held_count(), world.core.allocation_count()),
        (0, 1)
    );
}

#[test]
fn an_observer_sees_who_asks_for_what() {
    let mut world = World::new();
    let mut ann = client(&world).modern(Algorithm::Sha256);
    ann.greet(&mut world);
    let bytes = ann.signed(Method::Allocate, |w| {
        udp(w);
        w.number(kind::LIFETIME, 900);
    });
    let id = asked(&mut world, &ann, &bytes);
    let request = world.core.request_of(id).unwrap();
    assert_eq!(request.method, Method::Allocate);
    assert_eq!(request.user, User::Name("ann"));
    assert_eq!(request.realm, REALM);
    assert_eq!(request.algorithm, Algorithm::Sha256);
    assert_eq!(request.lifetime, Some(secs(900)));
    assert_eq!(request.tuple.client, ann.link.client);
    assert_eq!(request.tuple.transport, Transport::Udp);
    assert!(!request.verified);
    assert_eq!(request.message, bytes);
    world.decide(id, Decision::NotAuthorized);
    assert!(world.core.request_of(id).is_none());
}

#[test]
fn an_answer_that_comes_after_the_nonce_grew_stale_still_counts() {
    let mut world = World::with(Config {
        held_deadline: secs(5000),
        ..config()
    });
    let mut ann = client(&world);
    let (id, _) = hold(&mut world, &mut ann);
    world.pass(secs(4000));
    assert_eq!(world.authorize(id), Decided::Reply(ann.link));
    assert_eq!(reply_code(&world), 0);
}

#[test]
fn later_again_does_not_move_the_deadline() {
    let mut world = World::new();
    let mut ann = client(&world);
    let (id, request) = hold(&mut world, &mut ann);
    world.pass(secs(29));
    assert_eq!(world.decide(id, Decision::Later), Decided::Held);
    world.pass(secs(1));
    let withdrawn = Event::Withdrawn(id, Withdrawal::Deadline);
    assert_eq!(world.events[0], withdrawn);
    let Event::Send(link, bytes) = &world.events[1] else {
        panic!("{:?}", world.events);
    };
    assert_eq!((*link, Reply::parse(bytes).code()), (ann.link, 500));
    assert_eq!(world.authorize(id), Decided::Gone);
    // A retransmission gets the same 500; nobody is asked again.
    assert_eq!(world.send(&ann, &request), Action::Reply);
    assert_eq!((reply_code(&world), world.core.counters().asked), (500, 1));
    world.assert_empty();
}

#[test]
fn a_client_that_goes_takes_its_requests_along() {
    let mut world = World::new();
    let mut ann = Client::over_tcp(&world, "9.9.9.9:1000");
    let mut bob = Client::over_tcp(&world, "9.9.9.9:1001");
    let (gone, _) = hold(&mut world, &mut ann);
    let (kept, _) = hold(&mut world, &mut bob);
    world.core.client_gone(&ann.link, world.now);
    world.drain_events();
    assert_eq!(
        world.events,
        [Event::Withdrawn(gone, Withdrawal::ClientGone)]
    );
    assert_eq!(world.authorize(gone), Decided::Gone);
    assert_eq!(world.authorize(kept), Decided::Reply(bob.link));
    assert_eq!(world.core.allocation_count(), 1);
}

#[test]
fn a_stop_takes_all_requests_back() {
    let mut world = World::new();
    let mut ids = Vec::new();
    for port in 1..=10 {
        let mut ann = Client::new(&world, &format!("9.9.9.9:{port}"));
        ids.push(hold(&mut world, &mut ann).0);
    }
    world.core.stop(world.now);
    world.drain_events();
    assert_eq!(world.events.len(), 10);
    for id in ids {
        assert!(
            world
                .events
                .contains(&Event::Withdrawn(id, Withdrawal::Stopped))
        );
        assert_eq!(world.authorize(id), Decided::Gone);
    }
    world.assert_empty();
}

#[test]
fn a_new_transaction_supersedes_the_one_the_client_gave_up() {
    let mut world = World::new();
    let mut ann = client(&world);
    let (first, old) = hold(&mut world, &mut ann);
    let (second, _) = hold(&mut world, &mut ann);
    world.drain_events();
    assert_eq!(
        world.events,
        [Event::Withdrawn(first, Withdrawal::Superseded)]
    );
    assert_eq!(world.authorize(first), Decided::Gone);
    assert_eq!(world.authorize(second), Decided::Reply(ann.link));
    assert_eq!(reply_code(&world), 0);
    assert_eq!(world.core.allocation_count(), 1);
    // The old transaction, should it come again, finds the 5-tuple in use.
    assert_eq!(ann.ask(&mut world, &old), 437);
}

#[test]
fn held_requests_are_bounded_for_each_source_and_in_total() {
    let mut world = World::with(Config {
        max_held: 5,
        max_held_per_source: 3,
        ..config()
    });
    let mut held = Vec::new();
    let mut code = |world: &mut World, address: &str| {
        let mut client = Client::new(world, address);
        client.greet(world);
        let request = client.allocate();
        let id = asked(world, &client, &request);
        match world.decide(id, Decision::Later) {
            Decided::Held => {
                held.push(id);
                0
            }
            Decided::Reply(_) => reply_code(world),
            other => panic!("{other:?}"),
        }
    };
    for (address, expected) in [
        ("9.9.9.9:1", 0),
        ("9.9.9.9:2", 0),
        ("9.9.9.9:3", 0),
        ("9.9.9.9:4", 508),
        ("9.9.9.10:1", 0),
        ("9.9.9.10:2", 0),
        ("9.9.9.10:3", 508),
        ("9.9.9.11:1", 508),
    ] {
        assert_eq!(code(&mut world, address), expected, "{address}");
    }
    assert_eq!(world.core.counters().held_refused, 3);
    // An observer that answers at once never meets the bound.
    let mut ann = Client::new(&world, "9.9.9.9:9");
    ann.connect(&mut world);
    for id in held {
        assert!(matches!(world.authorize(id), Decided::Reply(_)));
    }
    assert_eq!(world.core.held_count(), 0);
    assert_eq!(world.core.sizes()[4..7], [0, 0, 0]);
}

#[test]
fn two_deferred_answers_cannot_overrun_a_quota() {
    let mut world = World::with(Config {
        user_quota: Some(1),
        ..config()
    });
    let mut a = Client::new(&world, "9.9.9.9:1000");
    let mut b = Client::new(&world, "9.9.9.9:1001");
    let (first, _) = hold(&mut world, &mut a);
    let (second, _) = hold(&mut world, &mut b);
    assert_eq!(world.authorize(second), Decided::Reply(b.link));
    assert_eq!(reply_code(&world), 0);
    assert_eq!(world.authorize(first), Decided::Reply(a.link));
    assert_eq!(reply_code(&world), 486);
    assert_eq!(world.core.shared().accounts().allocations("ann"), 1);
}

#[test]
fn a_deferred_no_is_a_challenge_and_a_wrong_key_too() {
    let mut world = World::new();
    let mut ann = client(&world);
    for decision in [
        Decision::NotAuthorized,
        Decision::Authorized(Grant::default()),
        Decision::Authorized(Grant::new(Credential::password("other"))),
    ] {
        let (id, _) = hold(&mut world, &mut ann);
        assert_eq!(world.decide(id, decision), Decided::Reply(ann.link));
        assert_eq!(reply_code(&world), 401);
    }
    assert_eq!(world.core.allocation_count(), 0);
}

#[test]
fn with_ask_each_the_observer_decides_about_every_request() {
    let mut world = World::with(Config {
        ask_each: true,
        ..config()
    });
    let mut ann = client(&world);
    ann.connect(&mut world);
    let yes = || Decision::Authorized(Grant::default());
    let permit = ann.permit("8.8.8.8:1");
    let id = asked(&mut world, &ann, &permit);
    let request = world.core.request_of(id).unwrap();
    assert_eq!(
        (request.method, request.verified),
        (Method::CreatePermission, true)
    );
    assert_eq!(world.decide(id, Decision::Later), Decided::Held);
    let bind = ann.bind(CHANNEL, "8.8.8.8:1");
    let other = asked(&mut world, &ann, &bind);
    assert_eq!(world.decide(id, yes()), Decided::Reply(ann.link));
    assert_eq!(reply_code(&world), 0);
    assert_eq!(
        world.decide(other, Decision::NotAuthorized),
        Decided::Reply(ann.link)
    );
    assert_eq!(reply_code(&world), 401);
    let refresh = ann.refresh(600);
    let id = asked(&mut world, &ann, &refresh);
    let quota = Decision::QuotaReached(None);
    assert_eq!(world.decide(id, quota), Decided::Reply(ann.link));
    assert_eq!(reply_code(&world), 486);
    assert!(Reply::parse(&world.out).signed_by(&ann));
    // One who does not hold the key is asked about for the key alone.
    let mut guess = ann.clone();
    guess.password = "guess".into();
    let refresh = guess.refresh(600);
    let id = asked(&mut world, &guess, &refresh);
    let request = world.core.request_of(id).unwrap();
    assert_eq!((request.verified, request.refusal), (false, Some(441)));
    assert_eq!(world.decide(id, yes()), Decided::Reply(ann.link));
    assert_eq!(reply_code(&world), 401);
    // The allocation ends while a request waits.
    let refresh = ann.refresh(600);
    let id = asked(&mut world, &ann, &refresh);
    assert_eq!(world.decide(id, Decision::Later), Decided::Held);
    let delete = ann.refresh(0);
    assert_eq!(world.send(&ann, &delete), Action::Reply);
    assert_eq!(world.decide(id, yes()), Decided::Reply(ann.link));
    assert_eq!(reply_code(&world), 437);
    world.drain_events();
    world.assert_empty();
}

#[test]
fn a_grant_after_the_drain_or_the_last_place_gets_508() {
    let mut world = World::with(Config {
        max_allocations: 1,
        ..config()
    });
    let mut a = Client::new(&world, "9.9.9.9:1000");
    let mut b = Client::new(&world, "9.9.9.9:1001");
    let (first, _) = hold(&mut world, &mut a);
    let (second, _) = hold(&mut world, &mut b);
    assert_eq!(world.authorize(first), Decided::Reply(a.link));
    assert_eq!(world.authorize(second), Decided::Reply(b.link));
    assert_eq!(reply_code(&world), 508);
    let delete = a.refresh(0);
    assert_eq!(a.ask(&mut world, &delete), 0);
    let (third, _) = hold(&mut world, &mut b);
    world.core.drain(true);
    assert_eq!(world.authorize(third), Decided::Reply(b.link));
    assert_eq!(reply_code(&world), 508);
    assert!(Reply::parse(&world.out).signed_by(&b));
    world.assert_empty();
}

#[test]
fn who_holds_the_credential_is_known_before_the_decision() {
    let mut world = World::new();
    let mut ann = client(&world);
    let (id, _) = hold(&mut world, &mut ann);
    let right = Credential::password("secret").into();
    let wrong = Credential::password("guess").into();
    assert_eq!(world.core.verify(id, None), Some(false));
    assert_eq!(world.core.verify(id, Some(&wrong)), Some(false));
    assert_eq!(world.core.verify(id, Some(&right)), Some(true));
    assert_eq!(world.authorize(id), Decided::Reply(ann.link));
    assert_eq!(world.core.verify(id, Some(&right)), None);
}
