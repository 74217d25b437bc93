//! Several workers, and packets between allocations.
#![forbid(unsafe_code)]

use std::collections::HashSet;

use super::lab::{Caller, Lab, PATIENCE, authorize, options};
use crate::stun::attributes::kind;
use crate::stun::message::Method;
use crate::turn::driver::Place;
use crate::turn::state::arena::AllocationId;
use crate::turn::tests::client::udp;

/// Clients until two of them are with different workers, or with the same.
fn pair(lab: &Lab, same: bool) -> [(Caller, Place<AllocationId>); 2] {
    let mut all: Vec<(Caller, Place<AllocationId>)> = Vec::new();
    for _ in 0..64 {
        let mut caller = lab.udp();
        caller.connect();
        let place = lab.created();
        let found = all
            .iter()
            .position(|(_, other)| (other.worker == place.worker) == same);
        if let Some(index) = found {
            return [all.swap_remove(index), (caller, place)];
        }
        all.push((caller, place));
    }
    panic!("64 clients, all with one worker");
}

fn talk_inside(same: bool) {
    let mut options = options();
    options.workers = 2;
    let lab = Lab::with(&options, authorize);
    let [(mut one, one_at), (mut two, two_at)] = pair(&lab, same);
    let relayed = |place| lab.server.cores().figures(place).unwrap().relayed[0];
    let (one_relayed, two_relayed) = (relayed(one_at), relayed(two_at));
    one.bind(0x4001, two_relayed);
    two.bind(0x4002, one_relayed);
    for round in 0..100_u8 {
        one.channel(0x4001, &[round; 160]);
        assert_eq!(two.data(PATIENCE).unwrap(), [round; 160]);
        two.channel(0x4002, &[round; 161]);
        assert_eq!(one.data(PATIENCE).unwrap(), [round; 161]);
    }
    assert_eq!(lab.server.totals().packets_inside, 200);
    let figures = lab.server.cores().figures(one_at).unwrap();
    assert_eq!(
        (figures.to_peers.packets, figures.to_client.packets),
        (100, 100)
    );
}

#[test]
fn packets_between_allocations_of_one_worker_stay_inside() {
    talk_inside(true);
}

#[test]
fn packets_between_allocations_of_two_workers_stay_inside() {
    talk_inside(false);
}

#[test]
fn a_reserved_port_serves_whichever_worker_gets_the_token() {
    let mut options = options();
    options.workers = 2;
    let lab = Lab::with(&options, authorize);
    let mut workers = HashSet::new();
    for _ in 0..64 {
        let mut first = lab.udp();
        first.greet();
        let request = first.client.signed(Method::Allocate, |w| {
            udp(w);
            w.attribute(kind::EVEN_PORT, &[0x80]);
        });
        let reply = first.exchange(&request);
        assert_eq!(reply.code(), 0);
        let even = reply.address(kind::XOR_RELAYED_ADDRESS).unwrap();
        assert_eq!(even.port() % 2, 0);
        let token = reply.get(kind::RESERVATION_TOKEN).unwrap();
        let first_at = lab.created();

        let mut second = lab.udp();
        second.greet();
        let request = second.client.signed(Method::Allocate, |w| {
            udp(w);
            w.attribute(kind::RESERVATION_TOKEN, &token);
        });
        let reply = second.exchange(&request);
        assert_eq!(reply.code(), 0);
        let odd = reply.address(kind::XOR_RELAYED_ADDRESS).unwrap();
        assert_eq!(odd.port(), even.port() + 1);
        let second_at = lab.created();

        let peer = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        second.permit(peer.local_addr().unwrap());
        peer.send_to(b"found you", odd).unwrap();
        assert_eq!(second.data(PATIENCE).unwrap(), b"found you");
        workers.insert(first_at.worker == second_at.worker);
        if workers.len() == 2 {
            return;
        }
    }
    panic!("64 pairs of clients, all alike");
}
