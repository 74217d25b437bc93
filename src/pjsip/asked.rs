//! Who is asked about a session's challenges: whom the session names, or else whom the
//! application named for all of the endpoint.
#![forbid(unsafe_code)]

use super::abi::{pjsip_auth_clt_async_on_challenge, pjsip_auth_clt_async_setting};
use super::host::{Endpoint, Session};
use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use parking_lot::Mutex;

struct Everywhere {
    endpoint: usize,
    callback: pjsip_auth_clt_async_on_challenge,
    user_data: usize,
}

/// One for each endpoint, of which nearly every process has one.
static EVERYWHERE: Mutex<Vec<Everywhere>> = Mutex::new(Vec::new());

/// Whether there is any, so that who needs none takes no lock.
static ANY: AtomicBool = AtomicBool::new(false);

/// Who is asked about the challenges of a session that has no parent, if anybody is.
pub fn of(root: Session<'_>) -> Option<pjsip_auth_clt_async_setting> {
    root.callback().or_else(|| {
        let endpoint = root.endpoint().filter(|_| ANY.load(Relaxed))?;
        everywhere(endpoint)
    })
}

#[cold]
fn everywhere(endpoint: Endpoint<'_>) -> Option<pjsip_auth_clt_async_setting> {
    let all = EVERYWHERE.lock();
    let found = all
        .iter()
        .find(|one| one.endpoint == endpoint.as_ptr().addr())?;
    Some(pjsip_auth_clt_async_setting {
        cb: found.callback,
        user_data: ptr::with_exposed_provenance_mut(found.user_data),
    })
}

/// Names who is asked wherever a session of the endpoint names nobody; `None`: nobody.
pub fn set_everywhere(endpoint: usize, setting: Option<&pjsip_auth_clt_async_setting>) {
    let mut all = EVERYWHERE.lock();
    all.retain(|one| one.endpoint != endpoint);
    if let Some(setting) = setting {
        all.push(Everywhere {
            endpoint,
            callback: setting.cb,
            user_data: setting.user_data.expose_provenance(),
        });
    }
    ANY.store(!all.is_empty(), Relaxed);
}
