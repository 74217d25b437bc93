//! What the network says of datagrams to peers.
#![forbid(unsafe_code)]

use std::net::UdpSocket;

use super::lab::{Lab, PATIENCE, authorize};
use crate::stun::attributes::kind;
use crate::stun::message::Message;

#[test]
fn a_closed_port_is_reported_and_costs_nobody_a_packet() {
    for tcp in [false, true] {
        let lab = Lab::new(authorize);
        let mut client = if tcp { lab.tcp() } else { lab.udp() };
        client.connect();
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap();
        let absent = closed.local_addr().unwrap();
        drop(closed);
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let present = peer.local_addr().unwrap();
        let permit = client.client.permit(&present.to_string());
        assert_eq!(client.exchange(&permit).code(), 0);
        for n in 0..5_u8 {
            let lost = client.client.indication(&absent.to_string(), b"lost");
            client.wire.send(&lost);
            let found = client.client.indication(&present.to_string(), &[n]);
            client.wire.send(&found);
            // The error that waits at the socket is not this datagram's.
            let mut buffer = [0; 16];
            assert_eq!(peer.recv(&mut buffer).unwrap(), 1);
            assert_eq!(buffer[0], n);
            let bytes = client.wire.receive(PATIENCE).expect("an indication");
            let message = Message::parse(&bytes).unwrap();
            assert_eq!(message.xor_address(kind::XOR_PEER_ADDRESS), Some(absent));
            assert_eq!(message.get(kind::ICMP), Some(&[0, 0, 6, 3, 0, 0, 0, 0][..]));
        }
        let totals = lab.server.totals();
        assert_eq!(totals.icmp_errors, 5);
        assert_eq!(totals.packets_unsent, 0);
    }
}
