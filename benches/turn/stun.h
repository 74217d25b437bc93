/* The client's side of STUN and TURN, as far as a load generator needs it. IPv4 only. */
#ifndef STUN_H
#define STUN_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STUN_ALLOCATE = 0x003,
    STUN_REFRESH = 0x004,
    STUN_SEND_INDICATION = 0x016,
    STUN_PERMISSION = 0x008,
    STUN_CHANNEL = 0x009,
    STUN_SUCCESS = 0x100,
    STUN_ERROR = 0x110,
};

enum {
    STUN_USERNAME = 0x0006,
    STUN_ERROR_CODE = 0x0009,
    STUN_CHANNEL_NUMBER = 0x000C,
    STUN_LIFETIME = 0x000D,
    STUN_PEER = 0x0012,
    STUN_DATA = 0x0013,
    STUN_REALM = 0x0014,
    STUN_NONCE = 0x0015,
    STUN_RELAYED = 0x0016,
    STUN_REQUESTED_TRANSPORT = 0x0019,
};

/* A message that is being written. */
struct stun_message {
    uint8_t bytes[2048];
    size_t length;
};

/* The long-term credential; the realm is learnt from the first challenge. */
struct stun_credential {
    const char *user;
    const char *password;
    char realm[128];
    uint8_t key[16];
    int has_key;
};

/* A nonce is a client's own: a server may bind it to the client's address. */
struct stun_nonce {
    char text[256];
    size_t length;
};

void stun_begin(struct stun_message *message, uint16_t type);
void stun_add(struct stun_message *message, uint16_t type, const void *value, size_t length);
void stun_add_peer(struct stun_message *message, const struct sockaddr_in *peer);
void stun_sign(struct stun_message *message, const struct stun_credential *credential, const struct stun_nonce *nonce);

uint16_t stun_type(const uint8_t *bytes, size_t length);

/* The value of an attribute; NULL if the message has none. */
const uint8_t *stun_find(const uint8_t *bytes, size_t length, uint16_t type, size_t *size);

/* Takes realm and nonce from a 401 or 438; 0 if it is something else. */
int stun_take_challenge(const uint8_t *bytes, size_t length, struct stun_credential *credential,
                        struct stun_nonce *nonce);

/* An XOR-...-ADDRESS attribute's address; 0 if there is none. */
int stun_address(const uint8_t *bytes, size_t length, uint16_t type, struct sockaddr_in *address);

#endif
