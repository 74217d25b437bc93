//! Guessing, flooding and forging: what strangers can do, and what they cannot do to others.
#![forbid(unsafe_code)]

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::Method;
use crate::turn::*;

/// How many of `times` bare requests are answered.
fn answered(world: &mut World, client: &mut Client, times: usize, method: Method) -> usize {
    let mut count = 0;
    for _ in 0..times {
        let request = client.bare(method, udp);
        count += usize::from(world.exchange(client, &request).is_some());
    }
    count
}

#[test]
fn over_tcp_everybody_is_answered() {
    let mut world = World::new();
    let mut codes = Vec::new();
    for port in 1..=400 {
        let mut client = Client::over_tcp(&world, &format!("9.9.9.9:{port}"));
        let request = client.bare(Method::Allocate, udp);
        codes.extend(world.exchange(&client, &request).map(|reply| reply.code()));
    }
    assert_eq!(codes, [401; 400]);
    assert_eq!(world.core.counters().challenges_suppressed, 0);
}

#[test]
fn the_workers_have_one_limit_of_challenges_together() {
    let mut one = World::new();
    let mut two = World::sharing(config(), one.core.shared().clone(), 1);
    let mut client = Client::new(&one, "9.9.9.9:1");
    let first = answered(&mut one, &mut client, 150, Method::Allocate);
    let second = answered(&mut two, &mut client, 150, Method::Allocate);
    assert_eq!((first, second), (150, 50));
}

#[test]
fn binding_is_limited_over_udp_and_takes_nothing_from_the_others() {
    let mut world = World::new();
    let mut client = Client::new(&world, "9.9.9.9:1");
    assert_eq!(answered(&mut world, &mut client, 300, Method::Binding), 200);
    client.greet(&mut world);
    let mut other = Client::over_tcp(&world, "9.9.9.9:1");
    assert_eq!(answered(&mut world, &mut other, 300, Method::Binding), 300);
}

#[test]
fn tokens_of_two_servers_with_one_secret_differ() {
    let token = |world: &mut World| {
        let mut ann = Client::new(world, "9.9.9.9:1");
        ann.greet(world);
        let request = ann.signed(Method::Allocate, |w| {
            udp(w);
            w.attribute(kind::EVEN_PORT, &[0x80]);
        });
        let reply = world.exchange(&ann, &request).unwrap();
        reply.get(kind::RESERVATION_TOKEN).unwrap()
    };
    assert_ne!(token(&mut World::new()), token(&mut World::new()));
}

#[test]
fn a_nonce_of_a_server_whose_clock_is_a_second_ahead_is_understood() {
    let (mut ahead, mut behind) = (World::new(), World::new());
    ahead.now = ahead.now + secs(1);
    let mut ann = Client::new(&ahead, "9.9.9.9:1");
    ann.greet(&mut ahead);
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut behind, &request), 0);
}

#[test]
fn binding_can_be_switched_off() {
    let mut world = World::with(Config {
        binding: false,
        ..config()
    });
    let mut udp = Client::new(&world, "9.9.9.9:1");
    assert_eq!(answered(&mut world, &mut udp, 1, Method::Binding), 0);
    udp.greet(&mut world);
    let mut tcp = Client::over_tcp(&world, "9.9.9.9:1");
    let request = tcp.bare(Method::Binding, |_| {});
    assert_eq!(tcp.ask(&mut world, &request), 403);
}

/// A client whose key is a guess.
fn guesser(world: &mut World, address: &str) -> Client {
    let mut client = Client::new(world, address);
    client.greet(world);
    client.password = "guess".into();
    client
}

fn asked(world: &World) -> u64 {
    world.core.counters().asked
}

#[test]
fn wrong_keys_are_limited_before_anybody_is_asked() {
    for names in [1, 50] {
        let mut world = World::new();
        let mut mallory = guesser(&mut world, "9.9.9.9:1");
        for n in 0..2000 {
            mallory.user = format!("user{}", n % names);
            let request = mallory.allocate();
            world.exchange(&mallory, &request);
        }
        assert_eq!(asked(&world), 100);
        assert_eq!(world.core.counters().guesses_suppressed, 1900);
        // The right one among them opens nothing.
        mallory.user = "ann".into();
        mallory.password = "secret".into();
        let request = mallory.allocate();
        assert_eq!(world.send(&mallory, &request), Action::Nothing);
        // Its repetition gets through when there is room again.
        world.pass(secs(1));
        assert_eq!(mallory.ask(&mut world, &request), 0);
    }
}

#[test]
fn strangers_lock_no_user_out_and_keep_no_source_busy() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.connect(&mut world);
    // Many sources try one user.
    for n in 0..250 {
        let mut mallory = Client::new(&world, &format!("8.8.{}.{}:1", n / 100, n % 100));
        mallory.greet(&mut world);
        mallory.password = "guess".into();
        let request = mallory.allocate();
        world.exchange(&mallory, &request);
    }
    assert_eq!(asked(&world), 101);
    let mut again = Client::new(&world, "9.9.9.9:2");
    again.connect(&mut world);
    let refresh = ann.refresh(600);
    assert_eq!(ann.ask(&mut world, &refresh), 0);
    let mut bob = Client::new(&world, "7.7.7.7:1");
    bob.user = "bob".into();
    bob.connect(&mut world);
}

#[test]
fn a_success_costs_nothing() {
    let mut world = World::new();
    for port in 1..=500 {
        let mut ann = Client::over_tcp(&world, &format!("9.9.9.9:{port}"));
        ann.connect(&mut world);
    }
    assert_eq!(world.core.counters().guesses_suppressed, 0);
}

#[test]
fn a_guesser_over_tcp_gets_an_answer() {
    let mut world = World::new();
    let mut mallory = Client::over_tcp(&world, "9.9.9.9:1");
    mallory.greet(&mut world);
    mallory.password = "guess".into();
    for _ in 0..200 {
        let request = mallory.allocate();
        assert_eq!(mallory.ask(&mut world, &request), 401);
    }
    assert_eq!(asked(&world), 100);
    mallory.password = "secret".into();
    let request = mallory.allocate();
    assert_eq!(mallory.ask(&mut world, &request), 401);
}

#[test]
fn later_answers_are_limited_as_well() {
    let mut world = World::new();
    let mut mallory = guesser(&mut world, "9.9.9.9:1");
    for _ in 0..2000 {
        // Each supersedes the one before, which nobody will decide about.
        let request = mallory.allocate();
        if let Action::Ask(id) = world.send(&mallory, &request) {
            world.decide(id, Decision::Later);
        }
        world.drain_events();
    }
    assert_eq!(asked(&world), 101);
    assert_eq!(world.core.held_count(), 1);
    // Who is away before the answer does not count against the many behind the
    // same address.
    let mut world = World::new();
    for port in 1..=300 {
        let mut ann = Client::over_tcp(&world, &format!("9.9.9.9:{port}"));
        ann.user = format!("user{port}");
        ann.greet(&mut world);
        let request = ann.allocate();
        let Action::Ask(id) = world.send(&ann, &request) else {
            panic!("not asked: {port}");
        };
        world.decide(id, Decision::Later);
        world.core.client_gone(&ann.link, world.now);
        world.drain_events();
    }
    // Nor do they ask for ever.
    for port in 301..=2000 {
        let mut mallory = Client::over_tcp(&world, &format!("9.9.9.9:{port}"));
        mallory.user = format!("user{port}");
        mallory.greet(&mut world);
        let request = mallory.allocate();
        if let Action::Ask(id) = world.send(&mallory, &request) {
            world.decide(id, Decision::Later);
        }
        world.core.client_gone(&mallory.link, world.now);
        world.drain_events();
    }
    assert_eq!(asked(&world), 512);
}

#[test]
fn a_hidden_name_is_the_same_user() {
    let mut world = World::with(Config {
        userhash: true,
        ..config()
    });
    for n in 0..150 {
        let mut mallory = Client::new(&world, &format!("8.8.8.{n}:1"));
        mallory.hides_user = n % 2 == 0;
        mallory.greet(&mut world);
        mallory.password = "guess".into();
        let request = mallory.allocate();
        world.exchange(&mallory, &request);
    }
    assert_eq!(asked(&world), 100);
}

#[test]
fn the_key_of_an_allocation_cannot_be_guessed_either() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.connect(&mut world);
    let mut mallory = ann.clone();
    mallory.password = "guess".into();
    for n in 0..500 {
        let request = match n % 2 {
            0 => mallory.refresh(600),
            _ => mallory.permit("8.8.8.8:1"),
        };
        world.exchange(&mallory, &request);
    }
    assert_eq!(asked(&world), 101);
    let mut right = ann.clone();
    let refresh = right.refresh(600);
    assert_eq!(world.send(&right, &refresh), Action::Nothing);
    world.pass(secs(1));
    let refresh = ann.refresh(600);
    assert_eq!(ann.ask(&mut world, &refresh), 0);
}

#[test]
fn strangers_do_not_flush_what_is_kept_for_a_client() {
    let mut world = World::with(Config {
        guesses: None,
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.greet(&mut world);
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 0);
    let first = world.out.clone();
    let mut gone = Client::new(&world, "9.9.9.9:2");
    gone.connect(&mut world);
    let delete = gone.refresh(0);
    assert_eq!(gone.ask(&mut world, &delete), 0);
    // More refusals than are kept, all of them within the time.
    for n in 0..30_000_u32 {
        let ip = std::net::Ipv4Addr::from_bits(0x0800_0000 + n / 100);
        let mut mallory = Client::new(&world, &format!("{ip}:{}", n % 100 + 1));
        mallory.greet(&mut world);
        mallory.password = "guess".into();
        let request = mallory.allocate();
        assert_eq!(mallory.ask(&mut world, &request), 401);
    }
    assert_eq!(world.send(&ann, &request), Action::Reply);
    assert_eq!(world.out, first);
    assert_eq!(gone.ask(&mut world, &delete), 0);
}

#[test]
fn strangers_keep_no_stale_nonce_from_being_told() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.connect(&mut world);
    let refresh = ann.refresh(3600);
    assert_eq!(ann.ask(&mut world, &refresh), 0);
    world.pass(secs(3500));
    // In the name of her address.
    let mut forged = Client::new(&world, "9.9.9.9:2");
    assert!(answered(&mut world, &mut forged, 1000, Method::Allocate) < 1000);
    for request in [ann.refresh(600), ann.permit("8.8.8.8:1")] {
        let reply = world.exchange(&ann, &request).expect("an answer");
        assert_eq!(reply.code(), 438);
        assert!(reply.get(kind::NONCE).is_some());
    }
    // Who does not have her key gets none of that.
    ann.password = "guess".into();
    let refresh = ann.refresh(600);
    assert!(world.exchange(&ann, &refresh).is_none());
    ann.link = forged.link;
    ann.password = "secret".into();
    let refresh = ann.refresh(600);
    assert!(world.exchange(&ann, &refresh).is_none());
}
