/* A fixture of tests/check-source. */
#include "connectors/evm/b.h"
#include "connectors/fabric/b.h" /* BAD */
#include "proofs/mpt.h" /* BAD */
