/* Load for a TURN server in a network namespace, between a host of clients and a peer's: one measurement, printed as JSON.
 *
 * usage: frames MODE --near NETNS --middle NETNS --far NETNS --server IP --peer IP --clients NET --mac SERVER_MAC
 *               --pid SERVER_PID --user NAME --password TEXT [--flows N] [--size BYTES] [--window N] [--seconds S]
 *
 *   to-peer    ChannelData from every client, each of which has one channel
 *   to-client  what the peer sends to every client's relayed address
 *   rtt        one packet at a time, client to peer and back
 *
 * NETNS is a file that names a namespace (/run/netns/...): the server's interfaces are eth0, to the clients, and eth1, and
 * the others' eth0. SERVER_MAC is that of its interface on the side that sends. Clients have addresses of NET, a /16. In
 * the first two modes frames come in at the server's interface as they would from the wire (feed.h), and are counted where
 * the other host gets them. When all channels are bound it prints "ready" and waits for a line.
 *
 * What it says of the server's core, the first, are ticks of /proc/stat while the packets went.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feed.h"
#include "load.h"

enum { MOST_SIZE = 1400, AT_ONCE = 3 * 1000 * 1000, HEADS = 14 + 20 + 8, PORT = 3478, PEER_PORT = 7000, ROUND_TRIPS = 3000 };

static struct load load;
static const char *near_host, *far_host, *server_host;
static uint8_t mac[6];

/* One frame for each flow, made beforehand. */
static struct {
    uint8_t bytes[MOST_FLOWS][HEADS + 4 + MOST_SIZE];
    size_t length;
} frames;

void die(const char *what) {
    fprintf(stderr, "frames: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void enter(const char *host) {
    int fd = open(host, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) {
        die(host);
    }
    close(fd);
}

static void wait_for_the_word(void) {
    printf("ready\n");
    fflush(stdout);
    getchar();
}

/* -- frames ------------------------------------------------------------------------------------------------------- */

static uint32_t sum(const void *bytes, size_t length, uint32_t total) {
    const uint8_t *at = bytes;
    size_t i;

    for (i = 0; i < length; i++) {
        total += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
    }
    return total;
}

static uint16_t folded(uint32_t total) {
    total = (total & 0xFFFF) + (total >> 16);
    total = (total & 0xFFFF) + (total >> 16);
    return htons((uint16_t)~total);
}

static void make_frame(uint8_t *frame, const struct sockaddr_in *from, const struct sockaddr_in *to, uint16_t channel) {
    uint8_t *payload = frame + HEADS;
    uint8_t head[4] = {(uint8_t)(channel >> 8), (uint8_t)channel, (uint8_t)(load.size >> 8), (uint8_t)load.size};
    size_t in_head = channel != 0 ? sizeof(head) : 0;
    uint16_t length = (uint16_t)(sizeof(struct udphdr) + in_head + load.size);
    struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
    struct udphdr udp = {.uh_sport = from->sin_port, .uh_dport = to->sin_port, .uh_ulen = htons(length)};
    uint32_t total;

    memcpy(frame, mac, sizeof(mac));
    frame[6] = 2; /* the sender's own MAC address: one of no maker's */
    frame[12] = ETH_P_IP >> 8;
    ip.tot_len = htons((uint16_t)(sizeof(ip) + length));
    ip.frag_off = htons(IP_DF);
    ip.saddr = from->sin_addr.s_addr;
    ip.daddr = to->sin_addr.s_addr;
    ip.check = folded(sum(&ip, sizeof(ip), 0));
    memcpy(payload, head, in_head);
    memset(payload + in_head, 'x', load.size);
    total = sum(&ip.saddr, 8, IPPROTO_UDP + length);
    total = sum(payload, in_head + load.size, sum(&udp, sizeof(udp), total));
    udp.uh_sum = folded(total);
    memcpy(frame + 14, &ip, sizeof(ip));
    memcpy(frame + 14 + sizeof(ip), &udp, sizeof(udp));
    frames.length = HEADS + in_head + load.size;
}

static void make_frames(int to_client, const struct sockaddr_in *peer) {
    unsigned at;

    for (at = 0; at < load.flow_count; at++) {
        struct flow *flow = &load.flows[at];
        struct sockaddr_in client;
        socklen_t size = sizeof(client);

        if (getsockname(flow->fd, (struct sockaddr *)&client, &size) != 0) {
            die("getsockname");
        }
        if (to_client) {
            make_frame(frames.bytes[at], peer, &flow->relayed, 0);
        } else {
            make_frame(frames.bytes[at], &client, &load.server, CHANNEL);
        }
    }
}

/* -- what happens meanwhile --------------------------------------------------------------------------------------- */

enum { USER, NICE, SYSTEM, IDLE, WAITING, IRQ, SOFTIRQ, STOLEN, KINDS };

/* Ticks of the first core. */
static void read_core(unsigned long long ticks[KINDS]) {
    FILE *file = fopen("/proc/stat", "r");
    int at, read;

    if (file == NULL) {
        die("/proc/stat");
    }
    read = fscanf(file, "%*[^\n] cpu0");
    for (at = 0; at < KINDS && read >= 0; at++) {
        read = fscanf(file, "%llu", &ticks[at]);
    }
    fclose(file);
}

struct moment {
    double time;
    double server; /* seconds that its threads have run, interrupts on top of them included */
    uint64_t arrived;
    unsigned long long core[KINDS];
};

static void observe(const struct feed *feed, struct moment *moment) {
    moment->arrived = feed_arrived(feed);
    moment->time = now();
    moment->server = server_cpu(&load);
    read_core(moment->core);
}

static void measure(int to_client, const struct sockaddr_in *peer) {
    struct moment first, last;
    unsigned long long ticks[KINDS];
    unsigned flow, interface;
    struct feed feed;
    double end;
    int at;

    make_frames(to_client, peer);
    feed_open(&feed, load.flow_count, load.window);
    for (flow = 0; flow < load.flow_count; flow++) {
        feed_head(&feed, flow, frames.bytes[flow]);
    }
    wait_for_the_word();
    enter(to_client ? near_host : far_host);
    feed_take(&feed, if_nametoindex("eth0"));
    enter(server_host);
    interface = if_nametoindex(to_client ? "eth1" : "eth0");
    feed_send(&feed, interface, frames.bytes[0], frames.length, AT_ONCE);
    observe(&feed, &first);
    for (end = first.time + load.seconds; now() < end;) {
        feed_send(&feed, interface, frames.bytes[0], frames.length, AT_ONCE);
    }
    observe(&feed, &last);
    for (at = 0; at < KINDS; at++) {
        ticks[at] = last.core[at] - first.core[at];
    }
    printf("{\"packets\": %llu, \"all\": %llu, \"seconds\": %.3f, \"server\": %.3f, ",
           (unsigned long long)(last.arrived - first.arrived), (unsigned long long)last.arrived,
           last.time - first.time, last.server - first.server);
    printf("\"ticks\": {\"second\": %ld, \"user\": %llu, \"nice\": %llu, \"system\": %llu, \"idle\": %llu, \"irq\": %llu, "
           "\"softirq\": %llu, \"stolen\": %llu}}\n",
           sysconf(_SC_CLK_TCK), ticks[USER], ticks[NICE], ticks[SYSTEM], ticks[IDLE] + ticks[WAITING], ticks[IRQ],
           ticks[SOFTIRQ], ticks[STOLEN]);
}

/* -- round trips -------------------------------------------------------------------------------------------------- */

static ssize_t receive(int fd, uint8_t *bytes, size_t room, struct sockaddr_in *from) {
    struct pollfd ready = {fd, POLLIN, 0};
    socklen_t size = sizeof(*from);

    return poll(&ready, 1, 500) == 1 ? recvfrom(fd, bytes, room, 0, (struct sockaddr *)from, &size) : -1;
}

static int round_trip(int peer) {
    uint8_t bytes[2048];
    struct sockaddr_in from;
    ssize_t length;

    if (send(load.flows[0].fd, frames.bytes[0] + HEADS, frames.length - HEADS, 0) < 0) {
        die("send");
    }
    length = receive(peer, bytes, sizeof(bytes), &from);
    return length >= 0 && sendto(peer, bytes, (size_t)length, 0, (struct sockaddr *)&from, sizeof(from)) == length &&
           receive(load.flows[0].fd, bytes, sizeof(bytes), &from) == length + 4;
}

static void round_trips(int peer_fd, const struct sockaddr_in *peer) {
    static double times[ROUND_TRIPS];
    unsigned count = 0;
    unsigned at;

    make_frames(0, peer);
    wait_for_the_word();
    for (at = 0; at < ROUND_TRIPS; at++) {
        double start = now();

        if (round_trip(peer_fd)) {
            times[count++] = (now() - start) * 1e6;
        }
        usleep(100);
    }
    print_round_trips(times, count, ROUND_TRIPS);
}

static void read_options(int argc, char **argv) {
    static const struct option options[] = {
        {"near", 1, NULL, 'a'}, {"middle", 1, NULL, 'M'}, {"far", 1, NULL, 'f'},      {"server", 1, NULL, 'S'}, {"peer", 1, NULL, 'P'},
        {"mac", 1, NULL, 'm'},  {"clients", 1, NULL, 'c'},  {"user", 1, NULL, 'u'},   {"password", 1, NULL, 'w'},
        {"flows", 1, NULL, 'n'}, {"size", 1, NULL, 's'},    {"window", 1, NULL, 'W'}, {"seconds", 1, NULL, 't'},
        {"pid", 1, NULL, 'i'},
        {NULL, 0, NULL, 0}};
    int option;

    load.flow_count = 50;
    load.size = 160;
    load.window = 192;
    load.seconds = 1;
    load.server.sin_family = AF_INET;
    load.server.sin_port = htons(PORT);
    load.peer_port = PEER_PORT;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'a': near_host = optarg; break;
        case 'f': far_host = optarg; break;
        case 'i': load.server_pid = atoi(optarg); break;
        case 'M': server_host = optarg; break;
        case 'S': load.server.sin_addr.s_addr = inet_addr(optarg); break;
        case 'P': load.peer_address = ntohl(inet_addr(optarg)); break;
        case 'c': load.client_net = ntohl(inet_addr(optarg)); break;
        case 'm':
            sscanf(optarg, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5);
            break;
        case 'u': load.credential.user = optarg; break;
        case 'w': load.credential.password = optarg; break;
        case 'n': load.flow_count = (unsigned)atoi(optarg); break;
        case 's': load.size = (unsigned)atoi(optarg); break;
        case 'W': load.window = (unsigned)atoi(optarg); break;
        case 't': load.seconds = atof(optarg); break;
        default: exit(2);
        }
    }
    if (load.flow_count > MOST_FLOWS || load.size > MOST_SIZE || near_host == NULL || far_host == NULL) {
        fprintf(stderr, "frames: too many flows, too large a packet, or no hosts\n");
        exit(2);
    }
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    struct sockaddr_in peer;
    unsigned at;
    int fd;

    read_options(argc, argv);
    enter(far_host);
    fd = peer_socket(&load, &peer);
    enter(near_host);
    open_clients(&load, load.flow_count);
    allocate_all(&load);
    for (at = 0; at < load.flow_count; at++) {
        bind_channel(&load, &load.flows[at], CHANNEL, &peer);
    }
    if (strcmp(mode, "rtt") == 0) {
        round_trips(fd, &peer);
    } else {
        measure(strcmp(mode, "to-client") == 0, &peer);
    }
    return 0;
}
