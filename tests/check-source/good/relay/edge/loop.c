/* A fixture of tests/check-source. */
#include <event2/event.h>

#include "relay/core/core.h"
#include "relay/store/store.h"

static int signals_seen;
