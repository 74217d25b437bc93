//! A client for the tests.
#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::time::Duration;

use md5::{Digest, Md5};
use sha2::Sha256;

pub use super::world::{World, config};
use crate::stun::attributes::kind;
use crate::stun::message::{Class, Message, Method};
use crate::stun::*;
use crate::turn::*;

pub const REALM: &str = "example.org";
pub const CHANNEL: u16 = 0x4001;

pub fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A reply, taken apart.
#[derive(Clone, Debug)]
pub struct Reply {
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn parse(bytes: &[u8]) -> Self {
        let message = Message::parse(bytes).expect("a reply is well-formed");
        assert!(matches!(message.class(), Class::Success | Class::Error));
        Reply {
            bytes: bytes.to_vec(),
        }
    }

    pub fn message(&self) -> Message<'_> {
        Message::parse(&self.bytes).unwrap()
    }

    /// 0 for success.
    pub fn code(&self) -> u16 {
        match self.message().get(kind::ERROR_CODE) {
            Some(value) => u16::from(value[2]) * 100 + u16::from(value[3]),
            None => 0,
        }
    }

    pub fn get(&self, attribute: u16) -> Option<Vec<u8>> {
        self.message().get(attribute).map(<[u8]>::to_vec)
    }

    pub fn address(&self, attribute: u16) -> Option<SocketAddr> {
        self.message().xor_address(attribute)
    }

    pub fn lifetime(&self) -> u32 {
        let value = self.get(kind::LIFETIME).expect("a lifetime");
        u32::from_be_bytes(value.try_into().unwrap())
    }

    pub fn signed_by(&self, client: &Client) -> bool {
        verify(&self.message(), client.reply_protection(), &client.key())
    }
}

/// A client of the long-term credential mechanism.
#[derive(Clone)]
pub struct Client {
    pub link: Link,
    pub user: String,
    pub password: String,
    pub nonce: Vec<u8>,
    /// `None` for a client of RFC 5389.
    pub algorithm: Option<Algorithm>,
    pub offer: Option<Vec<u8>>,
    pub protection: Protection,
    pub hides_user: bool,
    counter: u64,
}

impl Client {
    pub fn new(world: &World, address: &str) -> Self {
        Client::on(Link {
            listener: world.udp,
            client: addr(address),
        })
    }

    pub fn on(link: Link) -> Self {
        Client {
            link,
            user: "ann".into(),
            password: "secret".into(),
            nonce: Vec::new(),
            algorithm: None,
            offer: None,
            protection: Protection::Sha1,
            hides_user: false,
            counter: 0,
        }
    }

    pub fn over_tcp(world: &World, address: &str) -> Self {
        let mut client = Client::new(world, address);
        client.link.listener = world.tcp;
        client
    }

    pub fn key(&self) -> Vec<u8> {
        let text = format!("{}:{REALM}:{}", self.user, self.password);
        match self.algorithm {
            Some(Algorithm::Sha256) => Sha256::digest(text).to_vec(),
            _ => Md5::digest(text).to_vec(),
        }
    }

    fn reply_protection(&self) -> Protection {
        match self.algorithm {
            Some(_) => Protection::Sha256,
            None => self.protection,
        }
    }

    pub fn next_id(&mut self) -> [u8; 12] {
        self.counter += 1;
        let mut id = [0; 12];
        id[..2].copy_from_slice(&self.link.client.port().to_be_bytes());
        id[4..].copy_from_slice(&self.counter.to_be_bytes());
        id
    }

    /// A request without credentials.
    pub fn bare(&mut self, method: Method, body: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut out = Vec::new();
        let id = self.next_id();
        body(&mut Writer::new(&mut out, method, Class::Request, &id));
        out
    }

    /// A request with credentials.
    pub fn signed(&mut self, method: Method, body: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut out = Vec::new();
        let id = self.next_id();
        let mut writer = Writer::new(&mut out, method, Class::Request, &id);
        body(&mut writer);
        self.sign(&mut writer);
        out
    }

    pub fn sign(&self, writer: &mut Writer<'_>) {
        if self.hides_user {
            writer.attribute(kind::USERHASH, &userhash(&self.user, REALM));
        } else {
            writer.attribute(kind::USERNAME, self.user.as_bytes());
        }
        writer.attribute(kind::REALM, REALM.as_bytes());
        writer.attribute(kind::NONCE, &self.nonce);
        if let Some(offer) = &self.offer {
            writer.attribute(kind::PASSWORD_ALGORITHMS, offer);
        }
        if let Some(algorithm) = self.algorithm {
            let code = algorithm.code().to_be_bytes();
            writer.attribute(kind::PASSWORD_ALGORITHM, &[code[0], code[1], 0, 0]);
        }
        writer.integrity(self.protection, &self.key());
    }

    pub fn allocate(&mut self) -> Vec<u8> {
        self.signed(Method::Allocate, udp)
    }

    pub fn refresh(&mut self, lifetime: u32) -> Vec<u8> {
        self.signed(Method::Refresh, |w| {
            w.number(kind::LIFETIME, lifetime);
        })
    }

    pub fn permit(&mut self, peer: &str) -> Vec<u8> {
        self.signed(Method::CreatePermission, |w| {
            w.xor_address(kind::XOR_PEER_ADDRESS, &addr(peer));
        })
    }

    pub fn bind(&mut self, number: u16, peer: &str) -> Vec<u8> {
        self.signed(Method::ChannelBind, |w| {
            w.number(kind::CHANNEL_NUMBER, u32::from(number) << 16);
            w.xor_address(kind::XOR_PEER_ADDRESS, &addr(peer));
        })
    }

    pub fn indication(&mut self, peer: &str, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let id = self.next_id();
        Writer::new(&mut out, Method::Send, Class::Indication, &id)
            .xor_address(kind::XOR_PEER_ADDRESS, &addr(peer))
            .attribute(kind::DATA, data);
        out
    }

    /// Fetches a nonce with an unauthenticated Allocate.
    pub fn greet(&mut self, world: &mut World) -> Reply {
        let request = self.bare(Method::Allocate, udp);
        let reply = world.exchange(self, &request).expect("a challenge");
        assert_eq!(reply.code(), 401);
        self.nonce = reply.get(kind::NONCE).unwrap();
        reply
    }

    /// Takes the server up on its password algorithms.
    pub fn modern(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = Some(algorithm);
        self.offer = Some(vec![0, 2, 0, 0, 0, 1, 0, 0]);
        self.protection = Protection::Sha256;
        self
    }

    /// Gets an allocation, and returns its relayed address.
    pub fn connect(&mut self, world: &mut World) -> SocketAddr {
        self.greet(world);
        let request = self.allocate();
        let reply = world.exchange(self, &request).unwrap();
        assert_eq!(reply.code(), 0);
        reply.address(kind::XOR_RELAYED_ADDRESS).unwrap()
    }

    /// Sends a request and returns the code of the reply.
    pub fn ask(&mut self, world: &mut World, request: &[u8]) -> u16 {
        let reply = world.exchange(self, request).expect("a reply");
        reply.code()
    }
}

/// REQUESTED-TRANSPORT for UDP.
pub fn udp(writer: &mut Writer<'_>) {
    writer.attribute(kind::REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
}

/// A ChannelData message.
pub fn channel(number: u16, data: &[u8]) -> Vec<u8> {
    let mut out = number.to_be_bytes().to_vec();
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
    out
}

/// The code of the reply to an Allocate with these attributes.
pub fn code_of(world: &mut World, client: &mut Client, body: impl FnOnce(&mut Writer<'_>)) -> u16 {
    let request = client.signed(Method::Allocate, body);
    let reply = world.exchange(client, &request).unwrap();
    assert!(reply.signed_by(client), "{}", reply.code());
    reply.code()
}

/// A world and a client with a nonce.
pub fn greeted() -> (World, Client) {
    let mut world = World::new();
    let mut ann = Client::new(&world, "9.9.9.9:1000");
    ann.greet(&mut world);
    (world, ann)
}
