/* The PJSIP that the demo runs in, and which pjauth it runs with. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <pjlib.h>
#include <pjlib-util.h>
#include <pjsip.h>
#include <pjsip_ua.h>

extern pjsip_endpoint *endpt;

/* Prints which pjauth this is and where it comes from. */
void introduce(void);

/* Makes PJLIB and an endpoint with a UDP transport on loopback, or ends the program.
 * The calling thread is the SIP thread. */
void endpoint_open(void);

/* Waits for PJSIP to finish what it has begun, and takes everything down. */
void endpoint_close(void);

/* Serves PJSIP until the flag is raised or `msec` have passed, and shows in the
 * timeline that it does. `flag` may be NULL. Returns how often it showed it. */
int serve(const int *flag, long msec);

/* Adds one to a flag that serve() or wait_for() waits for, from any thread. */
void raise_flag(int *flag);

/* Waits until the flag is raised or `msec` have passed, on a thread other than the
 * SIP thread. */
void wait_for(const int *flag, long msec);

#endif
