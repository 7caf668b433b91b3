/* The sum. */
#include "proofs/codec/bytes.h"

int proof_sum_total(const struct pair *pair);
