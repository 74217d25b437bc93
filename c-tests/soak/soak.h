/* Two halves of one process under load, for as long as the caller likes. */
#ifndef PJAUTH_TESTS_SOAK_H
#define PJAUTH_TESTS_SOAK_H

#include <netinet/in.h>
#include <pthread.h>

#include <pjlib.h>

/* Milliseconds since some moment, and a number below `limit`; any thread. */
unsigned long long soak_now(void);
unsigned soak_roll(unsigned limit);

/* Ends the program with a message. */
void soak_die(const char *what, int status);

/* What waits for its time, as the first member of a structure, and a queue of
 * such; any thread. */
struct soak_waiting {
    struct soak_waiting *next;
    unsigned long long due;
};
struct soak_queue {
    pthread_mutex_t mutex;
    struct soak_waiting *first;
};
void soak_queue_init(struct soak_queue *queue);
void soak_wait(struct soak_queue *queue, struct soak_waiting *one,
               unsigned long long due);
/* Takes one that was due by `now`, or returns NULL. */
void *soak_take_due(struct soak_queue *queue, unsigned long long now);

/* Registrations at a registrar in the same endpoint, all of whose requests are
 * challenged; answered at once, later from another thread, or never. */
struct registrations_figures {
    unsigned long challenged, answered_later, too_late, registered, refused,
        destroyed;
};
void registrations_start(unsigned count);
void registrations_step(void); /* at most 10 ms */
/* Destroys everything, waits for transactions to end, and returns how many
 * pools are left. */
unsigned registrations_stop(struct registrations_figures *figures);

/* Clients of a TURN server, whose observer decides at once, later from another
 * thread, or never; they relay to an echo and leave, with or without a word. */
struct relays_figures {
    unsigned long asked, decided_later, too_late, created, removed, echoed,
        refused, restarts;
};
/* The server is stopped and another started every `restart_msec`. */
void relays_start(unsigned count, unsigned restart_msec);
void relays_step(void); /* does not wait */
void relays_stop(struct relays_figures *figures);
/* Where the server is now, over UDP and TCP or over TLS; any thread. */
struct sockaddr_in relays_address(int with_tls);

/* A client of that server that has TCP relays (RFC 6062), each of its connections
 * over TCP or TLS, and its peer, in a thread; they leave with or without a word.
 * Started after the relays. */
void streams_start(void);
struct streams_figures {
    unsigned long passed, passed_tls; /* streams that carried what they should */
};
/* Stopped before them. */
void streams_stop(struct streams_figures *figures);

#endif
