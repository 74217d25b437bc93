/* A TURN server on the application's own loop, which icey has not: see observer/loop.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#include "server.h"

#include "../observer/loop.h"
