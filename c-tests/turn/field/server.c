/* A server for hosts of the tests' own making: listeners, relays and peers as the command line says, and changes while
 * it runs as its input says.
 *
 * usage: field_server [--listen IP,PORT,TRANSPORT]... [--relay IP[=EXTERNAL]]... [--allow RANGE]... [--deny RANGE]...
 *                     [--ports FIRST-LAST] [--workers N] [--max-allocations N] [--max-held N] [--hold NAME]
 *                     [--nat64 PREFIX]... [--certificate CHAIN,KEY]... [--handshakes TOTAL,SOURCE,MSEC] [--proxy RANGE]
 *                     [--authorities FILE] [--certified] [--tcp-relays YES] [--tell]
 *                     [--kernel WISH] [--interface NAME]... [--kernel-channels N]
 *
 * Every user's password is "secret". Prints "listening ADDRESS TRANSPORT" for each listener and then "ready"; or, when
 * it cannot start, "refused STATUS TEXT", and ends. With --tell it prints what the observer hears: "created TRANSPORT",
 * "peer CHANNEL ADDRESS" and "removed TRANSPORT BYTES-TO-PEERS BYTES-TO-CLIENT". Each line of input is a command,
 * answered with lines of which the last is "done STATUS"; the end of input is the end.
 */
#include <getopt.h>
#include <pjauth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16 };

static struct {
    pjauth_turn_observer observer; /* first: the library passes its address */
    const char *never;             /* a user about whom nothing is ever decided */
    pjauth_turn_allocation *latest; /* the allocation that was made last */
    int tells;
} host;

static struct {
    pjauth_turn_listener listeners[MOST];
    pjauth_turn_relay relays[MOST];
    const char *allow[MOST], *deny[MOST], *nat64[MOST], *proxies[MOST], *interfaces[MOST];
    pjauth_turn_certificate certificates[MOST], authorities;
} lists;

static int authenticate(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_request *request) {
    char name[64], subject[256];

    (void)observer;
    (void)server;
    pjauth_turn_request_username(request, name, sizeof(name));
    if (pjauth_turn_request_client_certificate(request, subject, sizeof(subject)) > 0) {
        printf("certified %s\n", subject);
        fflush(stdout);
    }
    if (host.never != NULL && strcmp(name, host.never) == 0) {
        return PJAUTH_TURN_AUTHENTICATING;
    }
    pjauth_turn_request_set_password(request, "secret");
    return PJAUTH_TURN_AUTHORIZED;
}

static void created(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_allocation *allocation) {
    pjauth_turn_allocation_info info;

    (void)observer;
    (void)server;
    __atomic_store_n(&host.latest, allocation, __ATOMIC_RELEASE);
    if (host.tells && pjauth_turn_allocation_get_info(allocation, &info, sizeof(info)) == 0) {
        printf("created %d\n", info.relay_transport);
        fflush(stdout);
    }
}

static void removed(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_allocation *allocation) {
    pjauth_turn_allocation_info info;

    (void)observer;
    (void)server;
    if (host.tells && pjauth_turn_allocation_get_info(allocation, &info, sizeof(info)) == 0) {
        printf("removed %d %llu %llu\n", info.relay_transport, (unsigned long long)info.bytes_to_peers,
               (unsigned long long)info.bytes_to_client);
        fflush(stdout);
    }
}

static void hear_of_peer(void *unused, pjauth_turn_allocation *allocation, const pjauth_turn_peer *peer) {
    (void)unused;
    (void)allocation;
    printf("peer %d %s\n", peer->channel, peer->address);
    fflush(stdout);
}

static const pjauth_turn_observer_vtable functions = {created, removed, authenticate};

static void log_line(void *unused, int level, const char *text) {
    (void)unused;
    printf("log %d %s\n", level, text);
    fflush(stdout);
}

static char *after(char *text, int separator) {
    char *found = strchr(text, separator);

    if (found != NULL) {
        *found++ = '\0';
    }
    return found;
}

static void add_listener(pjauth_turn_options *options, char *text) {
    pjauth_turn_listener *listener = &lists.listeners[options->listener_count++ % MOST];
    char *port = after(text, ',');
    char *transport = after(port, ',');

    listener->address = text;
    listener->port = (uint16_t)atoi(port);
    listener->transport = atoi(transport);
}

/* Files: CHAIN,KEY. */
static void read_certificate(pjauth_turn_certificate *certificate, char *text) {
    memset(certificate, 0, sizeof(*certificate));
    certificate->key_file = after(text, ',');
    certificate->chain_file = text;
}

static void read_handshakes(pjauth_turn_options *options, char *text) {
    char *source = after(text, ',');
    char *msec = after(source, ',');

    options->max_handshakes = (unsigned)atoi(text);
    options->max_handshakes_per_source = (unsigned)atoi(source);
    options->handshake_msec = (unsigned)atoi(msec);
}

static void read_options(int argc, char **argv, pjauth_turn_options *options) {
    static const struct option names[] = {
        {"listen", 1, NULL, 'l'},  {"relay", 1, NULL, 'r'},           {"allow", 1, NULL, 'a'},
        {"deny", 1, NULL, 'd'},    {"ports", 1, NULL, 'p'},           {"workers", 1, NULL, 'w'},
        {"nat64", 1, NULL, 'n'},   {"hold", 1, NULL, 'h'},            {"max-allocations", 1, NULL, 'm'},
        {"max-held", 1, NULL, 'k'}, {"certificate", 1, NULL, 'c'},    {"handshakes", 1, NULL, 's'},
        {"proxy", 1, NULL, 'x'},    {"authorities", 1, NULL, 'A'},    {"certified", 0, NULL, 'C'},
        {"kernel", 1, NULL, 'K'},  {"interface", 1, NULL, 'i'},       {"kernel-channels", 1, NULL, 'N'},
        {"tcp-relays", 1, NULL, 'R'}, {"tell", 0, NULL, 'T'},
        {NULL, 0, NULL, 0}};
    int name;

    while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (name == 'l') {
            add_listener(options, optarg);
        } else if (name == 'r') {
            pjauth_turn_relay *relay = &lists.relays[options->relay_count++ % MOST];

            relay->external = after(optarg, '=');
            relay->address = optarg;
        } else if (name == 'a') {
            lists.allow[options->allow_count++ % MOST] = optarg;
        } else if (name == 'd') {
            lists.deny[options->deny_count++ % MOST] = optarg;
        } else if (name == 'p') {
            options->max_port = (uint16_t)atoi(after(optarg, '-'));
            options->min_port = (uint16_t)atoi(optarg);
        } else if (name == 'w') {
            options->workers = (unsigned)atoi(optarg);
        } else if (name == 'm') {
            options->max_allocations = (unsigned)atoi(optarg);
        } else if (name == 'k') {
            options->max_held = (unsigned)atoi(optarg);
        } else if (name == 'n') {
            lists.nat64[options->nat64_count++ % MOST] = optarg;
        } else if (name == 'c') {
            read_certificate(&lists.certificates[options->certificate_count++ % MOST], optarg);
        } else if (name == 's') {
            read_handshakes(options, optarg);
        } else if (name == 'A') {
            lists.authorities.chain_file = optarg;
            options->client_authorities = &lists.authorities;
        } else if (name == 'C') {
            options->client_certificate_required = 1;
        } else if (name == 'x') {
            lists.proxies[options->proxy_count++ % MOST] = optarg;
        } else if (name == 'K') {
            options->kernel = atoi(optarg);
        } else if (name == 'i') {
            lists.interfaces[options->kernel_interface_count++ % MOST] = optarg;
        } else if (name == 'N') {
            options->kernel_channels = (unsigned)atoi(optarg);
        } else if (name == 'R') {
            options->tcp_relays = atoi(optarg);
        } else if (name == 'T') {
            host.tells = 1;
            options->on_peer = hear_of_peer;
        } else if (name == 'h') {
            host.never = optarg;
        } else {
            exit(2);
        }
    }
    options->listeners = lists.listeners;
    options->relays = lists.relays;
    options->allow = lists.allow;
    options->deny = lists.deny;
    options->nat64 = lists.nat64;
    options->proxies = lists.proxies;
    options->certificates = lists.certificates;
    options->kernel_interfaces = lists.interfaces;
}

static void list_listeners(pjauth_turn_server *server) {
    char address[PJAUTH_TURN_ADDRESS_SIZE];
    unsigned index;
    int transport;

    for (index = 0; pjauth_turn_server_listener(server, index, &transport, address, sizeof(address)) > 0; index++) {
        printf("listening %s %d\n", address, transport);
    }
}

static int obey(pjauth_turn_server *server, char *line) {
    static char text[1 << 16];
    pjauth_turn_allocation *latest = __atomic_load_n(&host.latest, __ATOMIC_ACQUIRE);

    if (strcmp(line, "listeners") == 0) {
        list_listeners(server);
        return 0;
    }
    if (strcmp(line, "metrics") == 0) {
        pjauth_turn_server_metrics(server, text, sizeof(text));
        fputs(text, stdout);
        return 0;
    }
    if (strcmp(line, "drain") == 0) {
        return pjauth_turn_server_drain(server, 1);
    }
    if (strcmp(line, "stop") == 0) {
        return pjauth_turn_server_stop(server);
    }
    if (strcmp(line, "kernel") == 0) {
        int on;

        pjauth_turn_server_kernel_status(server, &on, text, sizeof(text));
        printf("kernel %d %s\n", on, text);
        return 0;
    }
    if (strncmp(line, "deny ", 5) == 0) {
        const char *denied = line + 5;

        return pjauth_turn_server_set_peers(server, NULL, 0, &denied, 1);
    }
    if (strncmp(line, "revoke ", 7) == 0) {
        return pjauth_turn_server_revoke_user(server, line + 7, NULL);
    }
    if (strncmp(line, "lifetime ", 9) == 0) {
        return pjauth_turn_allocation_set_lifetime(latest, strtoull(line + 9, NULL, 10));
    }
    if (strncmp(line, "limit ", 6) == 0) {
        return pjauth_turn_allocation_set_bandwidth_limit(latest, strtoull(line + 6, NULL, 10));
    }
    if (strncmp(line, "external ", 9) == 0) {
        char *external = after(line + 9, ' ');

        return pjauth_turn_server_set_external(server, line + 9, external);
    }
    if (strncmp(line, "certificate ", 12) == 0) {
        pjauth_turn_certificate certificate;
        int status;

        read_certificate(&certificate, line + 12);
        status = pjauth_turn_server_set_certificates(server, &certificate, 1);
        pjauth_turn_server_error(server, text, sizeof(text));
        printf("error %s\n", text);
        return status;
    }
    if (strncmp(line, "allow", 5) == 0) {
        const char *allow[MOST];
        unsigned count = 0;
        char *range = after(line, ' ');

        for (; range != NULL && count < MOST; count++) {
            char *next = after(range, ' ');

            allow[count] = range;
            range = next;
        }
        return pjauth_turn_server_set_peers(server, allow, count, NULL, 0);
    }
    return -1;
}

int main(int argc, char **argv) {
    pjauth_turn_options options;
    pjauth_turn_server *server;
    char line[512];
    int status;

    pjauth_turn_options_init(&options, sizeof(options));
    options.realm = "field.test";
    options.log = log_line;
    host.observer.vtable = &functions;
    read_options(argc, argv, &options);
    status = pjauth_turn_server_create(&options, &host.observer, &server);
    if (status != 0) {
        printf("refused %d\n", status);
        return 1;
    }
    status = pjauth_turn_server_start(server);
    if (status != 0) {
        pjauth_turn_server_error(server, line, sizeof(line));
        printf("refused %d %s\n", status, line);
        return pjauth_turn_server_destroy(server) == 0 ? 1 : 3;
    }
    list_listeners(server);
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        status = obey(server, line);
        printf("done %d\n", status);
        fflush(stdout);
    }
    return pjauth_turn_server_destroy(server);
}
