//! Status codes of the boundary: PJLIB's numbers, without PJLIB.
#![forbid(unsafe_code)]

/// A status as C sees it.
pub type Status = i32;

/// `PJ_SUCCESS`.
pub const SUCCESS: Status = 0;
/// `PJ_EUNKNOWN`: the system refused; the log says what.
pub const EUNKNOWN: Status = 70_001;
/// `PJ_EINVAL`: a wrong argument, or a dead handle.
pub const EINVAL: Status = 70_004;
/// `PJ_EBUG`: a panic of ours, caught at the boundary.
pub const EBUG: Status = 70_008;
/// `PJ_ETOOMANY`: no handle is left.
pub const ETOOMANY: Status = 70_010;
/// `PJ_ENOTSUP`: the library was built without it.
pub const ENOTSUP: Status = 70_012;
/// `PJ_EINVALIDOP`: not in this state, or not from this thread.
pub const EINVALIDOP: Status = 70_013;
/// PJLIB's statuses for the system's errors begin here.
const ERRNO_START: Status = 120_000;

/// A system's error as PJLIB's `PJ_STATUS_FROM_OS` gives it.
pub fn of_system(error: &std::io::Error) -> Status {
    match error.raw_os_error() {
        Some(errno) if errno > 0 => ERRNO_START + errno,
        _ => EUNKNOWN,
    }
}

/// A result as the status that C gets.
pub fn of(result: Result<(), Status>) -> Status {
    result.err().unwrap_or(SUCCESS)
}
