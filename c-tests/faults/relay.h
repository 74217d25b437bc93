/* What the cases of the TURN server share: a peer, and whether the relay works. */
#ifndef FAULTS_RELAY_H
#define FAULTS_RELAY_H

#include "../turn/stand.h"

/* A socket on a port of 127.0.0.1, on any one for 0; `port` gets which. It waits 5 s for a datagram. */
int peer_open(uint16_t *port);

/* Whether a packet of `size` bytes goes from the client's channel to the peer. */
int peer_reached(struct wire *wire, int peer, size_t size);

/* Whether a datagram goes from the peer to the client. */
int client_reached(struct wire *wire, int peer);

void descriptors_run_out(void);
void ports_run_out(void);
void threads_run_out(void);
void closed_ports(void);
void stopped(void);
void forked(void);
void clock_jumps(void);

#endif
