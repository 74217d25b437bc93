#include "milenage.h"

#include <string.h>

/* ------------------------------------------------ AES-128, one block (FIPS 197) */

static unsigned char twice(unsigned char x)
{
    return (unsigned char)((x << 1) ^ (x & 0x80 ? 0x1b : 0));
}

static unsigned char product(unsigned char a, unsigned char b)
{
    unsigned char sum = 0;
    for (; b; b >>= 1, a = twice(a))
        if (b & 1)
            sum ^= a;
    return sum;
}

/* The inverse (a^254), then the affine transformation. */
static unsigned char substitute(unsigned char x)
{
    unsigned char inverse = 1, result = 0x63;
    int i;

    for (i = 0; i < 254; ++i)
        inverse = product(inverse, x);
    for (i = 0; i < 5; ++i)
        result ^= (unsigned char)((inverse << i) | (inverse >> (8 - i)));
    return result;
}

static void expand(const unsigned char key[16], unsigned char words[176])
{
    unsigned char round = 1;
    int i, j;

    memcpy(words, key, 16);
    for (i = 16; i < 176; i += 4) {
        unsigned char w[4];
        memcpy(w, words + i - 4, 4);
        if (i % 16 == 0) {
            unsigned char first = w[0];
            for (j = 0; j < 4; ++j)
                w[j] = substitute(j < 3 ? w[j + 1] : first);
            w[0] ^= round;
            round = twice(round);
        }
        for (j = 0; j < 4; ++j)
            words[i + j] = words[i + j - 16] ^ w[j];
    }
}

static void mix(unsigned char column[4])
{
    unsigned char c[4];
    int i;

    memcpy(c, column, 4);
    for (i = 0; i < 4; ++i)
        column[i] = (unsigned char)(twice(c[i]) ^ twice(c[(i + 1) % 4]) ^
                                    c[(i + 1) % 4] ^ c[(i + 2) % 4] ^ c[(i + 3) % 4]);
}

static void aes(const unsigned char key[16], const unsigned char in[16],
                unsigned char out[16])
{
    unsigned char words[176], state[16], shifted[16];
    int round, i;

    expand(key, words);
    for (i = 0; i < 16; ++i)
        state[i] = in[i] ^ words[i];
    for (round = 1; round <= 10; ++round) {
        for (i = 0; i < 16; ++i)
            shifted[i] = substitute(state[(i + 4 * (i % 4)) % 16]);
        if (round < 10)
            for (i = 0; i < 16; i += 4)
                mix(shifted + i);
        for (i = 0; i < 16; ++i)
            state[i] = shifted[i] ^ words[16 * round + i];
    }
    memcpy(out, state, 16);
}

/* --------------------------------------------------------------------- Milenage */

/* OUT = E(rot(in ^ opc, bits) ^ c ^ more) ^ opc, where c is all zero but its last byte. */
static void output(const unsigned char k[16], const unsigned char opc[16],
                   const unsigned char in[16], int rotate, unsigned char c,
                   const unsigned char *more, unsigned char out[16])
{
    unsigned char block[16];
    int i;

    for (i = 0; i < 16; ++i)
        block[i] = in[(i + rotate) % 16] ^ opc[(i + rotate) % 16] ^
                   (more ? more[i] : 0);
    block[15] ^= c;
    aes(k, block, out);
    for (i = 0; i < 16; ++i)
        out[i] ^= opc[i];
}

void milenage(const unsigned char k[16], const unsigned char op[16],
              const unsigned char rand[16], const unsigned char sqn[6],
              const unsigned char amf[2], struct milenage *out)
{
    unsigned char opc[16], temp[16], in1[16], block[16];
    int i;

    aes(k, op, opc);
    for (i = 0; i < 16; ++i) {
        opc[i] ^= op[i];
        block[i] = rand[i] ^ opc[i];
    }
    aes(k, block, temp);
    memcpy(in1, sqn, 6);
    memcpy(in1 + 6, amf, 2);
    memcpy(in1 + 8, in1, 8);
    output(k, opc, in1, 8, 0, temp, block);
    memcpy(out->mac, block, 8);
    memcpy(out->mac_s, block + 8, 8);
    output(k, opc, temp, 0, 1, NULL, block);
    memcpy(out->ak, block, 6);
    memcpy(out->res, block + 8, 8);
    output(k, opc, temp, 4, 2, NULL, out->ck);
    output(k, opc, temp, 8, 4, NULL, out->ik);
    output(k, opc, temp, 12, 8, NULL, block);
    memcpy(out->ak_s, block, 6);
}
