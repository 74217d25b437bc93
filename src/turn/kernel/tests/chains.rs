//! Routes whose flows fall together, and places that are given away while the program runs.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread;

use super::frames::{LOOPBACK, OUT, Packet, UP, frame, program, read};
use crate::turn::kernel::layout::{Flow, Hop, Onward};
use crate::turn::kernel::program::Program;

/// As many as `relay.h` has the program look at.
const LONGEST: usize = 8;
const LOST: i32 = 2;

/// What comes from a port of a client's, and goes on to the same of a peer's.
fn route(port: u16) -> (Flow, Onward) {
    let at = |last, port| SocketAddr::from(([10, 0, 0, last], port));
    let flow = Flow {
        from: at(1, port),
        to: at(2, 3478),
        channel: Some(0x4000),
        inside: false,
    };
    let to = at(3, port);
    let onward = Onward {
        from: at(2, port),
        to,
        channel: None,
        hop: Hop {
            interface: LOOPBACK,
            next: to.ip(),
            mtu: None,
        },
        inside: false,
    };
    (flow, onward)
}

fn open(program: &Program, place: u32, port: u16) {
    let (flow, onward) = route(port);
    let table = program.table();
    table.put(place, &flow, &onward);
    table.set_most(place, 1500);
    table.set_until(place, u64::MAX);
}

fn close(program: &Program, place: u32) {
    program.table().set_until(place, 0);
    program.table().take(place);
}

/// What becomes of a packet that comes from a port; where it leaves, it is by its own route.
fn answer(program: &Program, port: u16) -> i32 {
    let (flow, onward) = route(port);
    let packet = Packet::new(flow.from, flow.to, b"\x40\0\0\x05hello".to_vec());
    let ran = program.try_out(&frame(&packet, true), LOOPBACK, 1).unwrap();
    if ran.answer == OUT {
        let left = read(&ran.packet).expect("a packet");
        assert_eq!((left.from, left.to), (onward.from, onward.to));
    }
    ran.answer
}

#[test]
fn of_a_chain_the_last_are_found_and_none_is_lost_when_another_goes() {
    let Some(program) = program() else {
        return;
    };
    let table = program.table();
    let chain = |port| table.number_of_chain(&route(port).0.to_words());
    let together = (1..).filter(|port| chain(*port) == chain(1));
    let ports: Vec<u16> = together.take(LONGEST + 2).collect();
    for (place, port) in (0..).zip(&ports) {
        open(&program, place, *port);
    }
    let found = || -> Vec<bool> {
        let answers = ports.iter().map(|port| answer(&program, *port));
        answers.map(|answer| answer == OUT).collect()
    };
    let all_but = |missing: &[usize]| -> Vec<bool> {
        (0..ports.len()).map(|at| !missing.contains(&at)).collect()
    };
    assert_eq!(found(), all_but(&[0, 1]), "these go through the sockets");
    close(&program, 5);
    assert_eq!(found(), all_but(&[0, 5]));
    close(&program, 9);
    assert_eq!(found(), all_but(&[5, 9]));
    close(&program, 0);
    assert_eq!(found(), all_but(&[0, 5, 9]));
    for place in [1, 2, 3, 4, 6, 7, 8] {
        close(&program, place);
    }
    assert_eq!(table.flows().count(), 0);
}

#[test]
fn a_packet_never_leaves_by_a_route_that_has_taken_the_place_of_its_own() {
    let Some(program) = program() else {
        return;
    };
    let answers = thread::scope(|scope| {
        let many = || (0..60_000).map(|_| answer(&program, 1)).collect();
        let answers = scope.spawn(many);
        while !answers.is_finished() {
            // The server ends a route before it takes it away; here nothing but the version tells.
            for port in [1, 2] {
                program.table().take(0);
                open(&program, 0, port);
            }
        }
        answers.join()
    });
    let answers: Vec<i32> = answers.expect("packets that left by their own route");
    let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
    let [out, up, lost] = [OUT, UP, LOST].map(count);
    println!("{out} left, {up} went up, {lost} were lost");
    assert_eq!(out + up + lost, answers.len());
    assert!(out > 0 && up > 0, "both routes were there");
}

#[test]
fn flows_that_differ_in_little_are_spread() {
    let Some(program) = program() else {
        return;
    };
    let (flow, _) = route(1000);
    let at = |third, last, port| SocketAddr::from(([10, 0, third, last], port));
    let v6 = |last: u16, port| SocketAddr::from(([0x2a00, 0, 0, 0, 0, 0, 0, last], port));
    let kinds: [(&str, &dyn Fn(u16) -> Flow); 5] = [
        ("channels", &|n| Flow {
            channel: Some(0x4000 + n),
            ..flow
        }),
        ("ports", &|n| Flow {
            from: at(0, 1, 1000 + n),
            ..flow
        }),
        ("hosts", &|n| Flow {
            from: at((n / 256) as u8, n as u8, 1000),
            ..flow
        }),
        ("hosts of IPv6", &|n| Flow {
            from: v6(n, 1000),
            to: v6(1, 3478),
            ..flow
        }),
        ("relayed ports", &|n| Flow {
            to: at(0, 2, 50_000 + n),
            channel: None,
            ..flow
        }),
    ];
    let table = program.table();
    for (of, make) in kinds {
        let mut lengths = BTreeMap::<usize, usize>::new();
        for n in 0..512 {
            let chain = table.number_of_chain(&make(n).to_words());
            *lengths.entry(chain).or_default() += 1;
        }
        let longest = lengths.values().max().copied().unwrap_or(0);
        println!("{of}: {} chains, the longest of {longest}", lengths.len());
        assert!(longest <= LONGEST, "{longest} of 512 {of} fall together");
    }
}
