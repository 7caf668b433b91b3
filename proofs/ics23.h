/*
 * ICS-23: what a Merkle tree of a Cosmos chain holds under a key, or that it holds nothing. PROOFS section 2; cosmos/ics23 0.11.
 *
 * What a tree looks like (the spec) is the client's knowledge and never taken from a proof: every op of a proof must be one that the spec
 * allows. Only binary trees are spoken, which all Cosmos trees are.
 */
#ifndef ISTHMUS_PROOFS_ICS23_H
#define ISTHMUS_PROOFS_ICS23_H

#include "proofs/codec/ics23.h"
#include "proofs/mpt.h"
#include "proofs/proof.h"

/* Rules beyond the generic ones, which only one tree has. */
enum proof_ics23_tree {
    PROOF_ICS23_GENERIC = 0,
    PROOF_ICS23_TREE_IAVL, /* inner prefixes are varints of height, size, version and the lengths of the children */
    PROOF_ICS23_TREE_TENDERMINT, /* inner prefixes begin with 0x01 */
};

struct proof_ics23_spec {
    struct ics23_leaf leaf; /* prefix: what the leaf's prefix must begin with */
    uint32_t inner_hash;
    size_t child_size;
    size_t prefix_min; /* of an inner node, without children */
    size_t prefix_max; /* < prefix_min + child_size, or two nodes could be read two ways */
    struct bytes empty_child;
    size_t depth_min;
    size_t depth_max;  /* 0: 128 */
    bool hashed_order; /* keys stand in the order of their prehash */
    enum proof_ics23_tree tree;
};

/* The trees of the Cosmos SDK's stores, of CometBFT's simple maps (multistore), and the sparse Merkle tree. */
extern const struct proof_ics23_spec PROOF_ICS23_IAVL;
extern const struct proof_ics23_spec PROOF_ICS23_TENDERMINT;
extern const struct proof_ics23_spec PROOF_ICS23_SMT;

/* Bound to its question. Key and value are views: key is the caller's, value points into the proof. */
struct proof_ics23_fact {
    enum proof_presence presence;
    uint8_t root[32];
    struct bytes key;
    struct bytes value; /* empty when absent; values are never empty */
};

/* What the tree with this root holds under key, by one CommitmentProof (protobuf). Refuses an all-zero root, an empty key, specs that
 * are not sound, batch and compressed proofs, and a NonExistenceProof that names another key (which upstream does not look at).
 * result->at: 0 for the leaf, n for the n-th inner op from the leaf; for an absence 1000 more in the right neighbour. */
enum proof_verdict proof_ics23_verify(struct proof_result *result, struct proof_ics23_fact *fact,
                                      const struct proof_ics23_spec *spec, const uint8_t root[32], struct bytes key,
                                      struct bytes proof);

/* Does an existence proof have the shape that spec demands? PROOF_REASON_VALID, or why not and at which op. Says nothing about
 * roots; for tests and those who look into proofs. */
enum proof_reason proof_ics23_shape(size_t *at, const struct proof_ics23_spec *spec,
                                    const struct ics23_existence *proof);

#endif
