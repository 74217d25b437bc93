//! What holds for any bytes whatever.

use pjauth::digest::{
    Algorithm, Answer, Challenge, Hash, Policy, Protection, Qop, Secret, assess, choose_qop, ha1,
    response,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    // Both sides of what is laid out in one piece.
    prop_oneof![4 => vec(any::<u8>(), 0..80), 1 => vec(any::<u8>(), 0..700)]
}

fn algorithm() -> impl Strategy<Value = Algorithm> {
    let hash = prop_oneof![Just(Hash::Md5), Just(Hash::Sha256), Just(Hash::Sha512_256)];
    (hash, any::<bool>()).prop_map(|(hash, session)| Algorithm { hash, session })
}

proptest! {
    #[test]
    fn stored_key_answers_as_the_password(
        algorithm in algorithm(),
        [username, realm, password, method, uri] in [bytes(), bytes(), bytes(), bytes(), bytes()],
        [nonce, nc, cnonce, body, opened] in [bytes(), bytes(), bytes(), bytes(), bytes()],
        qop in prop_oneof![Just(None), Just(Some(Qop::Auth)), Just(Some(Qop::AuthInt))],
    ) {
        let key = ha1(algorithm.hash, &username, &realm, &password);
        prop_assert_eq!(key.as_bytes().len(), algorithm.hash.hex_len());
        let answer = Answer {
            algorithm,
            username: &username,
            realm: &realm,
            secret: Secret::Password(&password),
            method: &method,
            uri: &uri,
            nonce: &nonce,
            protection: qop.map(|qop| Protection { qop, nc: &nc, cnonce: &cnonce, body: &body }),
            session_cnonce: qop.is_none().then_some(&opened[..]),
        };
        let by_password = response(&answer).unwrap();
        let stored = Answer { secret: Secret::Ha1(key.as_bytes()), ..answer };
        prop_assert_eq!(&response(&stored).unwrap(), &by_password);
        prop_assert_eq!(by_password.as_bytes().len(), algorithm.hash.hex_len());

        let mut wrong = password.clone();
        wrong.push(b'x');
        let wrong = Answer { secret: Secret::Password(&wrong), ..answer };
        prop_assert_ne!(response(&wrong).unwrap(), by_password);
    }

    #[test]
    fn any_stored_key_is_used_or_too_short(algorithm in algorithm(), key in bytes()) {
        let answer = Answer {
            algorithm,
            username: b"",
            realm: b"",
            secret: Secret::Ha1(&key),
            method: b"",
            uri: b"",
            nonce: b"",
            protection: None,
            session_cnonce: Some(b""),
        };
        prop_assert_eq!(response(&answer).is_ok(), key.len() >= algorithm.hash.hex_len());
    }

    #[test]
    fn any_challenge_is_assessed(
        [scheme, realm, nonce, algorithm, qop] in [bytes(), bytes(), bytes(), bytes(), bytes()],
        (userhash, bits) in any::<(bool, u8)>(),
    ) {
        let mut challenge = Challenge {
            scheme: &scheme,
            realm: &realm,
            nonce: &nonce,
            algorithm: &algorithm,
            qop: &qop,
            userhash,
        };
        let _ = assess(&challenge, Policy::from_bits(bits));
        challenge.scheme = b"Digest";
        challenge.algorithm = b"";
        challenge.nonce = b"n";
        let plan = assess(&challenge, Policy::default());
        prop_assert_eq!(plan.map(|plan| plan.qop).ok(), choose_qop(&qop).ok());
    }

    /// `auth` is found among any separators and strangers.
    #[test]
    fn auth_is_found(before in "[a-z, \t\"-]{0,40}", after in "[a-z, \t\"-]{0,40}") {
        let offer = format!("{before},auth,{after}");
        prop_assert_eq!(choose_qop(offer.as_bytes()), Ok(Some(Qop::Auth)));
    }
}
