/* Decisions from several threads at once: each request is answered by several of them, in any order, again and again,
 * while clients retransmit, give up and come back. Each request takes one answer or none, each allocation that was
 * created is removed once, and each transaction gets one reply.
 *
 *   stress [SECONDS]
 */
#include "stand.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_REQUESTS = 1 << 20, RECENT = 64, CLIENTS = 4, DECIDERS = 3 };

static struct {
    pthread_mutex_t mutex;
    int over, has_stopped;
    int requests, replies, grants, cancelled;
    struct {
        pjauth_turn_request *handle;
        unsigned char answers;
    } all[MAX_REQUESTS];
} field = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0, 0, 0, {{NULL, 0}}};

static int is_over(void)
{
    int over;
    pthread_mutex_lock(&field.mutex);
    over = field.over;
    pthread_mutex_unlock(&field.mutex);
    return over;
}

static void remember(struct stand *stand, pjauth_turn_request *request)
{
    (void)stand;
    pthread_mutex_lock(&field.mutex);
    if (field.requests < MAX_REQUESTS)
        field.all[field.requests++].handle = request;
    pthread_mutex_unlock(&field.mutex);
}

static void answer(int index, pjauth_turn_request *request, unsigned *seed)
{
    static const int states[] = {PJAUTH_TURN_AUTHORIZED, PJAUTH_TURN_AUTHORIZED, PJAUTH_TURN_NOT_AUTHORIZED,
                                 PJAUTH_TURN_QUOTA_REACHED};
    int status = pjauth_turn_handle_request(request, states[rand_r(seed) % 4]);
    pthread_mutex_lock(&field.mutex);
    CHECK(status == 0 || status == PJ_EINVAL);
    if (status == 0)
        CHECK(++field.all[index].answers == 1);
    pthread_mutex_unlock(&field.mutex);
}

/* Until after the server is gone: answers one of the last requests, whether it was answered or not; some wait until their deadline. */
static void *decide(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    int has_stopped = 0;
    while (!has_stopped) {
        pjauth_turn_request *request = NULL;
        int index;
        pthread_mutex_lock(&field.mutex);
        has_stopped = field.has_stopped;
        index = field.requests - 1 - (int)(rand_r(&seed) % RECENT);
        if (index >= 0 && index % 50)
            request = field.all[index].handle;
        pthread_mutex_unlock(&field.mutex);
        if (request)
            answer(index, request, &seed);
        else
            usleep(500);
    }
    return NULL;
}

/* No other reply to the same transaction: a retransmission gets the same. */
static void check_reply(struct wire *wire)
{
    uint8_t data[2048];
    ssize_t size = recv(wire->fd, data, sizeof(data), MSG_DONTWAIT);
    CHECK(size < 20 || data[19] != wire->transaction ||
          ((size_t)size == wire->size && !memcmp(data, wire->reply, wire->size)));
}

/* Waits for the reply, unless the server stops. */
static int await_reply(struct wire *wire)
{
    int code = -1, waited;
    for (waited = 0; waited < PATIENCE && code < 0 && !is_over(); waited += 100)
        code = wire_reply(wire, 100);
    return code;
}

static void *be_client(void *argument)
{
    struct stand *stand = (struct stand *)argument;
    unsigned seed;
    struct wire wire;
    pthread_mutex_lock(&field.mutex);
    seed = (unsigned)rand();
    pthread_mutex_unlock(&field.mutex);
    while (!is_over()) {
        int code, i, cancelled = 0;
        if (wire_open(&wire, stand->address) != 0)
            break;
        memcpy(wire.key, WIRE_KEY, sizeof(wire.key));
        wire_send(&wire, WIRE_ALLOCATE, NULL, NULL);
        code = await_reply(&wire);
        CHECK(code == 401 || is_over());
        for (i = rand_r(&seed) % 3; i >= 0; --i) {
            wire_send(&wire, WIRE_ALLOCATE, "ann", REALM);
            wire_repeat(&wire);
            cancelled += i > 0;
        }
        code = await_reply(&wire);
        CHECK(code == 0 || code == 401 || code == 437 || code == 486 || code == 500 || is_over());
        check_reply(&wire);
        if (code == 0 && rand_r(&seed) % 2)
            wire_refresh(&wire, "ann", REALM, 0);
        wire_close(&wire);
        pthread_mutex_lock(&field.mutex);
        field.replies += code >= 0;
        field.grants += code == 0;
        field.cancelled += cancelled;
        pthread_mutex_unlock(&field.mutex);
    }
    return NULL;
}

static void *revoke_all(void *argument)
{
    struct stand *stand = (struct stand *)argument;
    while (!is_over()) {
        CHECK(pjauth_turn_server_revoke_user(stand->server, "ann", NULL) == 0 || is_over());
        usleep(20000);
    }
    return NULL;
}

static void limit(struct pjauth_turn_options *options)
{
    options->workers = 2;
    options->held_deadline_msec = 200;
    options->challenges_per_second = 1000;
    options->challenge_burst = 1000000;
    options->guesses_per_minute = 0; /* its clients are refused and give up all the time */
}

int main(int argc, char **argv)
{
    struct timespec wait = {argc > 1 ? atoi(argv[1]) : 2, 0};
    struct pjauth_turn_counters counters;
    pthread_t threads[CLIENTS + DECIDERS + 1];
    struct stand stand;
    unsigned seed = 1;
    int i, answered = 0;
    stand_start(&stand, limit);
    stand_set(&stand, PJAUTH_TURN_AUTHENTICATING, remember);
    for (i = 0; i < DECIDERS; ++i)
        CHECK(pthread_create(&threads[i], NULL, decide, (void *)(uintptr_t)(i + 1)) == 0);
    CHECK(pthread_create(&threads[i++], NULL, revoke_all, &stand) == 0);
    for (; i < CLIENTS + DECIDERS + 1; ++i)
        CHECK(pthread_create(&threads[i], NULL, be_client, &stand) == 0);
    nanosleep(&wait, NULL);
    pthread_mutex_lock(&field.mutex);
    field.over = 1;
    pthread_mutex_unlock(&field.mutex);
    /* In the middle of it: clients wait for replies, deciders answer. */
    CHECK(pjauth_turn_server_get_counters(stand.server, &counters, sizeof(counters)) == 0);
    stand_end(&stand);
    pthread_mutex_lock(&field.mutex);
    field.has_stopped = 1;
    pthread_mutex_unlock(&field.mutex);
    for (i = 0; i < CLIENTS + DECIDERS + 1; ++i)
        CHECK(pthread_join(threads[i], NULL) == 0);
    for (i = 0; i < field.requests; ++i) {
        CHECK(pjauth_turn_handle_request(field.all[i].handle, PJAUTH_TURN_AUTHORIZED) == PJ_EINVAL);
        answered += field.all[i].answers;
        if (rand_r(&seed) % 16 == 0)
            CHECK(pjauth_turn_request_username(field.all[i].handle, NULL, 0) == 0);
    }
    /* A request without an answer had its deadline, was given up by its client, or waited when the server stopped. */
    CHECK(field.requests - answered <= (int)counters.held_expired + field.cancelled + 2 * CLIENTS);
    CHECK(field.requests >= 100 && field.grants >= 10 && counters.held_expired >= 1 && stand.created >= field.grants);
    printf("%d requests, %d answered, %d deadlines, %d given up; %d replies, %d allocations, as many removals\n",
           field.requests, answered, (int)counters.held_expired, field.cancelled, field.replies, stand.created);
    puts(failures ? "failed" : "passed");
    return failures != 0;
}
