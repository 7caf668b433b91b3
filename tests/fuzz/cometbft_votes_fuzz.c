/*
 * Evidence of double votes. An input is: length of the set (u16, big-endian), the set, the evidence. The trusted header is made to fit both, so that
 * only what is signed can be wrong. What is read can be written back byte for byte; what is accepted says what its votes say, is refused the other way round, on
 * another chain and once the trusting period is over.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/cometbft_double_vote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALIDATORS = 64 };

static struct proof_cometbft_space *space;
static struct cometbft_validator list[VALIDATORS];

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static struct bytes written(uint8_t *out, size_t cap, const struct cometbft_double_vote *votes)
{
    struct codec_writer writer;
    codec_writer_init(&writer, out, cap);
    cometbft_double_vote_write(&writer, votes);
    return codec_writer_bytes(&writer);
}

/* The header that would be trusted if set and evidence were of one chain. */
static struct proof_cometbft_state fitting(const struct cometbft_validators *set,
                                           const struct cometbft_double_vote *votes)
{
    struct proof_cometbft_state state = {
        .chain_id = "kv-four-1", .chain_id_len = 9, .height = votes->a.height, .time = votes->time};
    proof_cometbft_validators_hash(state.validators_hash, space, set->list, set->len);
    return state;
}

static bool accepted(struct proof_cometbft_double_vote_fact *fact, const struct proof_cometbft_state *state,
                     struct bytes set, struct bytes evidence, struct cometbft_time now)
{
    const struct proof_cometbft_options options = {
        .now = now, .trusting_period = 1000, .trust_numerator = 1, .trust_denominator = 3};
    static const struct proof_cometbft_double_vote_fact nothing;
    struct proof_result result;
    bool valid = proof_cometbft_double_vote_verify(&result, fact, space, state, set, evidence, &options) == PROOF_VALID;
    require(valid ? result.reason == PROOF_REASON_VALID : result.reason > PROOF_REASON_VALID);
    require(valid || memcmp(fact, &nothing, sizeof *fact) == 0);
    return valid;
}

static void check_accepted(struct cometbft_double_vote votes, struct proof_cometbft_state state, struct bytes set,
                           struct bytes evidence, uint8_t *out, const struct proof_cometbft_double_vote_fact *fact)
{
    const struct cometbft_single_vote a = votes.a;
    struct proof_cometbft_double_vote_fact none;
    require(fact->height == a.height && fact->power == votes.power && fact->total_power == votes.total_power);
    require(fact->power > 0 && fact->power <= fact->total_power);
    require(!cometbft_block_id_equal(&a.block_id, &votes.b.block_id));
    require(!accepted(&none, &state, set, evidence, cometbft_time_add(state.time, 1000)));
    votes.a = votes.b;
    votes.b = a;
    require(!accepted(&none, &state, set, written(out, evidence.len, &votes), state.time));
    state.chain_id[0] ^= 1;
    require(!accepted(&none, &state, set, evidence, state.time));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct codec_reader reader;
    struct cometbft_validators set;
    struct cometbft_double_vote votes;
    struct proof_cometbft_double_vote_fact fact;
    if (!space)
        space = proof_cometbft_space_new(VALIDATORS, 0);
    if (!space)
        abort();
    codec_reader_init(&reader, (struct bytes){data, size});
    struct bytes set_in = codec_read_bytes(&reader, codec_read_u16(&reader));
    struct bytes evidence = codec_read_bytes(&reader, codec_reader_left(&reader));
    if (reader.failed ||
        !cometbft_validators_read(&set, (struct cometbft_room){.validators = list, .cap = VALIDATORS}, set_in) ||
        !cometbft_double_vote_read(&votes, evidence))
        return 0;
    uint8_t *out = malloc(evidence.len + 1);
    if (!out)
        return 0;
    require(codec_bytes_equal(written(out, evidence.len, &votes), evidence));
    struct proof_cometbft_state state = fitting(&set, &votes);
    if (accepted(&fact, &state, set_in, evidence, state.time))
        check_accepted(votes, state, set_in, evidence, out, &fact);
    free(out);
    return 0;
}
