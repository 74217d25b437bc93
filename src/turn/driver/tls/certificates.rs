//! The certificates that a server has, and which of them a client gets.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::turn::driver::credentials::{BadTls, Pair, Pem};

/// The certificates, which may be replaced.
#[derive(Debug)]
pub struct Certificates(RwLock<Arc<Shelf>>);

/// Certificates at one time.
#[derive(Debug)]
struct Shelf {
    certificates: Vec<Own>,
    /// Which of them have a name, in their order: `turn.example.org`, or
    /// `*.example.org`.
    named: HashMap<String, Vec<usize>>,
}

/// A certificate with its key.
#[derive(Debug)]
struct Own {
    pair: Arc<CertifiedKey>,
    subject: String,
    /// When it expires, in time since 1970; `None` where it cannot be read.
    expires: Option<Duration>,
    /// What has been said of that.
    told: Mutex<Option<Expiry>>,
}

/// Whether a certificate serves no more, or not for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Expiry {
    Soon,
    Expired,
}

/// How long before its end a certificate is spoken of.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

impl Certificates {
    /// Reads certificates and their keys.
    pub fn load(pairs: &[Pair], provider: &CryptoProvider) -> Result<Self, BadTls> {
        let shelf = Shelf::load(pairs, provider)?;
        Ok(Certificates(RwLock::new(Arc::new(shelf))))
    }

    /// Likewise, in place of those that there are.
    pub fn replace(&self, pairs: &[Pair], provider: &CryptoProvider) -> Result<(), BadTls> {
        let shelf = Shelf::load(pairs, provider)?;
        *self.0.write() = Arc::new(shelf);
        Ok(())
    }
}

impl Certificates {
    /// What is to be said about certificates that expire, each time once; `now` counts
    /// from 1970.
    pub fn expiring(&self, now: Duration) -> Vec<String> {
        let shelf = self.0.read().clone();
        shelf
            .certificates
            .iter()
            .filter_map(|own| own.expiring(now))
            .collect()
    }
}

impl Own {
    fn expiring(&self, now: Duration) -> Option<String> {
        let left = self
            .expires?
            .checked_sub(now)
            .filter(|left| !left.is_zero());
        let state = match left {
            None => Expiry::Expired,
            Some(left) if left < SOON => Expiry::Soon,
            Some(_) => return None,
        };
        let before = self.told.lock().replace(state);
        (before < Some(state)).then(|| match left {
            None => format!("the certificate of {} has expired", self.subject),
            Some(left) => {
                let hours = left.as_secs() / 3600;
                format!(
                    "the certificate of {} expires in {hours} hours",
                    self.subject
                )
            }
        })
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shelf = self.0.read().clone();
        let can_sign = |own: &&Own| {
            let schemes = hello.signature_schemes();
            own.pair.key.choose_scheme(schemes).is_some()
        };
        let named = hello.server_name().map(|name| shelf.named(name));
        let named = named.unwrap_or_default();
        // Who asks for a name that nobody has gets the first, and judges for himself.
        let found = named.into_iter().find(can_sign);
        let found = found.or_else(|| shelf.certificates.iter().find(can_sign));
        // Who can check none is told by rustls that the two of us have nothing in common.
        found
            .or(shelf.certificates.first())
            .map(|own| own.pair.clone())
    }
}

impl Shelf {
    fn load(pairs: &[Pair], provider: &CryptoProvider) -> Result<Shelf, BadTls> {
        let mut shelf = Shelf {
            certificates: Vec::new(),
            named: HashMap::new(),
        };
        for pair in pairs {
            let (own, names) = read(pair, provider)?;
            let index = shelf.certificates.len();
            shelf.certificates.push(own);
            for name in names {
                shelf.named.entry(name).or_default().push(index);
            }
        }
        match shelf.certificates.is_empty() {
            true => Err(BadTls::Bad("a TLS listener needs a certificate".into())),
            false => Ok(shelf),
        }
    }

    /// The certificates for a name: those that have it before those that have it by a
    /// wildcard.
    fn named(&self, name: &str) -> Vec<&Own> {
        let name = name.to_ascii_lowercase();
        let wild = name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
        let names = [Some(name), wild];
        let found = names
            .iter()
            .flatten()
            .filter_map(|name| self.named.get(name));
        found
            .flatten()
            .map(|index| &self.certificates[*index])
            .collect()
    }
}

/// Reads certificates: one or more.
pub fn read_chain(pem: &Pem) -> Result<Vec<CertificateDer<'static>>, BadTls> {
    let text = pem.read()?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Err(error) => Err(BadTls::Bad(format!("certificate of {pem}: {error}"))),
        Ok(chain) if chain.is_empty() => Err(BadTls::Bad(format!("{pem}: no certificate in it"))),
        Ok(chain) => Ok(chain),
    }
}

/// A certificate and the names that it is for.
fn read(pair: &Pair, provider: &CryptoProvider) -> Result<(Own, Vec<String>), BadTls> {
    let bad = |what: &str, why: &dyn std::fmt::Display| BadTls::Bad(format!("{what}: {why}"));
    let chain = read_chain(&pair.chain)?;
    let parsed = Certificate::from_der(&chain[0]).ok();
    let text = pair.key.read()?;
    let key = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|error| bad(&format!("key of {}", pair.key), &error))?;
    let both = CertifiedKey::from_der(chain, key, provider).map_err(|error| {
        let what = format!("certificate of {} with the key of {}", pair.chain, pair.key);
        bad(&what, &error)
    })?;
    let own = Own {
        pair: Arc::new(both),
        subject: parsed.as_ref().map(subject).unwrap_or_default(),
        expires: parsed.as_ref().map(expires),
        told: Mutex::default(),
    };
    Ok((own, parsed.as_ref().map(names).unwrap_or_default()))
}

/// Whose a certificate is, as RFC 4514 writes it.
pub fn subject(certificate: &Certificate) -> String {
    certificate.tbs_certificate().subject().to_string()
}

fn expires(certificate: &Certificate) -> Duration {
    let validity = certificate.tbs_certificate().validity();
    validity.not_after.to_unix_duration()
}

/// The DNS names of a certificate, wildcards among them.
fn names(certificate: &Certificate) -> Vec<String> {
    let names = certificate
        .tbs_certificate()
        .get_extension::<SubjectAltName>();
    let Ok(Some((_, names))) = names else {
        return Vec::new();
    };
    let names = names.0.into_iter().filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        _ => None,
    });
    names.collect()
}
