//! Socket options that `socket2` does not know.

use std::os::fd::RawFd;

use super::events::checked;

/// Lets the kernel hand over several datagrams of one flow at once (UDP GRO).
/// `false` where it cannot.
pub fn enable_gro(fd: RawFd) -> bool {
    set(fd, libc::SOL_UDP, libc::UDP_GRO, 1)
}

/// Keeps what ICMP says of datagrams that were sent, for [`receive_error`]. `false`
/// where the system refuses.
///
/// [`receive_error`]: super::receive_error
pub fn keep_errors(fd: RawFd, v4: bool) -> bool {
    match v4 {
        true => set(fd, libc::IPPROTO_IP, libc::IP_RECVERR, 1),
        false => set(fd, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1),
    }
}

/// Sets whether datagrams leave with the DF bit, and so whether routers may
/// fragment them. `false` where the system refuses.
pub fn set_dont_fragment(fd: RawFd, v4: bool, on: bool) -> bool {
    if v4 {
        let mode = match on {
            true => libc::IP_PMTUDISC_DO,
            // With IP_PMTUDISC_DONT, what ICMP says of an earlier datagram with
            // the bit would be thrown away.
            false => libc::IP_PMTUDISC_OMIT,
        };
        return set(fd, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, mode);
    }
    let mode = match on {
        true => libc::IPV6_PMTUDISC_DO,
        false => libc::IPV6_PMTUDISC_DONT,
    };
    set(fd, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, mode)
}

/// How many datagrams the kernel has dropped that were for this socket, which nobody
/// had taken in time; it wraps.
pub fn dropped(fd: RawFd) -> u32 {
    let mut words = [0_u32; SK_MEMINFO_DROPS + 1];
    let mut size = size_of_val(&words) as libc::socklen_t;
    // SAFETY: the room has as many bytes as `size` says, and both outlive the call.
    let asked = unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            SO_MEMINFO,
            words.as_mut_ptr().cast(),
            &raw mut size,
        )
    };
    // Before Linux 4.12 nobody tells.
    match asked {
        0 => words[SK_MEMINFO_DROPS],
        _ => 0,
    }
}

/// `asm-generic/socket.h`; `libc` has the places, and not the option.
const SK_MEMINFO_DROPS: usize = libc::SK_MEMINFO_DROPS as usize;
const SO_MEMINFO: i32 = 55;

fn set(fd: RawFd, level: i32, name: i32, value: i32) -> bool {
    // SAFETY: the option's value is an int, which outlives the call.
    checked(unsafe {
        libc::setsockopt(
            fd,
            level,
            name,
            (&raw const value).cast(),
            size_of::<i32>() as u32,
        )
    })
    .is_ok()
}
