/* The server under test: one user, on 127.0.0.1 and, where the host has IPv6, ::1, over UDP and TCP, or TLS as well, relaying
 * to loopback.
 *
 * usage: judged_server --user NAME:PASSWORD [--port PORT] [--realm TEXT] [--workers N] [--delay-ms N] [--allow RANGE]
 *                      [--max-held N] [--hold NAME] [--proxy RANGE] [--tls PORT,CHAIN,KEY]
 *        judged_server --secret TEXT [--secret TEXT] ...     with credentials of the TURN REST interface
 *
 * With a delay, every decision is made that much later, by another thread; about the user to hold, never. Prints
 * "listening PORT" when it does; ends when it is told to (SIGTERM).
 */
#include <getopt.h>
#include <netinet/in.h>
#include <pjauth.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ALLOWED = 16, MOST_SECRETS = 4, MOST_WAITING = 1 << 17, LISTENERS = 4, WITH_TLS = 6 };

struct waiting {
    pjauth_turn_request *request;
    double due;
};

static struct {
    pjauth_turn_observer observer; /* first: the library passes its address */
    const char *user;
    const char *password;
    const char *never;
    const char *secrets[MOST_SECRETS];
    unsigned secret_count;
    const char *proxy;
    int tls_port; /* 0 for no TLS */
    pjauth_turn_certificate certificate;
    double delay;
    const char *allowed[MOST_ALLOWED];
    unsigned allowed_count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct waiting waiting[MOST_WAITING]; /* a ring: the delay is the same for all */
    unsigned first;
    unsigned count;
} host = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static double now(void) {
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* -- the observer ------------------------------------------------------------------------------------------------- */

static int decide(pjauth_turn_request *request) {
    char name[64];
    size_t length = pjauth_turn_request_username(request, name, sizeof(name));

    if (host.secret_count != 0) {
        return pjauth_turn_request_check_rest(request, host.secrets, host.secret_count);
    }
    if (host.never != NULL && strcmp(name, host.never) == 0) {
        return PJAUTH_TURN_AUTHENTICATING;
    }
    if (length >= sizeof(name) || strcmp(name, host.user) != 0) {
        return PJAUTH_TURN_NOT_AUTHORIZED;
    }
    pjauth_turn_request_set_password(request, host.password);
    return PJAUTH_TURN_AUTHORIZED;
}

/* Keeps a request for the other thread; 0 if there are too many. */
static int keep(pjauth_turn_request *request) {
    int kept;

    pthread_mutex_lock(&host.lock);
    kept = host.count < MOST_WAITING;
    if (kept) {
        struct waiting *last = &host.waiting[(host.first + host.count++) % MOST_WAITING];

        last->request = request;
        last->due = now() + host.delay;
        pthread_cond_signal(&host.changed);
    }
    pthread_mutex_unlock(&host.lock);
    return kept;
}

static int authenticate(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_request *request) {
    (void)observer;
    (void)server;
    if (host.delay <= 0) {
        return decide(request);
    }
    return keep(request) ? PJAUTH_TURN_AUTHENTICATING : PJAUTH_TURN_NOT_AUTHORIZED;
}

static void heard(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_allocation *allocation) {
    (void)observer;
    (void)server;
    (void)allocation;
}

static const pjauth_turn_observer_vtable functions = {heard, heard, authenticate};

/* The other thread. A request may have gone meanwhile: then its decision is refused, and nothing is lost. */
static void *decide_later(void *unused) {
    pthread_mutex_lock(&host.lock);
    for (;;) {
        struct waiting head = host.waiting[host.first];

        if (host.count == 0) {
            pthread_cond_wait(&host.changed, &host.lock);
        } else if (head.due > now()) {
            struct timespec until = {(time_t)head.due, (long)((head.due - (double)(time_t)head.due) * 1e9)};

            pthread_cond_timedwait(&host.changed, &host.lock, &until);
        } else {
            host.first = (host.first + 1) % MOST_WAITING;
            host.count--;
            pthread_mutex_unlock(&host.lock);
            pjauth_turn_handle_request(head.request, decide(head.request));
            pthread_mutex_lock(&host.lock);
        }
    }
    return unused;
}

/* -- the program -------------------------------------------------------------------------------------------------- */

static void log_line(void *unused, int level, const char *text) {
    (void)unused;
    printf("%d %s\n", level, text);
    fflush(stdout);
}

static void require(int status, const char *what) {
    if (status != 0) {
        printf("FAIL %s: status %d\n", what, status);
        exit(1);
    }
}

static void read_options(int argc, char **argv, pjauth_turn_options *options, int *port) {
    static const struct option names[] = {{"user", 1, NULL, 'u'},     {"port", 1, NULL, 'p'},
                                          {"realm", 1, NULL, 'r'},    {"workers", 1, NULL, 'w'},
                                          {"delay-ms", 1, NULL, 'd'}, {"allow", 1, NULL, 'a'},
                                          {"max-held", 1, NULL, 'm'}, {"hold", 1, NULL, 'h'},
                                          {"secret", 1, NULL, 's'},   {"proxy", 1, NULL, 'x'},
                                          {"tls", 1, NULL, 't'},
                                          {NULL, 0, NULL, 0}};
    int name;

    while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (name == 'u' && strchr(optarg, ':') != NULL) {
            host.user = strtok(optarg, ":");
            host.password = strtok(NULL, "");
        } else if (name == 'p') {
            *port = atoi(optarg);
        } else if (name == 'r') {
            options->realm = optarg;
        } else if (name == 'w') {
            options->workers = (unsigned)atoi(optarg);
        } else if (name == 'd') {
            host.delay = atof(optarg) / 1000;
        } else if (name == 'm') {
            options->max_held = (unsigned)atoi(optarg);
        } else if (name == 'h') {
            host.never = optarg;
        } else if (name == 'x') {
            host.proxy = optarg;
            options->proxies = &host.proxy;
            options->proxy_count = 1;
        } else if (name == 't' && strchr(optarg, ',') != NULL) {
            host.tls_port = atoi(strtok(optarg, ","));
            host.certificate.chain_file = strtok(NULL, ",");
            host.certificate.key_file = strtok(NULL, ",");
            options->certificates = &host.certificate;
            options->certificate_count = 1;
        } else if (name == 's' && host.secret_count < MOST_SECRETS) {
            host.secrets[host.secret_count++] = optarg;
        } else if (name == 'a' && host.allowed_count < MOST_ALLOWED) {
            host.allowed[host.allowed_count++] = optarg;
        } else {
            exit(2);
        }
    }
    if (host.secret_count == 0 && (host.user == NULL || host.password == NULL)) {
        printf("--user NAME:PASSWORD is needed, or --secret TEXT\n");
        exit(2);
    }
    if (host.allowed_count == 0) {
        host.allowed[host.allowed_count++] = "127.0.0.0/8";
        host.allowed[host.allowed_count++] = "::1";
    }
    options->allow = host.allowed;
    options->allow_count = host.allowed_count;
}

static int has_ipv6(void) {
    struct sockaddr_in6 loopback;
    int file = socket(AF_INET6, SOCK_DGRAM, 0);
    int bound;

    memset(&loopback, 0, sizeof(loopback));
    loopback.sin6_family = AF_INET6;
    loopback.sin6_addr = in6addr_loopback;
    bound = file >= 0 && bind(file, (struct sockaddr *)&loopback, sizeof(loopback)) == 0;
    if (file >= 0)
        close(file);
    return bound;
}

static void announce(pjauth_turn_server *server) {
    char address[128];

    pjauth_turn_server_listener(server, 0, NULL, address, sizeof(address));
    printf("listening %s\n", strrchr(address, ':') + 1);
    fflush(stdout);
}

int main(int argc, char **argv) {
    pjauth_turn_options options;
    pjauth_turn_listener listeners[WITH_TLS];
    pjauth_turn_server *server;
    pthread_t decider;
    sigset_t ending;
    int port = 0;
    int step = has_ipv6() ? 1 : 2; /* every other listener is an IPv6 one */
    int at, count;

    require(pjauth_turn_options_init(&options, sizeof(options)), "options");
    read_options(argc, argv, &options, &port);
    count = host.tls_port != 0 ? WITH_TLS : LISTENERS;
    for (at = 0; at < count; at += step) {
        listeners[at / step].address = at % 2 == 0 ? "127.0.0.1" : "::1";
        listeners[at / step].port = (uint16_t)(at < LISTENERS ? port : host.tls_port);
        listeners[at / step].transport = at < 2 ? PJAUTH_TURN_UDP : at < LISTENERS ? PJAUTH_TURN_TCP : PJAUTH_TURN_TLS;
    }
    options.listeners = listeners;
    options.listener_count = (unsigned)(count / step);
    options.log = log_line;
    host.observer.vtable = &functions;

    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    require(pjauth_turn_server_create(&options, &host.observer, &server), "create");
    require(pthread_create(&decider, NULL, decide_later, NULL), "thread");
    require(pjauth_turn_server_start(server), "start");
    announce(server);
    sigwait(&ending, &at);
    require(pjauth_turn_server_destroy(server), "destroy");
    return 0;
}
