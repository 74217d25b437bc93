//! The driver on loopback sockets.

mod basics;
mod lab;
