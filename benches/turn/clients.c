#include <arpa/inet.h>
#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

enum { ATTEMPTS = 20, PATIENCE_MS = 250, ABREAST = 32 };

/* What a client may be waiting for. */
enum stage { CHALLENGE, GRANT, DONE };

static void request_allocation(struct load *load, struct flow *flow, int signed_too) {
    static const uint8_t udp[4] = {17};
    struct stun_message message;

    stun_begin(&message, STUN_ALLOCATE);
    stun_add(&message, STUN_REQUESTED_TRANSPORT, udp, sizeof(udp));
    if (signed_too) {
        stun_sign(&message, &load->credential, &flow->nonce);
    }
    if (send(flow->fd, message.bytes, message.length, 0) < 0) {
        die("send");
    }
}

/* Waits for a datagram; 0 if none comes in time. */
static size_t receive(int fd, uint8_t *bytes, size_t room) {
    struct pollfd ready = {fd, POLLIN, 0};
    ssize_t length;

    if (poll(&ready, 1, PATIENCE_MS) <= 0) {
        return 0;
    }
    length = recv(fd, bytes, room, MSG_DONTWAIT);
    return length > 0 ? (size_t)length : 0;
}

/* Takes a reply to an Allocate request. */
static enum stage advance(struct load *load, struct flow *flow, enum stage stage, const uint8_t *bytes,
                          size_t length) {
    uint16_t type = stun_type(bytes, length);

    if (type == (STUN_ALLOCATE | STUN_ERROR) &&
        stun_take_challenge(bytes, length, &load->credential, &flow->nonce)) {
        request_allocation(load, flow, 1);
        return GRANT;
    }
    if (type == (STUN_ALLOCATE | STUN_SUCCESS) && stun_address(bytes, length, STUN_RELAYED, &flow->relayed)) {
        return DONE;
    }
    if (type == (STUN_ALLOCATE | STUN_ERROR)) {
        size_t size;
        const uint8_t *code = stun_find(bytes, length, STUN_ERROR_CODE, &size);

        fprintf(stderr, "load: Allocate is answered with %d\n", code != NULL ? code[2] * 100 + code[3] : 0);
        die("allocate");
    }
    return stage;
}

/* Some handshakes side by side, so that the server is not woken for each packet alone. */
static void allocate_some(struct load *load, struct flow *flows, unsigned count) {
    enum stage stages[ABREAST] = {CHALLENGE};
    unsigned done = 0;
    unsigned attempts = 0;
    unsigned at;

    for (at = 0; at < count; at++) {
        request_allocation(load, &flows[at], 0);
    }
    while (done < count && attempts < ATTEMPTS) {
        for (at = 0; at < count; at++) {
            uint8_t bytes[2048];
            size_t length = stages[at] == DONE ? 0 : receive(flows[at].fd, bytes, sizeof(bytes));

            if (length > 0) {
                stages[at] = advance(load, &flows[at], stages[at], bytes, length);
                done += stages[at] == DONE;
            } else if (stages[at] != DONE) {
                request_allocation(load, &flows[at], stages[at] == GRANT);
                attempts++;
            }
        }
    }
    if (done < count) {
        die("allocate: no answer");
    }
}

void allocate_all(struct load *load) {
    unsigned at;

    for (at = 0; at < load->flow_count; at += ABREAST) {
        unsigned rest = load->flow_count - at;

        allocate_some(load, load->flows + at, rest < ABREAST ? rest : ABREAST);
    }
}

/* Sends a signed request until it is answered with success. */
static void transact(struct load *load, struct flow *flow, uint16_t type, struct stun_message *message) {
    unsigned attempts;

    stun_sign(message, &load->credential, &flow->nonce);
    for (attempts = 0; attempts < ATTEMPTS; attempts++) {
        uint8_t bytes[2048];
        size_t length;

        if (send(flow->fd, message->bytes, message->length, 0) < 0) {
            die("send");
        }
        while ((length = receive(flow->fd, bytes, sizeof(bytes))) > 0) {
            if (stun_type(bytes, length) == (type | STUN_SUCCESS)) {
                return;
            }
            if (stun_type(bytes, length) == (type | STUN_ERROR)) {
                die("a request is refused");
            }
        }
    }
    die("a request is not answered");
}

void delete_all(struct load *load) {
    static const uint8_t zero[4];
    struct stun_message message;
    unsigned at;

    for (at = 0; at < load->flow_count; at++) {
        stun_begin(&message, STUN_REFRESH);
        stun_add(&message, STUN_LIFETIME, zero, sizeof(zero));
        transact(load, &load->flows[at], STUN_REFRESH, &message);
    }
}

void bind_channel(struct load *load, struct flow *flow, uint16_t channel, const struct sockaddr_in *peer) {
    uint8_t number[4] = {(uint8_t)(channel >> 8), (uint8_t)channel};
    struct stun_message message;

    stun_begin(&message, STUN_CHANNEL);
    stun_add(&message, STUN_CHANNEL_NUMBER, number, sizeof(number));
    stun_add_peer(&message, peer);
    transact(load, flow, STUN_CHANNEL, &message);
}

static int udp_socket(uint32_t address, uint16_t port) {
    struct sockaddr_in here = {0};
    int room = 4 << 20;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(address);
    here.sin_port = htons(port);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) != 0) {
        die("socket");
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    return fd;
}

int peer_socket(const struct load *load, struct sockaddr_in *address) {
    int fd = udp_socket(load->peer_address, load->peer_port);
    socklen_t size = sizeof(*address);

    if (getsockname(fd, (struct sockaddr *)address, &size) != 0) {
        die("getsockname");
    }
    return fd;
}

/* Every client has an address of its own, so that no limit per source is met. */
static int client_socket(const struct load *load) {
    static uint32_t clients;
    int fd;

    clients++;
    fd = udp_socket(load->client_net + (clients / 250 % 250 << 8) + clients % 250 + 1, 0);
    if (connect(fd, (struct sockaddr *)&load->server, sizeof(load->server)) != 0) {
        die("connect");
    }
    return fd;
}

void open_clients(struct load *load, unsigned count) {
    for (load->flow_count = 0; load->flow_count < count; load->flow_count++) {
        load->flows[load->flow_count].fd = client_socket(load);
    }
}

void hold(struct load *load, unsigned count) {
    struct stun_credential nobody = {.user = load->held_user, .password = "none"};
    struct stun_credential own = load->credential;
    unsigned at;

    load->credential = nobody;
    while (count-- > 0) {
        struct flow flow = {.fd = client_socket(load)};
        enum stage stage = CHALLENGE;

        request_allocation(load, &flow, 0);
        for (at = 0; at < ATTEMPTS && stage == CHALLENGE; at++) {
            uint8_t bytes[2048];
            size_t length = receive(flow.fd, bytes, sizeof(bytes));

            stage = advance(load, &flow, stage, bytes, length);
        }
        if (stage != GRANT) {
            die("hold: no challenge");
        }
        close(flow.fd);
    }
    load->credential = own;
}

void close_clients(struct load *load) {
    while (load->flow_count > 0) {
        close(load->flows[--load->flow_count].fd);
    }
}

double server_cpu(const struct load *of) {
    char path[64];
    double total = 0;
    struct dirent *entry;
    DIR *tasks;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)of->server_pid);
    tasks = opendir(path);
    if (tasks == NULL) {
        die(path);
    }
    while ((entry = readdir(tasks)) != NULL) {
        char name[512];
        uint64_t nanoseconds;
        FILE *file;

        snprintf(name, sizeof(name), "%s/%s/schedstat", path, entry->d_name);
        file = entry->d_name[0] == '.' ? NULL : fopen(name, "r");
        if (file != NULL) {
            if (fscanf(file, "%" SCNu64, &nanoseconds) == 1) {
                total += (double)nanoseconds;
            }
            fclose(file);
        }
    }
    closedir(tasks);
    return total / 1e9;
}
