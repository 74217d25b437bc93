//! The drop-in for PJSIP's client authentication object.
//!
//! ```text
//!   exports/     the functions that C sees: arguments in, status out
//!      |
//!   session      birth and end, credentials, preferences
//!   request      a request's headers, in turns       answer     one challenge
//!   break_out    what must not go into a header
//!   tokens/      what an application holds of a deferred challenge
//!   hold/        the challenges of calls that their transactions wait for
//!      |
//!   host/        safe wrappers over PJLIB and PJSIP
//!   abi          their layouts, by bindgen
//! ```
//!
//! `aside` hands calls on where the process has another pjproject than ours;
//! `guard` is the panic barrier.

pub mod abi;
mod algorithm;
mod answer;
mod aside;
mod break_out;
#[allow(non_camel_case_types, non_upper_case_globals)]
mod exports;
mod guard;
mod hold;
mod host;
mod request;
mod session;
mod stats;
mod status;
mod tokens;
