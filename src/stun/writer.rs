//! Writes STUN messages into a buffer of the caller's.
#![forbid(unsafe_code)]

use std::net::SocketAddr;

use crate::stun::address::{encode_plain, encode_xor};
use crate::stun::attributes::kind;
use crate::stun::integrity::{self, Protection};
use crate::stun::message::{Class, HEADER_LEN, MAGIC_COOKIE, Method, TransactionId, message_type};

/// A message under construction. Its length field is right at every moment.
///
/// The caller keeps the whole below 64 KiB; attribute values that servers
/// write are short.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    id: TransactionId,
}

impl<'a> Writer<'a> {
    /// Begins a message in `out`, whose old content goes.
    pub fn new(out: &'a mut Vec<u8>, method: Method, class: Class, id: &TransactionId) -> Self {
        out.clear();
        out.extend_from_slice(&message_type(method, class).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        out.extend_from_slice(id);
        Writer { out, id: *id }
    }

    /// Bytes written so far.
    pub fn size(&self) -> usize {
        self.out.len()
    }

    /// Appends an attribute, padded with zeros.
    pub fn attribute(&mut self, attribute: u16, value: &[u8]) -> &mut Self {
        self.out.extend_from_slice(&attribute.to_be_bytes());
        self.out
            .extend_from_slice(&(value.len() as u16).to_be_bytes());
        self.out.extend_from_slice(value);
        self.out.resize(self.out.len().next_multiple_of(4), 0);
        self.set_length(self.out.len() - HEADER_LEN);
        self
    }

    /// Appends a 32-bit number.
    pub fn number(&mut self, attribute: u16, value: u32) -> &mut Self {
        self.attribute(attribute, &value.to_be_bytes())
    }

    /// Appends an address in XOR form.
    pub fn xor_address(&mut self, attribute: u16, addr: &SocketAddr) -> &mut Self {
        let (value, len) = encode_xor(addr, &self.id);
        self.attribute(attribute, &value[..len])
    }

    /// Appends an address in plain form, as ALTERNATE-SERVER wants it.
    pub fn address(&mut self, attribute: u16, addr: &SocketAddr) -> &mut Self {
        let (value, len) = encode_plain(addr);
        self.attribute(attribute, &value[..len])
    }

    /// Appends ERROR-CODE with an optional phrase.
    pub fn error_code(&mut self, code: u16, phrase: &str) -> &mut Self {
        let mut value = [0; 64];
        value[2] = (code / 100) as u8;
        value[3] = (code % 100) as u8;
        let phrase = &phrase.as_bytes()[..phrase.len().min(60)];
        value[4..4 + phrase.len()].copy_from_slice(phrase);
        self.attribute(kind::ERROR_CODE, &value[..4 + phrase.len()])
    }

    /// Appends MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 over all so far.
    pub fn integrity(&mut self, protection: Protection, key: &[u8]) -> &mut Self {
        let mut value = [0; 32];
        let value = &mut value[..protection.value_len()];
        integrity::compute(self.out, protection, key, value);
        self.attribute(protection.attribute(), value)
    }

    /// Appends FINGERPRINT, which must come last.
    pub fn fingerprint(&mut self) -> &mut Self {
        self.set_length(self.out.len() + 8 - HEADER_LEN);
        let value = integrity::fingerprint(self.out);
        self.number(kind::FINGERPRINT, value)
    }

    fn set_length(&mut self, len: usize) {
        self.out[2..4].copy_from_slice(&(len as u16).to_be_bytes());
    }
}
