//! Ports that are claimed, given back and passed on.
#![forbid(unsafe_code)]

use std::net::IpAddr;

use super::*;

use Kind::{Any as ANY, Even as EVEN, Pair as PAIR};

fn ports() -> Ports {
    ports_of(100..=109)
}

fn ports_of(range: RangeInclusive<u16>) -> Ports {
    let ip: IpAddr = "127.0.0.1".parse().unwrap();
    let advertised: IpAddr = "198.51.100.1".parse().unwrap();
    let address = RelayAddress {
        bind: ip,
        advertised,
    };
    let ports = Ports::new(range, Duration::from_secs(30));
    assert_eq!(ports.number(address), Some(0));
    assert_eq!(ports.number(address), Some(0));
    ports
}

fn at(secs: u64) -> Time {
    super::super::clock::start() + Duration::from_secs(secs)
}

fn claim(ports: &Ports, kind: Kind, secs: u64) -> Option<Claim> {
    let found = ports.claim(0, 1, kind, at(secs), |_| Ok(()));
    found.map(|(claim, ())| claim)
}

#[test]
fn every_port_of_the_range_is_claimed_once_and_no_other() {
    let ports = ports();
    let mut claims: Vec<_> = (0..10)
        .map(|_| claim(&ports, ANY, 0))
        .map(|claim| ports.bound(claim.unwrap()).port())
        .collect();
    claims.sort_unstable();
    assert_eq!(claims, (100..=109).collect::<Vec<_>>());
    assert!(claim(&ports, ANY, 0).is_none());
}

#[test]
fn pairs_are_even_and_whole_or_not_at_all() {
    let ports = ports();
    let only_103 = |claim: Claim| match claim.port {
        103 => Ok(()),
        _ => Err(NotBound::Taken),
    };
    assert!(ports.claim(0, 1, ANY, at(0), only_103).is_some());
    let mut evens: Vec<_> = (0..5)
        .filter_map(|_| claim(&ports, PAIR, 100))
        .map(|claim| ports.bound(claim).port())
        .collect();
    evens.sort_unstable();
    assert_eq!(evens, [100, 104, 106, 108]);
    let left = claim(&ports, ANY, 100).unwrap();
    assert_eq!(ports.bound(left).port(), 102);
}

#[test]
fn a_port_rests_and_nobody_is_refused_for_it() {
    let ports = ports();
    let claims: Vec<_> = (0..10).map(|_| claim(&ports, ANY, 0).unwrap()).collect();
    for (secs, claim) in claims.iter().enumerate() {
        ports.release(*claim, at(secs as u64));
    }
    // Three have rested: any of them, and no other.
    let mut rested: Vec<_> = (0..3)
        .map(|_| claim(&ports, ANY, 32).unwrap().port)
        .collect();
    let mut expected: Vec<_> = claims[..3].iter().map(|claim| claim.port).collect();
    rested.sort_unstable();
    expected.sort_unstable();
    assert_eq!(rested, expected);
    // Then the one that has rested longest.
    for claimed in &claims[3..] {
        assert_eq!(claim(&ports, ANY, 32).unwrap().port, claimed.port);
    }
    assert!(claim(&ports, ANY, 32).is_none());
}

#[test]
fn the_free_port_among_those_of_another_program_is_found() {
    let ports = ports();
    let mut tried = 0;
    let only = |port, tried: &mut usize| {
        let found = ports.claim(0, 1, ANY, at(0), |claim| {
            *tried += 1;
            (claim.port == port).then_some(()).ok_or(NotBound::Taken)
        });
        found.map(|(claim, ())| claim.port)
    };
    assert_eq!(only(107, &mut tried), Some(107));
    assert!(tried <= 10, "{tried}");
    // One that is let go of is found again, and the work is bounded.
    assert_eq!(only(101, &mut tried), Some(101));
    tried = 0;
    assert_eq!(only(1, &mut tried), None);
    assert_eq!(tried, 8);
    tried = 0;
    let failed = ports.claim(0, 1, ANY, at(0), |_| {
        tried += 1;
        Err::<(), _>(NotBound::Failed)
    });
    assert!(failed.is_none());
    assert_eq!(tried, 1);
}

#[test]
fn the_only_free_port_of_a_wide_range_is_found_by_the_first_who_asks() {
    let ports = ports_of(49152..=65535);
    let mut tried = 0;
    let found = ports.claim(0, 1, ANY, at(0), |claim| {
        tried += 1;
        // The last of all that could be tried.
        (tried == 65536 - 49152)
            .then_some(claim.port)
            .ok_or(NotBound::Taken)
    });
    assert!(found.is_some());
    // Whoever comes next does not try them all again.
    tried = 0;
    let none = ports.claim(0, 1, ANY, at(1), |_| {
        tried += 1;
        Err::<(), _>(NotBound::Taken)
    });
    assert!(none.is_none());
    assert_eq!(tried, ATTEMPTS);
}

#[test]
fn used_and_resting_ports_are_counted_once() {
    let ports = ports();
    let other = RelayAddress {
        bind: "127.0.0.2".parse().unwrap(),
        advertised: "198.51.100.1".parse().unwrap(),
    };
    assert_eq!(ports.number(other), Some(1));
    let claims: Vec<_> = (0..3).map(|_| claim(&ports, ANY, 0).unwrap()).collect();
    assert_eq!(ports.count(at(0)), (3, 0));
    ports.release(claims[0], at(1));
    assert_eq!(ports.count(at(2)), (2, 1));
    assert_eq!(ports.count(at(40)), (2, 0));
}

#[test]
fn owners_are_found_by_what_peers_see() {
    let ports = ports();
    let owner = |claim| ports.owner(&ports.advertised(claim));
    let claimed = claim(&ports, ANY, 0).unwrap();
    assert_eq!(owner(claimed), Some(1));
    assert_eq!(ports.owner(&ports.bound(claimed)), None);
    ports.pass(claimed, 6);
    assert_eq!(owner(claimed), Some(6));
    ports.release(claimed, at(0));
    assert_eq!(owner(claimed), None);
}

#[test]
fn a_claim_looks_at_a_few_ports_while_all_rest() {
    let ports = ports_of(49152..=65535);
    let claims: Vec<_> = (49152..=65535)
        .map(|_| claim(&ports, ANY, 0).unwrap())
        .collect();
    claims.iter().for_each(|claim| ports.release(*claim, at(1)));
    let steps = || ports.addresses[0].get().unwrap().states.free.lock().steps;
    for kind in [ANY, EVEN, PAIR] {
        for secs in [2, 40] {
            let before = steps();
            let claimed = claim(&ports, kind, secs).unwrap();
            assert!(
                steps() - before <= 32,
                "{kind:?} at {secs} s: {}",
                steps() - before
            );
            ports.release(claimed, at(secs));
            if kind == PAIR {
                ports.release(claimed.next(), at(secs));
            }
        }
    }
}

#[test]
fn a_tcp_relay_is_seen_and_bound_as_it_was_made_whatever_else_its_address_is() {
    let ports = ports();
    let relay = |bind: &str, advertised: &str| RelayAddress {
        bind: bind.parse().unwrap(),
        advertised: advertised.parse().unwrap(),
    };
    // What is announced has changed; and another address is announced as the same.
    let numbers = [
        relay("127.0.0.1", "198.51.100.1"),
        relay("127.0.0.1", "198.51.100.2"),
        relay("127.0.0.2", "198.51.100.2"),
    ]
    .map(|address| ports.number(address).unwrap());
    for number in numbers {
        let (claim, ()) = ports.claim(number, 1, ANY, at(0), |_| Ok(())).unwrap();
        let (bound, advertised) = (ports.bound(claim), ports.advertised(claim));
        assert_eq!(
            (ports.seen_as(&bound), ports.tcp_relay(&advertised)),
            (None, None)
        );
        ports.serve_tcp(claim);
        assert_eq!(ports.seen_as(&bound), Some(advertised));
        assert_eq!(ports.tcp_relay(&advertised), Some(bound));
        assert_eq!(ports.owner(&advertised), Some(1));
        ports.release(claim, at(0));
        assert_eq!(
            (ports.seen_as(&bound), ports.tcp_relay(&advertised)),
            (None, None)
        );
    }
}

#[test]
fn how_long_a_port_rests_can_change() {
    let ports = ports_of(100..=101);
    ports.set_rest(Duration::ZERO);
    let first = claim(&ports, ANY, 0).unwrap();
    ports.release(first, at(0));
    assert_eq!(ports.count(at(0)), (0, 0));
    ports.set_rest(Duration::from_secs(60));
    let second = claim(&ports, ANY, 0).unwrap();
    ports.release(second, at(0));
    assert_eq!((ports.count(at(59)), ports.count(at(60))), ((0, 1), (0, 0)));
}
