//! What a server has done so far, in numbers: the one list of them.
//!
//! A new counter is an entry below, under `Later`, and a line that counts where
//! it happens. The structure that C sees, the sum over cores and drivers, the
//! metrics and `pjauth_turn_server_counter()` are made from the list.
#![forbid(unsafe_code)]

use crate::stun::errors;

/// Makes [`Counters`] of the two structures: the one that C sees, which stays as
/// it is, and that of figures which came later.
///
/// A figure is shown to Prometheus as a counter of its own name; what stands in
/// `#[metric]` is another name, and what it is: of a `longest` the largest counts, and not
/// the sum.
macro_rules! counters {
    (
        $(#[$c_attribute:meta])*
        pub struct pjauth_turn_counters {
            $(
                $(#[doc = $c_help:literal])+
                $(#[metric($c_metric:literal, $c_kind:literal)])?
                pub $c_name:ident: u64,
            )+
        }

        $(#[$later_attribute:meta])*
        struct Later {
            $(
                $(#[doc = $help:literal])+
                $(#[metric($metric:literal, $kind:literal)])?
                pub $name:ident: u64,
            )*
        }
    ) => {
        $(#[$c_attribute])*
        #[allow(non_camel_case_types)]
        pub struct pjauth_turn_counters {
            $($(#[doc = $c_help])+ pub $c_name: u64,)+
        }

        /// All figures, of one core, of one driver, or summed up.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[doc = $c_help])+ pub $c_name: u64,)+
            $($(#[doc = $help])+ pub $name: u64,)*
            /// Error responses by their code, as in [`errors::ALL`]; last those of others.
            pub codes: [u64; errors::ALL.len() + 1],
        }

        impl Counters {
            /// Each figure as Prometheus shows it.
            pub fn each(&self) -> impl Iterator<Item = Metric> {
                let own = [
                    $(Metric::new(
                        concat!(stringify!($c_name), "_total"),
                        [$(($c_metric, $c_kind))?].first(),
                        concat!($($c_help),+),
                        self.$c_name,
                    ),)+
                    $(Metric::new(
                        concat!(stringify!($name), "_total"),
                        [$(($metric, $kind))?].first(),
                        concat!($($help),+),
                        self.$name,
                    ),)*
                ];
                own.into_iter().chain(self.each_code())
            }

            /// Adds another core's or driver's figures.
            pub fn add(&mut self, other: &Counters) {
                $(self.$c_name += other.$c_name;)+
                $(join(&mut self.$name, other.$name, [$($kind)?].first());)*
                for (own, other) in self.codes.iter_mut().zip(other.codes) {
                    *own += other;
                }
            }

            /// Those that C's structure has.
            pub fn to_c(&self) -> pjauth_turn_counters {
                pjauth_turn_counters { $($c_name: self.$c_name,)+ }
            }
        }
    };
}

/// Puts two cores' figures of one kind together.
fn join(own: &mut u64, other: u64, kind: Option<&&str>) {
    *own = match kind {
        Some(&LONGEST) => other.max(*own),
        _ => *own + other,
    };
}

/// Of such a figure the largest counts.
const LONGEST: &str = "longest";

impl Counters {
    /// Counts an error response.
    pub fn count_code(&mut self, code: u16) {
        let known = errors::ALL.iter().position(|(known, _)| *known == code);
        self.codes[known.unwrap_or(errors::ALL.len())] += 1;
    }

    fn each_code(&self) -> impl Iterator<Item = Metric> {
        let codes = errors::ALL.iter().map(|(_, text)| *text);
        let named = codes.chain(["other"]).zip(self.codes);
        named.map(|(code, value)| Metric {
            name: "error_responses_total",
            code: Some(code),
            kind: "counter",
            help: "Error responses by their code.",
            value,
        })
    }
}

/// One figure as Prometheus shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, without the prefix that all have.
    pub name: &'static str,
    /// Its label of that name, if it has one.
    pub code: Option<&'static str>,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// What it means.
    pub help: &'static str,
    /// What it is now.
    pub value: u64,
}

impl Metric {
    fn new(
        name: &'static str,
        other: Option<&(&'static str, &'static str)>,
        help: &'static str,
        value: u64,
    ) -> Self {
        let (name, kind) = *other.unwrap_or(&(name, "counter"));
        let kind = if kind == LONGEST { "gauge" } else { kind };
        let help = help.trim_ascii();
        Metric {
            name,
            code: None,
            kind,
            help,
            value,
        }
    }
}

counters! {
    /// Figures of a server since it was started; those from `allocations` on are of
    /// the moment.
    #[repr(C)]
    #[derive(Default)]
    pub struct pjauth_turn_counters {
        /// Allocations created.
        pub allocations_created: u64,
        /// Allocations ended.
        pub allocations_removed: u64,
        /// Packets relayed from clients to peers.
        pub packets_to_peers: u64,
        /// Payload bytes relayed from clients to peers.
        pub bytes_to_peers: u64,
        /// Packets relayed from peers to clients.
        pub packets_to_clients: u64,
        /// Payload bytes relayed from peers to clients.
        pub bytes_to_clients: u64,
        /// Packets handed from one allocation to another inside the server.
        pub packets_inside: u64,
        /// Packets dropped for want of an allocation, a channel or a permission.
        pub packets_denied: u64,
        /// Packets dropped because a rate or limit was used up.
        pub packets_limited: u64,
        /// Datagrams that the kernel did not take.
        pub packets_unsent: u64,
        /// Packets dropped on the way from one worker to another.
        pub packets_overrun: u64,
        /// Packets dropped because a TCP client read too slowly.
        pub packets_unread: u64,
        /// Messages from clients that were no STUN and no ChannelData.
        pub malformed: u64,
        /// STUN requests.
        pub requests: u64,
        /// Success responses.
        pub successes: u64,
        /// Error responses other than 401 and 438.
        pub errors: u64,
        /// 401 and 438 responses.
        pub challenges: u64,
        /// Error and Binding responses not sent because a source had too many.
        pub challenges_suppressed: u64,
        /// Retransmissions answered from the cache or absorbed by a held request.
        pub retransmissions: u64,
        /// Requests put to the observer.
        pub asked: u64,
        /// Requests that waited for a later decision.
        #[metric("held_total", "counter")]
        pub held_total: u64,
        /// Of these, those that nobody decided in time.
        pub held_expired: u64,
        /// Requests that could not wait because a bound was reached.
        pub held_refused: u64,
        /// Allocations that exist now.
        #[metric("allocations", "gauge")]
        pub allocations: u64,
        /// Requests that wait for a later decision now.
        #[metric("held_requests", "gauge")]
        pub held: u64,
        /// TCP connections that are open now.
        #[metric("connections", "gauge")]
        pub connections: u64,
    }

    /// Figures that came after the structure was fixed.
    struct Later {
        /// Requests whose key was not looked at, because too many wrong ones had come
        /// from the source or for the user.
        pub guesses_suppressed: u64,
        /// ICMP errors that clients were told of.
        pub icmp_errors: u64,
        /// Connections that ended because of the PROXY protocol: a proxy's without a
        /// good header, and others with one.
        pub proxy_refused: u64,
        /// Datagrams that the kernel dropped because nobody took them in time: those for
        /// listeners, and those for relays that are closed.
        pub packets_dropped: u64,
        /// Microseconds that requests put to the observer waited for a decision, in all.
        pub question_microseconds: u64,
        /// Microseconds of the longest call of an observer's function.
        #[metric("observer_longest_microseconds", "longest")]
        pub observer_longest: u64,
        /// Ports that relays have now.
        #[metric("relay_ports_used", "gauge")]
        pub ports_used: u64,
        /// Ports that rest now before the next relay gets them.
        #[metric("relay_ports_resting", "gauge")]
        pub ports_resting: u64,
        /// Sources that get no error or Binding responses over UDP now.
        #[metric("sources_unanswered", "gauge")]
        pub sources_unanswered: u64,
        /// Sources and users of which no key is looked at now.
        #[metric("guessers_suppressed", "gauge")]
        pub guessers_suppressed: u64,
        /// Connections made to peers for Connect requests (RFC 6062).
        pub connects: u64,
        /// Connect requests whose peer could not be reached in time.
        pub connects_failed: u64,
        /// Connections from peers that clients were told of.
        pub peers_accepted: u64,
        /// Connections from peers that were closed for want of a permission, or because
        /// a bound was reached.
        pub peers_denied: u64,
        /// Connections with peers that are open or being made now.
        #[metric("peer_connections", "gauge")]
        pub peer_connections: u64,
        /// TLS handshakes that came to their end.
        pub handshakes: u64,
        /// Of these, those of clients that came back with a ticket.
        pub handshakes_resumed: u64,
        /// TLS handshakes that failed, took too long, or whose client left.
        pub handshakes_failed: u64,
        /// Connections that ended because too many TLS handshakes went on.
        pub handshakes_refused: u64,
        /// Connections to a TLS listener whose client spoke no TLS.
        pub tls_missing: u64,
        /// Connections to a TCP listener whose client spoke TLS.
        pub tls_unexpected: u64,
        /// Packets that the program in the kernel has relayed. The figures above have them too.
        pub packets_by_kernel: u64,
        /// Channels that the kernel had no room for.
        pub kernel_refused: u64,
    }
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
            held: 4,
            ..Counters::default()
        });
        let named = |name| sum.each().find(|metric| metric.name == name);
        let requests = named("requests_total").unwrap();
        assert_eq!((requests.kind, requests.value), ("counter", 5));
        assert_eq!(requests.help, "STUN requests.");
        let held = named("held_requests").unwrap();
        assert_eq!((held.kind, held.value), ("gauge", 4));
        assert_eq!((sum.to_c().requests, sum.to_c().malformed), (5, 1));
    }

    #[test]
    fn the_longest_of_all_counts_and_errors_have_their_codes() {
        let mut sum = Counters::default();
        for (took, code) in [(3, 401), (7, 486), (5, 486), (1, 499)] {
            let mut of_one = Counters {
                observer_longest: took,
                ..Counters::default()
            };
            of_one.count_code(code);
            sum.add(&of_one);
        }
        assert_eq!(sum.observer_longest, 7);
        let of = |code| sum.each().find(|m| m.code == Some(code)).unwrap().value;
        assert_eq!((of("401"), of("486"), of("other"), of("508")), (1, 2, 1, 0));
    }

    #[test]
    fn no_two_metrics_share_a_name() {
        let metrics = Counters::default();
        let mut names: Vec<_> = metrics.each().map(|m| (m.name, m.code)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
