/* HMAC-SHA1 (RFC 2104, RFC 3174), for the tests' client alone. */
#ifndef MAC_H
#define MAC_H

#include <stddef.h>
#include <stdint.h>

/* `key_size` is at most 64. */
void hmac_sha1(const uint8_t *key, size_t key_size, const uint8_t *data, size_t size, uint8_t mac[20]);

#endif
