//! The core against a virtual clock, a client and peers of our own.
#![forbid(unsafe_code)]

mod abuse;
mod admin;
mod allocate;
mod auth;
pub(crate) mod client;
mod connections;
mod data;
mod deferred;
mod hostile;
mod icmp;
mod lifetimes;
mod reaches;
mod refusals;
mod routes;
mod sharing;
mod vectors;
mod walk;
mod world;
