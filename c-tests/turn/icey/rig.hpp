// What tests of servers of icey's kind have in common: options for one at loopback, and a client.
#pragma once

#include "../check.hpp"
#include "icy/turn/server/loopserver.h"

extern "C" {
#include "../wire.h"
}

inline icy::turn::ServerOptions options()
{
    icy::turn::ServerOptions options;
    options.listenAddr = {"127.0.0.1", 0};
    options.realm = "example.org";
    options.workers = 1;
    return options;
}
