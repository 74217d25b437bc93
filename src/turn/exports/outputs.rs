//! What an embedded server has for the program to do, in C's form.

use core::ffi::c_int;

use crate::turn::driver::{Output, RawAddress};

use super::embedded_types::{
    PJAUTH_TURN_CLOSE_RELAY, PJAUTH_TURN_TO_CLIENT, PJAUTH_TURN_TO_PEER, pjauth_turn_output,
};
use super::engine::Taken;

/// What was taken, in C's form.
pub fn describe(taken: &mut Taken) -> Option<pjauth_turn_output> {
    let mut out = pjauth_turn_output {
        kind: PJAUTH_TURN_CLOSE_RELAY,
        listener: 0,
        relay: 0,
        to: core::ptr::null(),
        to_size: 0,
        data: core::ptr::null(),
        data_size: 0,
        dont_fragment: 0,
    };
    let (to, bytes) = match taken.output.as_ref()? {
        Output::Close(relay) => {
            out.relay = relay.to_bits();
            return Some(out);
        }
        Output::ToClient(link, bytes) => {
            out.kind = PJAUTH_TURN_TO_CLIENT;
            out.listener = link.listener.0;
            (link.client, bytes)
        }
        Output::ToPeer {
            relay,
            peer,
            bytes,
            dont_fragment,
        } => {
            out.kind = PJAUTH_TURN_TO_PEER;
            out.relay = relay.to_bits();
            out.dont_fragment = c_int::from(*dont_fragment);
            (*peer, bytes)
        }
    };
    out.data = bytes.as_ptr().cast();
    out.data_size = bytes.len();
    (taken.address, out.to_size) = RawAddress::new(&to);
    out.to = (&raw const taken.address).cast();
    Some(out)
}
