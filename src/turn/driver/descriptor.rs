//! What a worker's descriptors are waited for under.
#![forbid(unsafe_code)]

/// Names a descriptor of a worker. A name may outlive its descriptor by a few
/// events: whoever stands there then finds nothing to read, which is harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descriptor {
    Wake,
    Listener(usize),
    Relay(usize),
    Connection(usize),
    /// A connection with a peer.
    Peer(usize),
    /// What the kernel says of the host's addresses.
    Monitor,
}

impl Descriptor {
    pub fn pack(self) -> u64 {
        match self {
            Descriptor::Wake => 0,
            Descriptor::Listener(index) => 1 << 32 | index as u64,
            Descriptor::Relay(index) => 2 << 32 | index as u64,
            Descriptor::Connection(index) => 3 << 32 | index as u64,
            Descriptor::Monitor => 4 << 32,
            Descriptor::Peer(index) => 5 << 32 | index as u64,
        }
    }

    pub fn unpack(bits: u64) -> Self {
        let index = bits as u32 as usize;
        match bits >> 32 {
            1 => Descriptor::Listener(index),
            2 => Descriptor::Relay(index),
            3 => Descriptor::Connection(index),
            4 => Descriptor::Monitor,
            5 => Descriptor::Peer(index),
            _ => Descriptor::Wake,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Descriptor;

    #[test]
    fn descriptors_survive_the_kernel() {
        for descriptor in [
            Descriptor::Wake,
            Descriptor::Monitor,
            Descriptor::Listener(3),
            Descriptor::Relay(0),
            Descriptor::Peer(7),
            Descriptor::Connection(u32::MAX as usize),
        ] {
            assert_eq!(Descriptor::unpack(descriptor.pack()), descriptor);
        }
    }
}
