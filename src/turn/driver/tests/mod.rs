//! The driver on loopback sockets.

mod basics;
mod bursts;
mod connections;
mod deferred;
mod embedded;
mod failures;
mod figures;
mod icmp;
mod lab;
mod streams;
mod stress;
mod workers;
