/* A fixture of tests/check-source. */
#include "proofs/proof.h"
#include "relay/core/lane.h" /* BAD */
