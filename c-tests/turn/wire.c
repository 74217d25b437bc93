#include "wire.h"
#include "mac.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    USERNAME = 0x06,
    INTEGRITY = 0x08,
    ERROR_CODE = 0x09,
    CHANNEL_NUMBER = 0x0C,
    LIFETIME = 0x0D,
    PEER = 0x12,
    REALM = 0x14,
    NONCE = 0x15,
    RELAYED = 0x16,
    REQUESTED_TRANSPORT = 0x19
};

int wire_open(struct wire *wire, const char *address)
{
    struct sockaddr_in server;
    const char *port = strrchr(address, ':');
    memset(wire, 0, sizeof(*wire));
    memset(&server, 0, sizeof(server));
    if (getrandom(wire->client, sizeof(wire->client), 0) != sizeof(wire->client))
        return -1;
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

static void begin(struct wire *wire, int method)
{
    static const uint8_t cookie[] = {0x21, 0x12, 0xA4, 0x42};
    memset(wire->message, 0, 20);
    memcpy(wire->message + 4, cookie, sizeof(cookie));
    memcpy(wire->message + 8, wire->client, sizeof(wire->client));
    wire->message[1] = (uint8_t)method;
    wire->message[19] = ++wire->transaction;
    wire->message_size = 20;
}

static void add(struct wire *wire, int type, const void *value, size_t size)
{
    uint8_t *at = wire->message + wire->message_size;
    size_t padded = (size + 3) & ~(size_t)3, total = wire->message_size + 4 + padded - 20;
    memset(at, 0, 4 + padded);
    at[0] = (uint8_t)(type >> 8);
    at[1] = (uint8_t)type;
    at[2] = (uint8_t)(size >> 8);
    at[3] = (uint8_t)size;
    memcpy(at + 4, value, size);
    wire->message[2] = (uint8_t)(total >> 8);
    wire->message[3] = (uint8_t)total;
    wire->message_size = total + 20;
}

static void finish(struct wire *wire, const char *username, const char *realm)
{
    uint8_t mac[20] = {0};
    if (username) {
        size_t covered;
        add(wire, USERNAME, username, strlen(username));
        add(wire, REALM, realm, strlen(realm));
        add(wire, NONCE, wire->nonce, wire->nonce_size);
        covered = wire->message_size;
        add(wire, INTEGRITY, mac, sizeof(mac));
        hmac_sha1(wire->key, sizeof(wire->key), wire->message, covered, wire->message + covered + 4);
    }
    wire_repeat(wire);
}

/* A server that has stopped refuses datagrams, which the reply that is missing tells. */
void wire_repeat(struct wire *wire)
{
    if (send(wire->fd, wire->message, wire->message_size, 0) < 0)
        wire->size = 0;
}

void wire_send(struct wire *wire, int method, const char *username, const char *realm)
{
    static const uint8_t udp[4] = {17, 0, 0, 0};
    begin(wire, method);
    if (method == WIRE_ALLOCATE)
        add(wire, REQUESTED_TRANSPORT, udp, sizeof(udp));
    finish(wire, username, realm);
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
        if (type == RELAYED && size == 8)
            wire->relayed_port = (uint16_t)((value[2] << 8 | value[3]) ^ 0x2112);
        at += 4 + ((size + 3) & ~(size_t)3);
    }
    return code;
}

int wire_reply(struct wire *wire, int msec)
{
    struct pollfd ready = {wire->fd, POLLIN, 0};
    while (poll(&ready, 1, msec) == 1) {
        ssize_t size = recv(wire->fd, wire->reply, sizeof(wire->reply), 0);
        /* A response, not an indication that happens to have the number. */
        if (size >= 20 && (wire->reply[0] & 0xC1) == 1 && wire->reply[19] == wire->transaction) {
            wire->size = (size_t)size;
            return read_reply(wire);
        }
    }
    return -1;
}

int wire_allocate(struct wire *wire, const char *username, const char *realm)
{
    int code;
    memcpy(wire->key, WIRE_KEY, sizeof(wire->key));
    wire_send(wire, WIRE_ALLOCATE, NULL, NULL);
    code = wire_reply(wire, 5000);
    if (code != 401)
        return code;
    wire_send(wire, WIRE_ALLOCATE, username, realm);
    return wire_reply(wire, 5000);
}

int wire_refresh(struct wire *wire, const char *username, const char *realm, uint32_t lifetime)
{
    uint32_t value = htonl(lifetime);
    begin(wire, WIRE_REFRESH);
    add(wire, LIFETIME, &value, sizeof(value));
    finish(wire, username, realm);
    return wire_reply(wire, 5000);
}

int wire_bind(struct wire *wire, const char *username, const char *realm, uint16_t port)
{
    static const uint8_t channel[4] = {0x40, 0, 0, 0};
    uint8_t peer[8] = {0, 1, 0, 0, 127 ^ 0x21, 0x12, 0xA4, 1 ^ 0x42};
    peer[2] = (uint8_t)(port >> 8 ^ 0x21);
    peer[3] = (uint8_t)(port ^ 0x12);
    begin(wire, WIRE_CHANNEL_BIND);
    add(wire, CHANNEL_NUMBER, channel, sizeof(channel));
    add(wire, PEER, peer, sizeof(peer));
    finish(wire, username, realm);
    return wire_reply(wire, 5000);
}

void wire_data(struct wire *wire, size_t size)
{
    uint8_t data[1204] = {0x40, 0};
    data[2] = (uint8_t)(size >> 8);
    data[3] = (uint8_t)size;
    if (send(wire->fd, data, size + 4, 0) < 0)
        wire->size = 0;
}
