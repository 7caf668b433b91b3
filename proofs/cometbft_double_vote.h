/*
 * Proof that one validator of a CometBFT chain voted twice in one step: types.DuplicateVoteEvidence, verified as evidence.VerifyDuplicateVote does.
 *
 * It says who broke the rules, not that the chain is broken: one liar with less than a third of the power forks nothing, and his chain punishes him. So it is
 * to be shown and kept, and freezes nothing: two conflicting commits do (proofs/cometbft_attack.h), and a fact of this file is not one of
 * those.
 */
#ifndef ISTHMUS_PROOFS_COMETBFT_DOUBLE_VOTE_H
#define ISTHMUS_PROOFS_COMETBFT_DOUBLE_VOTE_H

#include "proofs/cometbft.h"

struct proof_cometbft_double_vote_fact {
    int64_t height;
    int32_t round;
    enum cometbft_vote_type type;
    uint8_t address[COMETBFT_ADDRESS_BYTES];
    int64_t power; /* of total_power */
    int64_t total_power;
    uint8_t hash_a[32]; /* of the blocks that were voted for; zero: for nil */
    uint8_t hash_b[32];
};

/* Did the validator that the evidence names sign two different votes of one type, height and round? `at` is the trusted header of that
 * height (proof_cometbft_parent_verify leads back to it), `validators` the set whose hash is at->validators_hash (protobuf tendermint.types.ValidatorSet),
 * evidence one tendermint.types.DuplicateVoteEvidence. Both signatures are verified, under the trusted chain id; powers and time must be those of
 * the set and the header. Refused when the trusting period of `at` is over: keys that stake no longer backs sign anything.
 *
 * Not signed by a vote, and so not proven: its extension, which is read and otherwise not looked at. Stricter than CometBFT: the index of
 * the votes must be the validator's.
 *
 * result->at: 0 or 1 for vote a or b; the index of a validator, where the set is refused. Allocates nothing. */
enum proof_verdict proof_cometbft_double_vote_verify(struct proof_result *result,
                                                     struct proof_cometbft_double_vote_fact *fact,
                                                     struct proof_cometbft_space *space,
                                                     const struct proof_cometbft_state *at, struct bytes validators,
                                                     struct bytes evidence,
                                                     const struct proof_cometbft_options *options);

#endif
