//! The sockets of TCP relays (RFC 6062).
#![forbid(unsafe_code)]

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

/// Connections from peers that wait to be accepted.
const BACKLOG: i32 = 64;

/// A socket that listens at a relayed address.
pub fn listen_at(address: SocketAddr) -> io::Result<Socket> {
    let socket = socket_for(address)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    // Not before: the port is to be nobody else's, and then that of the connections
    // to peers as well.
    socket.set_reuse_port(true)?;
    Ok(socket)
}

/// A socket that connects to a peer from a relayed address.
pub fn connect_from(address: SocketAddr, peer: SocketAddr) -> io::Result<Socket> {
    let socket = socket_for(address)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    match socket.connect(&peer.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(socket),
    }
}

fn socket_for(address: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of the port's last user may linger.
    socket.set_reuse_address(true)?;
    Ok(socket)
}
