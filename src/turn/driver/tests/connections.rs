//! TCP relays (RFC 6062) through sockets.
#![forbid(unsafe_code)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::lab::{Caller, Lab, PATIENCE, Wire, authorize, options};
use crate::stun::attributes::kind;
use crate::stun::message::{Message, Method};
use crate::turn::core::action::Decision;
use crate::turn::state::allocation::Reason;
use crate::turn::state::five_tuple::Transport;
use crate::turn::tests::client::Reply;
use crate::turn::{Config, Rate};

/// A peer that listens.
fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// A client with a TCP allocation, and its relayed address.
fn allocated(lab: &Lab) -> (Caller, SocketAddr) {
    let mut control = lab.tcp();
    control.greet();
    let request = control.client.signed(Method::Allocate, |w| {
        w.attribute(kind::REQUESTED_TRANSPORT, &[6, 0, 0, 0]);
    });
    let reply = control.exchange(&request);
    assert_eq!(reply.code(), 0);
    (control, reply.address(kind::XOR_RELAYED_ADDRESS).unwrap())
}

fn connect(control: &mut Caller, peer: SocketAddr) -> Reply {
    let request = control.client.signed(Method::Connect, |w| {
        w.xor_address(kind::XOR_PEER_ADDRESS, &peer);
    });
    control.exchange(&request)
}

fn number(reply: &Reply) -> u32 {
    let value = reply.get(kind::CONNECTION_ID).expect("a CONNECTION-ID");
    u32::from_be_bytes(value.try_into().unwrap())
}

/// A connection of a client's that is bound to one of a peer; `early` is sent with the
/// request, as no client should.
fn bound(lab: &Lab, number: u32, early: &[u8]) -> TcpStream {
    let mut data = lab.tcp();
    data.greet();
    let mut request = data.client.signed(Method::ConnectionBind, |w| {
        w.number(kind::CONNECTION_ID, number);
    });
    request.extend_from_slice(early);
    let Wire::Tcp(mut stream, _) = data.wire else {
        unreachable!("a TCP client");
    };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request).unwrap();
    // The peer's bytes may follow at once.
    let mut reply = vec![0; 20];
    stream.read_exact(&mut reply).unwrap();
    let rest = usize::from(u16::from_be_bytes([reply[2], reply[3]]));
    reply.resize(20 + rest, 0);
    stream.read_exact(&mut reply[20..]).unwrap();
    assert_eq!(Reply::parse(&reply).code(), 0);
    stream
}

/// The two ends of a relayed stream: the client's and the peer's.
fn joined(lab: &Lab, control: &mut Caller, peer: &TcpListener) -> (TcpStream, TcpStream) {
    let reply = connect(control, peer.local_addr().unwrap());
    assert_eq!(reply.code(), 0);
    let (far, _) = peer.accept().unwrap();
    far.set_read_timeout(Some(PATIENCE)).unwrap();
    (bound(lab, number(&reply), b""), far)
}

fn expect(stream: &mut TcpStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    stream.read_exact(&mut read).unwrap();
    assert!(read == bytes, "other bytes than were sent");
}

fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 64]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

/// Waits for a figure of the server's.
fn until(lab: &Lab, what: &str, is_so: impl Fn(&Lab) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so(lab) {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn bytes_pass_both_ways_and_ends_are_passed_on_whichever_worker_has_them() {
    let mut options = options();
    options.workers = 4;
    let lab = Lab::with(&options, authorize);
    let (mut control, relayed) = allocated(&lab);
    let place = lab.created();
    let peer = listener();
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n * 7) as u8).collect();
    let mut ends = Vec::new();
    for _ in 0..10 {
        let other = listener();
        let (mut near, mut far) = joined(&lab, &mut control, &other);
        assert_eq!(far.peer_addr().unwrap(), relayed);
        let sent = bytes.clone();
        let mut out = near.try_clone().unwrap();
        let writer = std::thread::spawn(move || out.write_all(&sent).unwrap());
        expect(&mut far, &bytes);
        writer.join().unwrap();
        far.write_all(b"back").unwrap();
        expect(&mut near, b"back");
        ends.push((near, far));
    }
    assert_eq!(lab.server.totals().peer_connections, 10);
    // One says nothing more, and hears the rest of what the other says.
    for (n, (near, far)) in ends.iter_mut().enumerate() {
        let (first, second) = if n % 2 == 0 { (near, far) } else { (far, near) };
        first.write_all(b"last").unwrap();
        first.shutdown(Shutdown::Write).unwrap();
        expect(second, b"last");
        assert!(is_closed(second));
        second.write_all(b"and more").unwrap();
        expect(first, b"and more");
        second.shutdown(Shutdown::Write).unwrap();
        assert!(is_closed(first));
    }
    until(&lab, "connections stay", |lab| {
        lab.server.totals().peer_connections == 0
    });
    assert_eq!(lab.server.totals().connections, 1);
    let reply = connect(&mut control, peer.local_addr().unwrap());
    assert_eq!(reply.code(), 0);
    drop(control);
    assert_eq!(lab.removed(), (place, Reason::ClientGone));
    let (mut far, _) = peer.accept().unwrap();
    assert!(is_closed(&mut far));
    let totals = lab.server.totals();
    assert_eq!(
        (totals.connects, totals.bytes_to_peers),
        (11, 10 * 300_000 + 5 * 4 + 5 * 8)
    );
}

#[test]
fn what_a_peer_says_before_the_client_comes_is_kept_and_what_the_client_says_too() {
    let lab = Lab::new(authorize);
    let (mut control, _) = allocated(&lab);
    let peer = listener();
    let reply = connect(&mut control, peer.local_addr().unwrap());
    let (mut far, _) = peer.accept().unwrap();
    far.write_all(b"hello").unwrap();
    far.shutdown(Shutdown::Write).unwrap();
    let mut near = bound(&lab, number(&reply), b"early");
    expect(&mut near, b"hello");
    assert!(is_closed(&mut near));
    expect(&mut far, b"early");
}

#[test]
fn a_peer_that_is_not_there_is_447_and_the_same_twice_446() {
    let lab = Lab::new(authorize);
    let (mut control, _) = allocated(&lab);
    let peer = listener();
    let address = peer.local_addr().unwrap();
    assert_eq!(connect(&mut control, address).code(), 0);
    assert_eq!(connect(&mut control, address).code(), 446);
    let nobody = listener().local_addr().unwrap();
    assert_eq!(connect(&mut control, nobody).code(), 447);
    // The server itself is no peer.
    assert_eq!(
        connect(&mut control, lab.address(Transport::Tcp)).code(),
        403
    );
    let totals = lab.server.totals();
    assert_eq!((totals.connects, totals.connects_failed), (1, 1));
}

#[test]
fn one_that_reads_nothing_stops_the_other_and_takes_little_memory() {
    let lab = Lab::new(authorize);
    let (mut control, _) = allocated(&lab);
    let peer = listener();
    let (near, far) = joined(&lab, &mut control, &peer);
    for (mut writer, mut reader) in [
        (near.try_clone().unwrap(), far.try_clone().unwrap()),
        (far, near),
    ] {
        writer
            .set_write_timeout(Some(Duration::from_millis(300)))
            .unwrap();
        let block = vec![5; 1 << 20];
        let mut sent = 0;
        // What the kernel's buffers take, and a little of ours.
        while let Ok(count) = writer.write(&block) {
            sent += count;
            assert!(sent < 64 << 20, "nobody is stopped");
        }
        // Others are served meanwhile.
        lab.udp().connect();
        // All of it comes once somebody reads.
        let mut read = 0;
        let mut buffer = vec![0; 1 << 16];
        while read < sent {
            read += reader.read(&mut buffer).unwrap();
        }
    }
    let totals = lab.server.totals();
    assert!(totals.bytes_to_peers > 1 << 16 && totals.bytes_to_clients > 1 << 16);
}

#[test]
fn a_peer_that_connects_is_announced_and_one_without_a_permission_is_not() {
    let lab = Lab::new(authorize);
    let (mut control, relayed) = allocated(&lab);
    let mut stranger = TcpStream::connect(relayed).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(is_closed(&mut stranger));
    control.permit("127.0.0.1:9".parse().unwrap());
    let mut far = TcpStream::connect(relayed).unwrap();
    far.write_all(b"it is me").unwrap();
    let bytes = control.wire.receive(PATIENCE).expect("an indication");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.method(), Method::ConnectionAttempt);
    let from = message.xor_address(kind::XOR_PEER_ADDRESS);
    assert_eq!(from, Some(far.local_addr().unwrap()));
    let id = message.number(kind::CONNECTION_ID).unwrap().unwrap();
    let mut near = bound(&lab, id, b"");
    expect(&mut near, b"it is me");
    near.write_all(b"come in").unwrap();
    expect(&mut far, b"come in");
    let totals = lab.server.totals();
    assert_eq!((totals.peers_accepted, totals.peers_denied), (1, 1));
}

#[test]
fn two_clients_of_the_server_reach_each_other_and_no_datagram_relay_is_reached() {
    let lab = Lab::new(authorize);
    let (mut ann, _) = allocated(&lab);
    let (mut bob, relayed) = allocated(&lab);
    bob.permit("127.0.0.1:9".parse().unwrap());
    let reply = connect(&mut ann, relayed);
    assert_eq!(reply.code(), 0);
    let bytes = bob.wire.receive(PATIENCE).expect("an indication");
    let message = Message::parse(&bytes).unwrap();
    let id = message.number(kind::CONNECTION_ID).unwrap().unwrap();
    let (mut near, mut far) = (bound(&lab, number(&reply), b""), bound(&lab, id, b""));
    near.write_all(b"across").unwrap();
    expect(&mut far, b"across");
    let datagrams = lab.udp().connect();
    assert!(matches!(connect(&mut ann, datagrams).code(), 403 | 447));
}

#[test]
fn a_rate_delays_what_it_does_not_let_through_at_once() {
    let lab = Lab::new(authorize);
    let (mut control, _) = allocated(&lab);
    let place = lab.created();
    let peer = listener();
    let (mut near, mut far) = joined(&lab, &mut control, &peer);
    let rate = Rate {
        bytes_per_second: 200_000,
        burst: 10_000,
    };
    assert!(lab.server.cores().set_rate(place, Some(rate)));
    let bytes: Vec<u8> = (0..60_000_u32).map(|n| n as u8).collect();
    let begin = Instant::now();
    near.write_all(&bytes).unwrap();
    expect(&mut far, &bytes);
    // 50,000 bytes at 200,000 a second: no sooner, however slow the machine.
    assert!(begin.elapsed() >= Duration::from_millis(240));
    far.write_all(&bytes).unwrap();
    expect(&mut near, &bytes);
    assert_eq!(lab.server.totals().packets_limited, 0);
}

#[test]
fn a_cap_lets_through_what_it_covers_and_ends_the_allocation() {
    let lab = Lab::new(authorize);
    let (mut control, _) = allocated(&lab);
    let place = lab.created();
    let peer = listener();
    let (mut near, mut far) = joined(&lab, &mut control, &peer);
    assert!(lab.server.cores().set_byte_cap(place, Some(1000)));
    near.write_all(&[1; 600]).unwrap();
    expect(&mut far, &[1; 600]);
    far.write_all(&[2; 400]).unwrap();
    expect(&mut near, &[2; 400]);
    near.write_all(&[3; 1]).unwrap();
    assert_eq!(lab.removed(), (place, Reason::ByteCap));
    assert!(is_closed(&mut far) && is_closed(&mut near));
}

#[test]
fn whoever_breaks_off_takes_the_other_end_along() {
    let lab = Lab::new(authorize);
    let (mut control, _) = allocated(&lab);
    for is_client in [true, false] {
        let peer = listener();
        let (near, far) = joined(&lab, &mut control, &peer);
        let (breaks, mut other) = if is_client { (near, far) } else { (far, near) };
        // Closed with a reset, which is no end of a stream.
        let breaks = socket2::Socket::from(breaks);
        breaks.set_linger(Some(Duration::ZERO)).unwrap();
        drop(breaks);
        assert!(is_closed(&mut other));
    }
    until(&lab, "connections stay", |lab| {
        lab.server.totals().peer_connections == 0
    });
    // The allocation goes on.
    let refresh = control.client.refresh(600);
    assert_eq!(control.exchange(&refresh).code(), 0);
}

#[test]
fn a_connection_that_ends_beside_one_that_begins_ends_on_both_sides() {
    // The worker waits in the observer twice: then both have happened.
    let (gate, gated) = std::sync::mpsc::channel();
    let lab = Lab::new(move |ask| match &*ask.username {
        "gate" => {
            gated.recv().unwrap();
            Decision::Later
        }
        _ => authorize(ask),
    });
    let (mut ann, _) = allocated(&lab);
    let place = lab.created();
    let (mut bob, relayed) = allocated(&lab);
    bob.permit("127.0.0.1:9".parse().unwrap());
    let (mut near, mut far) = joined(&lab, &mut ann, &listener());
    let mut waits = [lab.tcp(), lab.tcp()];
    for caller in &mut waits {
        caller.greet();
        caller.client.user = "gate".into();
    }
    let requests = waits.each_mut().map(|caller| caller.client.allocate());
    waits[0].wire.send(&requests[0]);
    // What comes now is looked at together, in this order.
    until(&lab, "nobody asks", |lab| lab.server.totals().asked == 3);
    waits[1].wire.send(&requests[1]);
    let caller = TcpStream::connect(relayed).unwrap();
    gate.send(()).unwrap();
    until(&lab, "nobody asks", |lab| lab.server.totals().asked == 4);
    assert!(lab.server.cores().revoke(place));
    gate.send(()).unwrap();
    assert_eq!(lab.removed(), (place, Reason::Revoked));
    assert!(is_closed(&mut far) && is_closed(&mut near));
    let bytes = bob.wire.receive(PATIENCE).expect("an indication");
    let message = Message::parse(&bytes).unwrap();
    let from = message.xor_address(kind::XOR_PEER_ADDRESS);
    assert_eq!(from, Some(caller.local_addr().unwrap()));
}

#[test]
fn connections_are_bounded_for_each_allocation() {
    let mut options = options();
    options.config = Config {
        max_connections: 2,
        ..options.config
    };
    let lab = Lab::with(&options, authorize);
    let (mut control, _) = allocated(&lab);
    let peers = [listener(), listener(), listener()];
    let codes = peers
        .each_ref()
        .map(|peer| connect(&mut control, peer.local_addr().unwrap()).code());
    assert_eq!(codes, [0, 0, 508]);
}
