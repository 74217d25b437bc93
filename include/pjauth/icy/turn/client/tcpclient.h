/* The way to icey's own icy/turn/client/tcpclient.h: pjauth has no TURN client.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma GCC system_header
#if __has_include_next(<icy/turn/client/tcpclient.h>)
#ifdef PJAUTH_ICY_TURN_NAMES_H
#error "pjauth's TURN server is in this source file: include icey's client in another one; a program may have both"
#endif
#ifndef ICY_TURN_CLIENT_IS_ICEYS
#define ICY_TURN_CLIENT_IS_ICEYS
#endif
#include_next <icy/turn/client/tcpclient.h>
#endif
