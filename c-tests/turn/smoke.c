/* The interface from C: a hand-made table of functions, decisions at once and later, dead handles. */
#include "pjauth.h"
#include "wire.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PJ_EINVAL = 70004, PJ_EINVALIDOP = 70013 };

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            ++failures; \
        } \
    } while (0)

static int failures;

/* An observer with something of its own behind the table's address. */
struct observer {
    struct pjauth_turn_observer base;
    pthread_mutex_t mutex;
    int asked, answer, destroyed;
    pjauth_turn_request *held;
};

static void on_allocation(struct pjauth_turn_observer *observer, pjauth_turn_server *server,
                          pjauth_turn_allocation *allocation)
{
    (void)observer, (void)server, (void)allocation;
}

static int authenticate(struct pjauth_turn_observer *base, pjauth_turn_server *server, pjauth_turn_request *request)
{
    struct observer *observer = (struct observer *)base;
    char text[64];
    int answer;
    CHECK(pjauth_turn_request_username(request, text, sizeof(text)) == 3 && !strcmp(text, "ann"));
    CHECK(pjauth_turn_request_username(request, text, 3) == 3 && !strcmp(text, "an"));
    CHECK(pjauth_turn_request_realm(request, text, sizeof(text)) == 11 && !strcmp(text, "example.org"));
    CHECK(pjauth_turn_request_client_address(request, text, sizeof(text)) > 0 && !strncmp(text, "127.0.0.1:", 10));
    CHECK(pjauth_turn_request_method(request) == WIRE_ALLOCATE);
    CHECK(pjauth_turn_request_transport(request) == PJAUTH_TURN_UDP);
    CHECK(pjauth_turn_request_lifetime(request) == -1);
    CHECK(pjauth_turn_request_family(request) == 0);
    CHECK(pjauth_turn_request_algorithm(request) == PJAUTH_TURN_MD5);
    CHECK(pjauth_turn_request_server(request) == server);
    CHECK(pjauth_turn_request_set_password(request, "secret") == 0);
    CHECK(pjauth_turn_request_set_key(request, PJAUTH_TURN_MD5, (const uint8_t *)"short", 5) == PJ_EINVAL);
    pthread_mutex_lock(&observer->mutex);
    ++observer->asked;
    observer->held = request;
    observer->destroyed = pjauth_turn_server_destroy(server);
    answer = observer->answer;
    pthread_mutex_unlock(&observer->mutex);
    return answer;
}

static const struct pjauth_turn_observer_vtable table = {on_allocation, on_allocation, authenticate};
static struct observer observer = {{&table}, PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, NULL};

static pjauth_turn_request *wait_for_request(int asked)
{
    pjauth_turn_request *held = NULL;
    int i;
    for (i = 0; i < 1000 && !held; ++i) {
        pthread_mutex_lock(&observer.mutex);
        if (observer.asked >= asked)
            held = observer.held;
        pthread_mutex_unlock(&observer.mutex);
        usleep(10000);
    }
    return held;
}

static void set_answer(int answer)
{
    pthread_mutex_lock(&observer.mutex);
    observer.answer = answer;
    pthread_mutex_unlock(&observer.mutex);
}

static void *answer_quota(void *request)
{
    return pjauth_turn_handle_request(request, PJAUTH_TURN_QUOTA_REACHED) ? request : NULL;
}

static pjauth_turn_server *start(void)
{
    static const struct pjauth_turn_listener listeners[] = {
        {"127.0.0.1", 0, PJAUTH_TURN_UDP}, {"127.0.0.1", 0, PJAUTH_TURN_TCP}};
    struct pjauth_turn_options options;
    pjauth_turn_server *server = NULL;
    CHECK(pjauth_turn_options_init(&options, sizeof(options)) == 0);
    CHECK(options.size == sizeof(options) && options.max_port == 65535);
    CHECK(pjauth_turn_server_create(&options, &observer.base, &server) == 0);
    CHECK(pjauth_turn_server_start(server) == PJ_EINVAL); /* no listener */
    CHECK(pjauth_turn_server_destroy(server) == 0);
    options.realm = "example.org";
    options.listeners = listeners;
    options.listener_count = 2;
    options.workers = 1;
    CHECK(pjauth_turn_server_create(&options, &observer.base, &server) == 0);
    CHECK(pjauth_turn_server_start(server) == 0);
    CHECK(pjauth_turn_server_start(server) == PJ_EINVALIDOP);
    return server;
}

static void decide_later(struct wire *wire)
{
    pjauth_turn_request *request;
    pthread_t thread;
    void *failed;
    set_answer(PJAUTH_TURN_AUTHENTICATING);
    wire_send(wire, WIRE_ALLOCATE, "ann", "example.org");
    request = wait_for_request(1);
    CHECK(request && wire_reply(wire, 100) == -1);
    CHECK(pjauth_turn_handle_request(request, PJAUTH_TURN_AUTHENTICATING) == PJ_EINVAL);
    CHECK(pthread_create(&thread, NULL, answer_quota, request) == 0);
    CHECK(pthread_join(thread, &failed) == 0 && !failed);
    CHECK(wire_reply(wire, 5000) == 401); /* the key is not proven */
    CHECK(pjauth_turn_handle_request(request, PJAUTH_TURN_AUTHORIZED) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_password(request, "secret") == PJ_EINVAL);
    CHECK(pjauth_turn_request_username(request, NULL, 0) == 0);
}

static void decide_at_once(struct wire *wire)
{
    static const int answers[] = {PJAUTH_TURN_AUTHORIZED, PJAUTH_TURN_QUOTA_REACHED, PJAUTH_TURN_NOT_AUTHORIZED, 77};
    size_t i;
    for (i = 0; i < sizeof(answers) / sizeof(*answers); ++i) {
        set_answer(answers[i]);
        wire_send(wire, WIRE_ALLOCATE, "ann", "example.org");
        CHECK(wire_reply(wire, 5000) == 401);
    }
}

static void figures(pjauth_turn_server *server)
{
    struct pjauth_turn_counters counters;
    char text[16384];
    unsigned count = 0;
    size_t size = pjauth_turn_server_metrics(server, NULL, 0);
    CHECK(size > 1000 && size < sizeof(text));
    CHECK(pjauth_turn_server_metrics(server, text, sizeof(text)) >= size);
    CHECK(strstr(text, "\npjauth_turn_asked_total 5\n") != NULL);
    CHECK(pjauth_turn_server_get_counters(server, &counters, sizeof(counters)) == 0);
    CHECK(counters.asked == 5 && counters.held_total == 1 && counters.held == 0 && counters.allocations == 0);
    CHECK(pjauth_turn_server_allocations(server, NULL, sizeof(struct pjauth_turn_allocation_info), &count) == 0 && count == 0);
}

int main(void)
{
    char address[64];
    struct wire wire;
    int transport = 0, answer = 1;
    pjauth_turn_request *request;
    pjauth_turn_server *server = start();
    CHECK(pjauth_turn_server_listener(server, 1, &transport, address, sizeof(address)) > 0);
    CHECK(transport == PJAUTH_TURN_TCP);
    CHECK(pjauth_turn_server_listener(server, 2, &transport, address, sizeof(address)) == 0 && !*address);
    CHECK(pjauth_turn_server_listener(server, 0, &transport, address, sizeof(address)) > 0);
    CHECK(wire_open(&wire, address) == 0);
    wire_send(&wire, WIRE_BINDING, NULL, NULL);
    CHECK(wire_reply(&wire, 5000) == 0);
    wire_send(&wire, WIRE_ALLOCATE, NULL, NULL);
    CHECK(wire_reply(&wire, 5000) == 401 && wire.nonce_size > 0);
    CHECK(pjauth_turn_server_set_user_data(server, &answer) == 0 && pjauth_turn_server_user_data(server) == &answer);

    decide_later(&wire);
    decide_at_once(&wire);
    figures(server);

    set_answer(PJAUTH_TURN_AUTHENTICATING);
    wire_send(&wire, WIRE_ALLOCATE, "ann", "example.org");
    request = wait_for_request(6);
    CHECK(pjauth_turn_server_stop(server) == 0 && pjauth_turn_server_stop(server) == 0);
    CHECK(pjauth_turn_handle_request(request, PJAUTH_TURN_AUTHORIZED) == PJ_EINVAL);
    CHECK(pjauth_turn_server_drain(server, 1) == PJ_EINVALIDOP);
    CHECK(pjauth_turn_server_start(server) == 0); /* again */
    CHECK(pjauth_turn_server_destroy(server) == 0 && pjauth_turn_server_destroy(server) == PJ_EINVAL);
    CHECK(pjauth_turn_server_start(server) == PJ_EINVAL);
    CHECK(pjauth_turn_server_stop((pjauth_turn_server *)&wire) == PJ_EINVAL);
    CHECK(pjauth_turn_handle_request((pjauth_turn_request *)server, PJAUTH_TURN_AUTHORIZED) == PJ_EINVAL);
    CHECK(observer.destroyed == PJ_EINVALIDOP);
    wire_close(&wire);
    puts(failures ? "failed" : "passed");
    return failures != 0;
}
