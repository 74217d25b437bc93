/* The rows of the table, and how it is printed. Knows nothing of PJSIP. */
#ifndef PJAUTH_BENCH_REPORT_H
#define PJAUTH_BENCH_REPORT_H

#include <stdbool.h>

enum { ROUNDS = 11 };

enum goal {
    GOAL_NONE,
    GOAL_TIMES_FASTER,  /* ours takes at most stock / `bound` */
    GOAL_WITHIN,        /* ours takes at most stock + `bound` */
    GOAL_AT_MOST,       /* ours is at most `bound`, whatever stock has */
    GOAL_AS_ONE_THREAD  /* ours takes at most `bound` times the row above's */
};

/* In the order of the table. */
enum row {
    TOKEN_PLAIN,
    TOKEN_FOUR_THREADS,
    TOKEN_GROUP_LOCK,
    TOKEN_PARENT,
    TOKEN_ABANDONED,
    TOKEN_DECLINED,
    DIGEST_MD5,
    DIGEST_SHA256,
    DIGEST_SHA512_256,
    REINIT_MD5,
    REINIT_SHA256,
    REINIT_MD5_NEW_NONCE,
    REINIT_SHA256_NEW_NONCE,
    SET_CREDENTIALS,
    INIT_NOTHING,
    INIT_EMPTY_ANSWERS,
    INIT_REMEMBERED,
    SESSION,
    HEAP,
    ROWS
};

struct description {
    const char *id, *name, *unit;
    enum goal goal;
    double bound;
};
extern const struct description descriptions[ROWS];

/* The rounds of one row on one side. */
struct samples {
    double value[ROUNDS];
    unsigned count;
};
struct result {
    struct samples ours, stock;
};

/* Prints all rows to stdout. */
void report(const struct result results[ROWS], const char *versions, bool json);

/* The same table where nothing could be measured. */
void report_nothing(const char *reason, bool json);

#endif
