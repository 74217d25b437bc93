//! `pjsip_auth_clt_*`: what makes, changes and ends a session.

use super::{entry, status_of};
use crate::pjsip::abi::{
    self, pj_bool_t, pj_pool_t, pj_status_t, pjsip_auth_clt_async_setting, pjsip_auth_clt_pref,
    pjsip_auth_clt_sess, pjsip_cred_info, pjsip_endpoint,
};
use crate::pjsip::break_out::breaks_out;
use crate::pjsip::guard::guard;
use crate::pjsip::hold::hold_in_endpoint_of;
use crate::pjsip::host::{self, Credential, Endpoint, Pool, Session, Text, bytes};
use crate::pjsip::session::{self, known_algorithm, root_of};
use crate::pjsip::status::{EINVAL, ENOMEM, ENOTSUP, SUCCESS, Status};
use crate::pjsip::tokens::endings;

entry! {
    /// Makes an empty session.
    fn pjsip_auth_clt_init(
        sess: *mut pjsip_auth_clt_sess,
        endpt: *mut pjsip_endpoint,
        pool: *mut pj_pool_t,
        options: core::ffi::c_uint,
    ) -> pj_status_t, else ENOTSUP, unless are_requests_foreign(match sess.is_null() || pool.is_null() {
        true => core::ptr::null_mut(), // no call of the host's for what will be refused
        false => endpt,
    });
    {
        // SAFETY: the caller's pointers, NULL or valid.
        let (sess, endpt, pool) = unsafe {
            (Session::from_raw(sess), Endpoint::from_raw(endpt), Pool::from_raw(pool))
        };
        let (Some(sess), Some(endpt), Some(pool), 0) = (sess, endpt, pool, options) else {
            return EINVAL;
        };
        session::init(sess, endpt, pool);
        SUCCESS
    }
}

entry! {
    /// Ends a session: its tokens die and drop their references, its credentials are
    /// wiped. The session may be deinitialised again.
    fn pjsip_auth_clt_deinit(sess: *mut pjsip_auth_clt_sess) -> pj_status_t, else ENOTSUP;
    {
        // SAFETY: the caller's session, or NULL.
        let Some(sess) = (unsafe { Session::from_raw(sess) }) else {
            return EINVAL;
        };
        let ended = endings::end(sess).and_then(|()| guard(|| session::deinit(sess)));
        if let Err(status) = ended {
            return status;
        }
        // SAFETY: the lock is the session's own, and nobody may hold it any more.
        unsafe {
            let lock = sess.lock();
            sess.set_lock(core::ptr::null_mut());
            if lock.is_null() { SUCCESS } else { abi::pj_lock_destroy(lock) }
        }
    }
}

entry! {
    /// Makes `sess` a copy of `rhs` in `pool`: credentials, refused algorithms and callback.
    /// Remembered challenges are not copied; a parent is shared.
    fn pjsip_auth_clt_clone(
        pool: *mut pj_pool_t,
        sess: *mut pjsip_auth_clt_sess,
        rhs: *const pjsip_auth_clt_sess,
    ) -> pj_status_t, else ENOTSUP;
    {
        // SAFETY: the caller's pointers, NULL or valid.
        let (pool, sess, rhs) = unsafe {
            (Pool::from_raw(pool), Session::from_raw(sess), Session::from_raw(rhs))
        };
        let (Some(pool), Some(sess), Some(rhs)) = (pool, sess, rhs) else {
            return EINVAL;
        };
        status_of(guard(|| {
            let endpoint = rhs.endpoint().ok_or(EINVAL)?;
            session::init(sess, endpoint, pool);
            let _held = rhs.locked();
            let count = rhs.credential_count();
            // What an application has put there itself has not been looked at.
            rhs.credentials().try_for_each(session::check_credential)?;
            // SAFETY: the credentials of a live session, under its lock.
            unsafe { host::store(sess, pool, (*rhs.as_ptr()).cred_info, count)? };
            sess.set_parent(rhs.parent());
            sess.set_refused(rhs.refused());
            if let Some(setting) = rhs.own_callback() {
                set_callback(sess, pool, setting)?;
            }
            Ok(())
        }))
    }
}

entry! {
    /// Replaces the credentials, of the parent if there is one.
    fn pjsip_auth_clt_set_credentials(
        sess: *mut pjsip_auth_clt_sess,
        cred_cnt: core::ffi::c_int,
        c: *const pjsip_cred_info,
    ) -> pj_status_t, else ENOTSUP;
    {
        // SAFETY: the caller's session, or NULL.
        let sess = unsafe { Session::from_raw(sess) };
        let (Some(sess), false, Ok(count)) = (sess, c.is_null(), usize::try_from(cred_cnt)) else {
            return EINVAL;
        };
        status_of(guard(|| {
            let (root, pool) = root_of(sess)?;
            let _held = root.locked();
            if count == 0 {
                host::wipe(root);
                return Ok(());
            }
            // SAFETY: the caller's array has `cred_cnt` elements.
            unsafe {
                for i in 0..count {
                    session::check_credential(Credential::from_raw(c.add(i)))?;
                }
                host::store(root, pool, c, count)
            }
        }))
    }
}

entry! {
    /// Sets the preferences, of the parent if there is one.
    fn pjsip_auth_clt_set_prefs(
        sess: *mut pjsip_auth_clt_sess,
        p: *const pjsip_auth_clt_pref,
    ) -> pj_status_t, else ENOTSUP;
    {
        // SAFETY: the caller's pointers, NULL or valid.
        let (Some(sess), Some(p)) = (unsafe { (Session::from_raw(sess), p.as_ref()) }) else {
            return EINVAL;
        };
        status_of(guard(|| {
            let (root, pool) = root_of(sess)?;
            let _held = root.locked();
            // SAFETY: the caller's own text.
            let wanted = unsafe { bytes(&p.algorithm) };
            if breaks_out(wanted) {
                return Err(EINVAL);
            }
            let algorithm = if let Some(known) = known_algorithm(wanted) {
                Text::from_static(known)
            } else if wanted == root.preferred_algorithm() {
                // SAFETY: a live session.
                unsafe { (*root.preferences()).algorithm }
            } else {
                let [copy] = pool.copy([wanted])?;
                copy
            };
            // SAFETY: a live session, under its lock.
            unsafe {
                *root.preferences() = pjsip_auth_clt_pref { algorithm, ..*p };
            }
            Ok(())
        }))
    }
}

entry! {
    /// Copies the preferences out, those of the parent if there is one.
    fn pjsip_auth_clt_get_prefs(
        sess: *mut pjsip_auth_clt_sess,
        p: *mut pjsip_auth_clt_pref,
    ) -> pj_status_t, else ENOTSUP;
    {
        // SAFETY: the caller's session, or NULL.
        let (Some(sess), false) = (unsafe { Session::from_raw(sess) }, p.is_null()) else {
            return EINVAL;
        };
        status_of(guard(|| {
            let root = sess.root().ok_or(EINVAL)?;
            let _held = root.locked();
            // SAFETY: a live session, and room that the caller gave.
            unsafe { p.write(*root.preferences()) };
            Ok(())
        }))
    }
}

entry! {
    /// Has `sess` share all of `parent`, which gets a lock for it; NULL ends that.
    #[cfg(pj_parent)]
    fn pjsip_auth_clt_set_parent(
        sess: *mut pjsip_auth_clt_sess,
        parent: *mut pjsip_auth_clt_sess,
    ) -> pj_status_t, else ENOTSUP;
    {
        // SAFETY: the caller's pointers, NULL or valid.
        let (sess, parent) = unsafe { (Session::from_raw(sess), Session::from_raw(parent)) };
        let Some(sess) = sess else { return EINVAL };
        if let Some(parent) = parent {
            if !session::may_adopt(sess, parent) {
                return EINVAL;
            }
            let status = make_lock(parent);
            if status != SUCCESS {
                return status;
            }
        }
        sess.set_parent(parent);
        SUCCESS
    }
}

/// Throws on exhausted memory, as the host's own function does.
#[cfg(pj_parent)]
fn make_lock(parent: Session<'_>) -> Status {
    let Some(pool) = parent.pool() else {
        return EINVAL;
    };
    if !parent.lock().is_null() {
        return SUCCESS;
    }
    let mut lock = core::ptr::null_mut();
    // SAFETY: a live session's pool; the session keeps the lock until it is
    // deinitialised.
    let status = unsafe {
        let name = c"auth_clt_parent_lock".as_ptr();
        abi::pj_lock_create_simple_mutex(pool.as_ptr(), name, &mut lock)
    };
    if status == SUCCESS {
        parent.set_lock(lock);
    }
    status
}

entry! {
    /// Sets the callback that is asked about challenges, of the parent if there is
    /// one.
    fn pjsip_auth_clt_async_configure(
        sess: *mut pjsip_auth_clt_sess,
        opt: *const pjsip_auth_clt_async_setting,
    ) -> pj_status_t, else ENOTSUP;
    {
        // SAFETY: the caller's pointers, NULL or valid.
        let (sess, opt) = unsafe { (Session::from_raw(sess), opt.as_ref()) };
        let (Some(sess), Some(opt)) = (sess, opt.filter(|opt| opt.cb.is_some())) else {
            return EINVAL;
        };
        let configured = guard(|| {
            let (root, pool) = root_of(sess)?;
            let _held = root.locked();
            set_callback(root, pool, *opt)
        });
        if configured.is_ok() {
            hold_in_endpoint_of(sess);
        }
        status_of(configured)
    }
}

fn set_callback(
    sess: Session<'_>,
    pool: Pool<'_>,
    setting: pjsip_auth_clt_async_setting,
) -> Result<(), Status> {
    // SAFETY: a field of a live session; the setting lives in the session's pool.
    unsafe {
        let field = sess.callback_field();
        if (*field).is_null() {
            let size = size_of::<pjsip_auth_clt_async_setting>();
            *field = pool.allocate(size).map_err(|_| ENOMEM)?.as_ptr().cast();
        }
        **field = setting;
    }
    Ok(())
}

entry! {
    /// Copies preferences, the text into `pool`.
    fn pjsip_auth_clt_pref_dup(
        pool: *mut pj_pool_t,
        dst: *mut pjsip_auth_clt_pref,
        src: *const pjsip_auth_clt_pref,
    ) -> (), else ();
    {
        // SAFETY: the caller's pointers, NULL or valid.
        let (Some(pool), false, Some(src)) =
            (unsafe { (Pool::from_raw(pool), dst.is_null(), src.as_ref()) })
        else {
            return;
        };
        // SAFETY: the caller's own text, and room for a copy of the structure. The
        // allocation may throw; nothing is held.
        unsafe {
            let algorithm = duplicate(pool, &src.algorithm);
            dst.write(pjsip_auth_clt_pref { algorithm, ..*src });
        }
    }
}

entry! {
    /// Copies a credential, the texts into `pool`, each with a terminator.
    fn pjsip_cred_info_dup(
        pool: *mut pj_pool_t,
        dst: *mut pjsip_cred_info,
        src: *const pjsip_cred_info,
    ) -> (), else ();
    {
        // SAFETY: the caller's pointers, NULL or valid.
        let (Some(pool), false, false) =
            (unsafe { (Pool::from_raw(pool), dst.is_null(), src.is_null()) })
        else {
            return;
        };
        // SAFETY: the caller's own structure and texts, and room for a copy. The
        // allocations may throw; nothing is held.
        unsafe {
            let mut new = *src;
            for text in [&mut new.realm, &mut new.scheme, &mut new.username, &mut new.data] {
                *text = duplicate(pool, text);
            }
            if host::is_aka(Credential::from_raw(src)) {
                let aka = &mut new.ext.aka;
                for text in [&mut aka.k, &mut aka.op, &mut aka.amf] {
                    *text = duplicate(pool, text);
                }
            }
            dst.write(new);
        }
    }
}

/// A copy with a terminator, in the host's own way: exhausted memory throws.
///
/// # Safety
/// The text is the caller's own.
unsafe fn duplicate(pool: Pool<'_>, text: &Text) -> Text {
    // SAFETY: as the caller promises; the pool gives room for text and terminator.
    unsafe {
        let text = bytes(text);
        let room = abi::pj_pool_alloc(pool.as_ptr(), text.len() as abi::pj_size_t + 1);
        if room.is_null() {
            return Text::EMPTY;
        }
        let room = room.cast::<u8>();
        room.copy_from_nonoverlapping(text.as_ptr(), text.len());
        room.add(text.len()).write(0);
        Text {
            ptr: room.cast(),
            slen: text.len() as abi::pj_ssize_t,
        }
    }
}

entry! {
    /// 0 if two credentials are the same, else the sign of the first difference.
    fn pjsip_cred_info_cmp(
        cred1: *const pjsip_cred_info,
        cred2: *const pjsip_cred_info,
    ) -> core::ffi::c_int, else 1;
    {
        if cred1.is_null() || cred2.is_null() {
            // Of two that are not there, neither differs.
            return pj_bool_t::from(cred1 != cred2);
        }
        // SAFETY: the caller's credentials.
        let (a, b) = unsafe { (Credential::from_raw(cred1), Credential::from_raw(cred2)) };
        let texts = [a, b].map(|c| [c.realm(), c.scheme(), c.username(), c.data()]);
        let order = texts[0]
            .cmp(&texts[1])
            .then(unequal(a.get().data_type, b.get().data_type))
            .then(unequal(a.algorithm_type(), b.algorithm_type()));
        let order = match host::is_aka(a) {
            true => order.then_with(|| a.aka_keys().cmp(&b.aka_keys())),
            false => order,
        };
        order as core::ffi::c_int
    }
}

/// Kinds have no order: the host calls the first the greater one.
fn unequal<T: PartialEq>(a: T, b: T) -> core::cmp::Ordering {
    match a == b {
        true => core::cmp::Ordering::Equal,
        false => core::cmp::Ordering::Greater,
    }
}
