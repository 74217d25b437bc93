//! The program without a network (BPF_PROG_TEST_RUN).
#![forbid(unsafe_code)]

mod chains;
mod clock;
mod differential;
mod ends;
mod frames;
mod tables;
