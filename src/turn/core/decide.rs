//! What the observer's decision brings about.
#![forbid(unsafe_code)]

use crate::stun::errors;
use crate::stun::message::{Message, Method};
use crate::turn::auth::credentials::{Identity, Keys, Signer};
use crate::turn::auth::mechanism::Presented;
use crate::turn::core::action::{Action, Decided, Decision, Grant, Relays};
use crate::turn::state::arena::{AllocationId, RequestId};
use crate::turn::state::five_tuple::Link;
use crate::turn::state::held::{Held, Question};
use crate::turn::state::timers::Due;
use crate::turn::time::Time;

use super::Core;
use super::reply::Fault;

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
        self.has_waited(&held, now);
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

    /// Counts how long a request has waited that is answered now.
    pub(super) fn has_waited(&mut self, held: &Held, now: Time) {
        let waited = now.since(held.since).as_micros();
        self.counters.question_microseconds += waited as u64;
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
        let identity = match &decision {
            Decision::Authorized(grant) => grant.identity(),
            Decision::QuotaReached(identity) => identity.clone(),
            Decision::Later => held.identity.as_deref().cloned(),
            Decision::Refused(refusal) => refusal.identity.clone(),
            Decision::NotAuthorized => None,
        };
        if held.question == Question::Performance {
            return self.answer_within(held, message, &presented, (decision, identity), now, out);
        }
        let proven = identity
            .as_ref()
            .and_then(|identity| self.prove(message, &presented, identity));
        match &proven {
            Some((_, keys, _)) => self.has_proven(&held.who, keys, now),
            None => self.has_failed(&held.who, now),
        }
        let is_wrong = identity.is_some() && proven.is_none();
        let (code, signer) = match (held.question, decision, proven) {
            (Question::Allocation, Decision::Authorized(grant), Some((user, keys, signer))) => {
                let terms = (user.as_str(), keys, grant);
                self.grant(link, message, terms, &signer, now, relays, out);
                return Action::Reply;
            }
            (_, Decision::NotAuthorized, _) => (errors::UNAUTHENTICATED, None),
            (Question::Refusal(code), _, proven) => (code, proven.map(|(.., signer)| signer)),
            (_, Decision::Refused(refusal), proven) => {
                let signer = proven.map(|(.., signer)| signer);
                let fault = (Fault::from(&refusal), is_wrong);
                return self.turn_down(held, message, &presented, fault, signer, now, out);
            }
            (_, Decision::Authorized(_), _) => (errors::UNAUTHENTICATED, None),
            (_, Decision::QuotaReached(_), proven) => {
                (errors::QUOTA_REACHED, proven.map(|(.., signer)| signer))
            }
            (_, Decision::Later, proven) => (
                errors::INSUFFICIENT_CAPACITY,
                proven.map(|(.., signer)| signer),
            ),
        };
        let fault = (code.into(), is_wrong);
        self.turn_down(held, message, &presented, fault, signer, now, out)
    }

    /// Likewise where the allocation's key was right before the observer was asked.
    /// If it names a key, that must be right as well: the password may have changed.
    fn answer_within(
        &mut self,
        held: &Held,
        message: &Message<'_>,
        presented: &Presented<'_>,
        (decision, identity): (Decision, Option<Identity>),
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        let link = &held.link;
        let allocation = self.table.of_client(&link.key());
        let proven = allocation
            .ok_or(errors::ALLOCATION_MISMATCH)
            .and_then(|id| Ok((id, self.authenticate(id, message, presented)?)));
        let (id, signer) = match proven {
            Ok(proven) => proven,
            Err(code) => {
                let fault = (code.into(), false);
                return self.turn_down(held, message, presented, fault, None, now, out);
            }
        };
        if identity.is_some_and(|identity| self.is_another(id, message, presented, identity)) {
            self.has_failed_within(id, now);
            self.has_failed(&held.who, now);
            return self.fail_unsigned(link, message, errors::UNAUTHENTICATED, now, out);
        }
        let code = match decision {
            Decision::Authorized(_) => {
                return self.perform(id, link, message, &signer, now, out);
            }
            Decision::NotAuthorized => {
                let code = errors::UNAUTHENTICATED;
                return self.fail_unsigned(link, message, code, now, out);
            }
            Decision::Refused(refusal) if Fault::from(&refusal).is_challenge() => {
                return self.fail_unsigned(link, message, &refusal, now, out);
            }
            Decision::Refused(refusal) => {
                self.fail(link, message, &refusal, &signer, out);
                return Action::Reply;
            }
            Decision::QuotaReached(_) => errors::QUOTA_REACHED,
            Decision::Later => errors::INSUFFICIENT_CAPACITY,
        };
        self.fail(link, message, code, &signer, out);
        Action::Reply
    }

    /// Whether an allocation's client is somebody else than the observer says.
    fn is_another(
        &self,
        id: AllocationId,
        message: &Message<'_>,
        presented: &Presented<'_>,
        mut identity: Identity,
    ) -> bool {
        let owner = self.table.get(id).map(|a| a.user.to_string());
        identity.username = identity.username.or(owner);
        self.prove(message, presented, &identity).is_none()
    }

    /// Whether a request that is yet to be decided was made by one who holds the
    /// credential; where none is named, by one who has the allocation's key.
    /// `None` when there is no such request.
    pub fn verify(&self, id: RequestId, identity: Option<&Identity>) -> Option<bool> {
        let held = self.held.get(id)?;
        let message = Message::parse(&held.message).ok()?;
        let presented = self.mechanism.examine(&message, |_| true).ok()?;
        let is_within = held.question == Question::Performance;
        Some(identity.map_or(is_within, |identity| {
            let allocation = self.table.of_client(&held.link.key());
            match allocation.filter(|_| is_within) {
                Some(id) => !self.is_another(id, &message, &presented, identity.clone()),
                None => self.prove(&message, &presented, identity).is_some(),
            }
        }))
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
