//! Refusals that a client believes: signed (RFC 8489, 9.2.5), and no help to one who
//! guesses keys.
#![forbid(unsafe_code)]

use crate::stun::errors;
use crate::stun::integrity;
use crate::stun::message::Message;
use crate::turn::auth::credentials::{Identity, Keys, Signer};
use crate::turn::auth::mechanism::{Presented, User};
use crate::turn::core::action::{Action, Event, Withdrawal};
use crate::turn::policy::guesses::Claimant;
use crate::turn::state::arena::{AllocationId, RequestId};
use crate::turn::state::five_tuple::{Link, Transport};
use crate::turn::state::held::{Held, Question};
use crate::turn::time::Time;

use super::Core;
use super::reply::Fault;

/// What was proven of a request: the user's name, the keys, what signs the reply.
pub(super) type Proof = (String, Keys, Signer);

impl Core {
    pub(super) fn claimant(&self, link: &Link, user: &User<'_>) -> Claimant {
        Claimant::new(&link.client.ip(), &user.hash(&self.mechanism.realm))
    }

    /// Refuses a request whose key is not at hand: one that was proven lately is
    /// looked for, or the observer is asked, whose answer then gives the key alone.
    pub(super) fn refuse(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        presented: &Presented<'_>,
        code: u16,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        let who = self.claimant(link, &presented.user);
        if !self.may_try(&who, now) {
            return self.suppress(link, message, now, out);
        }
        if let Some(signer) = self.recall(&who, message, presented, now) {
            self.fail(link, message, code, &signer, out);
            return Action::Reply;
        }
        self.ask(link, message, who, Question::Refusal(code), now, out)
    }

    /// Refuses a request that is too long to be kept while somebody is asked.
    pub(super) fn refuse_unkept(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        who: &Claimant,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        let presented = self.mechanism.examine(message, |_| true).ok();
        let signer = presented.and_then(|shown| self.recall(who, message, &shown, now));
        match signer {
            Some(signer) => {
                self.fail(link, message, errors::BAD_REQUEST, &signer, out);
                Action::Reply
            }
            None => self.fail_unsigned(link, message, errors::BAD_REQUEST, now, out),
        }
    }

    /// Refuses a request that the observer has been asked about: signed with the key
    /// that was proven or else with one of lately, where the code has not to do with
    /// the key. `is_wrong` where a key was set that the client does not hold.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn turn_down(
        &mut self,
        held: &Held,
        message: &Message<'_>,
        presented: &Presented<'_>,
        (fault, is_wrong): (Fault<'_>, bool),
        signer: Option<Signer>,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        let signer = match fault.is_challenge() || is_wrong {
            true => None,
            false => signer.or_else(|| self.recall(&held.who, message, presented, now)),
        };
        if let Some(signer) = signer {
            self.fail(&held.link, message, fault, &signer, out);
            return Action::Reply;
        }
        let fault = match fault.code() {
            // Nobody has shown that the credentials are another's.
            errors::WRONG_CREDENTIALS => errors::UNAUTHENTICATED.into(),
            _ if is_wrong => errors::UNAUTHENTICATED.into(),
            _ => fault,
        };
        self.fail_unsigned(&held.link, message, fault, now, out)
    }

    /// Where too many wrong keys came from: no key is looked at. Over UDP nothing is
    /// said, so that the client repeats itself, and gets through when there is room;
    /// over TCP it would wait for ever, and gets what a wrong key gets.
    pub(super) fn suppress(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        self.counters.guesses_suppressed += 1;
        out.clear();
        match self.transport(link) {
            Transport::Udp => Action::Nothing,
            Transport::Tcp | Transport::Tls => {
                self.fail_unsigned(link, message, errors::UNAUTHENTICATED, now, out)
            }
        }
    }

    /// Whether a key of this claimant's is looked at.
    pub(super) fn may_try(&self, who: &Claimant, now: Time) -> bool {
        let frequency = self.config.guesses;
        let crowd = self.config.max_held_per_source;
        frequency.is_none_or(|frequency| self.shared.guesses().may_try(who, frequency, crowd, now))
    }

    pub(super) fn has_failed(&self, who: &Claimant, now: Time) {
        if let Some(frequency) = self.config.guesses {
            self.shared.guesses().fail(who, frequency, now);
        }
    }

    pub(super) fn has_proven(&self, who: &Claimant, keys: &Keys, now: Time) {
        self.shared.guesses().succeed(who, now);
        self.shared.keyring().lock().keep(who.user, keys, now);
    }

    /// Whether a key is looked at that comes from an allocation's own client.
    pub(super) fn may_try_within(&self, id: AllocationId, now: Time) -> bool {
        let guesses = self.table.get(id).map_or(Time::ZERO, |a| a.guesses);
        let frequency = self.config.guesses;
        frequency.is_none_or(|frequency| frequency.take(guesses, now).is_some())
    }

    pub(super) fn has_failed_within(&mut self, id: AllocationId, now: Time) {
        let allocation = self.table.get_mut(id);
        if let (Some(allocation), Some(frequency)) = (allocation, self.config.guesses) {
            let next = frequency.take(allocation.guesses, now);
            allocation.guesses = next.unwrap_or(allocation.guesses);
        }
    }

    /// What signs the reply, where the request was made with a key of lately.
    fn recall(
        &self,
        who: &Claimant,
        message: &Message<'_>,
        presented: &Presented<'_>,
        now: Time,
    ) -> Option<Signer> {
        let keys = self.shared.keyring().lock().find(who.user, now)?;
        let key = keys.get(presented.algorithm)?;
        let is_right = integrity::verify(message, presented.protection, key);
        is_right.then(|| Signer::new(key, presented.reply))
    }

    /// Keeps what the observer says of the user of a request that waits, for a reply
    /// that has to be written without its decision. `false` when none waits.
    pub fn identify(&mut self, id: RequestId, identity: Identity) -> bool {
        self.held.identify(id, identity)
    }

    /// Whether the request was made by one who is that.
    pub(super) fn prove(
        &self,
        message: &Message<'_>,
        presented: &Presented<'_>,
        identity: &Identity,
    ) -> Option<Proof> {
        let realm = &self.mechanism.realm;
        let name = identity.username.as_deref();
        let user = match presented.user {
            User::Name(own) => own,
            User::Hash(_) => name.filter(|name| presented.user.is(name, realm))?,
        };
        let keys = Keys::new(&identity.credential, user, realm);
        let key = keys.get(presented.algorithm)?;
        if !integrity::verify(message, presented.protection, key) {
            return None;
        }
        let signer = Signer::new(key, presented.reply);
        Some((user.to_owned(), keys, signer))
    }

    /// Takes a request back, which nobody is to decide about any more.
    pub(super) fn withdraw(&mut self, id: RequestId, why: Withdrawal, now: Time) {
        let Some(held) = self.take_held(id) else {
            return;
        };
        self.events.push_back(Event::Withdrawn(id, why));
        let Some(frequency) = self.config.guesses else {
            return;
        };
        // Whoever gives up and begins anew asks as often as one who guesses.
        match (why, held.question) {
            (_, Question::Performance) => {}
            (Withdrawal::Superseded, _) => self.has_failed(&held.who, now),
            (Withdrawal::ClientGone, _) => {
                let crowd = self.config.max_held_per_source;
                let guesses = self.shared.guesses();
                guesses.abandon(&held.who, frequency, crowd, now);
            }
            (Withdrawal::Deadline | Withdrawal::Stopped, _) => {}
        }
    }

    /// Answers a held request that nobody decided in time.
    pub(super) fn give_up(&mut self, id: RequestId, now: Time) {
        let Some(held) = self.held.remove(id) else {
            return;
        };
        self.counters.held_expired += 1;
        self.has_waited(&held, now);
        self.events
            .push_back(Event::Withdrawn(id, Withdrawal::Deadline));
        let Ok(message) = Message::parse(&held.message) else {
            return;
        };
        let mut out = Vec::new();
        if self.excuse(&held, &message, now, &mut out) == Action::Reply {
            self.keep_reply(&held.link, &message, &out, now);
            self.events.push_back(Event::Send(held.link, out));
        }
    }

    fn excuse(
        &mut self,
        held: &Held,
        message: &Message<'_>,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        let presented = match self.mechanism.examine(message, |_| true) {
            Ok(presented) => presented,
            Err(code) => return self.fail_unsigned(&held.link, message, code, now, out),
        };
        let identity = held.identity.as_deref();
        let proven = identity.and_then(|identity| self.prove(message, &presented, identity));
        let is_wrong = identity.is_some() && proven.is_none();
        let (code, signer) = match held.question {
            Question::Refusal(code) => (code, proven.map(|(.., signer)| signer)),
            Question::Allocation => (errors::SERVER_ERROR, proven.map(|(.., signer)| signer)),
            Question::Performance => {
                let id = self.table.of_client(&held.link.key());
                let signer = id.and_then(|id| self.authenticate(id, message, &presented).ok());
                (errors::SERVER_ERROR, signer)
            }
        };
        let fault = (code.into(), is_wrong);
        self.turn_down(held, message, &presented, fault, signer, now, out)
    }
}
