//! Known answers: the examples of the RFCs, and SIP requests whose answers were
//! computed with Python's hashlib.

use pjauth::digest::{
    Algorithm, Answer, DigestError, Hash, Protection, Qop, Secret, ha1, response, userhash,
};

fn algorithm(name: &str) -> Algorithm {
    Algorithm::parse(name.as_bytes()).expect("a name of ours")
}

fn text(answer: &Answer<'_>) -> String {
    let hex = response(answer).expect("an answer");
    String::from_utf8(hex.as_bytes().to_vec()).expect("hexadecimal")
}

/// The example of RFC 2617 section 3.5.
fn mufasa() -> Answer<'static> {
    Answer {
        algorithm: algorithm("MD5"),
        username: b"Mufasa",
        realm: b"testrealm@host.com",
        secret: Secret::Password(b"Circle Of Life"),
        method: b"GET",
        uri: b"/dir/index.html",
        nonce: b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
        protection: Some(Protection {
            qop: Qop::Auth,
            nc: b"00000001",
            cnonce: b"0a4f113b",
            body: b"",
        }),
        session_cnonce: None,
    }
}

#[test]
fn rfc2617() {
    assert_eq!(text(&mufasa()), "6629fae49393a05397450978507c4ef1");
}

/// The example of RFC 2069 section 2.4; the RFC prints a wrong response.
#[test]
fn rfc2069() {
    let answer = Answer {
        secret: Secret::Password(b"CircleOfLife"),
        protection: None,
        ..mufasa()
    };
    assert_eq!(text(&answer), "1949323746fe6a43ef61f9606e7febea");
}

#[test]
fn rfc7616_section_3_9_1() {
    for (name, expected) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ] {
        let answer = Answer {
            algorithm: algorithm(name),
            realm: b"http-auth@example.org",
            secret: Secret::Password(b"Circle of Life"),
            nonce: b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            protection: Some(Protection {
                qop: Qop::Auth,
                nc: b"00000001",
                cnonce: b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
                body: b"",
            }),
            ..mufasa()
        };
        assert_eq!(text(&answer), expected, "{name}");
    }
}

/// The RFC prints what SHA-512 cut short gives (userhash 488869.., response
/// ae66e6..); erratum 4897 has what SHA-512/256 gives.
#[test]
fn rfc7616_section_3_9_2_as_corrected() {
    let username = "J\u{e4}s\u{f8}n Doe".as_bytes();
    let realm = b"api@example.org";
    let answer = Answer {
        algorithm: algorithm("SHA-512-256"),
        username,
        realm,
        secret: Secret::Password(b"Secret, or not?"),
        method: b"GET",
        uri: b"/doe.json",
        nonce: b"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
        protection: Some(Protection {
            qop: Qop::Auth,
            nc: b"00000001",
            cnonce: b"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
            body: b"",
        }),
        session_cnonce: None,
    };
    assert_eq!(
        text(&answer),
        "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    );
    assert_eq!(
        userhash(Hash::Sha512_256, username, realm).as_bytes(),
        b"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    );
}

/// A request of `bob`, who figures in RFC 3261, to his registrar.
fn bob(name: &str) -> Answer<'static> {
    Answer {
        algorithm: algorithm(name),
        username: b"bob",
        realm: b"biloxi.com",
        secret: Secret::Password(b"zanzibar"),
        method: b"REGISTER",
        uri: b"sip:biloxi.com",
        nonce: b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
        protection: Some(CNONCE_A),
        session_cnonce: None,
    }
}

const CNONCE_A: Protection<'static> = Protection {
    qop: Qop::Auth,
    nc: b"0000000a",
    cnonce: b"0a4f113b0a4f113b0a4f113b0a4f113b",
    body: b"ignored by auth",
};
const CNONCE_B: &[u8] = b"5ccc069c403ebaf9f0171e9517f40e41";

/// For each algorithm: `auth`; `auth-int` of an INVITE with a body; `auth-int`
/// without a body; no qop, session opened with CNONCE_B; `auth`, second request
/// of a session opened with CNONCE_B.
#[rustfmt::skip]
const SIP: [(&str, [&str; 5]); 6] = [
    ("MD5", [
        "a14865ad0c09a024a70289b0a438aff1",
        "6a4f5add91292ba6de0bd436001b6989",
        "b1eae1f217a87f31b02fc8ee2bb84018",
        "4441045a8075db3ead543693997e2a0e",
        "b374be8097f27a213777809152b7fa55",
    ]),
    ("MD5-sess", [
        "fbff9d4531110d6c54ff004005a1cd41",
        "715cbaf564e14c63c5e705950a97cef4",
        "aaad01b86c9aae348f21d597483743b0",
        "ff7cbea1705d9846206a868993d86e56",
        "93966c26a348118530e1ca1719d1c346",
    ]),
    ("SHA-256", [
        "56f4e9c4aa3fa200c6563d234f22144830532cd96eba63fc18cc99bd3fbb6eef",
        "714c45b24fc1d5a1ccca6c57eb32e5c4573a87d954c6bc7bb7d3cb0d1f804d24",
        "ca3e48f4b222a0b037f4412e122d4df65b437463aa0b04a10b5e10f45f29606a",
        "10503915e86126c221a99ecec4bd61ed6a5f0c1bac8125b5df9db47ab06503c1",
        "ee7e4dfa9c003634efedf320f4830edceec0a758eac14ab4ad2ac633f5827eec",
    ]),
    ("SHA-256-sess", [
        "bf16ee90dcbe1616f03f7242936b831fa3d83904306e779578fac13c72bf6fde",
        "6d0659c56658207fd4102749f085ead6e56d2a26b1c75bbc1e57758b41bd6f6d",
        "9eb0ad8e2613670a93fb3faa2cad939298194584cfb033c1a86926fdf07d9026",
        "2f6938d47f819e8b9910cfa27421551b80411d4ed483299ce703a5e60aa534e8",
        "160e18e2451d840e3e226a44321bfb7d140a282badbe60345eb84140ea7ec186",
    ]),
    ("SHA-512-256", [
        "1e80c96725baa5a87a1cae91dc6ed4af2e40bb92b9c4eb616faaa96ef8c634fe",
        "eda0d8e862cb3e97f10adc9090ad1d5b9b540243196dec2a890a51854a694ce8",
        "8d334b2ae587b8fa21ad03311b3ed213e6814e3d0e26f9acc952510b57c7e122",
        "79d19bef9b0e5eeaf10d730417c43bd1436a2d2c7fdd188e6a982a91e22bfa1b",
        "57a9c88f019fdebf4fb0ac89bbbdabcafdf3c61c03b724e38a2388243b743afb",
    ]),
    ("SHA-512-256-sess", [
        "25421bdecd124800e39c98d91278319cc9ff0ec777cf23c911b8cc73c92799dd",
        "3f9a6dfdeafbd3f4631783a27f360e3432ce10e944a156cae8c1d42df56bcf43",
        "8e94405533b82c1a0c73ded0b16d1e22cddea6e1fe0d7647802ee69397432557",
        "98594bb6a929a3ee670805a022cd8a0daa0960d8900b9eaec84337e70b28eed4",
        "8248f510f1dca0e75dd8b5170554501d6a45bc048837ba1080504e7dbc208e85",
    ]),
];

#[test]
fn sip_requests() {
    for (name, [auth, int, int_empty, bare, second]) in SIP {
        let integrity = Protection {
            qop: Qop::AuthInt,
            body: b"",
            ..CNONCE_A
        };
        assert_eq!(text(&bob(name)), auth, "{name}");
        let answer = Answer {
            method: b"INVITE",
            protection: Some(Protection {
                body: b"v=0\r\n",
                ..integrity
            }),
            ..bob(name)
        };
        assert_eq!(text(&answer), int, "{name}");
        let answer = Answer {
            protection: Some(integrity),
            ..bob(name)
        };
        assert_eq!(text(&answer), int_empty, "{name}");
        let answer = Answer {
            protection: None,
            session_cnonce: Some(CNONCE_B),
            ..bob(name)
        };
        assert_eq!(text(&answer), bare, "{name}");
        let answer = Answer {
            protection: Some(Protection {
                nc: b"00000002",
                ..CNONCE_A
            }),
            session_cnonce: Some(CNONCE_B),
            ..bob(name)
        };
        assert_eq!(text(&answer), second, "{name}");
    }
}

#[test]
fn stored_key_in_any_case_and_too_long() {
    for (name, [auth, ..]) in SIP {
        let key = ha1(algorithm(name).hash, b"bob", b"biloxi.com", b"zanzibar");
        let mut stored = key.as_bytes().to_ascii_uppercase();
        stored.extend_from_slice(b"\0trailing");
        let answer = Answer {
            secret: Secret::Ha1(&stored),
            ..bob(name)
        };
        assert_eq!(text(&answer), auth, "{name}");
    }
}

#[test]
fn short_stored_key() {
    for (name, _) in SIP {
        let len = algorithm(name).hash.hex_len();
        for short in [0, 1, len - 1] {
            let stored = vec![b'0'; short];
            let answer = Answer {
                secret: Secret::Ha1(&stored),
                ..bob(name)
            };
            assert_eq!(response(&answer), Err(DigestError::ShortHa1), "{name}");
        }
    }
}

#[test]
fn session_without_any_cnonce() {
    let answer = Answer {
        protection: None,
        ..bob("MD5-sess")
    };
    assert_eq!(response(&answer), Err(DigestError::NoCnonce));
}

/// A quoted pair keeps its backslash: hashed is what the header shows.
#[test]
fn quoted_pairs_stay() {
    let answer = Answer {
        realm: br#"a \"quoted\" realm"#,
        ..bob("MD5")
    };
    let unescaped = Answer {
        realm: br#"a "quoted" realm"#,
        ..bob("MD5")
    };
    assert_ne!(text(&answer), text(&unescaped));
}

#[test]
fn secrets_do_not_show() {
    let shown = format!("{:?}", bob("MD5"));
    assert!(
        shown.contains("Password(..)") && !shown.contains("122, 97, 110"),
        "{shown}"
    );
}
