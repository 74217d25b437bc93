//! The attributes we know, in one list, and one walk over a message that finds
//! them all.
#![forbid(unsafe_code)]

/// Makes of one list the attribute types, and where in an [`Index`] each stands.
macro_rules! attributes {
    ($($name:ident = $number:literal,)+) => {
        /// Attribute types (RFC 8489, 18.3; RFC 8656, 18; RFC 6062, 6.2).
        #[allow(missing_docs)]
        pub mod kind {
            $(pub const $name: u16 = $number;)+
        }

        /// The attributes by their place in the list.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Slot {
            $($name,)+
        }

        const SLOTS: usize = [$(kind::$name),+].len();

        /// Where an attribute that we know stands in an index.
        fn slot(attribute: u16) -> Option<usize> {
            match attribute {
                $(kind::$name => Some(Slot::$name as usize),)+
                _ => None,
            }
        }
    };
}

attributes! {
    USERNAME = 0x0006,
    MESSAGE_INTEGRITY = 0x0008,
    ERROR_CODE = 0x0009,
    UNKNOWN_ATTRIBUTES = 0x000A,
    CHANNEL_NUMBER = 0x000C,
    LIFETIME = 0x000D,
    XOR_PEER_ADDRESS = 0x0012,
    DATA = 0x0013,
    REALM = 0x0014,
    NONCE = 0x0015,
    XOR_RELAYED_ADDRESS = 0x0016,
    REQUESTED_ADDRESS_FAMILY = 0x0017,
    EVEN_PORT = 0x0018,
    REQUESTED_TRANSPORT = 0x0019,
    DONT_FRAGMENT = 0x001A,
    MESSAGE_INTEGRITY_SHA256 = 0x001C,
    PASSWORD_ALGORITHM = 0x001D,
    USERHASH = 0x001E,
    XOR_MAPPED_ADDRESS = 0x0020,
    RESERVATION_TOKEN = 0x0022,
    CONNECTION_ID = 0x002A,
    ADDITIONAL_ADDRESS_FAMILY = 0x8000,
    ADDRESS_ERROR_CODE = 0x8001,
    PASSWORD_ALGORITHMS = 0x8002,
    ICMP = 0x8004,
    SOFTWARE = 0x8022,
    ALTERNATE_SERVER = 0x8023,
    FINGERPRINT = 0x8028,
}

/// How many unknown attributes a 420 can list.
const MAX_UNKNOWN: usize = 8;

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

/// The attributes of a message that [`Index::build`] has found well formed.
pub(crate) fn walk(message: &[u8], start: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let (mut at, mut last) = (start, 0);
    std::iter::from_fn(move || {
        loop {
            let (attribute, len) = head(message, at)?;
            let value = message.get(at + 4..at + 4 + len)?;
            at += 4 + len.next_multiple_of(4);
            if may_follow(attribute, last) {
                if is_trailer(attribute) {
                    last = attribute;
                }
                return Some((attribute, value));
            }
        }
    })
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
