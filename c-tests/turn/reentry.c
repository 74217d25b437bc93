/* The library's functions called from inside the observer's, and decisions that come early, twice, late or never. */
#include "stand.h"

#include <string.h>

/* Decides from inside, and again. */
static void decide_inside(struct stand *stand, pjauth_turn_request *request)
{
    stand->results[0] = pjauth_turn_handle_request(request, PJAUTH_TURN_AUTHORIZED);
    stand->results[1] = pjauth_turn_handle_request(request, PJAUTH_TURN_NOT_AUTHORIZED);
}

static void decide_in_authenticate(void)
{
    static const int answers[] = {PJAUTH_TURN_AUTHENTICATING, PJAUTH_TURN_NOT_AUTHORIZED, PJAUTH_TURN_AUTHORIZED};
    struct pjauth_turn_counters counters;
    struct stand stand;
    struct wire wire;
    size_t i;
    stand_start(&stand, NULL);
    for (i = 0; i < sizeof(answers) / sizeof(*answers); ++i) {
        /* What is decided inside counts, whatever the function returns. */
        stand_set(&stand, answers[i], decide_inside);
        stand_allocate(&stand, &wire);
        CHECK(stand.results[0] == 0 && stand.results[1] == PJ_EINVAL);
        CHECK(wire_refresh(&wire, "ann", REALM, 0) == 0);
        wire_close(&wire);
    }
    CHECK(pjauth_turn_server_get_counters(stand.server, &counters, sizeof(counters)) == 0);
    CHECK(counters.asked == 3 && counters.held_total == 0 && counters.allocations_created == 3);
    stand_end(&stand);
}

static void revoke(struct stand *stand, pjauth_turn_allocation *allocation)
{
    stand->results[0] = pjauth_turn_allocation_revoke(allocation);
    stand->results[1] = pjauth_turn_allocation_revoke(allocation);
    stand->results[2] = pjauth_turn_allocation_set_lifetime(allocation, 1000);
    stand->results[3] = pjauth_turn_server_start(stand->server);
}

static void revoke_in_created(void)
{
    struct stand stand;
    struct wire wire;
    pjauth_turn_allocation *allocation;
    stand_start(&stand, NULL);
    stand.on_created = revoke;
    allocation = stand_allocate(&stand, &wire);
    CHECK(stand_wait(&stand, &stand.removed, 1));
    CHECK(stand.results[0] == 0 && stand.results[1] == PJ_EINVAL && stand.results[2] == PJ_EINVAL);
    CHECK(stand.results[3] == PJ_EINVALIDOP);
    CHECK(stand.last.reason == PJAUTH_TURN_REVOKED && stand.last.allocation == allocation);
    CHECK(pjauth_turn_allocation_get_info(allocation, &stand.last, sizeof(stand.last)) == PJ_EINVAL);
    CHECK(wire_refresh(&wire, "ann", REALM, 600) == 437);
    wire_close(&wire);
    stand_end(&stand);
}

static void destroy(struct stand *stand, pjauth_turn_allocation *allocation)
{
    stand->results[0] = pjauth_turn_server_destroy(stand->server);
    stand->results[1] = pjauth_turn_allocation_set_user_data(allocation, stand);
}

static void destroy_in_callbacks(void)
{
    struct stand stand;
    struct wire wire;
    stand_start(&stand, NULL);
    stand.on_created = stand.on_removed = destroy;
    stand_allocate(&stand, &wire);
    CHECK(stand.results[0] == PJ_EINVALIDOP && stand.results[1] == 0);
    stand.results[0] = 0;
    CHECK(wire_refresh(&wire, "ann", REALM, 0) == 0);
    CHECK(stand_wait(&stand, &stand.removed, 1));
    CHECK(stand.results[0] == PJ_EINVALIDOP && stand.last.reason == PJAUTH_TURN_DELETED);
    wire_close(&wire);
    stand_end(&stand);
}

static void stop(struct stand *stand, pjauth_turn_allocation *allocation)
{
    (void)allocation;
    stand->results[0] = pjauth_turn_server_stop(stand->server);
}

/* The stop returns at once; the removal follows, the server can be started again, and destroyed at the end. */
static void stop_in_created(void)
{
    struct stand stand;
    struct wire wire;
    stand_start(&stand, NULL);
    stand.on_created = stop;
    stand.results[0] = -1;
    CHECK(wire_open(&wire, stand.address) == 0);
    wire_allocate(&wire, "ann", REALM);
    CHECK(stand_wait(&stand, &stand.removed, 1));
    CHECK(stand.results[0] == 0 && stand.last.reason == PJAUTH_TURN_STOPPED);
    wire_close(&wire);
    CHECK(pjauth_turn_server_stop(stand.server) == 0);
    CHECK(pjauth_turn_server_start(stand.server) == 0);
    stand.on_created = NULL;
    CHECK(pjauth_turn_server_listener(stand.server, 0, NULL, stand.address, sizeof(stand.address)) > 0);
    stand_allocate(&stand, &wire);
    wire_close(&wire);
    stand_end(&stand);
    CHECK(stand.removed == 2 && stand.last.reason == PJAUTH_TURN_STOPPED);
}

static void few_and_short(struct pjauth_turn_options *options)
{
    options->max_held_per_source = 2;
    options->held_deadline_msec = 300;
}

static void held_requests_are_bounded_in_number_and_time(void)
{
    struct pjauth_turn_counters counters;
    pjauth_turn_request *requests[3];
    struct stand stand;
    struct wire wires[3];
    int i;
    stand_start(&stand, few_and_short);
    stand_set(&stand, PJAUTH_TURN_AUTHENTICATING, NULL);
    for (i = 0; i < 3; ++i) {
        CHECK(wire_open(&wires[i], stand.address) == 0);
        memcpy(wires[i].key, WIRE_KEY, WIRE_KEY_SIZE);
        wire_send(&wires[i], WIRE_ALLOCATE, NULL, NULL);
        CHECK(wire_reply(&wires[i], PATIENCE) == 401);
        wire_send(&wires[i], WIRE_ALLOCATE, "ann", REALM);
        CHECK(stand_wait(&stand, &stand.asked, i + 1));
        requests[i] = stand.request;
    }
    CHECK(wire_reply(&wires[2], PATIENCE) == 508);
    CHECK(pjauth_turn_handle_request(requests[2], PJAUTH_TURN_AUTHORIZED) == PJ_EINVAL);
    CHECK(pjauth_turn_request_username(requests[0], NULL, 0) == 3);
    wire_repeat(&wires[0]);
    CHECK(pjauth_turn_handle_request(requests[1], PJAUTH_TURN_AUTHORIZED) == 0);
    CHECK(wire_reply(&wires[1], PATIENCE) == 0);
    CHECK(wire_reply(&wires[0], PATIENCE) == 500);
    CHECK(pjauth_turn_handle_request(requests[0], PJAUTH_TURN_AUTHORIZED) == PJ_EINVAL);
    CHECK(pjauth_turn_request_username(requests[0], NULL, 0) == 0);
    CHECK(pjauth_turn_server_get_counters(stand.server, &counters, sizeof(counters)) == 0);
    CHECK(counters.held_total == 2 && counters.held == 0 && counters.held_refused == 1 && counters.held_expired == 1);
    CHECK(counters.asked == 3 && counters.retransmissions == 1);
    for (i = 0; i < 3; ++i)
        wire_close(&wires[i]);
    stand_end(&stand);
}

/* Two who ask at once for the last place of a quota. */
static void set_quota(struct stand *stand, pjauth_turn_request *request)
{
    stand->results[0] = pjauth_turn_request_set_quota(request, 1);
}

static void quota_is_counted_when_the_decision_takes_effect(void)
{
    pjauth_turn_request *requests[2];
    struct stand stand;
    struct wire wires[2];
    int i;
    stand_start(&stand, NULL);
    stand_set(&stand, PJAUTH_TURN_AUTHENTICATING, set_quota);
    for (i = 0; i < 2; ++i) {
        CHECK(wire_open(&wires[i], stand.address) == 0);
        memcpy(wires[i].key, WIRE_KEY, WIRE_KEY_SIZE);
        wire_send(&wires[i], WIRE_ALLOCATE, NULL, NULL);
        CHECK(wire_reply(&wires[i], PATIENCE) == 401);
        wire_send(&wires[i], WIRE_ALLOCATE, "ann", REALM);
        CHECK(stand_wait(&stand, &stand.asked, i + 1));
        requests[i] = stand.request;
        CHECK(stand.results[0] == 0 && pjauth_turn_request_verify(requests[i]) == 1);
    }
    for (i = 0; i < 2; ++i)
        CHECK(pjauth_turn_handle_request(requests[i], PJAUTH_TURN_AUTHORIZED) == 0);
    CHECK(wire_reply(&wires[0], PATIENCE) == 0 && wire_reply(&wires[1], PATIENCE) == 486);
    /* What is given back can be had again. */
    CHECK(wire_refresh(&wires[0], "ann", REALM, 0) == 0);
    stand_set(&stand, PJAUTH_TURN_AUTHORIZED, set_quota);
    CHECK(wire_allocate(&wires[1], "ann", REALM) == 0);
    for (i = 0; i < 2; ++i)
        wire_close(&wires[i]);
    stand_end(&stand);
}

int main(void)
{
    decide_in_authenticate();
    revoke_in_created();
    destroy_in_callbacks();
    stop_in_created();
    held_requests_are_bounded_in_number_and_time();
    quota_is_counted_when_the_decision_takes_effect();
    puts(failures ? "failed" : "passed");
    return failures != 0;
}
