//! Whether the application and the library see the same structures of PJSIP's.

use crate::pjsip::abi::{
    self, pjsip_auth_clt_sess, pjsip_authorization_hdr, pjsip_digest_challenge,
    pjsip_digest_credential, pjsip_msg, pjsip_rx_data, pjsip_tx_data,
};
use crate::pjsip::aside::BUILT_FOR;
use crate::pjsip::host;
use crate::pjsip::status::{EINVAL, ENOTSUP, SUCCESS, Status};
use core::ffi::{c_char, c_uint};
use core::mem::offset_of;

/// Sizes and offsets of PJSIP's structures; `PJAUTH_LAYOUT` are the application's.
#[repr(C)]
#[derive(PartialEq, Eq)]
pub struct pjauth_layout {
    /// pjproject's version: major, minor, revision.
    pub pj_version: [c_uint; 3],
    /// `sizeof(pjsip_auth_clt_sess)`
    pub session_size: usize,
    /// `offsetof(pjsip_auth_clt_sess, cached_auth)`
    pub session_cached_auth: usize,
    /// `sizeof(pjsip_cached_auth)`
    pub cached_auth_size: usize,
    /// `sizeof(pjsip_cred_info)`
    pub credential_size: usize,
    /// `sizeof(pjsip_tx_data)`
    pub tx_data_size: usize,
    /// `offsetof(pjsip_tx_data, msg)`
    pub tx_data_msg: usize,
    /// `offsetof(pjsip_tx_data, auth_retry)`
    pub tx_data_auth_retry: usize,
    /// `sizeof(pjsip_rx_data)`
    pub rx_data_size: usize,
    /// `offsetof(pjsip_rx_data, msg_info.msg)`
    pub rx_data_msg: usize,
    /// `sizeof(pjsip_msg)`
    pub msg_size: usize,
    /// `sizeof(pjsip_authorization_hdr)`
    pub authorization_size: usize,
    /// `sizeof(pjsip_digest_challenge)`
    pub challenge_size: usize,
    /// `sizeof(pjsip_digest_credential)`
    pub digest_credential_size: usize,
}

const LAYOUT: pjauth_layout = pjauth_layout {
    pj_version: BUILT_FOR,
    session_size: size_of::<pjsip_auth_clt_sess>(),
    session_cached_auth: offset_of!(pjsip_auth_clt_sess, cached_auth),
    cached_auth_size: size_of::<abi::pjsip_cached_auth>(),
    credential_size: size_of::<abi::pjsip_cred_info>(),
    tx_data_size: size_of::<pjsip_tx_data>(),
    tx_data_msg: offset_of!(pjsip_tx_data, msg),
    tx_data_auth_retry: offset_of!(pjsip_tx_data, auth_retry),
    rx_data_size: size_of::<pjsip_rx_data>(),
    rx_data_msg: offset_of!(pjsip_rx_data, msg_info.msg),
    msg_size: size_of::<pjsip_msg>(),
    authorization_size: size_of::<pjsip_authorization_hdr>(),
    challenge_size: size_of::<pjsip_digest_challenge>(),
    digest_credential_size: size_of::<pjsip_digest_credential>(),
};

/// Where the layouts of PJSIP's structures come from that the library was built
/// with, such as `headers of libpjproject 2.17 (pkg-config)`.
///
/// The string is static; never free it. May be called from any thread, at any time.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_layout_source() -> *const c_char {
    concat!(env!("PJAUTH_LAYOUT_SOURCE"), "\0").as_ptr().cast()
}

/// The same for `make install`, which says what it installs: `scripts/artefacts.sh`
/// takes it out of the archive.
#[used]
#[unsafe(link_section = ".pjauth.layout")]
static SOURCE: [u8; env!("PJAUTH_LAYOUT_SOURCE").len()] = {
    let mut bytes = [0; env!("PJAUTH_LAYOUT_SOURCE").len()];
    bytes.copy_from_slice(env!("PJAUTH_LAYOUT_SOURCE").as_bytes());
    bytes
};

/// Compares the application's layout of PJSIP's structures with the library's. Call
/// it once, at start-up, before PJSIP is used.
///
/// @param app       The application's layout, `PJAUTH_LAYOUT`.
/// @param app_size  `sizeof(pjauth_layout)` as the application sees it.
/// @return 0 if they agree, PJ_EINVAL if not: the library was built for another
///         pjproject or another `config_site.h` and must not be used. PJ_ENOTSUP if
///         they agree and the library is out of use (`pjauth_check_in_use()`).
///
/// May be called from any thread, at any time; registered with PJLIB where the library
/// may be out of use, for the line in the log.
///
/// Since 0.1.0.
///
/// # Safety
/// `app` is NULL or points to `app_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pjauth_check_layout(app: *const pjauth_layout, app_size: usize) -> Status {
    if app.is_null() || app_size != size_of::<pjauth_layout>() {
        return EINVAL;
    }
    // SAFETY: checked to be there and of the right size.
    if unsafe { &*app } == &LAYOUT {
        pjauth_check_in_use()
    } else {
        EINVAL
    }
}

/// Whether the program's calls of PJSIP's client authentication come to this library. A
/// shared library that was linked behind PJSIP's own archives is loaded, answers
/// `pjauth_version()`, and is out of use.
///
/// @return 0 if they do. PJ_ENOTSUP if another answers them; PJLIB's log then says what
///         to change. What a program keeps to itself cannot be seen: one that is linked
///         with PJSIP's archives and exports no symbol of theirs gets 0.
///
/// May be called from any thread that is registered with PJLIB, at any time.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_check_in_use() -> Status {
    if host::is_answered_here(c"pjsip_auth_clt_init") {
        return SUCCESS;
    }
    host::log_error(
        "out of use: PJSIP's own pjsip_auth_clt_init is called; link pjauth ahead of PJSIP's \
         libraries, or preload it",
    );
    ENOTSUP
}
