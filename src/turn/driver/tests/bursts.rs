//! Packets that come together, of one flow or of several.
#![forbid(unsafe_code)]

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use super::lab::{Caller, Lab, PATIENCE, Wire, authorize};
use crate::turn::driver::sys::{Outgoing, Sender};
use crate::turn::tests::client::channel as channel_data;

const BURST: u8 = 40;

/// Different in every byte from its neighbours.
fn payload(number: u8, size: usize) -> Vec<u8> {
    vec![number; size]
}

/// Sends datagrams in as few pieces as the kernel takes.
fn burst(socket: &UdpSocket, to: SocketAddr, datagrams: &[Vec<u8>]) {
    let outgoing: Vec<_> = datagrams
        .iter()
        .map(|bytes| Outgoing {
            to,
            parts: [&bytes[..], &[], &[]],
        })
        .collect();
    let mut sender = Sender::new();
    sender.send(socket.as_raw_fd(), &outgoing);
    assert!(sender.refused.is_empty());
}

fn socket(caller: &Caller) -> &UdpSocket {
    match &caller.wire {
        Wire::Udp(socket) => socket,
        Wire::Tcp(..) => unreachable!("a UDP client"),
    }
}

fn expect(caller: &mut Caller, size: usize) {
    for number in 0..BURST {
        assert_eq!(caller.data(PATIENCE).unwrap(), payload(number, size));
    }
}

#[test]
fn bursts_arrive_whole_and_in_order() {
    let lab = Lab::new(authorize);
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let peer_address = peer.local_addr().unwrap();
    let server = lab.address(crate::turn::state::five_tuple::Transport::Udp);
    let (mut by_channel, mut by_indication) = (lab.udp(), lab.udp());
    let (first, second) = (by_channel.connect(), by_indication.connect());
    by_channel.bind(0x4000, peer_address);
    by_indication.permit(peer_address);
    for size in [1, 161, 1200] {
        let datagrams: Vec<_> = (0..BURST).map(|number| payload(number, size)).collect();
        burst(&peer, first, &datagrams);
        expect(&mut by_channel, size);
        burst(&peer, second, &datagrams);
        expect(&mut by_indication, size);
        let framed: Vec<_> = datagrams.iter().map(|d| channel_data(0x4000, d)).collect();
        burst(socket(&by_channel), server, &framed);
        let mut buffer = [0; 2000];
        for datagram in &datagrams {
            let len = peer.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..len], datagram);
        }
    }
}

#[test]
fn bursts_between_allocations_arrive_whole_and_in_order() {
    let lab = Lab::new(authorize);
    let server = lab.address(crate::turn::state::five_tuple::Transport::Udp);
    let (mut sender, mut by_channel, mut by_indication) = (lab.udp(), lab.udp(), lab.udp());
    let relayed = sender.connect();
    let (first, second) = (by_channel.connect(), by_indication.connect());
    sender.bind(0x4001, first);
    sender.bind(0x4002, second);
    by_channel.bind(0x4000, relayed);
    by_indication.permit(relayed);
    for size in [1, 161, 1200] {
        for (number, receiver) in [(0x4001, &mut by_channel), (0x4002, &mut by_indication)] {
            let framed: Vec<_> = (0..BURST)
                .map(|n| channel_data(number, &payload(n, size)))
                .collect();
            burst(socket(&sender), server, &framed);
            expect(receiver, size);
        }
    }
}
