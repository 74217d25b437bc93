//! What one answer costs. Run with `cargo bench --bench digest`; prints a table
//! of nanoseconds, the best of several rounds.

use pjauth::digest::{
    Algorithm, Answer, Challenge, Policy, Protection, Qop, Secret, assess, cnonce, ha1, response,
};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 25;
const CALLS: u32 = 4_000;

fn main() {
    for name in [
        "MD5",
        "MD5-sess",
        "SHA-256",
        "SHA-256-sess",
        "SHA-512-256",
        "SHA-512-256-sess",
    ] {
        let algorithm = Algorithm::parse(name.as_bytes()).expect("a name of ours");
        let key = ha1(
            algorithm.hash,
            b"alice",
            b"sip.example.com",
            b"correct horse",
        );
        let password = Secret::Password(b"correct horse");
        measure(&format!("{name}, password"), || {
            response(black_box(&answer(algorithm, password)))
        });
        measure(&format!("{name}, stored key"), || {
            response(black_box(&answer(algorithm, Secret::Ha1(key.as_bytes()))))
        });
    }
    measure("cnonce", cnonce);
    let challenge = challenge();
    measure("assess", || {
        assess(black_box(&challenge), Policy::default())
    });
}

fn answer<'a>(algorithm: Algorithm, secret: Secret<'a>) -> Answer<'a> {
    Answer {
        algorithm,
        username: b"alice",
        realm: b"sip.example.com",
        secret,
        method: b"REGISTER",
        uri: b"sip:sip.example.com;transport=tcp",
        nonce: b"1700000000/4f2b0c5a9e8d7c6b5a493827161504f3",
        protection: Some(Protection {
            qop: Qop::Auth,
            nc: b"00000001",
            cnonce: b"0a4f113b5d6c7e8f90a1b2c3d4e5f607",
            body: b"",
        }),
        session_cnonce: None,
    }
}

fn challenge() -> Challenge<'static> {
    Challenge {
        scheme: b"Digest",
        realm: b"sip.example.com",
        nonce: b"1700000000/4f2b0c5a9e8d7c6b5a493827161504f3",
        algorithm: b"SHA-256",
        qop: b"auth,auth-int",
        userhash: false,
    }
}

/// Times `work` in rounds of at most [`CALLS`] calls or 20 ms.
fn measure<T>(name: &str, mut work: impl FnMut() -> T) {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut calls = 0;
        while calls < CALLS && start.elapsed() < Duration::from_millis(20) {
            for _ in 0..20 {
                black_box(work());
            }
            calls += 20;
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    println!("{name:<36} {best:>10.0} ns");
}
