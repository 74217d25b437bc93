//! The application's log function.

use core::ffi::{c_char, c_int, c_void};
use std::ffi::CString;
use std::sync::Arc;

use crate::turn::driver::{Level, Log};

use super::call::call;

type LogFunction = unsafe extern "C" fn(*mut c_void, c_int, *const c_char);

/// The application's log function with its argument.
struct Logger(LogFunction, *mut c_void);

// SAFETY: the application promises that its function may be called from any
// thread with this argument, which we only pass on.
unsafe impl Send for Logger {}
// SAFETY: likewise.
unsafe impl Sync for Logger {}

impl Logger {
    fn write(&self, level: Level, line: &str) {
        let Ok(line) = CString::new(line.replace('\0', "?")) else {
            return;
        };
        let level = level as usize as *mut c_void;
        let text = line.as_ptr().cast_mut().cast();
        // SAFETY: the function takes these three words; the text outlives the
        // call. What it may throw has nowhere to be reported.
        unsafe { call(self.0 as *const c_void, [self.1, level, text]) };
    }
}

pub fn logger(function: LogFunction, user_data: *mut c_void) -> Arc<Log> {
    let logger = Logger(function, user_data);
    Arc::new(move |level, line| logger.write(level, line))
}
