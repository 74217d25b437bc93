//! Which challenges are answered: RFC 8760 section 2.4, and the bounds.

use pjauth::digest::{
    Challenge, Hash, MAX_REALMS, Plan, Policy, Qop, Realms, Refusal, assess, choose, is_true,
};

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

/// The indices of the challenges chosen, and the first refusal.
fn chosen(
    challenges: &[Challenge<'_>],
    policy: Policy,
    can_answer: impl FnMut(&Challenge<'_>, &Plan) -> bool,
) -> (Vec<usize>, Option<Refusal>) {
    let mut choices = choose(challenges.iter().copied().enumerate(), policy, can_answer);
    let indices = choices.by_ref().map(|(index, ..)| index).collect();
    (indices, choices.refusal())
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

    let weak = Policy::default().refuse(Hash::Sha256);
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
    for hash in Hash::ALL {
        assert!(!Policy::default().refuses(hash));
        let policy = Policy::default().refuse(hash);
        for other in Hash::ALL {
            assert_eq!(policy.refuses(other), other == hash);
        }
        assert_eq!(Policy::from_bits(policy.bits()), policy);
    }
    assert_eq!(Policy::default().refuse(Hash::Md5).bits(), 1);
    assert_eq!(Policy::default().refuse(Hash::Sha256).bits(), 2);
    assert_eq!(Policy::default().refuse(Hash::Sha512_256).bits(), 4);
    assert_eq!(Policy::from_bits(0xff).bits(), 7);
}

#[test]
fn topmost_per_realm_whatever_the_case() {
    let challenges = [
        challenge("Atlanta", "SHA-3"),
        challenge("atlanta", "SHA-256"),
        challenge("ATLANTA", "MD5"),
        challenge("biloxi", "MD5"),
        challenge("", "MD5"),
        challenge("biloxi", "SHA-512-256"),
        challenge("", "SHA-256"),
    ];
    let (indices, refusal) = chosen(&challenges, Policy::default(), |_, _| true);
    assert_eq!(indices, [1, 3, 4]);
    assert_eq!(refusal, Some(Refusal::Algorithm));
}

#[test]
fn policy_and_credentials_pass_over_without_claiming() {
    let challenges = [
        challenge("r", "MD5"),
        challenge("r", "SHA-512-256"),
        challenge("r", "SHA-256"),
    ];
    let no_md5 = Policy::default().refuse(Hash::Md5);
    let (indices, refusal) = chosen(&challenges, no_md5, |_, _| true);
    assert_eq!((indices, refusal), (vec![1], Some(Refusal::Weak)));
    let only_sha256 = |_: &Challenge<'_>, plan: &Plan| plan.algorithm.hash == Hash::Sha256;
    let (indices, refusal) = chosen(&challenges, Policy::default(), only_sha256);
    assert_eq!((indices, refusal), (vec![2], None));
}

#[test]
fn ten_thousand_challenges() {
    let names: Vec<String> = (0..10_000).map(|i| format!("realm{i}")).collect();
    let challenges: Vec<_> = names.iter().map(|n| challenge(n, "MD5")).collect();
    let mut asked = 0;
    let (indices, _) = chosen(&challenges, Policy::default(), |_, _| {
        asked += 1;
        true
    });
    assert_eq!(indices, (0..MAX_REALMS).collect::<Vec<_>>());
    assert_eq!(asked, MAX_REALMS);

    let same = vec![challenge("realm", "MD5"); 10_000];
    let mut asked = 0;
    let (indices, _) = chosen(&same, Policy::default(), |_, _| {
        asked += 1;
        true
    });
    assert_eq!((indices, asked), (vec![0], 1));
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
