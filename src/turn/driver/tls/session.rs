//! One connection's TLS, without its socket.
#![forbid(unsafe_code)]

use std::sync::Arc;

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus,
};
use rustls::{HandshakeKind, ProtocolVersion, ServerConfig};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::certificates;

/// The longest piece of a handshake that is waited for: a client's certificates
/// take some thousands of bytes.
const LONGEST_OF_A_HANDSHAKE: usize = 24 * 1024;
/// The longest record: 16 KiB, and what TLS 1.2 allows around it.
const LONGEST_RECORD: usize = 5 + 16 * 1024 + 2048;
/// A fatal alert, before there are keys.
const DECODE_ERROR: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 50];
/// What sealing adds to 16 KiB at most, with room for a change of keys.
const SEAL: usize = 64;

/// The server's side of a connection.
pub struct Session {
    tls: UnbufferedServerConnection,
    /// The beginning of a record whose rest has not come yet.
    incoming: Vec<u8>,
    /// What was opened and found no room.
    surplus: Vec<u8>,
    /// Whether it was told that it does not speak as it should.
    is_broken: bool,
}

/// What became of bytes from the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// How many of them are done with.
    pub wire: usize,
    /// How many bytes of the client's came out.
    pub clear: usize,
    /// Whether there is more than fits: call again before more is read.
    pub is_full: bool,
    /// Whether the client has said that it says nothing more.
    pub has_ended: bool,
}

/// The client does not speak TLS as it should; what to tell it has been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl Session {
    pub(super) fn new(config: Arc<ServerConfig>) -> Option<Session> {
        let tls = UnbufferedServerConnection::new(config).ok()?;
        Some(Session {
            tls,
            incoming: Vec::new(),
            surplus: Vec::new(),
            is_broken: false,
        })
    }

    /// Whether the handshake goes on.
    pub fn is_handshaking(&self) -> bool {
        self.tls.is_handshaking()
    }

    /// Whether the client came back with a ticket.
    pub fn is_resumed(&self) -> bool {
        self.tls.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Whose certificate the client has shown.
    pub fn certified(&self) -> Option<Arc<str>> {
        let shown = self.tls.peer_certificates()?.first()?;
        Some(certificates::subject(&Certificate::from_der(shown).ok()?).into())
    }

    /// Puts the beginning of a record back in front of what will be read into
    /// `wire`. Returns how long it is.
    pub fn resume(&self, wire: &mut [u8]) -> usize {
        wire[..self.incoming.len()].copy_from_slice(&self.incoming);
        self.incoming.len()
    }

    /// Keeps the beginning of a record. `false` when it is longer than any.
    pub fn keep(&mut self, rest: &[u8]) -> bool {
        self.incoming = rest.to_vec();
        let longest = match self.is_handshaking() {
            true => LONGEST_OF_A_HANDSHAKE,
            false => LONGEST_RECORD,
        };
        rest.len() <= longest
    }

    /// Opens records from the wire into `clear`, as long as there is room. What the
    /// client must be told is appended to `out`.
    pub fn open(
        &mut self,
        wire: &mut [u8],
        clear: &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Opened, Broken> {
        let mut opened = Opened::default();
        self.fill(clear, &mut opened);
        while !opened.is_full {
            let UnbufferedStatus { discard, state } =
                self.tls.process_tls_records(&mut wire[opened.wire..]);
            let mut is_done = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let payload = record.map_err(|_| Broken)?.payload;
                        let room = &mut clear[opened.clear..];
                        let fits = room.len().min(payload.len());
                        room[..fits].copy_from_slice(&payload[..fits]);
                        opened.clear += fits;
                        self.surplus.extend_from_slice(&payload[fits..]);
                    }
                    opened.is_full = !self.surplus.is_empty();
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, out),
                Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
                Ok(ConnectionState::PeerClosed) => opened.has_ended = true,
                // There is no early data: nobody is told that it may come.
                Ok(_) => is_done = true,
                Err(_) => {
                    opened.wire += discard;
                    self.explain(&mut wire[opened.wire..], out);
                    return Err(Broken);
                }
            }
            opened.wire += discard;
            if is_done {
                break;
            }
        }
        Ok(opened)
    }

    /// Takes out what had no room before.
    fn fill(&mut self, clear: &mut [u8], opened: &mut Opened) {
        opened.clear = clear.len().min(self.surplus.len());
        clear[..opened.clear].copy_from_slice(&self.surplus[..opened.clear]);
        match opened.clear == self.surplus.len() {
            true => self.surplus = Vec::new(),
            false => drop(self.surplus.drain(..opened.clear)),
        }
        opened.is_full = !self.surplus.is_empty();
    }

    /// Whether what is written is encrypted. Of TLS 1.2 it is when the handshake is over,
    /// unless it is short.
    fn has_keys(&self) -> bool {
        match self.tls.protocol_version() {
            None => false,
            Some(ProtocolVersion::TLSv1_2) => !self.is_handshaking() || self.is_resumed(),
            Some(_) => true,
        }
    }

    /// Writes the alert that says what is wrong. Nothing is read any more.
    fn explain(&mut self, wire: &mut [u8], out: &mut Vec<u8>) {
        self.is_broken = true;
        // Of a message that would be too long rustls says nothing.
        if !self.tls.wants_write() && !self.has_keys() {
            out.extend_from_slice(&DECODE_ERROR);
        }
        while self.tls.wants_write() {
            match self.tls.process_tls_records(wire).state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, out),
                _ => return,
            }
        }
    }

    /// Appends `clear` to `out` as records. `false` when that cannot be: during the
    /// handshake, or when the keys are used up.
    pub fn seal(&mut self, clear: &[u8], out: &mut Vec<u8>) -> bool {
        let records = clear.len() / (16 * 1024) + 1;
        let room = clear.len() + records * SEAL;
        while !self.is_broken {
            let state = self.tls.process_tls_records(&mut self.incoming).state;
            match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    return append(out, room, |room| needed(traffic.encrypt(clear, room)));
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, out),
                Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
                _ => return false,
            }
        }
        false
    }

    /// Appends that we say nothing more.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if self.is_broken {
            return;
        }
        let state = self.tls.process_tls_records(&mut self.incoming).state;
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) = state {
            append(out, SEAL, |room| needed(traffic.queue_close_notify(room)));
        }
    }
}

/// Appends a record of the handshake.
fn encode<D>(mut data: EncodeTlsData<'_, D>, out: &mut Vec<u8>) {
    append(out, SEAL, |room| match data.encode(room) {
        Err(EncodeError::InsufficientSize(size)) => Err(size.required_size),
        encoded => Ok(encoded.unwrap_or(0)),
    });
}

/// Likewise for what is encrypted.
fn needed(sealed: Result<usize, EncryptError>) -> Result<usize, usize> {
    sealed.map_err(|error| match error {
        EncryptError::InsufficientSize(size) => size.required_size,
        EncryptError::EncryptExhausted => 0,
    })
}

/// Has `write` append to a buffer: it gets some room, and says how much of it it
/// used, or how much it needs; 0 for that it cannot.
fn append(
    out: &mut Vec<u8>,
    mut room: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, usize>,
) -> bool {
    let start = out.len();
    loop {
        out.resize(start + room, 0);
        match write(&mut out[start..]) {
            Ok(used) => {
                out.truncate(start + used);
                return true;
            }
            Err(needed) if needed > room => room = needed,
            Err(_) => {
                out.truncate(start);
                return false;
            }
        }
    }
}
