//! What the program makes of frames, without a network (BPF_PROG_TEST_RUN).
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;

use super::layout::{Flow, Hop, Onward};
use super::program::Program;

/// On to the stack, and out of an interface.
const UP: i32 = -1;
const OUT: i32 = 7;
/// Loopback, where the frames come in and leave.
const LOOPBACK: u32 = 1;

/// The program, or why this machine cannot have it.
fn program() -> Option<Program> {
    let loaded = Program::load(1024);
    let is_refused = |error: &io::Error| {
        matches!(
            error.raw_os_error(),
            Some(libc::EPERM | libc::ENOSYS | libc::EINVAL)
        )
    };
    match loaded {
        Err(error) if is_refused(&error) => {
            println!("SKIP no eBPF here: {error}");
            None
        }
        loaded => Some(loaded.expect("a program that the kernel takes")),
    }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A frame with an IPv4 packet without a UDP checksum.
fn frame(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let (SocketAddr::V4(from), SocketAddr::V4(to)) = (from, to) else {
        panic!("IPv4 alone");
    };
    let len = 28 + payload.len() as u16;
    let mut ip = vec![0x45, 0xB9];
    ip.extend(len.to_be_bytes());
    ip.extend([0, 1, 0x40, 0, 64, 17, 0, 0]);
    ip.extend(from.ip().octets());
    ip.extend(to.ip().octets());
    let check = !sum(&ip);
    ip[10..12].copy_from_slice(&check.to_be_bytes());
    let mut bytes = vec![0; 12];
    bytes.extend([8, 0]);
    bytes.extend(ip);
    for number in [from.port(), to.port(), len - 20, 0] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(payload);
    bytes
}

fn sum(bytes: &[u8]) -> u16 {
    let pairs = bytes.chunks(2);
    let words = pairs.map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum as u16
}

#[test]
fn a_frame_that_fits_a_route_goes_on_until_its_deadline_and_any_other_goes_up() {
    let Some(program) = program() else {
        return;
    };
    let (client, listener) = (addr("10.0.0.1:1000"), addr("10.0.0.2:3478"));
    let (relayed, peer) = (addr("10.0.0.2:50000"), addr("10.0.0.3:2000"));
    let flow = Flow {
        from: client,
        to: listener,
        channel: Some(0x4001),
        inside: false,
    };
    let hop = Hop {
        interface: LOOPBACK,
        next: peer.ip(),
    };
    let onward = Onward {
        from: relayed,
        to: peer,
        channel: None,
        hop,
        inside: false,
        tally: 3,
    };
    program.put(&flow, &onward).unwrap();
    let good = frame(client, listener, b"\x40\x01\x00\x05hello");
    let answer = |frame: &[u8]| program.try_out(frame, LOOPBACK, 1).unwrap();
    // Its deadline has not been set.
    assert_eq!(answer(&good).answer, UP);
    program.tallies().set_until(3, u64::MAX);
    let out = answer(&good);
    assert_eq!(out.answer, OUT);
    // DSCP is kept, the TTL goes down, the DF bit goes; the identification is a new one.
    let mut wanted = frame(relayed, peer, b"hello");
    wanted[18..20].copy_from_slice(&out.packet[18..20]);
    wanted[20] = 0;
    wanted[22] = 63;
    wanted[24..26].fill(0);
    let check = !sum(&wanted[14..34]);
    wanted[24..26].copy_from_slice(&check.to_be_bytes());
    assert_eq!(out.packet, wanted);
    let counted = program.tallies().read(3);
    assert_eq!((counted.packets, counted.bytes), (1, 5));
    let others = [
        frame(addr("10.0.0.1:1001"), listener, b"\x40\x01\x00\x05hello"),
        frame(client, addr("10.0.0.2:3479"), b"\x40\x01\x00\x05hello"),
        frame(client, listener, b"\x40\x02\x00\x05hello"),
        frame(client, listener, b"\x40\x01\x00\x06hello"),
        frame(client, listener, b"\x40\x01\x00\x04hello"),
        frame(client, listener, b"\x40\x01"),
    ];
    for other in others {
        let out = answer(&other);
        assert_eq!((out.answer, out.packet), (UP, other));
    }
    program.tallies().set_until(3, 0);
    assert_eq!(answer(&good).answer, UP);
    assert_eq!(program.tallies().read(3), counted);
    // What passes by, for who wants to know.
    let often = program.try_out(&good, LOOPBACK, 1000).unwrap();
    println!("a frame that goes up: {} ns", often.duration);
}
