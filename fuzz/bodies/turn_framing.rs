//! A TCP stream in pieces of any size: the same frames, the same end.

use pjauth::stun::{MAX_FRAME, NotTurn, frame_len};

pub fn run(data: &[u8]) {
    let Some((seed, stream)) = data.split_first() else {
        return;
    };
    let whole = cut(stream, |_| usize::MAX);
    let mut state = u64::from(*seed) + 1;
    let pieces = cut(stream, |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        1 + (state >> 33) as usize % 97
    });
    assert_eq!(pieces, cut(stream, |_| 1));
    assert_eq!(pieces, whole);

    let (frames, end) = whole;
    let taken: usize = frames.iter().map(Vec::len).sum();
    assert_eq!(
        frames.concat(),
        stream[..taken],
        "nothing is lost or made up"
    );
    match end {
        Ok(pending) => assert_eq!(taken + pending, stream.len()),
        Err(NotTurn) => assert_eq!(frame_len(&stream[taken..]), Err(NotTurn)),
    }
}

/// The frames of a stream that comes in pieces, and how it ended: with so many
/// bytes waiting, or broken.
fn cut(
    stream: &[u8],
    mut size: impl FnMut(usize) -> usize,
) -> (Vec<Vec<u8>>, Result<usize, NotTurn>) {
    let mut frames = Vec::new();
    let (mut start, mut end) = (0, 0);
    while end < stream.len() {
        end = end.saturating_add(size(end)).min(stream.len());
        loop {
            match frame_len(&stream[start..end]) {
                Ok(Some(len)) if start + len <= end => {
                    let frame = &stream[start..start + len];
                    assert_eq!(frame_len(frame), Ok(Some(len)));
                    frames.push(frame.to_vec());
                    start += len;
                }
                Ok(_) => break,
                Err(NotTurn) => return (frames, Err(NotTurn)),
            }
        }
        assert!(end - start < MAX_FRAME);
    }
    (frames, Ok(end - start))
}
