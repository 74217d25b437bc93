//! The synchronisation primitives of the slab: the real ones, or, under
//! `cfg(loom)`, those of the model checker.

#[cfg(not(loom))]
mod imp {
    pub(crate) use parking_lot::Mutex;
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, fence};
}

#[cfg(loom)]
mod imp {
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, fence};

    /// loom's mutex with parking_lot's signature.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().expect("no model panics under this lock")
        }
    }
}

pub(super) use imp::*;
pub(super) use std::sync::OnceLock;
pub(super) use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// A `const fn`; under loom a plain one, because loom's atomics are not const.
macro_rules! const_fn {
    ($(#[$attr:meta])* $vis:vis fn $($rest:tt)*) => {
        #[cfg(not(loom))]
        $(#[$attr])*
        $vis const fn $($rest)*
        #[cfg(loom)]
        $(#[$attr])*
        $vis fn $($rest)*
    };
}

/// An array of one expression evaluated for each element, const outside loom.
macro_rules! array_of {
    ($element:expr) => {{
        #[cfg(not(loom))]
        let array = [const { $element }; _];
        #[cfg(loom)]
        let array = std::array::from_fn(|_| $element);
        array
    }};
}

pub(super) use {array_of, const_fn};
