#include "soak.h"
#include "stun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    CONNECT = 0x00a,
    CONNECTION_BIND = 0x00b,
    CONNECTION_ID = 0x002a,
    PATIENCE_SECONDS = 7, /* longer than any decision takes */
    PIECE = 20000
};

/* One client's connection, with what belongs to it. */
struct connection {
    int fd;
    SSL *tls; /* NULL for none */
    struct stun_nonce nonce;
    struct stun_credential credential;
    uint8_t reply[2048];
    size_t length;
};

static struct {
    pthread_t thread;
    int stop;
    int listener;
    struct sockaddr_in peer;
    SSL_CTX *tls;
    struct streams_figures figures;
    unsigned long given_up;
} s;

static int is_over(void)
{
    return __atomic_load_n(&s.stop, __ATOMIC_ACQUIRE);
}

static void be_patient(int fd)
{
    struct timeval patience = {PATIENCE_SECONDS, 0};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static int send_all(const struct connection *c, const uint8_t *bytes,
                    size_t length)
{
    if (c->tls)
        return SSL_write(c->tls, bytes, (int)length) == (int)length;
    return send(c->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static int receive_all(const struct connection *c, uint8_t *bytes,
                       size_t length)
{
    int count;

    if (!c->tls)
        return recv(c->fd, bytes, length, MSG_WAITALL) == (ssize_t)length;
    for (; length > 0; bytes += count, length -= (size_t)count)
        if ((count = SSL_read(c->tls, bytes, (int)length)) <= 0)
            return 0;
    return 1;
}

/* Says nothing more. */
static void end(const struct connection *c)
{
    if (c->tls)
        SSL_shutdown(c->tls);
    else
        shutdown(c->fd, SHUT_WR);
}

static void close_connection(struct connection *c)
{
    if (c->tls)
        SSL_free(c->tls);
    c->tls = NULL;
    close(c->fd);
}

static int open_connection(struct connection *c, int with_tls)
{
    struct sockaddr_in server = relays_address(with_tls);

    memset(c, 0, sizeof(*c));
    c->credential.user = "soak";
    c->credential.password = "secret";
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        soak_die("socket", errno);
    be_patient(c->fd);
    if (connect(c->fd, (struct sockaddr *)&server, sizeof(server)) != 0)
        return 0;
    if (!with_tls)
        return 1;
    c->tls = SSL_new(s.tls);
    return c->tls && SSL_set_fd(c->tls, c->fd) && SSL_connect(c->tls) == 1;
}

/* Sends a request and reads the reply; 1 for a success. */
static int exchange(struct connection *c, const struct stun_message *request)
{
    if (!send_all(c, request->bytes, request->length) ||
        !receive_all(c, c->reply, 20))
        return 0;
    c->length = 20 + (c->reply[2] << 8 | c->reply[3]);
    return c->length <= sizeof(c->reply) &&
           receive_all(c, c->reply + 20, c->length - 20) &&
           stun_type(c->reply, c->length) ==
               (stun_type(request->bytes, request->length) | STUN_SUCCESS);
}

/* A request with one attribute, asked without credentials before. */
static int ask(struct connection *c, uint16_t method, uint16_t attribute,
               const uint8_t value[4])
{
    struct stun_message request;
    int tries;

    for (tries = 0; tries < 2; ++tries) {
        stun_begin(&request, method);
        if (value)
            stun_add(&request, attribute, value, 4);
        else
            stun_add_peer(&request, &s.peer);
        if (c->credential.has_key)
            stun_sign(&request, &c->credential, &c->nonce);
        if (exchange(c, &request))
            return 1;
        if (!c->length || !stun_take_challenge(c->reply, c->length,
                                               &c->credential, &c->nonce))
            return 0;
    }
    return 0;
}

/* Bytes both ways; then one of the ends goes, or both. */
static int pass(const struct connection *client, const struct connection *peer)
{
    static uint8_t sent[PIECE], received[PIECE];
    int i;

    for (i = 0; i < 4; ++i) {
        const struct connection *from = i % 2 ? client : peer;
        const struct connection *to = i % 2 ? peer : client;

        memset(sent, (int)soak_roll(256), sizeof(sent));
        if (!send_all(from, sent, sizeof(sent)) ||
            !receive_all(to, received, sizeof(received)))
            return 0;
        if (memcmp(sent, received, sizeof(sent)) != 0)
            soak_die("other bytes than were sent", 0);
    }
    if (soak_roll(2))
        end(soak_roll(2) ? client : peer);
    return 1;
}

/* A connection to the peer through the server, if all goes well. */
static int stream(struct connection *control)
{
    struct connection data, peer = {0};
    size_t size;
    const uint8_t *id;
    int passed = 0;

    if (!ask(control, CONNECT, 0, NULL))
        return 0;
    id = stun_find(control->reply, control->length, CONNECTION_ID, &size);
    peer.fd = accept(s.listener, NULL, NULL);
    if (peer.fd < 0)
        return 0;
    be_patient(peer.fd);
    /* Some are never fetched. */
    if (id && size == 4 && soak_roll(8)) {
        passed = open_connection(&data, (int)soak_roll(2)) &&
                 ask(&data, CONNECTION_BIND, CONNECTION_ID, id) &&
                 pass(&data, &peer);
        if (passed && data.tls)
            ++s.figures.passed_tls;
        close_connection(&data);
    }
    close_connection(&peer);
    return passed;
}

static void *play(void *arg)
{
    static const uint8_t tcp[4] = {6, 0, 0, 0};
    static const uint8_t zero[4];
    struct connection control;

    while (!is_over()) {
        unsigned left = 1 + soak_roll(5);

        if (open_connection(&control, (int)soak_roll(2)) &&
            ask(&control, STUN_ALLOCATE, STUN_REQUESTED_TRANSPORT, tcp)) {
            while (left-- > 0 && !is_over() && stream(&control))
                ++s.figures.passed;
            if (soak_roll(2))
                ask(&control, STUN_REFRESH, STUN_LIFETIME, zero);
        } else {
            ++s.given_up;
            usleep(10000);
        }
        close_connection(&control);
    }
    return arg;
}

void streams_start(void)
{
    socklen_t size = sizeof(s.peer);

    memset(&s, 0, sizeof(s));
    signal(SIGPIPE, SIG_IGN); /* what OpenSSL writes to may be closed */
    s.tls = SSL_CTX_new(TLS_client_method());
    if (!s.tls)
        soak_die("TLS", 0);
    s.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s.peer.sin_family = AF_INET;
    s.peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(s.listener, (struct sockaddr *)&s.peer, size) ||
        listen(s.listener, 16) ||
        getsockname(s.listener, (struct sockaddr *)&s.peer, &size))
        soak_die("peer", 0);
    be_patient(s.listener);
    if (pthread_create(&s.thread, NULL, &play, NULL))
        soak_die("thread", 0);
}

void streams_stop(struct streams_figures *figures)
{
    __atomic_store_n(&s.stop, 1, __ATOMIC_RELEASE);
    pthread_join(s.thread, NULL);
    close(s.listener);
    SSL_CTX_free(s.tls);
    *figures = s.figures;
}
