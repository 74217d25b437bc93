//! Sessions without sockets, with a client of the same house.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme,
    SupportedProtocolVersion,
};

use super::{Broken, Opened, Session, Tls};
use crate::turn::driver::credentials::{Pair, Pem, TlsOptions};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
const ALERT: u8 = 0x15;
const SEALED: u8 = 0x17;

/// Believes everything: what is tested is the other end.
#[derive(Debug)]
struct Trusting;

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = ring::default_provider();
        provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn server() -> Tls {
    let file = |name: &str| {
        let root = env!("CARGO_MANIFEST_DIR");
        Pem::File(format!("{root}/c-tests/turn/certificates/{name}").into())
    };
    let options = TlsOptions {
        certificates: vec![Pair {
            chain: file("turn.pem"),
            key: file("turn.key"),
        }],
        ..TlsOptions::default()
    };
    Tls::new(&options).expect("the tests' certificate")
}

fn client(version: &'static SupportedProtocolVersion) -> ClientConnection {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting))
        .with_no_client_auth();
    let name = "turn.test".try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    client.set_buffer_limit(None);
    client
}

/// What a client has to send.
fn written(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    bytes
}

/// A session with what it was given and what came of it.
struct Side {
    session: Session,
    clear: Vec<u8>,
    out: Vec<u8>,
    has_ended: bool,
}

impl Side {
    fn new(tls: &Tls) -> Self {
        Side {
            session: tls.begin().unwrap(),
            clear: Vec::new(),
            out: Vec::new(),
            has_ended: false,
        }
    }

    /// Takes in bytes as a worker does; `room` is how much it can open at once.
    fn read(&mut self, bytes: &[u8], room: usize) -> Result<(), Broken> {
        let mut wire = vec![0; 1 << 17];
        let kept = self.session.resume(&mut wire);
        wire[kept..kept + bytes.len()].copy_from_slice(bytes);
        let (mut at, end) = (0, kept + bytes.len());
        loop {
            let mut clear = vec![0; room];
            let opened = self
                .session
                .open(&mut wire[at..end], &mut clear, &mut self.out)?;
            let Opened {
                wire,
                clear: count,
                is_full,
                has_ended,
            } = opened;
            at += wire;
            self.clear.extend_from_slice(&clear[..count]);
            self.has_ended |= has_ended;
            if !is_full {
                break;
            }
        }
        match self.session.keep(&wire[at..end]) {
            true => Ok(()),
            false => Err(Broken),
        }
    }
}

/// Carries bytes to and fro until neither side has any left.
fn settle(client: &mut ClientConnection, side: &mut Side) {
    loop {
        let bytes = written(client);
        side.read(&bytes, 4096).expect("a good client");
        let answer = std::mem::take(&mut side.out);
        if bytes.is_empty() && answer.is_empty() {
            return;
        }
        let mut rest = &answer[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().unwrap();
        }
    }
}

fn connected(tls: &Tls, version: &'static SupportedProtocolVersion) -> (ClientConnection, Side) {
    let (mut client, mut side) = (client(version), Side::new(tls));
    settle(&mut client, &mut side);
    assert!(!side.session.is_handshaking());
    (client, side)
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

#[test]
fn what_is_sealed_is_opened_whatever_the_room() {
    let tls = server();
    for version in VERSIONS {
        let (mut client, mut side) = connected(&tls, version);
        for (size, room) in [
            (1, 1),
            (100, 7),
            (16_384, 16_384),
            (70_000, 1000),
            (70_000, 65_536),
        ] {
            client.writer().write_all(&pattern(size)).unwrap();
            side.clear.clear();
            // As it would come from a socket.
            for piece in written(&mut client).chunks(5000) {
                side.read(piece, room).unwrap();
            }
            assert!(
                side.clear == pattern(size),
                "{size} bytes with room for {room}"
            );
            let mut out = Vec::new();
            assert!(side.session.seal(&pattern(size), &mut out));
            let (mut rest, mut got) = (&out[..], Vec::new());
            while !rest.is_empty() {
                client.read_tls(&mut rest).unwrap();
                client.process_new_packets().unwrap();
                let _ = client.reader().read_to_end(&mut got);
            }
            assert!(got == pattern(size), "{size} bytes back");
        }
    }
}

#[test]
fn a_hello_may_be_cut_anywhere() {
    let tls = server();
    for version in VERSIONS {
        let hello = written(&mut client(version));
        for cut in 0..hello.len() {
            let mut side = Side::new(&tls);
            side.read(&hello[..cut], 4096).unwrap();
            assert!(side.out.is_empty(), "an answer to {cut} bytes");
            side.read(&hello[cut..], 4096).unwrap();
            assert!(!side.out.is_empty(), "no answer after a cut at {cut}");
        }
    }
}

/// Whether the last record is an alert. Where an answer has begun, it may be a sealed one: two bytes, the kind and a tag.
fn ends_with_an_alert(mut records: &[u8]) -> bool {
    let mut is_alert = false;
    while let [kind, _, _, high, low, rest @ ..] = records {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        is_alert = *kind == ALERT || (*kind == SEALED && length == 2 + 1 + 16);
        records = &rest[length..];
    }
    is_alert
}

#[test]
fn a_changed_hello_gets_an_alert_or_an_answer() {
    let tls = server();
    let mut alerts = 0;
    for version in VERSIONS {
        let hello = written(&mut client(version));
        for at in 0..hello.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = hello.clone();
                changed[at] ^= change;
                let mut side = Side::new(&tls);
                let is_broken = side.read(&changed, 4096).is_err();
                assert!(side.session.is_handshaking() && side.clear.is_empty());
                let is_alert = ends_with_an_alert(&side.out);
                assert!(!is_broken || is_alert, "byte {at} by {change:#x}: no alert");
                alerts += u32::from(is_alert);
            }
        }
    }
    assert!(alerts > 100, "{alerts} alerts");
}

/// A client that has heard the server's first answer, and what it says to that.
fn half_way(tls: &Tls, version: &'static SupportedProtocolVersion) -> (Side, Vec<u8>) {
    let (mut client, mut side) = (client(version), Side::new(tls));
    side.read(&written(&mut client), 4096).unwrap();
    let answer = std::mem::take(&mut side.out);
    let mut rest = &answer[..];
    while !rest.is_empty() {
        client.read_tls(&mut rest).unwrap();
        client.process_new_packets().unwrap();
    }
    client.writer().write_all(b"first words").unwrap();
    (side, written(&mut client))
}

/// Where the records begin that these bytes are.
fn records(bytes: &[u8]) -> Vec<usize> {
    let length = |at: usize| usize::from(u16::from_be_bytes([bytes[at + 3], bytes[at + 4]]));
    let next = |at: &usize| Some(at + 5 + length(*at)).filter(|next| *next < bytes.len());
    std::iter::successors(Some(0), next).collect()
}

#[test]
fn the_second_flight_may_be_cut_anywhere() {
    let tls = server();
    for version in VERSIONS {
        for cut in 0.. {
            let (mut side, flight) = half_way(&tls, version);
            if cut == flight.len() {
                break;
            }
            side.read(&flight[..cut], 4096).unwrap();
            assert!(side.clear.is_empty(), "{cut} bytes are enough");
            side.read(&flight[cut..], 4096).unwrap();
            // A client of TLS 1.2 has to hear the end of the handshake before it speaks.
            let said = if *version == TLS13 {
                &b"first words"[..]
            } else {
                b""
            };
            assert!(
                !side.session.is_handshaking() && side.clear == said,
                "a cut at {cut}"
            );
        }
    }
}

#[test]
fn nothing_comes_of_a_changed_second_flight_but_an_alert() {
    let tls = server();
    for version in VERSIONS {
        for at in 0.. {
            let (mut side, mut flight) = half_way(&tls, version);
            // Type and version at the head of a record are protected by nothing.
            let heads = records(&flight);
            let in_head = heads
                .iter()
                .rev()
                .find(|head| **head <= at)
                .map(|head| at - head);
            let Some(byte) = flight.get_mut(at) else {
                break;
            };
            *byte ^= 0x11;
            let read = side.read(&flight, 4096);
            let is_last = heads.last().is_some_and(|head| *head <= at);
            assert!(
                side.clear.is_empty() || is_last || in_head < Some(3),
                "byte {at}"
            );
            match read {
                Err(Broken) => assert!(!side.out.is_empty(), "byte {at}: no alert"),
                // A length that promises more, or what nobody looks at.
                Ok(()) => assert!(in_head < Some(5), "byte {at} does not count"),
            }
        }
    }
}

#[test]
fn a_record_may_be_cut_anywhere() {
    let tls = server();
    for version in VERSIONS {
        let (mut client, mut side) = connected(&tls, version);
        for cut in 0.. {
            client.writer().write_all(&pattern(30)).unwrap();
            let record = written(&mut client);
            if cut == record.len() {
                break;
            }
            side.clear.clear();
            side.read(&record[..cut], 4096).unwrap();
            assert!(side.clear.is_empty(), "{cut} bytes of a record are enough");
            side.read(&record[cut..], 4096).unwrap();
            assert!(side.clear == pattern(30), "a cut at {cut}");
        }
    }
}

#[test]
fn nothing_comes_out_of_a_changed_record() {
    let tls = server();
    for version in VERSIONS {
        for at in 0.. {
            let (mut client, mut side) = connected(&tls, version);
            client.writer().write_all(&pattern(30)).unwrap();
            let mut record = written(&mut client);
            let Some(byte) = record.get_mut(at) else {
                break;
            };
            *byte ^= 1;
            let read = side.read(&record, 4096);
            // Of the head, TLS 1.3 protects nothing but the length.
            if *version == TLS13 && at < 3 && side.clear == pattern(30) {
                continue;
            }
            assert!(side.clear.is_empty(), "byte {at}");
            // The length may promise more.
            assert!(read.is_err() || at == 3 || at == 4, "byte {at}");
            assert_eq!(read.is_err(), !side.out.is_empty(), "byte {at}: an alert");
        }
    }
}

#[test]
fn an_end_that_is_said_is_heard_and_said() {
    let tls = server();
    for version in VERSIONS {
        let (mut client, mut side) = connected(&tls, version);
        client.writer().write_all(b"the last").unwrap();
        client.send_close_notify();
        side.read(&written(&mut client), 4096).unwrap();
        assert!(side.has_ended && side.clear == b"the last");
        let mut out = Vec::new();
        assert!(side.session.seal(b"and the answer", &mut out));
        side.session.end(&mut out);
        client.read_tls(&mut &out[..]).unwrap();
        let state = client.process_new_packets().unwrap();
        assert!(state.peer_has_closed());
    }
}

#[test]
fn no_handshake_is_waited_for_without_end() {
    let tls = server();
    let mut side = Side::new(&tls);
    // A hello that says it is 60,000 bytes long, in records of 10,000.
    let mut record = vec![0x16, 3, 1, 0x27, 0x10, 1, 0, 0xEA, 0x60];
    record.resize(5 + 10_000, 0);
    let taken = (0..7).take_while(|_| {
        let is_taken = side.read(&record, 4096).is_ok();
        record[5..9].fill(0);
        is_taken
    });
    assert!(taken.count() < 4);
}
