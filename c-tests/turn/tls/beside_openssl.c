/* A program with OpenSSL of its own: that is the client here, of a server in the same process.
 *
 * usage: beside_openssl FOLDER, where the tests' certificates are
 */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pjauth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int decide(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_request *request) {
    (void)observer;
    (void)server;
    (void)request;
    return PJAUTH_TURN_NOT_AUTHORIZED;
}

static void heard(pjauth_turn_observer *observer, pjauth_turn_server *server, pjauth_turn_allocation *allocation) {
    (void)observer;
    (void)server;
    (void)allocation;
}

static void require(int good, const char *what) {
    if (!good) {
        printf("FAIL %s\n", what);
        ERR_print_errors_fp(stdout);
        exit(1);
    }
}

static pjauth_turn_server *serve(pjauth_turn_observer *observer, const char *folder) {
    pjauth_turn_listener listener = {"127.0.0.1", 0, PJAUTH_TURN_TLS};
    pjauth_turn_certificate certificate;
    pjauth_turn_options options;
    pjauth_turn_server *server;
    char chain[512], key[512];

    snprintf(chain, sizeof(chain), "%s/other.pem", folder);
    snprintf(key, sizeof(key), "%s/other.key", folder);
    memset(&certificate, 0, sizeof(certificate));
    certificate.chain_file = chain;
    certificate.key_file = key;
    pjauth_turn_options_init(&options, sizeof(options));
    options.listeners = &listener;
    options.listener_count = 1;
    options.certificates = &certificate;
    options.certificate_count = 1;
    require(pjauth_turn_server_create(&options, observer, &server) == 0, "create");
    require(pjauth_turn_server_start(server) == 0, "start");
    return server;
}

static int connected(pjauth_turn_server *server) {
    struct sockaddr_in to;
    char address[PJAUTH_TURN_ADDRESS_SIZE];
    int file = socket(AF_INET, SOCK_STREAM, 0);

    pjauth_turn_server_listener(server, 0, NULL, address, sizeof(address));
    memset(&to, 0, sizeof(to));
    to.sin_family = AF_INET;
    to.sin_port = htons((unsigned short)atoi(strrchr(address, ':') + 1));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    require(connect(file, (struct sockaddr *)&to, sizeof(to)) == 0, "connect");
    return file;
}

int main(int argc, char **argv) {
    static const pjauth_turn_observer_vtable table = {heard, heard, decide};
    static const unsigned char binding[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1};
    pjauth_turn_observer observer = {&table};
    unsigned char answer[256];
    char authority[512];
    pjauth_turn_server *server;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *client;

    require(argc == 2, "usage: beside_openssl FOLDER");
    server = serve(&observer, argv[1]);
    snprintf(authority, sizeof(authority), "%s/authority.pem", argv[1]);
    require(SSL_CTX_load_verify_locations(context, authority, NULL), "the authority");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    client = SSL_new(context);
    SSL_set_fd(client, connected(server));
    SSL_set1_host(client, "other.test");
    require(SSL_connect(client) == 1, "handshake");
    require(SSL_write(client, binding, sizeof(binding)) == sizeof(binding), "write");
    require(SSL_read(client, answer, sizeof(answer)) > 20 && answer[0] == 1 && answer[1] == 1, "an answer to Binding");
    SSL_shutdown(client);
    SSL_free(client);
    SSL_CTX_free(context);
    return pjauth_turn_server_destroy(server);
}
