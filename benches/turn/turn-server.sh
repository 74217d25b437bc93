#!/bin/sh
# mycrl's turn-server on loopback: turn-server.sh PROGRAM PORT USER PASSWORD REALM FOLDER
cat > "$6/turn-server.toml" <<TOML
[server]
port-range = "32768..65535"
max-threads = 1
realm = "$5"
[[server.interfaces]]
transport = "udp"
listen = "127.0.0.1:$2"
external = "127.0.0.1:$2"
idle-timeout = 600
mtu = 1500
[log]
level = "error"
stdout = false
[auth]
enable-hooks-auth = false
[auth.static-credentials]
$3 = "$4"
TOML
exec "$1" --config "$6/turn-server.toml"
