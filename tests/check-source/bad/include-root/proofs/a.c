/* A fixture of tests/check-source. */
#include "mpt.h" /* BAD */
#include "../proofs/mpt.h" /* BAD */
#include "proofs/mpt.c" /* BAD */
