/* What every test program here stands on: the list of cases and their
 * outcome, the registrar process, and a PJSIP endpoint on loopback. */
#ifndef PJAUTH_TESTS_LAB_H
#define PJAUTH_TESTS_LAB_H

#include "pj.h"

/* Where a case makes sense: bits. */
enum {
    LAB_BOTH = 0,        /* with stock and with pjauth */
    LAB_PJAUTH_ONLY = 1, /* stock promises nothing */
    LAB_DEFERS = 2,      /* challenges are answered asynchronously */
    LAB_SHARES = 4,      /* sessions have a parent */
    LAB_MODULES_ASK = 8, /* PJSIP's own modules hand challenges over */
    LAB_TLS = 16,        /* something comes over TLS, or the case has failed */
    LAB_UNASKED = 32,    /* PJSIP answers what it remembers before it is asked */
    LAB_AKA = 64         /* PJSIP computes AKA's answers itself */
};

struct lab_case {
    const char *name;
    void (*run)(void);
    int where;
};

struct lab {
    pj_caching_pool factory;
    pjsip_endpoint *endpt;
    pjsip_transport *udp;
    const char *no_tls; /* why there is no TLS; NULL: there is */
    int over_tls; /* requests that came over TLS, of those lab_wire told of */
    int stock; /* true: pjproject's own object is under test */
    int settles_late; /* true: lab_run looks for pools after its last case */
    int outlives_cases; /* true: it never does, lab_close does */
    pj_size_t left_open; /* pools of what a case leaves open for ever */
};

extern struct lab lab;

/* Reads the arguments (--stock | --expect-pjauth | --expect-aside, of a library that
 * was built for other structures, --registrar with the path
 * of registrar.py or the port of a foreign registrar that runs already,
 * --reckless to run the cases that stock does not survive with stock too, and
 * optional names of cases to run), checks that the library under test is the
 * one expected, and starts PJLIB, the endpoint, its transports and the
 * registrar. Ends the program where one of these fails. */
void lab_open(int argc, char **argv);

/* The same without PJLIB and endpoint, for programs whose framework makes its
 * own; lab_until then only waits, and lab_close stops only the registrar. */
void lab_open_bare(int argc, char **argv);

/* Runs the cases; a case that leaves a pool behind has failed, or where
 * `settles_late` the last one. */
void lab_run(const struct lab_case *cases, int count);

/* Stops everything, prints the closing line, returns the exit status. */
int lab_close(void);

/* Marks the running case as failed, and says why. */
void lab_fail(const char *file, int line, const char *format, ...);
#define CHECK(condition) \
    do { \
        if (!(condition)) \
            lab_fail(__FILE__, __LINE__, "%s", #condition); \
    } while (0)
/* A CHECK without which the rest of the function makes no sense. */
#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            lab_fail(__FILE__, __LINE__, "%s", #condition); \
            return; \
        } \
    } while (0)
#define CHECK_EQ(got, want) \
    do { \
        long got_ = (long)(got), want_ = (long)(want); \
        if (got_ != want_) \
            lab_fail(__FILE__, __LINE__, "%s is %ld, not %ld", #got, got_, want_); \
    } while (0)

/* Handles SIP events for a while, or until `*flag` is at least `count`.
 * Returns true where the flag got there. */
void lab_events(unsigned msec);
/* Where another thread counts, what it did before is seen by who waited. */
#define LAB_COUNT(flag) ((void)__atomic_add_fetch(&(flag), 1, __ATOMIC_RELEASE))
int lab_until(volatile int *flag, int count, unsigned msec);

/* The registrar's port for "udp", "tcp" or "tls". */
int lab_port(const char *transport);

/* Waits until the registrar has closed the program's connection over "tcp" or
 * "tls", and makes another one. */
void lab_reconnect(const char *transport);

/* The registrar's lines since the last call, each ended by a newline. */
const char *lab_wire(void);

/* How many lines of `text` hold `word`. */
int lab_count(const char *text, const char *word);

/* A function of pjauth by name, or NULL where stock is under test. */
typedef void (*lab_fn)(void);
lab_fn lab_pjauth(const char *name);
#define PJAUTH(name) ((__typeof__(&name))lab_pjauth(#name))

/* Has pjauth ask about all sessions of the endpoint that name nobody; NULL: not
 * any more. */
void lab_ask(const pjsip_auth_clt_async_setting *setting);

pj_str_t lab_str(const char *text);

#endif
