//! Any bytes as a STUN message. What is taken for one can be asked for everything,
//! and is the same after it has been written anew.

use pjauth::stun::attributes::kind;
use pjauth::stun::message::{HEADER_LEN, Message};
use pjauth::stun::{Protection, Writer, frame_len, verify};

const KINDS: [u16; 27] = [
    kind::USERNAME,
    kind::ERROR_CODE,
    kind::UNKNOWN_ATTRIBUTES,
    kind::CHANNEL_NUMBER,
    kind::LIFETIME,
    kind::XOR_PEER_ADDRESS,
    kind::DATA,
    kind::REALM,
    kind::NONCE,
    kind::XOR_RELAYED_ADDRESS,
    kind::REQUESTED_ADDRESS_FAMILY,
    kind::EVEN_PORT,
    kind::REQUESTED_TRANSPORT,
    kind::DONT_FRAGMENT,
    kind::PASSWORD_ALGORITHM,
    kind::USERHASH,
    kind::XOR_MAPPED_ADDRESS,
    kind::RESERVATION_TOKEN,
    kind::ADDITIONAL_ADDRESS_FAMILY,
    kind::ADDRESS_ERROR_CODE,
    kind::PASSWORD_ALGORITHMS,
    kind::SOFTWARE,
    kind::ALTERNATE_SERVER,
    kind::FINGERPRINT,
    kind::MESSAGE_INTEGRITY,
    kind::MESSAGE_INTEGRITY_SHA256,
    0x7FFF,
];

pub fn run(data: &[u8]) {
    // Most bytes are none: what could be one is given the header it lacks.
    if let Ok(message) = Message::parse(data) {
        examine(&message);
    }
    let mut whole = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
    whole.extend_from_slice(data);
    whole.resize(whole.len().max(HEADER_LEN).next_multiple_of(4), 0);
    let Ok(len) = u16::try_from(whole.len() - HEADER_LEN) else {
        return;
    };
    whole[2..4].copy_from_slice(&len.to_be_bytes());
    if let Ok(message) = Message::parse(&whole) {
        examine(&message);
    }
}

fn examine(message: &Message<'_>) {
    let bytes = message.bytes();
    assert_eq!(frame_len(bytes), Ok(Some(bytes.len())));
    for kind in KINDS {
        let value = message.get(kind);
        assert_eq!(value.is_some(), message.has(kind));
        if let Some(value) = value {
            let range = bytes.as_ptr_range();
            assert!(range.contains(&value.as_ptr()) || value.is_empty());
        }
        if let Some(address) = message.xor_address(kind) {
            rewrite_address(message, kind, address);
        }
    }
    for unknown in message.unknown() {
        assert!(*unknown < 0x8000, "not one that must be understood");
    }
    for protection in [Protection::Sha1, Protection::Sha256] {
        assert!(!verify(message, protection, b"a key nobody has"));
        rewrite(message, protection);
    }
}

fn rewrite_address(message: &Message<'_>, kind: u16, address: std::net::SocketAddr) {
    let mut out = Vec::new();
    Writer::new(&mut out, message.method(), message.class(), message.id())
        .xor_address(kind, &address);
    let read = Message::parse(&out).expect("what we write");
    assert_eq!(read.xor_address(kind), Some(address));
}

/// Writes what was read, signs it, and reads that.
fn rewrite(message: &Message<'_>, protection: Protection) {
    const SIGNED: usize = 3;
    let plain = &KINDS[..KINDS.len() - 1 - SIGNED];
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, message.method(), message.class(), message.id());
    for kind in plain {
        if let Some(value) = message.get(*kind) {
            writer.attribute(*kind, value);
        }
    }
    if writer.size() > 60_000 {
        return;
    }
    writer.integrity(protection, b"key").fingerprint();
    let read = Message::parse(&out).expect("what we write");
    assert!(verify(&read, protection, b"key"));
    assert!(!verify(&read, protection, b"another"));
    assert_eq!(read.method(), message.method());
    assert_eq!(read.class(), message.class());
    assert_eq!(read.id(), message.id());
    for kind in plain {
        assert_eq!(read.get(*kind), message.get(*kind), "{kind:#x}");
    }
}
