/* The ceiling of plain sockets: forwards ChannelData as a TURN server would, with batched system calls and the same
 * sockets, and checks nothing.
 *
 * usage: bare PORT PEER_PORT FLOWS
 *
 * Channel 0x4000 + n is flow n: its packets leave by the flow's own socket, and what comes back there goes to the
 * client that was heard last on the channel.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { BATCH = 64, ROOM = 2048, MOST_FLOWS = 8192, CHANNEL = 0x4000 };

static struct {
    int relay;
    struct sockaddr_in client;
} flows[MOST_FLOWS];

/* A batch of packets; each has four bytes of room before it for a header. */
static struct {
    uint8_t bytes[BATCH][4 + ROOM];
    struct sockaddr_in from[BATCH];
    struct iovec data[BATCH];
    struct mmsghdr in[BATCH];
    struct mmsghdr out[BATCH];
} batch;

static struct sockaddr_in peer;
static int listener;
static unsigned flow_count;

static int bound(uint16_t port) {
    struct sockaddr_in here = {0};
    int room = 4 << 20;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    here.sin_port = htons(port);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) != 0) {
        perror("bare");
        exit(1);
    }
    return fd;
}

static int receive(int fd) {
    int at;

    for (at = 0; at < BATCH; at++) {
        struct msghdr *head = &batch.in[at].msg_hdr;

        batch.data[at].iov_base = batch.bytes[at] + 4;
        batch.data[at].iov_len = ROOM;
        memset(head, 0, sizeof(*head));
        head->msg_iov = &batch.data[at];
        head->msg_iovlen = 1;
        head->msg_name = &batch.from[at];
        head->msg_namelen = sizeof(batch.from[at]);
    }
    return recvmmsg(fd, batch.in, BATCH, MSG_DONTWAIT, NULL);
}

static void queue(unsigned at, unsigned slot, uint8_t *bytes, size_t length, struct sockaddr_in *to) {
    struct msghdr *head = &batch.out[slot].msg_hdr;

    batch.data[at].iov_base = bytes;
    batch.data[at].iov_len = length;
    memset(head, 0, sizeof(*head));
    head->msg_iov = &batch.data[at];
    head->msg_iovlen = 1;
    head->msg_name = to;
    head->msg_namelen = sizeof(*to);
}

static unsigned flow_of(unsigned at) {
    const uint8_t *bytes = batch.bytes[at] + 4;
    unsigned flow = (unsigned)(bytes[0] << 8 | bytes[1]) - CHANNEL;

    return flow < flow_count ? flow : 0;
}

/* Packets of the same flow that came together leave together. */
static void from_clients(void) {
    int count = receive(listener);
    uint8_t gone[BATCH] = {0};
    int at;

    for (at = 0; at < count; at++) {
        unsigned flow = flow_of((unsigned)at);
        unsigned run = 0;
        int next;

        for (next = at; next < count; next++) {
            if (!gone[next] && flow_of((unsigned)next) == flow) {
                uint8_t *bytes = batch.bytes[next] + 4;

                gone[next] = 1;
                flows[flow].client = batch.from[next];
                queue((unsigned)next, run++, bytes + 4, (size_t)(bytes[2] << 8 | bytes[3]), &peer);
            }
        }
        if (run > 0) {
            sendmmsg(flows[flow].relay, batch.out, run, 0);
        }
    }
}

static void from_peer(unsigned flow) {
    int count = receive(flows[flow].relay);
    int at;

    for (at = 0; at < count; at++) {
        size_t length = batch.in[at].msg_len;
        unsigned channel = CHANNEL + flow;
        uint8_t head[4] = {(uint8_t)(channel >> 8), (uint8_t)channel, (uint8_t)(length >> 8), (uint8_t)length};

        memcpy(batch.bytes[at], head, sizeof(head));
        queue((unsigned)at, (unsigned)at, batch.bytes[at], 4 + length, &flows[flow].client);
    }
    if (count > 0) {
        sendmmsg(listener, batch.out, (unsigned)count, 0);
    }
}

static void watch(int set, int fd, uint32_t number) {
    struct epoll_event event = {EPOLLIN, {.u32 = number}};

    epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv) {
    int set = epoll_create1(0);
    unsigned at;

    if (argc != 4 || (flow_count = (unsigned)atoi(argv[3])) > MOST_FLOWS) {
        fprintf(stderr, "usage: bare PORT PEER_PORT FLOWS\n");
        return 2;
    }
    listener = bound((uint16_t)atoi(argv[1]));
    watch(set, listener, MOST_FLOWS);
    peer.sin_family = AF_INET;
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer.sin_port = htons((uint16_t)atoi(argv[2]));
    for (at = 0; at < flow_count; at++) {
        flows[at].relay = bound(0);
        watch(set, flows[at].relay, at);
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event ready[BATCH];
        int count = epoll_wait(set, ready, BATCH, -1);

        while (count-- > 0) {
            if (ready[count].data.u32 == MOST_FLOWS) {
                from_clients();
            } else {
                from_peer(ready[count].data.u32);
            }
        }
    }
}
