/* As much of a TURN client as a test of the server's interface needs. It proves nothing to the server: requests carry
 * a MESSAGE-INTEGRITY of zeros, which is enough for the observer to be asked. */
#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

enum { WIRE_BINDING = 1, WIRE_ALLOCATE = 3 };

struct wire {
    int fd;
    uint8_t transaction;
    size_t nonce_size;
    char nonce[256];
    size_t size;
    uint8_t reply[2048];
};

#ifdef __cplusplus
extern "C" {
#endif

/* Connects a UDP socket to "127.0.0.1:port"; 0 for success. */
int wire_open(struct wire *wire, const char *address);
void wire_close(struct wire *wire);

/* Sends a new request; with a user's name it carries credentials and the nonce of the last reply. */
void wire_send(struct wire *wire, int method, const char *username, const char *realm);

/* Waits for the reply to the last request: 0 for success, its error code, or -1 when none comes within msec. */
int wire_reply(struct wire *wire, int msec);

#ifdef __cplusplus
}
#endif

#endif
