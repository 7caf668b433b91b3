/*
 * Merkle-Patricia tries of Ethereum (Yellow Paper, appendix D; PROOFS §3): proofs of one key, and roots of whole tries.
 *
 * Proofs are strict: the nodes are given from the root down, as eth_getProof gives them, every node is used exactly once,
 * and every node on the way is canonical. Absence is a positive result of its own, never "not found".
 */
#ifndef ISTHMUS_PROOFS_MPT_H
#define ISTHMUS_PROOFS_MPT_H

#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/proof.h"

/* The longest key of a trie, and so the largest number of proof nodes: one per nibble, and a leaf. */
#define PROOF_MPT_KEY_MAX   64
#define PROOF_MPT_NODES_MAX (2 * PROOF_MPT_KEY_MAX + 1)

/* Zeroed memory says nothing: neither present nor absent. */
enum proof_presence {
    PROOF_UNKNOWN = 0,
    PROOF_PRESENT,
    PROOF_ABSENT,
};

struct proof_mpt_fact {
    enum proof_presence presence;
    struct bytes value; /* when present; borrowed from the node that holds it, never empty */
};

/* The root of a trie without entries: Keccak-256 of the RLP of the empty string. */
extern const uint8_t PROOF_MPT_EMPTY_ROOT[32];

/* What the trie with this root holds under key (1..PROOF_MPT_KEY_MAX bytes, used as it is): a value, or provably nothing.
 * An empty trie is proven by no nodes at all, or by the single node 0x80. result->at is the index of the node. */
enum proof_verdict proof_mpt_verify(struct proof_result *result, struct proof_mpt_fact *fact, const uint8_t root[32],
                                    struct bytes key, const struct bytes *nodes, size_t node_count);

/* The same for a trie whose keys are all 32 bytes (accounts, storage: the caller gives the hashed key). A leaf or branch
 * value at any other depth is refused. */
enum proof_verdict proof_mpt_verify_secure(struct proof_result *result, struct proof_mpt_fact *fact,
                                           const uint8_t root[32], const uint8_t key[32], const struct bytes *nodes,
                                           size_t node_count);

/* One entry of a whole trie. */
struct proof_mpt_entry {
    struct bytes key;
    struct bytes value;
};

/* Where the builder takes its entries from, so that they need not lie in one array: at(context, i) fills entry i < count
 * in ascending order of keys. Key bytes may point into scratch, which is the caller's until the next call of at. Value bytes
 * must stay until the builder returns. */
struct proof_mpt_source {
    void (*at)(struct proof_mpt_entry *out, uint8_t scratch[PROOF_MPT_KEY_MAX], const void *context, size_t index);
    const void *context;
    size_t count;
};

/* The root of the trie that holds exactly these entries. Keys are 1..PROOF_MPT_KEY_MAX bytes, strictly ascending; values are
 * not empty. Stack use is bounded by the key length (12 KiB, and about 2 KiB for each nibble shared by two keys); leaves are
 * hashed side by side, 64 at a time. result->at is the index of the entry. */
enum proof_verdict proof_mpt_root(struct proof_result *result, uint8_t root[32], const struct proof_mpt_source *source);

#endif
