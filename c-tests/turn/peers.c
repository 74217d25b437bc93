/* What an application hears of peers, and limits that change while the server runs. */
#include "stand.h"

#include <string.h>

/* What on_peer and on_peer_end were told. */
static struct {
    pthread_mutex_t mutex;
    pjauth_turn_allocation *allocation;
    char text[256];
} told = {PTHREAD_MUTEX_INITIALIZER, NULL, ""};

static void hear(void *user_data, pjauth_turn_allocation *allocation, const pjauth_turn_peer *peer, const char *sign)
{
    size_t used;
    CHECK(user_data == &told);
    pthread_mutex_lock(&told.mutex);
    used = strlen(told.text);
    snprintf(told.text + used, sizeof(told.text) - used, "%s%x %s;", sign, (unsigned)peer->channel, peer->address);
    told.allocation = allocation;
    pthread_mutex_unlock(&told.mutex);
}

static void on_peer(void *user_data, pjauth_turn_allocation *allocation, const pjauth_turn_peer *peer)
{
    hear(user_data, allocation, peer, "");
}

static void on_peer_end(void *user_data, pjauth_turn_allocation *allocation, const pjauth_turn_peer *peer)
{
    hear(user_data, allocation, peer, "-");
}

static void hear_of_peers(struct pjauth_turn_options *options)
{
    options->on_peer = on_peer;
    options->on_peer_end = on_peer_end;
    options->on_peer_user_data = &told;
}

static void peers_are_told_once(void)
{
    pjauth_turn_allocation *allocation;
    struct stand stand;
    struct wire wire;
    stand_start(&stand, hear_of_peers);
    allocation = stand_allocate(&stand, &wire);
    CHECK(wire_bind(&wire, "ann", REALM, 5000) == 0);
    CHECK(wire_bind(&wire, "ann", REALM, 5000) == 0);
    CHECK(!strcmp(told.text, "0 127.0.0.1;4000 127.0.0.1:5000;") && told.allocation == allocation);
    CHECK(wire_refresh(&wire, "ann", REALM, 0) == 0);
    CHECK(stand_wait(&stand, &stand.removed, 1));
    CHECK(!strcmp(told.text, "0 127.0.0.1;4000 127.0.0.1:5000;-0 127.0.0.1;-4000 127.0.0.1:5000;"));
    wire_close(&wire);
    stand_end(&stand);
}

static void ask_each(struct pjauth_turn_options *options)
{
    options->ask_each = 1;
}

static char named[64];

static void look_at_peers(struct stand *stand, pjauth_turn_request *request)
{
    char text[64];
    (void)stand;
    if (pjauth_turn_request_method(request) != WIRE_CHANNEL_BIND) {
        CHECK(pjauth_turn_request_peer(request, 0, text, sizeof(text)) == 0 && !*text);
    } else {
        CHECK(pjauth_turn_request_peer(request, 0, named, sizeof(named)) == 14);
        CHECK(pjauth_turn_request_peer(request, 1, text, sizeof(text)) == 0 && !*text);
    }
}

static void a_request_tells_its_peers(void)
{
    struct stand stand;
    struct wire wire;
    stand_start(&stand, ask_each);
    stand_set(&stand, PJAUTH_TURN_AUTHORIZED, look_at_peers);
    CHECK(wire_open(&wire, stand.address) == 0 && wire_allocate(&wire, "ann", REALM) == 0);
    CHECK(wire_bind(&wire, "ann", REALM, 5000) == 0);
    CHECK(!strcmp(named, "127.0.0.1:5000"));
    wire_close(&wire);
    stand_end(&stand);
}

static char logged[256];

static void keep_line(void *user_data, int level, const char *text)
{
    CHECK(user_data == NULL && level == 2);
    snprintf(logged, sizeof(logged), "%s", text);
}

static void limits_change_while_it_runs(void)
{
    struct pjauth_turn_options options;
    struct pjauth_turn_allocation_info info;
    struct stand stand;
    struct wire one, other;
    stand_start(&stand, NULL);
    stand_allocate(&stand, &one);
    CHECK(pjauth_turn_options_init(&options, sizeof(options)) == 0);
    options.user_quota = 1;
    options.bandwidth_limit = 12345;
    CHECK(pjauth_turn_server_set_limits(stand.server, &options) == 0);
    CHECK(wire_open(&other, stand.address) == 0 && wire_allocate(&other, "ann", REALM) == 486);
    options.user_quota = 0;
    options.max_allocations = 1;
    CHECK(pjauth_turn_server_set_limits(stand.server, &options) == 0);
    CHECK(wire_allocate(&other, "ann", REALM) == 508);
    /* Nothing changes where one has no sense. */
    options.max_allocations = 2;
    options.default_lifetime = 0;
    CHECK(pjauth_turn_server_set_limits(stand.server, &options) == PJ_EINVAL);
    CHECK(wire_allocate(&other, "ann", REALM) == 508);
    options.default_lifetime = 100;
    options.max_lifetime = 100;
    CHECK(pjauth_turn_server_set_limits(stand.server, &options) == 0);
    CHECK(wire_allocate(&other, "ann", REALM) == 0 && stand_wait(&stand, &stand.created, 2));
    CHECK(pjauth_turn_allocation_get_info(stand.allocation, &info, sizeof(info)) == 0);
    CHECK(info.bandwidth_limit == 12345 && info.remaining_msec <= 100000);
    /* What makes sense and is a trap is told. */
    options.rate = 100000;
    options.rate_burst = 1499;
    options.log = keep_line;
    CHECK(pjauth_turn_server_set_limits(stand.server, &options) == 0 && strstr(logged, "rate_burst is 1499"));
    wire_close(&one);
    wire_close(&other);
    CHECK(pjauth_turn_server_stop(stand.server) == 0);
    CHECK(pjauth_turn_server_set_limits(stand.server, &options) == PJ_EINVALIDOP);
    stand_end(&stand);
}

int main(void)
{
    peers_are_told_once();
    a_request_tells_its_peers();
    limits_change_while_it_runs();
    puts(failures ? "failed" : "passed");
    return failures != 0;
}
