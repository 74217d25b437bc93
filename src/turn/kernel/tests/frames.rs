//! Frames, made and taken apart; and what the program makes of one.
#![forbid(unsafe_code)]

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::turn::kernel::layout::{Flow, Hop, Onward};
use crate::turn::kernel::program::Program;

/// On to the stack, and out of an interface.
pub const UP: i32 = -1;
pub const OUT: i32 = 7;
/// Loopback, where the frames come in and leave.
pub const LOOPBACK: u32 = 1;

/// The program, or why this machine cannot have it.
pub fn program() -> Option<Program> {
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

/// An IP packet with a datagram in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub payload: Vec<u8>,
    pub tos: u8,
    pub ttl: u8,
    pub check: Check,
}

/// What a UDP checksum is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    Absent,
    Right,
    Wrong,
}

impl Packet {
    pub fn new(from: SocketAddr, to: SocketAddr, payload: Vec<u8>) -> Self {
        Packet {
            from,
            to,
            payload,
            tos: 0xB9,
            ttl: 64,
            check: Check::Right,
        }
    }
}

/// A packet in an Ethernet frame, with a UDP checksum unless it is IPv4 and shall have none.
pub fn frame(packet: &Packet, with_checksum: bool) -> Vec<u8> {
    let len = (8 + packet.payload.len()) as u16;
    let mut udp = Vec::new();
    for number in [packet.from.port(), packet.to.port(), len, 0] {
        udp.extend(number.to_be_bytes());
    }
    udp.extend(&packet.payload);
    let (kind, mut head) = match (packet.from.ip(), packet.to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut ip = vec![0x45, packet.tos];
            ip.extend((20 + len).to_be_bytes());
            ip.extend([0, 1, 0x40, 0, packet.ttl, 17, 0, 0]);
            ip.extend(from.octets());
            ip.extend(to.octets());
            let check = !sum(&ip);
            ip[10..12].copy_from_slice(&check.to_be_bytes());
            ([8, 0], ip)
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let first = 6 << 28 | u32::from(packet.tos) << 20;
            let mut ip = first.to_be_bytes().to_vec();
            ip.extend(len.to_be_bytes());
            ip.extend([17, packet.ttl]);
            ip.extend(from.octets());
            ip.extend(to.octets());
            ([0x86, 0xDD], ip)
        }
        _ => panic!("two families in {packet:?}"),
    };
    if with_checksum || kind != [8, 0] {
        let check = match !sum(&[&pseudo(packet, len)[..], &udp].concat()) {
            0 => 0xFFFF,
            check => check,
        };
        udp[6..8].copy_from_slice(&check.to_be_bytes());
    }
    head.splice(..0, [&[0; 12][..], &kind].concat());
    head.extend(udp);
    head
}

/// Takes apart what a host would take in: anything else, as `None`.
pub fn read(frame: &[u8]) -> Option<Packet> {
    let half = |at: usize| {
        frame
            .get(at..at + 2)
            .map(|two| u16::from_be_bytes([two[0], two[1]]))
    };
    let ip = |bytes: &[u8]| match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).unwrap()),
        _ => IpAddr::from(<[u8; 16]>::try_from(bytes).unwrap()),
    };
    let (udp, tos, ttl, from, to) = match (half(12)?, frame.get(14)? >> 4) {
        (0x0800, 4) => {
            let is_plain = frame[14] == 0x45 && half(20)? & 0xBFFF == 0 && frame.get(23)? == &17;
            let is_whole =
                usize::from(half(16)?) == frame.len() - 14 && sum(frame.get(14..34)?) == 0xFFFF;
            (is_plain && is_whole).then_some(())?;
            (
                34,
                frame[15],
                frame[22],
                ip(&frame[26..30]),
                ip(&frame[30..34]),
            )
        }
        (0x86DD, 6) => {
            let is_whole = usize::from(half(18)?) + 54 == frame.len() && frame.get(20)? == &17;
            is_whole.then_some(())?;
            let tos = (half(14)? >> 4) as u8;
            (54, tos, frame[21], ip(&frame[22..38]), ip(&frame[38..54]))
        }
        _ => return None,
    };
    let len = half(udp + 4)?;
    (usize::from(len) == frame.len() - udp).then_some(())?;
    let mut packet = Packet {
        from: SocketAddr::new(from, half(udp)?),
        to: SocketAddr::new(to, half(udp + 2)?),
        payload: frame[udp + 8..].to_vec(),
        tos,
        ttl,
        check: Check::Wrong,
    };
    let whole = sum(&[&pseudo(&packet, len)[..], &frame[udp..]].concat());
    packet.check = match (half(udp + 6)?, whole) {
        (0, _) => Check::Absent,
        (_, 0xFFFF) => Check::Right,
        _ => Check::Wrong,
    };
    Some(packet)
}

/// What a UDP checksum covers beside the datagram.
fn pseudo(packet: &Packet, len: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    for ip in [packet.from.ip(), packet.to.ip()] {
        match ip {
            IpAddr::V4(v4) => bytes.extend(v4.octets()),
            IpAddr::V6(v6) => bytes.extend(v6.octets()),
        }
    }
    bytes.extend([0, 17]);
    bytes.extend(len.to_be_bytes());
    bytes
}

/// The sum that the Internet's checksums are made of.
pub fn sum(bytes: &[u8]) -> u16 {
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
        mtu: None,
    };
    let onward = Onward {
        from: relayed,
        to: peer,
        channel: None,
        hop,
        inside: false,
    };
    program.table().put(3, &flow, &onward);
    let plain = |from, to, payload: &[u8]| frame(&Packet::new(from, to, payload.to_vec()), true);
    let good = plain(client, listener, b"\x40\x01\x00\x05hello");
    let answer = |frame: &[u8]| program.try_out(frame, LOOPBACK, 1).unwrap();
    // Its deadline has not been set.
    assert_eq!(answer(&good).answer, UP);
    program.table().set_until(3, u64::MAX);
    // Nor how large it may be.
    assert_eq!(answer(&good).answer, UP);
    program.table().set_most(3, 32);
    assert_eq!(answer(&good).answer, UP);
    program.table().set_most(3, 33);
    let out = answer(&good);
    assert_eq!(out.answer, OUT);
    let mut wanted = Packet::new(relayed, peer, b"hello".to_vec());
    wanted.ttl = 63;
    assert_eq!(read(&out.packet), Some(wanted));
    assert_eq!(out.packet[20..22], [0, 0], "without the DF bit");
    let counted = program.table().read(3);
    assert_eq!((counted.packets, counted.bytes), (1, 5));
    let others = [
        plain(addr("10.0.0.1:1001"), listener, b"\x40\x01\x00\x05hello"),
        plain(client, addr("10.0.0.2:3479"), b"\x40\x01\x00\x05hello"),
        plain(client, listener, b"\x40\x02\x00\x05hello"),
        plain(client, listener, b"\x40\x01\x00\x06hello"),
        plain(client, listener, b"\x40\x01\x00\x04hello"),
        plain(client, listener, b"\x40\x01"),
    ];
    for other in others {
        let out = answer(&other);
        assert_eq!((out.answer, out.packet), (UP, other));
    }
    program.table().set_until(3, 0);
    assert_eq!(answer(&good).answer, UP);
    assert_eq!(program.table().read(3), counted);
    // What passes by, for who wants to know.
    let often = program.try_out(&good, LOOPBACK, 1000).unwrap();
    println!("a frame that goes up: {} ns", often.duration);
}
