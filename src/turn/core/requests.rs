//! STUN messages from clients: what is answered at once, what is asked about.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::stun::address::Family;
use crate::stun::attributes::kind;
use crate::stun::errors;
use crate::stun::integrity;
use crate::stun::message::{Class, Message, Method};
use crate::turn::auth::credentials::{Algorithm, Signer};
use crate::turn::auth::mechanism::{Presented, User};
use crate::turn::core::action::{Action, Withdrawal};
use crate::turn::policy::guesses::Claimant;
use crate::turn::state::arena::{AllocationId, RequestId};
use crate::turn::state::five_tuple::{FiveTuple, Link};
use crate::turn::state::held::{Held, Question};
use crate::turn::time::Time;

use super::allocate::requested_family;
use super::{Core, State};

/// A request that waits for a decision, as an observer may look at it.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Allocate, or with `ask_each` another.
    pub method: Method,
    /// The way to the client.
    pub link: Link,
    /// Likewise, in full.
    pub tuple: FiveTuple,
    /// Who the client says it is.
    pub user: User<'a>,
    /// The realm, which is the server's.
    pub realm: &'a str,
    /// The algorithm whose key is needed: a stored key of the other is no use.
    pub algorithm: Algorithm,
    /// The lifetime that the client asks for.
    pub lifetime: Option<Duration>,
    /// The address family that the client asks for.
    pub family: Option<Family>,
    /// Whether the client has proven to hold the credential (`ask_each`).
    pub verified: bool,
    /// The error code that it is refused with whatever is decided: the answer needs a
    /// key to be signed with.
    pub refusal: Option<u16>,
    /// The message as it came.
    pub message: &'a [u8],
}

/// The longest request that is kept: one with the longest user name, realm and
/// nonce is shorter.
pub(super) const MAX_KEPT: usize = 3072;

impl Core {
    pub(super) fn stun(
        &mut self,
        link: &Link,
        bytes: &[u8],
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        let message = match Message::parse(bytes) {
            Ok(message) if integrity::fingerprint_holds(&message) => message,
            _ => {
                self.counters.malformed += 1;
                return Action::Nothing;
            }
        };
        match (message.class(), message.method()) {
            (Class::Indication, Method::Send) => self.send_indication(link, &message, now),
            (Class::Request, method) => {
                self.counters.requests += 1;
                match method {
                    Method::Binding => self.bind(link, &message, now, out),
                    Method::Send | Method::Data | Method::ConnectionAttempt => Action::Nothing,
                    _ => self.request(link, &message, now, out),
                }
            }
            // Indications are never answered, and we ask clients nothing.
            _ => Action::Nothing,
        }
    }

    /// A request that needs a credential.
    fn request(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        let client = link.key();
        out.clear();
        if let Some(reply) = self.kept_reply(link, message) {
            out.extend_from_slice(reply);
            self.counters.retransmissions += 1;
            return Action::Reply;
        }
        if self.held.contains(client, message.id()) {
            self.counters.retransmissions += 1;
            return Action::Nothing;
        }
        let control = match (message.method(), self.table.of_client(&client)) {
            (Method::ConnectionBind, None) => match self.control_of(link, message) {
                Ok(control) => control,
                Err(worker) => return Action::Transfer(worker),
            },
            _ => None,
        };
        let (shared, mechanism) = (&self.shared, &self.mechanism);
        let lifetime = self.config.nonce_lifetime;
        let presented = mechanism.examine(message, |nonce| {
            let (nonces, features) = (shared.nonces(), mechanism.features);
            let is_fresh = |client| nonces.is_fresh(nonce, features, client, now, lifetime);
            is_fresh(&link.client) || control.as_ref().is_some_and(is_fresh)
        });
        let presented = match presented {
            Ok(presented) => presented,
            Err(code) => {
                let action = self.fail_unsigned(link, message, code, now, out);
                let is_silent = code == errors::STALE_NONCE && action == Action::Nothing;
                return match is_silent && self.is_of_bearer(link, message, now) {
                    true => self.write_unsigned(link, message, code, now, out),
                    false => action,
                };
            }
        };
        match (message.method(), self.table.of_client(&client)) {
            (Method::Allocate, None) if self.turns_away(link) => {
                let code = errors::INSUFFICIENT_CAPACITY;
                self.refuse(link, message, &presented, code, now, out)
            }
            (Method::Allocate, None) => {
                let who = self.claimant(link, &presented.user);
                if !self.may_try(&who, now) {
                    return self.suppress(link, message, now, out);
                }
                self.ask(link, message, who, Question::Allocation, now, out)
            }
            (Method::ConnectionBind, None) => {
                self.connection_bind(link, message, &presented, now, out)
            }
            (_, None) => {
                let code = errors::ALLOCATION_MISMATCH;
                self.refuse(link, message, &presented, code, now, out)
            }
            (_, Some(id)) => self.within(id, link, message, &presented, now, out),
        }
    }

    /// Whether a request was made with the key of its client's allocation, whatever its nonce. Who has that is
    /// told that a nonce is stale, however many answers strangers have used up in his name. A wrong key counts
    /// as no guess: with an old nonce anybody can send one in his name.
    fn is_of_bearer(&self, link: &Link, message: &Message<'_>, now: Time) -> bool {
        let Some(id) = self.table.of_client(&link.key()) else {
            return false;
        };
        let Ok(presented) = self.mechanism.examine(message, |_| true) else {
            return false;
        };
        self.may_try_within(id, now) && self.authenticate(id, message, &presented).is_ok()
    }

    /// Whether a new client can be told at once that there is nothing for it.
    fn turns_away(&self, link: &Link) -> bool {
        self.state == State::Draining && self.alternate_for(link).is_none()
    }

    /// A request on a 5-tuple that has an allocation.
    fn within(
        &mut self,
        id: AllocationId,
        link: &Link,
        message: &Message<'_>,
        presented: &Presented<'_>,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        let signer = match self.identify_within(id, link, message, presented, now, out) {
            Ok(signer) => signer,
            Err(action) => return action,
        };
        if message.method() == Method::Allocate {
            self.fail(link, message, errors::ALLOCATION_MISMATCH, &signer, out);
            return Action::Reply;
        }
        if self.config.ask_each && !is_deletion(message) {
            let who = self.claimant(link, &presented.user);
            return self.ask(link, message, who, Question::Performance, now, out);
        }
        self.perform(id, link, message, &signer, now, out)
    }

    /// Looks whether a request was made with an allocation's key. If not, what to do
    /// about it.
    pub(super) fn identify_within(
        &mut self,
        id: AllocationId,
        link: &Link,
        message: &Message<'_>,
        presented: &Presented<'_>,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Result<Signer, Action> {
        if !self.may_try_within(id, now) {
            return Err(self.suppress(link, message, now, out));
        }
        self.authenticate(id, message, presented).map_err(|why| {
            if why == errors::UNAUTHENTICATED {
                self.has_failed_within(id, now);
            }
            let code = match message.method() {
                // Whoever asks, the 5-tuple is in use.
                Method::Allocate => errors::ALLOCATION_MISMATCH,
                _ => errors::WRONG_CREDENTIALS,
            };
            self.refuse(link, message, presented, code, now, out)
        })
    }

    /// Verifies a request with the key of the allocation.
    ///
    /// # Errors
    /// 441 for another user, 401 for a wrong key.
    pub(super) fn authenticate(
        &self,
        id: AllocationId,
        message: &Message<'_>,
        presented: &Presented<'_>,
    ) -> Result<Signer, u16> {
        let allocation = self.table.get(id).ok_or(errors::ALLOCATION_MISMATCH)?;
        if !presented.user.is(&allocation.user, &self.mechanism.realm) {
            return Err(errors::WRONG_CREDENTIALS);
        }
        match allocation.keys.get(presented.algorithm) {
            Some(key) if integrity::verify(message, presented.protection, key) => {
                Ok(Signer::new(key, presented.reply))
            }
            _ => Err(errors::UNAUTHENTICATED),
        }
    }

    /// Holds a request and has the observer asked about it.
    pub(super) fn ask(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        who: Claimant,
        question: Question,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        if message.bytes().len() > MAX_KEPT {
            return self.refuse_unkept(link, message, &who, now, out);
        }
        if question == Question::Allocation {
            // The client has given up the transaction it began before.
            for earlier in self.held.of_client(link) {
                self.withdraw(earlier, Withdrawal::Superseded, now);
            }
        }
        self.counters.asked += 1;
        Action::Ask(self.held.insert(Held {
            link: *link,
            id: *message.id(),
            message: message.bytes().into(),
            who,
            question,
            since: now,
            identity: None,
            deadline: None,
            counted: None,
        }))
    }

    /// What is known of a request that waits; `None` when none does.
    pub fn request_of(&self, id: RequestId) -> Option<Request<'_>> {
        let held = self.held.get(id)?;
        let message = Message::parse(&held.message).ok()?;
        let presented = self.mechanism.examine(&message, |_| true).ok()?;
        let lifetime = message.number(kind::LIFETIME).ok().flatten();
        Some(Request {
            method: message.method(),
            link: held.link,
            tuple: self.tuple(&held.link),
            user: presented.user,
            realm: &self.mechanism.realm,
            algorithm: presented.algorithm,
            lifetime: lifetime.map(|secs| Duration::from_secs(secs.into())),
            family: requested_family(&message).ok().flatten(),
            verified: held.question == Question::Performance,
            refusal: match held.question {
                Question::Refusal(code) => Some(code),
                Question::Allocation | Question::Performance => None,
            },
            message: &held.message,
        })
    }
}

/// A Refresh that gives the allocation back: nobody need be asked.
fn is_deletion(message: &Message<'_>) -> bool {
    message.method() == Method::Refresh && message.number(kind::LIFETIME) == Ok(Some(0))
}
