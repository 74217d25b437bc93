/* As much of a TURN client as a test of the server's interface needs: over UDP and IPv4, with RFC 5389's credentials.
 * Its key is a number of the test's choice, which the observer gives to the server with pjauth_turn_request_set_key().
 */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

enum { WIRE_BINDING = 1, WIRE_ALLOCATE = 3, WIRE_REFRESH = 4, WIRE_CHANNEL_BIND = 9, WIRE_KEY_SIZE = 16 };

/* The key of a client that holds the credential; all zeros are a wrong one. */
#define WIRE_KEY "the key of tests"

struct wire {
    int fd;
    uint8_t key[WIRE_KEY_SIZE];
    /* The transaction's number, after what tells it from those of other clients. */
    uint8_t client[11];
    uint8_t transaction;
    size_t nonce_size;
    char nonce[256];
    uint8_t message[2048];
    size_t message_size;
    uint8_t reply[2048];
    size_t size;
    uint16_t relayed_port;
};

#ifdef __cplusplus
extern "C" {
#endif

/* Connects a UDP socket to "127.0.0.1:port"; 0 for success. The key is a wrong one. */
int wire_open(struct wire *wire, const char *address);
void wire_close(struct wire *wire);

/* Sends a new request; with a user's name it carries credentials and the nonce of the last reply. */
void wire_send(struct wire *wire, int method, const char *username, const char *realm);

/* Waits for the reply to the last request: 0 for success, its error code, or -1 when none comes within msec. */
int wire_reply(struct wire *wire, int msec);

/* Sends the last request once more. */
void wire_repeat(struct wire *wire);

/* With the right key: learns realm and nonce, and asks for an allocation. Returns what wire_reply() does; 401 for the
 * first challenge is not returned. */
int wire_allocate(struct wire *wire, const char *username, const char *realm);

/* Refreshes, or deletes with 0. Returns what wire_reply() does. */
int wire_refresh(struct wire *wire, const char *username, const char *realm, uint32_t lifetime);

/* Binds channel 0x4000 to a port of 127.0.0.1. Returns what wire_reply() does. */
int wire_bind(struct wire *wire, const char *username, const char *realm, uint16_t port);

/* Sends `size` bytes, at most 1200, on channel 0x4000. */
void wire_data(struct wire *wire, size_t size);

#ifdef __cplusplus
}
#endif

#endif
