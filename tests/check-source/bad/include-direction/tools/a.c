/* A fixture of tests/check-source. */
#include "connectors/evm/b.h" /* BAD */
#include "tests/unit/b.h" /* BAD */
