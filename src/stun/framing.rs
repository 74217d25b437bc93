//! Cuts a client's TCP stream into messages (RFC 8489, 6.2.2; RFC 8656, 12.5).
#![forbid(unsafe_code)]

use crate::stun::message::MAGIC_COOKIE;

/// The longest frame: a STUN message of the greatest length. ChannelData is
/// shorter.
pub const MAX_FRAME: usize = 20 + 65_532;

/// A stream that is neither STUN nor ChannelData: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTurn;

/// Gathers bytes as they come and yields whole messages.
///
/// Holds at most one incomplete frame and what one read brought behind it; an
/// idle connection holds nothing.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    start: usize,
}

impl Framer {
    /// A framer at the beginning of a stream.
    pub fn new() -> Self {
        Framer::default()
    }

    /// Takes in bytes. Call [`next_frame`](Self::next_frame) until it yields
    /// nothing before taking in more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.compact();
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message: a STUN message, or ChannelData with its padding.
    ///
    /// # Errors
    /// [`NotTurn`] as soon as the stream cannot be TURN any more.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, NotTurn> {
        let rest = &self.buffer[self.start..];
        match frame_len(rest)? {
            Some(len) if len <= rest.len() => {
                let at = self.start;
                self.start += len;
                Ok(Some(&self.buffer[at..at + len]))
            }
            _ => {
                self.compact();
                Ok(None)
            }
        }
    }

    /// Bytes that wait for the rest of their message.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    fn compact(&mut self) {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.is_empty() {
            self.buffer = Vec::new();
        }
    }
}

/// Length of the frame at the head of a stream, with padding; `None` when too
/// little of it is there. Cuts without a [`Framer`] where a read brought whole
/// frames.
///
/// # Errors
/// [`NotTurn`] when no frame begins like this.
pub fn frame_len(bytes: &[u8]) -> Result<Option<usize>, NotTurn> {
    match bytes.first() {
        None => return Ok(None),
        Some(0x00..=0x03 | 0x40..=0x7F) => {}
        Some(_) => return Err(NotTurn),
    }
    let Some(head) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    let len = u16::from_be_bytes([head[2], head[3]]) as usize;
    if head[0] >= 0x40 {
        return Ok(Some(4 + len.next_multiple_of(4)));
    }
    let cookie = MAGIC_COOKIE.to_be_bytes();
    let seen = &bytes[4..bytes.len().min(8)];
    if !len.is_multiple_of(4) || *seen != cookie[..seen.len()] {
        return Err(NotTurn);
    }
    Ok(Some(20 + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(len: u16) -> Vec<u8> {
        let mut message = vec![0, 1];
        message.extend_from_slice(&len.to_be_bytes());
        message.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        message.resize(20 + len as usize, 7);
        message
    }

    #[test]
    fn frames_come_whole_however_the_stream_is_cut() {
        let mut stream = binding(8);
        stream.extend_from_slice(&[0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0]);
        stream.extend_from_slice(&[0x7F, 0xFF, 0, 0]);
        stream.extend_from_slice(&binding(0));
        for step in 1..=stream.len() {
            let mut framer = Framer::new();
            let mut frames = Vec::new();
            for piece in stream.chunks(step) {
                framer.push(piece);
                while let Some(frame) = framer.next_frame().unwrap() {
                    frames.push(frame.to_vec());
                }
            }
            let lengths: Vec<_> = frames.iter().map(Vec::len).collect();
            assert_eq!(lengths, [28, 12, 4, 20], "step {step}");
            assert_eq!(frames.concat(), stream);
            assert_eq!(framer.pending(), 0);
            assert_eq!(framer.buffer.capacity(), 0);
        }
    }

    #[test]
    fn the_longest_frames_are_bounded() {
        assert_eq!(frame_len(&[0x40, 0, 0xFF, 0xFF]), Ok(Some(4 + 65_536)));
        assert_eq!(frame_len(&[0, 1, 0xFF, 0xFC]), Ok(Some(MAX_FRAME)));
        let mut framer = Framer::new();
        for _ in 0..66 {
            framer.push(&[0x40; 1000]);
            while framer.next_frame().unwrap().is_some() {}
            assert!(framer.pending() <= MAX_FRAME);
        }
    }

    #[test]
    fn a_stream_that_is_not_turn_is_refused_at_once() {
        for bytes in [
            &[0x16, 3, 1][..],
            &[0x80, 0, 0, 0],
            &[0x80],
            &[0, 1, 0, 3],
            &[0, 1, 0, 0, 0x20],
            &[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x43],
        ] {
            let mut framer = Framer::new();
            framer.push(bytes);
            assert_eq!(framer.next_frame(), Err(NotTurn), "{bytes:02x?}");
        }
    }
}
