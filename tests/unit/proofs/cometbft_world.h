/*
 * A small CometBFT chain made up by a test: validators whose keys are known, and light blocks as a chain of them would sign.
 */
#ifndef ISTHMUS_TESTS_UNIT_PROOFS_COMETBFT_WORLD_H
#define ISTHMUS_TESTS_UNIT_PROOFS_COMETBFT_WORLD_H

#include "proofs/cometbft.h"

/* More validators than are verified in one batch. Keys from WORLD_SECP256K1 on are of that kind, the others Ed25519. */
enum { WORLD_SET_MAX = 70, WORLD_SET_BYTES = 6144, WORLD_BLOCK_BYTES = 24576, WORLD_SECP256K1 = 200 };

/* Validator i of the world, with its power. */
struct world_member {
    size_t key;
    int64_t power;
};

/* Validators 0, 1, … with these powers. */
void world_members(struct world_member *members, const int64_t *powers, size_t len);

struct world_set {
    struct cometbft_validators validators; /* sorted; views into the arrays below */
    struct cometbft_validator list[WORLD_SET_MAX];
    size_t keys[WORLD_SET_MAX]; /* whose key stands at an index */
    uint8_t public_keys[WORLD_SET_MAX][COMETBFT_SECP256K1_KEY_BYTES];
    uint8_t addresses[WORLD_SET_MAX][20];
    uint8_t hash[32];
    uint8_t bytes[WORLD_SET_BYTES];
    size_t bytes_len;
};

void world_set_make(struct world_set *set, struct proof_cometbft_space *space, const struct world_member *members,
                    size_t len);
struct bytes world_set_bytes(const struct world_set *set);

/* A light block and all that it points to. Change what is to be wrong after make, then sign (if signatures are to fit) and write. */
struct world_block {
    struct cometbft_light_block light;
    struct cometbft_vote votes[WORLD_SET_MAX];
    uint8_t signatures[WORLD_SET_MAX][64];
    uint8_t hash[32];
    uint8_t app_hash[32];
    const struct world_set *set;
    uint8_t bytes[WORLD_BLOCK_BYTES];
};

/* The block of a height: set signs it all together, next is announced, time is 1000 s a height. flags[i]: how the validator at index i of the
 * set votes (enum cometbft_flag); NULL: all commit. */
void world_block_make(struct world_block *block, const struct world_set *set, const struct world_set *next,
                      int64_t height, const uint8_t *flags);
/* Signs as key number `key`. */
void world_sign(uint8_t signature[64], size_t key, struct bytes message);
/* Computes the header hash, puts it into the commit, and signs all votes that are not absent. */
void world_block_sign(struct world_block *block);
/* Signs vote `index` as the chain `chain_id`. */
void world_vote_sign(struct world_block *block, size_t index, struct bytes chain_id);
/* The light block's bytes, in parts; valid until written again. */
struct cometbft_parts world_block_parts(struct world_block *block);

/* What a client that trusts the block keeps. */
struct proof_cometbft_state world_state(const struct world_block *block);

/* A clock at `height`, a trusting period of 100 heights, 10 s of drift. */
struct proof_cometbft_options world_options(int64_t height, uint32_t numerator, uint32_t denominator);

extern const struct bytes WORLD_CHAIN;

#endif
