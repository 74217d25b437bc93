//! A TCP stream in pieces of any size: the same frames, the same end.

use pjauth::stun::{Framer, MAX_FRAME, NotTurn, frame_len};

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
    let mut framer = Framer::new();
    let mut frames = Vec::new();
    let mut at = 0;
    while at < stream.len() {
        let end = at.saturating_add(size(at)).min(stream.len());
        framer.push(&stream[at..end]);
        at = end;
        loop {
            match framer.next_frame() {
                Ok(Some(frame)) => {
                    assert_eq!(frame_len(frame), Ok(Some(frame.len())));
                    frames.push(frame.to_vec());
                }
                Ok(None) => break,
                Err(NotTurn) => return (frames, Err(NotTurn)),
            }
        }
        assert!(framer.pending() < MAX_FRAME);
    }
    (frames, Ok(framer.pending()))
}
