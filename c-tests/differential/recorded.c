/* Challenges as servers send them: the shapes shown in the documents of the
 * implementations named, with values of our own; the examples of the RFCs; and
 * one scenario for each rule that generated ones would rarely meet. */
#include "scenario.h"

#define WWW "WWW-Authenticate: Digest "
#define PROXY "Proxy-Authenticate: Digest "
#define ALICE {.realm = "*", .user = "alice", .password = "correct horse"}
#define ONCE(...) {{.code = 401, .challenges = {__VA_ARGS__}}}
#define PROXY_ONCE(...) {{.code = 407, .challenges = {__VA_ARGS__}}}

#define ONE(n) WWW "realm=\"r" #n "\", nonce=\"n" #n "\", qop=\"auth\""
#define TEN(n) ONE(n##0), ONE(n##1), ONE(n##2), ONE(n##3), ONE(n##4), \
    ONE(n##5), ONE(n##6), ONE(n##7), ONE(n##8), ONE(n##9)

#define AGAIN(n) {.code = 401, .challenges = {ONE(n)}}
#define AFRESH(n) {.code = 401, .fresh = 1, .challenges = {ONE(n)}}
#define TEN_STEPS(STEP, n) STEP(n##0), STEP(n##1), STEP(n##2), STEP(n##3), \
    STEP(n##4), STEP(n##5), STEP(n##6), STEP(n##7), STEP(n##8), STEP(n##9)

#define K(x) x x x x x x x x x x x x x x x x
#define TOO_LONG K("0123456789abcdef") K("0123456789abcdef") K("0123456789abcdef") \
    K("0123456789abcdef") K("0123456789abcdef") K("0123456789abcdef") \
    K("0123456789abcdef") K("0123456789abcdef") "+"

const struct scenario recorded[] = {
    /* -- servers ---------------------------------------------------------- */
    {.name = "Asterisk chan_pjsip",
     .credentials = {{.realm = "asterisk", .user = "6001", .password = "s3cret"}},
     .steps = {{.code = 401, .challenges = {
         WWW "realm=\"asterisk\",nonce=\"1700000000/2d8fd1d0c6a3b1f9f4a2c5d7e9b8a701\","
         "opaque=\"3e2b1f004a7c9d55\",algorithm=MD5,qop=\"auth\""}},
               {.code = 401, .fresh = 1, .challenges = {
         WWW "realm=\"asterisk\",nonce=\"1700000060/8ad0c6a3b1f9f4a2c5d7e9b8a7012d8f\","
         "opaque=\"5d7e9b8a70112233\",stale=true,algorithm=MD5,qop=\"auth\""}}}},
    {.name = "Asterisk with SHA-256 first",
     .credentials = {ALICE},
     .steps = ONCE(WWW "realm=\"asterisk\",nonce=\"1700000000/ab\",opaque=\"01\","
                   "algorithm=SHA-256,qop=\"auth\"",
                   WWW "realm=\"asterisk\",nonce=\"1700000000/cd\",opaque=\"02\","
                   "algorithm=MD5,qop=\"auth\"")},
    {.name = "Asterisk chan_sip",
     .credentials = {ALICE},
     .steps = ONCE(WWW "algorithm=MD5, realm=\"asterisk\", nonce=\"4a9f1c2b\"")},
    {.name = "Kamailio auth, no qop",
     .credentials = {ALICE},
     .steps = ONCE(WWW "realm=\"sip.example.com\", "
                   "nonce=\"ZVXyjWVV8WHZ9nQmE7ZbCqR4sKvJ0pLx\"")},
    {.name = "Kamailio with qop and stale",
     .method = "INVITE", .uri = "sip:bob@sip.example.com",
     .credentials = {ALICE},
     .steps = {{.code = 407, .challenges = {
         PROXY "realm=\"sip.example.com\", nonce=\"ZVXyjWVV8WHZ9nQmE7ZbCqR4\", qop=\"auth\""}},
               {.code = 407, .challenges = {
         PROXY "realm=\"sip.example.com\", nonce=\"ZVXzc2VV8kfg3nQnF8acDrS5\", qop=\"auth\", stale=true"}}}},
    {.name = "OpenSIPS auth with both protections",
     .credentials = {ALICE},
     .steps = ONCE(WWW "realm=\"opensips.example.org\", "
                   "nonce=\"Tg7m3kq0fYJ2vB8sLcXa1wZ5rNdE9hUo\", qop=\"auth-int,auth\", "
                   "algorithm=MD5")},
    {.name = "OpenSIPS with three algorithms",
     .credentials = {ALICE},
     .steps = ONCE(WWW "realm=\"o.example.org\", nonce=\"Aa1\", qop=\"auth\", algorithm=SHA-512-256",
                   WWW "realm=\"o.example.org\", nonce=\"Bb2\", qop=\"auth\", algorithm=SHA-256",
                   WWW "realm=\"o.example.org\", nonce=\"Cc3\", qop=\"auth\", algorithm=MD5")},
    {.name = "FreeSWITCH mod_sofia",
     .credentials = {ALICE},
     .steps = {{.code = 401, .challenges = {
         WWW "realm=\"192.0.2.10\", nonce=\"0e7c3c9a-1f7b-4a54-9d0b-2c9b6f1f6a11\", "
         "algorithm=MD5, qop=\"auth\""}},
               {.code = 401, .challenges = {
         WWW "realm=\"192.0.2.10\", nonce=\"b4d1b0f2-77aa-4b0b-8f8e-6f9a4b6c2e00\", "
         "stale=true, algorithm=MD5, qop=\"auth\""}}}},
    {.name = "3CX", .method = "INVITE", .uri = "sip:100@pbx.example.net",
     .credentials = {{.realm = "3CXPhoneSystem", .user = "101", .password = "pw"}},
     .steps = PROXY_ONCE(PROXY "nonce=\"414d535a0e8c7b1d3c:1d2f3a4b5c6d7e8f90a1b2c3d4e5f607\","
                         "algorithm=MD5,realm=\"3CXPhoneSystem\"")},
    {.name = "Cisco IOS",
     .credentials = {ALICE},
     .steps = ONCE(WWW "realm=\"cisco.com\", qop=\"auth\", algorithm=MD5, "
                   "nonce=\"7F1E1A9B00C0FFEE\", opaque=\"\", stale=FALSE")},
    {.name = "Cisco CUCM, wrong password",
     .credentials = {{.realm = "ccmsipline", .user = "5001", .password = "wrong"}},
     .steps = {{.code = 401, .challenges = {
         WWW "realm=\"ccmsipline\", nonce=\"W2ZvbyBiYXJd\", algorithm=MD5"}},
               {.code = 401, .challenges = {
         WWW "realm=\"ccmsipline\", nonce=\"W2ZvbyBiYXJd\", algorithm=MD5"}}}},
    {.name = "BroadSoft",
     .credentials = {ALICE},
     .steps = ONCE("WWW-Authenticate: DIGEST realm=\"BroadWorks\",algorithm=MD5,"
                   "nonce=\"BroadWorksXk2f9a1cTvv0bq8eBW\",qop=\"auth\"")},
    {.name = "BroadSoft, a proxy and a server at once",
     .method = "SUBSCRIBE",
     .credentials = {ALICE},
     .steps = PROXY_ONCE("Proxy-Authenticate: DIGEST realm=\"BroadWorks\",nonce=\"BWa\",qop=\"auth\"",
                         "WWW-Authenticate: DIGEST realm=\"AS\",nonce=\"BWb\",qop=\"auth\"")},
    {.name = "a server that forgets to say stale",
     .credentials = {ALICE},
     .steps = {{.code = 401, .challenges = {WWW "realm=\"a\", nonce=\"1\""}},
               {.code = 401, .challenges = {WWW "realm=\"a\", nonce=\"2\""}},
               {.code = 401, .challenges = {WWW "realm=\"a\", nonce=\"3\""}},
               {.code = 401, .challenges = {WWW "realm=\"a\", nonce=\"4\""}}}},

    /* -- the RFCs --------------------------------------------------------- */
    {.name = "RFC 2617 section 3.5",
     .method = "GET", .uri = "sip:host",
     .credentials = {{.realm = "testrealm@host.com", .user = "Mufasa", .password = "Circle Of Life"}},
     .steps = ONCE(WWW "realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
                   "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
                   "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"")},
    {.name = "RFC 7616 section 3.9.1",
     .credentials = {{.realm = "http-auth@example.org", .user = "Mufasa", .password = "Circle of Life"}},
     .steps = ONCE(WWW "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, "
                   "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
                   "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
                   WWW "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=MD5, "
                   "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
                   "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"")},
    {.name = "RFC 7616 section 3.9.2",
     .credentials = {{.realm = "api@example.org", .user = "J\xc3\xa4s\xc3\xb8n Doe",
                      .password = "Secret, or not?"}},
     .steps = ONCE(WWW "realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, "
                   "nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", "
                   "opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", "
                   "charset=UTF-8, userhash=true")},
    {.name = "RFC 8760 section 2.4",
     .credentials = {{.realm = "biloxi.com", .user = "bob", .password = "zanzibar"}},
     .steps = PROXY_ONCE(PROXY "realm=\"biloxi.com\", qop=\"auth\", algorithm=SHA-256, "
                         "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\"",
                         PROXY "realm=\"biloxi.com\", qop=\"auth\", algorithm=MD5, "
                         "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\"")},
    {.name = "RFC 3261 section 22.4",
     .method = "INVITE", .uri = "sip:bob@biloxi.com",
     .credentials = {{.realm = "biloxi.com", .user = "bob", .password = "zanzibar"}},
     .steps = ONCE(WWW "realm=\"biloxi.com\", qop=\"auth,auth-int\", "
                   "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
                   "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"")},

    /* -- faults ----------------------------------------------------------- */
    {.name = "no challenge at all", .credentials = {ALICE}, .steps = {{.code = 401}}},
    {.name = "a scheme that the parser drops", .credentials = {ALICE},
     .steps = ONCE("WWW-Authenticate: Basic realm=\"a\"")},
    {.name = "no credential at all",
     .steps = ONCE(WWW "realm=\"a\", nonce=\"1\"")},
    {.name = "a URI beyond what is printed", .credentials = {ALICE},
     .uri = "sip:bob@example.com;x=" K("0123456789abcdef"),
     .steps = ONCE(WWW "realm=\"a\", nonce=\"1\", qop=\"auth\"")},
    {.name = "no qop that is known, and no credential",
     .credentials = {{.realm = "b", .user = "u", .password = "p"}},
     .steps = ONCE(WWW "realm=\"a\", nonce=\"1\", qop=\"auth-conf\"")},
    {.name = "a control character", .credentials = {ALICE},
     .steps = ONCE(WWW "realm=\"a\x01" "b\", nonce=\"1\"")},
    {.name = "a parameter of 2049 bytes", .credentials = {ALICE},
     .steps = ONCE(WWW "realm=\"a\", nonce=\"" TOO_LONG "\"")},

    /* -- limits ----------------------------------------------------------- */
    {.name = "seventeen realms in one response", .credentials = {ALICE},
     .steps = ONCE(TEN(1), ONE(20), ONE(21), ONE(22), ONE(23), ONE(24),
                   ONE(25), ONE(26))},
    {.name = "seventeen realms, one after the other", .credentials = {ALICE},
     .steps = {TEN_STEPS(AGAIN, 1), AGAIN(20), AGAIN(21), AGAIN(22), AGAIN(23),
               AGAIN(24), AGAIN(25), AGAIN(26)}},
    {.name = "thirty-three servers, then the first", .credentials = {ALICE},
     .steps = {TEN_STEPS(AFRESH, 1), TEN_STEPS(AFRESH, 2), TEN_STEPS(AFRESH, 3),
               AFRESH(40), AFRESH(41), AFRESH(42), AFRESH(10)}},
    {.name = "twelve requests under one nonce", .credentials = {ALICE},
     .steps = {AFRESH(1), AFRESH(1), AFRESH(1), AFRESH(1), AFRESH(1), AFRESH(1),
               AFRESH(1), AFRESH(1), AFRESH(1), AFRESH(1), AFRESH(1), AFRESH(1)}},
    {.name = "a nonce without qop between two with", .credentials = {ALICE},
     .steps = {AFRESH(1),
               {.code = 401, .fresh = 1, .challenges = {WWW "realm=\"r1\", nonce=\"other\""}},
               AFRESH(1)}},
    {.name = "a protection that nobody knows, then one that all do",
     .credentials = {ALICE},
     .steps = {{.code = 401, .challenges = {
         WWW "realm=\"r1\", nonce=\"n1\", qop=\"auth-conf\""}},
               AFRESH(1)}},
    {.name = "one challenge twice", .credentials = {ALICE},
     .steps = {{.code = 401, .challenges = {
         WWW "realm=\"r1\", nonce=\"n1\", qop=\"auth\", stale=true",
         WWW "realm=\"r1\", nonce=\"n1\", qop=\"auth\", stale=true"}}}},
    {.name = "one realm at a proxy and a server", .credentials = {ALICE},
     .steps = {{.code = 401, .challenges = {ONE(1)}},
               {.code = 407, .fresh = 1,
                .challenges = {PROXY "realm=\"r1\", nonce=\"n1\", qop=\"auth\""}}}},

    /* -- sent unasked ----------------------------------------------------- */
    {.name = "an empty answer, then the real one", .initial_auth = 1,
     .credentials = {{.realm = "r1", .user = "alice", .password = "pw"}},
     .steps = {AGAIN(1)}},
    {.name = "an empty answer for any realm", .initial_auth = 1,
     .credentials = {ALICE}, .steps = {AGAIN(1)}},
    {.name = "an empty answer without a scheme", .initial_auth = 1,
     .credentials = {{.realm = "r1", .user = "alice", .password = "pw", .scheme = ""}},
     .steps = {AGAIN(1)}},
    {.name = "an access token, sent unasked", .initial_auth = 1,
     .credentials = {{.realm = "r2", .user = "alice", .password = "token", .scheme = "Bearer"}},
     .steps = {AGAIN(1)}},
};

const unsigned recorded_count = PJ_ARRAY_SIZE(recorded);
