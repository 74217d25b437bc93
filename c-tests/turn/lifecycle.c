/* A server that is started and destroyed at the same time, and a log function that asks about the server. */
#include "stand.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    int count = 0;
    while (tasks && (task = readdir(tasks)) != NULL)
        count += task->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return count;
}

static pjauth_turn_server *contested;
static int is_on;

static void *starter(void *result)
{
    /* Spins, to be there at the very moment. */
    while (!__atomic_load_n(&is_on, __ATOMIC_ACQUIRE))
        ;
    *(int *)result = pjauth_turn_server_start(contested);
    return NULL;
}

/* However the two meet, nothing runs once destroy has returned: the observer may be gone. */
static void start_and_destroy(struct stand *stand)
{
    static const struct pjauth_turn_listener listener = {"127.0.0.1", 0, PJAUTH_TURN_UDP};
    const int before = threads();
    struct pjauth_turn_options options;
    int round, pause, started, patience;
    unsigned seed = 1;
    pthread_t thread;

    CHECK(pjauth_turn_options_init(&options, sizeof(options)) == 0);
    options.listeners = &listener;
    options.listener_count = 1;
    options.workers = 1;
    for (round = 0; round < 2000 && !failures; ++round) {
        CHECK(pjauth_turn_server_create(&options, &stand->observer, &contested) == 0);
        __atomic_store_n(&is_on, 0, __ATOMIC_RELEASE);
        CHECK(pthread_create(&thread, NULL, starter, &started) == 0);
        usleep(50);
        __atomic_store_n(&is_on, 1, __ATOMIC_RELEASE);
        for (pause = rand_r(&seed) % 200; pause > 0; --pause)
            __atomic_load_n(&is_on, __ATOMIC_ACQUIRE);
        CHECK(pjauth_turn_server_destroy(contested) == 0);
        pthread_join(thread, NULL);
        CHECK(started == 0 || started == PJ_EINVAL);
        /* A thread that was joined may be listed for a moment. */
        for (patience = 100; patience > 0 && threads() > before; --patience)
            usleep(1000);
        CHECK(threads() == before);
    }
}

static struct {
    pthread_mutex_t mutex;
    int count;
} lines = {PTHREAD_MUTEX_INITIALIZER, 0};
static pjauth_turn_server *watched;

/* Adds to the lines that were logged; returns how many there are. */
static int logged(int more)
{
    int count;
    pthread_mutex_lock(&lines.mutex);
    count = lines.count += more;
    pthread_mutex_unlock(&lines.mutex);
    return count;
}

static void on_line(void *user_data, int level, const char *text)
{
    struct pjauth_turn_counters counters;
    (void)user_data, (void)level, (void)text;
    CHECK(pjauth_turn_server_get_counters(watched, &counters, sizeof(counters)) == 0);
    pjauth_turn_server_listener(watched, 0, NULL, NULL, 0);
    logged(1);
}

static const char *taken;

static void log_to_us(struct pjauth_turn_options *options)
{
    options->log = on_line;
    options->max_allocations = 16; /* within the limit of descriptors: nothing to tell at the start */
}

static void log_of_a_start_that_fails(struct stand *stand)
{
    struct pjauth_turn_listener listener = {"127.0.0.1", 0, PJAUTH_TURN_UDP};
    struct pjauth_turn_options options;
    CHECK(pjauth_turn_options_init(&options, sizeof(options)) == 0);
    listener.port = (unsigned short)atoi(strrchr(taken, ':') + 1);
    options.listeners = &listener;
    options.listener_count = 1;
    log_to_us(&options);
    CHECK(pjauth_turn_server_create(&options, &stand->observer, &watched) == 0);
    CHECK(pjauth_turn_server_start(watched) != 0 && logged(0) == 1);
    CHECK(pjauth_turn_server_destroy(watched) == 0);
}

static void keep_line(void *line, int level, const char *text)
{
    CHECK(level == 1);
    snprintf(line, 128, "%s", text);
}

/* Nothing is made, and the log names the option. */
static void log_of_options_without_sense(struct stand *stand)
{
    static const struct pjauth_turn_listener good = {"127.0.0.1", 0, PJAUTH_TURN_UDP},
                                             bad = {"localhost", 0, PJAUTH_TURN_UDP};
    static const char *const ranges[] = {"10.0.0.0/8", "10.0.0.0/40"};
    static const char *const names[] = {"listeners", "deny", "algorithms", "default_lifetime"};
    struct pjauth_turn_options options;
    pjauth_turn_server *none = NULL;
    char line[128];
    int i;

    for (i = 0; i < 4; ++i) {
        CHECK(pjauth_turn_options_init(&options, sizeof(options)) == 0);
        options.listeners = i == 0 ? &bad : &good;
        options.listener_count = 1;
        options.deny = ranges;
        options.deny_count = i == 1 ? 2 : 1;
        if (i == 2)
            options.algorithms = 8;
        if (i == 3)
            options.default_lifetime = 0;
        options.log = keep_line;
        options.log_user_data = line;
        line[0] = '\0';
        CHECK(pjauth_turn_server_create(&options, &stand->observer, &none) == PJ_EINVAL && !none);
        CHECK(strstr(line, names[i]) != NULL);
    }
}

/* No descriptor is left for a client's connection. */
static void log_of_a_worker(struct stand *stand)
{
    struct sockaddr_in address;
    struct rlimit limit, before;
    int transport = 0, before_that, patience, client;
    char text[64];

    watched = stand->server;
    CHECK(pjauth_turn_server_listener(watched, 1, &transport, text, sizeof(text)) > 0 && transport == PJAUTH_TURN_TCP);
    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)atoi(strrchr(text, ':') + 1));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(client >= 0 && getrlimit(RLIMIT_NOFILE, &before) == 0);
    limit = before;
    limit.rlim_cur = 1;
    before_that = logged(0);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0);
    for (patience = PATIENCE; patience > 0 && logged(0) == before_that; --patience)
        usleep(1000);
    CHECK(logged(0) > before_that);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    close(client);
}

int main(void)
{
    struct stand stand;
    alarm(60); /* a deadlock is a failure */
    stand_start(&stand, log_to_us);
    taken = stand.address;
    start_and_destroy(&stand);
    log_of_a_start_that_fails(&stand);
    log_of_options_without_sense(&stand);
    log_of_a_worker(&stand);
    stand_end(&stand);
    puts(failures ? "failed" : "passed");
    return failures != 0;
}
