//! Which challenges can be answered, and how: the response against hashes over the
//! whole text.

use arbitrary::{Result, Unstructured};
use md5::Md5;
use pjauth::digest::{
    Algorithm, Answer, Challenge, Hash, Plan, Policy, Protection, Qop, Realms, Secret, assess,
    cnonce, nonce_count, response, userhash,
};
use sha2::{Digest, Sha256, Sha512_256};

const MAX_REALMS: usize = pjauth::digest::MAX_REALMS;

pub fn run(data: &[u8]) {
    // Too few bytes end the attempt, as they end the input.
    let _ = attempt(&mut Unstructured::new(data));
}

fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let policy = Policy::from_bits(u.arbitrary()?);
    let count = u.int_in_range(0..=24)?;
    let mut realms = Realms::<MAX_REALMS>::new();
    let mut claimed: Vec<Vec<u8>> = Vec::new();
    for _ in 0..count {
        let challenge = challenge(u)?;
        let realm = challenge.realm.to_ascii_lowercase();
        assert_eq!(realms.contains(challenge.realm), claimed.contains(&realm));
        let Ok(plan) = assess(&challenge, policy) else {
            continue;
        };
        assert!(!policy.refuses(plan.algorithm.hash));
        assert_eq!(Algorithm::parse(challenge.algorithm), Some(plan.algorithm));
        let is_new = !claimed.contains(&realm) && claimed.len() < MAX_REALMS;
        assert_eq!(realms.claim(challenge.realm), is_new);
        if is_new {
            claimed.push(realm);
            answer(u, &challenge, plan)?;
        }
    }
    Ok(())
}

/// Half the time a value that means something, else whatever comes.
fn text<'a>(u: &mut Unstructured<'a>, known: &[&'static str]) -> Result<&'a [u8]> {
    if u.arbitrary()? {
        Ok(u.choose(known)?.as_bytes())
    } else {
        let len = u.arbitrary::<u8>()?.into();
        Ok(u.peek_bytes(len)
            .map_or(&[], |_| u.bytes(len).expect("peeked")))
    }
}

fn challenge<'a>(u: &mut Unstructured<'a>) -> Result<Challenge<'a>> {
    Ok(Challenge {
        scheme: text(u, &["Digest", "digest", "Basic"])?,
        realm: text(u, &["a", "A", "b", "c", "d", "", "sip.example.com"])?,
        nonce: text(u, &["n", "m", ""])?,
        algorithm: text(
            u,
            &[
                "",
                "MD5",
                "SHA-256",
                "SHA-512-256",
                "md5-sess",
                "SHA-256-sess",
                "AKAv1-MD5",
            ],
        )?,
        qop: text(
            u,
            &[
                "",
                "auth",
                "auth-int",
                "auth,auth-int",
                "auth-conf",
                "auth-int , AUTH",
            ],
        )?,
        userhash: u.arbitrary()?,
    })
}

fn answer(u: &mut Unstructured<'_>, challenge: &Challenge<'_>, plan: Plan) -> Result<()> {
    let (count, random): (u32, _) = (u.arbitrary()?, cnonce());
    assert!(random.iter().all(u8::is_ascii_hexdigit));
    let nc = nonce_count(count);
    assert_eq!(&nc, format!("{count:08x}").as_bytes());
    let (username, body) = (text(u, &["alice", ""])?, text(u, &["", "v=0"])?);
    let (method, uri) = (text(u, &["REGISTER"])?, text(u, &["sip:example.com"])?);
    let password = text(u, &["secret", ""])?;
    let ours = response(&Answer {
        algorithm: plan.algorithm,
        username,
        realm: challenge.realm,
        secret: Secret::Password(password),
        method,
        uri,
        nonce: challenge.nonce,
        protection: plan.qop.map(|qop| Protection {
            qop,
            nc: &nc,
            cnonce: &random,
            body,
        }),
        session_cnonce: plan.algorithm.session.then_some(&random),
    })
    .expect("nothing is missing");

    let h = |parts: &[&[u8]]| hash(plan.algorithm.hash, &parts.join(&b':'));
    let mut a1 = h(&[username, challenge.realm, password]);
    if plan.algorithm.session {
        a1 = h(&[a1.as_bytes(), challenge.nonce, &random]);
    }
    let a2 = match plan.qop {
        Some(Qop::AuthInt) => h(&[method, uri, h(&[body]).as_bytes()]),
        _ => h(&[method, uri]),
    };
    let theirs = match plan.qop {
        None => h(&[a1.as_bytes(), challenge.nonce, a2.as_bytes()]),
        Some(qop) => h(&[
            a1.as_bytes(),
            challenge.nonce,
            &nc,
            &random,
            qop.as_str().as_bytes(),
            a2.as_bytes(),
        ]),
    };
    assert_eq!(ours.as_bytes(), theirs.as_bytes());
    let hidden = userhash(plan.algorithm.hash, username, challenge.realm);
    assert_eq!(
        hidden.as_bytes(),
        h(&[username, challenge.realm]).as_bytes()
    );
    Ok(())
}

fn hash(hash: Hash, text: &[u8]) -> String {
    let bytes = match hash {
        Hash::Md5 => Md5::digest(text).to_vec(),
        Hash::Sha256 => Sha256::digest(text).to_vec(),
        Hash::Sha512_256 => Sha512_256::digest(text).to_vec(),
    };
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
