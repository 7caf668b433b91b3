/* A fixture of tests/check-source. */
#include "connectors/evm/rpc.h" /* BAD */
#include "tools/isthmus/cli.h" /* BAD */
