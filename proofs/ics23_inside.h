/*
 * Inside of ICS-23: a proof of which all but the last hashes is checked. So those of two proofs that hang together can be computed side by side, which
 * takes little more time than one alone (proofs/codec/sha256.h).
 */
#ifndef ISTHMUS_PROOFS_ICS23_INSIDE_H
#define ISTHMUS_PROOFS_ICS23_INSIDE_H

#include "proofs/ics23.h"

/* A hash on its way up a path, below step `at`, to stop below step `to`. */
struct ics23_climb {
    const struct ics23_existence *proof;
    size_t at, to;
    uint8_t hash[ICS23_HASH_MAX];
    size_t len; /* 0: an op failed */
};

/* Both to their ends. */
void ics23_climb_two(struct ics23_climb *a, struct ics23_climb *b);
/* It is at its end, and there is the root. */
bool ics23_climb_reached(const struct ics23_climb *climb, const uint8_t root[32]);

struct ics23_claim {
    struct ics23_proof parsed;
    struct ics23_climb last; /* points into parsed; what was claimed is so when it reaches the root */
};

/* Everything that proof_ics23_verify checks, up to that last climb. PROOF_REASON_VALID says nothing yet. */
enum proof_reason ics23_claim_check(size_t *at, struct ics23_claim *claim, const struct proof_ics23_spec *spec,
                                    const uint8_t root[32], struct bytes key, struct bytes proof);

#endif
