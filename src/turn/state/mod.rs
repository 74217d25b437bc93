//! What is there: allocations with their permissions, channels and connections,
//! and what waits (held requests, kept replies, reserved ports, timers).
#![forbid(unsafe_code)]

pub(in crate::turn) mod allocation;
pub(in crate::turn) mod arena;
pub(in crate::turn) mod channels;
pub(in crate::turn) mod connection_ids;
pub(in crate::turn) mod connections;
pub(in crate::turn) mod five_tuple;
pub(in crate::turn) mod held;
pub(in crate::turn) mod permissions;
pub(in crate::turn) mod replies;
pub(in crate::turn) mod reservations;
pub(in crate::turn) mod shared;
pub(in crate::turn) mod table;
pub(in crate::turn) mod tally;
pub(in crate::turn) mod timers;
