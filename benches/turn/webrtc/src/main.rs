//! usage: webrtc-turn PORT USER PASSWORD REALM

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use turn::auth::{AuthHandler, generate_auth_key};
use turn::relay::relay_static::RelayAddressGeneratorStatic;
use turn::server::Server;
use turn::server::config::{ConnConfig, ServerConfig};
use webrtc_util::vnet::net::Net;

struct OneUser {
    name: String,
    key: Vec<u8>,
}

impl AuthHandler for OneUser {
    fn auth_handle(
        &self,
        name: &str,
        _realm: &str,
        _client: SocketAddr,
    ) -> Result<Vec<u8>, turn::Error> {
        if name == self.name {
            Ok(self.key.clone())
        } else {
            Err(turn::Error::ErrFakeErr)
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [port, name, password, realm] = &words[..] else {
        panic!("usage: webrtc-turn PORT USER PASSWORD REALM");
    };
    let listener = tokio::net::UdpSocket::bind(format!("127.0.0.1:{port}")).await;
    let relay = RelayAddressGeneratorStatic {
        relay_address: Ipv4Addr::LOCALHOST.into(),
        address: Ipv4Addr::LOCALHOST.to_string(),
        net: Arc::new(Net::new(None)),
    };
    let config = ServerConfig {
        conn_configs: vec![ConnConfig {
            conn: Arc::new(listener.expect("a free port")),
            relay_addr_generator: Box::new(relay),
        }],
        realm: realm.clone(),
        auth_handler: Arc::new(OneUser {
            name: name.clone(),
            key: generate_auth_key(name, realm, password),
        }),
        channel_bind_timeout: Duration::from_secs(600),
        alloc_close_notify: None,
    };
    let _server = Server::new(config).await.expect("a server");
    std::future::pending::<()>().await;
}
