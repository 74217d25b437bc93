/* Streams through TCP relays (RFC 6062): each client has an allocation with one connection to the peer, and writes as
 * much as it is let. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"

enum { CONNECT = 0x00A, CONNECTION_BIND = 0x00B, CONNECTION_ID = 0x002A, WRITE = 16 * 1024, BATCH = 64 };

struct stream {
    int fd;
    struct stun_nonce nonce;
    uint8_t reply[2048];
    size_t length;
};

static int dial(const struct load *load) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&load->server, sizeof(load->server)) != 0) {
        die("connect");
    }
    return fd;
}

static int exchange(struct stream *stream, const struct stun_message *request) {
    if (send(stream->fd, request->bytes, request->length, 0) != (ssize_t)request->length ||
        recv(stream->fd, stream->reply, 20, MSG_WAITALL) != 20) {
        die("a request");
    }
    stream->length = 20 + (size_t)(stream->reply[2] << 8 | stream->reply[3]);
    if (stream->length > sizeof(stream->reply) ||
        recv(stream->fd, stream->reply + 20, stream->length - 20, MSG_WAITALL) != (ssize_t)stream->length - 20) {
        die("a reply");
    }
    return stun_type(stream->reply, stream->length) ==
           (stun_type(request->bytes, request->length) | STUN_SUCCESS);
}

/* A request with one attribute, or the peer's address; a challenge is answered once. */
static void ask(struct load *load, struct stream *stream, uint16_t method, uint16_t attribute, const uint8_t *value,
                const struct sockaddr_in *peer) {
    int tries;

    for (tries = 0; tries < 2; tries++) {
        struct stun_message request;

        stun_begin(&request, method);
        if (peer != NULL) {
            stun_add_peer(&request, peer);
        } else {
            stun_add(&request, attribute, value, 4);
        }
        if (stream->nonce.length > 0) {
            stun_sign(&request, &load->credential, &stream->nonce);
        }
        if (exchange(stream, &request)) {
            return;
        }
        if (!stun_take_challenge(stream->reply, stream->length, &load->credential, &stream->nonce)) {
            break;
        }
    }
    errno = 0;
    die("refused");
}

/* A connection whose bytes reach the peer. */
static int relayed(struct load *load, const struct sockaddr_in *peer) {
    static const uint8_t tcp[4] = {6, 0, 0, 0};
    struct stream control = {0}, data = {0};
    const uint8_t *id;
    size_t size;

    control.fd = dial(load);
    if (load->bare) {
        return control.fd;
    }
    ask(load, &control, STUN_ALLOCATE, STUN_REQUESTED_TRANSPORT, tcp, NULL);
    ask(load, &control, CONNECT, 0, NULL, peer);
    id = stun_find(control.reply, control.length, CONNECTION_ID, &size);
    if (id == NULL) {
        die("no CONNECTION-ID");
    }
    data.fd = dial(load);
    /* coturn closes a connection whose ConnectionBind has no credentials. */
    data.nonce = control.nonce;
    ask(load, &data, CONNECTION_BIND, CONNECTION_ID, id, NULL);
    return data.fd;
}

static int sink(const struct load *load, struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    socklen_t size = sizeof(*address);

    memset(address, 0, sizeof(*address));
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->sin_port = htons(load->peer_port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)address, size) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)address, &size) != 0) {
        die("the peer");
    }
    return fd;
}

static void add(int set, int fd, uint32_t events) {
    struct epoll_event event = {events, {.fd = fd}};

    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("epoll_ctl");
    }
}

/* Writes wherever there is room, and throws away what arrives; returns how many bytes did. */
static int64_t pump(int set, double seconds) {
    static uint8_t block[WRITE];
    double end = now() + seconds;
    int64_t arrived = 0;

    while (now() < end) {
        struct epoll_event ready[BATCH];
        int count = epoll_wait(set, ready, BATCH, 20);
        int at;

        for (at = 0; at < count; at++) {
            if (ready[at].events & EPOLLOUT) {
                if (send(ready[at].data.fd, block, sizeof(block), MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
                    die("send");
                }
            } else {
                ssize_t got = recv(ready[at].data.fd, NULL, 1 << 20, MSG_TRUNC);

                if (got == 0 || (got < 0 && errno != EAGAIN)) {
                    die("a stream has ended");
                }
                arrived += got > 0 ? got : 0;
            }
        }
    }
    return arrived;
}

void measure_streams(struct load *load) {
    int set = epoll_create1(0);
    struct sockaddr_in peer;
    int listener = sink(load, &peer);
    int64_t bytes;
    double cpu;
    unsigned at;

    for (at = 0; at < load->flow_count; at++) {
        add(set, relayed(load, &peer), EPOLLOUT);
        add(set, accept(listener, NULL, NULL), EPOLLIN);
    }
    pump(set, load->seconds / 4);
    cpu = server_cpu(load);
    bytes = pump(set, load->seconds);
    cpu = server_cpu(load) - cpu;
    printf("{\"per_cpu_second\": %.0f, \"bytes\": %" PRId64 ", \"cpu\": %.3f}\n", (double)bytes / cpu, bytes, cpu);
}
