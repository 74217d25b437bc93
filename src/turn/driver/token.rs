//! What a worker's descriptors are waited for under.
#![forbid(unsafe_code)]

/// Names a descriptor of a worker. A name may outlive its descriptor by a few
/// events: whoever stands there then finds nothing to read, which is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Wake,
    Listener(usize),
    Relay(usize),
    Connection(usize),
}

impl Token {
    pub fn pack(self) -> u64 {
        match self {
            Token::Wake => 0,
            Token::Listener(index) => 1 << 32 | index as u64,
            Token::Relay(index) => 2 << 32 | index as u64,
            Token::Connection(index) => 3 << 32 | index as u64,
        }
    }

    pub fn unpack(bits: u64) -> Self {
        let index = bits as u32 as usize;
        match bits >> 32 {
            1 => Token::Listener(index),
            2 => Token::Relay(index),
            3 => Token::Connection(index),
            _ => Token::Wake,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn tokens_survive_the_kernel() {
        for token in [
            Token::Wake,
            Token::Listener(3),
            Token::Relay(0),
            Token::Connection(u32::MAX as usize),
        ] {
            assert_eq!(Token::unpack(token.pack()), token);
        }
    }
}
