//! Cuts a client's TCP stream into messages (RFC 8489, 6.2.2; RFC 8656, 12.5).
#![forbid(unsafe_code)]

use crate::stun::message::MAGIC_COOKIE;

/// The longest frame: a STUN message of the greatest length. ChannelData is
/// shorter.
pub const MAX_FRAME: usize = 20 + 65_532;

/// A stream that is neither STUN nor ChannelData: close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTurn;

/// Length of the frame at the head of a stream, with padding; `None` when too
/// little of it is there.
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

    /// The lengths of the frames of a stream that comes in pieces of this size.
    fn lengths(stream: &[u8], step: usize) -> Vec<usize> {
        let (mut start, mut lengths) = (0, Vec::new());
        for end in (0..stream.len()).step_by(step).map(|at| at + step) {
            let there = &stream[..end.min(stream.len())];
            while let Some(len) = frame_len(&there[start..]).unwrap() {
                if start + len > there.len() {
                    break;
                }
                lengths.push(len);
                start += len;
            }
        }
        assert_eq!(start, stream.len());
        lengths
    }

    #[test]
    fn frames_come_whole_however_the_stream_is_cut() {
        let mut stream = binding(8);
        stream.extend_from_slice(&[0x40, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0]);
        stream.extend_from_slice(&[0x7F, 0xFF, 0, 0]);
        stream.extend_from_slice(&binding(0));
        for step in 1..=stream.len() {
            assert_eq!(lengths(&stream, step), [28, 12, 4, 20], "step {step}");
        }
    }

    #[test]
    fn the_longest_frames_are_bounded() {
        assert_eq!(frame_len(&[0x40, 0, 0xFF, 0xFF]), Ok(Some(4 + 65_536)));
        assert_eq!(frame_len(&[0, 1, 0xFF, 0xFC]), Ok(Some(MAX_FRAME)));
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
            assert_eq!(frame_len(bytes), Err(NotTurn), "{bytes:02x?}");
        }
    }
}
