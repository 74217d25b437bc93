/* What a system does to a TURN server. The case is the program's argument. */
#define _GNU_SOURCE
#include "relay.h"
#include "clock.h"
#include "threads.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int peer_open(uint16_t *port)
{
    struct sockaddr_in address = loopback(*port);
    struct timeval patience = {5, 0};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

int peer_reached(struct wire *wire, int peer, size_t size)
{
    char data[2048];
    wire_data(wire, size);
    return recv(peer, data, sizeof(data), 0) == (ssize_t)size;
}

int client_reached(struct wire *wire, int peer)
{
    static const uint8_t expected[] = {0x40, 0, 0, 4, 'd', 'a', 't', 'a'};
    struct sockaddr_in relay = loopback(wire->relayed_port);
    struct pollfd ready = {wire->fd, POLLIN, 0};
    uint8_t data[2048];
    ssize_t size;
    if (sendto(peer, "data", 4, 0, (struct sockaddr *)&relay, sizeof(relay)) != 4)
        return 0;
    do {
        if (poll(&ready, 1, PATIENCE) != 1)
            return 0;
        size = recv(wire->fd, data, sizeof(data), 0);
        /* What came before it as a Data indication is an ICMP error that the client is told of. */
    } while (size > 2 && data[0] == 0 && data[1] == 0x17);
    return size == (ssize_t)sizeof(expected) && memcmp(data, expected, sizeof(expected)) == 0;
}

/* The table is full: no relay socket for the newcomer, who is told so; those who have one go on. */
void descriptors_run_out(void)
{
    struct rlimit limit, before;
    struct wire old, new;
    struct stand stand;
    uint16_t port = 0;
    int peer = peer_open(&port);

    stand_start(&stand, NULL);
    stand_allocate(&stand, &old);
    CHECK(wire_bind(&old, "ann", REALM, port) == 0);
    CHECK(wire_open(&new, stand.address) == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    limit = before;
    limit.rlim_cur = 1;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(wire_allocate(&new, "ann", REALM) == 508);
    CHECK(peer_reached(&old, peer, 100) && client_reached(&old, peer));
    CHECK(wire_refresh(&old, "ann", REALM, 600) == 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(wire_allocate(&new, "ann", REALM) == 0);
    CHECK(wire_bind(&new, "ann", REALM, port) == 0 && peer_reached(&new, peer, 200));
    CHECK(stand.created == 2 && stand.removed == 0);
    wire_close(&old);
    wire_close(&new);
    close(peer);
    stand_end(&stand);
}

static uint16_t only_port;

static void one_port(struct pjauth_turn_options *options)
{
    options->min_port = options->max_port = only_port;
}

/* The only port is another program's, then a client's; whoever comes when it is free gets it. */
void ports_run_out(void)
{
    struct wire first, second;
    struct stand stand;
    int foreign;

    only_port = 0;
    foreign = peer_open(&only_port);
    stand_start(&stand, one_port);
    CHECK(wire_open(&first, stand.address) == 0 && wire_open(&second, stand.address) == 0);
    CHECK(wire_allocate(&first, "ann", REALM) == 508);
    close(foreign);
    CHECK(wire_allocate(&first, "ann", REALM) == 0 && first.relayed_port == only_port);
    CHECK(wire_allocate(&second, "ann", REALM) == 508);
    CHECK(wire_refresh(&first, "ann", REALM, 0) == 0 && stand_wait(&stand, &stand.removed, 1));
    CHECK(wire_allocate(&second, "ann", REALM) == 0 && second.relayed_port == only_port);
    wire_close(&first);
    wire_close(&second);
    stand_end(&stand);
}

static void two_workers(struct pjauth_turn_options *options)
{
    options->workers = 2;
}

/* Of two threads the system gives one: the server says why it does not start, and starts when there are two. */
void threads_run_out(void)
{
    struct stand stand;
    struct wire wire;

    stand_start(&stand, two_workers);
    CHECK(pjauth_turn_server_stop(stand.server) == 0);
    threads_left(1);
    CHECK(pjauth_turn_server_start(stand.server) == 120000 + EAGAIN);
    CHECK(threads_refused() == 1);
    threads_left(-1);
    CHECK(pjauth_turn_server_start(stand.server) == 0);
    CHECK(pjauth_turn_server_listener(stand.server, 0, NULL, stand.address, sizeof(stand.address)) > 0);
    stand_allocate(&stand, &wire);
    wire_close(&wire);
    stand_end(&stand);
}

/* Datagrams to a peer and to a client whose ports are closed come back as ICMP errors. */
void closed_ports(void)
{
    struct wire gone, wire;
    struct stand stand;
    uint16_t port = 0;
    int i, peer = peer_open(&port);

    stand_start(&stand, NULL);
    stand_allocate(&stand, &wire);
    stand_allocate(&stand, &gone);
    CHECK(wire_bind(&wire, "ann", REALM, port) == 0 && wire_bind(&gone, "ann", REALM, port) == 0);
    CHECK(client_reached(&gone, peer));
    wire_close(&gone);
    for (i = 0; i < 20; ++i) {
        struct sockaddr_in relay = loopback(gone.relayed_port);
        CHECK(sendto(peer, "data", 4, 0, (struct sockaddr *)&relay, sizeof(relay)) == 4);
    }
    CHECK(peer_reached(&wire, peer, 100) && client_reached(&wire, peer));
    close(peer);
    for (i = 0; i < 20; ++i) {
        wire_data(&wire, 50);
        usleep(1000);
    }
    CHECK(wire_refresh(&wire, "ann", REALM, 600) == 0);
    peer = peer_open(&port);
    CHECK(peer_reached(&wire, peer, 100) && client_reached(&wire, peer));
    CHECK(stand.removed == 0);
    wire_close(&wire);
    close(peer);
    stand_end(&stand);
}

/* The wall clock goes a day ahead, then a day back: nonces, lifetimes and the end of an allocation stay right. */
void clock_jumps(void)
{
    static const long long day = 86400, jumps[] = {86400, -86400, 86400LL * 365 * 10};
    pjauth_turn_allocation *allocation;
    struct wire wire, new;
    struct stand stand;
    unsigned i, reads = clock_reads();

    stand_start(&stand, NULL);
    allocation = stand_allocate(&stand, &wire);
    CHECK(clock_reads() > reads);
    for (i = 0; i < sizeof(jumps) / sizeof(*jumps); ++i) {
        clock_off_by(jumps[i]);
        /* With the nonce from before: not 438. */
        CHECK(wire_refresh(&wire, "ann", REALM, 600) == 0);
        CHECK(pjauth_turn_allocation_time_remaining(allocation) > 590000);
        CHECK(pjauth_turn_allocation_time_remaining(allocation) <= 600000);
        stand_allocate(&stand, &new);
        CHECK(wire_refresh(&new, "ann", REALM, 0) == 0 && stand_wait(&stand, &stand.removed, (int)i + 1));
        wire_close(&new);
    }
    CHECK(pjauth_turn_allocation_set_lifetime(allocation, 300) == 0);
    clock_off_by(-day);
    CHECK(stand_wait(&stand, &stand.removed, (int)i + 1) && stand.last.reason == PJAUTH_TURN_EXPIRED);
    wire_close(&wire);
    stand_end(&stand);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"descriptors", descriptors_run_out},
                 {"ports", ports_run_out},
                 {"threads", threads_run_out},
                 {"closed_ports", closed_ports},
                 {"stopped", stopped},
                 {"forked", forked},
                 {"clock", clock_jumps}};
    size_t i;
    for (i = 0; i < sizeof(cases) / sizeof(*cases); ++i)
        if (argc == 2 && strcmp(argv[1], cases[i].name) == 0) {
            alarm(120); /* a deadlock is a failure */
            cases[i].run();
            puts(failures ? "failed" : "passed");
            return failures != 0;
        }
    fprintf(stderr, "usage: %s CASE\n", argv[0]);
    return 2;
}
