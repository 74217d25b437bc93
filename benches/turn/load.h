/* The load generator's parts. */
#ifndef LOAD_H
#define LOAD_H

#include <sys/socket.h>
#include <sys/types.h>

#include "stun.h"

enum { CHANNEL = 0x4000, MOST_FLOWS = 8192 };

/* A client with an allocation. */
struct flow {
    int fd;
    struct stun_nonce nonce;
    struct sockaddr_in relayed;
};

struct load {
    struct sockaddr_in server;
    pid_t server_pid;
    struct stun_credential credential;
    uint32_t client_net;   /* the first two bytes of the clients' addresses */
    uint32_t peer_address; /* where the peer receives */
    uint16_t peer_port;    /* 0 for any */
    const char *held_user; /* about whom the server never decides */
    int bare;        /* the server is the bare loop, which knows no STUN */
    unsigned size;   /* bytes of payload in a packet */
    unsigned burst;  /* packets sent on one flow before the next has its turn */
    unsigned window; /* packets under way at most */
    double seconds;
    unsigned flow_count;
    struct flow flows[MOST_FLOWS];
};

void die(const char *what);

/* times.c: seconds of a clock that goes on, and what round trips took, in microseconds; they are sorted. */
double now(void);
void print_round_trips(double *times, unsigned count, unsigned sent);

/* Seconds that the server's threads have run. */
double server_cpu(const struct load *load);

int peer_socket(const struct load *load, struct sockaddr_in *address);

/* streams.c: what TCP relays carry, printed. */
void measure_streams(struct load *load);

/* clients.c: sockets, allocations, permissions and channels. */
void open_clients(struct load *load, unsigned count);
void close_clients(struct load *load);
void allocate_all(struct load *load);
void delete_all(struct load *load);

/* Makes requests that wait for a decision, each from a client of its own. */
void hold(struct load *load, unsigned count);
void bind_channel(struct load *load, struct flow *flow, uint16_t channel, const struct sockaddr_in *peer);

#endif
