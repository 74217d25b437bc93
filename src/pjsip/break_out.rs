//! Texts that would break out of the header they are put into, or of its quotes.
#![forbid(unsafe_code)]

/// Whether a text could end the header it is put into: has it a control character but
/// for the tab, which is white space in a quoted string (RFC 3261 section 25.1)?
#[inline]
pub fn breaks_out(text: &[u8]) -> bool {
    is_suspect(text) && text.iter().any(is_control)
}

/// Whether a text could end the quoted string it is put into as it stands, with the quotes
/// and backslashes in it: by a quote without a backslash, or a backslash at its end.
#[inline]
pub fn breaks_out_of_quotes(text: &[u8]) -> bool {
    is_suspect(text) && (text.iter().any(is_control) || ends_quotes(text))
}

fn is_control(byte: &u8) -> bool {
    byte.is_ascii_control() && *byte != b'\t'
}

/// Quoted pairs (RFC 3261 section 25.1) as they stand.
fn ends_quotes(text: &[u8]) -> bool {
    let mut is_escaped = false;
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return true,
            _ => {}
        }
    }
    is_escaped
}

/// Whether there is a control character, a quote or a backslash at all: looks at eight
/// bytes at once, some of which may be looked at twice.
#[inline]
fn is_suspect(text: &[u8]) -> bool {
    let (words, _) = text.as_chunks::<8>();
    let add = |found, word: &[u8; 8]| found | suspects_in(u64::from_le_bytes(*word));
    match (text.last_chunk(), text.first_chunk(), text.last_chunk()) {
        (Some(last), _, _) => add(words.iter().fold(0, add), last) != 0,
        (None, Some(first), Some(last)) => {
            let halves = [*first, *last].map(|half| u64::from(u32::from_le_bytes(half)));
            suspects_in(halves[0] | halves[1] << 32) != 0
        }
        _ => text
            .iter()
            .any(|byte| byte.is_ascii_control() || matches!(byte, b'"' | b'\\')),
    }
}

/// Not zero where a byte of the word is below a blank, a DEL, a quote or a backslash: what
/// is subtracted then borrows the highest bit of a byte that had it not.
#[inline]
fn suspects_in(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let is = |byte: u8| (word ^ (ONES * u64::from(byte))).wrapping_sub(ONES);
    let below_blank = word.wrapping_sub(ONES * u64::from(b' '));
    (below_blank | is(0x7f) | is(b'"') | is(b'\\')) & !word & (ONES << 7)
}
