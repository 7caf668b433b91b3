/*
 * A second, plain trie for tests: it keeps all entries, encodes the whole trie each time, and shows the nodes on the way to
 * any key. Nothing of proofs/mpt*.c is used, so the two check each other.
 */
#ifndef ISTHMUS_TESTS_UNIT_PROOFS_TRIE_H
#define ISTHMUS_TESTS_UNIT_PROOFS_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

#define TRIE_ENTRIES_MAX 512
#define TRIE_LEVELS_MAX  132
#define TRIE_SPACE       (1 << 20)

struct trie_entry {
    uint8_t nibbles[128];
    size_t len;
    struct bytes value;
};

struct trie {
    struct trie_entry entries[TRIE_ENTRIES_MAX];
    size_t count;
    uint8_t space[TRIE_SPACE]; /* encoded nodes */
    size_t used;
};

/* What trie_prove gives: nodes from the root down. */
struct trie_proof {
    uint8_t root[32];
    struct bytes nodes[TRIE_LEVELS_MAX];
    size_t count;
};

void trie_clear(struct trie *trie);

/* Adds an entry; no key twice, no empty value. The value is borrowed. */
void trie_put(struct trie *trie, struct bytes key, struct bytes value);

/* Root and proof of what the trie says about key. Nodes stay valid until the next call. */
void trie_prove(struct trie_proof *proof, struct trie *trie, struct bytes key);

/* Encoded nodes, for building malformed ones: path nibbles as text of hex digits; items already RLP. */
struct bytes trie_short(uint8_t *out, size_t cap, const char *nibbles, int leaf, struct bytes item);
struct bytes trie_branch(uint8_t *out, size_t cap, const struct bytes items[17]);
/* value as an RLP string. */
struct bytes trie_string(uint8_t *out, size_t cap, struct bytes value);

#endif
