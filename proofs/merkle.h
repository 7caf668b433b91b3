/*
 * The signed tree (docs/formats.md §5): membership only. Children of a node are hashed lower one first; a level pairs its
 * elements from the left and an odd one goes up as it is; a leaf alone is its own root.
 */
#ifndef ISTHMUS_PROOFS_MERKLE_H
#define ISTHMUS_PROOFS_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/proof.h"
#include "proofs/suite.h"

#define PROOF_PATH_MAX        16 /* siblings */
#define PROOF_TREE_LEAVES_MAX 65536

/* A path that its owner keeps. */
struct proof_path {
    uint8_t siblings[PROOF_PATH_MAX][32];
    size_t count;
};

/* node = H(tag, lower child || higher child). */
void proof_merkle_node(uint8_t out[32], enum proof_suite suite, const uint8_t a[32], const uint8_t b[32]);

/* The root over leaves[0..count), 1 <= count <= PROOF_TREE_LEAVES_MAX. The leaves are overwritten: they are the scratch
 * space, and nothing is allocated. False, and root zeroed, when count is out of range. */
bool proof_merkle_root(uint8_t root[32], enum proof_suite suite, uint8_t (*leaves)[32], size_t count);

/* The path of leaves[index]; the leaves are overwritten as above. False when count or index is out of range. */
bool proof_merkle_path(struct proof_path *path, enum proof_suite suite, uint8_t (*leaves)[32], size_t count,
                       size_t index);

/* Walks up from leaf; path holds 0..16 siblings of 32 bytes. Refuses a path of another length, an unset root or leaf
 * (MERKLE_PATH, TRUST_UNSET), and a root that does not come out (MERKLE_ROOT). */
enum proof_verdict proof_merkle_verify(enum proof_suite suite, const uint8_t root[32], const uint8_t leaf[32],
                                       struct bytes path, struct proof_result *result);

#endif
