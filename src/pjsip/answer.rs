//! One challenge, one answer: which credential, which nonce count, which response.
#![forbid(unsafe_code)]

use super::break_out::{breaks_out, breaks_out_of_quotes};
use super::host::{
    self, AkaCall, CachedAuth, Challenge, Credential, Digest, Draft, Fields, PreviousAnswer,
    Request, Session, Text,
};
use super::status::{
    EAUTHSTALECOUNT, EFAILEDCREDENTIAL, EINVAL, EINVALIDALGORITHM, EINVALIDAUTHSCHEME, EINVALIDHDR,
    EINVALIDQOP, ENOCREDENTIAL, ENOTINITIALIZED, EURITOOLONG, Status,
};
use super::{abi, algorithm};
use crate::digest::{
    self, Algorithm, Answer, Hash, Hex, Plan, Policy, Protection, Qop, Refusal, Secret,
};

/// Longest parameter of a challenge that is echoed. Real ones stay far below.
const MAX_PARAMETER: usize = 2048;

/// Servers that one session remembers; the oldest makes room for the next.
const MAX_ENTRIES: usize = 32;

/// Answers that one request may carry to servers, and as many to proxies.
const MAX_ANSWERS: usize = digest::MAX_REALMS;

/// Those that it carries unasked, so that there is room for others.
const MAX_UNASKED: usize = MAX_ANSWERS / 2;

/// Whether remembered challenges are answered unasked, by the host's configuration.
pub const SENDS_UNASKED: bool = abi::PJAUTH_AUTO_SEND_NEXT != 0 || abi::PJAUTH_HEADER_CACHING != 0;

/// How a challenge can be answered, credentials permitting.
#[derive(Clone, Copy)]
pub enum Method {
    /// By us.
    Digest(Plan),
    /// By the callback of an AKA credential (RFC 3310, RFC 4169).
    Aka { version: u32, qop: Option<Qop> },
}

impl Method {
    /// The protection chosen from the offer.
    pub fn qop(self) -> Option<Qop> {
        match self {
            Method::Digest(plan) => plan.qop,
            Method::Aka { qop, .. } => qop,
        }
    }

    /// The algorithm as credentials and remembered challenges name it.
    fn algorithm_type(self) -> u32 {
        match self {
            Method::Digest(plan) => algorithm::of_hash(plan.algorithm.hash),
            Method::Aka { version, .. } => version,
        }
    }
}

/// Whether we can answer this challenge at all, and how.
pub fn assess(challenge: Challenge<'_>, policy: Policy) -> Result<Method, Status> {
    let [scheme, realm, _domain, nonce, opaque, name, qop] = challenge.texts();
    let fits = |text: &[u8]| text.len() <= MAX_PARAMETER;
    if !scheme.eq_ignore_ascii_case(b"Digest") {
        return Err(EINVALIDAUTHSCHEME);
    }
    // Nothing that would break out of our own header, or of its quotes, goes into it.
    let is_safe = [realm, nonce, opaque]
        .into_iter()
        .all(|text| fits(text) && !breaks_out_of_quotes(text))
        && [name, qop]
            .into_iter()
            .all(|text| fits(text) && !breaks_out(text));
    if !is_safe {
        return Err(EINVALIDHDR);
    }
    if let Some(version) = algorithm::by_name(name).filter(|&known| algorithm::is_aka(known)) {
        let qop = digest::choose_qop(qop).map_err(|_| EINVALIDQOP)?;
        return Ok(Method::Aka { version, qop });
    }
    let userhash = challenge.userhash();
    digest::assess(
        &digest::Challenge {
            scheme,
            realm,
            nonce,
            algorithm: name,
            qop,
            userhash,
        },
        policy,
    )
    .map(Method::Digest)
    .map_err(|refusal| match refusal {
        Refusal::Scheme => EINVALIDAUTHSCHEME,
        Refusal::Algorithm | Refusal::Weak => EINVALIDALGORITHM,
        Refusal::Qop => EINVALIDQOP,
    })
}

/// What all answers to one response have in common.
#[derive(Clone, Copy)]
pub struct Answerer<'h> {
    /// Whose credentials and remembered challenges are used.
    pub session: Session<'h>,
    /// The request that is answered for.
    pub request: Request<'h>,
}

impl<'h> Answerer<'h> {
    /// Computes the answer to `challenge`. `uri` is the request's, as printed, if
    /// it could be. Holds the session's lock; calls nothing that throws.
    pub fn draft(
        self,
        challenge: Challenge<'h>,
        method: Method,
        uri: Option<&[u8]>,
    ) -> Result<Draft<'h>, Status> {
        let body = match method.qop() {
            Some(Qop::AuthInt) => self.request.print_body().ok_or(EINVALIDQOP)?,
            _ => &[],
        };
        let _held = self.session.locked();
        let stale_count = self.count_stale(challenge, method)?;
        let realm = challenge.realm();
        let credential =
            find_credential(self.session, realm, method.algorithm_type()).ok_or(ENOCREDENTIAL)?;
        // Who computes AKA's answers, PJSIP's own code or the application's, is not
        // given the body that auth-int is about.
        if let (Method::Aka { .. }, Some(Qop::AuthInt)) = (method, method.qop()) {
            return Err(EINVALIDQOP);
        }
        let uri = uri.ok_or(EURITOOLONG)?;
        let entry = self.entry(challenge, method)?;
        entry.set_stale_count(stale_count);
        let counted = self.advance(entry, challenge, method)?;
        self.write(challenge, method, credential, uri, body, counted)
    }

    /// Decides on a request that was answered before: refused for good, or only
    /// for its nonce? Returns how often in a row it was the nonce.
    fn count_stale(self, challenge: Challenge<'h>, method: Method) -> Result<u32, Status> {
        let (realm, nonce) = (challenge.realm(), challenge.nonce());
        let proxy = challenge.is_from_proxy();
        let mut answers = 0;
        let mut sent = None;
        for answer in self.request.previous_answers(proxy) {
            answers += 1;
            if sent.is_none() && !answer.is_empty() && digest::is_same_realm(answer.realm(), realm)
            {
                sent = Some(answer);
            }
        }
        if answers >= MAX_ANSWERS {
            return Err(EAUTHSTALECOUNT);
        }
        let count = self
            .find_entry(realm, method, proxy)
            .map_or(0, CachedAuth::stale_count);
        let Some(sent) = sent else {
            return Ok(count);
        };
        // Broken servers change the nonce without calling the old one stale.
        if !challenge.stale() && sent.nonce() == nonce {
            return Err(EFAILEDCREDENTIAL);
        }
        if count + 1 >= abi::PJAUTH_MAX_STALE_COUNT {
            return Err(EAUTHSTALECOUNT);
        }
        Ok(count + 1)
    }

    /// Answers in the request that the one to `challenge` takes the place of.
    pub fn remove_superseded(self, challenge: Challenge<'h>) {
        let realm = challenge.realm();
        self.request
            .previous_answers(challenge.is_from_proxy())
            .filter(|sent| {
                // An empty one was sent unasked, maybe for any realm.
                digest::is_same_realm(sent.realm(), realm)
                    || (sent.realm() == b"*" && sent.is_empty())
            })
            .for_each(PreviousAnswer::remove);
    }

    fn find_entry(self, realm: &[u8], method: Method, proxy: bool) -> Option<CachedAuth<'h>> {
        self.session
            .entries()
            .find(|entry| entry.is_for(realm, method.algorithm_type(), proxy))
    }

    /// Whether a server has an answer in the request already, or as many have one as may be sent
    /// unasked.
    pub fn is_answered_unasked(self, challenge: Challenge<'h>) -> bool {
        let mut answers = 0;
        self.request
            .previous_answers(challenge.is_from_proxy())
            .filter(|sent| !sent.is_empty())
            .inspect(|_| answers += 1)
            .any(|sent| digest::is_same_realm(sent.realm(), challenge.realm()))
            || answers >= MAX_UNASKED
    }

    /// This is what the server asked for last, and what it is answered unasked.
    pub fn asked_last(self, challenge: Challenge<'h>, method: Method) {
        if !SENDS_UNASKED {
            return;
        }
        let _held = self.session.locked();
        let (realm, proxy) = (challenge.realm(), challenge.is_from_proxy());
        if let Some(entry) = self.find_entry(realm, method, proxy) {
            self.session.append_entry(entry);
        }
    }

    /// What the session remembers of this server, as of now nothing for a new one.
    fn entry(self, challenge: Challenge<'h>, method: Method) -> Result<CachedAuth<'h>, Status> {
        let realm = challenge.realm();
        let proxy = challenge.is_from_proxy();
        if let Some(entry) = self.find_entry(realm, method, proxy) {
            return Ok(entry);
        }
        let (pool, endpoint) = self
            .session
            .pool()
            .zip(self.session.endpoint())
            .ok_or(ENOTINITIALIZED)?;
        let oldest = self.session.entries().next();
        let entry = match oldest {
            Some(oldest) if self.session.entries().count() >= MAX_ENTRIES => oldest,
            _ => CachedAuth::create(pool)?,
        };
        entry.assign(endpoint, realm, method.algorithm_type(), proxy)?;
        self.session.append_entry(entry);
        Ok(entry)
    }

    /// Counts the request under the challenge's nonce and remembers the challenge.
    fn advance(
        self,
        entry: CachedAuth<'h>,
        challenge: Challenge<'h>,
        method: Method,
    ) -> Result<(u32, [u8; 32]), Status> {
        let last = entry.last_challenge();
        let nonce = |challenge: Challenge<'h>| challenge.nonce();
        let same = last.is_some_and(|last| nonce(last) == nonce(challenge));
        // Another offer with the same nonce matters where it is answered unasked.
        let is_known =
            same && !(SENDS_UNASKED && last.is_some_and(|last| !last.is_like(challenge)));
        let counts = method.qop().is_some() || is_session(method);
        // What is not counted does not end the count of another nonce, unless it is
        // remembered to be answered unasked.
        let sent = self.sent_with(nonce(challenge));
        if !is_known && (counts || SENDS_UNASKED) {
            entry.remember(challenge)?;
        }
        entry.set_qop_value(match method.qop() {
            None => abi::PJSIP_AUTH_QOP_NONE,
            Some(Qop::Auth) => abi::PJSIP_AUTH_QOP_AUTH,
            Some(Qop::AuthInt) => abi::PJSIP_AUTH_QOP_AUTH_INT,
        });
        if !counts {
            return Ok((1, [0; 32]));
        }
        // What is sent without a count is not counted.
        let count = match method.qop() {
            Some(_) => sent.checked_add(1).unwrap_or(1),
            None => sent,
        };
        Ok(entry.advance(count, same, digest::cnonce))
    }

    /// How many requests have been sent with a nonce, to whatever server: the count is
    /// the nonce's (RFC 7616 section 3.4), and a proxy and a registrar may share one.
    fn sent_with(self, nonce: &[u8]) -> u32 {
        let counts = self.session.entries().map(|entry| entry.count(nonce));
        counts.max().unwrap_or(0)
    }

    fn write(
        self,
        challenge: Challenge<'h>,
        method: Method,
        credential: Credential<'h>,
        uri: &[u8],
        body: &[u8],
        (count, cnonce): (u32, [u8; 32]),
    ) -> Result<Draft<'h>, Status> {
        let [_, realm, _, nonce, opaque, algorithm, _] = challenge.texts();
        let pool = self.request.pool().ok_or(EINVAL)?;
        let qop = method.qop();
        let nc = digest::nonce_count(count);
        let cnonce: &[u8] = if qop.is_some() || is_session(method) {
            &cnonce
        } else {
            &[]
        };
        let (username, response, aka) = match method {
            Method::Digest(plan) => {
                let response = digest::response(&Answer {
                    algorithm: plan.algorithm,
                    username: credential.username(),
                    realm,
                    secret: secret(credential),
                    method: self.request.method(),
                    uri,
                    nonce,
                    protection: qop.map(|qop| Protection {
                        qop,
                        nc: &nc,
                        cnonce,
                        body,
                    }),
                    session_cnonce: plan.algorithm.session.then_some(cnonce),
                })
                .map_err(|_| EINVAL)?;
                let name = credential.username();
                let hash = plan.algorithm.hash;
                let username = plan.userhash.then(|| digest::userhash(hash, name, realm));
                (username, Some(response), None)
            }
            Method::Aka { .. } => {
                let call = AkaCall {
                    callback: credential.aka_callback(),
                    credential: host::copy_to_pool(credential, pool)?,
                    challenge,
                };
                (None, None, Some(call))
            }
        };
        let userhash = username.is_some();
        let username = username
            .as_ref()
            .map_or(credential.username(), Hex::as_bytes);
        // The AKA callback writes its response into this room.
        let room = [b'0'; Hash::Md5.hex_len()];
        let response = response.as_ref().map_or(&room[..], Hex::as_bytes);
        let texts = [
            username, realm, nonce, uri, response, algorithm, cnonce, opaque, &nc,
        ];
        let [
            username,
            realm,
            nonce,
            uri,
            response,
            algorithm,
            cnonce,
            opaque,
            nc,
        ] = pool.copy(texts)?;
        Ok(Draft {
            to_proxy: challenge.is_from_proxy(),
            fields: Fields::Digest(Digest {
                scheme: Text::from_static(b"Digest"),
                username,
                realm,
                nonce,
                uri,
                response,
                algorithm,
                cnonce,
                opaque,
                qop: qop.map_or(Text::EMPTY, |qop| {
                    Text::from_static(qop.as_str().as_bytes())
                }),
                nc: qop.map_or(Text::EMPTY, |_| nc),
                userhash,
            }),
            aka,
        })
    }
}

fn is_session(method: Method) -> bool {
    matches!(
        method,
        Method::Digest(Plan {
            algorithm: Algorithm { session: true, .. },
            ..
        })
    )
}

fn secret(credential: Credential<'_>) -> Secret<'_> {
    if credential.get().data_type & host::DATA_MASK == abi::PJSIP_CRED_DATA_DIGEST as i32 {
        Secret::Ha1(credential.data())
    } else {
        Secret::Password(credential.data())
    }
}

/// The credential for a realm and an algorithm: the first that names the realm,
/// else the last for any realm.
fn find_credential<'h>(
    session: Session<'h>,
    realm: &[u8],
    algorithm_type: u32,
) -> Option<Credential<'h>> {
    let usable = |credential: &Credential<'h>| {
        let aka = algorithm::is_aka(algorithm_type);
        match credential.get().data_type as u32 {
            abi::PJSIP_CRED_DATA_PLAIN_PASSWD => !aka,
            abi::PJSIP_CRED_DATA_DIGEST => credential.algorithm_type() == algorithm_type,
            abi::PJSIP_CRED_DATA_EXT_AKA => aka,
            _ => false,
        }
    };
    let candidates = || session.credentials().filter(usable);
    candidates()
        .find(|credential| digest::is_same_realm(credential.realm(), realm))
        .or_else(|| {
            candidates()
                .filter(|credential| credential.realm() == b"*")
                .last()
        })
}
