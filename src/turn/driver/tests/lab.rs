//! A server, an observer that does as told, and clients with sockets.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::stun::attributes::kind;
use crate::stun::frame_len;
use crate::stun::message::Message;
use crate::turn::auth::credentials::Credential;
use crate::turn::core::action::{Decision, Grant, Reach};
use crate::turn::core::config::Config;
use crate::turn::driver::{Ask, Observer, Options, Place, Server};
use crate::turn::state::allocation::Reason;
use crate::turn::state::arena::{AllocationId, RequestId};
use crate::turn::state::five_tuple::{Link, Listener, ListenerId, Transport};
use crate::turn::tests::client::{Client, REALM, Reply, channel as channel_data, udp};

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits for what must not.
pub const SHORTLY: Duration = Duration::from_millis(200);

/// What the observer was told.
#[derive(Debug)]
pub enum Told {
    Asked(Ask),
    Created(Place<AllocationId>),
    Removed(Place<AllocationId>, Reason),
    Done(Place<RequestId>),
    Reaches(Reach),
}

pub type Decide = dyn FnMut(&Ask) -> Decision + Send;

/// An observer that reports to the test.
pub struct Reporter {
    pub worker: u16,
    pub told: Sender<Told>,
    pub decide: Arc<Mutex<Decide>>,
}

impl Observer for Reporter {
    fn created(&mut self, allocation: Place<AllocationId>) {
        let _ = self.told.send(Told::Created(allocation));
    }

    fn removed(&mut self, allocation: Place<AllocationId>, reason: Reason) {
        let _ = self.told.send(Told::Removed(allocation, reason));
    }

    fn reaches(&mut self, _: Place<AllocationId>, reach: Reach) {
        let _ = self.told.send(Told::Reaches(reach));
    }

    fn authenticate(&mut self, request: Ask) -> Decision {
        let decision = (self.decide.lock())(&request);
        let _ = self.told.send(Told::Asked(request));
        decision
    }

    fn done(&mut self, id: RequestId) {
        let worker = self.worker;
        let _ = self.told.send(Told::Done(Place { worker, id }));
    }
}

pub fn authorize(_: &Ask) -> Decision {
    Decision::Authorized(Grant::new(Credential::password("secret")))
}

pub fn later(_: &Ask) -> Decision {
    Decision::Later
}

pub struct Lab {
    pub server: Server,
    pub told: Receiver<Told>,
}

/// Options for loopback: one worker, a UDP and a TCP listener.
pub fn options() -> Options {
    let mut config = Config {
        realm: REALM.into(),
        dont_fragment: true,
        ..Config::default()
    };
    config.policy.allow("127.0.0.0/8".parse().unwrap());
    config.policy.allow("::1".parse().unwrap());
    let listener = |transport| Listener {
        transport,
        address: "127.0.0.1:0".parse().unwrap(),
    };
    Options {
        config,
        listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
        workers: 1,
        ..Options::default()
    }
}

impl Lab {
    pub fn new(decide: impl FnMut(&Ask) -> Decision + Send + 'static) -> Self {
        Lab::with(&options(), decide)
    }

    pub fn with(options: &Options, decide: impl FnMut(&Ask) -> Decision + Send + 'static) -> Self {
        let (sender, told) = channel();
        let decide: Arc<Mutex<Decide>> = Arc::new(Mutex::new(decide));
        let server = Server::start(options, |worker| {
            Box::new(Reporter {
                worker,
                told: sender.clone(),
                decide: decide.clone(),
            })
        });
        Lab {
            server: server.expect("a server on loopback"),
            told,
        }
    }

    pub fn address(&self, transport: Transport) -> SocketAddr {
        let listeners = self.server.listeners();
        let found = listeners.iter().find(|l| l.transport == transport);
        found.unwrap().address
    }

    /// The next thing told for which `pick` has something.
    pub fn wait<T>(&self, mut pick: impl FnMut(Told) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let told = self.told.recv_timeout(left).expect("to be told in time");
            if let Some(found) = pick(told) {
                return found;
            }
        }
    }

    pub fn asked(&self) -> Ask {
        self.wait(|told| match told {
            Told::Asked(ask) => Some(ask),
            _ => None,
        })
    }

    pub fn created(&self) -> Place<AllocationId> {
        self.wait(|told| match told {
            Told::Created(place) => Some(place),
            _ => None,
        })
    }

    pub fn removed(&self) -> (Place<AllocationId>, Reason) {
        self.wait(|told| match told {
            Told::Removed(place, reason) => Some((place, reason)),
            _ => None,
        })
    }

    pub fn udp(&self) -> Caller {
        Caller::new(Wire::udp(self.address(Transport::Udp)))
    }

    pub fn tcp(&self) -> Caller {
        Caller::new(Wire::tcp(self.address(Transport::Tcp)))
    }
}

/// A client's socket.
pub enum Wire {
    Udp(UdpSocket),
    Tcp(TcpStream, Vec<u8>),
}

impl Wire {
    pub fn udp(server: SocketAddr) -> Self {
        let any = SocketAddr::new(server.ip(), 0);
        let socket = UdpSocket::bind(any).unwrap();
        socket.connect(server).unwrap();
        Wire::Udp(socket)
    }

    pub fn tcp(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_nodelay(true).unwrap();
        Wire::Tcp(stream, Vec::new())
    }

    fn local(&self) -> SocketAddr {
        match self {
            Wire::Udp(socket) => socket.local_addr(),
            Wire::Tcp(stream, _) => stream.local_addr(),
        }
        .unwrap()
    }

    pub fn send(&mut self, bytes: &[u8]) {
        match self {
            Wire::Udp(socket) => {
                socket.send(bytes).unwrap();
            }
            Wire::Tcp(stream, _) => {
                let mut padded = bytes.to_vec();
                padded.resize(bytes.len().next_multiple_of(4), 0);
                stream.write_all(&padded).unwrap();
            }
        }
    }

    /// `None` when the server cannot be reached.
    pub fn try_send(&mut self, bytes: &[u8]) -> Option<()> {
        match self {
            Wire::Udp(socket) => socket.send(bytes).map(drop).ok(),
            Wire::Tcp(stream, _) => stream.write_all(bytes).ok(),
        }
    }

    /// The next message, or `None` when none comes in time or the connection
    /// has ended.
    pub fn receive(&mut self, within: Duration) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 70_000];
        match self {
            Wire::Udp(socket) => {
                socket.set_read_timeout(Some(within)).unwrap();
                let len = socket.recv(&mut buffer).ok()?;
                Some(buffer[..len].to_vec())
            }
            Wire::Tcp(stream, pending) => {
                stream.set_read_timeout(Some(within)).unwrap();
                loop {
                    if let Some(len) = frame_len(pending).unwrap()
                        && len <= pending.len()
                    {
                        return Some(pending.drain(..len).collect());
                    }
                    match stream.read(&mut buffer) {
                        Ok(len) if len > 0 => pending.extend_from_slice(&buffer[..len]),
                        _ => return None,
                    }
                }
            }
        }
    }
}

/// A client with a socket.
pub struct Caller {
    pub client: Client,
    pub wire: Wire,
}

impl Caller {
    pub fn new(wire: Wire) -> Self {
        let client = Client::on(Link {
            listener: ListenerId(0),
            client: wire.local(),
        });
        Caller { client, wire }
    }

    /// A client of a server that may have stopped.
    pub fn reach(server: SocketAddr, is_udp: bool) -> Option<Self> {
        let wire = match is_udp {
            true => Wire::udp(server),
            false => Wire::Tcp(TcpStream::connect(server).ok()?, Vec::new()),
        };
        Some(Caller::new(wire))
    }

    /// Sends a request and returns the reply to it.
    pub fn exchange(&mut self, request: &[u8]) -> Reply {
        self.wire.send(request);
        self.reply().expect("a reply in time")
    }

    /// Likewise with a server that may stop at any time.
    pub fn try_exchange(&mut self, request: &[u8], within: Duration) -> Option<Reply> {
        self.wire.try_send(request)?;
        loop {
            let bytes = self.wire.receive(within)?;
            if bytes[0] < 0x40 && bytes[4..20] == request[4..20] {
                return Some(Reply::parse(&bytes));
            }
        }
    }

    pub fn reply(&mut self) -> Option<Reply> {
        self.wire
            .receive(PATIENCE)
            .map(|bytes| Reply::parse(&bytes))
    }

    pub fn greet(&mut self) {
        let request = self
            .client
            .bare(crate::stun::message::Method::Allocate, udp);
        let reply = self.exchange(&request);
        assert_eq!(reply.code(), 401);
        self.client.nonce = reply.get(kind::NONCE).unwrap();
    }

    /// Gets an allocation; returns its relayed address.
    pub fn connect(&mut self) -> SocketAddr {
        self.greet();
        let request = self.client.allocate();
        let reply = self.exchange(&request);
        assert_eq!(reply.code(), 0);
        reply.address(kind::XOR_RELAYED_ADDRESS).unwrap()
    }

    pub fn permit(&mut self, peer: SocketAddr) {
        let request = self.client.permit(&peer.to_string());
        assert_eq!(self.exchange(&request).code(), 0);
    }

    pub fn bind(&mut self, number: u16, peer: SocketAddr) {
        let request = self.client.bind(number, &peer.to_string());
        assert_eq!(self.exchange(&request).code(), 0);
    }

    pub fn channel(&mut self, number: u16, data: &[u8]) {
        self.wire.send(&channel_data(number, data));
    }

    /// The payload of the next packet from a peer: of a ChannelData message or
    /// of a Data indication.
    pub fn data(&mut self, within: Duration) -> Option<Vec<u8>> {
        let bytes = self.wire.receive(within)?;
        if bytes[0] >= 0x40 {
            let len = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
            return Some(bytes[4..4 + len].to_vec());
        }
        let message = Message::parse(&bytes).unwrap();
        Some(message.get(kind::DATA).unwrap().to_vec())
    }
}
