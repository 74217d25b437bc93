/* A server on loopback and an observer that does as it is told, for the tests of the C interface. */
#ifndef STAND_H
#define STAND_H

#include "pjauth.h"
#include "wire.h"

#include <pthread.h>
#include <stdio.h>

enum { PJ_EINVAL = 70004, PJ_EINVALIDOP = 70013, PATIENCE = 5000 };

#define REALM "example.org"

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            ++failures; \
        } \
    } while (0)

extern int failures;

/* What the observer does, and what it was told. */
struct stand {
    struct pjauth_turn_observer observer;
    pthread_mutex_t mutex;
    pjauth_turn_server *server;
    char address[64];
    /* What authenticate_request returns. */
    int answer;
    /* Called from inside the observer's functions, where they are set. */
    void (*on_asked)(struct stand *, pjauth_turn_request *);
    void (*on_created)(struct stand *, pjauth_turn_allocation *);
    void (*on_removed)(struct stand *, pjauth_turn_allocation *);
    int asked, created, removed;
    pjauth_turn_request *request;
    pjauth_turn_allocation *allocation;
    /* The figures that on_server_allocation_removed found. */
    struct pjauth_turn_allocation_info last;
    /* What functions returned that were called from inside. */
    int results[4];
};

/* Starts a server with one worker, a UDP and a TCP listener and peers on loopback; `change` may change its options. */
void stand_start(struct stand *stand, void (*change)(struct pjauth_turn_options *));

/* Stops and destroys it; every allocation that was created must have been removed. */
void stand_end(struct stand *stand);

/* Sets what the observer does. */
void stand_set(struct stand *stand, int answer, void (*on_asked)(struct stand *, pjauth_turn_request *));

/* Waits until a number that the observer counts is reached; 1 for success. */
int stand_wait(struct stand *stand, const int *count, int wanted);

/* Gets a client an allocation that must be granted. Returns its handle. */
pjauth_turn_allocation *stand_allocate(struct stand *stand, struct wire *wire);

#endif
