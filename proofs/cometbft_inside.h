/*
 * Inside of the CometBFT light client: its working memory, and what its files give each other.
 */
#ifndef ISTHMUS_PROOFS_COMETBFT_INSIDE_H
#define ISTHMUS_PROOFS_COMETBFT_INSIDE_H

#include "proofs/codec/ed25519.h"
#include "proofs/cometbft.h"

/* How many signatures are verified in one call; so many expanded keys are held fast at once. */
enum { COMETBFT_BATCH = 64 };

struct cometbft_key_store; /* expanded keys: cometbft_keys.c */

struct proof_cometbft_space {
    struct cometbft_room room;    /* for the block */
    struct cometbft_room trusted; /* for the trusted next set */
    uint8_t (*hashes)[32];        /* leaves of a tree, cap of them */
    uint32_t *order;              /* indices of the trusted set, or of the block's, by address; cap of them */
    uint32_t *order_spare;
    bool *wanted; /* votes whose signature is to be verified */
    bool *seen;   /* entries of the trusted set that voted */
    struct cometbft_key_store *keys;
    struct codec_ed25519_job jobs[COMETBFT_BATCH];
    uint32_t job_votes[COMETBFT_BATCH];
    uint8_t messages[COMETBFT_BATCH][COMETBFT_SIGN_BYTES_MAX];
};

struct cometbft_key_store *cometbft_keys_new(size_t count);
void cometbft_keys_free(struct cometbft_key_store *store);
/* Sets keys[i] to the expanded key of encoded[i] for i < count <= COMETBFT_BATCH; all stay valid until the next call. */
void cometbft_keys_find(const struct codec_ed25519_key **keys, struct cometbft_key_store *store,
                        const uint8_t *const *encoded, size_t count);

/* Root of a simple Merkle tree over leaf hashes, which are overwritten; of none: the hash of nothing. */
void cometbft_merkle_root(uint8_t root[32], uint8_t (*hashes)[32], size_t count);
/* SHA256(0x00 || leaf) and SHA256(0x01 || left || right). */
void cometbft_merkle_leaf(uint8_t hash[32], struct bytes leaf);
void cometbft_merkle_inner(uint8_t hash[32], const uint8_t left[32], const uint8_t right[32]);

/* The meaning of a validator set: PROOF_REASON_VALID with its total, or why not and at which entry. Leaves space->order as the entries by
 * address. */
enum proof_reason cometbft_validators_check(size_t *at, int64_t *total, struct proof_cometbft_space *space,
                                            const struct cometbft_validators *set);
/* The index of the entry with this address in a list whose space->order is fresh, or len. */
size_t cometbft_validators_find(const struct proof_cometbft_space *space, const struct cometbft_validator *list,
                                size_t len, const uint8_t address[COMETBFT_ADDRESS_BYTES]);

enum proof_reason cometbft_header_check(const struct cometbft_header *header, struct bytes chain_id);
enum proof_reason cometbft_commit_check(size_t *at, const struct cometbft_commit *commit);
enum proof_reason cometbft_options_check(const struct proof_cometbft_options *options);
/* What was said at this time is believed no longer. */
bool cometbft_expired(struct cometbft_time time, const struct proof_cometbft_options *options);
/* Reads a set that is known by its hash, and checks its meaning: COMETBFT_TRUSTED_SET when it is another. Leaves space->order as above. */
enum proof_reason cometbft_set_read(size_t *at, struct cometbft_validators *set, int64_t *total,
                                    struct proof_cometbft_space *space, const uint8_t hash[32], struct bytes in);

/* Marks in space->wanted the votes to verify until more than two thirds of the block's set have signed. */
enum proof_reason cometbft_commit_tally(size_t *at, struct proof_cometbft_space *space,
                                        const struct proof_cometbft_block *block, bool every_signature);
/* The same for a trust level of the trusted set (whose order is in space->order): COMETBFT_TOO_LITTLE_TRUST when it is missed. */
enum proof_reason cometbft_trust_tally(size_t *at, struct proof_cometbft_space *space,
                                       const struct proof_cometbft_block *block,
                                       const struct cometbft_validators *trusted, int64_t trusted_total,
                                       const struct proof_cometbft_options *options);
/* Verifies the marked votes, each once. */
enum proof_reason cometbft_signatures_check(size_t *at, struct proof_cometbft_space *space,
                                            const struct proof_cometbft_block *block);

/* One signature (of any size) by a key of a kind that is verified. */
bool cometbft_signature_check(const struct cometbft_validator *validator, struct bytes message, struct bytes signature);

/* What is kept of a header. */
void cometbft_state_of(struct proof_cometbft_state *out, const struct cometbft_header *header, const uint8_t hash[32]);

#endif
