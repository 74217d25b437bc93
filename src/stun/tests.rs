//! Reading messages: what counts, what does not, what is none.
#![forbid(unsafe_code)]

use crate::stun::attributes::kind;
use crate::stun::integrity::fingerprint_holds;
use crate::stun::message::{Class, Malformed, Message, Method};
use crate::stun::{Protection, Writer, verify};

const ID: [u8; 12] = *b"transaction!";

fn build(body: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    body(&mut Writer::new(
        &mut out,
        Method::Allocate,
        Class::Request,
        &ID,
    ));
    out
}

#[test]
fn what_is_written_is_read() {
    let bytes = build(|w| {
        w.attribute(kind::USERNAME, b"ann")
            .number(kind::LIFETIME, 600);
        w.integrity(Protection::Sha1, b"key");
        w.integrity(Protection::Sha256, b"key").fingerprint();
    });
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.method(), Method::Allocate);
    assert_eq!(message.id(), &ID);
    assert_eq!(message.get(kind::USERNAME), Some(&b"ann"[..]));
    assert_eq!(message.number(kind::LIFETIME), Ok(Some(600)));
    assert_eq!(message.number(kind::USERNAME), Err(Malformed));
    for protection in [Protection::Sha1, Protection::Sha256] {
        assert!(verify(&message, protection, b"key"));
        assert!(!verify(&message, protection, b"kex"));
    }
    assert!(fingerprint_holds(&message));
}

#[test]
fn the_first_of_duplicates_counts() {
    let bytes = build(|w| {
        w.attribute(kind::USERNAME, b"ann")
            .attribute(kind::USERNAME, b"bob");
    });
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.get(kind::USERNAME), Some(&b"ann"[..]));
}

#[test]
fn what_follows_integrity_is_not_there() {
    let bytes = build(|w| {
        w.integrity(Protection::Sha1, b"key");
        w.attribute(kind::USERNAME, b"mallory")
            .attribute(0x7FFF, b"");
        w.integrity(Protection::Sha256, b"key");
        w.attribute(kind::REALM, b"evil");
    });
    let message = Message::parse(&bytes).unwrap();
    assert!(!message.has(kind::USERNAME) && !message.has(kind::REALM));
    assert!(message.has(kind::MESSAGE_INTEGRITY_SHA256));
    assert!(message.unknown().is_empty());
    let after_sha256 = build(|w| {
        w.integrity(Protection::Sha256, b"key");
        w.integrity(Protection::Sha1, b"key");
        w.xor_address(kind::XOR_PEER_ADDRESS, &"1.2.3.4:5".parse().unwrap());
    });
    let message = Message::parse(&after_sha256).unwrap();
    assert!(!message.has(kind::MESSAGE_INTEGRITY));
    assert_eq!(message.peers().count(), 0);
}

#[test]
fn nothing_follows_the_fingerprint() {
    let bytes = build(|w| {
        w.fingerprint().attribute(kind::USERNAME, b"mallory");
        w.integrity(Protection::Sha1, b"key");
    });
    let message = Message::parse(&bytes).unwrap();
    assert!(!message.has(kind::USERNAME) && !message.has(kind::MESSAGE_INTEGRITY));
}

#[test]
fn peers_come_one_by_one_and_only_from_before_integrity() {
    let peers = ["1.2.3.4:5", "[2001:db8::1]:6", "1.2.3.4:7"].map(|p| p.parse().unwrap());
    let bytes = build(|w| {
        w.attribute(kind::SOFTWARE, b"x");
        for peer in &peers[..2] {
            w.xor_address(kind::XOR_PEER_ADDRESS, peer);
            w.attribute(kind::SOFTWARE, b"between");
        }
        w.integrity(Protection::Sha1, b"key");
        w.xor_address(kind::XOR_PEER_ADDRESS, &peers[2]);
    });
    let message = Message::parse(&bytes).unwrap();
    let found: Vec<_> = message.peers().collect();
    assert_eq!(found, [Ok(peers[0]), Ok(peers[1])]);
}

#[test]
fn unknown_required_attributes_are_listed_and_bounded() {
    let bytes = build(|w| {
        w.attribute(0x0002, b"")
            .attribute(0xC000, b"")
            .attribute(0x7000, b"abc");
        for n in 0..100 {
            w.attribute(0x6000 + n, b"");
        }
    });
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(&message.unknown()[..2], [0x0002, 0x7000]);
    assert_eq!(message.unknown().len(), 8);
}

#[test]
fn a_wrong_fingerprint_is_noticed() {
    let good = build(|w| {
        w.attribute(kind::SOFTWARE, b"abc").fingerprint();
    });
    assert!(fingerprint_holds(&Message::parse(&good).unwrap()));
    let mut bad = good.clone();
    bad[24] ^= 1;
    assert!(Message::parse(&bad).is_ok_and(|m| !fingerprint_holds(&m)));
    let short = build(|w| {
        w.attribute(kind::FINGERPRINT, b"ab");
    });
    assert!(!fingerprint_holds(&Message::parse(&short).unwrap()));
}

#[test]
fn what_is_no_message_is_refused() {
    let good = build(|w| {
        w.attribute(kind::USERNAME, b"annabel");
    });
    assert!(Message::parse(&good).is_ok());
    for len in 0..good.len() {
        assert!(Message::parse(&good[..len]).is_err());
    }
    let changed = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        Message::parse(&bytes).map(|_| ())
    };
    assert_eq!(changed(4, 0), Err(Malformed), "cookie");
    assert_eq!(changed(1, 0x0F), Err(Malformed), "method");
    assert_eq!(changed(0, 0x3E), Err(Malformed), "method bits");
    assert_eq!(changed(3, 11), Err(Malformed), "length");
    assert_eq!(changed(23, 9), Err(Malformed), "attribute length");
    let mut longer = good.clone();
    longer.push(0);
    assert!(Message::parse(&longer).is_err());
}
