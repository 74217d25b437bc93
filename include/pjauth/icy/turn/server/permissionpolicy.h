/* icey's icy/turn/server/permissionpolicy.h, from pjauth: see observer/server.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

// No include guard: in a source file that has icey's TURN client the same line must reach icey's own header.
#pragma GCC system_header
#ifdef ICY_TURN_CLIENT_IS_ICEYS
#include_next <icy/turn/server/permissionpolicy.h>
#else
#include "../observer/server.h"
#endif
