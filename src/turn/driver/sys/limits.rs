//! How much the system grants.

use super::events::checked;

/// How many descriptors the process may have; as many as it likes, where the
/// system does not say.
pub fn descriptor_limit() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure outlives the call, which fills it in.
    let told = checked(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) });
    told.map_or(u64::MAX, |_| limit.rlim_cur)
}
