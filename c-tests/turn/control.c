/* Figures and control while the server runs: metrics, snapshot, limits, drain, revocation. */
#include "stand.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whom clients send to. */
static int open_peer(uint16_t *port)
{
    struct sockaddr_in address;
    struct timeval patience = {5, 0};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static int peer_gets(int fd, size_t size)
{
    char data[2048];
    return recv(fd, data, sizeof(data), 0) == (ssize_t)size;
}

static struct pjauth_turn_counters counters_of(struct stand *stand)
{
    struct pjauth_turn_counters counters;
    CHECK(pjauth_turn_server_get_counters(stand->server, &counters, sizeof(counters)) == 0);
    return counters;
}

static void figures_of_an_allocation(void)
{
    struct pjauth_turn_allocation_info info;
    pjauth_turn_allocation *allocation;
    struct stand stand;
    struct wire wire;
    char text[128], expected[64];
    uint16_t port;
    int peer = open_peer(&port);
    stand_start(&stand, NULL);
    allocation = stand_allocate(&stand, &wire);
    CHECK(wire_bind(&wire, "ann", REALM, port) == 0);
    wire_data(&wire, 100);
    CHECK(peer_gets(peer, 100));
    CHECK(pjauth_turn_allocation_bandwidth_used(allocation) == 100);
    CHECK(pjauth_turn_allocation_bandwidth_remaining(allocation) == PJAUTH_TURN_UNLIMITED);
    CHECK(pjauth_turn_allocation_set_bandwidth_limit(allocation, 250) == 0);
    CHECK(pjauth_turn_allocation_bandwidth_remaining(allocation) == 150);
    CHECK(pjauth_turn_allocation_username(allocation, text, sizeof(text)) == 3 && !strcmp(text, "ann"));
    snprintf(expected, sizeof(expected), "127.0.0.1:%d", wire.relayed_port);
    CHECK(pjauth_turn_allocation_relayed_address(allocation, text, sizeof(text)) > 0 && !strcmp(text, expected));
    CHECK(pjauth_turn_allocation_permissions(allocation, text, sizeof(text)) == 9 && !strcmp(text, "127.0.0.1"));
    CHECK(pjauth_turn_allocation_time_remaining(allocation) > 590000);
    CHECK(pjauth_turn_allocation_set_lifetime(allocation, 60000) == 0);
    CHECK(pjauth_turn_allocation_time_remaining(allocation) <= 60000);
    CHECK(pjauth_turn_allocation_get_info(allocation, &info, sizeof(info)) == 0);
    CHECK(info.allocation == allocation && info.reason == PJAUTH_TURN_LIVE && info.transport == PJAUTH_TURN_UDP);
    CHECK(!strcmp(info.server, stand.address) && !strcmp(info.relayed, expected) && !*info.relayed_second);
    CHECK(info.packets_to_peers == 1 && info.bytes_to_peers == 100 && info.packets_to_client == 0);
    /* The packet that would go beyond the limit ends the allocation, with final figures. */
    wire_data(&wire, 100);
    CHECK(peer_gets(peer, 100));
    wire_data(&wire, 51);
    CHECK(stand_wait(&stand, &stand.removed, 1));
    CHECK(stand.last.reason == PJAUTH_TURN_LIMIT_REACHED && stand.last.bytes_to_peers == 200);
    CHECK(stand.last.remaining_msec == 0 && stand.last.packets_to_peers == 2);
    wire_close(&wire);
    /* One that expires. */
    allocation = stand_allocate(&stand, &wire);
    CHECK(pjauth_turn_allocation_set_lifetime(allocation, 1) == 0);
    CHECK(stand_wait(&stand, &stand.removed, 2) && stand.last.reason == PJAUTH_TURN_EXPIRED);
    wire_close(&wire);
    close(peer);
    stand_end(&stand);
}

static void rates_change_while_it_runs(void)
{
    pjauth_turn_allocation *allocation;
    struct stand stand;
    struct wire wire;
    uint16_t port;
    int peer = open_peer(&port);
    stand_start(&stand, NULL);
    allocation = stand_allocate(&stand, &wire);
    CHECK(wire_bind(&wire, "ann", REALM, port) == 0);
    wire_data(&wire, 1000);
    CHECK(peer_gets(peer, 1000));
    /* A byte a second, and 500 at once: of the allocation, then of its user. */
    CHECK(pjauth_turn_allocation_set_rate(allocation, 1, 500) == 0);
    wire_data(&wire, 400);
    wire_data(&wire, 400);
    wire_data(&wire, 50);
    CHECK(peer_gets(peer, 400) && peer_gets(peer, 50) && counters_of(&stand).packets_limited == 1);
    CHECK(pjauth_turn_allocation_set_rate(allocation, PJAUTH_TURN_UNLIMITED, 0) == 0);
    CHECK(pjauth_turn_server_set_user_rate(stand.server, "ann", 1, 500) == 0);
    wire_data(&wire, 501);
    wire_data(&wire, 300);
    CHECK(peer_gets(peer, 300) && counters_of(&stand).packets_limited == 2);
    CHECK(pjauth_turn_server_set_user_rate(stand.server, "ann", PJAUTH_TURN_UNLIMITED, 0) == 0);
    wire_data(&wire, 1100);
    CHECK(peer_gets(peer, 1100) && counters_of(&stand).packets_limited == 2);
    wire_close(&wire);
    close(peer);
    stand_end(&stand);
}

static void snapshot_quota_and_revocation(void)
{
    struct pjauth_turn_allocation_info found[3];
    pjauth_turn_allocation *allocations[2];
    struct stand stand;
    struct wire wires[3];
    unsigned count = 0;
    int i;
    stand_start(&stand, NULL);
    for (i = 0; i < 2; ++i)
        allocations[i] = stand_allocate(&stand, &wires[i]);
    CHECK(pjauth_turn_server_allocations(stand.server, NULL, sizeof(struct pjauth_turn_allocation_info), &count) == 0 && count == 2);
    count = 1;
    found[1].allocation = NULL;
    CHECK(pjauth_turn_server_allocations(stand.server, found, sizeof(*found), &count) == 0 && count == 2 && !found[1].allocation);
    count = 3;
    CHECK(pjauth_turn_server_allocations(stand.server, found, sizeof(*found), &count) == 0 && count == 2);
    CHECK((found[0].allocation == allocations[0] && found[1].allocation == allocations[1]) ||
          (found[0].allocation == allocations[1] && found[1].allocation == allocations[0]));
    CHECK(!strcmp(found[0].username, "ann") && !strncmp(found[0].client, "127.0.0.1:", 10));

    CHECK(pjauth_turn_server_set_user_quota(stand.server, "ann", 2) == 0);
    CHECK(wire_open(&wires[2], stand.address) == 0 && wire_allocate(&wires[2], "ann", REALM) == 486);
    CHECK(pjauth_turn_server_set_user_quota(stand.server, "ann", -1) == 0);
    CHECK(wire_allocate(&wires[2], "ann", REALM) == 0);

    CHECK(pjauth_turn_allocation_revoke(allocations[0]) == 0);
    CHECK(stand_wait(&stand, &stand.removed, 1) && stand.last.allocation == allocations[0]);
    CHECK(stand.last.reason == PJAUTH_TURN_REVOKED);
    CHECK(pjauth_turn_allocation_revoke(allocations[0]) == PJ_EINVAL);
    CHECK(pjauth_turn_server_revoke_user(stand.server, "bob", &count) == 0 && count == 0);
    CHECK(pjauth_turn_server_revoke_user(stand.server, "ann", &count) == 0 && count == 2);
    CHECK(stand_wait(&stand, &stand.removed, 3));
    CHECK(pjauth_turn_server_allocations(stand.server, NULL, sizeof(struct pjauth_turn_allocation_info), &count) == PJ_EINVAL);
    count = 0;
    CHECK(pjauth_turn_server_allocations(stand.server, NULL, sizeof(struct pjauth_turn_allocation_info), &count) == 0 && count == 0);
    for (i = 0; i < 3; ++i)
        wire_close(&wires[i]);
    stand_end(&stand);
}

static void drain(void)
{
    struct stand stand;
    struct wire old, new;
    stand_start(&stand, NULL);
    stand_allocate(&stand, &old);
    CHECK(pjauth_turn_server_drain(stand.server, 1) == 0);
    CHECK(wire_open(&new, stand.address) == 0 && wire_allocate(&new, "ann", REALM) == 508);
    CHECK(wire_refresh(&old, "ann", REALM, 600) == 0);
    CHECK(stand.asked == 1 && counters_of(&stand).allocations == 1);
    CHECK(wire_refresh(&old, "ann", REALM, 0) == 0);
    CHECK(stand_wait(&stand, &stand.removed, 1) && counters_of(&stand).allocations == 0);
    CHECK(pjauth_turn_server_drain(stand.server, 0) == 0);
    CHECK(pjauth_turn_server_set_alternate(stand.server, "192.0.2.2:3478") == 0);
    CHECK(wire_allocate(&new, "ann", REALM) == 300 && stand.asked == 2);
    CHECK(pjauth_turn_server_set_alternate(stand.server, "192.0.2.2") == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_alternate(stand.server, "192.0.2.2:0") == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_alternate(stand.server, "0.0.0.0:3478") == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_alternate(stand.server, "[2001:db8::2]:3478") == 0);
    CHECK(wire_allocate(&new, "ann", REALM) == 300);
    CHECK(pjauth_turn_server_set_alternate_over(stand.server, PJAUTH_TURN_TLS, "192.0.2.2:5349") == 0);
    CHECK(pjauth_turn_server_set_alternate_over(stand.server, 0, "192.0.2.2:5349") == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_alternate_over(stand.server, PJAUTH_TURN_UDP, "192.0.2.2") == PJ_EINVAL);
    CHECK(pjauth_turn_server_set_alternate(stand.server, NULL) == 0);
    CHECK(wire_allocate(&new, "ann", REALM) == 0);
    wire_close(&old);
    wire_close(&new);
    stand_end(&stand);
}

/* What the text says of a metric. */
static unsigned long long metric(const char *text, const char *name)
{
    char line[128];
    const char *found;
    snprintf(line, sizeof(line), "\n%s ", name);
    found = strstr(text, line);
    CHECK(found && !strstr(found + 1, line));
    return found ? strtoull(found + strlen(line), NULL, 10) : 0;
}

/* Prometheus' text format: for each metric a HELP and a TYPE line, and one sample or one for each label. */
static void metrics(void)
{
    static const char *const gauges[] = {"allocations", "held_requests", "connections"};
    struct pjauth_turn_counters counters;
    char text[16384], copy[16384], name[64] = "", other[64], kind[16], *line;
    struct stand stand;
    struct wire wire;
    unsigned long long value;
    uint64_t number;
    size_t size, gauge_count = 0;
    int samples = 0, end = 0;
    stand_start(&stand, NULL);
    stand_allocate(&stand, &wire);
    size = pjauth_turn_server_metrics(stand.server, text, sizeof(text));
    CHECK(size == strlen(text) && text[size - 1] == '\n');
    memcpy(copy, text, sizeof(copy));
    for (line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, "# HELP", 6) == 0) {
            CHECK(sscanf(line, "# HELP pjauth_turn_%63s %n", name, &end) == 1 && line[end]);
        } else if (line[0] == '#') {
            CHECK(sscanf(line, "# TYPE pjauth_turn_%63s %15s%n", other, kind, &end) == 2 && !line[end]);
            CHECK(!strcmp(name, other));
            if (strcmp(kind, "counter") == 0) {
                CHECK(strlen(name) > 6 && !strcmp(name + strlen(name) - 6, "_total"));
            } else {
                CHECK(!strcmp(kind, "gauge"));
                gauge_count += gauge_count < 3 && !strcmp(name, gauges[gauge_count]);
            }
        } else {
            CHECK(sscanf(line, "pjauth_turn_%63s %llu%n", other, &value, &end) == 2 && !line[end]);
            CHECK(!strncmp(name, other, strlen(name)) && (!other[strlen(name)] || other[strlen(name)] == '{'));
            ++samples;
        }
    }
    /* All that the structure has, and what came after it was fixed. */
    CHECK(samples >= (int)(sizeof(counters) / sizeof(uint64_t)) && gauge_count == 3);
    counters = counters_of(&stand);
    CHECK(metric(text, "pjauth_turn_requests_total") == 2 && counters.requests == 2);
    CHECK(metric(text, "pjauth_turn_challenges_total") == 1 && counters.challenges == 1);
    CHECK(metric(text, "pjauth_turn_successes_total") == 1 && counters.successes == 1);
    CHECK(metric(text, "pjauth_turn_allocations_created_total") == 1 && counters.allocations_created == 1);
    CHECK(metric(text, "pjauth_turn_allocations") == 1 && counters.allocations == 1);
    CHECK(metric(text, "pjauth_turn_error_responses_total{code=\"401\"}") == 1);
    CHECK(metric(text, "pjauth_turn_error_responses_total{code=\"508\"}") == 0);
    CHECK(metric(text, "pjauth_turn_relay_ports_used") == 1);
    CHECK(pjauth_turn_server_counter(stand.server, "error_responses_total{code=\"401\"}", &number) == 0 && number == 1);
    CHECK(pjauth_turn_server_counter(stand.server, "error_responses_total", &number) == PJ_EINVAL);
    CHECK(pjauth_turn_server_counter(stand.server, "requests_total", &number) == 0 && number == 2);
    CHECK(pjauth_turn_server_counter(stand.server, "allocations", &number) == 0 && number == 1);
    CHECK(pjauth_turn_server_counter(stand.server, "requests", &number) == PJ_EINVAL && number == 1);
    CHECK(pjauth_turn_server_metrics(stand.server, text, 10) == size && strlen(text) == 9);
    wire_close(&wire);
    stand_end(&stand);
}

int main(void)
{
    figures_of_an_allocation();
    rates_change_while_it_runs();
    snapshot_quota_and_revocation();
    drain();
    metrics();
    puts(failures ? "failed" : "passed");
    return failures != 0;
}
