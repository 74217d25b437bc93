//! Which library is this? The one export that both halves share.

use core::ffi::c_char;

/// The version as a C string: Cargo's, so that it is typed in one place only.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// Returns the version of the pjauth library in use, such as `"0.1.0"`.
///
/// It serves as a marker too: a program that finds this symbol has pjauth in
/// it, and since all of pjauth is one object, the `pjsip_auth_*` functions it
/// calls are pjauth's.
///
/// The string is static; never free it. May be called from any thread, at any
/// time, also before `pj_init()`.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn pjauth_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::VERSION;
    use core::ffi::CStr;

    #[test]
    fn is_cargos_version_as_a_c_string() {
        let version = CStr::from_bytes_with_nul(VERSION.as_bytes()).expect("one NUL, at the end");
        assert_eq!(version.to_str(), Ok(env!("CARGO_PKG_VERSION")));
    }
}
