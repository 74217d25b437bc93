/* A TURN server's process is stopped for a while, or forks. */
#define _GNU_SOURCE
#include "relay.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FORKS = 20, CHILD_SECONDS = 10, STOP_SECONDS = 2 };

/* Waits for a child; 1 if it ended well, which one that hung did not. */
static int ended_well(pid_t child)
{
    int status = -1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---------------------------------------------------------------- SIGSTOP */

static void short_lifetime(struct pjauth_turn_options *options)
{
    options->default_lifetime = 1;
}

/* Says its address, serves until `until` ends. */
static void serve(int say, int until)
{
    struct stand stand;
    char byte;
    stand_start(&stand, short_lifetime);
    CHECK(write(say, stand.address, sizeof(stand.address)) == (ssize_t)sizeof(stand.address));
    CHECK(read(until, &byte, 1) == 0);
    CHECK(stand.created == 3 && stand.removed == 1 && stand.last.reason == PJAUTH_TURN_EXPIRED);
    stand_end(&stand);
    exit(failures != 0);
}

/* FAULTS_STOP_SECONDS in the environment: for how long. What was to expire meanwhile has expired, the rest goes on. */
void stopped(void)
{
    const char *wanted = getenv("FAULTS_STOP_SECONDS");
    unsigned seconds = wanted ? (unsigned)atoi(wanted) : STOP_SECONDS;
    struct wire kept, expired, new;
    char address[sizeof(((struct stand *)0)->address)], data[2048];
    int say[2], until[2], peer;
    uint16_t port = 0;
    pid_t server;

    alarm(seconds + 60);
    CHECK(pipe(say) == 0 && pipe(until) == 0);
    server = fork();
    if (server == 0) {
        close(until[1]);
        serve(say[1], until[0]);
    }
    close(until[0]);
    CHECK(read(say[0], address, sizeof(address)) == (ssize_t)sizeof(address));
    peer = peer_open(&port);
    CHECK(wire_open(&kept, address) == 0 && wire_allocate(&kept, "ann", REALM) == 0);
    CHECK(wire_refresh(&kept, "ann", REALM, 600) == 0 && wire_bind(&kept, "ann", REALM, port) == 0);
    CHECK(peer_reached(&kept, peer, 100));
    CHECK(wire_open(&expired, address) == 0 && wire_allocate(&expired, "ann", REALM) == 0);

    CHECK(kill(server, SIGSTOP) == 0);
    CHECK(waitpid(server, NULL, WUNTRACED) == server);
    wire_data(&kept, 300); /* waits in the kernel */
    CHECK(wire_open(&new, address) == 0);
    wire_send(&new, WIRE_BINDING, NULL, NULL);
    CHECK(wire_reply(&new, 200) == -1);
    sleep(seconds);
    CHECK(kill(server, SIGCONT) == 0);

    CHECK(wire_reply(&new, PATIENCE) == 0);
    CHECK(read(peer, data, sizeof(data)) == 300);
    CHECK(peer_reached(&kept, peer, 100) && client_reached(&kept, peer));
    CHECK(wire_refresh(&kept, "ann", REALM, 600) == 0);
    CHECK(wire_refresh(&expired, "ann", REALM, 600) == 437);
    CHECK(wire_allocate(&new, "ann", REALM) == 0 && wire_refresh(&new, "ann", REALM, 600) == 0);
    close(until[1]);
    CHECK(ended_well(server));
    wire_close(&kept);
    wire_close(&expired);
    wire_close(&new);
    close(peer);
}

/* ------------------------------------------------------------------- fork */

/* Every kind of function, at every handle of the parent's: an answer at once. */
static void call_everything(struct stand *stand, pjauth_turn_allocation *allocation, pjauth_turn_request *request)
{
    struct pjauth_turn_allocation_info info;
    struct pjauth_turn_counters counters;
    unsigned count = 0;
    char text[64];

    CHECK(pjauth_turn_server_get_counters(stand->server, &counters, sizeof(counters)) == PJ_EINVAL);
    CHECK(pjauth_turn_server_metrics(stand->server, text, sizeof(text)) == 0);
    CHECK(pjauth_turn_server_allocations(stand->server, NULL, sizeof(struct pjauth_turn_allocation_info), &count) == PJ_EINVAL);
    CHECK(pjauth_turn_server_listener(stand->server, 0, NULL, text, sizeof(text)) == 0);
    CHECK(pjauth_turn_server_drain(stand->server, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_user_quota(stand->server, "ann", 1) == PJ_EINVAL);
    CHECK(pjauth_turn_server_revoke_user(stand->server, "ann", &count) == PJ_EINVAL);
    CHECK(pjauth_turn_server_user_data(stand->server) == NULL);
    CHECK(pjauth_turn_allocation_get_info(allocation, &info, sizeof(info)) == PJ_EINVAL);
    CHECK(pjauth_turn_allocation_revoke(allocation) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_password(request, "secret") == PJ_EINVAL);
    CHECK(pjauth_turn_handle_request(request, PJAUTH_TURN_AUTHORIZED) == PJ_EINVAL);
    CHECK(pjauth_turn_server_start(stand->server) == PJ_EINVAL);
    CHECK(pjauth_turn_server_stop(stand->server) == PJ_EINVAL);
    CHECK(pjauth_turn_server_destroy(stand->server) == PJ_EINVAL);
}

/* A server of the child's own. */
static void serve_in_child(void)
{
    struct stand stand;
    struct wire wire;
    stand_start(&stand, NULL);
    stand_allocate(&stand, &wire);
    wire_close(&wire);
    stand_end(&stand);
}

static struct stand *busy;
static int is_over;

/* Where a fork takes long, more clients come and go than one address is given challenges. */
static void many_challenges(struct pjauth_turn_options *options)
{
    options->challenges_per_second = 1000;
    options->challenge_burst = 1000000;
}

/* Keeps the worker busy, so that forks come at every moment. */
static void *come_and_go(void *arg)
{
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        struct wire wire;
        CHECK(wire_open(&wire, busy->address) == 0 && wire_allocate(&wire, "ann", REALM) == 0);
        CHECK(wire_refresh(&wire, "ann", REALM, 0) == 0);
        wire_close(&wire);
    }
    return arg;
}

/* The child exits as programs do; the parent's server goes on, with what waited before. */
void forked(void)
{
    pjauth_turn_allocation *allocation;
    pjauth_turn_request *request;
    struct wire wire, waiting;
    struct stand stand;
    uint16_t port = 0;
    int i, peer = peer_open(&port);
    pthread_t noise;

    stand_start(&stand, many_challenges);
    allocation = stand_allocate(&stand, &wire);
    CHECK(wire_bind(&wire, "ann", REALM, port) == 0);
    stand_set(&stand, PJAUTH_TURN_AUTHENTICATING, NULL);
    CHECK(wire_open(&waiting, stand.address) == 0);
    wire_send(&waiting, WIRE_ALLOCATE, NULL, NULL);
    CHECK(wire_reply(&waiting, PATIENCE) == 401);
    memcpy(waiting.key, WIRE_KEY, sizeof(waiting.key));
    wire_send(&waiting, WIRE_ALLOCATE, "ann", REALM);
    CHECK(stand_wait(&stand, &stand.asked, 2));
    request = stand.request;
    stand_set(&stand, PJAUTH_TURN_AUTHORIZED, NULL);

    busy = &stand;
    CHECK(pthread_create(&noise, NULL, come_and_go, NULL) == 0);
    for (i = 0; i < FORKS && !failures; ++i) {
        pid_t child = fork();
        if (child == 0) {
            failures = 0;
            alarm(CHILD_SECONDS); /* of its own, which fork does not give it */
            call_everything(&stand, allocation, request);
            if (i == 0)
                serve_in_child();
            exit(failures != 0);
        }
        CHECK(ended_well(child));
        CHECK(peer_reached(&wire, peer, 100) && client_reached(&wire, peer));
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    pthread_join(noise, NULL);
    CHECK(pjauth_turn_handle_request(request, PJAUTH_TURN_AUTHORIZED) == 0);
    CHECK(wire_reply(&waiting, PATIENCE) == 0);
    CHECK(wire_refresh(&wire, "ann", REALM, 600) == 0);
    wire_close(&wire);
    wire_close(&waiting);
    close(peer);
    stand_end(&stand);
}
