//! How replies look.
#![forbid(unsafe_code)]

use std::net::SocketAddr;

use crate::stun::Writer;
use crate::stun::attributes::kind;
use crate::stun::errors::{self, phrase};
use crate::stun::message::{Class, Message};
use crate::turn::address::AddrKey;
use crate::turn::auth::credentials::Signer;
use crate::turn::core::action::{Action, Refusal};
use crate::turn::state::five_tuple::{Link, Transport};
use crate::turn::time::Time;

use super::Core;

/// An error as a client gets to see it.
#[derive(Clone, Copy)]
pub(super) struct Fault<'a> {
    code: u16,
    phrase: &'a str,
    /// In place of the one that the core knows.
    alternate: Option<SocketAddr>,
}

impl From<u16> for Fault<'static> {
    fn from(code: u16) -> Self {
        Fault {
            code,
            phrase: phrase(code),
            alternate: None,
        }
    }
}

impl<'a> From<&'a Refusal> for Fault<'a> {
    fn from(refusal: &'a Refusal) -> Self {
        Fault {
            code: refusal.code,
            phrase: refusal.reason.as_deref().unwrap_or(phrase(refusal.code)),
            alternate: refusal.alternate,
        }
    }
}

impl Fault<'_> {
    pub(super) fn code(&self) -> u16 {
        self.code
    }

    /// Carries a nonce, and is never signed.
    pub(super) fn is_challenge(&self) -> bool {
        matches!(self.code, errors::UNAUTHENTICATED | errors::STALE_NONCE)
    }
}

impl Core {
    /// Writes a success response with the attributes of `body`, protected where
    /// the request was.
    pub(super) fn succeed(
        &mut self,
        message: &Message<'_>,
        signer: Option<&Signer>,
        out: &mut Vec<u8>,
        body: impl FnOnce(&mut Writer<'_>),
    ) {
        self.counters.successes += 1;
        let mut writer = Writer::new(out, message.method(), Class::Success, message.id());
        body(&mut writer);
        match signer {
            Some(signer) => self.seal(writer, message, signer),
            None => finish(writer, message),
        }
    }

    /// Writes a protected error response.
    pub(super) fn fail<'a>(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        fault: impl Into<Fault<'a>>,
        signer: &Signer,
        out: &mut Vec<u8>,
    ) {
        self.counters.errors += 1;
        let fault = fault.into();
        self.counters.count_code(fault.code);
        let mut writer = Writer::new(out, message.method(), Class::Error, message.id());
        writer.error_code(fault.code, fault.phrase);
        self.explain(&mut writer, link, message, &fault);
        self.seal(writer, message, signer);
    }

    /// Writes an error response to somebody who has not shown a credential. Over
    /// UDP, where the source may be forged: no larger than it must be, and only so
    /// often for each.
    ///
    /// Returns [`Action::Reply`], or nothing when the source had too many.
    pub(super) fn fail_unsigned<'a>(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        fault: impl Into<Fault<'a>>,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        out.clear();
        match self.may_answer("error", link, now) {
            true => self.write_unsigned(link, message, fault, now, out),
            false => Action::Nothing,
        }
    }

    /// Likewise, to somebody who gets an answer in any case.
    pub(super) fn write_unsigned<'a>(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        fault: impl Into<Fault<'a>>,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        out.clear();
        let fault = fault.into();
        self.counters.count_code(fault.code);
        let mut writer = Writer::new(out, message.method(), Class::Error, message.id());
        // Over TCP the client's address is proven, and size does no harm.
        let phrase = match self.transport(link) {
            Transport::Udp => "",
            Transport::Tcp | Transport::Tls => fault.phrase,
        };
        writer.error_code(fault.code, phrase);
        if fault.is_challenge() {
            self.counters.challenges += 1;
            let features = self.mechanism.features;
            let nonce = self.shared.nonces().issue(features, &link.client, now);
            writer.attribute(kind::REALM, self.mechanism.realm.as_bytes());
            writer.attribute(kind::NONCE, &nonce);
            if features.password_algorithms {
                writer.attribute(kind::PASSWORD_ALGORITHMS, &self.mechanism.offer);
            }
        } else {
            self.counters.errors += 1;
            self.explain(&mut writer, link, message, &fault);
        }
        finish(writer, message);
        Action::Reply
    }

    /// Whether somebody without a credential gets one more answer of a kind. Over
    /// TCP the source is no forgery, and nobody asks again: everyone does.
    fn may_answer(&mut self, kind: &str, link: &Link, now: Time) -> bool {
        if self.transport(link).is_stream() {
            return true;
        }
        let source = (kind, AddrKey::source(&link.client.ip()));
        let answers = self.shared.answers();
        let may = answers.admit(source, self.config.challenges, now);
        self.counters.challenges_suppressed += u64::from(!may);
        may
    }

    /// Answers a Binding request, whoever sent it.
    pub(super) fn bind(
        &mut self,
        link: &Link,
        message: &Message<'_>,
        now: Time,
        out: &mut Vec<u8>,
    ) -> Action {
        out.clear();
        if !self.config.binding && self.transport(link) == Transport::Udp {
            return Action::Nothing;
        }
        if !self.config.binding {
            return self.fail_unsigned(link, message, errors::FORBIDDEN, now, out);
        }
        if !message.unknown().is_empty() {
            return self.fail_unsigned(link, message, errors::UNKNOWN_ATTRIBUTE, now, out);
        }
        if !self.may_answer("binding", link, now) {
            return Action::Nothing;
        }
        self.succeed(message, None, out, |writer| {
            writer.xor_address(kind::XOR_MAPPED_ADDRESS, &link.client);
        });
        Action::Reply
    }

    /// What belongs to an error code.
    fn explain(
        &self,
        writer: &mut Writer<'_>,
        link: &Link,
        message: &Message<'_>,
        fault: &Fault<'_>,
    ) {
        match fault.code {
            errors::UNKNOWN_ATTRIBUTE => {
                let mut types = message.unknown().to_vec();
                if types.is_empty() {
                    types.push(kind::DONT_FRAGMENT);
                }
                let value: Vec<u8> = types.iter().flat_map(|t| t.to_be_bytes()).collect();
                writer.attribute(kind::UNKNOWN_ATTRIBUTES, &value);
            }
            errors::TRY_ALTERNATE => {
                let alternate = fault.alternate.or_else(|| self.alternate_for(link));
                if let Some(address) = alternate {
                    writer.address(kind::ALTERNATE_SERVER, &address);
                }
            }
            _ => {}
        }
    }

    fn seal(&self, mut writer: Writer<'_>, message: &Message<'_>, signer: &Signer) {
        if !self.config.software.is_empty() {
            writer.attribute(kind::SOFTWARE, self.config.software.as_bytes());
        }
        writer.integrity(signer.protection(), signer.key());
        finish(writer, message);
    }
}

/// A request with a FINGERPRINT gets a reply with one.
fn finish(mut writer: Writer<'_>, message: &Message<'_>) {
    if message.has(kind::FINGERPRINT) {
        writer.fingerprint();
    }
}
