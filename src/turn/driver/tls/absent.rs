//! In place of TLS, where the library is built without: there is no session, so
//! nothing of one's is ever called.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use super::credentials::{BadTls, Pair, TlsOptions};

#[derive(Debug)]
pub enum Tls {}

impl Tls {
    pub fn new(_: &TlsOptions) -> Result<Tls, BadTls> {
        Err(BadTls::Absent)
    }

    pub fn replace(&self, _: &[Pair]) -> Result<(), BadTls> {
        match *self {}
    }

    pub fn expiring(&self, _: Duration) -> Vec<String> {
        match *self {}
    }

    pub fn begin(&self) -> Option<Session> {
        match *self {}
    }
}

pub enum Session {}

#[derive(Clone, Copy, Debug, Default)]
pub struct Opened {
    pub wire: usize,
    pub clear: usize,
    pub is_full: bool,
    pub has_ended: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Broken;

impl Session {
    pub fn is_handshaking(&self) -> bool {
        match *self {}
    }

    pub fn certified(&self) -> Option<Arc<str>> {
        match *self {}
    }

    pub fn is_resumed(&self) -> bool {
        match *self {}
    }

    pub fn resume(&self, _: &mut [u8]) -> usize {
        match *self {}
    }

    pub fn keep(&mut self, _: &[u8]) -> bool {
        match *self {}
    }

    pub fn open(&mut self, _: &mut [u8], _: &mut [u8], _: &mut Vec<u8>) -> Result<Opened, Broken> {
        match *self {}
    }

    pub fn seal(&mut self, _: &[u8], _: &mut Vec<u8>) -> bool {
        match *self {}
    }

    pub fn end(&mut self, _: &mut Vec<u8>) {
        match *self {}
    }
}
