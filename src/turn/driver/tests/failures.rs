//! What the system or the options refuse.
#![forbid(unsafe_code)]

use std::net::UdpSocket;

use super::lab::{Lab, authorize, options};
use crate::turn::driver::{RelayAddress, Server, StartError};
use crate::turn::state::five_tuple::Transport;

fn start_fails(options: &crate::turn::driver::Options) -> StartError {
    let started = Server::start(options, |_| unreachable!("no worker is made"));
    started.err().expect("no server")
}

#[test]
fn a_port_in_use_is_an_error_and_leaves_nothing_behind() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut options = options();
    options.listeners[0].address = taken.local_addr().unwrap();
    options.listeners.swap(0, 1);
    assert!(matches!(start_fails(&options), StartError::Listener(_, _)));
    let lab = Lab::new(authorize);
    options.listeners = lab.server.listeners().to_vec();
    assert!(matches!(start_fails(&options), StartError::Listener(_, _)));
    options.listeners[0].address = "192.0.2.1:0".parse().unwrap();
    assert!(matches!(start_fails(&options), StartError::Listener(_, _)));
}

#[test]
fn a_relay_address_that_is_not_the_hosts_is_an_error() {
    let mut options = options();
    options.relays.push(RelayAddress {
        bind: "192.0.2.1".parse().unwrap(),
        advertised: "192.0.2.1".parse().unwrap(),
    });
    assert!(matches!(start_fails(&options), StartError::Relay(_, _)));
}

#[test]
fn no_server_relays_to_a_listener_or_to_another_servers_relay_port() {
    let (one, other) = (Lab::new(authorize), Lab::new(authorize));
    let (mut left, mut right) = (one.udp(), other.udp());
    let (at_left, at_right) = (left.connect(), right.connect());
    let listeners = [&one, &other].map(|lab| lab.address(Transport::Udp));
    for (number, peer) in [listeners[0], listeners[1], at_right].iter().enumerate() {
        let bind = left.client.bind(0x4000 + number as u16, &peer.to_string());
        assert_eq!(left.exchange(&bind).code(), 403, "{peer}");
    }
    let bind = right.client.bind(0x4000, &at_left.to_string());
    assert_eq!(right.exchange(&bind).code(), 403);
    // One's own are reached inside, and other programs as they are allowed.
    let program = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (number, peer) in [at_left, program.local_addr().unwrap()].iter().enumerate() {
        let bind = left.client.bind(0x4100 + number as u16, &peer.to_string());
        assert_eq!(left.exchange(&bind).code(), 0, "{peer}");
    }
}

#[test]
fn options_without_sense_are_refused() {
    let is_refused = |change: &dyn Fn(&mut crate::turn::driver::Options)| {
        let mut options = options();
        change(&mut options);
        matches!(start_fails(&options), StartError::Options(_))
    };
    assert!(is_refused(&|o| o.listeners.clear()));
    assert!(is_refused(&|o| o.config.realm = String::new()));
    assert!(is_refused(&|o| o.config.realm = "x".repeat(128)));
    assert!(is_refused(&|o| o.config.realm = "a\nb".into()));
    assert!(is_refused(
        &|o| o.ports = std::ops::RangeInclusive::new(5, 4)
    ));
    assert!(is_refused(&|o| o.workers = 5000));
    for (bind, advertised) in [
        ("127.0.0.1", "0.0.0.0"),
        ("127.0.0.1", "::1"),
        ("0.0.0.0", "224.0.0.1"),
        ("0.0.0.0", "255.255.255.255"),
        ("::", "ff02::1"),
    ] {
        assert!(is_refused(&|o| {
            o.relays.push(RelayAddress {
                bind: bind.parse().unwrap(),
                advertised: advertised.parse().unwrap(),
            });
        }));
    }
}

#[test]
fn when_ports_run_out_clients_get_508_until_one_is_free() {
    let mut options = options();
    let free: Vec<_> = (0..2)
        .map(|_| {
            UdpSocket::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port()
        })
        .collect();
    options.ports = free[0]..=free[0];
    let lab = Lab::with(&options, authorize);
    let mut first = lab.udp();
    assert_eq!(first.connect().port(), free[0]);
    let mut second = lab.udp();
    second.greet();
    let request = second.client.allocate();
    assert_eq!(second.exchange(&request).code(), 508);
    let refresh = first.client.refresh(0);
    assert_eq!(first.exchange(&refresh).code(), 0);
    lab.removed();
    // The socket is closed before the observer's next call at the latest.
    let mut third = lab.udp();
    third.greet();
    let request = third.client.allocate();
    assert_eq!(third.exchange(&request).code(), 0);
}
