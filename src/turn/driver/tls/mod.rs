//! TLS for clients' streams: bytes in, bytes out. What moves the bytes is in
//! [`streams`](super::streams) and [`path`](super::path).
#![forbid(unsafe_code)]

mod certificates;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

use super::credentials::{BadTls, Pair, TlsOptions};
use certificates::{Certificates, read_chain};

pub use session::{Broken, Opened, Session};

/// The protocols inside TLS (RFC 7443). A client that asks for others alone is
/// refused.
const PROTOCOLS: [&[u8]; 2] = [b"stun.turn", b"stun.nat-discovery"];

/// What the TLS listeners of a server have in common: certificates, and the keys of
/// session tickets.
#[derive(Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
}

impl Tls {
    /// Reads the certificates.
    ///
    /// # Errors
    /// Which of them cannot serve, and why.
    pub fn new(options: &TlsOptions) -> Result<Tls, BadTls> {
        let provider = Arc::new(ring::default_provider());
        let certificates = Arc::new(Certificates::load(&options.certificates, &provider)?);
        let verifier = verifier(options, &provider)?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(BadTls::other)?
            .with_client_cert_verifier(verifier);
        let mut config = config.with_cert_resolver(certificates.clone());
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        // Tickets alone: nothing is kept for those who have gone.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = ring::Ticketer::new().map_err(BadTls::other)?;
        Ok(Tls {
            config: Arc::new(config),
            certificates,
        })
    }

    /// Serves with other certificates from now on; connections that exist stay.
    ///
    /// # Errors
    /// Which of them cannot serve, and why. Then those from before stay.
    pub fn replace(&self, pairs: &[Pair]) -> Result<(), BadTls> {
        self.certificates
            .replace(pairs, self.config.crypto_provider())
    }

    /// What is to be said about certificates that expire, each time once; `now` counts
    /// from 1970.
    pub fn expiring(&self, now: Duration) -> Vec<String> {
        self.certificates.expiring(now)
    }

    /// The server's side of a connection whose client begins.
    pub fn begin(&self) -> Option<Session> {
        Session::new(self.config.clone())
    }
}

/// Who judges the certificates of clients, if they are asked for any.
fn verifier(
    options: &TlsOptions,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, BadTls> {
    let Some(authorities) = &options.authorities else {
        return Ok(WebPkiClientVerifier::no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    for authority in read_chain(authorities)? {
        let bad = |error| BadTls::Bad(format!("authority of {authorities}: {error}"));
        roots.add(authority).map_err(bad)?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let builder = match options.must_certify {
        true => builder,
        false => builder.allow_unauthenticated(),
    };
    builder.build().map_err(BadTls::other)
}
