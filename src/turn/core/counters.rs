//! What a core has done so far, in numbers.
#![forbid(unsafe_code)]

/// Declares the counters once: as fields and as a list to print.
macro_rules! counters {
    ($($(#[doc = $help:literal])+ $name:ident,)+) => {
        /// Figures that only grow, except where a name says otherwise. The
        /// sum over cores is the server's figure.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[doc = $help])+ pub $name: u64,)+
        }

        impl Counters {
            /// Name, meaning and value of each, ready for a text exporter.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), concat!($($help),+).trim_ascii(), self.$name)),+].into_iter()
            }

            /// Adds another core's figures.
            pub fn add(&mut self, other: &Counters) {
                $(self.$name += other.$name;)+
            }
        }
    };
}

counters! {
    /// Allocations created.
    allocations_created,
    /// Allocations ended.
    allocations_removed,
    /// Packets relayed from clients to peers.
    packets_to_peers,
    /// Payload bytes relayed from clients to peers.
    bytes_to_peers,
    /// Packets relayed from peers to clients.
    packets_to_clients,
    /// Payload bytes relayed from peers to clients.
    bytes_to_clients,
    /// Packets handed from one allocation to another inside the server.
    packets_inside,
    /// Packets from clients or peers dropped for want of an allocation, a
    /// channel or a permission.
    packets_denied,
    /// Packets dropped because a rate was used up.
    packets_limited,
    /// Messages from clients that were no STUN and no ChannelData.
    malformed,
    /// STUN requests.
    requests,
    /// Success responses.
    successes,
    /// Error responses other than 401 and 438.
    errors,
    /// 401 and 438 responses.
    challenges,
    /// Error responses not sent because a source had too many.
    challenges_suppressed,
    /// Retransmissions answered from the cache or absorbed by a held request.
    retransmissions,
    /// Requests put to the observer.
    asked,
    /// Requests that waited for a later decision.
    held,
    /// Held requests that nobody decided in time.
    held_expired,
    /// Requests that could not wait because a bound was reached.
    held_refused,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_list_themselves_and_add_up() {
        let mut sum = Counters {
            requests: 2,
            ..Counters::default()
        };
        sum.add(&Counters {
            requests: 3,
            malformed: 1,
            ..Counters::default()
        });
        let found = sum.each().find(|(name, ..)| *name == "requests");
        assert_eq!(found, Some(("requests", "STUN requests.", 5)));
        assert_eq!(sum.malformed, 1);
    }
}
