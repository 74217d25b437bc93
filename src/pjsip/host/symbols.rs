//! Where the host's PJSIP is a plug-in that nobody else may look into, such as a Python
//! extension module: our calls of its functions would end the process, because a preloaded
//! library is bound to what the whole process shares.

use core::ffi::{CStr, c_int, c_void};

/// Has the process share the host's symbols, if it does not yet. To be called before the
/// first call of one.
///
/// Only a preloaded library is in need of that: one that the plug-in names as its own
/// sees what the plug-in sees, and an archive is part of it.
pub fn share_host() {
    if !is_visible(c"pjauth_version") || is_visible(c"pj_get_version") {
        return;
    }
    let mut files: Vec<Box<CStr>> = Vec::new();
    // SAFETY: `collect` gets the vector, and is not called after the return.
    unsafe { libc::dl_iterate_phdr(Some(collect), (&raw mut files).cast()) };
    // After the walk and not in it: the walk holds a lock of the dynamic linker's.
    for file in &files {
        if share(file) {
            return;
        }
    }
}

/// Whether a name is found the way our own imports are.
fn is_visible(name: &CStr) -> bool {
    // SAFETY: a C string; looks the name up.
    !unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }.is_null()
}

/// Whether a call of `name` that the program makes comes to this file, the one our code is
/// in. Where nobody shares the name, ours is linked into the program: no other can be.
pub fn is_answered_here(name: &CStr) -> bool {
    // SAFETY: a C string; looks the name up.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    found.is_null() || file_of(found) == file_of(share_host as fn() as *const c_void)
}

/// Where the file that an address is in begins; NULL for none.
fn file_of(address: *const c_void) -> *const c_void {
    let mut about = core::mem::MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: any address may be asked about; filled in where the answer is not 0.
    unsafe {
        if libc::dladdr(address, about.as_mut_ptr()) == 0 {
            return core::ptr::null();
        }
        about.assume_init().dli_fbase
    }
}

/// Shares the symbols of a loaded file that brings PJSIP along. Nothing is loaded, and
/// what is shared stays.
fn share(file: &CStr) -> bool {
    let options = libc::RTLD_LAZY | libc::RTLD_NOLOAD;
    // SAFETY: a C string; the file is loaded already, so no code of it is run.
    unsafe {
        let handle = libc::dlopen(file.as_ptr(), options);
        if handle.is_null() {
            return false;
        }
        if libc::dlsym(handle, c"pj_get_version".as_ptr()).is_null() {
            libc::dlclose(handle);
            return false;
        }
        !libc::dlopen(file.as_ptr(), options | libc::RTLD_GLOBAL).is_null()
    }
}

unsafe extern "C" fn collect(
    object: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    files: *mut c_void,
) -> c_int {
    // SAFETY: the dynamic linker's description of a loaded object, and the vector that
    // `share_host` lent.
    unsafe {
        let name = (*object).dlpi_name;
        // The program itself has no name; what it has is visible.
        if !name.is_null() && *name != 0 {
            (*files.cast::<Vec<Box<CStr>>>()).push(CStr::from_ptr(name).into());
        }
    }
    0
}
