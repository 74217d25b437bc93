/* The functions of a USIM that 3GPP TS 35.206 defines (Milenage), from that text. */
#ifndef PJAUTH_TESTS_MILENAGE_H
#define PJAUTH_TESTS_MILENAGE_H

struct milenage {
    unsigned char mac[8], mac_s[8]; /* f1, f1* */
    unsigned char res[8], ck[16], ik[16], ak[6], ak_s[6]; /* f2 to f5, f5* */
};

void milenage(const unsigned char k[16], const unsigned char op[16],
              const unsigned char rand[16], const unsigned char sqn[6],
              const unsigned char amf[2], struct milenage *out);

#endif
