//! The functions of a program that drives a server.

use core::ffi::c_void;

use crate::stun::Family;
use crate::turn::core::action::{OpenError, Port};
use crate::turn::driver::{Opener, RawAddress};
use crate::turn::state::arena::RelayId;
use crate::turn::status::{EINVAL, Status};

use super::call::{Outcome, call};
use super::embedded_types::{
    PJAUTH_TURN_PORT_ANY, PJAUTH_TURN_PORT_EVEN, PJAUTH_TURN_PORT_PAIR, pjauth_turn_driver,
    pjauth_turn_opening,
};

/// The program's argument, which we only pass on.
#[derive(Clone, Copy)]
struct Argument(*mut c_void);

// SAFETY: the program promises that its functions may be called from any thread
// with it.
unsafe impl Send for Argument {}
// SAFETY: likewise.
unsafe impl Sync for Argument {}

impl Argument {
    fn get(self) -> *mut c_void {
        self.0
    }
}

pub fn waker(driver: &pjauth_turn_driver) -> Box<dyn Fn() + Send + Sync> {
    let (wake, argument) = (driver.wake, Argument(driver.user_data));
    Box::new(move || {
        if let Some(wake) = wake {
            let nothing = core::ptr::null_mut();
            // SAFETY: the function takes the first of these words. What it may
            // throw has nowhere to be reported.
            unsafe { call(wake as *const c_void, [argument.get(), nothing, nothing]) };
        }
    })
}

pub fn opener(driver: &pjauth_turn_driver) -> Result<Box<Opener>, Status> {
    let open = driver.open_relay.ok_or(EINVAL)?;
    let argument = Argument(driver.user_data);
    Ok(Box::new(move |relay, family, port| {
        let mut room = RawAddress::empty();
        let (port, next) = match port {
            Port::Any => (PJAUTH_TURN_PORT_ANY, None),
            Port::Even => (PJAUTH_TURN_PORT_EVEN, None),
            Port::EvenAndNext(next) => (PJAUTH_TURN_PORT_PAIR, Some(next)),
        };
        let mut opening = pjauth_turn_opening {
            relay: relay.to_bits(),
            next_relay: next.map_or(0, RelayId::to_bits),
            family: if family == Family::V4 { 4 } else { 6 },
            port,
            address: (&raw mut room).cast(),
            address_size: RawAddress::SIZE,
        };
        let arguments = [
            argument.get(),
            (&raw mut opening).cast(),
            core::ptr::null_mut(),
        ];
        // SAFETY: the function takes the first two of these words, and writes an
        // address within the room that it is told of.
        match unsafe { call(open as *const c_void, arguments) } {
            Outcome::Returned(0) => Ok(room.get()),
            Outcome::Returned(440) => Err(OpenError::Family),
            Outcome::Returned(_) | Outcome::Threw => Err(OpenError::Capacity),
        }
    }))
}
