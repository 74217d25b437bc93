//! What the observer's decision brings about.
#![forbid(unsafe_code)]

use crate::stun::errors;
use crate::stun::integrity;
use crate::stun::message::{Message, Method};
use crate::turn::auth::credentials::{Credential, Keys, Signer};
use crate::turn::auth::mechanism::{Presented, User};
use crate::turn::core::action::{Action, Decided, Decision, Grant, Relays};
use crate::turn::state::arena::RequestId;
use crate::turn::state::five_tuple::Link;
use crate::turn::state::held::Held;
use crate::turn::state::timers::Due;
use crate::turn::time::Time;

use super::Core;

impl Core {
    /// Decides about a request, once. Only [`Decision::Later`] leaves it
    /// undecided; beyond the bounds for held requests that becomes 508.
    ///
    /// For [`Decided::Reply`], `out` holds what to send on the link returned.
    pub fn decide(
        &mut self,
        id: RequestId,
        decision: Decision,
        now: Time,
        relays: &mut dyn Relays,
        out: &mut Vec<u8>,
    ) -> Decided {
        out.clear();
        if matches!(decision, Decision::Later) && self.hold(id, now) {
            return Decided::Held;
        }
        let Some(held) = self.take_held(id) else {
            return Decided::Gone;
        };
        let Ok(message) = Message::parse(&held.message) else {
            return Decided::Dropped;
        };
        match self.answer(&held, &message, decision, now, relays, out) {
            Action::Reply => {
                self.keep_reply(&held.link, &message, out, now);
                Decided::Reply(held.link)
            }
            _ => Decided::Dropped,
        }
    }

    /// `false` when the request is not there, or may not wait.
    fn hold(&mut self, id: RequestId, now: Time) -> bool {
        match self.held.get(id) {
            None => return false,
            Some(held) if held.deadline.is_some() => return true,
            Some(_) => {}
        }
        let deadline = now + self.config.held_deadline;
        let waits = self.held.wait(id, deadline);
        if waits {
            self.timers.set(deadline, Due::Request(id));
            self.counters.held_total += 1;
        } else {
            self.counters.held_refused += 1;
        }
        waits
    }

    /// Takes a request out of the waiting ones, with its deadline.
    pub(super) fn take_held(&mut self, id: RequestId) -> Option<Held> {
        let held = self.held.remove(id)?;
        if let Some(deadline) = held.deadline {
            self.timers.cancel(deadline, Due::Request(id));
        }
        Some(held)
    }

    /// Answers a request that waits no longer.
    fn answer(
        &mut self,
        held: &Held,
        message: &Message<'_>,
        decision: Decision,
        now: Time,
        relays: &mut dyn Relays,
        out: &mut Vec<u8>,
    ) -> Action {
        let link = &held.link;
        // The nonce was fresh when the request came.
        let presented = match self.mechanism.examine(message, |_| true) {
            Ok(presented) => presented,
            Err(code) => return self.fail_unsigned(link, message, code, now, out),
        };
        if held.verified {
            return self.answer_verified(link, message, &presented, decision, now, out);
        }
        let unsigned = match decision {
            Decision::Later => errors::INSUFFICIENT_CAPACITY,
            Decision::QuotaReached(None) => errors::QUOTA_REACHED,
            Decision::NotAuthorized => errors::UNAUTHENTICATED,
            Decision::QuotaReached(Some(credential)) => {
                match self.prove(message, &presented, &credential, None) {
                    Some((_, _, signer)) => {
                        self.fail(link, message, errors::QUOTA_REACHED, &signer, out);
                        return Action::Reply;
                    }
                    None => errors::UNAUTHENTICATED,
                }
            }
            Decision::Authorized(grant) => {
                let name = grant.username.as_deref();
                let proven = grant
                    .credential
                    .as_ref()
                    .and_then(|credential| self.prove(message, &presented, credential, name));
                match proven {
                    Some((user, keys, signer)) => {
                        let terms = (user.as_str(), keys, grant);
                        self.grant(link, message, terms, &signer, now, relays, out);
                        return Action::Reply;
                    }
                    None => errors::UNAUTHENTICATED,
                }
            }
        };
        self.fail_unsigned(link, message, unsigned, now, out)
    }

    /// Likewise where the integrity was verified before the observer was asked.
    fn answer_verified(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        presented: &Presented<'_>,
        decision: Decision,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        let allocation = self.table.of_client(&link.key());
        let proven = allocation
            .ok_or(errors::ALLOCATION_MISMATCH)
            .and_then(|id| Ok((id, self.authenticate(id, message, presented)?)));
        let (id, signer) = match proven {
            Ok(proven) => proven,
            Err(code) => return self.fail_unsigned(link, message, code, now, out),
        };
        let code = match decision {
            Decision::Authorized(_) => {
                self.perform(id, link, message, &signer, now, out);
                return Action::Reply;
            }
            Decision::NotAuthorized => {
                let code = errors::UNAUTHENTICATED;
                return self.fail_unsigned(link, message, code, now, out);
            }
            Decision::QuotaReached(_) => errors::QUOTA_REACHED,
            Decision::Later => errors::INSUFFICIENT_CAPACITY,
        };
        self.fail(link, message, code, &signer, out);
        Action::Reply
    }

    /// Whether a request that is yet to be decided was made by one who holds the
    /// credential. `None` when there is no such request.
    pub fn verify(
        &self,
        id: RequestId,
        credential: Option<&Credential>,
        name: Option<&str>,
    ) -> Option<bool> {
        let held = self.held.get(id)?;
        let message = Message::parse(&held.message).ok()?;
        let presented = self.mechanism.examine(&message, |_| true).ok()?;
        let proves = |credential| self.prove(&message, &presented, credential, name).is_some();
        Some(credential.map_or(held.verified, proves))
    }

    /// Whether the request was made by one who holds the credential: then the
    /// user's name, the keys, and what signs the reply.
    fn prove(
        &self,
        message: &Message<'_>,
        presented: &Presented<'_>,
        credential: &Credential,
        name: Option<&str>,
    ) -> Option<(String, Keys, Signer)> {
        let realm = &self.mechanism.realm;
        let user = match presented.user {
            User::Name(own) => own,
            User::Hash(_) => name.filter(|name| presented.user.is(name, realm))?,
        };
        let keys = Keys::new(credential, user, realm);
        let key = keys.get(presented.algorithm)?;
        if !integrity::verify(message, presented.protection, key) {
            return None;
        }
        let signer = Signer::new(key, presented.reply);
        Some((user.to_owned(), keys, signer))
    }

    /// Makes the allocation, and writes the reply either way.
    #[allow(clippy::too_many_arguments)]
    fn grant(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        (user, keys, grant): (&str, Keys, Grant),
        signer: &Signer,
        now: Time,
        relays: &mut dyn Relays,
        out: &mut Vec<u8>,
    ) {
        debug_assert_eq!(message.method(), Method::Allocate);
        match self.allocate(link, message, user, keys, &grant, now, relays) {
            Ok(granted) => {
                let client = link.client;
                self.succeed(message, Some(signer), out, |writer| {
                    granted.write(writer, &client)
                });
            }
            Err(code) => self.fail(link, message, code, signer, out),
        }
    }
}
