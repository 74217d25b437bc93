/* A TURN server in a program's own event loop: no thread, no socket and no clock of the library's. The program polls
 * its sockets, brings what they receive, and sends what it is told to send. Decisions are made later, here by a timer;
 * any thread might make them.
 *
 *   turn_poll [--listen IP:PORT] [--realm R] --user NAME:PASSWORD [--allow RANGE] [--delay MSEC]
 *
 * Prints what happens and ends with standard input. IPv4 over UDP alone, to stay short.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <pjauth.h>

enum { MAX_RELAYS = 64, MAX_WAITING = 16, STDIN = 0, LISTENER = 1, WAKE = 2, FIRST_RELAY = 3 };

/* What stands behind the observer: the library sees the first member alone. */
typedef struct loop {
    pjauth_turn_observer observer;
    pjauth_turn_server *server;
    struct sockaddr_in address;
    char *user;
    const char *password;
    uint64_t delay;
    int wake_fd;
    struct pollfd ready[FIRST_RELAY + MAX_RELAYS];
    uint64_t names[FIRST_RELAY + MAX_RELAYS];
    struct {
        pjauth_turn_request *request;
        uint64_t due;
    } waiting[MAX_WAITING];
} loop;

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void say(const char *what, pjauth_turn_allocation *allocation)
{
    pjauth_turn_allocation_info info;

    if (pjauth_turn_allocation_get_info(allocation, &info, sizeof(info)) != 0)
        return;
    printf("%s %s %s: %llu bytes\n", what, info.username, info.relayed,
           (unsigned long long)(info.bytes_to_peers + info.bytes_to_client));
    fflush(stdout);
}

static void on_created(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_allocation *allocation)
{
    (void)observer;
    (void)server;
    say("created  ", allocation);
}

static void on_removed(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_allocation *allocation)
{
    (void)observer;
    (void)server;
    say("removed  ", allocation);
}

static int authenticate(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_request *request)
{
    loop *self = (loop *)observer;
    int i;

    (void)server;
    for (i = 0; i < MAX_WAITING; ++i) {
        if (!self->waiting[i].request) {
            self->waiting[i].request = request;
            self->waiting[i].due = now() + self->delay;
            return PJAUTH_TURN_AUTHENTICATING;
        }
    }
    return PJAUTH_TURN_NOT_AUTHORIZED;
}

/* Decides what is due. Returns when the next one is, UINT64_MAX for never. */
static uint64_t decide(loop *self)
{
    uint64_t next = UINT64_MAX, time = now();
    char name[PJAUTH_TURN_USERNAME_SIZE];
    int i;

    for (i = 0; i < MAX_WAITING; ++i) {
        pjauth_turn_request *request = self->waiting[i].request;
        int known;
        if (!request)
            continue;
        if (self->waiting[i].due > time) {
            if (self->waiting[i].due < next)
                next = self->waiting[i].due;
            continue;
        }
        self->waiting[i].request = NULL;
        pjauth_turn_request_username(request, name, sizeof(name));
        known = strcmp(name, self->user) == 0;
        if (known)
            pjauth_turn_request_set_password(request, self->password);
        /* The client may have gone meanwhile: then the handle is dead, and this does nothing. */
        pjauth_turn_handle_request(request, known ? PJAUTH_TURN_AUTHORIZED : PJAUTH_TURN_NOT_AUTHORIZED);
    }
    return next;
}

/* A UDP socket for a place in the table; 0 for success. */
static int bind_socket(loop *self, int place, in_port_t port)
{
    struct sockaddr_in address = self->address;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    address.sin_port = port;
    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    self->ready[place].fd = fd;
    self->ready[place].events = POLLIN;
    return 0;
}

/* Pairs of ports, which hardly any client asks for, would need two sockets. An even port is tried for a few times. */
static int open_relay(void *user_data, pjauth_turn_opening *opening)
{
    loop *self = (loop *)user_data;
    int place = FIRST_RELAY, tries;

    if (opening->family != 4)
        return 440;
    while (place < FIRST_RELAY + MAX_RELAYS && self->ready[place].fd >= 0)
        ++place;
    if (place == FIRST_RELAY + MAX_RELAYS || opening->port == PJAUTH_TURN_PORT_PAIR)
        return 508;
    for (tries = 0; tries < 16 && bind_socket(self, place, 0) == 0; ++tries) {
        struct sockaddr_in *address = (struct sockaddr_in *)(void *)opening->address;
        if (getsockname(self->ready[place].fd, opening->address, &opening->address_size) == 0 &&
            (opening->port == PJAUTH_TURN_PORT_ANY || ntohs(address->sin_port) % 2 == 0)) {
            self->names[place] = opening->relay;
            return 0;
        }
        close(self->ready[place].fd);
        self->ready[place].fd = -1;
    }
    return 508;
}

/* From whatever thread decides: has poll() return. A pipe that is full has woken it already. */
static void wake(void *user_data)
{
    ssize_t written = write(((loop *)user_data)->wake_fd, "", 1);

    (void)written;
}

static int place_of(const loop *self, uint64_t relay)
{
    int place = FIRST_RELAY;

    while (place < FIRST_RELAY + MAX_RELAYS && (self->ready[place].fd < 0 || self->names[place] != relay))
        ++place;
    return place;
}

/* Does what the server has to do. What the kernel does not take is lost, as datagrams are. */
static void put_out(loop *self)
{
    pjauth_turn_output output;

    while (pjauth_turn_core_next_output(self->server, &output)) {
        int place = output.kind == PJAUTH_TURN_TO_CLIENT ? LISTENER : place_of(self, output.relay);
        if (place == FIRST_RELAY + MAX_RELAYS)
            continue;
        if (output.kind == PJAUTH_TURN_CLOSE_RELAY) {
            close(self->ready[place].fd);
            self->ready[place].fd = -1;
        } else {
            sendto(self->ready[place].fd, output.data, output.data_size, 0, output.to, output.to_size);
        }
    }
}

static void take_in(loop *self, int place)
{
    char data[65536];
    struct sockaddr_storage from;
    socklen_t from_size = sizeof(from);
    const struct sockaddr *sender = (struct sockaddr *)&from;
    ssize_t size = recvfrom(self->ready[place].fd, data, sizeof(data), 0, (struct sockaddr *)&from, &from_size);

    if (size < 0)
        return;
    if (place == LISTENER)
        pjauth_turn_core_from_client(self->server, 0, sender, from_size, data, (size_t)size, now());
    else
        pjauth_turn_core_from_peer(self->server, self->names[place], sender, from_size, data, (size_t)size, now());
    put_out(self);
}

static void run(loop *self)
{
    char bytes[64];
    int place;

    for (;;) {
        uint64_t next = decide(self), deadline = pjauth_turn_core_next_deadline(self->server), time = now();
        if (deadline < next)
            next = deadline;
        next = next <= time ? 0 : (next - time) / 1000000 + 1;
        if (poll(self->ready, FIRST_RELAY + MAX_RELAYS, next > 60000 ? 60000 : (int)next) < 0 && errno != EINTR)
            return;
        if (self->ready[STDIN].revents && read(STDIN, bytes, sizeof(bytes)) <= 0)
            return;
        if (self->ready[WAKE].revents && read(self->ready[WAKE].fd, bytes, sizeof(bytes)) < 0)
            return;
        pjauth_turn_core_tick(self->server, now());
        put_out(self);
        for (place = FIRST_RELAY + MAX_RELAYS; place-- > LISTENER;) {
            if (place != WAKE && self->ready[place].fd >= 0 && self->ready[place].revents)
                take_in(self, place);
        }
    }
}

static int usage(void)
{
    fputs("usage: turn_poll [--listen IP:PORT] [--realm R] --user NAME:PASSWORD [--allow RANGE] [--delay MSEC]\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const pjauth_turn_observer_vtable table = {on_created, on_removed, authenticate};
    static loop self;
    pjauth_turn_listener listener = {NULL, 0, PJAUTH_TURN_UDP};
    pjauth_turn_driver driver = {sizeof(driver), &self, open_relay, wake};
    pjauth_turn_options options;
    const char *allowed = NULL;
    char ip[64] = "127.0.0.1", *colon;
    int pipe_fds[2], i;

    pjauth_turn_options_init(&options, sizeof(options));
    self.observer.vtable = &table;
    self.delay = 200 * 1000000u;
    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--listen") == 0 && (colon = strchr(argv[i + 1], ':')) != NULL) {
            snprintf(ip, sizeof(ip), "%.*s", (int)(colon - argv[i + 1]), argv[i + 1]);
            listener.port = (uint16_t)atoi(colon + 1);
        } else if (strcmp(argv[i], "--realm") == 0) {
            options.realm = argv[i + 1];
        } else if (strcmp(argv[i], "--user") == 0 && (colon = strchr(argv[i + 1], ':')) != NULL) {
            *colon = '\0';
            self.user = argv[i + 1];
            self.password = colon + 1;
        } else if (strcmp(argv[i], "--allow") == 0) {
            allowed = argv[i + 1];
        } else if (strcmp(argv[i], "--delay") == 0) {
            self.delay = strtoull(argv[i + 1], NULL, 10) * 1000000u;
        } else {
            return usage();
        }
    }
    self.address.sin_family = AF_INET;
    if (i < argc || !self.user || inet_pton(AF_INET, ip, &self.address.sin_addr) != 1)
        return usage();
    for (i = 0; i < FIRST_RELAY + MAX_RELAYS; ++i)
        self.ready[i].fd = -1;
    if (pipe(pipe_fds) != 0 || fcntl(pipe_fds[1], F_SETFL, O_NONBLOCK) != 0 ||
        bind_socket(&self, LISTENER, htons(listener.port)) != 0) {
        perror("turn_poll");
        return 1;
    }
    self.ready[STDIN].fd = STDIN;
    self.ready[WAKE].fd = pipe_fds[0];
    self.ready[STDIN].events = self.ready[WAKE].events = POLLIN;
    self.wake_fd = pipe_fds[1];

    listener.address = ip;
    options.listeners = &listener;
    options.listener_count = 1;
    options.allow = &allowed;
    options.allow_count = allowed != NULL;
    if (pjauth_turn_core_create(&options, &self.observer, &driver, &self.server) != 0) {
        fputs("turn_poll: these options make no server\n", stderr);
        return 1;
    }
    printf("listening %s:%d\n", ip, listener.port);
    fflush(stdout);
    run(&self);
    pjauth_turn_server_stop(self.server);
    put_out(&self);
    return pjauth_turn_server_destroy(self.server) != 0;
}
