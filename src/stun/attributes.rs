//! The attributes we know, and one walk over a message that finds them all.
#![forbid(unsafe_code)]

/// Attribute types (RFC 8489, 18.3; RFC 8656, 18).
#[allow(missing_docs)]
pub mod kind {
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub const CHANNEL_NUMBER: u16 = 0x000C;
    pub const LIFETIME: u16 = 0x000D;
    pub const XOR_PEER_ADDRESS: u16 = 0x0012;
    pub const DATA: u16 = 0x0013;
    pub const REALM: u16 = 0x0014;
    pub const NONCE: u16 = 0x0015;
    pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
    pub const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
    pub const EVEN_PORT: u16 = 0x0018;
    pub const REQUESTED_TRANSPORT: u16 = 0x0019;
    pub const DONT_FRAGMENT: u16 = 0x001A;
    pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001C;
    pub const PASSWORD_ALGORITHM: u16 = 0x001D;
    pub const USERHASH: u16 = 0x001E;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const RESERVATION_TOKEN: u16 = 0x0022;
    pub const ADDITIONAL_ADDRESS_FAMILY: u16 = 0x8000;
    pub const ADDRESS_ERROR_CODE: u16 = 0x8001;
    pub const PASSWORD_ALGORITHMS: u16 = 0x8002;
    pub const SOFTWARE: u16 = 0x8022;
    pub const ALTERNATE_SERVER: u16 = 0x8023;
    pub const FINGERPRINT: u16 = 0x8028;
}

/// Comprehension-required attributes we know: bit n stands for type n.
const KNOWN: u64 = {
    use kind::*;
    let all = [
        USERNAME,
        MESSAGE_INTEGRITY,
        ERROR_CODE,
        UNKNOWN_ATTRIBUTES,
        CHANNEL_NUMBER,
        LIFETIME,
        XOR_PEER_ADDRESS,
        DATA,
        REALM,
        NONCE,
        XOR_RELAYED_ADDRESS,
        REQUESTED_ADDRESS_FAMILY,
        EVEN_PORT,
        REQUESTED_TRANSPORT,
        DONT_FRAGMENT,
        MESSAGE_INTEGRITY_SHA256,
        PASSWORD_ALGORITHM,
        USERHASH,
        XOR_MAPPED_ADDRESS,
        RESERVATION_TOKEN,
    ];
    let mut bits = 0;
    let mut i = 0;
    while i < all.len() {
        bits |= 1 << all[i];
        i += 1;
    }
    bits
};

const REQUIRED_SLOTS: usize = 0x23;
const SLOTS: usize = REQUIRED_SLOTS + 6;

/// How many unknown attributes a 420 can list.
const MAX_UNKNOWN: usize = 8;

fn slot(attribute: u16) -> Option<usize> {
    match attribute {
        0..=0x22 => (KNOWN >> attribute & 1 == 1).then_some(attribute as usize),
        kind::ADDITIONAL_ADDRESS_FAMILY => Some(REQUIRED_SLOTS),
        kind::ADDRESS_ERROR_CODE => Some(REQUIRED_SLOTS + 1),
        kind::PASSWORD_ALGORITHMS => Some(REQUIRED_SLOTS + 2),
        kind::SOFTWARE => Some(REQUIRED_SLOTS + 3),
        kind::ALTERNATE_SERVER => Some(REQUIRED_SLOTS + 4),
        kind::FINGERPRINT => Some(REQUIRED_SLOTS + 5),
        _ => None,
    }
}

/// Where a value lies in the message. `at` is never 0 for one that is there,
/// because the header comes first.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    at: u16,
    len: u16,
}

/// Where the attributes of a message are.
///
/// The first of several attributes of one type counts, except that
/// XOR-PEER-ADDRESS may be read one by one. What follows MESSAGE-INTEGRITY is
/// not there, save MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (RFC 8489, 14.5).
#[derive(Clone, Debug)]
pub(crate) struct Index {
    spans: [Span; SLOTS],
    unknown: [u16; MAX_UNKNOWN],
    unknown_len: usize,
    protected_end: u16,
}

/// A message whose attributes do not fill it exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Index {
    /// Walks over the attributes once. `message` is the whole message, whose
    /// attributes begin at `start`.
    pub(crate) fn build(message: &[u8], start: usize) -> Result<Self, Malformed> {
        let mut index = Index {
            spans: [Span::default(); SLOTS],
            unknown: [0; MAX_UNKNOWN],
            unknown_len: 0,
            protected_end: u16::try_from(message.len()).map_err(|_| Malformed)?,
        };
        let mut at = start;
        let mut last = 0;
        while at < message.len() {
            let (attribute, len) = head(message, at).ok_or(Malformed)?;
            let next = at + 4 + len.next_multiple_of(4);
            if next > message.len() {
                return Err(Malformed);
            }
            if may_follow(attribute, last) {
                index.note(attribute, at + 4, len);
                if is_trailer(attribute) {
                    if !is_trailer(last) {
                        index.protected_end = at as u16;
                    }
                    last = attribute;
                }
            }
            at = next;
        }
        Ok(index)
    }

    fn note(&mut self, attribute: u16, at: usize, len: usize) {
        match slot(attribute) {
            // Both fit: the whole message is shorter than 64 KiB.
            Some(slot) if self.spans[slot].at == 0 => {
                self.spans[slot] = Span {
                    at: at as u16,
                    len: len as u16,
                };
            }
            None if attribute < 0x8000 && self.unknown_len < MAX_UNKNOWN => {
                self.unknown[self.unknown_len] = attribute;
                self.unknown_len += 1;
            }
            _ => {}
        }
    }

    /// Offset and length of an attribute's value.
    pub(crate) fn find(&self, attribute: u16) -> Option<(usize, usize)> {
        let span = self.spans[slot(attribute)?];
        (span.at != 0).then_some((span.at as usize, span.len as usize))
    }

    /// The first comprehension-required attributes that we do not know.
    pub(crate) fn unknown(&self) -> &[u16] {
        &self.unknown[..self.unknown_len]
    }

    /// Where integrity protection or the fingerprint begins: the end of what
    /// an ordinary attribute may occupy.
    pub(crate) fn protected_end(&self) -> usize {
        self.protected_end as usize
    }
}

/// Type and length of the attribute at an offset.
pub(crate) fn head(message: &[u8], at: usize) -> Option<(u16, usize)> {
    let head = message.get(at..)?.first_chunk::<4>()?;
    let attribute = u16::from_be_bytes([head[0], head[1]]);
    let len = u16::from_be_bytes([head[2], head[3]]);
    Some((attribute, len as usize))
}

fn is_trailer(attribute: u16) -> bool {
    matches!(
        attribute,
        kind::MESSAGE_INTEGRITY | kind::MESSAGE_INTEGRITY_SHA256 | kind::FINGERPRINT
    )
}

/// Whether an attribute counts after the trailer `last` (0 for none yet).
fn may_follow(attribute: u16, last: u16) -> bool {
    match last {
        kind::MESSAGE_INTEGRITY => {
            matches!(
                attribute,
                kind::MESSAGE_INTEGRITY_SHA256 | kind::FINGERPRINT
            )
        }
        kind::MESSAGE_INTEGRITY_SHA256 => attribute == kind::FINGERPRINT,
        kind::FINGERPRINT => false,
        _ => true,
    }
}
