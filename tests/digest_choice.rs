//! Which challenges can be answered, and which realms have their answer.

use pjauth::digest::{Challenge, Hash, Policy, Qop, Realms, Refusal, assess, is_true};

fn challenge<'a>(realm: &'a str, algorithm: &'a str) -> Challenge<'a> {
    Challenge {
        scheme: b"Digest",
        realm: realm.as_bytes(),
        nonce: b"n",
        algorithm: algorithm.as_bytes(),
        qop: b"auth",
        userhash: false,
    }
}

#[test]
fn assessment() {
    let good = Challenge {
        scheme: b"dIGEST",
        qop: b"auth ,auth-int",
        userhash: true,
        ..challenge("", "sha-256-SESS")
    };
    let plan = assess(&good, Policy::default()).expect("answerable");
    assert_eq!(plan.algorithm.name(), "SHA-256-sess");
    assert_eq!((plan.qop, plan.userhash), (Some(Qop::Auth), true));

    let old = Challenge {
        qop: b"",
        ..challenge("r", "")
    };
    let plan = assess(&old, Policy::default()).expect("answerable");
    assert_eq!((plan.algorithm.name(), plan.qop), ("MD5", None));

    let weak = Policy::from_bits(2);
    for (bad, policy, refusal) in [
        (
            Challenge {
                scheme: b"Bearer",
                ..good
            },
            weak,
            Refusal::Scheme,
        ),
        (
            Challenge {
                scheme: b"",
                ..good
            },
            weak,
            Refusal::Scheme,
        ),
        (
            Challenge {
                algorithm: b"AKAv1-MD5",
                ..good
            },
            weak,
            Refusal::Algorithm,
        ),
        (good, weak, Refusal::Weak),
        (
            Challenge {
                qop: b"auth-conf",
                ..good
            },
            Policy::default(),
            Refusal::Qop,
        ),
    ] {
        assert_eq!(assess(&bad, policy), Err(refusal));
    }
}

#[test]
fn policies() {
    for (bit, hash) in [1, 2, 4].into_iter().zip(Hash::ALL) {
        let policy = Policy::from_bits(bit);
        assert_eq!(policy.bits(), bit);
        assert!(!Policy::default().refuses(hash));
        for other in Hash::ALL {
            assert_eq!(policy.refuses(other), other == hash);
        }
    }
    assert_eq!(Policy::from_bits(0xff).bits(), 7);
}

#[test]
fn claims() {
    let mut realms = Realms::<3>::new();
    assert!(!realms.contains(b""));
    assert!(realms.claim(b""));
    assert!(!realms.claim(b""));
    assert!(realms.claim(b"Example.ORG"));
    assert!(!realms.claim(b"example.org") && realms.contains(b"EXAMPLE.org"));
    assert!(!realms.contains(b"example.or") && !realms.is_full());
    assert!(realms.claim(b"c") && realms.is_full());
    assert!(!realms.claim(b"d") && !realms.contains(b"d"));
    assert!(!Realms::<0>::new().claim(b"r"));
}

#[test]
fn true_in_any_dress() {
    for value in [&b"true"[..], b"TRUE", b"\"true\"", b" \"True\" "] {
        assert!(is_true(value));
    }
    for value in [&b""[..], b"false", b"truey", b"tru e", b"1", b"\"\""] {
        assert!(!is_true(value));
    }
}
