//! Refusals are signed wherever a key can be had (RFC 8489, 9.2.5).
#![forbid(unsafe_code)]

use super::client::*;
use crate::stun::attributes::kind;
use crate::stun::message::{Class, Method};
use crate::stun::*;
use crate::turn::*;

/// The code of the reply to a request about which the observer says `decision`, and
/// whether it is signed with the client's key.
fn outcome(
    world: &mut World,
    client: &Client,
    request: &[u8],
    decision: impl FnOnce() -> Decision,
) -> (u16, bool) {
    let reply = world.exchange_with(client, request, decision);
    let reply = reply.expect("a reply");
    (reply.code(), reply.signed_by(client))
}

fn yes(password: &str) -> Decision {
    Decision::Authorized(Grant::new(Credential::password(password)))
}

fn nobody() -> Decision {
    panic!("the observer is asked");
}

#[test]
fn when_the_allocation_has_gone_its_key_signs_for_a_while() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.connect(&mut world);
    let delete = ann.refresh(0);
    assert_eq!(ann.ask(&mut world, &delete), 0);
    for request in [
        ann.refresh(600),
        ann.permit("8.8.8.8:1"),
        ann.bind(CHANNEL, "8.8.8.8:1"),
    ] {
        assert_eq!(outcome(&mut world, &ann, &request, nobody), (437, true));
    }
    // One that expired, and a NAT that gave the client another port.
    let mut bob = Client::new(&world, "9.9.9.9:2").modern(Algorithm::Sha256);
    bob.user = "bob".into();
    bob.connect(&mut world);
    world.pass(secs(601));
    bob.link.client.set_port(3);
    bob.greet(&mut world);
    let refresh = bob.refresh(600);
    assert_eq!(outcome(&mut world, &bob, &refresh, nobody), (437, true));
}

#[test]
fn after_a_restart_the_observer_gives_the_key() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.greet(&mut world);
    let refresh = ann.refresh(600);
    let Action::Ask(id) = world.send(&ann, &refresh) else {
        panic!("not asked");
    };
    let request = world.core.request_of(id).unwrap();
    assert_eq!(
        (request.method, request.refusal),
        (Method::Refresh, Some(437))
    );
    assert!(!request.verified);
    assert_eq!(world.decide(id, yes("secret")), Decided::Reply(ann.link));
    let reply = Reply::parse(&world.out);
    assert_eq!((reply.code(), reply.signed_by(&ann)), (437, true));
    // From then on it is known.
    let refresh = ann.refresh(600);
    assert_eq!(outcome(&mut world, &ann, &refresh, nobody), (437, true));
    // A wrong key, or a no, is what it always is; no key leaves it unsigned.
    let mut bob = Client::new(&world, "9.9.9.9:2");
    bob.user = "bob".into();
    bob.greet(&mut world);
    let mut code = |decision: Decision| {
        let refresh = bob.refresh(600);
        outcome(&mut world, &bob, &refresh, || decision)
    };
    assert_eq!(code(yes("other")), (401, false));
    assert_eq!(code(Decision::NotAuthorized), (401, false));
    assert_eq!(code(Decision::Authorized(Grant::default())), (437, false));
    assert_eq!(code(Decision::QuotaReached(None)), (437, false));
    assert_eq!(world.core.allocation_count(), 0);
}

#[test]
fn a_server_that_drains_says_so_in_a_way_that_is_believed() {
    let mut world = World::new();
    world.core.drain(true);
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.greet(&mut world);
    let request = ann.allocate();
    let yes = || yes("secret");
    assert_eq!(outcome(&mut world, &ann, &request, yes), (508, true));
    world.pass(secs(1));
    world.assert_empty();
}

#[test]
fn another_user_and_a_rotated_key_get_signed_refusals() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.connect(&mut world);
    let mut bob = ann.clone();
    bob.user = "bob".into();
    let refresh = bob.refresh(600);
    let bobs = || yes("secret");
    assert_eq!(outcome(&mut world, &bob, &refresh, bobs), (441, true));
    let mut rotated = ann.clone();
    rotated.password = "new".into();
    let new = || yes("new");
    for (request, code) in [
        (rotated.allocate(), 437),
        (rotated.refresh(600), 441),
        (rotated.permit("8.8.8.8:1"), 441),
    ] {
        assert_eq!(outcome(&mut world, &rotated, &request, new), (code, true));
    }
    assert_eq!(world.core.allocation_count(), 1);
}

#[test]
fn a_quota_is_signed_with_what_is_known() {
    let mut world = World::with(Config {
        userhash: true,
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.connect(&mut world);
    let mut second = Client::new(&world, "9.9.9.9:2");
    second.greet(&mut world);
    let request = second.allocate();
    let full = || Decision::QuotaReached(None);
    assert_eq!(outcome(&mut world, &second, &request, full), (486, true));
    // A hidden name is given with the key.
    let mut bob = Client::new(&world, "9.9.9.9:3").modern(Algorithm::Sha256);
    bob.user = "bob".into();
    bob.hides_user = true;
    bob.greet(&mut world);
    let request = bob.allocate();
    let full = || {
        Decision::QuotaReached(Some(Identity {
            credential: Credential::password("secret"),
            username: Some("bob".into()),
        }))
    };
    assert_eq!(outcome(&mut world, &bob, &request, full), (486, true));
}

#[test]
fn what_was_set_before_the_deadline_signs_the_500() {
    let mut world = World::new();
    let client = |world: &mut World, port: u16, password: Option<&str>| {
        let mut client = Client::new(world, &format!("9.9.9.9:{port}"));
        client.user = format!("user{port}");
        client.greet(world);
        let request = client.allocate();
        let Action::Ask(id) = world.send(&client, &request) else {
            panic!("not asked");
        };
        assert_eq!(world.decide(id, Decision::Later), Decided::Held);
        if let Some(password) = password {
            assert!(
                world
                    .core
                    .identify(id, Credential::password(password).into())
            );
        }
        world.pass(secs(30));
        assert!(!world.core.identify(id, Credential::password("late").into()));
        let Some(Event::Send(_, bytes)) = world.events.pop() else {
            panic!("{:?}", world.events);
        };
        let reply = Reply::parse(&bytes);
        (reply.code(), reply.signed_by(&client))
    };
    assert_eq!(client(&mut world, 1, Some("secret")), (500, true));
    assert_eq!(client(&mut world, 2, Some("other")), (401, false));
    assert_eq!(client(&mut world, 3, None), (500, false));
}

#[test]
fn no_room_to_wait_is_signed_too() {
    let mut world = World::with(Config {
        max_held: 0,
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.greet(&mut world);
    let request = ann.allocate();
    let Action::Ask(id) = world.send(&ann, &request) else {
        panic!("not asked");
    };
    assert!(
        world
            .core
            .identify(id, Credential::password("secret").into())
    );
    assert_eq!(world.decide(id, Decision::Later), Decided::Reply(ann.link));
    let reply = Reply::parse(&world.out);
    assert_eq!((reply.code(), reply.signed_by(&ann)), (508, true));
}

#[test]
fn a_request_too_long_to_keep_is_refused_with_a_key_of_lately() {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.connect(&mut world);
    let mut second = Client::new(&world, "9.9.9.9:2");
    second.greet(&mut world);
    let request = second.signed(Method::Allocate, |w| {
        udp(w);
        w.attribute(crate::stun::attributes::kind::SOFTWARE, &[b'x'; 3500]);
    });
    assert_eq!(outcome(&mut world, &second, &request, nobody), (400, true));
}

#[test]
fn with_ask_each_a_key_that_is_set_must_be_right() {
    let mut world = World::with(Config {
        ask_each: true,
        ..config()
    });
    let mut ann = Client::new(&world, "9.9.9.9:1");
    ann.connect(&mut world);
    for request in [ann.refresh(600), ann.permit("8.8.8.8:1")] {
        let new = || yes("new");
        assert_eq!(outcome(&mut world, &ann, &request, new), (401, false));
        let old = || yes("secret");
        let request = ann.permit("8.8.8.8:2");
        assert_eq!(outcome(&mut world, &ann, &request, old), (0, true));
        let none = || Decision::Authorized(Grant::default());
        let request = ann.refresh(600);
        assert_eq!(outcome(&mut world, &ann, &request, none), (0, true));
    }
    let refresh = ann.refresh(600);
    let Action::Ask(id) = world.send(&ann, &refresh) else {
        panic!("not asked");
    };
    let verify = |password: &str| {
        let identity = Credential::password(password).into();
        world.core.verify(id, Some(&identity))
    };
    assert_eq!((verify("new"), verify("secret")), (Some(false), Some(true)));
    assert_eq!(world.core.verify(id, None), Some(true));
}

/// A request as the client makes it, with a FINGERPRINT.
fn printed(client: &mut Client, method: Method, body: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    let id = client.next_id();
    let mut writer = Writer::new(&mut out, method, Class::Request, &id);
    body(&mut writer);
    client.sign(&mut writer);
    writer.fingerprint();
    out
}

/// What the observer says, and the code that comes of it.
fn refusals_of_the_observer() -> Vec<(Decision, u16)> {
    let identity = || {
        Some(Identity {
            credential: Credential::password("secret"),
            username: Some("ann".into()),
        })
    };
    let refused = |code| Refusal {
        code,
        identity: identity(),
        alternate: Some(addr("192.0.2.7:3478")),
        ..Refusal::default()
    };
    let mut all = vec![(Decision::QuotaReached(identity()), 486)];
    all.extend(
        [300, 403, 420, 440, 442, 486, 500, 508].map(|c| (Decision::Refused(refused(c)), c)),
    );
    all
}

#[test]
fn every_refusal_is_signed_in_the_way_that_the_request_was() {
    let mut world = World::with(Config {
        userhash: true,
        ..config()
    });
    let plain = Client::new(&world, "9.9.9.9:1");
    let hidden = |mut client: Client| {
        client.hides_user = true;
        client
    };
    let mut strong = plain.clone();
    strong.protection = Protection::Sha256;
    let kinds = [
        plain.clone(),
        strong,
        plain.clone().modern(Algorithm::Md5),
        plain.clone().modern(Algorithm::Sha256),
        hidden(plain.modern(Algorithm::Sha256)),
    ];
    for (port, mut ann) in (1..).zip(kinds) {
        ann.link.client.set_port(port);
        ann.greet(&mut world);
        let check = |reply: Reply, ann: &Client, code: u16| {
            assert_eq!((reply.code(), reply.signed_by(ann)), (code, true), "{port}");
            let print = reply.get(kind::FINGERPRINT);
            let holds = integrity::fingerprint_holds(&reply.message());
            assert!(
                print.is_some() && holds,
                "{port}: {code} without FINGERPRINT"
            );
            let alternate = reply.get(kind::ALTERNATE_SERVER);
            assert_eq!(alternate.is_some(), code == 300, "{port}: {code}");
        };
        for (decision, code) in refusals_of_the_observer() {
            let request = printed(&mut ann, Method::Allocate, udp);
            let reply = world.exchange_with(&ann, &request, || decision).unwrap();
            check(reply, &ann, code);
        }
        let yes = || {
            let mut grant = Grant::new(Credential::password("secret"));
            grant.username = Some("ann".into());
            Decision::Authorized(grant)
        };
        type Body = fn(&mut Writer<'_>);
        let family: Body = |w| {
            udp(w);
            w.attribute(kind::REQUESTED_ADDRESS_FAMILY, &[9, 0, 0, 0]);
        };
        let transport: Body = |w| {
            w.attribute(kind::REQUESTED_TRANSPORT, &[132, 0, 0, 0]);
        };
        let token: Body = |w| {
            udp(w);
            w.attribute(kind::RESERVATION_TOKEN, &[7; 8]);
        };
        let unknown: Body = |w| {
            udp(w);
            w.attribute(0x7FFF, b"?");
        };
        for (body, code) in [
            (family, 440),
            (transport, 442),
            (token, 508),
            (unknown, 420),
            (|_| {}, 400),
        ] {
            let request = printed(&mut ann, Method::Allocate, body);
            let reply = world.exchange_with(&ann, &request, yes).unwrap();
            check(reply, &ann, code);
        }
        let request = printed(&mut ann, Method::Allocate, udp);
        let reply = world.exchange_with(&ann, &request, yes).unwrap();
        check(reply, &ann, 0);
        let peer = |text: &'static str| {
            move |w: &mut Writer<'_>| {
                w.xor_address(kind::XOR_PEER_ADDRESS, &addr(text));
            }
        };
        for (method, text, code) in [
            (Method::Allocate, "8.8.8.8:1", 437),
            (Method::CreatePermission, "10.0.0.1:1", 403),
            (Method::CreatePermission, "[2a00::9]:1", 443),
            (Method::ChannelBind, "8.8.8.8:1", 400),
            (Method::Connect, "8.8.8.8:1", 400),
        ] {
            let request = printed(&mut ann, method, peer(text));
            let reply = world.exchange_with(&ann, &request, yes).unwrap();
            check(reply, &ann, code);
        }
        let request = printed(&mut ann, Method::Refresh, |w| {
            w.number(kind::LIFETIME, 0);
        });
        check(world.exchange(&ann, &request).unwrap(), &ann, 0);
        let request = printed(&mut ann, Method::Refresh, |w| {
            w.number(kind::LIFETIME, 9);
        });
        check(world.exchange(&ann, &request).unwrap(), &ann, 437);
    }
}
