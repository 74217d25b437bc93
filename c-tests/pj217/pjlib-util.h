/* See pjlib.h. */
#ifndef PJAUTH_TESTS_PJLIB_UTIL_H
#define PJAUTH_TESTS_PJLIB_UTIL_H

#include <pjlib.h>

PJ_BEGIN_DECL
pj_status_t pjlib_util_init(void);

typedef struct pj_md5_context {
    pj_uint32_t words[6];
    unsigned char block[64];
} pj_md5_context;

void pj_md5_init(pj_md5_context *context);
void pj_md5_update(pj_md5_context *context, const unsigned char *data,
                   unsigned size);
void pj_md5_final(pj_md5_context *context, unsigned char digest[16]);
void pj_hmac_md5(const unsigned char *input, unsigned input_size,
                 const unsigned char *key, unsigned key_size,
                 unsigned char digest[16]);
pj_status_t pj_base64_encode(const unsigned char *input, int size, char *output,
                             int *output_size);
pj_status_t pj_base64_decode(const pj_str_t *input, unsigned char *output,
                             int *size);
PJ_END_DECL

#endif
