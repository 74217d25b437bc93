/* Every function of the TURN half with handles that are none (NULL, garbage, addresses, dead ones, those of another
 * kind), and with every other pointer NULL. That none is left out, every_function.py sees to. */
#include "stand.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

static char room[256];
static const char *const ann = "ann";
static pjauth_turn_attribute *old_attribute;

static void bad_server(pjauth_turn_server *server)
{
    static const struct sockaddr_in address = {.sin_family = AF_INET};
    const struct sockaddr *from = (const struct sockaddr *)&address;
    struct pjauth_turn_allocation_info info;
    struct pjauth_turn_counters counters;
    struct pjauth_turn_output output;
    uint64_t number = 0;
    unsigned count = 1;
    int transport = 77;
    CHECK(pjauth_turn_server_start(server) == PJ_EINVAL);
    CHECK(pjauth_turn_server_stop(server) == PJ_EINVAL);
    CHECK(pjauth_turn_server_forget_observer(server) == PJ_EINVAL);
    CHECK(pjauth_turn_server_drain(server, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_alternate(server, "192.0.2.2:3478") == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_alternate(server, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_alternate_over(server, PJAUTH_TURN_TLS, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_server_destroy(server) == PJ_EINVAL);
    CHECK(pjauth_turn_server_listener(server, 0, &transport, room, sizeof(room)) == 0 && transport == 77 && !*room);
    CHECK(pjauth_turn_server_error(server, room, sizeof(room)) == 0 && !*room);
    CHECK(pjauth_turn_server_kernel_status(server, NULL, room, sizeof(room)) == 0 && !*room);
    CHECK(pjauth_turn_server_set_peers(server, NULL, 0, NULL, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_external(server, "0.0.0.0", NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_limits(server, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_certificates(server, NULL, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_user_data(server, room) == PJ_EINVAL);
    CHECK(pjauth_turn_server_user_data(server) == NULL);
    CHECK(pjauth_turn_server_set_user_quota(server, ann, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_user_rate(server, ann, 1, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_server_revoke_user(server, ann, &count) == PJ_EINVAL && count == 1);
    CHECK(pjauth_turn_server_allocations(server, &info, sizeof(info), &count) == PJ_EINVAL && count == 1);
    CHECK(pjauth_turn_server_get_counters(server, &counters, sizeof(counters)) == PJ_EINVAL);
    CHECK(pjauth_turn_server_metrics(server, room, sizeof(room)) == 0 && !*room);
    CHECK(pjauth_turn_server_counter(server, "allocations", &number) == PJ_EINVAL);
    CHECK(pjauth_turn_core_from_client(server, 0, from, sizeof(address), room, 20, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_from_peer(server, 0, from, sizeof(address), room, 20, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_from_icmp(server, 0, from, sizeof(address), 3, 3, 0, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_client_gone(server, 0, from, sizeof(address), 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_tick(server, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_next_deadline(server) == UINT64_MAX);
    CHECK(pjauth_turn_core_next_output(server, &output) == 0);
}

static void bad_attribute(pjauth_turn_attribute *attribute)
{
    uint8_t byte = 77;
    CHECK(pjauth_turn_attribute_value(attribute, &byte, 1) == 0 && byte == 77);
    CHECK(pjauth_turn_attribute_bytes(attribute) == NULL);
    CHECK(pjauth_turn_attribute_address(attribute, room, sizeof(room)) == 0 && !*room);
    CHECK(pjauth_turn_attribute_request(attribute) == NULL);
}

static void bad_request(pjauth_turn_request *request)
{
    const char *secrets[] = {ann};
    uint8_t hash[32];
    CHECK(pjauth_turn_refuse(request, 403, NULL, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_request_transaction_id(request, hash) == PJ_EINVAL);
    CHECK(pjauth_turn_request_attribute_type(request, 0) == 0);
    CHECK(pjauth_turn_request_peer(request, 0, room, sizeof(room)) == 0 && !*room);
    CHECK(pjauth_turn_request_attribute(request, 0x0006, 0) == NULL);
    CHECK(pjauth_turn_handle_request(request, PJAUTH_TURN_AUTHORIZED) == PJ_EINVAL);
    CHECK(pjauth_turn_handle_request(request, 12345) == PJ_EINVAL);
    CHECK(pjauth_turn_request_username(request, room, sizeof(room)) == 0 && !*room);
    CHECK(pjauth_turn_request_client_certificate(request, room, sizeof(room)) == 0 && !*room);
    CHECK(pjauth_turn_request_realm(request, room, sizeof(room)) == 0);
    CHECK(pjauth_turn_request_client_address(request, room, sizeof(room)) == 0);
    CHECK(pjauth_turn_request_server_address(request, room, sizeof(room)) == 0);
    CHECK(pjauth_turn_request_transport(request) == 0);
    CHECK(pjauth_turn_request_method(request) == 0);
    CHECK(pjauth_turn_request_refusal(request) == 0);
    CHECK(pjauth_turn_request_algorithm(request) == 0);
    CHECK(pjauth_turn_request_lifetime(request) == -1);
    CHECK(pjauth_turn_request_family(request) == 0);
    CHECK(pjauth_turn_request_userhash(request, hash) == PJ_EINVAL);
    CHECK(pjauth_turn_request_server(request) == NULL);
    CHECK(pjauth_turn_request_set_password(request, ann) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_key(request, PJAUTH_TURN_MD5, hash, 16) == PJ_EINVAL);
    CHECK(pjauth_turn_request_verify(request) == 0);
    CHECK(pjauth_turn_request_check_rest(request, secrets, 1) == PJAUTH_TURN_NOT_AUTHORIZED);
    CHECK(pjauth_turn_request_check_rest(request, NULL, 1) == PJAUTH_TURN_NOT_AUTHORIZED);
    CHECK(pjauth_turn_request_set_username(request, ann) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_quota(request, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_bandwidth_limit(request, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_rate(request, 1, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_valid_for(request, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_user_data(request, room) == PJ_EINVAL);
    CHECK(pjauth_turn_request_user_data(request) == NULL);
}

static void bad_allocation(pjauth_turn_allocation *allocation)
{
    struct pjauth_turn_allocation_info info;
    CHECK(pjauth_turn_allocation_get_info(allocation, &info, sizeof(info)) == PJ_EINVAL);
    CHECK(pjauth_turn_allocation_username(allocation, room, sizeof(room)) == 0 && !*room);
    CHECK(pjauth_turn_allocation_relayed_address(allocation, room, sizeof(room)) == 0);
    CHECK(pjauth_turn_allocation_permissions(allocation, room, sizeof(room)) == 0);
    CHECK(pjauth_turn_allocation_bandwidth_used(allocation) == 0);
    CHECK(pjauth_turn_allocation_bandwidth_remaining(allocation) == 0);
    CHECK(pjauth_turn_allocation_time_remaining(allocation) == 0);
    CHECK(pjauth_turn_allocation_lifetime(allocation) == 0);
    CHECK(pjauth_turn_allocation_set_bandwidth_limit(allocation, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_allocation_set_rate(allocation, 1, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_allocation_set_lifetime(allocation, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_allocation_revoke(allocation) == PJ_EINVAL);
    CHECK(pjauth_turn_allocation_server(allocation) == NULL);
    CHECK(pjauth_turn_allocation_set_user_data(allocation, room) == PJ_EINVAL);
    CHECK(pjauth_turn_allocation_user_data(allocation) == NULL);
}

static void refusals_without_sense(pjauth_turn_request *request)
{
    char long_reason[200];
    memset(long_reason, 'x', sizeof(long_reason));
    long_reason[sizeof(long_reason) - 1] = 0;
    CHECK(pjauth_turn_refuse(request, 0, NULL, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, 299, NULL, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, 700, NULL, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, -403, NULL, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, 65536 + 403, NULL, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, 403, "\xFF", NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, 403, long_reason, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, 300, NULL, "nowhere") == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, 300, NULL, "192.0.2.1") == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, 300, NULL, "[2001:db8::1]:3478") == PJ_EINVAL); /* the client is not there */
    CHECK(pjauth_turn_refuse(request, 403, NULL, "192.0.2.1:3478") == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, 300, NULL, "192.0.2.1:0") == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, 300, NULL, "0.0.0.0:3478") == PJ_EINVAL);
    CHECK(pjauth_turn_refuse(request, 300, NULL, "224.0.0.1:3478") == PJ_EINVAL);
}

static void attributes(pjauth_turn_request *request)
{
    pjauth_turn_attribute *user = pjauth_turn_request_attribute(request, 0x0006, 0);
    uint8_t value[4] = {0};
    CHECK(user != NULL && pjauth_turn_request_attribute(request, 0x0006, 0) == user);
    CHECK(pjauth_turn_request_attribute(request, 0x0006, 1) == NULL);
    CHECK(pjauth_turn_request_attribute(request, 0x7777, 0) == NULL);
    CHECK(pjauth_turn_request_attribute(request, 0x10006, 0) == NULL);
    CHECK(pjauth_turn_request_attribute(request, 0x0006, UINT_MAX) == NULL);
    CHECK(pjauth_turn_request_attribute_type(request, UINT_MAX) == 0);
    CHECK(pjauth_turn_request_attribute_type(request, 0) != 0);
    CHECK(pjauth_turn_attribute_value(user, NULL, 100) == 3);
    CHECK(pjauth_turn_attribute_value(user, value, 2) == 3 && memcmp(value, "an\0", 3) == 0);
    CHECK(memcmp(pjauth_turn_attribute_bytes(user), "ann", 3) == 0);
    CHECK(pjauth_turn_attribute_address(user, room, sizeof(room)) == 0);
    CHECK(pjauth_turn_attribute_request(user) == request);
    old_attribute = user;
}

/* NULL for what is no handle. */
static void null_arguments(struct stand *stand, pjauth_turn_request *request, pjauth_turn_allocation *allocation)
{
    struct pjauth_turn_options options;
    struct pjauth_turn_driver driver = {sizeof(driver), NULL, NULL, NULL};
    struct pjauth_turn_observer_vtable table = *stand->observer.vtable;
    struct pjauth_turn_observer no_table = {NULL}, no_function = {&table};
    pjauth_turn_server *server = stand->server, *made = NULL;
    unsigned count = 1;
    uint64_t number = 0;
    CHECK(pjauth_turn_options_init(NULL, sizeof(options)) == PJ_EINVAL);
    CHECK(pjauth_turn_options_init(&options, 3) == PJ_EINVAL);
    CHECK(pjauth_turn_options_init(&options, sizeof(options)) == 0);
    CHECK(pjauth_turn_server_create(NULL, &stand->observer, &made) == PJ_EINVAL);
    CHECK(pjauth_turn_server_create(&options, NULL, &made) == PJ_EINVAL);
    CHECK(pjauth_turn_server_create(&options, &no_table, &made) == PJ_EINVAL);
    table.on_server_allocation_removed = NULL;
    CHECK(pjauth_turn_server_create(&options, &no_function, &made) == PJ_EINVAL);
    CHECK(pjauth_turn_core_create(&options, &no_function, &driver, &made) == PJ_EINVAL);
    CHECK(pjauth_turn_server_create(&options, &stand->observer, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_core_create(NULL, &stand->observer, &driver, &made) == PJ_EINVAL);
    CHECK(pjauth_turn_core_create(&options, NULL, &driver, &made) == PJ_EINVAL);
    CHECK(pjauth_turn_core_create(&options, &stand->observer, NULL, &made) == PJ_EINVAL);
    CHECK(pjauth_turn_core_create(&options, &stand->observer, &driver, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_core_create(&options, &stand->observer, &driver, &made) == PJ_EINVAL); /* no open_relay */
    options.realm = NULL;
    CHECK(pjauth_turn_server_create(&options, &stand->observer, &made) == PJ_EINVAL);
    options.realm = "\xFF";
    CHECK(pjauth_turn_server_create(&options, &stand->observer, &made) == PJ_EINVAL);
    options.realm = REALM;
    options.listener_count = 1;
    CHECK(pjauth_turn_server_create(&options, &stand->observer, &made) == PJ_EINVAL);
    options.size = 1 << 20;
    CHECK(pjauth_turn_server_create(&options, &stand->observer, &made) == PJ_EINVAL && !made);

    CHECK(pjauth_turn_server_listener(server, 0, NULL, NULL, 0) > 0);
    CHECK(pjauth_turn_server_set_user_quota(server, NULL, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_user_rate(server, NULL, 1, 1) == PJ_EINVAL);
    CHECK(pjauth_turn_server_revoke_user(server, NULL, &count) == PJ_EINVAL);
    CHECK(pjauth_turn_server_revoke_user(server, "nobody", NULL) == 0);
    CHECK(pjauth_turn_server_allocations(server, NULL, sizeof(struct pjauth_turn_allocation_info), &count) == PJ_EINVAL);
    CHECK(pjauth_turn_server_allocations(server, NULL, sizeof(struct pjauth_turn_allocation_info), NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_server_get_counters(server, NULL, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_server_metrics(server, NULL, 100) > 0);
    CHECK(pjauth_turn_server_kernel_status(server, NULL, NULL, 100) == 0);
    CHECK(pjauth_turn_server_counter(server, NULL, &number) == PJ_EINVAL);
    CHECK(pjauth_turn_server_counter(server, "allocations", NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_limits(server, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_alternate(server, "255.255.255.255:3478") == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_alternate_over(server, PJAUTH_TURN_TLS, "[ff02::1]:3478") == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_external(server, "0.0.0.0", "224.0.0.1") == PJ_EINVAL);
    CHECK(pjauth_turn_request_peer(request, 0, NULL, 100) == 0);
    CHECK(pjauth_turn_core_next_output(server, NULL) == 0);
    CHECK(pjauth_turn_core_frame_size(NULL, 0) == 0 && pjauth_turn_core_frame_size(NULL, 9) == 0);
    CHECK(pjauth_turn_core_frame_size("\x16\x03\x01", 3) == -1);
    CHECK(pjauth_turn_core_frame_size("\x40\x00\x00\x05", 4) == 12);

    CHECK(pjauth_turn_request_username(request, NULL, 100) == 3);
    CHECK(pjauth_turn_request_userhash(request, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_password(request, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_key(request, PJAUTH_TURN_MD5, NULL, 16) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_key(request, 99, (const uint8_t *)room, 16) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_username(request, NULL) == PJ_EINVAL);
    CHECK(pjauth_turn_request_set_user_data(request, NULL) == 0);
    CHECK(pjauth_turn_request_transaction_id(request, NULL) == PJ_EINVAL);
    refusals_without_sense(request);
    attributes(request);

    CHECK(pjauth_turn_allocation_get_info(allocation, NULL, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_allocation_username(allocation, NULL, 100) == 3);
    CHECK(pjauth_turn_allocation_permissions(allocation, NULL, 100) == 0);
    CHECK(pjauth_turn_allocation_set_user_data(allocation, NULL) == 0);
}

/* A driven server lives with arguments that are none as well. */
static int no_relay(void *user_data, struct pjauth_turn_opening *opening)
{
    (void)user_data, (void)opening;
    return 508;
}

static void driven(struct stand *stand)
{
    static const struct pjauth_turn_listener listener = {"127.0.0.1", 3478, PJAUTH_TURN_UDP};
    struct pjauth_turn_driver driver = {sizeof(driver), NULL, no_relay, NULL};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    const struct sockaddr *from = (const struct sockaddr *)&address;
    struct pjauth_turn_options options;
    struct pjauth_turn_output output;
    pjauth_turn_server *server = NULL;
    CHECK(pjauth_turn_options_init(&options, sizeof(options)) == 0);
    CHECK(pjauth_turn_core_create(&options, &stand->observer, &driver, &server) == PJ_EINVAL); /* no listener */
    options.listeners = &listener;
    options.listener_count = 1;
    driver.size = 1;
    CHECK(pjauth_turn_core_create(&options, &stand->observer, &driver, &server) == PJ_EINVAL);
    driver.size = sizeof(driver);
    CHECK(pjauth_turn_core_create(&options, &stand->observer, &driver, &server) == 0);
    CHECK(pjauth_turn_server_start(server) == PJ_EINVALIDOP);
    CHECK(pjauth_turn_core_from_client(server, 1, from, sizeof(address), room, 20, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_from_client(server, 0, NULL, sizeof(address), room, 20, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_from_client(server, 0, from, 3, room, 20, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_from_client(server, 0, from, sizeof(address), NULL, 20, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_from_client(server, 0, from, sizeof(address), NULL, 0, 0) == 0);
    CHECK(pjauth_turn_core_from_peer(server, 12345, from, sizeof(address), room, 20, 0) == 0);
    CHECK(pjauth_turn_core_from_peer(server, 12345, NULL, sizeof(address), room, 20, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_from_icmp(server, 12345, from, sizeof(address), 3, 3, 0, 0) == 0);
    CHECK(pjauth_turn_core_from_icmp(server, 12345, NULL, sizeof(address), 3, 3, 0, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_client_gone(server, 0, NULL, 0, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_client_gone(server, 0, from, sizeof(address), 0) == 0);
    address.sin_family = AF_UNIX;
    CHECK(pjauth_turn_core_from_icmp(server, 0, from, sizeof(address), 3, 3, 0, 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_client_gone(server, 0, from, sizeof(address), 0) == PJ_EINVAL);
    CHECK(pjauth_turn_core_next_output(server, &output) == 0);
    CHECK(pjauth_turn_server_stop(server) == 0 && pjauth_turn_core_tick(server, 1) == PJ_EINVALIDOP);
    CHECK(pjauth_turn_server_destroy(server) == 0);
    bad_server(server);
}

static void bad_credentials(void)
{
    char name[64] = "", word[64] = "", letter[2] = "";
    CHECK(pjauth_turn_rest_credential("north", "ann", 60, 0, name, sizeof(name), word, sizeof(word)) == 0);
    CHECK(strchr(name, ':') && !strcmp(strchr(name, ':'), ":ann") && strlen(word) == 28);
    CHECK(pjauth_turn_rest_credential("north", NULL, 60, 1, name, sizeof(name), word, sizeof(word)) == 0);
    CHECK(!strchr(name, ':') && strlen(word) == 44);
    CHECK(pjauth_turn_rest_credential(NULL, "ann", 60, 0, name, sizeof(name), word, sizeof(word)) == PJ_EINVAL);
    CHECK(pjauth_turn_rest_credential("", "ann", 60, 0, name, sizeof(name), word, sizeof(word)) == PJ_EINVAL);
    CHECK(pjauth_turn_rest_credential("north", "a\nn", 60, 0, name, sizeof(name), word, sizeof(word)) == PJ_EINVAL);
    CHECK(pjauth_turn_rest_credential("north", "ann", 60, 0, NULL, 64, word, sizeof(word)) == PJ_EINVAL);
    CHECK(pjauth_turn_rest_credential("north", "ann", 60, 0, name, sizeof(name), NULL, 64) == PJ_EINVAL);
    CHECK(pjauth_turn_rest_credential("north", "ann", 60, 0, letter, sizeof(letter), word, sizeof(word)) == PJ_EINVAL);
    CHECK(pjauth_turn_rest_credential("north", "ann", 60, 0, name, sizeof(name), letter, sizeof(letter)) == PJ_EINVAL);
    CHECK(!*letter);
}

int main(void)
{
    char on_the_stack[64] = "no handle";
    pjauth_turn_allocation *allocation, *old_allocation;
    pjauth_turn_request *request, *old_request;
    pjauth_turn_server *old_server;
    struct stand stand;
    struct wire wire, other;
    size_t i;

    bad_credentials();
    /* The dead: one of each, from a server that is gone. */
    stand_start(&stand, NULL);
    old_server = stand.server;
    old_allocation = stand_allocate(&stand, &wire);
    old_request = stand.request;
    wire_close(&wire);
    stand_end(&stand);

    /* And the living, in the same places. */
    stand_start(&stand, NULL);
    allocation = stand_allocate(&stand, &wire);
    stand_set(&stand, PJAUTH_TURN_AUTHENTICATING, NULL);
    CHECK(wire_open(&other, stand.address) == 0);
    wire_send(&other, WIRE_ALLOCATE, NULL, NULL);
    CHECK(wire_reply(&other, PATIENCE) == 401);
    wire_send(&other, WIRE_ALLOCATE, ann, REALM);
    CHECK(stand_wait(&stand, &stand.asked, 2));
    request = stand.request;
    {
        void *const bad[] = {NULL,         (void *)1,           (void *)2,          on_the_stack,
                             on_the_stack + 1, (void *)UINTPTR_MAX, (void *)&bad_server, old_server,
                             old_request,  old_allocation};
        for (i = 0; i < sizeof(bad) / sizeof(*bad); ++i) {
            bad_server((pjauth_turn_server *)bad[i]);
            bad_request((pjauth_turn_request *)bad[i]);
            bad_allocation((pjauth_turn_allocation *)bad[i]);
            bad_attribute((pjauth_turn_attribute *)bad[i]);
        }
        bad_server((pjauth_turn_server *)request);
        bad_server((pjauth_turn_server *)allocation);
        bad_request((pjauth_turn_request *)stand.server);
        bad_request((pjauth_turn_request *)allocation);
        bad_allocation((pjauth_turn_allocation *)stand.server);
        bad_allocation((pjauth_turn_allocation *)request);
    }
    null_arguments(&stand, request, allocation);
    driven(&stand);
    /* None of that has done any harm. */
    CHECK(pjauth_turn_allocation_time_remaining(allocation) > 0);
    CHECK(pjauth_turn_handle_request(request, PJAUTH_TURN_NOT_AUTHORIZED) == 0);
    CHECK(wire_reply(&other, PATIENCE) == 401);
    wire_close(&wire);
    wire_close(&other);
    stand_end(&stand);
    bad_attribute(old_attribute);
    puts(failures ? "failed" : "passed");
    return failures != 0;
}
