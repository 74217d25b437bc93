#define _GNU_SOURCE
#include "soak.h"
#include "stun.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pjauth.h>

enum {
    CHANNEL = 0x4000,
    RETRY_MSEC = 500,
    PATIENCE_MSEC = 6000, /* then the client begins again elsewhere */
    DATA_MSEC = 300,
    HELD_DEADLINE_MSEC = 3000
};

enum phase { GREETING, ALLOCATING, PERMITTING, RELAYING };

struct client {
    int fd;
    enum phase phase;
    unsigned long long due, end;
    struct stun_nonce nonce;
    struct stun_credential credential;
    struct stun_message request; /* sent again until it is answered */
};

struct held {
    struct soak_waiting waiting;
    pjauth_turn_request *request;
};

static struct {
    pjauth_turn_server *server;
    struct sockaddr_in address, tls_address, echo_address;
    int echo;
    struct client *all;
    struct pollfd *polled;
    unsigned count;
    pthread_mutex_t mutex; /* of the address */
    unsigned restart_msec;
    unsigned long long restart_at;
    struct relays_figures figures;
    struct soak_queue held;
    int stop;
    pthread_t decider;
} s;

static void count(unsigned long *figure)
{
    __atomic_add_fetch(figure, 1, __ATOMIC_RELAXED);
}

/* ---------------------------------------------------------------- observer */

static void on_created(struct pjauth_turn_observer *observer,
                       pjauth_turn_server *server,
                       pjauth_turn_allocation *allocation)
{
    (void)observer, (void)server, (void)allocation;
    count(&s.figures.created);
}

static void on_removed(struct pjauth_turn_observer *observer,
                       pjauth_turn_server *server,
                       pjauth_turn_allocation *allocation)
{
    (void)observer, (void)server, (void)allocation;
    count(&s.figures.removed);
}

static int authenticate(struct pjauth_turn_observer *observer,
                        pjauth_turn_server *server,
                        pjauth_turn_request *request)
{
    unsigned way = soak_roll(10);
    struct held *held;

    (void)observer, (void)server;
    count(&s.figures.asked);
    if (pjauth_turn_request_set_password(request, "secret") != 0)
        soak_die("set_password", 0);
    if (way < 3)
        return PJAUTH_TURN_AUTHORIZED;
    held = calloc(1, sizeof(*held));
    if (!held)
        soak_die("memory", 0);
    held->request = request;
    /* Some past their deadline. */
    soak_wait(&s.held, &held->waiting,
              soak_now() + soak_roll(way == 3 ? 2 * HELD_DEADLINE_MSEC : 800));
    return PJAUTH_TURN_AUTHENTICATING;
}

static const struct pjauth_turn_observer_vtable table = {
    on_created, on_removed, authenticate};
static struct pjauth_turn_observer observer = {&table};

static void *decide(void *arg)
{
    struct held *held;

    for (;;) {
        int last = __atomic_load_n(&s.stop, __ATOMIC_ACQUIRE);
        while ((held = soak_take_due(&s.held, last ? ~0ULL : soak_now())) !=
               NULL) {
            int status = pjauth_turn_handle_request(held->request,
                                                    PJAUTH_TURN_AUTHORIZED);
            count(status ? &s.figures.too_late : &s.figures.decided_later);
            free(held);
        }
        if (last)
            return arg;
        usleep(5000);
    }
}

/* ------------------------------------------------------------------ server */

static void start_server(void)
{
    static const char *const loopback[] = {"127.0.0.0/8"};
    static const pjauth_turn_listener listeners[] = {
        {"127.0.0.1", 0, PJAUTH_TURN_UDP | PJAUTH_TURN_TCP},
        {"127.0.0.1", 0, PJAUTH_TURN_TLS}};
    static const pjauth_turn_certificate certificate = {
        SOAK_CERTIFICATES "/turn.pem", SOAK_CERTIFICATES "/turn.key", NULL,
        NULL};
    char text[PJAUTH_TURN_ADDRESS_SIZE];
    pjauth_turn_options options;
    unsigned i;
    int transport;

    pjauth_turn_options_init(&options, sizeof(options));
    options.realm = "soak";
    options.listeners = listeners;
    options.listener_count = 2;
    options.certificates = &certificate;
    options.certificate_count = 1;
    options.workers = 2;
    options.allow = loopback;
    options.allow_count = 1;
    options.max_held_per_source = 4096;
    options.challenges_per_second = options.challenge_burst = 100000;
    options.held_deadline_msec = HELD_DEADLINE_MSEC;
    if (pjauth_turn_server_create(&options, &observer, &s.server) ||
        pjauth_turn_server_start(s.server))
        soak_die("TURN server", 0);
    pthread_mutex_lock(&s.mutex);
    for (i = 0; pjauth_turn_server_listener(s.server, i, &transport, text,
                                            sizeof(text));
         ++i) {
        struct sockaddr_in *address =
            transport == PJAUTH_TURN_TLS ? &s.tls_address : &s.address;

        address->sin_family = AF_INET;
        address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address->sin_port =
            htons((unsigned short)atoi(strrchr(text, ':') + 1));
    }
    pthread_mutex_unlock(&s.mutex);
    s.restart_at = soak_now() + s.restart_msec;
}

/* With allocations, held requests and clients that know nothing of it. */
static void stop_server(void)
{
    if (pjauth_turn_server_stop(s.server) ||
        pjauth_turn_server_destroy(s.server))
        soak_die("end of the TURN server", 0);
}

struct sockaddr_in relays_address(int with_tls)
{
    struct sockaddr_in address;

    pthread_mutex_lock(&s.mutex);
    address = with_tls ? s.tls_address : s.address;
    pthread_mutex_unlock(&s.mutex);
    return address;
}

static void run_echo(void)
{
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    char data[256];
    ssize_t length;

    while ((length = recvfrom(s.echo, data, sizeof(data), MSG_DONTWAIT,
                              (struct sockaddr *)&from, &size)) >= 0)
        sendto(s.echo, data, (size_t)length, MSG_DONTWAIT,
               (struct sockaddr *)&from, size);
}

/* ----------------------------------------------------------------- clients */

static void transmit(struct client *c)
{
    if (send(c->fd, c->request.bytes, c->request.length, MSG_DONTWAIT) < 0) {
        /* Full, or the server is not there now: sent again later. */
    }
    c->due = soak_now() + RETRY_MSEC;
}

static void ask(struct client *c, enum phase phase)
{
    static const uint8_t udp[4] = {17, 0, 0, 0};
    static const uint8_t channel[4] = {CHANNEL >> 8, CHANNEL & 0xff, 0, 0};

    c->phase = phase;
    stun_begin(&c->request,
               phase == PERMITTING ? STUN_CHANNEL : STUN_ALLOCATE);
    if (phase == PERMITTING) {
        stun_add(&c->request, STUN_CHANNEL_NUMBER, channel, sizeof(channel));
        stun_add_peer(&c->request, &s.echo_address);
    } else {
        stun_add(&c->request, STUN_REQUESTED_TRANSPORT, udp, sizeof(udp));
    }
    if (phase != GREETING)
        stun_sign(&c->request, &c->credential, &c->nonce);
    transmit(c);
}

static void begin(struct client *c)
{
    memset(c, 0, sizeof(*c));
    c->credential.user = "soak";
    c->credential.password = "secret";
    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 ||
        connect(c->fd, (struct sockaddr *)&s.address, sizeof(s.address)))
        soak_die("socket", 0);
    c->end = soak_now() + PATIENCE_MSEC;
    ask(c, GREETING);
}

/* Half of them say so, the others vanish. */
static void leave(struct client *c)
{
    static const uint8_t zero[4];

    if (c->phase == RELAYING && soak_roll(2)) {
        stun_begin(&c->request, STUN_REFRESH);
        stun_add(&c->request, STUN_LIFETIME, zero, sizeof(zero));
        stun_sign(&c->request, &c->credential, &c->nonce);
        transmit(c);
    }
    close(c->fd);
}

static void send_data(struct client *c)
{
    static const uint8_t data[] = {CHANNEL >> 8, CHANNEL & 0xff, 0, 8,
                                   's', 'o', 'a', 'k', 's', 'o', 'a', 'k'};
    if (send(c->fd, data, sizeof(data), MSG_DONTWAIT) < 0) {
        /* As with any datagram. */
    }
    c->due = soak_now() + DATA_MSEC;
}

static void read_reply(struct client *c, const uint8_t *bytes, size_t length)
{
    uint16_t type = stun_type(bytes, length), asked;

    if (length >= 4 && bytes[0] == CHANNEL >> 8) {
        count(&s.figures.echoed);
        return;
    }
    asked = stun_type(c->request.bytes, c->request.length);
    /* A reply to an earlier request: that was sent twice. */
    if (length < 20 || memcmp(bytes + 8, c->request.bytes + 8, 12) != 0)
        return;
    if (type == (asked | STUN_SUCCESS)) {
        if (c->phase == PERMITTING) {
            c->phase = RELAYING;
            c->end = soak_now() + 2000 + soak_roll(8000);
            send_data(c);
        } else if (c->phase == ALLOCATING) {
            ask(c, PERMITTING);
        }
    } else if (c->phase == GREETING &&
               stun_take_challenge(bytes, length, &c->credential, &c->nonce)) {
        ask(c, ALLOCATING);
    } else if (c->phase == ALLOCATING) {
        c->end = 0; /* the decision came too late: 500 */
    } else {
        count(&s.figures.refused);
        c->end = 0;
    }
}

static void step(struct client *c, short events, unsigned long long now)
{
    uint8_t bytes[2048];
    ssize_t length;

    if (events & (POLLIN | POLLERR))
        while ((length = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) >= 0)
            read_reply(c, bytes, (size_t)length);
    if (now >= c->end) {
        leave(c);
        begin(c);
    } else if (now >= c->due) {
        if (c->phase == RELAYING)
            send_data(c);
        else
            transmit(c);
    }
}

void relays_start(unsigned number, unsigned restart_msec)
{
    socklen_t size = sizeof(s.echo_address);
    unsigned i;

    memset(&s, 0, sizeof(s));
    soak_queue_init(&s.held);
    pthread_mutex_init(&s.mutex, NULL);
    s.echo = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    s.echo_address.sin_family = AF_INET;
    s.echo_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(s.echo, (struct sockaddr *)&s.echo_address, size) ||
        getsockname(s.echo, (struct sockaddr *)&s.echo_address, &size))
        soak_die("echo", 0);
    s.restart_msec = restart_msec;
    start_server();
    s.count = number;
    s.all = calloc(number, sizeof(*s.all));
    s.polled = calloc(number, sizeof(*s.polled));
    for (i = 0; i < number; ++i)
        begin(&s.all[i]);
    if (pthread_create(&s.decider, NULL, &decide, NULL))
        soak_die("thread", 0);
}

void relays_step(void)
{
    unsigned long long now = soak_now();
    unsigned i;

    if (now >= s.restart_at) {
        stop_server();
        start_server();
        for (i = 0; i < s.count; ++i) {
            close(s.all[i].fd);
            begin(&s.all[i]);
        }
        ++s.figures.restarts;
    }
    for (i = 0; i < s.count; ++i) {
        s.polled[i].fd = s.all[i].fd;
        s.polled[i].events = POLLIN;
    }
    poll(s.polled, s.count, 0);
    for (i = 0; i < s.count; ++i)
        step(&s.all[i], s.polled[i].revents, now);
    run_echo();
}

void relays_stop(struct relays_figures *figures)
{
    unsigned i;

    stop_server();
    __atomic_store_n(&s.stop, 1, __ATOMIC_RELEASE);
    pthread_join(s.decider, NULL);
    for (i = 0; i < s.count; ++i)
        close(s.all[i].fd);
    close(s.echo);
    free(s.all);
    free(s.polled);
    *figures = s.figures;
}
