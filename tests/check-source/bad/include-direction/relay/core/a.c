/* A fixture of tests/check-source. */
#include "relay/edge/loop.h" /* BAD */
#include "relay/store/rocksdb.h" /* BAD */
#include "topology/network.h"
