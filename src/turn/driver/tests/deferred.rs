//! Decisions that come later, from another thread.
#![forbid(unsafe_code)]

use std::sync::{Arc, Barrier};
use std::thread;

use super::lab::{Lab, SHORTLY, Told, authorize, later, options};
use crate::turn::auth::credentials::Credential;
use crate::turn::core::action::{Decision, Grant};
use crate::turn::state::allocation::Reason;

fn grant() -> Grant {
    Grant::new(Credential::password("secret"))
}

#[test]
fn a_decision_from_another_thread_reaches_the_client() {
    let lab = Lab::new(later);
    let mut client = lab.udp();
    client.greet();
    let request = client.client.allocate();
    client.wire.send(&request);
    let ask = lab.asked();
    assert_eq!(ask.username, "ann");
    // A retransmission is absorbed.
    client.wire.send(&request);
    assert_eq!(client.wire.receive(SHORTLY), None);
    assert_eq!(lab.server.totals().held, 1);
    thread::scope(|scope| {
        scope.spawn(|| {
            lab.server
                .cores()
                .decide(ask.place, Decision::Authorized(grant()));
        });
    });
    assert_eq!(client.reply().unwrap().code(), 0);
    lab.created();
    // It is over: a second decision changes nothing.
    lab.server
        .cores()
        .decide(ask.place, Decision::NotAuthorized);
    assert_eq!(client.wire.receive(SHORTLY), None);
    assert_eq!(lab.server.totals().held, 0);
}

#[test]
fn a_stop_takes_back_what_waits() {
    let lab = Lab::new(later);
    let mut clients: Vec<_> = (0..3).map(|_| lab.udp()).collect();
    for client in &mut clients {
        client.greet();
        let request = client.client.allocate();
        client.wire.send(&request);
        lab.asked();
    }
    lab.server.stop();
    let done = lab
        .told
        .try_iter()
        .filter(|told| matches!(told, Told::Done(_)));
    assert_eq!(done.count(), 3);
}

#[test]
fn a_request_that_nobody_decides_gets_500() {
    let mut options = options();
    options.config.held_deadline = SHORTLY;
    let lab = Lab::with(&options, later);
    let mut client = lab.udp();
    client.greet();
    let request = client.client.allocate();
    assert_eq!(client.exchange(&request).code(), 500);
    lab.wait(|told| matches!(told, Told::Done(_)).then_some(()));
}

#[test]
fn a_client_that_goes_away_takes_its_request_with_it() {
    let lab = Lab::new(later);
    let mut client = lab.tcp();
    client.greet();
    let request = client.client.allocate();
    client.wire.send(&request);
    let ask = lab.asked();
    drop(client);
    lab.wait(|told| matches!(told, Told::Done(_)).then_some(()));
    lab.server
        .cores()
        .decide(ask.place, Decision::Authorized(grant()));
    lab.wait(|told| matches!(told, Told::Done(_)).then_some(()));
    assert_eq!(lab.server.totals().allocations, 0);
}

#[test]
fn two_answers_at_once_cannot_overrun_the_quota() {
    let mut options = options();
    options.workers = 2;
    let lab = Lab::with(&options, later);
    let mut clients: Vec<_> = (0..6).map(|_| lab.udp()).collect();
    let mut asks = Vec::new();
    for client in &mut clients {
        client.greet();
        let request = client.client.allocate();
        client.wire.send(&request);
        asks.push(lab.asked());
    }
    let start = Barrier::new(asks.len());
    thread::scope(|scope| {
        for ask in &asks {
            let (server, start) = (&lab.server, &start);
            scope.spawn(move || {
                let grant = Grant {
                    quota: Some(2),
                    ..grant()
                };
                start.wait();
                server
                    .cores()
                    .decide(ask.place, Decision::Authorized(grant));
            });
        }
    });
    let codes = clients
        .iter_mut()
        .map(|client| client.reply().unwrap().code());
    let mut codes: Vec<_> = codes.collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 0, 486, 486, 486, 486]);
    assert_eq!(lab.server.accounts().allocations("ann"), 2);
}

#[test]
fn a_revocation_from_another_thread_is_told_and_takes_effect() {
    let lab = Lab::new(authorize);
    let mut clients: Vec<_> = (0..3).map(|_| lab.udp()).collect();
    for client in &mut clients {
        client.connect();
    }
    let place = lab.created();
    assert!(lab.server.cores().revoke(place));
    assert_eq!(lab.removed(), (place, Reason::Revoked));
    assert!(!lab.server.cores().revoke(place));
    assert!(lab.server.cores().figures(place).is_none() || !lab.server.cores().revoke(place));
    assert_eq!(lab.server.cores().revoke_user("bob"), 0);
    assert_eq!(lab.server.cores().revoke_user("ann"), 2);
    lab.removed();
    lab.removed();
    assert_eq!(lab.server.totals().allocations, 0);
}

#[test]
fn a_panic_of_the_observer_costs_its_worker_its_clients_and_no_more() {
    let lines = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let mut options = options();
    let sink = lines.clone();
    options.log = Arc::new(move |_, line| sink.lock().push(line.to_owned()));
    let mut calls = 0;
    let lab = Lab::with(&options, move |ask| {
        calls += 1;
        assert_ne!(calls, 2, "a bug on purpose");
        authorize(ask)
    });
    let mut first = lab.udp();
    first.connect();
    let place = lab.created();
    let mut second = lab.udp();
    second.greet();
    let request = second.client.allocate();
    second.wire.send(&request);
    assert_eq!(lab.removed(), (place, Reason::Stopped));
    let mut third = lab.udp();
    third.connect();
    assert!(lines.lock().iter().any(|line| line.contains("on purpose")));
}
