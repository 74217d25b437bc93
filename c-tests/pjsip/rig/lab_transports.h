/* What lab.c needs of lab_transports.c. Where one of these fails the program ends. */
#ifndef PJAUTH_TESTS_LAB_TRANSPORTS_H
#define PJAUTH_TESTS_LAB_TRANSPORTS_H

#include "lab.h"

/* UDP, which is lab.udp, and TCP, listening on loopback. */
void transports_start(void);

/* Connections to the registrar, held until they are released; TLS once. */
void transports_add_tcp(void);
void transports_add_tls(void);
void transports_release(void);

#endif
