#include "stand.h"

#include <string.h>
#include <unistd.h>

int failures;

static void created(struct pjauth_turn_observer *observer, pjauth_turn_server *server,
                    pjauth_turn_allocation *allocation)
{
    struct stand *stand = (struct stand *)observer;
    CHECK(server == stand->server && pjauth_turn_allocation_server(allocation) == server);
    if (stand->on_created)
        stand->on_created(stand, allocation);
    pthread_mutex_lock(&stand->mutex);
    ++stand->created;
    stand->allocation = allocation;
    pthread_mutex_unlock(&stand->mutex);
}

static void removed(struct pjauth_turn_observer *observer, pjauth_turn_server *server,
                    pjauth_turn_allocation *allocation)
{
    struct stand *stand = (struct stand *)observer;
    CHECK(server == stand->server && pjauth_turn_server_user_data(server) == stand);
    if (stand->on_removed)
        stand->on_removed(stand, allocation);
    pthread_mutex_lock(&stand->mutex);
    ++stand->removed;
    CHECK(pjauth_turn_allocation_get_info(allocation, &stand->last, sizeof(stand->last)) == 0);
    pthread_mutex_unlock(&stand->mutex);
}

static int authenticate(struct pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_request *request)
{
    struct stand *stand = (struct stand *)observer;
    int answer;
    CHECK(server == stand->server);
    CHECK(pjauth_turn_request_set_key(request, PJAUTH_TURN_MD5, (const uint8_t *)WIRE_KEY, WIRE_KEY_SIZE) == 0);
    if (stand->on_asked)
        stand->on_asked(stand, request);
    pthread_mutex_lock(&stand->mutex);
    ++stand->asked;
    stand->request = request;
    answer = stand->answer;
    pthread_mutex_unlock(&stand->mutex);
    return answer;
}

void stand_start(struct stand *stand, void (*change)(struct pjauth_turn_options *))
{
    static const struct pjauth_turn_observer_vtable table = {created, removed, authenticate};
    static const struct pjauth_turn_listener listeners[] = {
        {"127.0.0.1", 0, PJAUTH_TURN_UDP}, {"127.0.0.1", 0, PJAUTH_TURN_TCP}};
    static const char *const allowed[] = {"127.0.0.0/8"};
    struct pjauth_turn_options options;

    memset(stand, 0, sizeof(*stand));
    stand->observer.vtable = &table;
    stand->answer = PJAUTH_TURN_AUTHORIZED;
    pthread_mutex_init(&stand->mutex, NULL);
    CHECK(pjauth_turn_options_init(&options, sizeof(options)) == 0);
    options.realm = REALM;
    options.listeners = listeners;
    options.listener_count = 2;
    options.workers = 1;
    options.allow = allowed;
    options.allow_count = 1;
    if (change)
        change(&options);
    CHECK(pjauth_turn_server_create(&options, &stand->observer, &stand->server) == 0);
    CHECK(pjauth_turn_server_set_user_data(stand->server, stand) == 0);
    CHECK(pjauth_turn_server_start(stand->server) == 0);
    CHECK(pjauth_turn_server_listener(stand->server, 0, NULL, stand->address, sizeof(stand->address)) > 0);
}

void stand_end(struct stand *stand)
{
    CHECK(pjauth_turn_server_destroy(stand->server) == 0);
    CHECK(stand->created == stand->removed);
    pthread_mutex_destroy(&stand->mutex);
}

void stand_set(struct stand *stand, int answer, void (*on_asked)(struct stand *, pjauth_turn_request *))
{
    pthread_mutex_lock(&stand->mutex);
    stand->answer = answer;
    stand->on_asked = on_asked;
    pthread_mutex_unlock(&stand->mutex);
}

int stand_wait(struct stand *stand, const int *count, int wanted)
{
    int i, found = 0;
    for (i = 0; i < PATIENCE / 5 && found < wanted; ++i) {
        pthread_mutex_lock(&stand->mutex);
        found = *count;
        pthread_mutex_unlock(&stand->mutex);
        if (found < wanted)
            usleep(5000);
    }
    return found == wanted;
}

pjauth_turn_allocation *stand_allocate(struct stand *stand, struct wire *wire)
{
    pjauth_turn_allocation *allocation;
    CHECK(wire_open(wire, stand->address) == 0);
    CHECK(wire_allocate(wire, "ann", REALM) == 0);
    pthread_mutex_lock(&stand->mutex);
    allocation = stand->allocation;
    pthread_mutex_unlock(&stand->mutex);
    return allocation;
}
