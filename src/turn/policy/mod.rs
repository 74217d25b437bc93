//! What is allowed: which peers may be reached, and how much of what.
#![forbid(unsafe_code)]

pub(in crate::turn) mod guesses;
pub(in crate::turn) mod limits;
pub(in crate::turn) mod peers;
pub(in crate::turn) mod ranges;
pub(in crate::turn) mod sources;
mod special;
mod translated;
