/*
 * Proof that validators of a CometBFT chain lied to light clients: two headers that contradict each other, and both follow from one trusted header. No
 * honest chain gives that, so the chain is frozen, whichever of the two is true. CometBFT spec/light-client/attacks; types/evidence.go; PROOFS
 * sections 1.5 and 9.
 *
 * A header that a source shows and that does not verify proves nothing about the chain, only about the source.
 */
#ifndef ISTHMUS_PROOFS_COMETBFT_ATTACK_H
#define ISTHMUS_PROOFS_COMETBFT_ATTACK_H

#include "proofs/cometbft.h"

/* Numbers are part of the serialised trust. */
enum proof_cometbft_attack {
    PROOF_COMETBFT_NO_ATTACK = 0,
    PROOF_COMETBFT_EQUIVOCATION = 1, /* two blocks in one round: whoever signed both is guilty */
    PROOF_COMETBFT_AMNESIA = 2,      /* two blocks in two rounds: somebody forgot what it was locked on */
    PROOF_COMETBFT_LUNATIC = 3, /* fields that follow from the block before differ: one header's state is made up */
    PROOF_COMETBFT_TIME = 4,    /* a later height whose time is not later */
};

struct proof_cometbft_attack_fact {
    enum proof_cometbft_attack attack;
    int64_t height; /* the lower one of the two */
    uint8_t hash_a[32];
    uint8_t hash_b[32];
    int64_t
        both_power; /* equivocation: power whose votes stand in both commits, zero otherwise; of those whose votes made both
                            quorums more than a third of total_power signed both, votes behind them are not verified */
    int64_t total_power; /* of block a's set */
};

/* Do light blocks a and b contradict each other, and do both follow from `common` (each one by proof_cometbft_step_verify, with common_next as its
 * trusted_next)? For a header that contradicts trust->latest, common is trust->before. Refused when both are the same header, when either does not
 * verify, and when they can stand beside each other. result->at: 1000 more for block b. */
enum proof_verdict proof_cometbft_attack_verify(struct proof_result *result, struct proof_cometbft_attack_fact *fact,
                                                struct proof_cometbft_space *space,
                                                const struct proof_cometbft_state *common, struct bytes common_next,
                                                struct cometbft_parts block_a, struct cometbft_parts block_b,
                                                const struct proof_cometbft_options *options);

/* "equivocation", "amnesia", "lunatic", "time" or "none". Static storage. */
const char *proof_cometbft_attack_text(enum proof_cometbft_attack attack);

#endif
