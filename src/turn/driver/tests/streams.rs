//! TCP clients that read slowly, say nothing, or come in crowds.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use super::lab::{Lab, PATIENCE, SHORTLY, Wire, authorize, options};
use crate::turn::state::allocation::Reason;
use crate::turn::state::five_tuple::Transport;

/// Whether the server closes the connection in time.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn a_connection_that_never_speaks_is_closed() {
    let mut options = options();
    options.streams.idle = SHORTLY;
    let lab = Lab::with(&options, authorize);
    let address = lab.address(Transport::Tcp);
    let mut silent = TcpStream::connect(address).unwrap();
    let mut halting = TcpStream::connect(address).unwrap();
    halting.write_all(&[0, 1, 0]).unwrap();
    let mut talking = lab.tcp();
    talking.connect();
    assert!(is_closed(&mut silent));
    assert!(is_closed(&mut halting));
    // One with an allocation may be silent.
    let refresh = talking.client.refresh(600);
    assert_eq!(talking.exchange(&refresh).code(), 0);
    assert_eq!(lab.server.totals().connections, 1);
}

#[test]
fn what_is_no_turn_is_closed_at_once() {
    let lab = Lab::new(authorize);
    let mut stream = TcpStream::connect(lab.address(Transport::Tcp)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(is_closed(&mut stream));
}

#[test]
fn connections_of_one_source_are_bounded() {
    let mut options = options();
    options.streams.per_source = 3;
    let lab = Lab::with(&options, authorize);
    let mut clients: Vec<_> = (0..3).map(|_| lab.tcp()).collect();
    for client in &mut clients {
        client.greet();
    }
    let mut fourth = TcpStream::connect(lab.address(Transport::Tcp)).unwrap();
    assert!(is_closed(&mut fourth));
    clients.pop();
    let end = Instant::now() + PATIENCE;
    while lab.server.totals().connections > 2 && Instant::now() < end {
        std::thread::yield_now();
    }
    lab.tcp().greet();
}

#[test]
fn a_client_that_closes_loses_its_allocation() {
    let lab = Lab::new(authorize);
    let mut client = lab.tcp();
    client.connect();
    let place = lab.created();
    drop(client);
    assert_eq!(lab.removed(), (place, Reason::ClientGone));
}

#[test]
fn a_slow_reader_loses_data_and_then_its_connection() {
    let mut options = options();
    options.streams.backlog = 64 * 1024;
    options.streams.stall = Duration::from_secs(1);
    let lab = Lab::with(&options, authorize);
    let mut client = lab.tcp();
    let relayed = client.connect();
    let place = lab.created();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.bind(0x4000, peer.local_addr().unwrap());
    let data = [7; 8000];
    let mut sent = 0;
    while lab.server.totals().packets_unread == 0 && sent < 20_000 {
        sent += usize::from(peer.send_to(&data, relayed).is_ok());
    }
    assert!(lab.server.totals().packets_unread > 0);
    // Others are served meanwhile.
    lab.udp().connect();
    assert_eq!(lab.removed(), (place, Reason::ClientGone));
    let Wire::Tcp(mut stream, _) = client.wire else {
        unreachable!("a TCP client");
    };
    assert!(is_closed(&mut stream));
}

#[test]
fn a_long_batch_is_no_slow_reader() {
    let mut options = options();
    options.streams.backlog = 20_000;
    let (open, gate) = std::sync::mpsc::channel();
    let mut calls = 0;
    let lab = Lab::with(&options, move |ask| {
        calls += 1;
        if calls == 2 {
            gate.recv_timeout(PATIENCE).expect("the gate opens");
        }
        authorize(ask)
    });
    let mut client = lab.tcp();
    let relayed = client.connect();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.bind(0x4000, peer.local_addr().unwrap());
    // The worker is busy while ten packets pile up, and finds them at once.
    let mut second = lab.udp();
    second.greet();
    let request = second.client.allocate();
    second.wire.send(&request);
    lab.asked();
    while lab.server.totals().asked < 2 {
        std::thread::yield_now();
    }
    for _ in 0..10 {
        peer.send_to(&[7; 8000], relayed).unwrap();
    }
    open.send(()).unwrap();
    for _ in 0..10 {
        assert_eq!(client.data(PATIENCE).unwrap(), [7; 8000]);
    }
    assert_eq!(lab.server.totals().packets_unread, 0);
}

#[test]
fn messages_may_come_in_pieces_and_in_crowds() {
    let lab = Lab::new(authorize);
    let mut client = lab.tcp();
    client.connect();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    client.bind(0x4000, peer.local_addr().unwrap());
    let mut stream = Vec::new();
    for i in 0..50_u8 {
        stream.extend_from_slice(&[0x40, 0, 0, 5, i, i, i, i, i, 0, 0, 0]);
    }
    let Wire::Tcp(socket, _) = &mut client.wire else {
        unreachable!("a TCP client");
    };
    for piece in stream.chunks(7) {
        socket.write_all(piece).unwrap();
    }
    socket.write_all(&stream).unwrap();
    let mut buffer = [0; 100];
    for i in (0..50_u8).chain(0..50) {
        let len = peer.recv(&mut buffer).unwrap();
        assert_eq!(buffer[..len], [i; 5]);
    }
}

#[test]
fn a_half_closed_client_gets_its_answer() {
    let (closed, gate) = std::sync::mpsc::channel();
    // The end of what the client says is there before the decision.
    let lab = Lab::new(move |ask| {
        gate.recv_timeout(PATIENCE).expect("the client has ended");
        authorize(ask)
    });
    for _ in 0..3 {
        let mut client = lab.tcp();
        client.greet();
        let request = client.client.allocate();
        client.wire.send(&request);
        let Wire::Tcp(stream, _) = &client.wire else {
            unreachable!("a TCP client");
        };
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        closed.send(()).unwrap();
        let reply = client.reply().expect("an answer");
        assert_eq!(reply.code(), 0);
        let place = lab.created();
        assert_eq!(lab.removed(), (place, Reason::ClientGone));
        let Wire::Tcp(mut stream, _) = client.wire else {
            unreachable!("a TCP client");
        };
        assert!(is_closed(&mut stream));
    }
    assert_eq!(lab.server.totals().connections, 0);
}

#[test]
fn who_has_no_allocation_cannot_keep_much_waiting() {
    let lab = Lab::new(authorize);
    // Half of a message, and a long one.
    let mut stranger = TcpStream::connect(lab.address(Transport::Tcp)).unwrap();
    let mut message = vec![0; 60_000];
    message[..8].copy_from_slice(&[0, 3, 0xF0, 0, 0x21, 0x12, 0xA4, 0x42]);
    stranger.write_all(&message).unwrap();
    assert!(is_closed(&mut stranger));
    // Answers that nobody reads.
    let mut deaf = lab.tcp();
    let request = deaf.client.bare(
        crate::stun::message::Method::Allocate,
        crate::turn::tests::client::udp,
    );
    let mut taken = 0;
    while deaf.wire.try_send(&request).is_some() && taken < 1_000_000 {
        taken += 1;
    }
    assert!(taken < 1_000_000);
    // Whoever has an allocation may send what a datagram can hold.
    let mut client = lab.tcp();
    client.connect();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    client.bind(0x4000, peer.local_addr().unwrap());
    let mut data = vec![0x40, 0, 0xEA, 0x60];
    data.resize(60_004, 7);
    let Wire::Tcp(socket, _) = &mut client.wire else {
        unreachable!("a TCP client");
    };
    for half in data.chunks(30_002) {
        socket.write_all(half).unwrap();
    }
    assert_eq!(peer.recv(&mut [0; 65_536]).unwrap(), 60_000);
}
