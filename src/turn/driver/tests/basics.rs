//! Clients, peers and the observer.
#![forbid(unsafe_code)]

use std::net::{SocketAddr, UdpSocket};

use super::lab::{Caller, Lab, PATIENCE, SHORTLY, Told, authorize, options};
use crate::turn::core::action::Reach;
use crate::turn::state::allocation::Reason;

fn talk(lab: &Lab, mut caller: Caller) {
    let relayed = caller.connect();
    let place = lab.created();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let peer_address = peer.local_addr().unwrap();

    caller.permit(peer_address);
    let indication = caller
        .client
        .indication(&peer_address.to_string(), b"hello");
    caller.wire.send(&indication);
    let mut buffer = [0; 2000];
    let (len, from) = peer.recv_from(&mut buffer).unwrap();
    assert_eq!((&buffer[..len], from), (&b"hello"[..], relayed));
    peer.send_to(b"to you too", relayed).unwrap();
    assert_eq!(caller.data(PATIENCE).unwrap(), b"to you too");

    caller.bind(0x4000, peer_address);
    for len in [0, 1, 2, 3, 4, 160, 1199, 1200] {
        let sent = vec![len as u8; len];
        caller.channel(0x4000, &sent);
        let (received, _) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!(buffer[..received], sent);
        peer.send_to(&sent, relayed).unwrap();
        assert_eq!(caller.data(PATIENCE).unwrap(), sent);
    }

    let figures = lab.server.cores().figures(place).unwrap();
    assert_eq!(figures.to_peers.packets, 9);
    assert_eq!(figures.to_client.packets, 9);
    assert_eq!(&*figures.username, "ann");
    let refresh = caller.client.refresh(0);
    assert_eq!(caller.exchange(&refresh).code(), 0);
    assert_eq!(lab.removed(), (place, Reason::Deleted));
    peer.send_to(b"gone", relayed).ok();
    assert_eq!(caller.data(SHORTLY), None);
}

#[test]
fn a_client_over_udp_reaches_its_peer_and_back() {
    let lab = Lab::new(authorize);
    talk(&lab, lab.udp());
}

#[test]
fn a_client_over_tcp_reaches_its_peer_and_back() {
    let lab = Lab::new(authorize);
    talk(&lab, lab.tcp());
}

#[test]
fn a_stop_tells_of_every_removal_before_it_returns() {
    let lab = Lab::new(authorize);
    let mut clients: Vec<_> = (0..5).map(|_| lab.udp()).collect();
    for client in &mut clients {
        client.connect();
    }
    lab.server.stop();
    let told: Vec<_> = lab.told.try_iter().collect();
    let removed =
        |told: &&super::lab::Told| matches!(told, super::lab::Told::Removed(_, Reason::Stopped));
    assert_eq!(told.iter().filter(removed).count(), 5);
    assert!(lab.server.has_ended());
}

#[test]
fn permissions_and_channels_are_told_once_each_where_that_is_wanted() {
    let mut options = options();
    options.config.tell_peers = true;
    let lab = Lab::with(&options, authorize);
    let mut client = lab.udp();
    client.connect();
    let peer: SocketAddr = "127.0.0.1:5000".parse().unwrap();
    client.permit(peer);
    client.bind(0x4000, peer);
    client.bind(0x4000, peer);
    client.permit(peer);
    let refresh = client.client.refresh(0);
    assert_eq!(client.exchange(&refresh).code(), 0);
    lab.server.stop();
    let told = lab.told.try_iter();
    let reached: Vec<_> = told
        .filter_map(|told| match told {
            Told::Reaches(reach) => Some(reach),
            _ => None,
        })
        .collect();
    let expected = [Reach::Permission(peer.ip()), Reach::Channel(0x4000, peer)];
    assert_eq!(reached, expected);
}

/// Where TLS is not built in, who asks for it is told so.
#[cfg(not(feature = "tls"))]
#[test]
fn tls_that_is_not_there_is_refused() {
    use crate::turn::driver::{BadTls, Server, StartError};
    use crate::turn::state::five_tuple::{Listener, Transport};

    let mut options = options();
    options.listeners.push(Listener {
        transport: Transport::Tls,
        address: "127.0.0.1:0".parse().unwrap(),
    });
    let refused = Server::start(&options, |_| unreachable!("no worker starts"))
        .err()
        .expect("no TLS");
    assert!(matches!(refused, StartError::Tls(BadTls::Absent)));
    assert_eq!(
        refused.to_string(),
        "TLS: this library was built without TLS"
    );
}
