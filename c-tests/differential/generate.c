#include "scenario.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 64 * 1024 };

/* Values to choose from; NULL leaves the parameter out. What stands first is
 * chosen most. */
static const char *const realms[] = {
    "sip.example.com", "proxy.example.net", "SIP.example.COM", "asterisk", "",
    "with \\\"quotes\\\"", "a realm, with commas"};
static const char *const nonces[] = {
    "1700000000/4f2b0c5a9e8d7c6b5a493827161504f3",
    "dcd98b7102dd2f0e8b11d0f600bfb0c093",
    "Y2hhbGxlbmdlOjE3MDAwMDAwMDA6c2VjcmV0", "5ccc069c403ebaf9f0171e9517f40e41",
    "x", "", "WjA1Q2tsS0RvZz09OjA6NjU1MzU6YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo"};
static const char *const algorithms[] = {
    NULL,          "MD5",         "SHA-256",  "MD5",
    "\"MD5\"",     "SHA-512-256", "md5",      "MD5-sess",
    "sha-256",     "\"SHA-256\"", "SHA-1",    "SHA-256-sess",
    "AKAv1-MD5",   "SHA256",      "\" MD5\"", "SHA-512-256-sess",
    "\"SHA-256 \""};
static const char *const qops[] = {
    "\"auth\"",         "\"auth\"",          NULL,           "\"auth,auth-int\"",
    "auth",             "\"auth-int,auth\"", "\"auth-int\"", "\"auth, auth-int\"",
    "\"auth ,auth-int\"", "\"AUTH\"",        "\"\"",         "\"auth-conf\"",
    "\"auth \"",        "\"xauth\"",         "\"auth-int,noauth\"",
    "\"conf, auth\""};
static const char *const stales[] = {NULL,     NULL,   NULL,      "true",
                                     "\"true\"", "FALSE", "TRUE"};
static const char *const opaques[] = {
    NULL, "\"5ccc069c403ebaf9f0171e9517f40e41\"", "\"\"", "\"other\""};
static const char *const userhashes[] = {NULL, NULL, NULL,      NULL,  NULL,
                                         NULL, NULL, "\"true\"", "true", "false"};
static const char *const domains[] = {NULL, NULL, "\"sip:sip.example.com\""};
static const char *const methods[] = {"REGISTER", "INVITE", "OPTIONS",
                                      "SUBSCRIBE", "PUBLISH", "MESSAGE", "BYE"};
static const char *const uris[] = {
    "sip:sip.example.com", "sip:bob@sip.example.com;transport=tcp",
    "sips:bob@[2001:db8::1]:5061", "sip:+4930123456;phone-context=de@example.com",
    "sip:%61lice@sip.example.com;user=phone?subject=a%20call"};
static const char *const users[] = {"alice", "bob", "+4930123456", "J. Doe",
                                    "m\xc3\xbcller"};

#define PICK(dice, values) \
    pick((dice), (values), sizeof(values) / sizeof((values)[0]))

static struct {
    struct scenario scenario;
    char text[TEXT_SIZE];
    size_t used;
} made;

unsigned roll(struct dice *dice, unsigned limit)
{
    unsigned long long z = dice->state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (unsigned)(((z ^ (z >> 31)) >> 16) % limit);
}

/* The first values are the likelier ones. */
static const char *pick(struct dice *dice, const char *const *values,
                        unsigned count)
{
    unsigned a = roll(dice, count), b = roll(dice, count);
    return values[a < b ? a : b];
}

static const char *keep(const char *text)
{
    char *place = made.text + made.used;
    size_t size = strlen(text) + 1;

    if (made.used + size > TEXT_SIZE)
        return "WWW-Authenticate: Digest realm=\"no room\", nonce=\"n\"";
    memcpy(place, text, size);
    made.used += size;
    return place;
}

static const char *make_challenge(struct dice *dice)
{
    static const char *const names[] = {"realm",  "nonce",  "algorithm", "qop",
                                        "stale",  "opaque", "userhash",  "domain"};
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    const char *values[COUNT];
    char realm[64], nonce[128], line[1024];
    unsigned order = roll(dice, COUNT), i;
    int length, written = 0;

    snprintf(realm, sizeof(realm), "\"%s\"", PICK(dice, realms));
    snprintf(nonce, sizeof(nonce), "\"%s\"", PICK(dice, nonces));
    values[0] = realm;
    values[1] = nonce;
    values[2] = PICK(dice, algorithms);
    values[3] = PICK(dice, qops);
    values[4] = PICK(dice, stales);
    values[5] = PICK(dice, opaques);
    values[6] = PICK(dice, userhashes);
    values[7] = PICK(dice, domains);
    length = snprintf(line, sizeof(line), "%s-Authenticate: %s ",
                      roll(dice, 4) ? "WWW" : "Proxy",
                      roll(dice, 8) ? "Digest" : "DIGEST");
    for (i = 0; i < COUNT; ++i) {
        /* From any parameter on, forwards. */
        unsigned at = (order + i) % COUNT;
        if (values[at])
            length += snprintf(line + length, sizeof(line) - (size_t)length,
                               "%s%s=%s", written++ ? ", " : "", names[at],
                               values[at]);
    }
    return keep(line);
}

static void make_credentials(struct dice *dice, struct scenario *s)
{
    unsigned count = 1 + roll(dice, MAX_CREDENTIALS), i;
    char password[32];

    for (i = 0; i < count; ++i) {
        struct credential *c = &s->credentials[i];
        c->realm = roll(dice, 3) ? PICK(dice, realms) : "*";
        c->user = PICK(dice, users);
        /* No two alike: which was used shows. */
        snprintf(password, sizeof(password), "pass:%u %u", i, roll(dice, 1000));
        c->password = keep(password);
        if (roll(dice, 4) == 0) {
            c->secret = roll(dice, 4) ? HA1 : HA1_UPPER_CASE;
            c->algorithm = PJSIP_AUTH_ALGORITHM_MD5 + (int)roll(dice, 3);
        }
    }
}

const struct scenario *generate(unsigned long long seed, unsigned index)
{
    struct scenario *s = &made.scenario;
    struct dice dice = {seed * 1000003ULL + index};
    unsigned steps, challenges, i, j;
    char name[64];

    memset(s, 0, sizeof(*s));
    made.used = 0;
    snprintf(name, sizeof(name), "seed %llu, number %u", seed, index);
    s->name = keep(name);
    s->method = PICK(&dice, methods);
    s->uri = PICK(&dice, uris);
    s->body = roll(&dice, 3) ? NULL : "v=0\r\no=- 0 0 IN IP4 192.0.2.7\r\n";
    s->initial_auth = roll(&dice, 8) == 0;
    s->child = roll(&dice, 4) == 0;
    make_credentials(&dice, s);
    steps = 1 + roll(&dice, roll(&dice, 4) ? 4 : 14);
    for (i = 0; i < steps; ++i) {
        s->steps[i].fresh = roll(&dice, 2) == 0;
        s->steps[i].code = roll(&dice, 4) ? 401 : 407;
        challenges = roll(&dice, 3) ? 1 : roll(&dice, 5);
        for (j = 0; j < challenges; ++j)
            s->steps[i].challenges[j] =
                i > 0 && s->steps[i - 1].challenges[j] && roll(&dice, 2)
                    ? s->steps[i - 1].challenges[j]
                    : make_challenge(&dice);
    }
    return s;
}
