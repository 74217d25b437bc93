//! The PROXY protocol, versions 1 and 2 (HAProxy's `proxy-protocol.txt`): a proxy
//! in front begins each connection with the address of the client it stands for.
#![forbid(unsafe_code)]

use std::net::SocketAddr;

use proxy_header::{Error, ParseConfig, ProxyHeader};

use crate::turn::address::{canonical, is_somebody};
use crate::turn::policy::ranges::Range;

/// The longest header that is waited for: addresses take 232 bytes at most, and
/// what proxies add to them some hundreds.
pub const LONGEST: usize = 2048;

/// Who may speak for others.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<Range>);

impl Proxies {
    /// Those in the ranges.
    pub fn new(ranges: Vec<Range>) -> Self {
        Proxies(ranges)
    }

    /// Whether there are any.
    pub fn are_named(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether the address is that of a proxy.
    pub fn has(&self, address: &SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let named = |range: &Range| range.contains(&ip) && range.has_port(address.port());
        self.0.iter().any(named)
    }
}

/// What a proxy's connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introduction {
    /// The rest has not come yet.
    Incomplete,
    /// A header of so many bytes. It names the client, or nobody: then the
    /// connection is the proxy's own, such as for a look whether we are there.
    Client(Option<SocketAddr>, usize),
    /// No header of the protocol.
    Bad,
}

/// Reads the header that the bytes of a connection begin with.
pub fn introduction(bytes: &[u8]) -> Introduction {
    let config = ParseConfig {
        include_tlvs: true,
        ..ParseConfig::default()
    };
    match ProxyHeader::parse(bytes, config) {
        // However much of it has come at once.
        Ok((_, size)) if size > LONGEST => Introduction::Bad,
        Ok((header, size)) => {
            // Of a connection of its own, all that a proxy says is to be ignored.
            let is_whole =
                header.proxied_address().is_none() || header.tlvs().all(|item| item.is_ok());
            let client = header.proxied_address().map(|proxied| proxied.source);
            match client.map(canonical) {
                _ if !is_whole => Introduction::Bad,
                Some(client) if !is_somebody(&client) => Introduction::Bad,
                client => Introduction::Client(client, size),
            }
        }
        Err(Error::BufferTooShort) if may_go_on(bytes) => Introduction::Incomplete,
        Err(_) => Introduction::Bad,
    }
}

/// Whether the rest of a header may be on its way: version 1 is a line of at most 107
/// bytes, version 2 says its length.
fn may_go_on(bytes: &[u8]) -> bool {
    match *bytes {
        [b'P', ..] => bytes.len() < 107 && !bytes.contains(&b'\n'),
        _ if bytes.len() < 16 => true,
        _ => {
            let size = 16 + usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
            size <= LONGEST && bytes.len() < size
        }
    }
}

/// Whether a connection begins as a header does. Neither beginning is STUN's.
pub fn is_introduction(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PROXY ") || bytes.starts_with(b"\r\n\r\n\0\r\nQUIT\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

    fn v2(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let size = (addresses.len() as u16).to_be_bytes();
        [V2, &[0x20 | command, family], &size, addresses].concat()
    }

    fn client(text: &str) -> Option<SocketAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn both_versions_name_the_client() {
        let v1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 51000 3478\r\n";
        let v1_6 = b"PROXY TCP6 2001:db8::7 2001:db8::1 51000 3478\r\n";
        let v2_4 = v2(
            1,
            0x11,
            &[203, 0, 113, 7, 192, 0, 2, 1, 0xc7, 0x38, 13, 150],
        );
        let mapped: std::net::Ipv6Addr = "::ffff:203.0.113.7".parse().unwrap();
        let v2_6 = v2(
            1,
            0x21,
            &[&mapped.octets()[..], &[0; 16], &[0xc7, 0x38, 13, 150]].concat(),
        );
        for (header, expected) in [
            (&v1[..], "203.0.113.7:51000"),
            (&v1_6[..], "[2001:db8::7]:51000"),
            (&v2_4, "203.0.113.7:51000"),
            (&v2_6, "203.0.113.7:51000"),
        ] {
            let with_data = [header, &[0, 1, 0, 0]].concat();
            let expected = Introduction::Client(client(expected), header.len());
            assert_eq!(introduction(&with_data), expected);
            for cut in 0..header.len() {
                assert_eq!(
                    introduction(&header[..cut]),
                    Introduction::Incomplete,
                    "{cut}"
                );
            }
        }
    }

    #[test]
    fn a_proxy_may_speak_for_itself() {
        let unknown = b"PROXY UNKNOWN\r\n";
        assert_eq!(
            introduction(unknown),
            Introduction::Client(None, unknown.len())
        );
        let local = v2(0, 0, &[]);
        assert_eq!(
            introduction(&local),
            Introduction::Client(None, local.len())
        );
    }

    #[test]
    fn what_a_proxy_adds_is_passed_over_and_must_be_whole() {
        let addresses = [203, 0, 113, 7, 192, 0, 2, 1, 0xc7, 0x38, 13, 150];
        let with = |added: &[u8]| v2(1, 0x11, &[&addresses[..], added].concat());
        // ALPN, authority, one of a proxy's own, nothing.
        let items = b"\x01\x00\x02h2\x02\x00\x04turn\xea\x00\x01\x00\x04\x00\x00";
        let header = with(items);
        let expected = Introduction::Client(client("203.0.113.7:51000"), header.len());
        assert_eq!(introduction(&header), expected);
        for cut in 0..header.len() {
            assert_eq!(introduction(&header[..cut]), Introduction::Incomplete);
        }
        assert_eq!(introduction(&with(b"\x04\xff\xff.")), Introduction::Bad);
        assert_eq!(introduction(&with(b"\x04")), Introduction::Bad);
        // Too long, whether it comes in pieces or at once.
        let long = with(&[&b"\x04\x08\x00"[..], &[0; 2048]].concat());
        for cut in [LONGEST, long.len() - 1, long.len()] {
            assert_eq!(introduction(&long[..cut]), Introduction::Bad, "{cut}");
        }
        let local = v2(0, 0x11, b"whatever it is");
        assert_eq!(
            introduction(&local),
            Introduction::Client(None, local.len())
        );
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let endless = [&v2(1, 0x11, &[])[..14], &[0xff, 0xff], &[7; LONGEST]].concat();
        for bad in [
            &b"\0\x01\0\0\x21\x12\xa4\x42............"[..],
            b"GET / HTTP/1.1\r\n\r\n",
            b"PROXY TCP4 203.0.113.7 192.0.2.1 51000\r\n",
            b"PROXY TCP4 2001:db8::7 192.0.2.1 51000 3478\r\n",
            b"PROXY TCP4 203.0.113.7 192.0.2.1 99999 3478\r\n",
            b"PROXY TCP4 0.0.0.0 192.0.2.1 51000 3478\r\n",
            b"PROXY TCP4 224.0.0.1 192.0.2.1 51000 3478\r\n",
            b"PROXY TCP4 203.0.113.7 192.0.2.1 0 3478\r\n",
            &[b'P'; 1].repeat(LONGEST),
            &v2(1, 0x11, &[1, 2, 3]),
            &endless,
        ] {
            assert_eq!(introduction(bad), Introduction::Bad, "{bad:?}");
        }
    }

    #[test]
    fn only_who_is_named_is_a_proxy() {
        let proxies = Proxies::new(vec![
            "192.0.2.0/24".parse().unwrap(),
            "2001:db8::9".parse().unwrap(),
        ]);
        let has = |text: &str| proxies.has(&text.parse().unwrap());
        assert!(has("192.0.2.9:1") && has("[::ffff:192.0.2.9]:1") && has("[2001:db8::9]:1"));
        assert!(!has("192.0.3.9:1") && !has("[2001:db8::8]:1"));
        assert!(!Proxies::default().has(&"192.0.2.9:1".parse().unwrap()));
    }
}
