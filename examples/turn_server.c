/* A TURN server in C: the observer is a structure whose first member points to a table of three functions, which is what
 * a C++ compiler makes of a class. The decisions are made at once, from a table.
 *
 *   turn_server_c [--listen IP:PORT] [--realm R] [--user NAME:PASSWORD]... [--deny NAME]... [--allow RANGE]...
 *
 * --allow   peers that clients may reach beside public ones, such as 127.0.0.0/8
 *
 * Prints what happens and ends with standard input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pjauth.h>

enum { MAX_USERS = 16, MAX_RANGES = 16 };

/* What stands behind the observer: the library sees the first member alone. */
typedef struct desk {
    pjauth_turn_observer observer;
    struct {
        char *name;
        const char *password;
        int denied;
    } users[MAX_USERS];
    int user_count;
} desk;

static void say(const char *line)
{
    puts(line);
    fflush(stdout);
}

static void on_created(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_allocation *allocation)
{
    pjauth_turn_allocation_info info;
    char line[1024];

    (void)observer;
    (void)server;
    if (pjauth_turn_allocation_get_info(allocation, &info, sizeof(info)) != 0)
        return;
    snprintf(line, sizeof(line), "created   %s %s", info.username, info.relayed);
    say(line);
}

static void on_removed(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_allocation *allocation)
{
    static const char *const reasons[] = {"live", "expired", "deleted", "client gone", "revoked", "limit reached",
                                          "stopped"};
    pjauth_turn_allocation_info info;
    char line[1024];

    (void)observer;
    (void)server;
    if (pjauth_turn_allocation_get_info(allocation, &info, sizeof(info)) != 0)
        return;
    snprintf(line, sizeof(line), "removed   %s %s %s: %llu bytes, %llu packets, %llu ms", info.username, info.relayed,
             reasons[info.reason], (unsigned long long)(info.bytes_to_peers + info.bytes_to_client),
             (unsigned long long)(info.packets_to_peers + info.packets_to_client), (unsigned long long)info.age_msec);
    say(line);
}

/* Called on several threads at once: the table does not change while the server runs. */
static int authenticate(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_request *request)
{
    const desk *self = (const desk *)observer;
    char name[PJAUTH_TURN_USERNAME_SIZE], line[PJAUTH_TURN_USERNAME_SIZE + 16];
    int i;

    (void)server;
    pjauth_turn_request_username(request, name, sizeof(name));
    snprintf(line, sizeof(line), "asked     %s", name);
    say(line);
    for (i = 0; i < self->user_count; ++i) {
        if (strcmp(self->users[i].name, name) != 0 || self->users[i].denied)
            continue;
        /* The server lets only those in who prove to know it. */
        pjauth_turn_request_set_password(request, self->users[i].password);
        return PJAUTH_TURN_AUTHORIZED;
    }
    return PJAUTH_TURN_NOT_AUTHORIZED;
}

static const pjauth_turn_observer_vtable table = {on_created, on_removed, authenticate};

/* Splits at the last colon; what follows it, or "". */
static char *cut(char *text, int separator_is_last)
{
    char *colon = separator_is_last ? strrchr(text, ':') : strchr(text, ':');

    if (!colon)
        return text + strlen(text);
    *colon = '\0';
    return colon + 1;
}

static void deny(desk *self, const char *name)
{
    int i;

    for (i = 0; i < self->user_count; ++i)
        if (strcmp(self->users[i].name, name) == 0)
            self->users[i].denied = 1;
}

/* Why the server does not start, for one. */
static void on_log(void *user_data, int level, const char *text)
{
    (void)user_data;
    if (level <= 2)
        fprintf(stderr, "%s\n", text);
}

static int usage(void)
{
    fputs("usage: turn_server_c [--listen IP:PORT] [--realm R] [--user NAME:PASSWORD]... [--deny NAME]... "
          "[--allow RANGE]...\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static desk self = {{&table}, {{0}}, 0};
    static char default_ip[] = "127.0.0.1";
    pjauth_turn_listener listeners[2] = {{default_ip, 3478, PJAUTH_TURN_UDP}, {default_ip, 3478, PJAUTH_TURN_TCP}};
    const char *ranges[MAX_RANGES];
    pjauth_turn_options options;
    pjauth_turn_server *server;
    char address[PJAUTH_TURN_ADDRESS_SIZE];
    int i, status;

    pjauth_turn_options_init(&options, sizeof(options));
    options.realm = "example.org";
    options.allow = ranges;
    options.log = on_log;
    for (i = 1; i + 1 < argc; i += 2) {
        char *value = argv[i + 1];

        if (strcmp(argv[i], "--listen") == 0) {
            listeners[0].port = listeners[1].port = (uint16_t)atoi(cut(value, 1));
            listeners[0].address = listeners[1].address = value;
        } else if (strcmp(argv[i], "--realm") == 0) {
            options.realm = value;
        } else if (strcmp(argv[i], "--user") == 0 && self.user_count < MAX_USERS) {
            self.users[self.user_count].password = cut(value, 0);
            self.users[self.user_count++].name = value;
        } else if (strcmp(argv[i], "--deny") == 0) {
            deny(&self, value);
        } else if (strcmp(argv[i], "--allow") == 0 && options.allow_count < MAX_RANGES) {
            ranges[options.allow_count++] = value;
        } else {
            return usage();
        }
    }
    if (i < argc)
        return usage();
    options.listeners = listeners;
    options.listener_count = 2;
    status = pjauth_turn_server_create(&options, &self.observer, &server);
    if (status == 0)
        status = pjauth_turn_server_start(server);
    if (status != 0) {
        fprintf(stderr, "cannot listen on %s: status %d\n", listeners[0].address, status);
        return 1;
    }
    pjauth_turn_server_listener(server, 0, NULL, address, sizeof(address));
    printf("listening %s\n", address);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    pjauth_turn_server_destroy(server);
    return 0;
}
