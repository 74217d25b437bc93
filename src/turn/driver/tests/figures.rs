//! What operators are told in numbers.
#![forbid(unsafe_code)]

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::lab::{Lab, PATIENCE, authorize, later, options};
use crate::stun::message::Method;
use crate::turn::core::action::Decision;
use crate::turn::core::counters::Counters;
use crate::turn::driver::Ask;
use crate::turn::tests::client::udp;

/// The figures, once they are so.
fn once(lab: &Lab, is_so: impl Fn(&Counters) -> bool) -> Counters {
    let end = Instant::now() + PATIENCE;
    loop {
        let totals = lab.server.totals();
        if is_so(&totals) || Instant::now() > end {
            return totals;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_an_observer_keeps_waiting_is_told() {
    let (go, gate) = channel::<()>();
    let slow = move |ask: &Ask| {
        let _ = gate.recv();
        authorize(ask)
    };
    let lab = Lab::with(&options(), slow);
    let mut client = lab.udp();
    client.greet();
    let request = client.client.allocate();
    client.wire.send(&request);
    let mut flood = lab.udp();
    // More than any buffer that the system grants takes.
    for _ in 0..20_000 {
        let _ = flood.wire.try_send(&[0xFF; 1200]);
    }
    go.send(()).unwrap();
    assert_eq!(client.reply().unwrap().code(), 0);
    let totals = once(&lab, |totals| totals.packets_dropped > 0);
    assert!(totals.packets_dropped > 0);
    assert!(totals.observer_longest > 0);
    assert!(totals.question_microseconds >= totals.observer_longest);
}

#[test]
fn errors_are_told_by_code_and_ports_by_what_they_do() {
    let lab = Lab::new(authorize);
    let mut client = lab.udp();
    client.connect();
    let totals = lab.server.totals();
    assert_eq!((totals.ports_used, totals.ports_resting), (1, 0));
    let forbidden = client.client.permit("127.0.0.1:7");
    assert_eq!(client.exchange(&forbidden).code(), 0);
    let forbidden = client.client.permit("10.1.2.3:7");
    assert_eq!(client.exchange(&forbidden).code(), 403);
    let refresh = client.client.refresh(0);
    assert_eq!(client.exchange(&refresh).code(), 0);
    lab.removed();
    let totals = once(&lab, |totals| totals.ports_used == 0);
    assert_eq!((totals.ports_used, totals.ports_resting), (0, 1));
    let of = |code| {
        let found = totals.each().find(|metric| metric.code == Some(code));
        found.unwrap().value
    };
    assert_eq!((of("401"), of("403"), of("508")), (1, 1, 0));
}

#[test]
fn sources_that_get_no_answer_are_counted() {
    let mut options = options();
    options.config.challenges.burst = 1;
    options.config.challenges.every = Duration::from_secs(3600);
    let lab = Lab::with(&options, later);
    assert_eq!(lab.server.totals().sources_unanswered, 0);
    let mut client = lab.udp();
    client.greet();
    let bare = client.client.bare(Method::Allocate, udp);
    client.wire.send(&bare);
    let totals = once(&lab, |totals| totals.challenges_suppressed > 0);
    assert_eq!(totals.sources_unanswered, 1);
    assert_eq!(totals.guessers_suppressed, 0);
}

#[test]
fn sources_of_which_no_key_is_looked_at_are_counted() {
    let mut options = options();
    options.config.guesses.as_mut().unwrap().burst = 1;
    let lab = Lab::with(&options, |_| Decision::NotAuthorized);
    let mut client = lab.udp();
    client.greet();
    let request = client.client.allocate();
    assert_eq!(client.exchange(&request).code(), 401);
    // The source and the user.
    assert_eq!(lab.server.totals().guessers_suppressed, 2);
}
