//! Configurations that work, and not as they are meant: what the log says of them at
//! the start.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};

use crate::turn::auth::credentials::Algorithm;
use crate::turn::policy::peers::{Verdict, is_special};
use crate::turn::state::five_tuple::{Listener, Transport};

use super::listeners::BUFFER;
use super::options::Options;

/// What clouds tell their machines there, credentials among it.
const METADATA: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 169, 254));
const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
/// Who may be anybody.
const ANYBODY: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(8, 8, 8, 8)), 0);

/// A line for each trap, of a server that clients reach at `bound`. One that only its own
/// host can reach falls into fewer.
pub fn warnings(options: &Options, bound: &[Listener]) -> Vec<String> {
    let config = &options.config;
    let mut lines = Vec::new();
    let mut warn = |is_one: bool, line: String| lines.extend(is_one.then_some(line));
    let is_reachable = bound.iter().any(|at| !at.address.ip().is_loopback());
    let opens = |ip: IpAddr| config.policy.judge(&ip, None) == Verdict::Allow;
    warn(
        is_reachable && opens(METADATA),
        format!("allow opens {METADATA}, where clouds keep a machine's credentials"),
    );
    warn(
        is_reachable && opens(LOOPBACK),
        format!("allow opens {LOOPBACK}: clients reach what trusts this host"),
    );
    let seen = seen(options, bound);
    let is_private = |ip: &IpAddr| is_special(ip) && !opens(*ip);
    warn(
        is_reachable && !seen.is_empty() && seen.iter().all(is_private),
        format!(
            "relays are at {} alone, where peers elsewhere send nothing: name what they see as \
             the external address",
            list(&seen)
        ),
    );
    let is_inside = |at: &&Listener| {
        at.transport == Transport::Udp && options.ports.contains(&at.address.port())
    };
    if let Some(listener) = bound.iter().find(is_inside).filter(|_| is_reachable) {
        warn(true, format!("{listener} is in the range of relay ports"));
    }
    let ports = options.ports.len();
    warn(
        options.ports != Options::default().ports && ports < config.max_allocations,
        format!(
            "the range of relay ports has {ports}: max_allocations ({}) will not be reached",
            config.max_allocations
        ),
    );
    warn(
        config.default_lifetime > config.max_lifetime,
        "default_lifetime is longer than max_lifetime, which holds".into(),
    );
    warn(
        config.algorithms == [Algorithm::Sha256],
        "algorithms has SHA-256 alone: clients of RFC 5389, browsers among them, cannot get in"
            .into(),
    );
    warn(
        is_reachable && config.guesses.is_none(),
        "guesses_per_minute is 0: passwords can be tried without a limit".into(),
    );
    warn(
        options.proxies.has(&ANYBODY),
        "proxies has everybody: whoever connects can claim any address".into(),
    );
    let is_stream = |at: &Listener| at.transport != Transport::Udp;
    warn(
        options.proxies.are_named() && !bound.iter().any(is_stream),
        "proxies has no listener but of UDP, where no proxy is heard".into(),
    );
    lines
}

/// A line where the kernel grants a listener that others can reach less room than it is
/// asked for.
pub fn small_buffer(granted: Option<usize>, bound: &[Listener]) -> Option<String> {
    let is_reachable = bound.iter().any(|at| !at.address.ip().is_loopback());
    let granted = granted.filter(|granted| *granted < BUFFER && is_reachable)?;
    Some(format!(
        "the kernel keeps {granted} bytes of what clients send at once, where {BUFFER} were asked \
         for: bursts are lost unless net.core.rmem_max is raised"
    ))
}

/// Where peers see relays; loopback is somebody's own affair.
fn seen(options: &Options, bound: &[Listener]) -> Vec<IpAddr> {
    let listeners = || bound.iter().map(|at| at.address.ip());
    let mut seen: Vec<IpAddr> = match options.relays.is_empty() {
        true => listeners().collect(),
        false => {
            let relays = options.relays.iter();
            let of = |ip: IpAddr| match ip.is_unspecified() {
                true => listeners()
                    .filter(|l| l.is_ipv4() == ip.is_ipv4())
                    .collect(),
                false => vec![ip],
            };
            relays.flat_map(|relay| of(relay.advertised)).collect()
        }
    };
    seen.retain(|ip| !ip.is_loopback());
    seen.sort_unstable();
    seen.dedup();
    seen
}

fn list(ips: &[IpAddr]) -> String {
    let texts: Vec<_> = ips.iter().map(IpAddr::to_string).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::driver::{Proxies, RelayAddress};
    use std::time::Duration;

    fn lines(at: &str, change: impl FnOnce(&mut Options)) -> Vec<String> {
        let mut options = Options::default();
        change(&mut options);
        let address = at.parse().unwrap();
        let transport = Transport::Udp;
        warnings(&options, &[Listener { transport, address }])
    }

    /// That there is one line, which says so.
    fn is_told(what: &str, at: &str, change: impl FnOnce(&mut Options)) {
        let lines = lines(at, change);
        assert!(
            lines.len() == 1 && lines[0].contains(what),
            "{what}: {lines:?}"
        );
    }

    const PUBLIC: &str = "11.0.0.5:3478";

    #[test]
    fn a_small_buffer_is_told_where_bursts_can_come() {
        let at = |address: &str| Listener {
            transport: Transport::Udp,
            address: address.parse().unwrap(),
        };
        let line = small_buffer(Some(212_992), &[at(PUBLIC)]).unwrap();
        assert!(
            line.contains("212992") && line.contains("rmem_max"),
            "{line}"
        );
        assert_eq!(small_buffer(Some(BUFFER), &[at(PUBLIC)]), None);
        assert_eq!(small_buffer(None, &[at(PUBLIC)]), None);
        assert_eq!(small_buffer(Some(212_992), &[at("127.0.0.1:3478")]), None);
    }

    #[test]
    fn a_sound_configuration_is_not_spoken_of() {
        let quiet = |at, change: fn(&mut Options)| assert!(lines(at, change).is_empty());
        quiet(PUBLIC, |_| {});
        quiet("127.0.0.1:50000", |options| {
            options.config.policy.allow("127.0.0.0/8".parse().unwrap());
            options.config.guesses = None;
        });
        quiet("10.0.0.5:3478", |options| {
            options.relays.push(RelayAddress {
                bind: "0.0.0.0".parse().unwrap(),
                advertised: "11.0.0.5".parse().unwrap(),
            });
        });
        // Whoever lets clients into the network that the relays are in.
        quiet("10.0.0.5:3478", |options| {
            options.config.policy.allow("10.0.0.0/8".parse().unwrap());
        });
    }

    #[test]
    fn each_trap_is_told() {
        is_told("169.254.169.254", PUBLIC, |options| {
            options
                .config
                .policy
                .allow("169.254.169.254".parse().unwrap());
        });
        is_told("127.0.0.1", PUBLIC, |options| {
            options.config.policy.allow("127.0.0.1".parse().unwrap());
        });
        is_told("10.0.0.5 alone", "10.0.0.5:3478", |_| {});
        is_told("range of relay ports", "11.0.0.5:50000", |_| {});
        is_told("has 1000", PUBLIC, |options| options.ports = 50000..=50999);
        is_told("max_lifetime", PUBLIC, |options| {
            options.config.max_lifetime = Duration::from_secs(60);
        });
        is_told("SHA-256 alone", PUBLIC, |options| {
            options.config.algorithms = vec![Algorithm::Sha256];
        });
        is_told("guesses_per_minute", PUBLIC, |options| {
            options.config.guesses = None;
        });
        let proxies = |range: &str| Proxies::new(vec![range.parse().unwrap()]);
        is_told("no listener but of UDP", PUBLIC, |options| {
            options.proxies = proxies("10.0.0.1");
        });
        let both = lines(PUBLIC, |options| options.proxies = proxies("0.0.0.0/0"));
        assert!(
            both.iter().any(|line| line.contains("everybody")),
            "{both:?}"
        );
    }
}
