//! STUN messages and ChannelData, read in place (RFC 8489, 5; RFC 8656, 12.4).
#![forbid(unsafe_code)]

use std::net::SocketAddr;

use crate::stun::address::decode_xor;
pub use crate::stun::attributes::Malformed;
use crate::stun::attributes::{self, Index, kind};

/// The magic cookie that every message carries.
pub const MAGIC_COOKIE: u32 = 0x2112_A442;

/// Length of a STUN header.
pub const HEADER_LEN: usize = 20;

/// Names a transaction of a client.
pub type TransactionId = [u8; 12];

/// Makes of one list the methods and who finds one by its number.
macro_rules! methods {
    ($($(#[doc = $what:literal])+ $name:ident = $number:literal,)+) => {
        /// The methods we know.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Method {
            $($(#[doc = $what])+ $name = $number,)+
        }

        impl Method {
            fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Method::$name),)+
                    _ => None,
                }
            }
        }
    };
}

methods! {
    /// Binding (RFC 8489).
    Binding = 1,
    /// Allocate.
    Allocate = 3,
    /// Refresh.
    Refresh = 4,
    /// Send, an indication only.
    Send = 6,
    /// Data, an indication only.
    Data = 7,
    /// CreatePermission.
    CreatePermission = 8,
    /// ChannelBind.
    ChannelBind = 9,
    /// Connect (RFC 6062).
    Connect = 10,
    /// ConnectionBind (RFC 6062).
    ConnectionBind = 11,
    /// ConnectionAttempt (RFC 6062), an indication only.
    ConnectionAttempt = 12,
}

/// The class of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Class {
    /// Wants an answer.
    Request = 0x000,
    /// Wants none.
    Indication = 0x010,
    /// Says that a request succeeded.
    Success = 0x100,
    /// Says that a request failed.
    Error = 0x110,
}

impl Class {
    fn from_bits(bits: u16) -> Self {
        match bits & 0x110 {
            0x000 => Class::Request,
            0x010 => Class::Indication,
            0x100 => Class::Success,
            _ => Class::Error,
        }
    }
}

/// The type field of a method and class. Every method we know fits in the low
/// four bits, which the class bits leave alone.
pub(crate) const fn message_type(method: Method, class: Class) -> u16 {
    method as u16 | class as u16
}

/// A well-formed STUN message in a buffer that it borrows.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
    method: Method,
    class: Class,
    id: TransactionId,
    index: Index,
}

impl<'a> Message<'a> {
    /// Reads a message that fills `bytes` exactly.
    ///
    /// # Errors
    /// [`Malformed`] when it is none: too short, no magic cookie (RFC 3489), a
    /// method we do not know, or lengths that do not add up.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let header = bytes.first_chunk::<HEADER_LEN>().ok_or(Malformed)?;
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let len = u16::from_be_bytes([header[2], header[3]]) as usize;
        if header[4..8] != MAGIC_COOKIE.to_be_bytes()
            || !len.is_multiple_of(4)
            || len + HEADER_LEN != bytes.len()
        {
            return Err(Malformed);
        }
        // Bits 0-3, 5-7 and 9-13 are the method; a type beyond 14 bits is none.
        let number = kind & 0x000F | (kind & 0x00E0) >> 1 | (kind & 0xFE00) >> 2;
        let mut id = [0; 12];
        id.copy_from_slice(&header[8..]);
        Ok(Message {
            bytes,
            method: Method::from_number(number).ok_or(Malformed)?,
            class: Class::from_bits(kind),
            id,
            index: Index::build(bytes, HEADER_LEN)?,
        })
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The class.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The transaction id.
    pub fn id(&self) -> &TransactionId {
        &self.id
    }

    /// The whole message.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The value of an attribute that we know, without padding.
    pub fn get(&self, attribute: u16) -> Option<&'a [u8]> {
        let (at, len) = self.index.find(attribute)?;
        self.bytes.get(at..at + len)
    }

    /// Every attribute that counts, known or not, in turn: type and value.
    pub fn attributes(&self) -> impl Iterator<Item = (u16, &'a [u8])> {
        attributes::walk(self.bytes, HEADER_LEN)
    }

    /// Whether an attribute that we know is there.
    pub fn has(&self, attribute: u16) -> bool {
        self.index.find(attribute).is_some()
    }

    /// Where the value of an attribute begins and ends in [`Self::bytes`].
    pub(crate) fn range(&self, attribute: u16) -> Option<std::ops::Range<usize>> {
        let (at, len) = self.index.find(attribute)?;
        Some(at..at + len)
    }

    /// A value of one 32-bit number; `Err` when it has another length.
    pub(crate) fn number(&self, attribute: u16) -> Result<Option<u32>, Malformed> {
        let Some(value) = self.get(attribute) else {
            return Ok(None);
        };
        let value = value.try_into().map_err(|_| Malformed)?;
        Ok(Some(u32::from_be_bytes(value)))
    }

    /// An address in XOR form; `None` when it is missing or malformed.
    pub fn xor_address(&self, attribute: u16) -> Option<SocketAddr> {
        decode_xor(self.get(attribute)?, &self.id)
    }

    /// Every XOR-PEER-ADDRESS in turn, malformed ones as `Err`.
    pub(crate) fn peers(&self) -> impl Iterator<Item = Result<SocketAddr, Malformed>> {
        let first = self.index.find(kind::XOR_PEER_ADDRESS);
        let end = self.index.protected_end();
        let mut at = first.map_or(end, |(at, _)| at - 4);
        std::iter::from_fn(move || {
            while at < end {
                let (attribute, len) = attributes::head(self.bytes, at)?;
                let value = self.bytes.get(at + 4..at + 4 + len)?;
                at += 4 + len.next_multiple_of(4);
                if attribute == kind::XOR_PEER_ADDRESS {
                    return Some(decode_xor(value, &self.id).ok_or(Malformed));
                }
            }
            None
        })
    }

    /// Comprehension-required attributes that we do not know (the first few).
    pub fn unknown(&self) -> &[u16] {
        self.index.unknown()
    }
}

/// The channel numbers that may be bound: those of RFC 5766, 11, whose clients
/// (coturn's among them) take any of them. RFC 8656, 12 leaves its own clients
/// the first quarter, to keep clear of other protocols on a socket that a
/// server does not share.
pub(crate) const CHANNELS: std::ops::RangeInclusive<u16> = 0x4000..=0x7FFF;

/// Channel and data length of a ChannelData message; `None` when it is none or
/// is longer than `bytes`. The data begins at offset 4; padding may follow.
pub(crate) fn channel_data(bytes: &[u8]) -> Option<(u16, usize)> {
    let head = bytes.first_chunk::<4>()?;
    let channel = u16::from_be_bytes([head[0], head[1]]);
    let len = u16::from_be_bytes([head[2], head[3]]) as usize;
    (CHANNELS.contains(&channel) && bytes.len() >= 4 + len).then_some((channel, len))
}
