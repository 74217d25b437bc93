//! The drop-in for PJSIP's client authentication object.

pub mod abi;
