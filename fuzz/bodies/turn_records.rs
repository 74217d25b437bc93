//! What comes to a TLS listener, in pieces of any size: the same answer whatever the
//! pieces, and nothing comes out that was not sealed.

use std::sync::OnceLock;

use pjauth::turn::driver::{Opened, Pair, Pem, Tls, TlsOptions};

pub fn run(data: &[u8]) {
    let Some((seed, bytes)) = data.split_first() else {
        return;
    };
    let whole = feed(bytes, |_| usize::MAX);
    let mut state = u64::from(*seed) + 1;
    let pieces = feed(bytes, |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        1 + (state >> 33) as usize % 97
    });
    assert_eq!(pieces, whole);
}

/// A server with an RSA key, whose signatures are all of one length.
fn server() -> &'static Tls {
    static SERVER: OnceLock<Tls> = OnceLock::new();
    SERVER.get_or_init(|| {
        // Of the fuzz targets the manifest is one folder further down.
        let root = env!("CARGO_MANIFEST_DIR").trim_end_matches("/fuzz");
        let file = |name| Pem::File(format!("{root}/c-tests/turn/certificates/{name}").into());
        let options = TlsOptions {
            certificates: vec![Pair {
                chain: file("other.pem"),
                key: file("other.key"),
            }],
            ..TlsOptions::default()
        };
        Tls::new(&options).expect("the tests' certificate")
    })
}

/// Whether the client was found not to speak TLS, and how much it was told.
fn feed(bytes: &[u8], mut size: impl FnMut(usize) -> usize) -> (bool, usize) {
    let mut session = server().begin().expect("a session");
    let (mut at, mut out) = (0, Vec::new());
    while at < bytes.len() {
        let end = at.saturating_add(size(at)).min(bytes.len());
        let mut wire = vec![0; 1 << 16];
        let kept = session.resume(&mut wire);
        wire[kept..kept + end - at].copy_from_slice(&bytes[at..end]);
        wire.truncate(kept + end - at);
        at = end;
        let mut clear = [0; 64];
        let Ok(opened) = session.open(&mut wire, &mut clear, &mut out) else {
            assert!(!out.is_empty(), "it is not told what is wrong");
            session.end(&mut out);
            return (true, out.len());
        };
        let Opened {
            wire: taken, clear, ..
        } = opened;
        assert_eq!(clear, 0, "nobody has keys");
        assert!(session.is_handshaking());
        if !session.keep(&wire[taken..]) {
            return (true, out.len());
        }
    }
    (false, out.len())
}
