//! Who is who: what a request shows, the nonce it shows it under, the keys
//! that prove it, and what each user has.
#![forbid(unsafe_code)]

pub(in crate::turn) mod accounts;
pub(in crate::turn) mod credentials;
pub(in crate::turn) mod keyring;
pub(in crate::turn) mod mechanism;
pub(in crate::turn) mod nonce;
pub(in crate::turn) mod rest;
