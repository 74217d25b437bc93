//! The exported functions. Each checks its arguments, makes wrappers of them and
//! says in a few lines what is done; what is done is elsewhere.
//!
//! Pointers are the caller's: NULL is `PJ_EINVAL`, anything else is taken to be what
//! PJSIP's documentation says it is, except for tokens, which may be anything.

mod deadlines;
mod digest;
mod hold;
mod layout;
mod listing;
mod policy;
mod request;
mod session;
mod statistics;
mod tokens;

/// What is exported: the names that the object of the host's version defines, one a
/// line. All of them are here in any case; `scripts/artefacts.sh` takes the list out
/// of the archive and makes the others local.
#[used]
#[unsafe(link_section = ".pjauth.exports")]
static EXPORTED: [u8; include_bytes!(env!("PJAUTH_SYMBOLS")).len()] =
    *include_bytes!(env!("PJAUTH_SYMBOLS"));

/// Defines an exported function of PJSIP's. Where the process has a pjproject that
/// we were not built for, which `unless` may be the first to see, the call goes to the
/// host's own definition; without one, it fails with the value after `else`.
macro_rules! entry {
    (
        $(#[$meta:meta])*
        fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty, else $otherwise:expr
        $(, unless $foreign:ident($look:expr))?;
        $body:block
    ) => {
        $(#[$meta])*
        ///
        /// # Safety
        /// The arguments are what PJSIP's documentation says, or NULL.
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $name($($arg: $type),*) -> $ret {
            // SAFETY: the caller's pointer, NULL or valid.
            if $crate::pjsip::aside::is_aside() $(|| unsafe { $crate::pjsip::aside::$foreign($look) })? {
                use $crate::pjsip::aside::Next;
                const NAME: &str = concat!(stringify!($name), "\0");
                const TERMINATED: &core::ffi::CStr =
                    match core::ffi::CStr::from_bytes_with_nul(NAME.as_bytes()) {
                        Ok(name) => name,
                        Err(_) => panic!(),
                    };
                static NEXT: Next = Next::of(TERMINATED);
                return match NEXT.find() {
                    // SAFETY: the host's function of this name has this signature,
                    // and gets the caller's arguments as they are.
                    Some(next) => unsafe {
                        let next: unsafe extern "C-unwind" fn($($type),*) -> $ret =
                            core::mem::transmute(next);
                        next($($arg),*)
                    },
                    None => $otherwise,
                };
            }
            $body
        }
    };
}
pub(crate) use entry;

/// A result as the status that C gets.
pub(crate) fn status_of(result: Result<(), i32>) -> i32 {
    result.err().unwrap_or(crate::pjsip::status::SUCCESS)
}

/// Writes as much of a structure as the application, which may know a shorter one, has
/// room for; a longer one's end is zeroed.
///
/// # Safety
/// There are `size` bytes to write at `out`.
unsafe fn fill<T>(out: *mut u8, size: usize, value: &T) {
    let known = size.min(size_of::<T>());
    // SAFETY: as the caller promises; what is copied is the structure's own bytes.
    unsafe {
        out.copy_from_nonoverlapping(core::ptr::from_ref(value).cast(), known);
        out.add(known).write_bytes(0, size - known);
    }
}
