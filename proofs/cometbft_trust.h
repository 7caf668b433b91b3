/*
 * What a light client remembers: one trusted header, the one before it, and whether the chain was caught lying. Flat, versioned, and it only
 * moves forward: height and time grow with every change, a stored header is never replaced by another of its height, and frozen stays frozen.
 *
 * Nobody trusts a first header by itself: an operator gives its height and hash (proof_cometbft_trust_begin).
 */
#ifndef ISTHMUS_PROOFS_COMETBFT_TRUST_H
#define ISTHMUS_PROOFS_COMETBFT_TRUST_H

#include "proofs/cometbft.h"
#include "proofs/cometbft_attack.h"

struct proof_cometbft_trust {
    uint64_t changes; /* counts every change: of two copies the one with more is the later */
    struct proof_cometbft_state latest;
    struct proof_cometbft_state before; /* from which latest was verified; height 0 at the beginning */
    enum proof_cometbft_attack attack;  /* what froze it, PROOF_COMETBFT_NO_ATTACK while it is not frozen */
    int64_t attack_height;
};

/* Longest serialised trust. */
enum {
    PROOF_COMETBFT_TRUST_BYTES_MAX =
        1 + 8 + 1 + COMETBFT_CHAIN_ID_MAX + 1 + 8 + 2 * (8 + 8 + 4 + 5 * 32 + 2 + COMETBFT_APP_HASH_MAX)
};

/* The first header, by proof_cometbft_first_verify. *trust is overwritten on PROOF_VALID only, and then starts anew: thawing a frozen chain, or
 * joining one again whose trusting period is over, is an operator's act. */
enum proof_verdict proof_cometbft_trust_begin(struct proof_result *result, struct proof_cometbft_trust *trust,
                                              struct proof_cometbft_space *space, struct bytes chain_id, int64_t height,
                                              const uint8_t hash[32], struct cometbft_parts block_in,
                                              const struct proof_cometbft_options *options);

/* One step forward, by proof_cometbft_step_verify from trust->latest; *trust is changed on PROOF_VALID only. Refused while frozen. */
enum proof_verdict proof_cometbft_trust_advance(struct proof_result *result, struct proof_cometbft_trust *trust,
                                                struct proof_cometbft_space *space, struct bytes trusted_next,
                                                struct cometbft_parts block_in,
                                                const struct proof_cometbft_options *options);

/* Freezes for an attack that proof_cometbft_attack_verify proved; the first one stays. */
void proof_cometbft_trust_freeze(struct proof_cometbft_trust *trust, const struct proof_cometbft_attack_fact *attack);

/* Writes trust (docs/light-client-cometbft.md has the layout); the writer's failed says whether it fitted. */
void proof_cometbft_trust_write(struct codec_writer *writer, const struct proof_cometbft_trust *trust);
/* Reads what write wrote, all of `in` and nothing else: known version, numbers in range, latest above before. False, and zeroed,
 * otherwise. */
bool proof_cometbft_trust_read(struct proof_cometbft_trust *trust, struct bytes in);

/* The way from a trust to a height that may be far: which light block to ask for next. Each block asked for comes with the set
 * of height trust->latest.height + 1, in case it is not adjacent. Where too little of that set signed, a height halfway is asked
 * for, and afterwards the target again; so about log2(distance) blocks for each change of a third of the set. */
struct proof_cometbft_bisect {
    int64_t target;
    int64_t want; /* height of the light block to be given next; 0: the target is trusted */
};

/* False when target is not above what is trusted, or trust is frozen. */
bool proof_cometbft_bisect_begin(struct proof_cometbft_bisect *bisect, const struct proof_cometbft_trust *trust,
                                 int64_t target);
/* Takes the light block of height bisect->want. PROOF_VALID: trust moved there, want is the next one. PROOF_NOT_ENOUGH_TRUST: want is now a
 * lower height. PROOF_INVALID: nothing changed; ask another source. */
enum proof_verdict proof_cometbft_bisect_give(struct proof_result *result, struct proof_cometbft_bisect *bisect,
                                              struct proof_cometbft_trust *trust, struct proof_cometbft_space *space,
                                              struct bytes trusted_next, struct cometbft_parts block_in,
                                              const struct proof_cometbft_options *options);

#endif
