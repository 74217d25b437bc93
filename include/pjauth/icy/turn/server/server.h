/* icey's icy/turn/server/server.h, from pjauth: see observer/server.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#pragma GCC system_header
#if defined(ICY_TURN_CLIENT_IS_ICEYS) || defined(TURN_API)
#error "icey's own TURN headers are in this source file: include pjauth's server in another one; a program may have both"
#else
#include "../observer/server.h"
#endif
