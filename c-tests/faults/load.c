/* Loads the library that argv[1] names and unloads it again and again, from threads that end, with servers that have
 * run and servers that still run. Lazily, for there is no PJSIP here. */
#define _GNU_SOURCE
#include "../turn/stand.h"

#include <dirent.h>
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 50 };

int failures;
static const char *path;
static pjauth_turn_server *left; /* still runs while the library is unloaded */

static void told(struct pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_allocation *allocation)
{
    (void)observer, (void)server, (void)allocation;
}

static int refuse(struct pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_request *request)
{
    (void)observer, (void)server, (void)request;
    return PJAUTH_TURN_NOT_AUTHORIZED;
}

static const struct pjauth_turn_observer_vtable table = {told, told, refuse};
static struct pjauth_turn_observer observer = {&table};

/* A function of the library's, found anew. */
#define OF(library, name) ((__typeof__(&name))(size_t)find(library, #name))

static void *find(void *library, const char *name)
{
    void *symbol = dlsym(library, name);
    if (!symbol) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(1);
    }
    return symbol;
}

static int entries(const char *directory)
{
    DIR *open = opendir(directory);
    struct dirent *entry;
    int count = 0;
    while (open && (entry = readdir(open)) != NULL)
        count += entry->d_name[0] != '.';
    if (open)
        closedir(open);
    return count;
}

static void answers(void *library, pjauth_turn_server *server)
{
    struct wire wire;
    char address[64] = "";
    CHECK(OF(library, pjauth_turn_server_listener)(server, 0, NULL, address, sizeof(address)) > 0);
    CHECK(wire_open(&wire, address) == 0);
    wire_send(&wire, WIRE_BINDING, NULL, NULL);
    CHECK(wire_reply(&wire, PATIENCE) == 0);
    wire_close(&wire);
}

static pjauth_turn_server *start(void *library)
{
    static const struct pjauth_turn_listener listener = {"127.0.0.1", 0, PJAUTH_TURN_UDP};
    struct pjauth_turn_options options;
    pjauth_turn_server *server = NULL;
    CHECK(OF(library, pjauth_turn_options_init)(&options, sizeof(options)) == 0);
    options.listeners = &listener;
    options.listener_count = 1;
    options.workers = 1;
    CHECK(OF(library, pjauth_turn_server_create)(&options, &observer, &server) == 0);
    CHECK(OF(library, pjauth_turn_server_start)(server) == 0);
    return server;
}

/* In turn: a server that comes and goes, and one that outlives its dlclose and is found in the next round. */
static void *once(void *round)
{
    void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(1);
    }
    CHECK(*OF(library, pjauth_version)());
    if (left) {
        answers(library, left);
        CHECK(OF(library, pjauth_turn_server_destroy)(left) == 0);
        left = NULL;
    } else {
        left = start(library);
        answers(library, left);
    }
    if (*(int *)round % 5 == 0) {
        pjauth_turn_server *server = start(library);
        answers(library, server);
        CHECK(OF(library, pjauth_turn_server_destroy)(server) == 0);
    }
    CHECK(dlclose(library) == 0);
    return NULL;
}

/* A thread that was joined may be listed for a moment. */
static void check_threads(int expected)
{
    int patience;
    for (patience = PATIENCE; patience > 0 && entries("/proc/self/task") > expected; --patience)
        usleep(1000);
    CHECK(entries("/proc/self/task") == expected);
}

int main(int argc, char **argv)
{
    int round, descriptors = 0;
    int threads = entries("/proc/self/task"); /* an emulator brings one of its own */
    pthread_t thread;

    if (argc != 2)
        return 2;
    path = argv[1];
    alarm(60);
    for (round = 0; round < ROUNDS; ++round) {
        CHECK(pthread_create(&thread, NULL, once, &round) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        if (round == 1) /* what stays open once the library has run */
            descriptors = entries("/proc/self/fd");
    }
    CHECK(!left && entries("/proc/self/fd") == descriptors);
    check_threads(threads);
    puts(failures ? "failed" : "passed");
    return failures != 0;
}
