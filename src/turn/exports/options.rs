//! Options as C gives them.

use core::ffi::c_uint;
use core::mem::{self, MaybeUninit};
use std::time::Duration;

use crate::turn::auth::credentials::Algorithm;
use crate::turn::core::action::Grant;
use crate::turn::driver::{KernelWish, Level, Options, Proxies};
use crate::turn::policy::limits::{Frequency, Rate};
use crate::turn::status::{EINVAL, Status};

use super::arrays::{each, read_listener, read_range, read_ranges, read_relay};
use super::logger::logger;
use super::options_types::{
    PJAUTH_TURN_KERNEL_OFF, PJAUTH_TURN_KERNEL_ON, PJAUTH_TURN_KERNEL_REQUIRED, pjauth_turn_options,
};
use super::peers::{PeerFunction, PeerFunctions};
use super::strings;
use super::tls::{read_authorities, read_certificates};
use super::types::{PJAUTH_TURN_MD5, PJAUTH_TURN_SHA256, PJAUTH_TURN_UNLIMITED};

/// Fills in the defaults.
///
/// @param options  What to fill in.
/// @param size     `sizeof(*options)`: a program compiled with an older header
///                 has a shorter structure. Of a longer one only what this
///                 library knows is filled in, and `options->size` says how much.
/// @return 0, or PJ_EINVAL for a NULL or a size below that of every version.
///
/// Since 0.1.0.
///
/// # Safety
/// `options` is NULL or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_turn_options_init(
    options: *mut pjauth_turn_options,
    size: usize,
) -> Status {
    if options.is_null() || size < mem::offset_of!(pjauth_turn_options, listeners) {
        return EINVAL;
    }
    let full = mem::size_of::<pjauth_turn_options>();
    let mut defaults = defaults();
    defaults.size = size.min(full);
    // SAFETY: the caller's room has `size` bytes, and the defaults have `full`.
    unsafe {
        core::ptr::copy_nonoverlapping(
            (&raw const defaults).cast::<u8>(),
            options.cast::<u8>(),
            size.min(full),
        );
    }
    super::super::status::SUCCESS
}

fn defaults() -> pjauth_turn_options {
    let Options {
        config,
        ports,
        port_rest,
        streams,
        kernel,
        ..
    } = Options::default();
    let seconds = |duration: Duration| duration.as_secs() as c_uint;
    let millis = |duration: Duration| duration.as_millis() as c_uint;
    pjauth_turn_options {
        size: mem::size_of::<pjauth_turn_options>(),
        realm: c"pjauth".as_ptr(),
        software: core::ptr::null(),
        listeners: core::ptr::null(),
        listener_count: 0,
        relays: core::ptr::null(),
        relay_count: 0,
        min_port: *ports.start(),
        max_port: *ports.end(),
        workers: 0,
        algorithms: ALGORITHMS,
        default_lifetime: seconds(config.default_lifetime),
        max_lifetime: seconds(config.max_lifetime),
        nonce_lifetime: seconds(config.nonce_lifetime),
        max_allocations: config.max_allocations as c_uint,
        user_quota: 0,
        max_permissions: config.max_permissions as c_uint,
        max_channels: config.max_channels as c_uint,
        max_held: config.max_held as c_uint,
        max_held_per_source: config.max_held_per_source,
        held_deadline_msec: millis(config.held_deadline),
        challenges_per_second: (1000 / config.challenges.every.as_millis().max(1)) as c_uint,
        challenge_burst: config.challenges.burst,
        max_connections: streams.total,
        max_connections_per_source: streams.per_source,
        connection_idle_msec: millis(streams.idle),
        connection_backlog: streams.backlog as c_uint,
        connection_stall_msec: millis(streams.stall),
        bandwidth_limit: PJAUTH_TURN_UNLIMITED,
        rate: PJAUTH_TURN_UNLIMITED,
        rate_burst: 262_144,
        allow: core::ptr::null(),
        allow_count: 0,
        deny: core::ptr::null(),
        deny_count: 0,
        secret: core::ptr::null(),
        ask_each: 0,
        userhash: 0,
        log: None,
        log_user_data: core::ptr::null_mut(),
        binding: 1,
        nat64: core::ptr::null(),
        nat64_count: 0,
        kernel: PJAUTH_TURN_KERNEL_OFF,
        kernel_channels: kernel.channels,
        kernel_interfaces: core::ptr::null(),
        kernel_interface_count: 0,
        guesses_per_minute: config.guesses.map_or(0, per_minute),
        port_rest_msec: millis(port_rest),
        guess_burst: config.guesses.map_or(0, |guesses| guesses.burst),
        proxies: core::ptr::null(),
        proxy_count: 0,
        on_peer: None,
        on_peer_user_data: core::ptr::null_mut(),
        on_peer_end: None,
        certificates: core::ptr::null(),
        certificate_count: 0,
        client_authorities: core::ptr::null(),
        client_certificate_required: 0,
        max_handshakes: streams.handshakes,
        max_handshakes_per_source: streams.handshakes_per_source,
        handshake_msec: millis(streams.handshake),
        tcp_relays: config.tcp_relays.into(),
        max_peer_connections: config.max_connections as c_uint,
    }
}

/// The caller's options, with defaults for what its version did not have.
///
/// # Safety
/// NULL, or options of which `size` bytes are initialised.
pub unsafe fn copy(options: *const pjauth_turn_options) -> Result<pjauth_turn_options, Status> {
    if options.is_null() {
        return Err(EINVAL);
    }
    // SAFETY: the caller's structure begins with its size.
    let size = unsafe { (*options).size };
    let full = mem::size_of::<pjauth_turn_options>();
    if size < mem::offset_of!(pjauth_turn_options, listeners) || size > full {
        return Err(EINVAL);
    }
    let mut copied = MaybeUninit::new(defaults());
    // SAFETY: `size` bytes of the caller's are initialised, and no more than
    // ours; the rest keep the defaults. Every field of C's is a value of ours.
    Ok(unsafe {
        core::ptr::copy_nonoverlapping(
            options.cast::<u8>(),
            copied.as_mut_ptr().cast::<u8>(),
            size,
        );
        copied.assume_init()
    })
}

/// What the options say. Where one has no sense, the caller's log tells which.
///
/// # Safety
/// Pointers and counts in the options belong together.
pub unsafe fn read(c: &pjauth_turn_options) -> Result<(Options, Grant), Status> {
    let tell = |level, line: String| {
        if let Some(log) = c.log {
            logger(log, c.log_user_data)(level, &line);
        }
    };
    // SAFETY: as the caller promises.
    let (options, terms) = unsafe { read_all(c) }.map_err(|option| {
        tell(Level::Error, format!("not a value for the option {option}"));
        EINVAL
    })?;
    if let Some(rate) = terms.rate.filter(|rate| rate.burst < LARGE_PACKET) {
        let line = format!("rate_burst is {}: no larger packet ever passes", rate.burst);
        tell(Level::Warning, line);
    }
    Ok((options, terms))
}

/// What fits into one frame of Ethernet, and clients send.
const LARGE_PACKET: u64 = 1500;

/// Who hears of permissions and channels.
pub fn on_peer(c: &pjauth_turn_options) -> PeerFunctions {
    let with_data = |function| PeerFunction::new(function, c.on_peer_user_data);
    PeerFunctions {
        begins: c.on_peer.map(with_data),
        ends: c.on_peer_end.map(with_data),
    }
}

/// The name of an option that has no sense.
type BadOption = &'static str;

/// # Safety
/// Pointers and counts in the options belong together.
unsafe fn read_all(c: &pjauth_turn_options) -> Result<(Options, Grant), BadOption> {
    let bad = |option: BadOption| move |_: Status| option;
    let mut options = Options::default();
    // SAFETY: the caller's strings, terminated.
    unsafe {
        options.config.realm = strings::read(c.realm).map_err(bad("realm"))?.to_owned();
        if !c.software.is_null() {
            options.config.software = strings::read(c.software)
                .map_err(bad("software"))?
                .to_owned();
        }
    }
    // SAFETY: the caller's arrays, as long as their counts say.
    unsafe {
        let listeners = each(c.listeners, c.listener_count, |l| read_listener(l));
        for listeners in listeners.map_err(bad("listeners"))? {
            let first = options.listeners.len();
            options.listeners.extend(listeners);
            options.same_port.push(first..options.listeners.len());
        }
        for range in read_ranges(c.nat64, c.nat64_count).map_err(bad("nat64"))? {
            if !options.config.policy.nat64(range) {
                return Err("nat64");
            }
        }
        options.relays = each(c.relays, c.relay_count, |r| read_relay(r)).map_err(bad("relays"))?;
        for range in each(c.allow, c.allow_count, |r| read_range(*r)).map_err(bad("allow"))? {
            options.config.policy.allow(range);
        }
        for range in each(c.deny, c.deny_count, |r| read_range(*r)).map_err(bad("deny"))? {
            options.config.policy.deny(range);
        }
        let proxies = each(c.proxies, c.proxy_count, |r| read_range(*r));
        options.proxies = Proxies::new(proxies.map_err(bad("proxies"))?);
        let certificates = read_certificates(c.certificates, c.certificate_count);
        options.tls.certificates = certificates.map_err(bad("certificates"))?;
        let authorities = read_authorities(c.client_authorities);
        options.tls.authorities = authorities.map_err(bad("client_authorities"))?;
        let names = each(c.kernel_interfaces, c.kernel_interface_count, |name| {
            strings::read(*name).map(str::to_owned)
        });
        options.kernel.interfaces = names.map_err(bad("kernel_interfaces"))?;
        if !c.secret.is_null() {
            options.secret = Some(c.secret.cast::<[u8; 32]>().read());
        }
    }
    numbers(c, &mut options)?;
    if let Some(log) = c.log {
        options.log = logger(log, c.log_user_data);
    }
    let terms = Grant {
        byte_cap: limit(c.bandwidth_limit),
        rate: rate(c.rate, c.rate_burst),
        ..Grant::default()
    };
    Ok((options, terms))
}

fn numbers(c: &pjauth_turn_options, options: &mut Options) -> Result<(), BadOption> {
    let seconds = |n: c_uint| Duration::from_secs(n.into());
    let millis = |n: c_uint| Duration::from_millis(n.into());
    let config = &mut options.config;
    if c.algorithms == 0 || c.algorithms & !ALGORITHMS != 0 {
        return Err("algorithms");
    }
    // The strongest first.
    let wanted = |algorithm: &Algorithm| c.algorithms & algorithm_number(*algorithm) != 0;
    config.algorithms = Algorithm::ALL.into_iter().rev().filter(wanted).collect();
    let never_zero = [
        (c.challenges_per_second, "challenges_per_second"),
        (c.default_lifetime, "default_lifetime"),
        (c.max_lifetime, "max_lifetime"),
    ];
    if let Some((_, option)) = never_zero.iter().find(|(number, _)| *number == 0) {
        return Err(option);
    }
    config.userhash = c.userhash != 0;
    config.ask_each = c.ask_each != 0;
    config.tcp_relays = c.tcp_relays != 0;
    config.max_connections = c.max_peer_connections as usize;
    config.max_connections_in_all = c.max_connections as usize;
    config.binding = c.binding != 0;
    config.guesses = (c.guesses_per_minute > 0).then(|| Frequency {
        every: Duration::from_secs(60) / c.guesses_per_minute,
        burst: c.guess_burst,
    });
    config.default_lifetime = seconds(c.default_lifetime);
    config.max_lifetime = seconds(c.max_lifetime);
    config.nonce_lifetime = seconds(c.nonce_lifetime);
    config.max_allocations = c.max_allocations as usize;
    config.user_quota = (c.user_quota > 0).then_some(c.user_quota);
    config.max_permissions = c.max_permissions as usize;
    config.max_channels = c.max_channels as usize;
    config.max_held = c.max_held as usize;
    config.max_held_per_source = c.max_held_per_source;
    config.held_deadline = millis(c.held_deadline_msec);
    config.challenges = Frequency {
        every: Duration::from_secs(1) / c.challenges_per_second,
        burst: c.challenge_burst,
    };
    options.kernel.channels = c.kernel_channels;
    options.kernel.wish = match c.kernel {
        PJAUTH_TURN_KERNEL_OFF => KernelWish::Off,
        PJAUTH_TURN_KERNEL_ON => KernelWish::On,
        PJAUTH_TURN_KERNEL_REQUIRED => KernelWish::Required,
        _ => return Err("kernel"),
    };
    options.ports = c.min_port..=c.max_port;
    options.port_rest = millis(c.port_rest_msec);
    options.config.tell_peers = c.on_peer.is_some() || c.on_peer_end.is_some();
    options.workers = c.workers as usize;
    options.streams.total = c.max_connections;
    options.streams.per_source = c.max_connections_per_source;
    options.streams.idle = millis(c.connection_idle_msec);
    options.streams.backlog = c.connection_backlog as usize;
    options.streams.stall = millis(c.connection_stall_msec);
    options.tls.must_certify = c.client_certificate_required != 0;
    options.streams.handshakes = c.max_handshakes;
    options.streams.handshakes_per_source = c.max_handshakes_per_source;
    options.streams.handshake = millis(c.handshake_msec);
    Ok(())
}

fn per_minute(frequency: Frequency) -> c_uint {
    (60_000 / frequency.every.as_millis().max(1)) as c_uint
}

/// All that the option `algorithms` may name.
const ALGORITHMS: c_uint = {
    let (mut all, mut i) = (0, 0);
    while i < Algorithm::ALL.len() {
        all |= algorithm_number(Algorithm::ALL[i]);
        i += 1;
    }
    all
};

/// An algorithm's number in C, which is a bit.
pub const fn algorithm_number(algorithm: Algorithm) -> c_uint {
    match algorithm {
        Algorithm::Md5 => PJAUTH_TURN_MD5,
        Algorithm::Sha256 => PJAUTH_TURN_SHA256,
    }
}

/// `None` for PJAUTH_TURN_UNLIMITED.
pub fn limit(bytes: u64) -> Option<u64> {
    (bytes != PJAUTH_TURN_UNLIMITED).then_some(bytes)
}

/// `None` for PJAUTH_TURN_UNLIMITED.
pub fn rate(bytes_per_second: u64, burst: u64) -> Option<Rate> {
    limit(bytes_per_second).map(|bytes_per_second| Rate {
        bytes_per_second,
        burst,
    })
}
