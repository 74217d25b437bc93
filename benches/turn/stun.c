#include "stun.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 20, INTEGRITY = 0x0008, COOKIE_HIGH = 0x2112 };

static const uint32_t COOKIE = 0x2112A442;

static void put16(uint8_t *at, size_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint16_t get16(const uint8_t *at) {
    return (uint16_t)(at[0] << 8 | at[1]);
}

void stun_begin(struct stun_message *message, uint16_t type) {
    static uint64_t transactions;
    uint64_t transaction = __atomic_add_fetch(&transactions, 1, __ATOMIC_RELAXED);
    uint32_t cookie = htonl(COOKIE);

    memset(message->bytes, 0, HEADER);
    put16(message->bytes, type);
    memcpy(message->bytes + 4, &cookie, 4);
    memcpy(message->bytes + 8, &transaction, 8);
    message->length = HEADER;
}

void stun_add(struct stun_message *message, uint16_t type, const void *value, size_t length) {
    uint8_t *at = message->bytes + message->length;
    size_t padded = (length + 3) & ~(size_t)3;

    put16(at, type);
    put16(at + 2, length);
    memset(at + 4, 0, padded);
    memcpy(at + 4, value, length);
    message->length += 4 + padded;
    put16(message->bytes + 2, message->length - HEADER);
}

void stun_add_peer(struct stun_message *message, const struct sockaddr_in *peer) {
    uint8_t value[8] = {0, 1};
    uint32_t address = peer->sin_addr.s_addr ^ htonl(COOKIE);

    put16(value + 2, ntohs(peer->sin_port) ^ COOKIE_HIGH);
    memcpy(value + 4, &address, 4);
    stun_add(message, STUN_PEER, value, sizeof(value));
}

void stun_sign(struct stun_message *message, const struct stun_credential *credential,
               const struct stun_nonce *nonce) {
    uint8_t mac[20];
    unsigned size = sizeof(mac);

    stun_add(message, STUN_USERNAME, credential->user, strlen(credential->user));
    stun_add(message, STUN_REALM, credential->realm, strlen(credential->realm));
    stun_add(message, STUN_NONCE, nonce->text, nonce->length);
    put16(message->bytes + 2, message->length - HEADER + 4 + sizeof(mac));
    HMAC(EVP_sha1(), credential->key, sizeof(credential->key), message->bytes, message->length, mac, &size);
    stun_add(message, INTEGRITY, mac, sizeof(mac));
}

uint16_t stun_type(const uint8_t *bytes, size_t length) {
    return length >= HEADER && bytes[0] < 4 ? get16(bytes) : 0;
}

const uint8_t *stun_find(const uint8_t *bytes, size_t length, uint16_t type, size_t *size) {
    size_t at = HEADER;

    while (at + 4 <= length) {
        *size = get16(bytes + at + 2);
        if (at + 4 + *size > length) {
            break;
        }
        if (get16(bytes + at) == type) {
            return bytes + at + 4;
        }
        at += 4 + ((*size + 3) & ~(size_t)3);
    }
    return NULL;
}

static void make_key(struct stun_credential *credential) {
    char text[512];
    unsigned size = sizeof(credential->key);
    int length = snprintf(text, sizeof(text), "%s:%s:%s", credential->user, credential->realm, credential->password);

    EVP_Digest(text, (size_t)length, credential->key, &size, EVP_md5(), NULL);
    credential->has_key = 1;
}

int stun_take_challenge(const uint8_t *bytes, size_t length, struct stun_credential *credential,
                        struct stun_nonce *nonce) {
    size_t size;
    const uint8_t *value = stun_find(bytes, length, STUN_ERROR_CODE, &size);

    if (value == NULL || size < 4 || value[2] != 4 || (value[3] != 1 && value[3] != 38)) {
        return 0;
    }
    value = stun_find(bytes, length, STUN_NONCE, &size);
    if (value == NULL || size > sizeof(nonce->text)) {
        return 0;
    }
    memcpy(nonce->text, value, size);
    nonce->length = size;
    value = stun_find(bytes, length, STUN_REALM, &size);
    if (!credential->has_key && value != NULL && size < sizeof(credential->realm)) {
        memcpy(credential->realm, value, size);
        make_key(credential);
    }
    return credential->has_key;
}

int stun_address(const uint8_t *bytes, size_t length, uint16_t type, struct sockaddr_in *address) {
    size_t size;
    const uint8_t *value = stun_find(bytes, length, type, &size);

    if (value == NULL || size != 8) {
        return 0;
    }
    memset(address, 0, sizeof(*address));
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)(get16(value + 2) ^ COOKIE_HIGH));
    memcpy(&address->sin_addr.s_addr, value + 4, 4);
    address->sin_addr.s_addr ^= htonl(COOKIE);
    return 1;
}
