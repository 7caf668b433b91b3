/* A fixture of tests/check-source. */
#include <cmocka.h>
#include <event2/event.h>
#include <time.h>

#include "connectors/evm/rpc.h"
#include "relay/core/lane.c"
