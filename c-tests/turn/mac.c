#include "mac.h"

#include <string.h>

struct sha1 {
    uint32_t state[5];
    uint64_t size;
    uint8_t block[64];
};

static uint32_t rotate(uint32_t word, int bits)
{
    return word << bits | word >> (32 - bits);
}

static void mix(struct sha1 *sha)
{
    uint32_t w[80], a = sha->state[0], b = sha->state[1], c = sha->state[2], d = sha->state[3], e = sha->state[4];
    int i;
    for (i = 0; i < 16; ++i)
        w[i] = (uint32_t)sha->block[4 * i] << 24 | (uint32_t)sha->block[4 * i + 1] << 16 |
               (uint32_t)sha->block[4 * i + 2] << 8 | sha->block[4 * i + 3];
    for (; i < 80; ++i)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (i = 0; i < 80; ++i) {
        uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
        uint32_t k = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
        uint32_t next = rotate(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    sha->state[0] += a;
    sha->state[1] += b;
    sha->state[2] += c;
    sha->state[3] += d;
    sha->state[4] += e;
}

static void start(struct sha1 *sha)
{
    static const uint32_t initial[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    memcpy(sha->state, initial, sizeof(initial));
    sha->size = 0;
}

static void add(struct sha1 *sha, const uint8_t *data, size_t size)
{
    size_t i;
    for (i = 0; i < size; ++i) {
        sha->block[sha->size++ % 64] = data[i];
        if (sha->size % 64 == 0)
            mix(sha);
    }
}

static void finish(struct sha1 *sha, uint8_t digest[20])
{
    static const uint8_t mark = 0x80, zero = 0;
    uint64_t bits = sha->size * 8;
    uint8_t length[8];
    int i;
    add(sha, &mark, 1);
    while (sha->size % 64 != 56)
        add(sha, &zero, 1);
    for (i = 0; i < 8; ++i)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    add(sha, length, sizeof(length));
    for (i = 0; i < 20; ++i)
        digest[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

void hmac_sha1(const uint8_t *key, size_t key_size, const uint8_t *data, size_t size, uint8_t mac[20])
{
    struct sha1 sha;
    uint8_t inner[64] = {0}, outer[64] = {0};
    size_t i;
    memcpy(inner, key, key_size);
    memcpy(outer, key, key_size);
    for (i = 0; i < 64; ++i) {
        inner[i] ^= 0x36;
        outer[i] ^= 0x5C;
    }
    start(&sha);
    add(&sha, inner, sizeof(inner));
    add(&sha, data, size);
    finish(&sha, mac);
    start(&sha);
    add(&sha, outer, sizeof(outer));
    add(&sha, mac, 20);
    finish(&sha, mac);
}
