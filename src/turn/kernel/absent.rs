//! In the place of the kernel's way, where the feature `kernel` is off.
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::turn::core::routes::{Route, RouteId};
use crate::turn::state::allocation::Traffic;
use crate::turn::state::arena::AllocationId;
use crate::turn::time::Time;

/// There is none.
#[derive(Debug)]
pub enum Kernel {}

/// There are none.
#[derive(Debug)]
pub struct Routes(Arc<Kernel>);

pub type Relayed = (Route, [Traffic; 2]);

impl Kernel {
    pub fn open(_: u32, _: fn() -> Time) -> io::Result<Self> {
        let why = "built without the feature kernel";
        Err(io::Error::new(io::ErrorKind::Unsupported, why))
    }

    pub fn attend(&self, _: &[String]) -> Vec<(String, io::Error)> {
        match *self {}
    }

    pub fn refused(&self) -> u64 {
        match *self {}
    }

    pub fn interfaces(&self) -> Vec<String> {
        match *self {}
    }
}

impl Routes {
    pub fn new(kernel: Arc<Kernel>) -> Self {
        Routes(kernel)
    }

    pub fn open(&mut self, _: Route, _: SocketAddr) -> Option<Relayed> {
        match *self.0 {}
    }

    pub fn close(&mut self, _: RouteId) -> Option<Relayed> {
        match *self.0 {}
    }

    pub fn gather(&mut self, _: Option<AllocationId>, _: &mut dyn FnMut(Relayed)) {
        match *self.0 {}
    }

    pub fn listener_gone(&mut self, _: SocketAddr, _: &mut dyn FnMut(Relayed)) {
        match *self.0 {}
    }

    pub fn listener_back(&mut self, _: SocketAddr) {
        match *self.0 {}
    }

    pub fn review(&mut self) {
        match *self.0 {}
    }

    pub fn is_unsettled(&self) -> bool {
        match *self.0 {}
    }

    pub fn settle(&mut self, _: usize, _: &mut dyn FnMut(Relayed)) {
        match *self.0 {}
    }
}
