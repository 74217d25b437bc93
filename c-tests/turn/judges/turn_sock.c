/* PJNATH's pj_turn_sock against a TURN server: allocate, permission, Send indications, channel, ChannelData; or, with a
 * stream, a TCP allocation and a connection to the peer (RFC 6062).
 *
 * usage: turn_sock udp|tcp|tls|stream SERVER_IP PORT PEER_IP PORT USER PASSWORD [AUTHORITY]
 *
 * The peer must echo. Ends with 0 when everything came back; with 4 when the server refused with 401.
 */
#include <pjlib-util.h>
#include <pjlib.h>
#include <pjnath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 20
#define STREAM (200 * 1000)

enum { REFUSED = 4, SKIPPED = 77 };

static struct {
    pj_caching_pool pools;
    pj_pool_t *pool;
    pj_stun_config stun;
    pj_sockaddr peer;
    pj_turn_sock *sock;
    pj_turn_state_t state;
    pj_status_t last_status;
    unsigned received;
    unsigned spoiled;
    int is_stream;
    int is_connected;
    unsigned bytes; /* of the stream that came back */
} judge;

static void require(pj_status_t status, const char *what) {
    char text[PJ_ERR_MSG_SIZE];

    if (status == PJ_SUCCESS) {
        return;
    }
    pj_strerror(status, text, sizeof(text));
    printf("FAIL %s: %s\n", what, text);
    exit(1);
}

/* Message `number`: its length varies over all remainders of four. */
static unsigned message(unsigned number, pj_uint8_t *buffer) {
    unsigned length = 1 + number * 61 % 1200;

    memset(buffer, (int)number, length);
    return length;
}

static pj_uint8_t stream_byte(unsigned at) {
    return (pj_uint8_t)(at * 7 + at / 251);
}

static void on_connection_status(pj_turn_sock *sock, pj_status_t status, pj_uint32_t id, const pj_sockaddr_t *peer,
                                 unsigned size) {
    (void)sock;
    (void)id;
    (void)peer;
    (void)size;
    require(status, "the connection to the peer");
    judge.is_connected = 1;
}

static void on_rx_data(pj_turn_sock *sock, void *packet, unsigned length, const pj_sockaddr_t *peer, unsigned size) {
    pj_uint8_t expected[2048];
    unsigned number = length > 0 ? *(pj_uint8_t *)packet : 0;

    (void)sock;
    (void)size;
    if (judge.is_stream) {
        const pj_uint8_t *bytes = packet;
        unsigned at;

        for (at = 0; at < length; at++) {
            judge.spoiled += bytes[at] != stream_byte(judge.bytes + at);
        }
        judge.bytes += length;
        return;
    }
    if (number >= 2 * MESSAGES || message(number, expected) != length || memcmp(expected, packet, length) != 0 ||
        pj_sockaddr_cmp(peer, &judge.peer) != 0) {
        judge.spoiled++;
    }
    judge.received++;
}

static void on_state(pj_turn_sock *sock, pj_turn_state_t from, pj_turn_state_t to) {
    pj_turn_session_info info;

    (void)from;
    judge.state = to;
    if (to >= PJ_TURN_STATE_DEALLOCATING && pj_turn_sock_get_info(sock, &info) == PJ_SUCCESS) {
        judge.last_status = info.last_status;
    }
    if (to >= PJ_TURN_STATE_DESTROYING) {
        judge.sock = NULL;
    }
}

static int is_ready(void) {
    return judge.state == PJ_TURN_STATE_READY;
}

static int is_over(void) {
    return judge.state >= PJ_TURN_STATE_DESTROYING;
}

static int is_ready_or_over(void) {
    return is_ready() || is_over();
}

static int half_received(void) {
    return judge.received >= MESSAGES;
}

static int all_received(void) {
    return judge.received >= 2 * MESSAGES;
}

static int is_connected(void) {
    return judge.is_connected;
}

static int stream_received(void) {
    return judge.bytes >= STREAM;
}

static int never(void) {
    return 0;
}

/* Polls until something holds, for so many rounds of up to 10 ms. */
static int poll_until(int (*holds)(void), unsigned rounds) {
    while (rounds-- > 0 && !holds()) {
        pj_time_val wait = {0, 10};

        pj_timer_heap_poll(judge.stun.timer_heap, NULL);
        pj_ioqueue_poll(judge.stun.ioqueue, &wait);
    }
    return holds();
}

static void set_up(char *peer_ip, int peer_port) {
    pj_str_t peer = pj_str(peer_ip);

    require(pj_init(), "pj_init");
    require(pjlib_util_init(), "pjlib_util_init");
    require(pjnath_init(), "pjnath_init");
    pj_log_set_level(3);
    pj_caching_pool_init(&judge.pools, NULL, 0);
    judge.pool = pj_pool_create(&judge.pools.factory, "judge", 4000, 4000, NULL);
    pj_stun_config_init(&judge.stun, &judge.pools.factory, 0, NULL, NULL);
    require(pj_ioqueue_create(judge.pool, 16, &judge.stun.ioqueue), "ioqueue");
    require(pj_timer_heap_create(judge.pool, 100, &judge.stun.timer_heap), "timer heap");
    require(pj_sockaddr_init(pj_AF_INET(), &judge.peer, &peer, (pj_uint16_t)peer_port), "peer");
}

/* The transport of a name. `authority` is who signed the server's certificate. */
static pj_turn_tp_type choose(const char *name, char *authority, pj_turn_sock_cfg *settings) {
#if PJ_HAS_SSL_SOCK
    if (strcmp(name, "tls") == 0) {
        settings->tls_cfg.ca_list_file = pj_str(authority);
        settings->tls_cfg.ssock_param.verify_peer = PJ_TRUE;
        return PJ_TURN_TP_TLS;
    }
#else
    (void)authority;
    (void)settings;
    if (strcmp(name, "tls") == 0) {
        printf("SKIP this pjproject was built without TLS\n");
        exit(SKIPPED);
    }
#endif
    return strcmp(name, "udp") == 0 ? PJ_TURN_TP_UDP : PJ_TURN_TP_TCP;
}

static void allocate(const char *transport, char *authority, char *ip, int port, char *user, char *password) {
    pj_turn_sock_cb callbacks;
    pj_turn_sock_cfg settings;
    pj_stun_auth_cred credential;
    pj_turn_alloc_param parameters;
    pj_str_t server = pj_str(ip);

    memset(&callbacks, 0, sizeof(callbacks));
    callbacks.on_rx_data = on_rx_data;
    callbacks.on_state = on_state;
    callbacks.on_connection_status = on_connection_status;
    pj_turn_sock_cfg_default(&settings);
    require(pj_turn_sock_create(&judge.stun, pj_AF_INET(), choose(transport, authority, &settings), &callbacks,
                                &settings, NULL, &judge.sock),
            "pj_turn_sock_create");
    memset(&credential, 0, sizeof(credential));
    credential.type = PJ_STUN_AUTH_CRED_STATIC;
    credential.data.static_cred.username = pj_str(user);
    credential.data.static_cred.data_type = PJ_STUN_PASSWD_PLAIN;
    credential.data.static_cred.data = pj_str(password);
    pj_turn_alloc_param_default(&parameters);
    parameters.peer_conn_type = judge.is_stream ? PJ_TURN_TP_TCP : PJ_TURN_TP_UDP;
    require(pj_turn_sock_alloc(judge.sock, &server, port, NULL, &credential, &parameters), "pj_turn_sock_alloc");
    poll_until(is_ready_or_over, 1000);
}

static void send_half(unsigned from) {
    unsigned size = pj_sockaddr_get_len(&judge.peer);
    unsigned number;

    for (number = from; number < from + MESSAGES; number++) {
        pj_uint8_t buffer[2048];
        unsigned length = message(number, buffer);
        pj_status_t status = pj_turn_sock_sendto(judge.sock, buffer, length, &judge.peer, size);

        require(status == PJ_EPENDING ? PJ_SUCCESS : status, "pj_turn_sock_sendto");
        poll_until(never, 1);
    }
}

static int check(int holds, const char *what) {
    if (!holds) {
        printf("FAIL %s (state %s, %u received, %u spoiled)\n", what, pj_turn_state_name(judge.state),
               judge.received, judge.spoiled);
    }
    return holds;
}

/* Data by Send indications, then, once there is a channel, by ChannelData. */
static int exchange(void) {
    require(pj_turn_sock_set_perm(judge.sock, 1, &judge.peer, 0), "pj_turn_sock_set_perm");
    poll_until(never, 30);
    send_half(0);
    if (!check(poll_until(half_received, 500), "Send indications")) {
        return 0;
    }
    require(pj_turn_sock_bind_channel(judge.sock, &judge.peer, pj_sockaddr_get_len(&judge.peer)),
            "pj_turn_sock_bind_channel");
    poll_until(never, 30);
    send_half(MESSAGES);
    return check(poll_until(all_received, 500), "ChannelData") && check(judge.spoiled == 0, "what came back");
}

/* A stream to the peer and back, in pieces of any size. */
static int exchange_stream(void) {
    unsigned size = pj_sockaddr_get_len(&judge.peer);
    unsigned sent = 0;
    unsigned piece;

    require(pj_turn_sock_connect(judge.sock, &judge.peer, size), "pj_turn_sock_connect");
    if (!check(poll_until(is_connected, 1000), "the connection to the peer")) {
        return 0;
    }
    for (piece = 1; sent < STREAM; piece = piece % 1400 + 97) {
        pj_uint8_t buffer[2048];
        unsigned length = piece < STREAM - sent ? piece : STREAM - sent;
        unsigned at;
        pj_status_t status;

        for (at = 0; at < length; at++) {
            buffer[at] = stream_byte(sent + at);
        }
        status = pj_turn_sock_sendto(judge.sock, buffer, length, &judge.peer, size);
        if (status == PJ_EBUSY) {
            poll_until(never, 1);
            continue;
        }
        require(status == PJ_EPENDING ? PJ_SUCCESS : status, "pj_turn_sock_sendto");
        sent += length;
        poll_until(never, 1);
    }
    return check(poll_until(stream_received, 1000), "the stream") && check(judge.spoiled == 0, "what came back");
}

int main(int argc, char **argv) {
    int passed;

    if (argc != 8 && argc != 9) {
        printf("usage: turn_sock udp|tcp|tls|stream SERVER_IP PORT PEER_IP PORT USER PASSWORD [AUTHORITY]\n");
        return 2;
    }
    judge.is_stream = strcmp(argv[1], "stream") == 0;
    set_up(argv[4], atoi(argv[5]));
    allocate(argv[1], argv[argc - 1], argv[2], atoi(argv[3]), argv[6], argv[7]);
    if (is_over() && judge.last_status == PJ_STATUS_FROM_STUN_CODE(PJ_STUN_SC_UNAUTHORIZED)) {
        printf("refused with 401\n");
        return REFUSED;
    }
    passed = check(is_ready(), "allocation") && (judge.is_stream ? exchange_stream() : exchange());
    if (passed) {
        pj_turn_sock_destroy(judge.sock);
        passed = check(poll_until(is_over, 1000), "deallocation");
    }
    printf("%s: %u messages, %u bytes of a stream came back\n", passed ? "ok" : "FAIL", judge.received, judge.bytes);
    return passed ? 0 : 1;
}
