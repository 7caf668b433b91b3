/* A fixture of tests/check-source. */
#include "proofs/codec/bytes.h"
#include "proofs/mpt.h" /* BAD */
