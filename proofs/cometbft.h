/*
 * The CometBFT light client: which headers follow from a header that is trusted, by the signatures of its validators alone.
 * PROOFS section 1; CometBFT spec/light-client/verification, types/{block,validation,validator_set}.go and light/verifier.go of 0.38.
 *
 * A light block (protobuf: header, commit, validator set) is untrusted bytes, in three parts. proof_cometbft_block_read turns it
 * into a checked block: well formed and consistent with itself, still believed by nobody. proof_cometbft_step_verify says whether it
 * follows from a trusted state, and if so gives the state to trust after it.
 *
 * Time, period, drift and trust level are arguments. All working memory is in one space, which the caller makes once; verifying
 * allocates nothing. A space serves one call at a time.
 */
#ifndef ISTHMUS_PROOFS_COMETBFT_H
#define ISTHMUS_PROOFS_COMETBFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/cometbft.h"
#include "proofs/proof.h"

/* types.MaxTotalVotingPower */
#define PROOF_COMETBFT_POWER_MAX (INT64_MAX / 8)

/* Working memory for sets of up to `validators` (1..COMETBFT_VALIDATORS_MAX) and `keys` expanded keys (16 KiB each; below the number of
 * validators that sign it still works, slower; 0 takes as many as validators, at most 512). NULL when there is no memory. */
struct proof_cometbft_space;
struct proof_cometbft_space *proof_cometbft_space_new(size_t validators, size_t keys);
void proof_cometbft_space_free(struct proof_cometbft_space *space);

/* A light block that was read: basic validation passed and its hashes are computed. Views point into its bytes and into the space, so it
 * lives until the next block is read into that space. */
struct proof_cometbft_block {
    struct cometbft_light_block light;
    uint8_t hash[32]; /* of the header; equals commit.block_id.hash */
    int64_t total_power;
};

/* Reads and checks everything about a light block that needs no trust: bounds, types, then Header, Commit and ValidatorSet.ValidateBasic,
 * chain id, header hash against the commit, validator set hash against the header, addresses against keys. Stricter than CometBFT: one encoding, sets in
 * their order, no power of zero, no validator twice. The proposer of the set, where given, must be in it. result->at: index of the
 * vote or validator. */
enum proof_verdict proof_cometbft_block_read(struct proof_result *result, struct proof_cometbft_block *block,
                                             struct proof_cometbft_space *space, struct bytes chain_id,
                                             struct cometbft_parts block_in);

/* A header that is trusted, as far as the light client needs it afterwards. Flat: may be copied, compared by hash and kept. */
struct proof_cometbft_state {
    uint8_t chain_id[COMETBFT_CHAIN_ID_MAX];
    uint8_t chain_id_len;
    int64_t height;
    struct cometbft_time time;
    uint8_t hash[32];
    uint8_t validators_hash[32];
    uint8_t next_validators_hash[32];
    uint8_t last_block_hash[32]; /* zero at a chain's first height */
    uint8_t data_hash[32];       /* root of the block's transactions; zero when the header has none */
    uint8_t app_hash[COMETBFT_APP_HASH_MAX];
    uint16_t app_hash_len;
};

struct proof_cometbft_options {
    struct cometbft_time now; /* of a clock that the caller trusts */
    int64_t trusting_period;  /* nanoseconds, > 0; below the chain's unbonding period */
    int64_t clock_drift;      /* nanoseconds, >= 0 */
    uint32_t trust_numerator; /* trust level: 1/3 <= numerator/denominator <= 1 */
    uint32_t trust_denominator;
    bool
        every_signature; /* verify all signatures, those for nil too; otherwise, as CometBFT's light client does, in the order of
                             the commit until enough power has signed: what comes after is not looked at */
};

/* Does the light block follow from trusted? Adjacent (height + 1): its set must be the announced one. Otherwise trusted_next, the set
 * whose hash is trusted->next_validators_hash (protobuf tendermint.types.ValidatorSet; not looked at when adjacent), must have signed with more
 * than the trust level. In both cases more than two thirds of its own set must have signed. No signature is verified twice.
 * PROOF_NOT_ENOUGH_TRUST: only the trust level was missed, a height in between may help. fact is zeroed unless PROOF_VALID. result->at:
 * index of the vote or validator; for too little power the percentage that signed. */
enum proof_verdict proof_cometbft_step_verify(struct proof_result *result, struct proof_cometbft_state *fact,
                                              struct proof_cometbft_space *space,
                                              const struct proof_cometbft_state *trusted, struct bytes trusted_next,
                                              struct cometbft_parts block_in,
                                              const struct proof_cometbft_options *options);

/* The first trust: the light block at `height` whose header has the hash that an operator gave; more than two thirds of its own set must
 * have signed, and it must neither be expired nor from the future. Refuses an all-zero hash. */
enum proof_verdict proof_cometbft_first_verify(struct proof_result *result, struct proof_cometbft_state *fact,
                                               struct proof_cometbft_space *space, struct bytes chain_id,
                                               int64_t height, const uint8_t hash[32], struct cometbft_parts block_in,
                                               const struct proof_cometbft_options *options);

/* The set that a trusted header announces for the next height: what the next step needs as trusted_next, so whoever keeps the state keeps this
 * beside it. PROOF_VALID when its hash is state->next_validators_hash. result->at: index of the validator. */
enum proof_verdict proof_cometbft_next_verify(struct proof_result *result, struct proof_cometbft_space *space,
                                              const struct proof_cometbft_state *state, struct bytes next_validators);

/* Backwards: the header (protobuf tendermint.types.Header) whose hash the trusted header names as its parent's. Needs no signature and no
 * clock: the link is a hash. */
enum proof_verdict proof_cometbft_parent_verify(struct proof_result *result, struct proof_cometbft_state *fact,
                                                const struct proof_cometbft_state *trusted, struct bytes header);

/* The hash of a header: the root over its 14 fields. False when validators_hash is empty, as such a header has none. */
bool proof_cometbft_header_hash(uint8_t hash[32], const struct cometbft_header *header);

/* The hash of a validator set in the order of the list; priorities and proposer are not in it. space gives the memory. */
void proof_cometbft_validators_hash(uint8_t hash[32], struct proof_cometbft_space *space,
                                    const struct cometbft_validator *list, size_t len);

/* What is kept of a header that the caller trusts without proof (an operator gave it whole). False, and zeroed, when it is of another chain or has no
 * hash, no height or no next set. */
bool proof_cometbft_state_from(struct proof_cometbft_state *state, struct bytes chain_id,
                               const struct cometbft_header *header);

/* The address of a key: SHA-256's first 20 bytes for ed25519, RIPEMD-160 of SHA-256 for secp256k1. False for kinds that are not verified. */
bool proof_cometbft_address(uint8_t address[COMETBFT_ADDRESS_BYTES], enum cometbft_key kind, struct bytes key);

/* floor(total * numerator / denominator), exact; 0 <= total <= PROOF_COMETBFT_POWER_MAX, numerator <= denominator. */
int64_t proof_cometbft_share(int64_t total, uint32_t numerator, uint32_t denominator);

#endif
