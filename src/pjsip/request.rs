//! Requests: prepared before they are sent, and again after a 401 or 407.
//!
//! Both work in turns. A turn computes one header (a [`Draft`]) and may not throw;
//! between turns, with nothing held, the caller makes it a header of the request,
//! which may. Neither type needs dropping, so a `longjmp` over them loses nothing.
#![forbid(unsafe_code)]

use super::answer::{Answerer, Method, SENDS_UNASKED, assess};
use super::hold;
use super::host::{
    Bearer, Challenge, Credential, Digest, Draft, Fields, Request, Response, Session, Text,
};
use super::session::{refused, root_of};
use super::status::{
    EAUTHNOAUTH, EAUTHNOCHAL, EINVAL, EINVALIDSTATUS, ENOTREQUESTMSG, ENOTRESPONSEMSG, EURITOOLONG,
    Status,
};
use super::{abi, algorithm};
use crate::digest::{MAX_REALMS, Policy, Realms};

const MAX_URL_SIZE: usize = abi::PJAUTH_MAX_URL_SIZE as usize;

/// The request URI as it will be sent.
#[derive(Clone, Copy)]
struct Uri {
    buffer: [u8; MAX_URL_SIZE],
    length: Option<usize>,
}

impl Uri {
    fn of(request: Request<'_>) -> Uri {
        let mut buffer = [0; MAX_URL_SIZE];
        let length = request.print_uri(&mut buffer);
        Uri { buffer, length }
    }

    fn get(&self) -> Option<&[u8]> {
        self.length.map(|length| &self.buffer[..length])
    }
}

/// The answers to one 401 or 407: for each realm one, to the topmost challenge
/// that can be answered (RFC 8760 section 2.4).
pub struct Retry<'h, I> {
    answerer: Answerer<'h>,
    policy: Policy,
    uri: Uri,
    challenges: I,
    /// Of servers and of proxies.
    answered: [Realms<'h, MAX_REALMS>; 2],
    seen: usize,
    headers: usize,
    failure: Status,
}

impl<'h> Retry<'h, ()> {
    /// Checks the arguments of `pjsip_auth_clt_reinit_req`.
    pub fn open(
        session: Session<'h>,
        response: Response<'h>,
        request: Request<'h>,
    ) -> Result<Retry<'h, impl Iterator<Item = Challenge<'h>>>, Status> {
        let (root, _) = root_of(session)?;
        match response.code() {
            Some(401 | 407) => {}
            Some(_) => return Err(EINVALIDSTATUS),
            None => return Err(ENOTRESPONSEMSG),
        }
        request.message().ok_or(ENOTREQUESTMSG)?;
        request.set_retry(false);
        if request.is_cancel() {
            return Err(EAUTHNOAUTH);
        }
        Ok(Retry {
            answerer: Answerer {
                session: root,
                request,
            },
            policy: refused(session, root),
            uri: Uri::of(request),
            challenges: response.challenges(),
            answered: [Realms::new(), Realms::new()],
            seen: 0,
            headers: 0,
            failure: EAUTHNOAUTH,
        })
    }
}

impl<'h, I: Iterator<Item = Challenge<'h>>> Retry<'h, I> {
    /// The next answer, with the challenge it is to.
    pub fn turn(&mut self) -> Option<(Challenge<'h>, Draft<'h>)> {
        const { needs_no_drop::<Self>() };
        while let Some(challenge) = self.challenges.next() {
            self.seen += 1;
            let realm = challenge.realm();
            let answered = &self.answered[usize::from(challenge.is_from_proxy())];
            if answered.is_full() || answered.contains(realm) {
                continue;
            }
            let draft = assess(challenge, self.policy).and_then(|method| {
                let draft = self.answerer.draft(challenge, method, self.uri.get())?;
                self.answerer.asked_last(challenge, method);
                Ok(draft)
            });
            match draft {
                Ok(draft) => return Some((challenge, draft)),
                Err(status) => self.failure = status,
            }
        }
        None
    }

    /// The draft that [`Retry::turn`] returned became a header: makes room for it.
    pub fn answered(&mut self, challenge: Challenge<'h>) {
        self.answerer.remove_superseded(challenge);
        let realm = challenge.realm();
        self.answered[usize::from(challenge.is_from_proxy())].claim(realm);
        self.headers += 1;
    }

    /// It did not.
    pub fn failed(&mut self, status: Status) {
        self.failure = status;
    }

    /// Makes the request ready to be sent, if any challenge was answered.
    pub fn finish(&self) -> Result<(), Status> {
        if self.seen == 0 {
            return Err(EAUTHNOCHAL);
        }
        if self.headers == 0 {
            return Err(self.failure);
        }
        // Its transaction still makes an ACK or a CANCEL of a request that is held.
        if !hold::holds(self.answerer.request.as_ptr().addr()) {
            self.answerer.request.reopen();
        }
        self.answerer.request.set_retry(true);
        Ok(())
    }
}

/// The headers of a request that is sent for the first time.
pub struct Initial<'h> {
    answerer: Answerer<'h>,
    policy: Policy,
    uri: Option<Uri>,
    /// Remembered challenges, then credentials, looked at so far.
    entries: usize,
    credentials: usize,
}

impl<'h> Initial<'h> {
    /// Checks the arguments of `pjsip_auth_clt_init_req`. `None` where there is nothing
    /// to add: most requests pass here with nothing else to do.
    #[inline]
    pub fn open(session: Session<'h>, request: Request<'h>) -> Result<Option<Self>, Status> {
        let (root, _) = root_of(session)?;
        request.message().ok_or(ENOTREQUESTMSG)?;
        let _held = root.locked();
        let mut is_known = false;
        for entry in root.entries() {
            entry.set_stale_count(0);
            is_known = true;
        }
        if !(SENDS_UNASKED && is_known || root.wants_initial_answer()) {
            return Ok(None);
        }
        Ok(Some(Initial {
            answerer: Answerer {
                session: root,
                request,
            },
            policy: refused(session, root),
            uri: None,
            entries: 0,
            credentials: 0,
        }))
    }

    /// The request URI, printed once.
    fn uri(&mut self) -> &Uri {
        let request = self.answerer.request;
        self.uri.get_or_insert_with(|| Uri::of(request))
    }

    /// The next header to add. First come answers to remembered challenges, where
    /// the host is configured so; then, where the session's preferences ask for it,
    /// an empty answer for each credential that has none.
    pub fn turn(&mut self) -> Result<Option<Draft<'h>>, Status> {
        if SENDS_UNASKED && let Some(draft) = self.remembered()? {
            return Ok(Some(draft));
        }
        let session = self.answerer.session;
        let _held = session.locked();
        if !session.wants_initial_answer() {
            return Ok(None);
        }
        let answerer = self.answerer;
        while let Some(credential) = session.credentials().nth(self.credentials) {
            self.credentials += 1;
            if !answerer.request.answers(credential.realm()) {
                let uri = self.uri().get().filter(|uri| uri.len() < MAX_URL_SIZE);
                let uri = uri.ok_or(EURITOOLONG)?;
                return answerer.empty(credential, uri).map(Some);
            }
        }
        Ok(None)
    }

    /// An answer to the next remembered challenge that has a credential, of each server to the
    /// newest.
    fn remembered(&mut self) -> Result<Option<Draft<'h>>, Status> {
        let session = self.answerer.session;
        loop {
            let challenge = {
                let _held = session.locked();
                let Some(entry) = session.newest_entries().nth(self.entries) else {
                    return Ok(None);
                };
                // Without AUTO_SEND_NEXT only what needs no count is sent unasked.
                let wanted = abi::PJAUTH_AUTO_SEND_NEXT != 0
                    || entry.qop_value() == abi::PJSIP_AUTH_QOP_NONE;
                // A copy: the entry may come to stand for another server.
                let pool = self.answerer.request.pool().ok_or(EINVAL)?;
                let last = entry.last_challenge().filter(|_| wanted);
                match last.filter(|&last| !self.answerer.is_answered_unasked(last)) {
                    Some(challenge) => Some(challenge.copy(pool)?),
                    None => None,
                }
            };
            self.entries += 1;
            let Some(challenge) = challenge else { continue };
            let Ok(method) = assess(challenge, self.policy) else {
                continue;
            };
            let answerer = self.answerer;
            match answerer.draft(challenge, method, self.uri().get()) {
                Ok(draft) => return Ok(Some(draft)),
                Err(EURITOOLONG) => return Err(EURITOOLONG),
                // A credential that is gone is no reason not to send the request.
                Err(_) => {}
            }
        }
    }
}

impl<'h> Answerer<'h> {
    /// An answer that names the user and answers nothing.
    fn empty(self, credential: Credential<'h>, uri: &[u8]) -> Result<Draft<'h>, Status> {
        let pool = self.request.pool().ok_or(EINVAL)?;
        let (realm, username) = (credential.realm(), credential.username());
        let scheme = match credential.scheme() {
            // The host cannot print a header without a scheme.
            b"" => b"Digest",
            scheme => scheme,
        };
        if scheme.eq_ignore_ascii_case(b"Bearer") {
            let texts = [scheme, username, realm, credential.data()];
            let [scheme, username, realm, token] = pool.copy(texts)?;
            return Ok(Draft {
                to_proxy: false,
                fields: Fields::Bearer(Bearer {
                    scheme,
                    username,
                    realm,
                    token,
                }),
                aka: None,
            });
        }
        let algorithm = algorithm::name_of(credential.algorithm_type())
            .unwrap_or_else(|| self.session.preferred_algorithm());
        let texts = [scheme, username, realm, uri, algorithm];
        let [scheme, username, realm, uri, algorithm] = pool.copy(texts)?;
        Ok(Draft {
            to_proxy: false,
            fields: Fields::Digest(Digest {
                scheme,
                username,
                realm,
                uri,
                algorithm,
                ..Digest::EMPTY
            }),
            aka: None,
        })
    }
}

/// What a type needs that it can be jumped over.
const fn needs_no_drop<T>() {
    assert!(!core::mem::needs_drop::<T>());
}

const _: () = needs_no_drop::<Initial<'static>>();
const _: () = needs_no_drop::<Answerer<'static>>();
const _: () = needs_no_drop::<(Draft<'static>, Method, Text)>();
