/* The ceiling of streams: joins each connection with one to the peer by splice(2), and checks nothing.
 *
 * usage: splice PORT PEER_PORT
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, PIECE = 1 << 16, MOST = 4096 };

/* One way of a connection: from the end that it is named after to the other, through a pipe. */
static struct {
    int to;
    int pipe[2];
    size_t inside;
} ways[MOST];

static int set;

static void require(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static struct sockaddr_in loopback(const char *port) {
    struct sockaddr_in address = {0};

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atoi(port));
    return address;
}

static void wait_for(int operation, int fd, uint32_t events) {
    struct epoll_event event = {events, {.fd = fd}};

    require(epoll_ctl(set, operation, fd, &event), "epoll_ctl");
}

static void join(int from, int to) {
    if (from >= MOST) {
        exit(1);
    }
    ways[from].to = to;
    ways[from].inside = 0;
    require(pipe2(ways[from].pipe, O_NONBLOCK), "pipe2");
    fcntl(ways[from].pipe[0], F_SETPIPE_SZ, PIECE);
    fcntl(from, F_SETFL, O_NONBLOCK);
    wait_for(EPOLL_CTL_ADD, from, EPOLLIN);
}

static void accept_one(int listener, const struct sockaddr_in *peer) {
    int client = accept(listener, NULL, NULL);
    int other = socket(AF_INET, SOCK_STREAM, 0);

    require(client, "accept");
    require(connect(other, (const struct sockaddr *)peer, sizeof(*peer)), "connect");
    join(client, other);
    join(other, client);
}

/* Moves what there is; what the other end does not take waits in the pipe, and the reading with it. */
static void move(int from) {
    int to = ways[from].to;
    ssize_t got = 0;
    ssize_t gone;

    if (ways[from].inside == 0) {
        got = splice(from, NULL, ways[from].pipe[1], NULL, PIECE, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (got <= 0) {
            wait_for(EPOLL_CTL_MOD, from, 0);
            return;
        }
        ways[from].inside = (size_t)got;
    }
    gone = splice(ways[from].pipe[0], NULL, to, NULL, ways[from].inside, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    ways[from].inside -= gone > 0 ? (size_t)gone : 0;
    if (ways[from].inside > 0) {
        wait_for(EPOLL_CTL_MOD, from, 0);
        wait_for(EPOLL_CTL_MOD, to, EPOLLIN | EPOLLOUT);
    } else if (got == 0) {
        wait_for(EPOLL_CTL_MOD, from, EPOLLIN);
        wait_for(EPOLL_CTL_MOD, to, EPOLLIN);
    }
}

int main(int argc, char **argv) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    struct sockaddr_in here, peer;

    if (argc < 3) {
        return 2;
    }
    here = loopback(argv[1]);
    peer = loopback(argv[2]);
    set = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    require(bind(listener, (struct sockaddr *)&here, sizeof(here)), "bind");
    require(listen(listener, 128), "listen");
    wait_for(EPOLL_CTL_ADD, listener, EPOLLIN);
    for (;;) {
        struct epoll_event ready[BATCH];
        int count = epoll_wait(set, ready, BATCH, -1);
        int at;

        for (at = 0; at < count; at++) {
            int fd = ready[at].data.fd;

            if (fd == listener) {
                accept_one(listener, &peer);
            } else {
                if (ready[at].events & EPOLLOUT) {
                    move(ways[fd].to);
                }
                if (ready[at].events & ~(uint32_t)EPOLLOUT) {
                    move(fd);
                }
            }
        }
    }
}
