/* The whole library for a while in one process, then a look at what is left:
 *
 *   soak [SECONDS]      (default: the environment's SOAK_SECONDS, or 60)
 *
 * A first, short round fills what is kept for reuse. After the second, memory
 * in use, descriptors, pools, tokens and allocations must be where they were. */
#define _GNU_SOURCE
#include "soak.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <pjauth.h>

enum {
    REGISTRATIONS = 200,
    ALLOCATIONS = 500,
    /* Each thread of a server's begins where the one before in its place left
     * off: sixteen threads, two for each server, have filled all that the
     * library keeps for reuse. */
    FIRST_ROUND_SECONDS = 18,
    FIRST_ROUND_RESTART_MSEC = 1600,
    RESTART_MSEC = 15000,
    /* What malloc's bins may differ by: less than half of what 64 bytes
     * forgotten for each challenge and request would come to in a minute. */
    MEMORY_SLACK = 256 * 1024,
    /* Longer rounds may differ by as much for each minute, up to four: each of
     * the sixteen shards of handles meets a higher peak some time, and keeps its
     * room. In an hour two bytes for each would still come to more. */
    MOST_SLACKS = 4
};

unsigned long long soak_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ULL + (unsigned)now.tv_nsec / 1000000;
}

unsigned soak_roll(unsigned limit)
{
    static unsigned long long state;
    unsigned long long z =
        __atomic_add_fetch(&state, 0x9e3779b97f4a7c15ULL, __ATOMIC_RELAXED);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    return (unsigned)((z ^ (z >> 27)) >> 20) % limit;
}

void soak_die(const char *what, int status)
{
    fprintf(stderr, "cannot go on: %s (%d)\n", what, status);
    exit(2);
}

void soak_queue_init(struct soak_queue *queue)
{
    pthread_mutex_init(&queue->mutex, NULL);
    queue->first = NULL;
}

void soak_wait(struct soak_queue *queue, struct soak_waiting *one,
               unsigned long long due)
{
    pthread_mutex_lock(&queue->mutex);
    one->due = due;
    one->next = queue->first;
    queue->first = one;
    pthread_mutex_unlock(&queue->mutex);
}

void *soak_take_due(struct soak_queue *queue, unsigned long long now)
{
    struct soak_waiting **at, *found = NULL;

    pthread_mutex_lock(&queue->mutex);
    for (at = &queue->first; *at; at = &(*at)->next)
        if ((*at)->due <= now) {
            found = *at;
            *at = found->next;
            break;
        }
    pthread_mutex_unlock(&queue->mutex);
    return found;
}

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (folder && readdir(folder))
        ++count;
    if (folder)
        closedir(folder);
    return count;
}

struct state {
    size_t memory;
    int descriptors;
    unsigned pools;
    unsigned long long tokens;
    unsigned long allocations; /* created, and not removed */
    int happened;              /* all that was to, and nothing was refused */
};

/* On a terminal: the seconds that are left. */
static void show(unsigned long long left_msec)
{
    static unsigned long long shown;
    unsigned long long left = (left_msec + 999) / 1000;

    if (left == shown || !isatty(STDERR_FILENO))
        return;
    shown = left;
    if (left)
        fprintf(stderr, "\r%5llu s to go ", left);
    else
        fprintf(stderr, "\r%15s\r", "");
}

static struct state play(unsigned seconds, unsigned restart_msec)
{
    unsigned long long now, end = soak_now() + seconds * 1000ULL;
    struct registrations_figures sip;
    struct relays_figures turn;
    struct pjauth_sip_stats stats;
    struct state left;
    struct streams_figures streams;

    registrations_start(REGISTRATIONS);
    relays_start(ALLOCATIONS, restart_msec);
    streams_start();
    while ((now = soak_now()) < end) {
        show(end - now);
        registrations_step();
        relays_step();
    }
    show(0);
    streams_stop(&streams);
    relays_stop(&turn);
    left.pools = registrations_stop(&sip);
    pjauth_sip_get_stats(&stats, sizeof(stats));
    left.tokens = stats.outstanding;
    left.allocations = turn.created - turn.removed;
    malloc_trim(0);
    left.memory = mallinfo2().uordblks + mallinfo2().hblkhd;
    left.descriptors = count_descriptors();
    printf("%4u s  SIP: %lu challenged, %lu answered later, %lu too late, %lu "
           "registered, %lu refused, %lu destroyed\n",
           seconds, sip.challenged, sip.answered_later, sip.too_late,
           sip.registered, sip.refused, sip.destroyed);
    printf("        TURN: %lu asked, %lu decided later, %lu too late, %lu "
           "created, %lu removed, %lu echoed, %lu streams, %lu over TLS, %lu refused, %lu "
           "restarts\n",
           turn.asked, turn.decided_later, turn.too_late, turn.created,
           turn.removed, turn.echoed, streams.passed, streams.passed_tls,
           turn.refused, turn.restarts);
    printf("        left: %zu bytes, %d descriptors, %u pools, %llu tokens, "
           "%lu allocations\n",
           left.memory, left.descriptors, left.pools, left.tokens,
           left.allocations);
    fflush(stdout);
    /* What does not happen proves nothing. */
    left.happened = sip.answered_later && sip.too_late && sip.registered &&
                    sip.destroyed && !sip.refused && turn.decided_later &&
                    turn.too_late && turn.echoed && streams.passed &&
                    streams.passed_tls && !turn.refused;
    if (!left.happened)
        printf("FAIL something did not happen, or was refused\n");
    return left;
}

int main(int argc, char **argv)
{
    const char *text = argc > 1 ? argv[1] : getenv("SOAK_SECONDS");
    unsigned seconds = text ? (unsigned)strtoul(text, NULL, 10) : 60;
    unsigned slacks = seconds / 60;
    struct state before, after;
    int ok;

    slacks = slacks < 1 ? 1 : slacks > MOST_SLACKS ? MOST_SLACKS : slacks;
    /* One arena, so that mallinfo2() counts every thread's memory. */
    mallopt(M_ARENA_MAX, 1);
    before = play(FIRST_ROUND_SECONDS, FIRST_ROUND_RESTART_MSEC);
    after = play(seconds, RESTART_MSEC);
    ok = before.happened && after.happened &&
         after.memory <= before.memory + slacks * MEMORY_SLACK &&
         after.descriptors == before.descriptors && !before.pools &&
         !after.pools && !after.tokens && !after.allocations;
    printf("%s: %+lld bytes, %+d descriptors\n", ok ? "ok" : "FAIL",
           (long long)after.memory - (long long)before.memory,
           after.descriptors - before.descriptors);
    return ok ? 0 : 1;
}
