//! bindgen's output over the host's headers. Its layout assertions are
//! compile-time checks: a size or an offset that moved fails the build.
#![allow(
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    missing_docs,
    dead_code,
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    unsafe_op_in_unsafe_fn
)]

include!(concat!(env!("OUT_DIR"), "/pjproject.rs"));
