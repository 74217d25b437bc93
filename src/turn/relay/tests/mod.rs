//! The driver on loopback sockets.

mod basics;
mod deferred;
mod failures;
mod lab;
mod streams;
mod stress;
mod workers;
