#include "wire.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { USERNAME = 0x06, INTEGRITY = 0x08, ERROR_CODE = 0x09, REALM = 0x14, NONCE = 0x15, REQUESTED_TRANSPORT = 0x19 };

int wire_open(struct wire *wire, const char *address)
{
    struct sockaddr_in server;
    const char *port = strrchr(address, ':');
    memset(wire, 0, sizeof(*wire));
    memset(&server, 0, sizeof(server));
    server.sin_family = AF_INET;
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.sin_port = htons((uint16_t)(port ? atoi(port + 1) : 0));
    wire->fd = socket(AF_INET, SOCK_DGRAM, 0);
    return connect(wire->fd, (struct sockaddr *)&server, sizeof(server));
}

void wire_close(struct wire *wire)
{
    close(wire->fd);
}

static size_t attribute(uint8_t *at, int type, const void *value, size_t size)
{
    memset(at, 0, 4 + ((size + 3) & ~(size_t)3));
    at[0] = (uint8_t)(type >> 8);
    at[1] = (uint8_t)type;
    at[2] = (uint8_t)(size >> 8);
    at[3] = (uint8_t)size;
    memcpy(at + 4, value, size);
    return 4 + ((size + 3) & ~(size_t)3);
}

void wire_send(struct wire *wire, int method, const char *username, const char *realm)
{
    static const uint8_t udp[4] = {17, 0, 0, 0}, zeros[20];
    uint8_t message[2048] = {0, 0, 0, 0, 0x21, 0x12, 0xA4, 0x42};
    size_t size = 20;
    message[1] = (uint8_t)method;
    message[19] = ++wire->transaction;
    if (method == WIRE_ALLOCATE)
        size += attribute(message + size, REQUESTED_TRANSPORT, udp, sizeof(udp));
    if (username) {
        size += attribute(message + size, USERNAME, username, strlen(username));
        size += attribute(message + size, REALM, realm, strlen(realm));
        size += attribute(message + size, NONCE, wire->nonce, wire->nonce_size);
        size += attribute(message + size, INTEGRITY, zeros, sizeof(zeros));
    }
    message[2] = (uint8_t)((size - 20) >> 8);
    message[3] = (uint8_t)(size - 20);
    if (send(wire->fd, message, size, 0) != (ssize_t)size)
        abort();
}

static int read_reply(struct wire *wire)
{
    int code = 0;
    size_t at = 20;
    while (at + 4 <= wire->size) {
        const uint8_t *value = wire->reply + at + 4;
        int type = wire->reply[at] << 8 | wire->reply[at + 1];
        size_t size = (size_t)(wire->reply[at + 2] << 8 | wire->reply[at + 3]);
        if (at + 4 + size > wire->size)
            break;
        if (type == ERROR_CODE && size >= 4)
            code = value[2] * 100 + value[3];
        if (type == NONCE && size <= sizeof(wire->nonce)) {
            memcpy(wire->nonce, value, size);
            wire->nonce_size = size;
        }
        at += 4 + ((size + 3) & ~(size_t)3);
    }
    return code;
}

int wire_reply(struct wire *wire, int msec)
{
    struct pollfd ready = {wire->fd, POLLIN, 0};
    while (poll(&ready, 1, msec) == 1) {
        ssize_t size = recv(wire->fd, wire->reply, sizeof(wire->reply), 0);
        if (size >= 20 && wire->reply[19] == wire->transaction) {
            wire->size = (size_t)size;
            return read_reply(wire);
        }
    }
    return -1;
}
