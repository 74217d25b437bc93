//! Where certificates and their keys come from, whether TLS is built in or not.
#![forbid(unsafe_code)]

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::server::Server;

/// The longest file of certificates: hundreds of them.
const LONGEST: u64 = 1 << 20;

/// Text in PEM.
#[derive(Clone)]
pub enum Pem {
    /// In a file, read when it is needed.
    File(PathBuf),
    /// As it is.
    Text(Zeroizing<Vec<u8>>),
}

impl Pem {
    /// The text.
    ///
    /// # Errors
    /// That of the system, for a file.
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>, BadTls> {
        match self {
            Pem::Text(text) => Ok(text.clone()),
            Pem::File(path) => match read_file(path) {
                Ok(text) => Ok(text),
                Err(error) => Err(BadTls::File(path.clone(), error)),
            },
        }
    }
}

/// A file of certificates or keys, which is read while a server runs: not without end.
fn read_file(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::new());
    let file = File::open(path)?;
    match file.take(LONGEST + 1).read_to_end(&mut text)? as u64 {
        0..=LONGEST => Ok(text),
        _ => Err(io::Error::from_raw_os_error(libc::EFBIG)),
    }
}

impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pem::File(path) => write!(f, "{}", path.display()),
            Pem::Text(_) => f.write_str("the text given"),
        }
    }
}

/// Not the text, which may be a key.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pem({self})")
    }
}

/// A certificate with its chain, and its key.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The certificate, and after it those that lead to the one that clients trust.
    pub chain: Pem,
    /// Its private key.
    pub key: Pem,
}

/// What TLS listeners go by.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// The first serves those who name no other.
    pub certificates: Vec<Pair>,
    /// Who signs the certificates of clients; without, they are not asked for any.
    pub authorities: Option<Pem>,
    /// Whether a client without is refused.
    pub must_certify: bool,
}

/// Why there can be no TLS.
#[derive(Debug)]
pub enum BadTls {
    /// The library was built without.
    Absent,
    /// There is no TLS listener.
    Unused,
    /// A file cannot be read.
    File(PathBuf, io::Error),
    /// Something is not what it should be.
    Bad(String),
}

impl BadTls {
    /// What a part of TLS says.
    pub fn other(error: impl fmt::Display) -> Self {
        BadTls::Bad(error.to_string())
    }
}

impl fmt::Display for BadTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadTls::Absent => f.write_str("this library was built without TLS"),
            BadTls::Unused => f.write_str("the server has no TLS listener"),
            BadTls::File(path, error) => write!(f, "{}: {error}", path.display()),
            BadTls::Bad(what) => f.write_str(what),
        }
    }
}

impl Server {
    /// Serves TLS with other certificates from now on; connections that exist stay.
    ///
    /// # Errors
    /// Why they cannot serve; then those from before stay.
    pub fn set_certificates(&self, pairs: &[Pair]) -> Result<(), BadTls> {
        match &self.control.tls {
            Some(tls) => tls.replace(pairs),
            None => Err(BadTls::Unused),
        }
    }
}
