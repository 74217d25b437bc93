/* A TURN server that answers later, and a client that is not ours.
 *
 *     turn_demo CLIENT...
 *
 * CLIENT is a command with the options of coturn's turnutils_uclient. The server asks
 * an observer, a table of three functions; a thread decides 200 ms later, and meanwhile
 * the server goes on. The client makes an allocation to see whether it can, leaves it
 * behind, makes another and sends through that. A user may have two: a second client
 * gets 486. What the first one left behind is revoked in the end.
 * A table tells who did what, when, and what came of it.
 *
 * Exits with 0 if all went as it should.
 */
#define _GNU_SOURCE
#include "timeline.h"

#include <arpa/inet.h>
#include <pjauth.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    DECISION_MSEC = 200,    /* how long a decision takes */
    QUOTA = 2,              /* allocations of a user */
    MESSAGES = 50,          /* that the client sends, */
    MESSAGE_BYTES = 160,    /* each of so many bytes */
    PATIENCE_SECONDS = 30,  /* after which something went wrong */
    MAX_REQUESTS = 16,
    PJ_EINVAL = 70004
};

/* What the threads tell each other. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
    pjauth_turn_request *request;
    char user[64];
    long msec;
} requests[MAX_REQUESTS];
static int asked, decided, created, deleted, revoked, ends;
static int deletes; /* whether the first client deletes its allocation, as it should */

/* Adds to a number and wakes who waits for it. */
static void add(int *number, int more)
{
    pthread_mutex_lock(&lock);
    *number += more;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* Waits until there are that many. */
static int wait_for(const int *number, int many)
{
    struct timespec end;
    int enough;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&lock);
    while (*number < many && pthread_cond_timedwait(&changed, &lock, &end) == 0)
        ;
    enough = *number >= many;
    pthread_mutex_unlock(&lock);
    return enough;
}

/* ------------------------------------------------- observer, the server's threads */

static int authenticate(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_request *request)
{
    char user[64];

    (void)observer, (void)server;
    pjauth_turn_request_username(request, user, sizeof(user));
    note("observer", NO_STATUS, "%s asks for an allocation: Authenticating", user);
    pthread_mutex_lock(&lock);
    if (asked < MAX_REQUESTS) {
        requests[asked].request = request;
        requests[asked].msec = now_msec();
        strcpy(requests[asked].user, user);
        ++asked;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return PJAUTH_TURN_AUTHENTICATING;
}

static void on_created(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_allocation *allocation)
{
    pjauth_turn_allocation_info info;
    int after_decision;

    (void)observer, (void)server;
    pjauth_turn_allocation_get_info(allocation, &info, sizeof(info));
    note("server", NO_STATUS, "created %s for %s", info.relayed, info.username);
    pthread_mutex_lock(&lock);
    after_decision = created < decided;
    pthread_mutex_unlock(&lock);
    expect(after_decision, "the server did not wait for the decision");
    add(&created, 1);
}

static void on_removed(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_allocation *allocation)
{
    pjauth_turn_allocation_info info;
    int by_client;

    (void)observer, (void)server;
    pjauth_turn_allocation_get_info(allocation, &info, sizeof(info));
    by_client = info.reason == PJAUTH_TURN_DELETED;
    note("server", NO_STATUS, "removed %s, %s: %llu + %llu bytes", info.relayed,
         by_client ? "deleted" : info.reason == PJAUTH_TURN_REVOKED ? "revoked" : "for another reason",
         (unsigned long long)info.bytes_to_peers, (unsigned long long)info.bytes_to_client);
    if (by_client)
        expect(info.bytes_to_peers == MESSAGES * MESSAGE_BYTES && info.bytes_to_client == MESSAGES * MESSAGE_BYTES,
               "the allocation relayed something else");
    else
        expect(info.reason == PJAUTH_TURN_REVOKED && (info.bytes_to_peers == 0 || !deletes),
               "an allocation ended that should not");
    add(by_client ? &deleted : &revoked, 1);
}

/* ------------------------------------------------------- decisions, their thread */

static void decide(int i)
{
    pjauth_turn_request *request = requests[i].request;
    long left = requests[i].msec + DECISION_MSEC - now_msec();
    int *status;

    if (left > 0)
        usleep((useconds_t)(left + 1) * 1000);
    add(&decided, 1);
    pjauth_turn_request_set_password(request, "secret");
    status = note("decision", NO_STATUS, "yes to %s, %ld ms after the question", requests[i].user,
                  now_msec() - requests[i].msec);
    *status = pjauth_turn_handle_request(request, PJAUTH_TURN_AUTHORIZED);
    expect(*status == 0, "the server did not take the decision");
    if (i == 0) {
        status = note("decision", NO_STATUS, "yes to the same request, once more");
        *status = pjauth_turn_handle_request(request, PJAUTH_TURN_AUTHORIZED);
        expect(*status == PJ_EINVAL, "a request was answered twice");
    }
}

static void *decisions(void *unused)
{
    for (;;) {
        int done;

        pthread_mutex_lock(&lock);
        while (decided == asked && !ends)
            pthread_cond_wait(&changed, &lock);
        done = ends;
        pthread_mutex_unlock(&lock);
        if (done)
            return unused;
        decide(decided);
    }
}

/* ------------------------------------------------------ the peer: sends all back */

static void *peer(void *file)
{
    char data[2048], ip[INET_ADDRSTRLEN];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t length;
    int packets = 0;

    while ((length = recvfrom(*(int *)file, data, sizeof(data), 0, (struct sockaddr *)&from, &size)) > 0) {
        if (packets++ == 0)
            note("peer", NO_STATUS, "first packet, %d bytes from %s:%d", (int)length,
                 inet_ntop(AF_INET, &from.sin_addr, ip, sizeof(ip)), ntohs(from.sin_port));
        sendto(*(int *)file, data, (size_t)length, 0, (struct sockaddr *)&from, size);
    }
    note("peer", NO_STATUS, "sent back %d packets", packets);
    expect(packets == MESSAGES, "that is another number than was sent");
    return file;
}

static int open_peer(int *port)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    int file = socket(AF_INET, SOCK_DGRAM, 0);

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(file, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(file, (struct sockaddr *)&address, &size) != 0)
        return -1;
    *port = ntohs(address.sin_port);
    return file;
}

/* ------------------------------------------------------------------- the clients */

struct client {
    char command[512];
    char output[16384];
};

static void *run_client(void *client)
{
    struct client *c = client;
    FILE *output = popen(c->command, "r");
    size_t size = output ? fread(c->output, 1, sizeof(c->output) - 1, output) : 0;

    c->output[size] = '\0';
    if (output)
        pclose(output);
    return NULL;
}

/* Newer turnutils_uclient (coturn 4.18 of Debian unstable) closes its socket before it sends its last Refresh, the one
   that deletes, through it; it counts that as a send dropped. The demo shows our server with either. */
static int drops_its_refresh(const char *output)
{
    static const char words[] = "total send dropped ";
    const char *number = strstr(output, words);

    return number != NULL && number[sizeof(words) - 1] != '0';
}

/* The first relays; the second comes meanwhile, and is one too many. */
static void clients(const char *command, const char *server, int peer_port)
{
    static struct client first, second;
    char relayed[64];
    pthread_t thread;

    snprintf(first.command, sizeof(first.command),
             "timeout %d %s -c -m 1 -n %d -l %d -z 40 -u joe -w secret -e 127.0.0.1 -r %d -p %s 127.0.0.1 2>&1",
             PATIENCE_SECONDS, command, MESSAGES, MESSAGE_BYTES, peer_port, strrchr(server, ':') + 1);
    second = first;
    snprintf(relayed, sizeof(relayed), "tot_send_msgs=%d, tot_recv_msgs=%d", MESSAGES, MESSAGES);

    note("client 1", NO_STATUS, "starts, as joe");
    if (pthread_create(&thread, NULL, &run_client, &first) != 0)
        return;
    expect(wait_for(&created, QUOTA), "the first client did not get its allocations");
    note("client 2", NO_STATUS, "starts, as joe too");
    run_client(&second);
    expect(strstr(second.output, "error 486") != NULL, "the second client was not told 486");
    note("client 2", strstr(second.output, "error 486") ? 486 : NO_STATUS, "gives up");
    pthread_join(thread, NULL);
    expect(strstr(first.output, relayed) != NULL, "messages were lost");
    deletes = !drops_its_refresh(first.output);
    note("client 1", NO_STATUS, strstr(first.output, relayed) ? "sent %d messages; all came back" : "sent %d messages",
         MESSAGES);
    if (!strstr(first.output, relayed) || !strstr(second.output, "error 486"))
        printf("client 1: %s\nclient 2: %s\n", first.output, second.output);
}

/* -------------------------------------------------------------------- the program */

static pjauth_turn_server *start(pjauth_turn_observer *observer, char *address, size_t size)
{
    static const pjauth_turn_listener listener = {"127.0.0.1", 0, PJAUTH_TURN_UDP};
    static const char *const loopback[] = {"127.0.0.0/8"};
    pjauth_turn_options options;
    pjauth_turn_server *server = NULL;
    int status;

    pjauth_turn_options_init(&options, sizeof(options));
    options.realm = "example.org";
    options.listeners = &listener;
    options.listener_count = 1;
    options.user_quota = QUOTA;
    options.allow = loopback; /* no client could reach a peer here otherwise */
    options.allow_count = 1;
    status = pjauth_turn_server_create(&options, observer, &server);
    if (status == 0)
        status = pjauth_turn_server_start(server);
    pjauth_turn_server_listener(server, 0, NULL, address, size);
    note("server", status, "listens on %s; %d allocations for a user", address, QUOTA);
    expect(status == 0, "the server did not start");
    return server;
}

static void stop(pjauth_turn_server *server)
{
    pjauth_turn_counters counters;
    unsigned count = 0, left = QUOTA - deletes;
    int *status;

    if (deletes)
        expect(wait_for(&deleted, 1), "the first client did not delete its allocation");
    else
        note("client 1", NO_STATUS, "deletes nothing: its own socket was closed by then");
    status = note("application", NO_STATUS, "revokes what joe left behind");
    *status = pjauth_turn_server_revoke_user(server, "joe", &count);
    expect(*status == 0 && count == left && wait_for(&revoked, (int)left), "not all that was left behind was revoked");
    pjauth_turn_server_get_counters(server, &counters, sizeof(counters));
    expect(counters.allocations == 0 && counters.held == 0, "something is left");
    status = note("application", NO_STATUS, "stops the server; it holds nothing any more");
    *status = pjauth_turn_server_destroy(server);
    expect(*status == 0 && created == QUOTA && deleted == deletes && revoked == (int)left, "not each creation has its removal");
}

static const char *name_of(int status)
{
    return status == 0 ? "PJ_SUCCESS" : status == PJ_EINVAL ? "PJ_EINVAL" : NULL;
}

int main(int argc, char **argv)
{
    static const pjauth_turn_observer_vtable table = {on_created, on_removed, authenticate};
    pjauth_turn_observer observer = {&table};
    pjauth_turn_server *server;
    pthread_t decider, echo;
    char address[PJAUTH_TURN_ADDRESS_SIZE] = "";
    int port = 0, failures, file = open_peer(&port);

    if (argc != 2 || file < 0) {
        fprintf(stderr, "usage: %s CLIENT\n", argv[0]);
        return 2;
    }
    printf("pjauth %s; client: %s\n", pjauth_version(), argv[1]);
    now_msec();
    server = start(&observer, address, sizeof(address));
    if (pthread_create(&decider, NULL, &decisions, NULL) != 0 || pthread_create(&echo, NULL, &peer, &file) != 0)
        return 1;
    if (*address) {
        clients(argv[1], address, port);
        stop(server);
    }
    add(&ends, 1);
    pthread_join(decider, NULL);
    shutdown(file, SHUT_RDWR); /* ends recvfrom() */
    pthread_join(echo, NULL);
    close(file);
    failures = print_timeline(&name_of);
    printf("\n%s\n", failures ? "Something went wrong." : "All went as it should.");
    return failures != 0;
}
