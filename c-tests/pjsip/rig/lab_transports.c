#include "lab_transports.h"
#include "lab_registrar.h"

#include <arpa/inet.h>
#include <string.h>

enum { SETTLE_MSEC = 4000 };
/* OpenSSL takes its time to start, under valgrind and beside others. */
enum { CONNECT_MSEC = 100000 };

/* One connection to the registrar for each transport that has any, held to the
 * end: an idle one would keep its pools for half a minute and look like a leak. */
static struct connection {
    const char *name;
    int type;
    pjsip_transport *held;
    volatile int closed;
} connections[] = {
    {"tcp", PJSIP_TRANSPORT_TCP, NULL, 0},
    {"tls", PJSIP_TRANSPORT_TLS, NULL, 0},
};
enum { TCP, TLS, CONNECTIONS };
static volatile int connected;
static pjsip_tp_state_callback tell_pjsip;

static void on_transport(pjsip_transport *transport, pjsip_transport_state state,
                         const pjsip_transport_state_info *info)
{
    int i;
    tell_pjsip(transport, state, info);
    if (state == PJSIP_TP_STATE_CONNECTED)
        ++connected;
    if (state == PJSIP_TP_STATE_DISCONNECTED)
        for (i = 0; i < CONNECTIONS; ++i)
            if (connections[i].held == transport)
                ++connections[i].closed;
}

static pj_sockaddr_in loopback(int port)
{
    pj_sockaddr_in address;

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void transports_start(void)
{
    const pj_sockaddr_in local = loopback(0);
    pjsip_tpmgr *transports = pjsip_endpt_get_tpmgr(lab.endpt);
    pj_status_t status;

    tell_pjsip = pjsip_tpmgr_get_state_cb(transports);
    pjsip_tpmgr_set_state_cb(transports, &on_transport);
    status = pjsip_udp_transport_start(lab.endpt, &local, NULL, 1, &lab.udp);
    if (status == PJ_SUCCESS)
        status = pjsip_tcp_transport_start(lab.endpt, &local, 1, NULL);
    if (status != PJ_SUCCESS)
        lab_die("transports", status);
}

static void connection_open(struct connection *c)
{
    const int before = connected;
    const pj_sockaddr_in to = loopback(lab_port(c->name));
    pj_status_t status;

    status = pjsip_endpt_acquire_transport(lab.endpt, c->type, &to, sizeof(to),
                                           NULL, &c->held);
    if (status != PJ_SUCCESS || !lab_until(&connected, before + 1, CONNECT_MSEC))
        lab_die(c->name, status);
}

/* With no settings: certificates are neither shown nor verified. */
void transports_add_tls(void)
{
#if PJSIP_HAS_TLS_TRANSPORT
    const pj_sockaddr_in local = loopback(0);
    pj_status_t status;

    if (connections[TLS].held)
        return;
    status = pjsip_tls_transport_start(lab.endpt, NULL, &local, NULL, 1, NULL);
    if (status != PJ_SUCCESS)
        lab_die("TLS", status);
    connection_open(&connections[TLS]);
#endif
}

void transports_add_tcp(void)
{
    connection_open(&connections[TCP]);
}

void transports_release(void)
{
    int i;
    for (i = 0; i < CONNECTIONS; ++i)
        if (connections[i].held)
            pjsip_transport_dec_ref(connections[i].held);
}

void lab_reconnect(const char *transport)
{
    struct connection *c = connections;
    while (strcmp(c->name, transport) != 0)
        ++c;
    CHECK(lab_until(&c->closed, 1, SETTLE_MSEC));
    pjsip_transport_dec_ref(c->held);
    c->closed = 0;
    lab_events(200);
    connection_open(c);
}
