//! Deadlines in the kernel's time.
#![forbid(unsafe_code)]

use std::time::Instant;

use super::frames::program;
use crate::turn::kernel::{Kernel, sys};
use crate::turn::time::Time;

#[test]
fn a_deadline_in_the_kernel_is_not_late_by_what_loading_takes() {
    if program().is_none() {
        return;
    }
    let start = Instant::now();
    let now = || Time::from_nanos(start.elapsed().as_nanos() as u64);
    let kernel = Kernel::open(16, now).expect("a kernel as before");
    let now = kernel.in_its_clock(now());
    let itself = sys::monotonic();
    assert!(now <= itself, "late by {} ns", now - itself);
}
