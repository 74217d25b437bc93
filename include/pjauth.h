/* pjauth: answer SIP and TURN authentication challenges later.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Generated from src/ by `make header`; do not edit.
 *
 * This header needs no header of PJSIP. Where it speaks of PJSIP's objects it
 * names their struct tags; a status is PJSIP's pj_status_t, which is an int. To
 * programs without PJSIP: PJ_EUNKNOWN is 70001, PJ_EINVAL 70004, PJ_EBUG 70008 (a
 * bug of this library, caught), PJ_ETOOMANY 70010, PJ_ENOTSUP 70012, PJ_EINVALIDOP
 * 70013, and an error of the system 120000 more than its errno.
 *
 * Tokens and the pointers to incomplete types are handles: never followed, always
 * looked up. A NULL, a dead handle or one of another kind gives PJ_EINVAL; where no
 * status is returned, 0 or NULL, unless the function says otherwise.
 */

#ifndef PJAUTH_H
#define PJAUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pj_str_t;
struct pjsip_auth_clt_async_setting;
struct pjsip_auth_clt_sess;
struct pjsip_endpoint;
struct pjsip_tx_data;
struct pjauth_turn_observer;
struct pjauth_turn_opening;
struct sockaddr;

/**
 * Bytes of a realm in `pjauth_challenge_info`, with the terminator.
 */
#define PJAUTH_REALM_SIZE 49

/**
 * Refuses MD5 and MD5-sess, for `pjauth_refuse_algorithms()`.
 */
#define PJAUTH_REFUSE_MD5 1

/**
 * Refuses SHA-256 and SHA-256-sess.
 */
#define PJAUTH_REFUSE_SHA256 2

/**
 * Refuses SHA-512-256 and SHA-512-256-sess.
 */
#define PJAUTH_REFUSE_SHA512_256 4

/**
 * Any port will do.
 */
#define PJAUTH_TURN_PORT_ANY 0

/**
 * It must be even.
 */
#define PJAUTH_TURN_PORT_EVEN 1

/**
 * It must be even, and the next higher port of the same address must be bound
 * too, for `next_relay`: both or none.
 */
#define PJAUTH_TURN_PORT_PAIR 2

/**
 * Send `data` to a client.
 */
#define PJAUTH_TURN_TO_CLIENT 1

/**
 * Send `data` to a peer.
 */
#define PJAUTH_TURN_TO_PEER 2

/**
 * Close a relay socket.
 */
#define PJAUTH_TURN_CLOSE_RELAY 3

/**
 * Nothing is relayed in the kernel.
 */
#define PJAUTH_TURN_KERNEL_OFF 0

/**
 * What can be is, and a server without goes on by its sockets.
 */
#define PJAUTH_TURN_KERNEL_ON 1

/**
 * Likewise, and a server that can do so at no interface does not start.
 */
#define PJAUTH_TURN_KERNEL_REQUIRED 2

/**
 * The decision comes later, by `pjauth_turn_handle_request()`.
 */
#define PJAUTH_TURN_AUTHENTICATING 1

/**
 * The client may have what it asks for, if it holds the credential.
 */
#define PJAUTH_TURN_AUTHORIZED 2

/**
 * The client gets 486 (Allocation Quota Reached). Set its key first, as for
 * PJAUTH_TURN_AUTHORIZED: a client throws an unsigned 486 away (RFC 8489, 9.2.5) and
 * goes on asking. One who does not hold the key gets 401 instead.
 */
#define PJAUTH_TURN_QUOTA_REACHED 3

/**
 * The client gets 401 (Unauthenticated).
 */
#define PJAUTH_TURN_NOT_AUTHORIZED 4

/**
 * Clients over UDP.
 */
#define PJAUTH_TURN_UDP 1

/**
 * Clients over TCP.
 */
#define PJAUTH_TURN_TCP 2

/**
 * Clients over TLS 1.2 or 1.3; the server needs `certificates`. A client that names
 * protocols (ALPN) must have `stun.turn` or `stun.nat-discovery` there (RFC 7443).
 */
#define PJAUTH_TURN_TLS 8

/**
 * With a listener's transport: its address `::` stands for `0.0.0.0` as well.
 */
#define PJAUTH_TURN_BOTH_FAMILIES 4

/**
 * `MD5(user:realm:password)`, 16 bytes: the key of RFC 5389 and older.
 */
#define PJAUTH_TURN_MD5 1

/**
 * `SHA-256(user:realm:password)`, 32 bytes.
 */
#define PJAUTH_TURN_SHA256 2

/**
 * No bound, for bytes and rates.
 */
#define PJAUTH_TURN_UNLIMITED UINT64_MAX

/**
 * An allocation has not ended.
 */
#define PJAUTH_TURN_LIVE 0

/**
 * Its lifetime ran out.
 */
#define PJAUTH_TURN_EXPIRED 1

/**
 * The client deleted it.
 */
#define PJAUTH_TURN_DELETED 2

/**
 * The client's connection closed.
 */
#define PJAUTH_TURN_CLIENT_GONE 3

/**
 * The application revoked it.
 */
#define PJAUTH_TURN_REVOKED 4

/**
 * Its bandwidth limit was reached.
 */
#define PJAUTH_TURN_LIMIT_REACHED 5

/**
 * The server stopped.
 */
#define PJAUTH_TURN_STOPPED 6

/**
 * In place of a channel's number: a connection of a TCP relay (RFC 6062).
 */
#define PJAUTH_TURN_CONNECTION -1

/**
 * Bytes of a user name in `pjauth_turn_allocation_info`, with the terminator.
 */
#define PJAUTH_TURN_USERNAME_SIZE 512

/**
 * Bytes of an address with its port likewise.
 */
#define PJAUTH_TURN_ADDRESS_SIZE 64

/**
 * An allocation: a handle. It lives from `on_server_allocation_created` to the
 * end of `on_server_allocation_removed`.
 */
typedef struct pjauth_turn_allocation pjauth_turn_allocation;

/**
 * An attribute of a request: a handle. It dies with the request's.
 */
typedef struct pjauth_turn_attribute pjauth_turn_attribute;

/**
 * A request that waits for a decision: a handle. It dies with the decision,
 * and when the request can no longer be answered.
 */
typedef struct pjauth_turn_request pjauth_turn_request;

/**
 * A TURN server: a handle. The functions of the TURN half may be called from any
 * thread, at any time, unless they say otherwise.
 *
 * Text that one of them writes goes into the caller's buffer as with `snprintf`:
 * as much as fits, terminated if there is room for a byte; the function returns
 * the length of the whole text (without the terminator), which is 0 where there
 * is none, such as for a dead handle. An address with its port is written as
 * `192.0.2.1:3478` or `[2001:db8::1]:3478`.
 */
typedef struct pjauth_turn_server pjauth_turn_server;

/**
 * Sizes and offsets of PJSIP's structures; `PJAUTH_LAYOUT` are the application's.
 */
typedef struct pjauth_layout {
    /**
     * pjproject's version: major, minor, revision.
     */
    unsigned int pj_version[3];
    /**
     * `sizeof(pjsip_auth_clt_sess)`
     */
    size_t session_size;
    /**
     * `offsetof(pjsip_auth_clt_sess, cached_auth)`
     */
    size_t session_cached_auth;
    /**
     * `sizeof(pjsip_cached_auth)`
     */
    size_t cached_auth_size;
    /**
     * `sizeof(pjsip_cred_info)`
     */
    size_t credential_size;
    /**
     * `sizeof(pjsip_tx_data)`
     */
    size_t tx_data_size;
    /**
     * `offsetof(pjsip_tx_data, msg)`
     */
    size_t tx_data_msg;
    /**
     * `offsetof(pjsip_tx_data, auth_retry)`
     */
    size_t tx_data_auth_retry;
    /**
     * `sizeof(pjsip_rx_data)`
     */
    size_t rx_data_size;
    /**
     * `offsetof(pjsip_rx_data, msg_info.msg)`
     */
    size_t rx_data_msg;
    /**
     * `sizeof(pjsip_msg)`
     */
    size_t msg_size;
    /**
     * `sizeof(pjsip_authorization_hdr)`
     */
    size_t authorization_size;
    /**
     * `sizeof(pjsip_digest_challenge)`
     */
    size_t challenge_size;
    /**
     * `sizeof(pjsip_digest_credential)`
     */
    size_t digest_credential_size;
} pjauth_layout;

/**
 * What is known of an outstanding challenge. May grow at its end: functions that fill
 * it are told how large the application takes it to be.
 */
typedef struct pjauth_challenge_info {
    /**
     * The token, as the application's callback got it.
     */
    void *token;
    /**
     * Milliseconds since the challenge arrived, by the clock of the day.
     */
    uint64_t age_msec;
    /**
     * Milliseconds until it is abandoned, 0 if that is due; -1 without a deadline.
     */
    int64_t expires_msec;
    /**
     * 401 or 407.
     */
    unsigned int status_code;
    /**
     * The last challenge's realm, zero-terminated; cut off where it is longer.
     */
    char realm[PJAUTH_REALM_SIZE];
} pjauth_challenge_info;

/**
 * How tokens have fared in this process. Each one minted ends in one of the next
 * five, or is outstanding. May grow at its end.
 */
typedef struct pjauth_sip_stats {
    /**
     * Tokens lent to a callback.
     */
    uint64_t minted;
    /**
     * Consumed by `pjsip_auth_clt_async_send_req()`.
     */
    uint64_t sent;
    /**
     * Consumed by `pjsip_auth_clt_async_abandon()`.
     */
    uint64_t abandoned;
    /**
     * Declined by the callback, to be answered synchronously.
     */
    uint64_t declined;
    /**
     * Died with their session or endpoint.
     */
    uint64_t revoked;
    /**
     * Abandoned by the library at their deadline.
     */
    uint64_t expired;
    /**
     * Calls that were refused because their token was dead or foreign.
     */
    uint64_t refused;
    /**
     * Tokens that are live now.
     */
    uint64_t outstanding;
} pjauth_sip_stats;

/**
 * What is known of an allocation at a moment, or at its end.
 */
typedef struct pjauth_turn_allocation_info {
    /**
     * Its handle.
     */
    struct pjauth_turn_allocation *allocation;
    /**
     * Whose it is.
     */
    char username[PJAUTH_TURN_USERNAME_SIZE];
    /**
     * The client's address.
     */
    char client[PJAUTH_TURN_ADDRESS_SIZE];
    /**
     * The server's address that the client uses.
     */
    char server[PJAUTH_TURN_ADDRESS_SIZE];
    /**
     * The relayed address, the IPv4 one if there are two.
     */
    char relayed[PJAUTH_TURN_ADDRESS_SIZE];
    /**
     * The IPv6 one if there are two, otherwise empty.
     */
    char relayed_second[PJAUTH_TURN_ADDRESS_SIZE];
    /**
     * PJAUTH_TURN_UDP, PJAUTH_TURN_TCP or PJAUTH_TURN_TLS.
     */
    int transport;
    /**
     * PJAUTH_TURN_LIVE, or why it ended.
     */
    int reason;
    /**
     * Packets from the client to its peers.
     */
    uint64_t packets_to_peers;
    /**
     * Their payload in bytes.
     */
    uint64_t bytes_to_peers;
    /**
     * Packets from peers to the client.
     */
    uint64_t packets_to_client;
    /**
     * Their payload in bytes.
     */
    uint64_t bytes_to_client;
    /**
     * Bytes that both directions may use together, or PJAUTH_TURN_UNLIMITED.
     */
    uint64_t bandwidth_limit;
    /**
     * How long it has existed, in milliseconds.
     */
    uint64_t age_msec;
    /**
     * How long it will exist if it is not refreshed.
     */
    uint64_t remaining_msec;
    /**
     * How it talks to peers: PJAUTH_TURN_UDP, or PJAUTH_TURN_TCP for a TCP relay (RFC
     * 6062), of which bytes are counted and no packets.
     */
    int relay_transport;
} pjauth_turn_allocation_info;

/**
 * Where clients reach the server.
 */
typedef struct pjauth_turn_listener {
    /**
     * An IPv4 or IPv6 address, no name and without a zone; `0.0.0.0` or `::` stand
     * for each that the host has at the time. One that cannot be bound yet is tried
     * again while others are served, and the log names it.
     */
    const char *address;
    /**
     * The port; 0 for any free one.
     */
    uint16_t port;
    /**
     * PJAUTH_TURN_UDP, PJAUTH_TURN_TCP or PJAUTH_TURN_TLS, UDP with one of the others
     * (`|`) at one port, and with `::` PJAUTH_TURN_BOTH_FAMILIES as well.
     */
    int transport;
} pjauth_turn_listener;

/**
 * Where relayed transport addresses are.
 */
typedef struct pjauth_turn_relay {
    /**
     * An address of the host. Where none of them is there, the server does not start;
     * one that is not there yet is tried again while others serve, and the log names it.
     * `0.0.0.0` or `::` stand for the address of the listener that the client
     * uses, or for a client of the other family one that clients of this family
     * use: public before private, the same interface before another.
     */
    const char *address;
    /**
     * What clients and peers see in its place behind a 1:1 NAT, also in place of
     * an address that is not named; NULL for the same.
     */
    const char *external;
} pjauth_turn_relay;

/**
 * What lets an allocation reach a peer.
 */
typedef struct pjauth_turn_peer {
    /**
     * The number of a channel; 0 for a permission, PJAUTH_TURN_CONNECTION for a
     * connection, whichever end made it.
     */
    int channel;
    /**
     * Of a channel or connection the address with its port, of a permission the address
     * alone, for which the port does not matter.
     */
    const char *address;
} pjauth_turn_peer;

/**
 * A certificate of the server's and its private key, both in PEM.
 */
typedef struct pjauth_turn_certificate {
    /**
     * Name of a file: the certificate, and after it those that lead to the one that
     * clients trust. It is read when the server starts. NULL where `chain` is given.
     */
    const char *chain_file;
    /**
     * Name of the file of the key, which may be that of the certificate. NULL where
     * `key` is given.
     */
    const char *key_file;
    /**
     * What would stand in the file, terminated.
     */
    const char *chain;
    /**
     * Likewise, of the key: PKCS #8, PKCS #1 or SEC 1, not encrypted.
     */
    const char *key;
} pjauth_turn_certificate;

/**
 * Everything about a server but its observer. Fill in with
 * `pjauth_turn_options_init()` first. All of it is copied.
 */
typedef struct pjauth_turn_options {
    /**
     * Size of this structure as the program knows it.
     */
    size_t size;
    /**
     * The realm: UTF-8, 1 to 127 characters, no quotation mark and no control
     * character. Default: `pjauth`.
     */
    const char *realm;
    /**
     * SOFTWARE of replies, at most 509 bytes; NULL, the default, for none.
     */
    const char *software;
    /**
     * Where clients reach the server: at least one.
     */
    const struct pjauth_turn_listener *listeners;
    /**
     * How many.
     */
    unsigned int listener_count;
    /**
     * Where relays are; none, the default, means `0.0.0.0` and `::`. Of several, the
     * one that the client uses goes first.
     */
    const struct pjauth_turn_relay *relays;
    /**
     * How many.
     */
    unsigned int relay_count;
    /**
     * First port of relays. Default: 49152.
     */
    uint16_t min_port;
    /**
     * Last port of relays. Default: 65535.
     */
    uint16_t max_port;
    /**
     * Threads, at most 1024; 0, the default, for one for each processor.
     */
    unsigned int workers;
    /**
     * PJAUTH_TURN_MD5, PJAUTH_TURN_SHA256 or, the default, both: what clients of
     * RFC 8489 are offered. With stored MD5 keys alone, offer MD5 alone.
     */
    unsigned int algorithms;
    /**
     * Lifetime of an allocation in seconds, unless the client asks for more.
     * Default: 600.
     */
    unsigned int default_lifetime;
    /**
     * The longest lifetime in seconds that a client can ask for. Default: 3600.
     */
    unsigned int max_lifetime;
    /**
     * How long a nonce serves, in seconds. Default: 600.
     */
    unsigned int nonce_lifetime;
    /**
     * Allocations in all; more get 508. Default: 100000.
     */
    unsigned int max_allocations;
    /**
     * Allocations of a user; more get 486. 0, the default, for no bound.
     */
    unsigned int user_quota;
    /**
     * Permissions of an allocation; more get 508. Default: 256.
     */
    unsigned int max_permissions;
    /**
     * Channels of an allocation; more get 508. Default: 256.
     */
    unsigned int max_channels;
    /**
     * Requests that may wait for a decision; more get 508. Default: 16384.
     */
    unsigned int max_held;
    /**
     * Likewise for each source address (IPv6: /64). Default: 256.
     */
    unsigned int max_held_per_source;
    /**
     * How long a request may wait, in milliseconds; then the client gets 500.
     * Default: 30000.
     */
    unsigned int held_deadline_msec;
    /**
     * Replies of 400, 401, 437, 438 and 441 a second that a source (IPv6: /64)
     * gets over UDP without proof of who it is, from all workers together; and
     * likewise, apart from these, replies to Binding. Beyond that it gets none, and
     * its client repeats the request. Over TCP, where no source is forged and
     * nobody repeats anything, all are answered. Default: 100.
     */
    unsigned int challenges_per_second;
    /**
     * How many of these at once. Default: 200.
     */
    unsigned int challenge_burst;
    /**
     * TCP connections in all; more are closed at once. Default: 20000.
     */
    unsigned int max_connections;
    /**
     * Likewise for each source address (IPv6: /64). Default: 256.
     */
    unsigned int max_connections_per_source;
    /**
     * How long a TCP connection may be silent that has neither allocation nor
     * waiting request, in milliseconds. Default: 30000.
     */
    unsigned int connection_idle_msec;
    /**
     * Bytes that may wait for a TCP client that reads slowly; data beyond is
     * dropped. Default: 262144.
     */
    unsigned int connection_backlog;
    /**
     * How long a TCP client may read nothing while something waits for it, in
     * milliseconds; then it is cut off. Default: 30000.
     */
    unsigned int connection_stall_msec;
    /**
     * Bytes that an allocation may relay in all, both directions together,
     * unless the request or allocation says otherwise. Default:
     * PJAUTH_TURN_UNLIMITED.
     */
    uint64_t bandwidth_limit;
    /**
     * Bytes a second likewise. Default: PJAUTH_TURN_UNLIMITED.
     */
    uint64_t rate;
    /**
     * Bytes that may pass at once after a pause, where `rate` is set.
     * Default: 262144.
     */
    uint64_t rate_burst;
    /**
     * Ranges of peers that clients may reach although they are loopback,
     * private or otherwise special: `10.0.0.0/8`, `2001:db8::1`; of some ports
     * only: `10.0.0.5:20000-29999`, `[2001:db8::1]:5000`. The narrowest range
     * decides, `deny` on a tie. What is denied from the outset are ranges too,
     * the host's own addresses among them, each for itself: `allow` opens what it
     * names at least as narrowly. Nothing opens a listener or relay port of a
     * server of this process, which are reached inside or not at all.
     */
    const char *const *allow;
    /**
     * How many.
     */
    unsigned int allow_count;
    /**
     * Ranges of peers that clients may not reach.
     */
    const char *const *deny;
    /**
     * How many.
     */
    unsigned int deny_count;
    /**
     * Makes nonces: servers with the same 32 bytes accept each other's. NULL,
     * the default, for random ones.
     */
    const uint8_t *secret;
    /**
     * Ask the observer about each Refresh, CreatePermission, ChannelBind and Connect
     * too, after the client has proven who it is. Default: 0; RFC 8656 has the
     * allocation's key decide.
     */
    int ask_each;
    /**
     * Ask clients to hide their user name (USERHASH). Default: 0.
     */
    int userhash;
    /**
     * Where log lines go, from any thread and with nothing locked; NULL, the
     * default, for nowhere.
     * Levels: 1 error, 2 warning, 3 information.
     */
    void (*log)(void *user_data, int level, const char *text);
    /**
     * Passed to `log`.
     */
    void *log_user_data;
    /**
     * Whether Binding requests (STUN, RFC 8489) are answered. Where not, they get
     * nothing over UDP and 403 over TCP. Default: 1.
     */
    int binding;
    /**
     * Wrong keys a minute that are looked at from one source (IPv6: /64), and
     * likewise for one user, whatever the source, by all workers together; a right
     * key costs nothing. Beyond that no key is looked at and the observer is not
     * asked: over UDP the request gets no answer, so that its client repeats it; over
     * TCP, where it would not, 401. No user is locked out by strangers: where a user
     * has come from within the last day, a count of its own holds. 0 for no limit.
     * Default: 60.
     */
    unsigned int guesses_per_minute;
    /**
     * How many of these at once. Default: 100.
     */
    unsigned int guess_burst;
    /**
     * How long a relay's port rests before the next allocation gets it, in
     * milliseconds, so that it does not get what was meant for the last. Where no
     * port has rested that long, the one that has rested longest is taken. Default:
     * 30000.
     */
    unsigned int port_rest_msec;
    /**
     * Ranges of the proxies in front of TCP listeners (HAProxy, nginx, a load
     * balancer) that speak the PROXY protocol, version 1 or 2. Their connections must
     * begin with it, and are from then on those of the client that it names, in
     * addresses, limits and nonces; the connections of others must not, and end.
     */
    const char *const *proxies;
    /**
     * How many; 0, the default, for none.
     */
    unsigned int proxy_count;
    /**
     * Prefixes of NAT64 translators beside `64:ff9b::/96`, of 32, 40, 48, 56, 64 or
     * 96 bits (RFC 6052): `2001:db8:64::/96`. A peer there is judged as the IPv4
     * address that it leads to.
     */
    const char *const *nat64;
    /**
     * How many.
     */
    unsigned int nat64_count;
    /**
     * Told of each permission, channel and connection (RFC 6062) that comes to be, not of
     * those that are refreshed (RFC 8656, 9 and 12); `on_peer_end` hears of their ends.
     * Called as the observer's functions are, between `on_server_allocation_created` and
     * `on_server_allocation_removed` of the allocation; `peer` is good until it returns.
     * NULL, the default, for nobody.
     */
    void (*on_peer)(void *user_data,
                    struct pjauth_turn_allocation *allocation,
                    const struct pjauth_turn_peer *peer);
    /**
     * Passed to `on_peer` and `on_peer_end`.
     */
    void *on_peer_user_data;
    /**
     * Certificates of TLS listeners. A client gets the first of those that have the
     * name that it asks for (SNI) and a key that it can use; without such a name, the
     * first of all. `pjauth_turn_server_set_certificates()` replaces them.
     */
    const struct pjauth_turn_certificate *certificates;
    /**
     * How many: at least one where there is a TLS listener.
     */
    unsigned int certificate_count;
    /**
     * Who signs clients' certificates (`chain_file` or `chain`), which they are then
     * asked for; NULL, the default, for nobody. One that is not good ends the
     * handshake. See `pjauth_turn_request_client_certificate()`.
     */
    const struct pjauth_turn_certificate *client_authorities;
    /**
     * Whether a client without a certificate is refused. Default: 0.
     */
    int client_certificate_required;
    /**
     * TLS handshakes at once; a connection that would begin one more is closed.
     * Default: 1024.
     */
    unsigned int max_handshakes;
    /**
     * Likewise for each source address (IPv6: /64). Default: 64.
     */
    unsigned int max_handshakes_per_source;
    /**
     * How long a client may take from its connection to the end of its handshake, in
     * milliseconds. Default: 10000.
     */
    unsigned int handshake_msec;
    /**
     * Whether clients over TCP and TLS may have TCP relays (RFC 6062), which connect to
     * peers and take connections from them; where not, they get 442. The rules for
     * peers are those of datagrams, and limits and rates hold for all connections of an
     * allocation together: a rate delays a stream and drops nothing. Default: 1.
     */
    int tcp_relays;
    /**
     * Connections with peers of an allocation, with those that are being made; more get
     * 508. In all there are no more than `max_connections`. Default: 256.
     */
    unsigned int max_peer_connections;
    /**
     * Whether ChannelData between clients over UDP and their peers is relayed in the
     * kernel, by an eBPF program at the network interfaces, without reaching a socket:
     * PJAUTH_TURN_KERNEL_OFF, _ON or _REQUIRED. Needs Linux 6.6, CAP_BPF and
     * CAP_NET_ADMIN. The rules and figures are the same; allocations with a byte limit
     * or a rate, their own or their user's, stay with the sockets, as does every packet
     * that is not plain. Netfilter and the sockets' own tools see nothing of what goes
     * so. Default: PJAUTH_TURN_KERNEL_OFF.
     */
    int kernel;
    /**
     * Channels that the kernel has room for; the sockets serve those beyond. A channel
     * takes 288 to 304 bytes, from the start. Default: 65536.
     */
    unsigned int kernel_channels;
    /**
     * Names of the interfaces where packets come in, such as `eth0`. NULL, the
     * default, for those that have the listeners' and relays' addresses.
     */
    const char *const *kernel_interfaces;
    /**
     * How many.
     */
    unsigned int kernel_interface_count;
    /**
     * Told, like `on_peer`, of the end of what that is told of, once for each: a
     * permission or channel expires, `pjauth_turn_server_set_peers()` denies it, a
     * connection closes, or the allocation ends, of which
     * `on_server_allocation_removed` tells after it. NULL, the default, for nobody.
     */
    void (*on_peer_end)(void *user_data,
                        struct pjauth_turn_allocation *allocation,
                        const struct pjauth_turn_peer *peer);
} pjauth_turn_options;

/**
 * The observer's functions. They are called from the server's own threads, from
 * several at once if it has several workers, and with no lock held: they may
 * call every function of this header, `pjauth_turn_server_destroy()` excepted.
 *
 * An exception that leaves one of them is logged and ended, and the server goes
 * on; an `authenticate_request` that throws counts as
 * PJAUTH_TURN_NOT_AUTHORIZED. The virtual functions of a C++ object need no
 * wrapper for that: they are called through a frame whose personality routine
 * (Itanium C++ ABI) stops whatever unwinds into it, and `__cxa_begin_catch` and
 * `__cxa_end_catch` end a C++ exception as `catch (...)` does, in a program that
 * has them. It is the same with every other function that the program gives to
 * the server. What C++ itself ends the program for it still does: an exception
 * out of a `noexcept` function, or out of an exception's destructor. The
 * functions must return or throw: no `longjmp()` out of them, no
 * `pthread_exit()`.
 */
typedef struct pjauth_turn_observer_vtable {
    /**
     * An allocation exists.
     */
    void (*on_server_allocation_created)(struct pjauth_turn_observer *observer,
                                         struct pjauth_turn_server *server,
                                         struct pjauth_turn_allocation *allocation);
    /**
     * An allocation ends, and its figures are final. Called once for each that
     * was created; the handle is dead when it returns.
     */
    void (*on_server_allocation_removed)(struct pjauth_turn_observer *observer,
                                         struct pjauth_turn_server *server,
                                         struct pjauth_turn_allocation *allocation);
    /**
     * Decides about a request: returns a PJAUTH_TURN_* state. What the client
     * must prove to hold is set before that with
     * `pjauth_turn_request_set_password()` or `pjauth_turn_request_set_key()`.
     *
     * It is asked about each Allocate whose nonce is fresh; with `ask_each` about
     * Refresh, CreatePermission, ChannelBind and Connect too, where a key that it sets must be
     * right as well as the allocation's; and, whatever `ask_each` says, about a
     * request that is refused anyway, so that the refusal can be signed:
     * any that finds no allocation (437, after a restart, say), one with other
     * credentials than the allocation's (437, 441), and Allocate during a drain
     * (508). Answer these as any other: if the client holds the key that you set, it
     * gets the refusal signed. `pjauth_turn_request_refusal()` tells them apart, for
     * an observer that counts what it grants. Keys that were right within the last
     * hour are kept for that, and then nobody is asked.
     *
     * It is not asked about a source or user of which too many wrong keys have come:
     * see `guesses_per_minute`.
     *
     * After PJAUTH_TURN_AUTHENTICATING the server keeps the request until
     * `pjauth_turn_handle_request()`, the deadline, or the end of client or
     * server; the call may come before this function has returned. Any other
     * number counts as PJAUTH_TURN_NOT_AUTHORIZED and is logged.
     */
    int (*authenticate_request)(struct pjauth_turn_observer *observer,
                                struct pjauth_turn_server *server,
                                struct pjauth_turn_request *request);
} pjauth_turn_observer_vtable;

/**
 * Who decides. The first word points to the table of functions, which is the
 * layout of a C++ object whose class declares these three virtual functions in
 * this order, and no other (Itanium C++ ABI, and Microsoft's on x64): a C
 * program makes the table, a C++ program passes its object.
 *
 * The observer must live until `pjauth_turn_server_destroy()` has returned.
 */
typedef struct pjauth_turn_observer {
    /**
     * The table of functions, none of them NULL.
     */
    const struct pjauth_turn_observer_vtable *vtable;
} pjauth_turn_observer;

/**
 * A relay socket that a driven server needs.
 */
typedef struct pjauth_turn_opening {
    /**
     * Its name from now on. No two sockets of a server have the same.
     */
    uint64_t relay;
    /**
     * The name of the socket on the next port, for PJAUTH_TURN_PORT_PAIR.
     */
    uint64_t next_relay;
    /**
     * 4 or 6. An IPv6 socket must not receive IPv4 (IPV6_V6ONLY).
     */
    int family;
    /**
     * PJAUTH_TURN_PORT_ANY, _EVEN or _PAIR.
     */
    int port;
    /**
     * Gets the address that peers see, as from `getsockname()`.
     */
    struct sockaddr *address;
    /**
     * The room there; gets the size of the address.
     */
    unsigned int address_size;
} pjauth_turn_opening;

/**
 * What a driven server needs of the program that drives it.
 */
typedef struct pjauth_turn_driver {
    /**
     * Size of this structure as the program knows it.
     */
    size_t size;
    /**
     * Passed to the functions.
     */
    void *user_data;
    /**
     * Binds a UDP socket. Called while a request is granted; must call nothing of
     * this library.
     *
     * Returns 0; 440 where the address family is not served; any other number
     * where no port is left, and then the client gets 508.
     */
    int (*open_relay)(void *user_data, struct pjauth_turn_opening *opening);
    /**
     * There is something to do before the next deadline: have the event loop
     * call `pjauth_turn_core_tick()`. Called from whatever thread decides about
     * a request, changes or revokes something, with no lock held; must return
     * soon. May be NULL where all of these happen in the loop's own thread and
     * it calls `pjauth_turn_core_tick()` after them.
     */
    void (*wake)(void *user_data);
} pjauth_turn_driver;

/**
 * Something for the program to do that drives a server.
 */
typedef struct pjauth_turn_output {
    /**
     * PJAUTH_TURN_TO_CLIENT, _TO_PEER or _CLOSE_RELAY.
     */
    int kind;
    /**
     * For a client: which listener to send from, by its place in the options.
     * For one over TCP, write `data` to the connection from `to`.
     */
    unsigned int listener;
    /**
     * For a peer: which relay socket to send from, with DF set if
     * `dont_fragment`. Or which one to close.
     */
    uint64_t relay;
    /**
     * Where to send.
     */
    const struct sockaddr *to;
    /**
     * Size of that address.
     */
    unsigned int to_size;
    /**
     * What to send.
     */
    const void *data;
    /**
     * How many bytes.
     */
    size_t data_size;
    /**
     * Whether the DF bit is to be set (IPv4), or fragmentation forbidden (IPv6).
     */
    int dont_fragment;
} pjauth_turn_output;

/**
 * Figures of a server since it was started; those from `allocations` on are of
 * the moment.
 */
typedef struct pjauth_turn_counters {
    /**
     * Allocations created.
     */
    uint64_t allocations_created;
    /**
     * Allocations ended.
     */
    uint64_t allocations_removed;
    /**
     * Packets relayed from clients to peers.
     */
    uint64_t packets_to_peers;
    /**
     * Payload bytes relayed from clients to peers.
     */
    uint64_t bytes_to_peers;
    /**
     * Packets relayed from peers to clients.
     */
    uint64_t packets_to_clients;
    /**
     * Payload bytes relayed from peers to clients.
     */
    uint64_t bytes_to_clients;
    /**
     * Packets handed from one allocation to another inside the server.
     */
    uint64_t packets_inside;
    /**
     * Packets dropped for want of an allocation, a channel or a permission.
     */
    uint64_t packets_denied;
    /**
     * Packets dropped because a rate or limit was used up.
     */
    uint64_t packets_limited;
    /**
     * Datagrams that the kernel did not take.
     */
    uint64_t packets_unsent;
    /**
     * Packets dropped on the way from one worker to another.
     */
    uint64_t packets_overrun;
    /**
     * Packets dropped because a TCP client read too slowly.
     */
    uint64_t packets_unread;
    /**
     * Messages from clients that were no STUN and no ChannelData.
     */
    uint64_t malformed;
    /**
     * STUN requests.
     */
    uint64_t requests;
    /**
     * Success responses.
     */
    uint64_t successes;
    /**
     * Error responses other than 401 and 438.
     */
    uint64_t errors;
    /**
     * 401 and 438 responses.
     */
    uint64_t challenges;
    /**
     * Error and Binding responses not sent because a source had too many.
     */
    uint64_t challenges_suppressed;
    /**
     * Retransmissions answered from the cache or absorbed by a held request.
     */
    uint64_t retransmissions;
    /**
     * Requests put to the observer.
     */
    uint64_t asked;
    /**
     * Requests that waited for a later decision.
     */
    uint64_t held_total;
    /**
     * Of these, those that nobody decided in time.
     */
    uint64_t held_expired;
    /**
     * Requests that could not wait because a bound was reached.
     */
    uint64_t held_refused;
    /**
     * Allocations that exist now.
     */
    uint64_t allocations;
    /**
     * Requests that wait for a later decision now.
     */
    uint64_t held;
    /**
     * TCP connections that are open now.
     */
    uint64_t connections;
} pjauth_turn_counters;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Gives an outstanding challenge a deadline: unless it is consumed before, the
 * library abandons it then, on a thread that polls the endpoint, as if by
 * `pjsip_auth_clt_async_abandon()`.
 *
 * @param token  The token.
 * @param msec   Milliseconds from now; 0 takes the deadline away.
 * @return 0, or PJ_EINVAL for a dead token.
 *
 * May be called from any thread that is registered with PJLIB, also from within
 * the challenge's callback.
 *
 * Since 0.1.0.
 */
int pjauth_challenge_set_deadline(const void *token, unsigned int msec);

/**
 * Sets the deadline that every new challenge of this process gets.
 *
 * @param msec  Milliseconds; 0, the default, is none.
 *
 * May be called from any thread, at any time.
 *
 * Since 0.1.0.
 */
void pjauth_set_default_deadline(unsigned int msec);

/**
 * Sets whether the challenges of calls (INVITE, UPDATE and BYE) are held back until
 * the application has answered them, so that neither their transaction nor the call
 * ends meanwhile. They are by default, in sessions that have an asynchronous callback.
 * Without it they are as in PJSIP itself: an INVITE over TCP has failed by the time an
 * answer comes. Before pjproject 2.17 this is so for all requests, and without it the
 * application is not asked.
 *
 * @param hold  Whether to hold the challenges that arrive from now on.
 *
 * May be called from any thread, at any time.
 *
 * Since 0.1.0.
 */
void pjauth_hold_challenges(bool hold);

/**
 * Sets the callback that is asked about the challenges of every session that has
 * none of its own: those of modules that do not let an application at their session,
 * as `pjsip_regc` and `pjsip_publishc` before pjproject 2.17.
 *
 * @param endpt  The endpoint that the sessions live in.
 * @param opt    The setting, which is copied; NULL takes it away.
 * @return 0; PJ_EINVAL for an endpoint or a callback that is NULL; PJ_ENOTSUP where
 *         the library has stepped aside for another pjproject.
 *
 * May be called from any thread that is registered with PJLIB; best before there is
 * any traffic.
 *
 * Since 0.1.0.
 */
int pjauth_async_configure_default(struct pjsip_endpoint *endpt,
                                   const struct pjsip_auth_clt_async_setting *opt);

/**
 * Where the layouts of PJSIP's structures come from that the library was built
 * with, such as `headers of libpjproject 2.17 (pkg-config)`.
 *
 * The string is static; never free it. May be called from any thread, at any time.
 *
 * Since 0.1.0.
 */
const char *pjauth_layout_source(void);

/**
 * Compares the application's layout of PJSIP's structures with the library's. Call
 * it once, at start-up, before PJSIP is used.
 *
 * @param app       The application's layout, `PJAUTH_LAYOUT`.
 * @param app_size  `sizeof(pjauth_layout)` as the application sees it.
 * @return 0 if they agree, PJ_EINVAL if not: the library was built for another
 *         pjproject or another `config_site.h` and must not be used. PJ_ENOTSUP if
 *         they agree and the library is out of use (`pjauth_check_in_use()`).
 *
 * May be called from any thread, at any time; registered with PJLIB where the library
 * may be out of use, for the line in the log.
 *
 * Since 0.1.0.
 */
int pjauth_check_layout(const struct pjauth_layout *app, size_t app_size);

/**
 * Whether the program's calls of PJSIP's client authentication come to this library. A
 * shared library that was linked behind PJSIP's own archives is loaded, answers
 * `pjauth_version()`, and is out of use.
 *
 * @return 0 if they do. PJ_ENOTSUP if another answers them; PJLIB's log then says what
 *         to change. What a program keeps to itself cannot be seen: one that is linked
 *         with PJSIP's archives and exports no symbol of theirs gets 0.
 *
 * May be called from any thread that is registered with PJLIB, at any time.
 *
 * Since 0.1.0.
 */
int pjauth_check_in_use(void);

/**
 * Whether a token stands for a challenge that can still be answered.
 *
 * @param token  Anything: a token, a dead one, NULL, garbage.
 * @return 1 if it is live, 0 if not. Another thread may consume it in the next
 *         moment: what counts is the status of the call that consumes it.
 *
 * May be called from any thread.
 *
 * Since 0.1.0.
 */
int32_t pjauth_challenge_is_live(const void *token);

/**
 * What is known of one outstanding challenge.
 *
 * @param token  The token.
 * @param out    Where to write.
 * @param size   `sizeof(pjauth_challenge_info)` as the application sees it. What it has
 *               beyond the library's is zeroed.
 * @return 0, or PJ_EINVAL for a dead token, a NULL or a size of 0; then nothing is
 *         written.
 *
 * May be called from any thread.
 *
 * Since 0.1.0.
 */
int pjauth_challenge_get_info(const void *token, struct pjauth_challenge_info *out, size_t size);

/**
 * Lists the outstanding challenges of a session, of those that share it as their
 * parent, or of the whole process.
 *
 * @param sess   The session; NULL for all. It is compared, not looked at.
 * @param out    Where to write; may be NULL if `*count` is 0.
 * @param size   `sizeof(pjauth_challenge_info)` as the application sees it: of one
 *               element of `out`.
 * @param count  In: how many there is room for. Out: how many there are, which
 *               may be more than were written.
 * @return 0, or PJ_EINVAL for a NULL or a size of 0.
 *
 * May be called from any thread. The cost grows with the most challenges that were
 * ever outstanding at once.
 *
 * Since 0.1.0.
 */
int pjauth_session_challenges(const struct pjsip_auth_clt_sess *sess,
                              struct pjauth_challenge_info *out,
                              size_t size,
                              unsigned int *count);

/**
 * Refuses to answer challenges of weak algorithms: they are passed over, and where
 * there is no other the status is PJSIP_EINVALIDALGORITHM.
 *
 * @param sess  A session, which its children go by; NULL for all of the process.
 * @param mask  PJAUTH_REFUSE_* values; 0, the default, refuses none.
 * @return 0; PJ_EINVAL for a mask of other values; PJSIP_ENOTINITIALIZED for a session that
 *         is all zero, whose pjsip_auth_clt_init() is still to come; PJ_ENOTSUP for a session
 *         where the library has stepped aside for another pjproject.
 *
 * May be called from any thread; on a session, as its other functions.
 *
 * Since 0.1.0.
 */
int pjauth_refuse_algorithms(struct pjsip_auth_clt_sess *sess, unsigned int mask);

/**
 * Reads the counters of this process.
 *
 * @param out   Where to write; nothing is done if it is NULL.
 * @param size  `sizeof(pjauth_sip_stats)` as the application sees it. What it has beyond
 *              the library's is zeroed.
 *
 * May be called from any thread, at any time. Counters that change meanwhile may
 * be read before or after.
 *
 * Since 0.1.0.
 */
void pjauth_sip_get_stats(struct pjauth_sip_stats *out, size_t size);

/**
 * Kills a session's tokens, as `pjsip_auth_clt_deinit()` does, and returns when no other
 * thread is inside `pjsip_auth_clt_async_send_req()`, `pjsip_auth_clt_async_abandon()` or
 * a deadline with one of them: from then on nothing of the session's owner is touched.
 * Call it before you destroy a registration, a publication or a dialog whose tokens
 * another thread of yours may be using.
 *
 * `pjsip_auth_clt_deinit()` waits as well, but for 3 s at most, because it may be called
 * under a lock that such a thread waits for. This function waits for as long as it
 * takes: hold no lock that the owner's functions and callbacks take.
 *
 * @param sess  The session, which can go on and get new challenges.
 * @return 0; PJ_EINVAL for a NULL; PJ_ENOTSUP where the library has stepped aside for
 *         another pjproject.
 *
 * May be called from any thread that is registered with PJLIB; from within one of those
 * functions it does not wait for that.
 *
 * Since 0.1.0.
 */
int pjauth_session_revoke(struct pjsip_auth_clt_sess *sess);

/**
 * Reads everything about an allocation at once.
 *
 * @param allocation  The allocation.
 * @param out  Gets it.
 * @param size  `sizeof(pjauth_turn_allocation_info)` as the program sees it: the
 *              structure may grow at its end. What it has beyond the library's is zeroed.
 * @return 0, or PJ_EINVAL for a NULL, a size of 0 or a dead handle.
 *
 * Since 0.1.0.
 */
int pjauth_turn_allocation_get_info(const struct pjauth_turn_allocation *allocation,
                                    struct pjauth_turn_allocation_info *out,
                                    size_t size);

/**
 * Reads all allocations that exist now.
 *
 * @param server  The server.
 * @param out    Gets one entry for each; may be NULL if `*count` is 0.
 * @param size   `sizeof(pjauth_turn_allocation_info)` as the program sees it: of one entry.
 * @param count  How many there is room for; gets how many there are, which may
 *               be more than were written.
 * @return 0, or PJ_EINVAL for a NULL, a size of 0 or a dead handle.
 *
 * May be called from any thread; allocations that come or go meanwhile may be
 * there or not.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_allocations(const struct pjauth_turn_server *server,
                                   struct pjauth_turn_allocation_info *out,
                                   size_t size,
                                   unsigned int *count);

/**
 * Writes the name of the user whose it is.
 *
 * @return the length of the text.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_allocation_username(const struct pjauth_turn_allocation *allocation,
                                       char *out,
                                       size_t size);

/**
 * Writes the relayed address; of two, the IPv4 one.
 *
 * @return the length of the text.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_allocation_relayed_address(const struct pjauth_turn_allocation *allocation,
                                              char *out,
                                              size_t size);

/**
 * Writes the addresses of peers that may send to the client now, one a line.
 *
 * @return the length of the text.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_allocation_permissions(const struct pjauth_turn_allocation *allocation,
                                          char *out,
                                          size_t size);

/**
 * @return bytes relayed so far, both directions; 0 for a dead handle.
 *
 * Since 0.1.0.
 */
uint64_t pjauth_turn_allocation_bandwidth_used(const struct pjauth_turn_allocation *allocation);

/**
 * @return bytes left of the limit; PJAUTH_TURN_UNLIMITED without one; 0 for a
 *         dead handle.
 *
 * Since 0.1.0.
 */
uint64_t pjauth_turn_allocation_bandwidth_remaining(const struct pjauth_turn_allocation *allocation);

/**
 * @return milliseconds until it expires; 0 once it has ended, or for a dead
 *         handle.
 *
 * Since 0.1.0.
 */
uint64_t pjauth_turn_allocation_time_remaining(const struct pjauth_turn_allocation *allocation);

/**
 * @param allocation  The allocation.
 * @return seconds that the client was given when the allocation was made or last
 *         refreshed, or that `pjauth_turn_allocation_set_lifetime()` set; 0 for
 *         a dead handle.
 *
 * LIFETIME (RFC 8656, 3.2). Since 0.1.0.
 */
int64_t pjauth_turn_allocation_lifetime(const struct pjauth_turn_allocation *allocation);

/**
 * Sets how many bytes it may relay in all, both directions together, those
 * relayed already included. The packet that would go beyond ends it.
 *
 * @param allocation  The allocation.
 * @param bytes  PJAUTH_TURN_UNLIMITED for no limit.
 * @return 0, or PJ_EINVAL when it has ended; so with the next ones.
 *
 * Since 0.1.0.
 */
int pjauth_turn_allocation_set_bandwidth_limit(struct pjauth_turn_allocation *allocation,
                                               uint64_t bytes);

/**
 * Sets how many bytes a second it may relay, both directions together, from
 * now on.
 *
 * @param allocation  The allocation.
 * @param bytes_per_second  PJAUTH_TURN_UNLIMITED for no limit.
 * @param burst             Bytes that may pass at once after a pause; a packet
 *                          larger than this never passes.
 *
 * Since 0.1.0.
 */
int pjauth_turn_allocation_set_rate(struct pjauth_turn_allocation *allocation,
                                    uint64_t bytes_per_second,
                                    uint64_t burst);

/**
 * Sets when it expires, in milliseconds from now. The client's next Refresh
 * sets it anew.
 *
 * Since 0.1.0.
 */
int pjauth_turn_allocation_set_lifetime(struct pjauth_turn_allocation *allocation, uint64_t msec);

/**
 * Ends it. The observer is told from a thread of the server's.
 *
 * Since 0.1.0.
 */
int pjauth_turn_allocation_revoke(struct pjauth_turn_allocation *allocation);

/**
 * @return the server; NULL for a dead handle.
 *
 * Since 0.1.0.
 */
struct pjauth_turn_server *pjauth_turn_allocation_server(const struct pjauth_turn_allocation *allocation);

/**
 * Keeps a pointer for the application as long as the allocation lives.
 *
 * @return 0, or PJ_EINVAL for a dead handle.
 *
 * Since 0.1.0.
 */
int pjauth_turn_allocation_set_user_data(struct pjauth_turn_allocation *allocation,
                                         void *user_data);

/**
 * @return the pointer kept; NULL without one or for a dead handle.
 *
 * Since 0.1.0.
 */
void *pjauth_turn_allocation_user_data(const struct pjauth_turn_allocation *allocation);

/**
 * Copies the twelve bytes that name the client's transaction.
 *
 * @param request  The request.
 * @param out  Room for 12 bytes.
 * @return 0, or PJ_EINVAL for a NULL or a dead handle.
 *
 * RFC 8489, 5. Since 0.1.0.
 */
int pjauth_turn_request_transaction_id(const struct pjauth_turn_request *request, uint8_t *out);

/**
 * The types of all attributes of a request, in the order in which they came.
 *
 * @param request  The request.
 * @param index  From 0 on.
 * @return the type; 0 where there are no more, or for a dead handle.
 *
 * What counts is here: what follows MESSAGE-INTEGRITY is not (RFC 8489, 14.5).
 * Since 0.1.0.
 */
int pjauth_turn_request_attribute_type(const struct pjauth_turn_request *request,
                                       unsigned int index);

/**
 * An attribute of a request, as the client sent it.
 *
 * @param request  The request.
 * @param type   Its type, such as 0x000D for LIFETIME.
 * @param index  0 for the first of that type, 1 for the second.
 * @return its handle, which may be asked from any thread and dies with the
 *         request's; NULL where there is none, or for a dead handle.
 *
 * A client has its own ways to name and prove itself (RFC 8489, 14.4, 14.6):
 * 0x0006, USERNAME, is there of every request, empty where the client hides the
 * name, and 0x0008, MESSAGE-INTEGRITY, stands for MESSAGE-INTEGRITY-SHA256 too.
 * Since 0.1.0.
 */
struct pjauth_turn_attribute *pjauth_turn_request_attribute(const struct pjauth_turn_request *request,
                                                            unsigned int type,
                                                            unsigned int index);

/**
 * Copies an attribute's value, without padding.
 *
 * @param attribute  The attribute.
 * @param out   Gets as many bytes as there is room for; may be NULL for none.
 * @param size  Room in `out`.
 * @return how many bytes the value has; 0 for a dead handle.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_attribute_value(const struct pjauth_turn_attribute *attribute,
                                   uint8_t *out,
                                   size_t size);

/**
 * An attribute's value where it is. Another thread, or a deadline, may decide
 * the request and end that memory at any time: use it only in the observer's
 * function that is given the request, and `pjauth_turn_attribute_value()`
 * elsewhere.
 *
 * @param attribute  The attribute.
 * @return the first byte, of as many as `pjauth_turn_attribute_value()` says;
 *         NULL for a dead handle.
 *
 * Since 0.1.0.
 */
const uint8_t *pjauth_turn_attribute_bytes(const struct pjauth_turn_attribute *attribute);

/**
 * Writes the address that an attribute such as XOR-PEER-ADDRESS holds, as
 * `IP:PORT` with brackets around an IPv6 address (RFC 8656, 18.3).
 *
 * @param attribute  The attribute.
 * @param out   Gets the text.
 * @param size  Room in `out`; PJAUTH_TURN_ADDRESS_SIZE is enough.
 * @return the length of the text; 0 where it holds no address, or for a dead
 *         handle.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_attribute_address(const struct pjauth_turn_attribute *attribute,
                                     char *out,
                                     size_t size);

/**
 * @param attribute  The attribute.
 * @return the request that an attribute is of; NULL for a dead handle.
 *
 * Since 0.1.0.
 */
struct pjauth_turn_request *pjauth_turn_attribute_request(const struct pjauth_turn_attribute *attribute);

/**
 * Makes a server that has no sockets, no threads and no clock: the program
 * brings it packets and the time, and sends what it is told to send, all from
 * its own event loop. Every other function of this header works with it as with
 * any server, `pjauth_turn_server_start()` excepted: it runs from now on.
 *
 * Of the options it uses all but those that are about sockets and threads:
 * `relays`, the range of ports, `workers` and TCP's limits. The listeners name
 * the program's own sockets, as clients see their addresses.
 *
 * One thread at a time may drive it, with the functions `pjauth_turn_core_*`;
 * where two meet, and in an observer's function, they do nothing and return
 * PJ_EINVALIDOP. The observer is called by whoever drives, from inside these
 * functions, and from `pjauth_turn_server_stop()` and `_destroy()`, which belong
 * to the same thread. All others may be called from any thread.
 *
 * @param options   Its options, copied.
 * @param observer  Who decides. Must live until `pjauth_turn_server_destroy()`
 *                  has returned.
 * @param driver    What it needs of the program, copied. Its `user_data` must live
 *                  as long.
 * @param server    Gets the handle.
 * @return 0; PJ_EINVAL for a NULL, an observer whose table lacks a function, or
 *         an option without sense.
 *
 * Since 0.1.0.
 */
int pjauth_turn_core_create(const struct pjauth_turn_options *options,
                            struct pjauth_turn_observer *observer,
                            const struct pjauth_turn_driver *driver,
                            struct pjauth_turn_server **server);

/**
 * Brings a packet from a client: a datagram, or one message of a client's TCP
 * connection as `pjauth_turn_core_frame_size()` cuts them. Then take the output.
 *
 * @param server  The embedded server.
 * @param listener   By its place in the options.
 * @param from       The client's address.
 * @param from_size  Its size.
 * @param data       The packet.
 * @param data_size  Its size.
 * @param now        The time in nanoseconds since whatever the program chooses,
 *                   never going back. Between calls time stands still.
 * @return 0, whatever the packet was; PJ_EINVAL for a NULL, a dead handle, a
 *         server that is not driven, a listener that is none or an address that
 *         is none; PJ_EINVALIDOP after a stop and as
 *         `pjauth_turn_core_create()` says; PJ_ETOOMANY while too many outputs
 *         wait to be taken. So with the next ones.
 *
 * Since 0.1.0.
 */
int pjauth_turn_core_from_client(struct pjauth_turn_server *server,
                                 unsigned int listener,
                                 const struct sockaddr *from,
                                 unsigned int from_size,
                                 const void *data,
                                 size_t data_size,
                                 uint64_t now);

/**
 * Brings a datagram that reached a relay socket.
 *
 * @param server  The embedded server.
 * @param relay      Its name.
 * @param from       The peer's address.
 * @param from_size  Its size.
 * @param data       The datagram.
 * @param data_size  Its size.
 * @param now        The time.
 *
 * Since 0.1.0.
 */
int pjauth_turn_core_from_peer(struct pjauth_turn_server *server,
                               uint64_t relay,
                               const struct sockaddr *from,
                               unsigned int from_size,
                               const void *data,
                               size_t data_size,
                               uint64_t now);

/**
 * Brings an ICMP error about a datagram that a relay socket sent, as the socket's
 * error queue tells it (`IP_RECVERR`, `IPV6_RECVERR`): the client gets it in a Data
 * indication (RFC 8656, 11.5), where it has a permission for the peer, and at most
 * ten a second. Types that are no client's business are ignored.
 *
 * @param server     The embedded server.
 * @param relay      The socket's name.
 * @param peer       Where the datagram went.
 * @param peer_size  Its size.
 * @param type       The type of ICMP or, for an IPv6 peer, of ICMPv6.
 * @param code       The code.
 * @param mtu        The MTU of the next link, where the datagram was too big.
 * @param now        The time.
 *
 * Since 0.1.0.
 */
int pjauth_turn_core_from_icmp(struct pjauth_turn_server *server,
                               uint64_t relay,
                               const struct sockaddr *peer,
                               unsigned int peer_size,
                               uint8_t type,
                               uint8_t code,
                               uint32_t mtu,
                               uint64_t now);

/**
 * Says that a client's TCP connection has closed: its allocation ends, and its
 * request does not wait any more.
 *
 * @param server  The embedded server.
 * @param listener     By its place in the options.
 * @param client       The client's address.
 * @param client_size  Its size.
 * @param now          The time.
 *
 * Since 0.1.0.
 */
int pjauth_turn_core_client_gone(struct pjauth_turn_server *server,
                                 unsigned int listener,
                                 const struct sockaddr *client,
                                 unsigned int client_size,
                                 uint64_t now);

/**
 * Lets time pass, and does what other threads have asked for since. Call it when
 * `pjauth_turn_core_next_deadline()` is reached, and after the driver's `wake`.
 *
 * @param server  The embedded server.
 * @param now  The time.
 *
 * Since 0.1.0.
 */
int pjauth_turn_core_tick(struct pjauth_turn_server *server, uint64_t now);

/**
 * @return when `pjauth_turn_core_tick()` is due, on the program's clock; it may
 *         be in the past. UINT64_MAX for never, for a dead handle, and for a
 *         server that is not driven.
 *
 * Since 0.1.0.
 */
uint64_t pjauth_turn_core_next_deadline(const struct pjauth_turn_server *server);

/**
 * Takes the next thing to do. Call it until there is none after each function
 * that brings something, and after `pjauth_turn_server_stop()`.
 *
 * @param server  The embedded server.
 * @param out  Gets it. What it points to stays until the next call, and until
 *             the server is destroyed.
 * @return 1, or 0 for nothing, a NULL, a dead handle, a server that is not
 *         driven, or while another function drives it.
 *
 * Since 0.1.0.
 */
int pjauth_turn_core_next_output(struct pjauth_turn_server *server, struct pjauth_turn_output *out);

/**
 * Cuts a client's TCP connection into messages: what it says of the bytes that
 * are there is the size of the message that they begin with, which may be more
 * than are there. Wait for the rest, bring the message, and go on after it.
 *
 * @param data       What the connection brought and was not brought yet.
 * @param data_size  How many bytes.
 * @return the size; 0 when more bytes are needed to tell; -1 when it is not
 *         TURN: close the connection. A connection whose first message is no
 *         STUN message (its first byte is 0x40 or more) may be closed as well.
 *
 * Since 0.1.0.
 */
int64_t pjauth_turn_core_frame_size(const void *data, size_t data_size);

/**
 * Sets the password that the client must prove to know: UTF-8, as it comes out of
 * RFC 8265's OpaqueString profile, which leaves ASCII as it is.
 *
 * @return 0, or PJ_EINVAL for a NULL or a dead handle; so with the next ones.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_set_password(struct pjauth_turn_request *request, const char *password);

/**
 * Sets the key that the client must prove to hold, in place of a password.
 *
 * @param request    The request.
 * @param algorithm  PJAUTH_TURN_MD5 or PJAUTH_TURN_SHA256.
 * @param key        The key, 16 or 32 bytes.
 * @param size       How many: PJ_EINVAL for another number.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_set_key(struct pjauth_turn_request *request,
                                unsigned int algorithm,
                                const uint8_t *key,
                                size_t size);

/**
 * Sets the user's name where the client hides it. It must match the hash.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_set_username(struct pjauth_turn_request *request, const char *username);

/**
 * Sets how many allocations the user may have at once, this one included; if it
 * would be more, the client gets 486. Counted when the decision takes effect, so
 * that two requests that wait at once cannot both take the last place.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_set_quota(struct pjauth_turn_request *request, unsigned int quota);

/**
 * Sets how many bytes the allocation may relay in all, both directions
 * together, or PJAUTH_TURN_UNLIMITED.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_set_bandwidth_limit(struct pjauth_turn_request *request, uint64_t bytes);

/**
 * Sets how many bytes a second the allocation may relay, both directions
 * together, or PJAUTH_TURN_UNLIMITED.
 *
 * @param request  The request.
 * @param bytes_per_second  Bytes a second, or PJAUTH_TURN_UNLIMITED.
 * @param burst  Bytes that may pass at once after a pause; a packet larger than
 *               this never passes.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_set_rate(struct pjauth_turn_request *request,
                                 uint64_t bytes_per_second,
                                 uint64_t burst);

/**
 * Sets how long the allocation may last in milliseconds, however often the
 * client refreshes it.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_set_valid_for(struct pjauth_turn_request *request, uint64_t msec);

/**
 * Reads the counters.
 *
 * @param server  The server.
 * @param out  Gets them.
 * @param size  `sizeof(pjauth_turn_counters)` as the program sees it: the structure may
 *              grow at its end. What it has beyond the library's is zeroed.
 * @return 0, or PJ_EINVAL for a NULL, a size of 0 or a dead handle.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_get_counters(const struct pjauth_turn_server *server,
                                    struct pjauth_turn_counters *out,
                                    size_t size);

/**
 * Writes the counters in Prometheus' text format: metrics `pjauth_turn_*`. Error responses
 * are there by their code too, with the label `code`.
 *
 * @param server  The server.
 * @param out   Gets the text.
 * @param size  Room in `out`.
 * @return the length of the text, about 7000; 0 for a dead handle.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_server_metrics(const struct pjauth_turn_server *server, char *out, size_t size);

/**
 * Writes whether ChannelData is relayed in the kernel (option `kernel`), and where: the
 * names of the interfaces, as `eth0, eth1`; or why it is not, at all or at one that was
 * asked for.
 *
 * @param server  The server.
 * @param on    Gets 1 where it is at least at one interface, and 0 elsewhere; may be NULL.
 * @param out   Gets the text.
 * @param size  Room in `out`.
 * @return the length of the text; 0 where nothing was asked for, for a server that does
 *         not run, and for a dead handle.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_server_kernel_status(const struct pjauth_turn_server *server,
                                        int *on,
                                        char *out,
                                        size_t size);

/**
 * Reads one counter by its name, also one that `pjauth_turn_counters` does not
 * have.
 *
 * @param server  The server.
 * @param name  As `pjauth_turn_server_metrics()` writes it, without
 *              `pjauth_turn_`: "requests_total", "allocations", and with its label,
 *              as in `error_responses_total{code="486"}`.
 * @param out   Gets it.
 * @return 0; PJ_EINVAL for a NULL, a dead handle or a name that no counter has.
 *
 * May be called from any thread. Since 0.1.
 */
int pjauth_turn_server_counter(const struct pjauth_turn_server *server,
                               const char *name,
                               uint64_t *out);

/**
 * Fills in the defaults.
 *
 * @param options  What to fill in.
 * @param size     `sizeof(*options)`: a program compiled with an older header
 *                 has a shorter structure. Of a longer one only what this
 *                 library knows is filled in, and `options->size` says how much.
 * @return 0, or PJ_EINVAL for a NULL or a size below that of every version.
 *
 * Since 0.1.0.
 */
int pjauth_turn_options_init(struct pjauth_turn_options *options, size_t size);

/**
 * Writes one of the peers that a request names, which is for an observer that is asked
 * about each CreatePermission, ChannelBind and Connect (`ask_each`). A permission is for the
 * address, whatever the port.
 *
 * @param request  The request.
 * @param index    From 0 on.
 * @param out   Gets the text.
 * @param size  Room in `out`.
 * @return the length of the text; 0 where it names no more, for one that cannot be read,
 *         which the client gets 400 for, and for a dead handle.
 *
 * RFC 8656, 10.1 and 12.1; RFC 6062, 4.3. Since 0.1.0.
 */
size_t pjauth_turn_request_peer(const struct pjauth_turn_request *request,
                                unsigned int index,
                                char *out,
                                size_t size);

/**
 * Decides about a request, from any thread, once. The first to decide wins;
 * from then on the handle is dead. Called from inside `authenticate_request` it
 * counts, whatever that returns. Does not wait: the server's own thread grants
 * or refuses, unless the client or the server has gone by then.
 *
 * @param request  A request for which `authenticate_request` returned, or is
 *                 about to return, PJAUTH_TURN_AUTHENTICATING.
 * @param state    PJAUTH_TURN_AUTHORIZED, _QUOTA_REACHED or _NOT_AUTHORIZED.
 *                 Any other number counts as the last and is logged, except
 *                 PJAUTH_TURN_AUTHENTICATING, which decides nothing.
 * @return 0 if this decision is the one; PJ_EINVAL if the request was decided
 *         before or can no longer be answered, or for
 *         PJAUTH_TURN_AUTHENTICATING.
 *
 * Since 0.1.0.
 */
int pjauth_turn_handle_request(struct pjauth_turn_request *request, int state);

/**
 * Refuses a request with any error: a decision as
 * `pjauth_turn_handle_request()` takes them, under the same rules. The reply is
 * protected where a password or key was set and the client holds it, which it
 * should: clients throw unsigned refusals away (RFC 8489, 9.2.5). One who does
 * not hold it gets 401.
 *
 * @param request    The request.
 * @param code       300 to 699, such as 403 Forbidden or 508 Insufficient
 *                   Capacity. 401 and 438 carry a nonce and are not protected.
 * @param reason     The reason phrase, at most 127 characters; NULL for the
 *                   RFC's.
 * @param alternate  `IP:PORT` of the server to try instead, for ALTERNATE-SERVER
 *                   with 300; NULL otherwise. Its family must be that of the
 *                   client's address.
 * @return 0 if this decision is the one; PJ_EINVAL if the request was decided
 *         before or can no longer be answered, and for arguments without sense:
 *         then it waits on.
 *
 * RFC 8489, 10 and 14.8; RFC 8656, 19. Since 0.1.0.
 */
int pjauth_turn_refuse(struct pjauth_turn_request *request,
                       int code,
                       const char *reason,
                       const char *alternate);

/**
 * Writes the user's name as the client gives it; nothing is proven yet. UTF-8 of
 * at most 508 bytes without control characters. Empty where the client hides it:
 * see `pjauth_turn_request_userhash()`.
 *
 * Quotas, rates and revocations go by this name byte for byte. Where your table
 * of users takes several spellings for one (upper and lower case, say), refuse
 * all but one, or each has a quota of its own.
 *
 * @return the length of the text.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_request_username(const struct pjauth_turn_request *request,
                                    char *out,
                                    size_t size);

/**
 * Writes the realm.
 *
 * @return the length of the text.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_request_realm(const struct pjauth_turn_request *request, char *out, size_t size);

/**
 * Writes the client's address.
 *
 * @return the length of the text.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_request_client_address(const struct pjauth_turn_request *request,
                                          char *out,
                                          size_t size);

/**
 * Writes the server's address that the client uses.
 *
 * @return the length of the text.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_request_server_address(const struct pjauth_turn_request *request,
                                          char *out,
                                          size_t size);

/**
 * @return PJAUTH_TURN_UDP or PJAUTH_TURN_TCP; 0 for a dead handle.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_transport(const struct pjauth_turn_request *request);

/**
 * @return the STUN method: 3 Allocate; with `ask_each` also 4 Refresh,
 *         8 CreatePermission, 9 ChannelBind, 10 Connect; 0 for a dead handle.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_method(const struct pjauth_turn_request *request);

/**
 * What becomes of a request whatever is decided, because there is nothing to decide:
 * it is refused, and the observer is asked for the user's key alone, with which the
 * refusal is signed. A client throws unsigned ones away (RFC 8489, 9.2.5).
 *
 * @return the error code: 437, 441 or 508; 0 for a request to decide about, and for
 *         a dead handle.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_refusal(const struct pjauth_turn_request *request);

/**
 * @return PJAUTH_TURN_MD5 or PJAUTH_TURN_SHA256: which key the client uses. A
 *         stored key of the other is no use. 0 for a dead handle.
 *
 * Since 0.1.0.
 */
unsigned int pjauth_turn_request_algorithm(const struct pjauth_turn_request *request);

/**
 * @return the lifetime in seconds that the client asks for; -1 if it asks for
 *         none, or for a dead handle.
 *
 * Since 0.1.0.
 */
int64_t pjauth_turn_request_lifetime(const struct pjauth_turn_request *request);

/**
 * @return 4 or 6: the address family that the client asks for; 0 if it asks for
 *         none, or for a dead handle.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_family(const struct pjauth_turn_request *request);

/**
 * Copies `SHA-256(user:realm)`, where the client hides the user's name.
 *
 * @param request  The request.
 * @param out  Room for 32 bytes.
 * @return 0; PJ_EINVAL for a NULL, a dead handle, or a client that names the
 *         user.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_userhash(const struct pjauth_turn_request *request, uint8_t *out);

/**
 * @return the server; NULL for a dead handle.
 *
 * Since 0.1.0.
 */
struct pjauth_turn_server *pjauth_turn_request_server(const struct pjauth_turn_request *request);

/**
 * Whether the client holds what was set. The server asks the same before it
 * grants anything; ask it earlier where the decision itself must not be open to
 * strangers, such as one that takes a place in a quota elsewhere.
 *
 * @return 1 if it does, 0 if not, for a dead handle, or if nothing was set.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_verify(const struct pjauth_turn_request *request);

/**
 * Keeps a pointer for the application while the request waits.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_set_user_data(struct pjauth_turn_request *request, void *user_data);

/**
 * @return the pointer kept; NULL without one or for a dead handle.
 *
 * Since 0.1.0.
 */
void *pjauth_turn_request_user_data(const struct pjauth_turn_request *request);

/**
 * Answers for an observer whose users come with time-limited credentials from a
 * web service, the "TURN REST interface" (draft-uberti-behave-turn-rest-00): the
 * user's name is `timestamp:user`, or `timestamp` alone, in seconds since 1970,
 * and the password is the Base64 text of the HMAC-SHA1, or the HMAC-SHA256, of
 * that name under a secret that the service shares with the server.
 *
 * Where the time has not come and one of the secrets proves the request, that
 * password is set for it, and the allocation ends with the credential however
 * often it is refreshed (`pjauth_turn_request_set_valid_for()`). Quotas and rates
 * are yours to set, before or after. An observer may consist of
 * `return pjauth_turn_request_check_rest(request, &secret, 1);`.
 *
 * @param request  The request. One that hides its user's name is refused unless
 *                 `pjauth_turn_request_set_username()` has said it.
 * @param secrets  The secrets, terminated, the newest first: several while one is
 *                 being replaced. They are copied nowhere.
 * @param count    How many.
 * @return PJAUTH_TURN_AUTHORIZED or PJAUTH_TURN_NOT_AUTHORIZED, for
 *         `authenticate_request` to return or for
 *         `pjauth_turn_handle_request()`; the latter for a dead handle or a NULL.
 *         May be called from any thread.
 *
 * Since 0.1.0.
 */
int pjauth_turn_request_check_rest(struct pjauth_turn_request *request,
                                   const char *const *secrets,
                                   unsigned int count);

/**
 * Makes a credential of the TURN REST interface, as the web service does that hands
 * them out. See `pjauth_turn_request_check_rest()`.
 *
 * @param secret         The shared secret, terminated and not empty.
 * @param user           The user, terminated; NULL or empty for none.
 * @param seconds        How long it is good for, from now.
 * @param sha256         0 for HMAC-SHA1, which all servers understand; else
 *                       HMAC-SHA256.
 * @param username       Where to write the name: 22 bytes and the user's.
 * @param username_size  The room there.
 * @param password       Where to write the password: 29 bytes, or 45 of SHA-256.
 * @param password_size  The room there.
 * @return 0; PJ_EINVAL for a NULL, an empty secret, no room for all of it, or a user
 *         with control characters: then nothing is written.
 *
 * Since 0.1.0.
 */
int pjauth_turn_rest_credential(const char *secret,
                                const char *user,
                                unsigned int seconds,
                                int sha256,
                                char *username,
                                size_t username_size,
                                char *password,
                                size_t password_size);

/**
 * Refuses new allocations with 508, or no longer; those that exist stay. Where there
 * is another server for them, see `pjauth_turn_server_set_alternate()`. Ask
 * `pjauth_turn_server_get_counters()` how many are left.
 *
 * @param server  The server.
 * @param drain  0 for no longer.
 * @return 0; PJ_EINVAL for a dead handle; PJ_EINVALIDOP when it does not run.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_drain(struct pjauth_turn_server *server, int drain);

/**
 * Sends new clients to another server, with 300 and ALTERNATE-SERVER (RFC 8489, 10),
 * whether the server drains or not; allocations that exist stay. The observer is
 * still asked, because clients trust no such answer that is not signed with their
 * key.
 *
 * @param server   The server.
 * @param address  The other server, at the same port over every transport:
 *                 `192.0.2.2:3478` or `[2001:db8::2]:3478`, for clients of that
 *                 address family. NULL: clients of both families are served here
 *                 again. See `pjauth_turn_server_set_alternate_over()`.
 * @return 0; PJ_EINVAL for a dead handle or what is no address of one host with a port;
 *         PJ_EINVALIDOP when it does not run.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_set_alternate(struct pjauth_turn_server *server, const char *address);

/**
 * Likewise for clients of one transport: where the other server has TLS is another port
 * than where it has UDP, and a client goes there by the transport that it came with.
 *
 * @param server     The server.
 * @param transport  PJAUTH_TURN_UDP, PJAUTH_TURN_TCP or PJAUTH_TURN_TLS.
 * @param address    As for `pjauth_turn_server_set_alternate()`, which sets all of them.
 * @return as there; PJ_EINVAL for another transport.
 *
 * Source: RFC 8489, 10. Since 0.1.0.
 */
int pjauth_turn_server_set_alternate_over(struct pjauth_turn_server *server,
                                          int transport,
                                          const char *address);

/**
 * Goes by other limits from now on: those of `options`, where the default stands for
 * what it does not name. What exists stays, and so does the rest of what the server was
 * created with, whatever `options` says of it. Limits are `default_lifetime`,
 * `nonce_lifetime`, all that begins with `max_`, `held_`, `connection_`, `challenge`,
 * `guess` or `handshake_`, `user_quota`, `bandwidth_limit`, `rate`, `rate_burst`,
 * `port_rest_msec`, `binding` and `ask_each`; `max_port` is none: which ports relays have
 * is settled for as long as the server runs.
 *
 * @param server   The server.
 * @param options  Filled in with `pjauth_turn_options_init()` first; needs no listener.
 * @return 0; PJ_EINVAL for a dead handle or an option without sense, which `log` of the
 *         options is told, and nothing is changed then; PJ_EINVALIDOP when the server
 *         does not run. A stop forgets it.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_set_limits(struct pjauth_turn_server *server,
                                  const struct pjauth_turn_options *options);

/**
 * Sets how many allocations a user may have at once, from now on; those that
 * exist stay. It goes before what `pjauth_turn_request_set_quota()` says.
 *
 * @param server  The server.
 * @param username  The user's name, terminated.
 * @param quota  Negative to go back to the default.
 * @return 0; PJ_EINVAL for a NULL or dead handle; PJ_EINVALIDOP when the server
 *         does not run. A stop forgets it.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_set_user_quota(struct pjauth_turn_server *server,
                                      const char *username,
                                      int quota);

/**
 * Limits the bytes a second of all the user's allocations together, both
 * directions, from now on.
 *
 * @param server  The server.
 * @param username  The user's name, terminated.
 * @param bytes_per_second  PJAUTH_TURN_UNLIMITED lifts the limit.
 * @param burst             Bytes that may pass at once after a pause; a packet
 *                          larger than this never passes.
 * @return as `pjauth_turn_server_set_user_quota()`.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_set_user_rate(struct pjauth_turn_server *server,
                                     const char *username,
                                     uint64_t bytes_per_second,
                                     uint64_t burst);

/**
 * Ends all allocations of a user.
 *
 * @param server  The server.
 * @param username  The user's name, terminated.
 * @param count  Gets how many; may be NULL.
 * @return 0; PJ_EINVAL for a NULL or dead handle; PJ_EINVALIDOP when the server
 *         does not run.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_revoke_user(struct pjauth_turn_server *server,
                                   const char *username,
                                   unsigned int *count);

/**
 * Changes which peers clients may reach, from now on: `allow` and `deny` replace
 * those of `pjauth_turn_options`. Permissions and channels that the new ones
 * deny end.
 *
 * @param server       The server.
 * @param allow        Ranges as there; may be NULL where there are none.
 * @param allow_count  How many.
 * @param deny         Ranges as there; may be NULL where there are none.
 * @param deny_count   How many.
 * @return 0; PJ_EINVAL for a dead handle or what is no range, and nothing is
 *         changed then; PJ_EINVALIDOP when the server does not run. A stop
 *         forgets it.
 *
 * Source: RFC 8656, 9 and 21.3.1. Since 0.1.0.
 */
int pjauth_turn_server_set_peers(struct pjauth_turn_server *server,
                                 const char *const *allow,
                                 unsigned int allow_count,
                                 const char *const *deny,
                                 unsigned int deny_count);

/**
 * Changes what clients and peers see in place of a relay address: where the
 * address in front of a 1:1 NAT has changed. Relays that exist keep theirs.
 *
 * @param server    The server.
 * @param address   A relay address as `pjauth_turn_options` has it; `0.0.0.0` or
 *                  `::` also where it has none.
 * @param external  Its external address from now on; NULL for none.
 * @return 0; PJ_EINVAL for a dead handle, a relay address that is not one of the
 *         server's, or an external one that is of another family or no host's (a
 *         multicast address); PJ_EINVALIDOP when the server does not run. A stop forgets it.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_set_external(struct pjauth_turn_server *server,
                                    const char *address,
                                    const char *external);

/**
 * Makes a server that does not run yet.
 *
 * @param options   Its options, copied.
 * @param observer  Who decides. Must live until `pjauth_turn_server_destroy()`
 *                  has returned.
 * @param server    Gets the handle.
 * @return 0; PJ_EINVAL for a NULL, an observer whose table lacks a function, or
 *         an option without sense, of which `pjauth_turn_server_start()` finds
 *         some only then. The log says which.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_create(const struct pjauth_turn_options *options,
                              struct pjauth_turn_observer *observer,
                              struct pjauth_turn_server **server);

/**
 * Binds the listeners and starts the workers. A server that has been stopped
 * can be started again.
 *
 * From then on the server is this process's. In a child of `fork()` its handle
 * and those of its requests and allocations are dead: every call says so at
 * once, and the parent's server goes on. A server that was not started before
 * can be started there.
 *
 * @return 0; PJ_EINVAL for a dead handle or options that contradict each
 *         other; PJ_EINVALIDOP while it runs; PJ_ENOTSUP for a TLS listener where the
 *         library was built without TLS; the system's error, as PJLIB's
 *         PJ_STATUS_FROM_OS gives it, where it refuses. The log says more.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_start(struct pjauth_turn_server *server);

/**
 * Writes why the last `pjauth_turn_server_start()` or
 * `pjauth_turn_server_set_certificates()` failed: which listener or option, at which
 * address, and what the system says, such as `cannot listen on
 * UDP 192.0.2.1:3478: Address already in use (os error 98)`.
 *
 * @param server  The server.
 * @param out   Gets the text.
 * @param size  Room in `out`.
 * @return the length of the text; 0 where none failed or the last one did not.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_server_error(const struct pjauth_turn_server *server, char *out, size_t size);

/**
 * Ends every allocation and every worker, and closes all sockets. When it
 * returns, the observer has been told of all removals, and requests that
 * waited are dead. Called from a function of the observer's, it returns at once
 * and all that follows. A server that does not run is left alone.
 *
 * @return 0, or PJ_EINVAL for a dead handle.
 *
 * Hold no lock here that the observer's functions take.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_stop(struct pjauth_turn_server *server);

/**
 * Stops a server and kills its handle. When it returns, the observer will not
 * be called again.
 *
 * @return 0; PJ_EINVAL for a dead handle; PJ_EINVALIDOP from a function of the
 *         observer's, which nobody could outlive: nothing is done then.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_destroy(struct pjauth_turn_server *server);

/**
 * Forgets the observer, for one that cannot wait for the server's end. When this
 * returns, none of its functions runs on another thread, and none is called
 * again: allocations come to no one's notice, and requests are refused with 401.
 * Those that wait can still be decided. Stop and destroy the server all the
 * same.
 *
 * @param server  The server.
 * @return 0, or PJ_EINVAL for a dead handle.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_forget_observer(struct pjauth_turn_server *server);

/**
 * Writes where clients reach the server: an address with the port that was
 * bound. Listeners of wildcard addresses appear as one for each address.
 *
 * @param server  The server.
 * @param index      From 0 on.
 * @param transport  Gets PJAUTH_TURN_UDP, _TCP or _TLS; may be NULL.
 * @param out        Gets the text.
 * @param size       Room in `out`.
 * @return the length of the text; 0 where there is no such listener.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_server_listener(const struct pjauth_turn_server *server,
                                   unsigned int index,
                                   int *transport,
                                   char *out,
                                   size_t size);

/**
 * Keeps a pointer for the application.
 *
 * @return 0, or PJ_EINVAL for a dead handle.
 *
 * Since 0.1.0.
 */
int pjauth_turn_server_set_user_data(struct pjauth_turn_server *server, void *user_data);

/**
 * @return the pointer kept; NULL without one or for a dead handle.
 *
 * Since 0.1.0.
 */
void *pjauth_turn_server_user_data(const struct pjauth_turn_server *server);

/**
 * Serves TLS with other certificates from now on, such as those that replace some
 * which are about to expire. Connections that exist stay, and so do the tickets by
 * which clients come back.
 *
 * @param server        The server.
 * @param certificates  As in `pjauth_turn_options`; their files are read now.
 * @param count         How many: at least one.
 * @return 0; PJ_EINVAL for a dead handle, for certificates that are none, or one that
 *         does not belong to its key; PJ_EINVALIDOP when the server does not run or
 *         has no TLS listener; the system's error, as PJLIB's PJ_STATUS_FROM_OS gives
 *         it, for a file that cannot be read. `pjauth_turn_server_error()` says more.
 *         Unless it is 0, the server goes on with those that it had. A stop forgets
 *         it: a start takes those of the options.
 *
 * Source: RFC 8656, 3.1; RFC 6066, 3. Since 0.1.0.
 */
int pjauth_turn_server_set_certificates(struct pjauth_turn_server *server,
                                        const struct pjauth_turn_certificate *certificates,
                                        unsigned int count);

/**
 * Writes whose certificate the client has shown in its TLS handshake: the subject as
 * RFC 4514 writes it, such as `CN=joe,O=Example`. One of `client_authorities` has
 * signed it, and the client holds its key. That is all that is known: whether it may
 * use the name in the request is yours to say.
 *
 * @param request  The request.
 * @param out      Gets the text.
 * @param size     Room in `out`.
 * @return the length of the text; 0 without a certificate, over UDP and TCP, and for a
 *         dead handle.
 *
 * Since 0.1.0.
 */
size_t pjauth_turn_request_client_certificate(const struct pjauth_turn_request *request,
                                              char *out,
                                              size_t size);

/**
 * Returns the version of the pjauth library in use, such as `"0.1.0"`.
 *
 * It serves as a marker too: a program that finds this symbol has pjauth in
 * it, and since all of pjauth is one object, the `pjsip_auth_*` functions it
 * calls are pjauth's.
 *
 * The string is static; never free it. May be called from any thread, at any
 * time, also before `pj_init()`.
 *
 * Since 0.1.0.
 */
const char *pjauth_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PJAUTH_H */


/* The layout of PJSIP's structures as this program sees it. To use it, include PJSIP's headers:
 *
 *     pjauth_layout layout = PJAUTH_LAYOUT;
 *     if (pjauth_check_layout(&layout, sizeof(layout)) != PJ_SUCCESS) ...
 */
#ifndef PJAUTH_LAYOUT
#define PJAUTH_LAYOUT \
    { \
        {PJ_VERSION_NUM_MAJOR, PJ_VERSION_NUM_MINOR, PJ_VERSION_NUM_REV}, \
        sizeof(pjsip_auth_clt_sess), offsetof(pjsip_auth_clt_sess, cached_auth), \
        sizeof(pjsip_cached_auth), sizeof(pjsip_cred_info), \
        sizeof(pjsip_tx_data), offsetof(pjsip_tx_data, msg), \
        offsetof(pjsip_tx_data, auth_retry), \
        sizeof(pjsip_rx_data), offsetof(pjsip_rx_data, msg_info.msg), \
        sizeof(pjsip_msg), sizeof(pjsip_authorization_hdr), \
        sizeof(pjsip_digest_challenge), sizeof(pjsip_digest_credential) \
    }
#endif

