//! The long-term credential mechanism (RFC 8489, 9.2), old clients and new.
#![forbid(unsafe_code)]

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::Method;
use crate::stun::*;
use crate::turn::*;

#[test]
fn a_client_of_rfc_5389_gets_in() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    let challenge = ann.greet(&mut world);
    assert_eq!(challenge.get(kind::REALM), Some(REALM.into()));
    assert!(ann.nonce.starts_with(b"obMatJos2gAAB"));
    let request = ann.allocate();
    let reply = world.exchange(&ann, &request).unwrap();
    assert_eq!(reply.code(), 0);
    assert!(reply.signed_by(&ann));
    assert!(!reply.message().has(kind::MESSAGE_INTEGRITY_SHA256));
    let mapped = reply.address(kind::XOR_MAPPED_ADDRESS);
    assert_eq!(mapped, Some(ann.link.client));
}

#[test]
fn clients_of_rfc_8489_get_in_with_either_algorithm() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let mut world = World::new();
        let mut ann = Client::new(&world, "9.9.9.9:1000").modern(algorithm);
        let challenge = ann.greet(&mut world);
        assert_eq!(challenge.get(kind::PASSWORD_ALGORITHMS), ann.offer);
        let request = ann.allocate();
        let reply = world.exchange(&ann, &request).unwrap();
        assert_eq!(reply.code(), 0, "{algorithm:?}");
        assert!(reply.signed_by(&ann));
        let refresh = ann.refresh(600);
        assert_eq!(ann.ask(&mut world, &refresh), 0);
        // The same user may come back as an old client.
        ann.algorithm = None;
        ann.offer = None;
        ann.protection = Protection::Sha1;
        let refresh = ann.refresh(600);
        assert_eq!(ann.ask(&mut world, &refresh), 0);
    }
}

#[test]
fn a_bid_down_is_refused() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000").modern(Algorithm::Md5);
    ann.greet(&mut world);
    let mut code = |change: &dyn Fn(&mut Client)| {
        let mut ann = ann.clone();
        change(&mut ann);
        let request = ann.allocate();
        let reply = world.exchange(&ann, &request).unwrap();
        (reply.code(), reply.message().has(kind::NONCE))
    };
    // The offer was changed on the way to the client.
    assert_eq!(code(&|c| c.offer = Some(vec![0, 1, 0, 0])), (400, false));
    assert_eq!(code(&|c| c.offer = None), (400, false));
    assert_eq!(code(&|c| c.algorithm = None), (400, false));
    // The feature bits were changed: the nonce is not ours any more.
    assert_eq!(code(&|c| c.nonce[9] = b'A'), (438, true));
    assert_eq!(code(&|_| {}), (0, false));
}

#[test]
fn userhash_is_answered_where_it_is_announced() {
    let mut world = World::with(Config {
        userhash: true,
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000").modern(Algorithm::Sha256);
    ann.hides_user = true;
    ann.greet(&mut world);
    assert!(ann.nonce.starts_with(b"obMatJos2wAAD"));
    let named = |name: &str| {
        let mut grant = Grant::new(Credential::password("secret"));
        grant.username = Some(name.into());
        Decision::Authorized(grant)
    };
    let request = ann.allocate();
    let reply = world
        .exchange_with(&ann, &request, || named("bob"))
        .unwrap();
    assert_eq!(reply.code(), 401);
    let request = ann.allocate();
    let reply = world
        .exchange_with(&ann, &request, || named("ann"))
        .unwrap();
    assert_eq!(reply.code(), 0);
    let figures = world.core.figures(world.only(), world.now).unwrap();
    assert_eq!(&*figures.username, "ann");
    let refresh = ann.refresh(600);
    assert_eq!(ann.ask(&mut world, &refresh), 0);
    // Without a name nobody knows whom to account it to.
    let mut bob = Client::new(&world, "9.9.9.9:1001").modern(Algorithm::Sha256);
    bob.hides_user = true;
    bob.greet(&mut world);
    let request = bob.allocate();
    assert_eq!(bob.ask(&mut world, &request), 401);
}

#[test]
fn userhash_is_refused_where_it_is_not_announced() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    ann.hides_user = true;
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 401);
}

#[test]
fn a_server_with_md5_alone_announces_nothing() {
    let mut world = World::with(Config {
        algorithms: vec![Algorithm::Md5],
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    let challenge = ann.greet(&mut world);
    assert!(ann.nonce.starts_with(b"obMatJos2AAAA"));
    assert_eq!(challenge.get(kind::PASSWORD_ALGORITHMS), None);
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 0);
}

#[test]
fn a_server_without_md5_turns_old_clients_away() {
    let mut world = World::with(Config {
        algorithms: vec![Algorithm::Sha256],
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 401);
    let mut ann = ann.modern(Algorithm::Sha256);
    ann.offer = Some(vec![0, 2, 0, 0]);
    let request = ann.allocate();
    assert_eq!(ann.ask(&mut world, &request), 0);
}

#[test]
fn stored_keys_serve_their_algorithm_alone() {
    let mut world = World::new();
    let mut old = Client::new(&world, "9.9.9.9:1000");
    old.greet(&mut world);
    let mut new = Client::new(&world, "9.9.9.9:1001").modern(Algorithm::Sha256);
    new.greet(&mut world);
    let md5: [u8; 16] = old.key().try_into().unwrap();
    let sha256: [u8; 32] = new.key().try_into().unwrap();
    let md5 = || Decision::Authorized(Grant::new(Credential::md5(md5)));
    let sha256 = || Decision::Authorized(Grant::new(Credential::sha256(sha256)));
    let request = old.allocate();
    let reply = world.exchange_with(&old, &request, sha256);
    assert_eq!(reply.unwrap().code(), 401);
    let request = new.allocate();
    assert_eq!(
        world.exchange_with(&new, &request, md5).unwrap().code(),
        401
    );
    let request = old.allocate();
    assert_eq!(world.exchange_with(&old, &request, md5).unwrap().code(), 0);
    let request = new.allocate();
    let reply = world.exchange_with(&new, &request, sha256);
    assert_eq!(reply.unwrap().code(), 0);
}

#[test]
fn incomplete_credentials_get_400_without_realm_and_nonce() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    let all = [
        (kind::USERNAME, b"ann".to_vec()),
        (kind::REALM, REALM.into()),
        (kind::NONCE, ann.nonce.clone()),
    ];
    for missing in 0..all.len() {
        let request = ann.bare(Method::Allocate, |w| {
            udp(w);
            for (n, (attribute, value)) in all.iter().enumerate() {
                if n != missing {
                    w.attribute(*attribute, value);
                }
            }
            w.integrity(Protection::Sha1, b"whatever");
        });
        let reply = world.exchange(&ann, &request).unwrap();
        assert_eq!(reply.code(), 400);
        assert!(!reply.message().has(kind::REALM) && !reply.message().has(kind::NONCE));
    }
    let long = [b'a'; 509];
    let names = [
        &b""[..],
        b"ann\0",
        b"ann\0x",
        b"\0",
        b"ann\r\nx",
        b"ann\xC2\x85",
        b"\xFF\xFE",
        &long,
    ];
    for name in names {
        let nonce = ann.nonce.clone();
        let request = ann.bare(Method::Allocate, |w| {
            w.attribute(kind::USERNAME, name);
            w.attribute(kind::REALM, REALM.as_bytes());
            w.attribute(kind::NONCE, &nonce);
            w.integrity(Protection::Sha1, b"whatever");
        });
        assert_eq!(ann.ask(&mut world, &request), 400, "{name:?}");
    }
}

#[test]
fn a_request_too_long_to_keep_gets_400() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    for (len, code) in [(3500, 400), (2500, 0)] {
        let request = ann.signed(Method::Allocate, |w| {
            udp(w);
            w.attribute(kind::SOFTWARE, &vec![b'x'; len]);
        });
        assert_eq!(ann.ask(&mut world, &request), code);
    }
}

#[test]
fn wrong_password_realm_and_decision_get_401_with_a_nonce() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    let mut mallory = ann.clone();
    mallory.password = "guess".into();
    let request = mallory.allocate();
    let reply = world.exchange(&mallory, &request).unwrap();
    assert_eq!(reply.code(), 401);
    assert!(reply.message().has(kind::NONCE));
    let request = ann.allocate();
    let no = || Decision::NotAuthorized;
    assert_eq!(world.exchange_with(&ann, &request, no).unwrap().code(), 401);
    let request = ann.bare(Method::Allocate, |w| {
        w.attribute(kind::USERNAME, b"ann");
        w.attribute(kind::REALM, b"elsewhere");
        w.attribute(kind::NONCE, &mallory.nonce);
        w.integrity(Protection::Sha1, &mallory.key());
    });
    assert_eq!(ann.ask(&mut world, &request), 401);
    world.pass(secs(0));
    world.assert_empty();
}

#[test]
fn a_truncated_integrity_value_is_not_accepted() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000").modern(Algorithm::Sha256);
    ann.greet(&mut world);
    for len in [0, 16, 28, 31] {
        let mut request = ann.allocate();
        request.truncate(request.len() - 32 + len);
        while !request.len().is_multiple_of(4) {
            request.push(0);
        }
        let total = (request.len() - 20) as u16;
        request[2..4].copy_from_slice(&total.to_be_bytes());
        let at = request.len() - len.next_multiple_of(4) - 2;
        request[at..at + 2].copy_from_slice(&(len as u16).to_be_bytes());
        assert_eq!(ann.ask(&mut world, &request), 401, "{len}");
    }
}

#[test]
fn nonces_grow_stale_and_belong_to_one_address() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.connect(&mut world);
    let mut other = Client::new(&world, "9.9.9.9:1001");
    other.nonce = ann.nonce.clone();
    let request = other.allocate();
    assert_eq!(other.ask(&mut world, &request), 438);
    world.pass(secs(500));
    let refresh = ann.refresh(3600);
    assert_eq!(ann.ask(&mut world, &refresh), 0);
    world.pass(secs(200));
    let refresh = ann.refresh(3600);
    let reply = world.exchange(&ann, &refresh).unwrap();
    assert_eq!(reply.code(), 438);
    assert_eq!(reply.get(kind::REALM), Some(REALM.into()));
    assert!(reply.message().has(kind::PASSWORD_ALGORITHMS));
    ann.nonce = reply.get(kind::NONCE).unwrap();
    let refresh = ann.refresh(3600);
    assert_eq!(ann.ask(&mut world, &refresh), 0);
}

#[test]
fn another_user_on_the_same_5_tuple_gets_441() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.connect(&mut world);
    let mut bob = ann.clone();
    bob.user = "bob".into();
    for request in [
        bob.refresh(0),
        bob.permit("8.8.8.8:1"),
        bob.bind(CHANNEL, "8.8.8.8:1"),
    ] {
        assert_eq!(bob.ask(&mut world, &request), 441);
    }
    let mut guess = ann.clone();
    guess.password = "guess".into();
    let refresh = guess.refresh(0);
    assert_eq!(guess.ask(&mut world, &refresh), 401);
    assert_eq!(world.core.allocation_count(), 1);
}

#[test]
fn challenges_are_limited_for_each_source_and_small() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    let mut answered = 0;
    for _ in 0..1000 {
        let request = ann.bare(Method::Allocate, udp);
        if let Some(reply) = world.exchange(&ann, &request) {
            answered += 1;
            assert!(!reply.message().has(kind::SOFTWARE));
            assert_eq!(reply.get(kind::ERROR_CODE).unwrap().len(), 4);
        }
    }
    assert_eq!(answered, 200);
    assert_eq!(world.core.counters().challenges_suppressed, 800);
    let mut bob = Client::new(&world, "9.9.9.10:1000");
    bob.greet(&mut world);
    world.pass(secs(1));
    ann.greet(&mut world);
}
