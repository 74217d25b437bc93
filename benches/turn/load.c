/* Load for a TURN server on this machine, and what it costs the server: one measurement, printed as JSON.
 *
 * usage: load MODE --port PORT --pid SERVER_PID --user NAME --password TEXT
 *             [--peer PORT] [--flows N] [--size BYTES] [--burst N] [--window N] [--seconds S]
 *             [--held NAME] [--bare]
 *
 *   channel    ChannelData from every client, through the server, to one peer
 *   send       the same with Send indications
 *   between    ChannelData from the first half of the clients to the relayed addresses of the other half
 *   handshake  allocations, each from its first request to its grant; 80,000 of them, deleted on the way
 *   idle       resident memory of an allocation that does nothing
 *   held       what is left of the speed of `channel` while 100,000 requests wait for a decision
 *   rtt        one packet at a time, client to peer and back
 *   stream     writes of 16 KiB through a TCP relay of each client, to one peer
 *
 * Figures are per second of the server's CPU time, since generator and server share a machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"

enum { BATCH = 64, MOST_SIZE = 1400, HANDSHAKES = 80000, ROUND_TRIPS = 5000, HELD = 100000 };

static struct load load;

void die(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* The server's resident size in KiB. */
static long resident(void) {
    char line[256];
    long kib = 0;
    FILE *file;

    snprintf(line, sizeof(line), "/proc/%d/status", (int)load.server_pid);
    file = fopen(line, "r");
    if (file == NULL) {
        die(line);
    }
    while (fgets(line, sizeof(line), file) != NULL && sscanf(line, "VmRSS: %ld", &kib) != 1) {
    }
    fclose(file);
    return kib;
}

/* -- packets ------------------------------------------------------------------------------------------------------ */

/* One packet for each flow, made beforehand. */
static struct {
    uint8_t bytes[MOST_FLOWS][MOST_SIZE + 64];
    size_t length;
} packets;

static void make_channel_data(unsigned flow, uint16_t channel) {
    uint8_t head[4] = {(uint8_t)(channel >> 8), (uint8_t)channel, (uint8_t)(load.size >> 8), (uint8_t)load.size};

    memcpy(packets.bytes[flow], head, sizeof(head));
    memset(packets.bytes[flow] + 4, 'x', load.size);
    packets.length = 4 + load.size;
}

static void make_indication(unsigned flow, const struct sockaddr_in *peer) {
    static uint8_t payload[MOST_SIZE];
    struct stun_message message;

    stun_begin(&message, STUN_SEND_INDICATION);
    stun_add_peer(&message, peer);
    stun_add(&message, STUN_DATA, payload, load.size);
    memcpy(packets.bytes[flow], message.bytes, message.length);
    packets.length = message.length;
}

/* Sends a burst on one flow; returns how many packets the kernel took. */
static unsigned send_burst(unsigned flow) {
    struct iovec data = {packets.bytes[flow], packets.length};
    struct mmsghdr burst[BATCH];
    unsigned at;
    int sent;

    for (at = 0; at < load.burst; at++) {
        memset(&burst[at], 0, sizeof(burst[at]));
        burst[at].msg_hdr.msg_iov = &data;
        burst[at].msg_hdr.msg_iovlen = 1;
    }
    sent = sendmmsg(load.flows[flow].fd, burst, load.burst, 0);
    if (sent < 0 && errno != ECONNREFUSED) {
        die("sendmmsg");
    }
    return sent < 0 ? 0 : (unsigned)sent;
}

/* Takes what has arrived at a socket; only the number counts, so nothing is copied. */
static unsigned drain(int fd) {
    struct mmsghdr batch[BATCH];
    unsigned total = 0;
    int got;

    memset(batch, 0, sizeof(batch));
    do {
        got = recvmmsg(fd, batch, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
        total += got > 0 ? (unsigned)got : 0;
    } while (got == BATCH);
    return total;
}

static unsigned drain_ready(int set, int milliseconds) {
    struct epoll_event ready[BATCH];
    unsigned total = 0;
    int count = epoll_wait(set, ready, BATCH, milliseconds);
    int at;

    for (at = 0; at < count; at++) {
        total += drain(ready[at].data.fd);
    }
    return total;
}

static void watch(int set, int fd) {
    struct epoll_event event = {EPOLLIN, {.fd = fd}};

    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("epoll_ctl");
    }
}

struct count {
    int64_t sent;
    int64_t arrived;
    int64_t lost;
};

/* What was given up as lost may still arrive. */
static int64_t under_way(struct count *count) {
    if (count->lost > count->sent - count->arrived) {
        count->lost = count->sent - count->arrived;
    }
    return count->sent - count->arrived - count->lost;
}

/* Sends in turn on the first `senders` flows, with at most a window's packets under way. */
static struct count pump(int set, unsigned senders, double seconds) {
    struct count count = {0, 0, 0};
    double end = now() + seconds;
    unsigned flow = 0;

    while (now() < end) {
        int64_t room = (int64_t)load.window - under_way(&count);
        unsigned arrived;

        for (; room >= load.burst; room -= load.burst) {
            count.sent += send_burst(flow);
            flow = flow + 1 < senders ? flow + 1 : 0;
        }
        arrived = drain_ready(set, 20);
        count.arrived += arrived;
        if (arrived == 0) {
            count.lost = count.sent - count.arrived;
        }
    }
    return count;
}

/* What a load cost the server. */
struct cost {
    struct count count;
    double cpu;
    double per_cpu_second;
    double busy;
};

static struct cost measure(int set, unsigned senders) {
    struct cost cost;
    double start;

    pump(set, senders, load.seconds / 4);
    while (drain_ready(set, 50) > 0) {
    }
    start = now();
    cost.cpu = server_cpu(&load);
    cost.count = pump(set, senders, load.seconds);
    cost.cpu = server_cpu(&load) - cost.cpu;
    cost.per_cpu_second = (double)cost.count.arrived / cost.cpu;
    cost.busy = cost.cpu / (now() - start);
    return cost;
}

static void measure_packets(int set, unsigned senders) {
    struct cost cost = measure(set, senders);

    printf("{\"per_cpu_second\": %.0f, \"packets\": %" PRId64 ", \"lost\": %" PRId64 ", \"cpu\": %.3f, "
           "\"busy\": %.2f}\n",
           cost.per_cpu_second, cost.count.arrived, cost.count.lost, cost.cpu, cost.busy);
}

/* Every client gets a channel to one peer and a packet to send. Returns what to wait for. */
static int prepare_channels(int indications) {
    struct sockaddr_in peer;
    int set = epoll_create1(0);
    int sink = peer_socket(&load, &peer);
    unsigned at;

    watch(set, sink);
    if (!load.bare) {
        allocate_all(&load);
    }
    for (at = 0; at < load.flow_count; at++) {
        uint16_t channel = (uint16_t)(CHANNEL + (load.bare ? at : 0));

        if (!load.bare) {
            bind_channel(&load, &load.flows[at], channel, &peer);
        }
        if (indications) {
            make_indication(at, &peer);
        } else {
            make_channel_data(at, channel);
        }
    }
    return set;
}

static void to_peer(int indications) {
    measure_packets(prepare_channels(indications), load.flow_count);
}

static void beside_held_requests(void) {
    int set = prepare_channels(0);
    double before = measure(set, load.flow_count).per_cpu_second;
    double beside;

    hold(&load, HELD);
    beside = measure(set, load.flow_count).per_cpu_second;
    printf("{\"without\": %.0f, \"per_cpu_second\": %.0f, \"kept\": %.3f, \"held\": %d}\n", before, beside,
           beside / before, HELD);
}

static void between(void) {
    int set = epoll_create1(0);
    unsigned half = load.flow_count / 2;
    unsigned at;

    allocate_all(&load);
    for (at = 0; at < half; at++) {
        bind_channel(&load, &load.flows[at], CHANNEL, &load.flows[half + at].relayed);
        bind_channel(&load, &load.flows[half + at], CHANNEL, &load.flows[at].relayed);
        make_channel_data(at, CHANNEL);
        watch(set, load.flows[half + at].fd);
    }
    measure_packets(set, half);
}

/* -- allocations -------------------------------------------------------------------------------------------------- */

static void handshakes(void) {
    unsigned wave = load.flow_count;
    long before = resident();
    unsigned done = 0;
    double cpu = 0;

    close_clients(&load);
    while (done < HANDSHAKES) {
        double start;

        open_clients(&load, wave);
        start = server_cpu(&load);
        allocate_all(&load);
        cpu += server_cpu(&load) - start;
        delete_all(&load);
        close_clients(&load);
        done += wave;
    }
    sleep(1);
    printf("{\"per_cpu_second\": %.0f, \"handshakes\": %u, \"resident_before\": %ld, \"resident_after\": %ld}\n",
           done / cpu, done, before, resident());
}

static void idle(void) {
    unsigned count = load.flow_count;
    long before;

    /* What is made once is not an allocation's. */
    close_clients(&load);
    open_clients(&load, 100);
    allocate_all(&load);
    before = resident();
    open_clients(&load, count);
    allocate_all(&load);
    printf("{\"kib_each\": %.2f, \"allocations\": %u}\n", (double)(resident() - before) / count, count);
}

/* Sends back at the peer and waits at the client, without sleeping. 0 if the packet was lost. */
static int round_trip(int client, int peer) {
    double end = now() + 0.2;
    uint8_t bytes[2048];

    if (send(client, packets.bytes[0], packets.length, 0) < 0) {
        die("send");
    }
    while (now() < end) {
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        ssize_t length = recvfrom(peer, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, &size);

        if (length > 0 && sendto(peer, bytes, (size_t)length, 0, (struct sockaddr *)&from, size) < 0) {
            die("sendto");
        }
        if (recv(client, bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
            return 1;
        }
    }
    return 0;
}

static void round_trips(void) {
    static double times[ROUND_TRIPS];
    struct sockaddr_in address;
    int peer = peer_socket(&load, &address);
    unsigned count = 0;
    unsigned at;

    if (!load.bare) {
        allocate_all(&load);
        bind_channel(&load, &load.flows[0], CHANNEL, &address);
    }
    make_channel_data(0, CHANNEL);
    for (at = 0; at < ROUND_TRIPS; at++) {
        double start = now();

        if (round_trip(load.flows[0].fd, peer)) {
            times[count++] = (now() - start) * 1e6;
        }
        usleep(100);
    }
    print_round_trips(times, count, ROUND_TRIPS);
}

static void read_options(int argc, char **argv) {
    static const struct option options[] = {
        {"port", 1, NULL, 'p'},  {"pid", 1, NULL, 'i'},    {"user", 1, NULL, 'u'},
        {"password", 1, NULL, 'w'}, {"flows", 1, NULL, 'n'}, {"size", 1, NULL, 's'},
        {"burst", 1, NULL, 'b'}, {"window", 1, NULL, 'W'}, {"seconds", 1, NULL, 't'},
        {"peer", 1, NULL, 'P'},  {"bare", 0, NULL, 'B'},   {"held", 1, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    int option;

    load.flow_count = 50;
    load.size = 160;
    load.burst = 1;
    load.window = 192;
    load.seconds = 0.6;
    load.server.sin_family = AF_INET;
    load.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    load.client_net = 0x7F010000;
    load.peer_address = INADDR_LOOPBACK;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p': load.server.sin_port = htons((uint16_t)atoi(optarg)); break;
        case 'i': load.server_pid = atoi(optarg); break;
        case 'u': load.credential.user = optarg; break;
        case 'w': load.credential.password = optarg; break;
        case 'n': load.flow_count = (unsigned)atoi(optarg); break;
        case 's': load.size = (unsigned)atoi(optarg); break;
        case 'b': load.burst = (unsigned)atoi(optarg); break;
        case 'W': load.window = (unsigned)atoi(optarg); break;
        case 't': load.seconds = atof(optarg); break;
        case 'P': load.peer_port = (uint16_t)atoi(optarg); break;
        case 'h': load.held_user = optarg; break;
        case 'B': load.bare = 1; break;
        default: exit(2);
        }
    }
    if (load.flow_count > MOST_FLOWS || load.size > MOST_SIZE || load.burst > BATCH) {
        fprintf(stderr, "load: too many flows, too large a packet or burst\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";

    read_options(argc, argv);
    if (strcmp(mode, "stream") == 0) {
        measure_streams(&load);
        return 0;
    }
    open_clients(&load, load.flow_count);
    if (strcmp(mode, "channel") == 0) {
        to_peer(0);
    } else if (strcmp(mode, "send") == 0) {
        to_peer(1);
    } else if (strcmp(mode, "between") == 0) {
        between();
    } else if (strcmp(mode, "handshake") == 0) {
        handshakes();
    } else if (strcmp(mode, "idle") == 0) {
        idle();
    } else if (strcmp(mode, "held") == 0) {
        beside_held_requests();
    } else if (strcmp(mode, "rtt") == 0) {
        round_trips();
    } else {
        fprintf(stderr, "load: no mode \"%s\"\n", mode);
        return 2;
    }
    return 0;
}
