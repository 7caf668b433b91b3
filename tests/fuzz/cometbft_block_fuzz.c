/*
 * Light blocks (header, commit, set). What is read can be written back byte for byte; what is accepted as consistent has the hash that its commit
 * names; and no step from an unrelated trusted header is ever taken.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/cometbft.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALIDATORS = 200 };

static struct cometbft_vote votes[VALIDATORS];
static struct cometbft_validator validators[VALIDATORS];

static void check_written(const struct cometbft_light_block *light, struct cometbft_parts parts)
{
    size_t cap = parts.header.len + parts.commit.len + parts.validators.len + 64;
    uint8_t *out = malloc(cap);
    struct codec_writer writer;
    if (!out)
        return;
    codec_writer_init(&writer, out, cap);
    cometbft_header_write(&writer, &light->header);
    if (!codec_bytes_equal(codec_writer_bytes(&writer), parts.header))
        __builtin_trap();
    codec_writer_init(&writer, out, cap);
    cometbft_commit_write(&writer, &light->commit);
    if (!codec_bytes_equal(codec_writer_bytes(&writer), parts.commit))
        __builtin_trap();
    codec_writer_init(&writer, out, cap);
    cometbft_validators_write(&writer, &light->validators);
    /* a total power that was sent along is not written again */
    struct bytes set = codec_writer_bytes(&writer);
    if (set.len > parts.validators.len || (set.len > 0 && memcmp(set.data, parts.validators.data, set.len) != 0))
        __builtin_trap();
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct proof_cometbft_space *space;
    struct cometbft_light_block light;
    struct proof_cometbft_block block;
    struct proof_cometbft_state fact, trusted = {.height = 1, .time = {1, 0}};
    struct proof_result result;
    struct cometbft_parts parts = cometbft_parts_of((struct bytes){data, size});
    if (!space)
        space = proof_cometbft_space_new(VALIDATORS, 0);
    if (!space)
        abort();
    if (!cometbft_parts_read(&light, (struct cometbft_room){votes, validators, VALIDATORS}, parts))
        return 0;
    check_written(&light, parts);
    if (light.header.chain_id.len == 0)
        return 0;
    if (proof_cometbft_block_read(&result, &block, space, light.header.chain_id, parts) == PROOF_VALID) {
        if (!codec_bytes_equal(block.light.commit.block_id.hash, BYTES_OF(block.hash)) || block.total_power <= 0)
            __builtin_trap();
    } else if (result.reason <= PROOF_REASON_VALID) {
        __builtin_trap();
    }
    /* nothing signed can follow from a header that nobody made */
    memcpy(trusted.chain_id, light.header.chain_id.data, light.header.chain_id.len);
    trusted.chain_id_len = (uint8_t)light.header.chain_id.len;
    trusted.hash[0] = trusted.next_validators_hash[0] = 1;
    const struct proof_cometbft_options options = {.now = {INT64_C(4000000000), 0},
                                                   .trusting_period = INT64_MAX,
                                                   .trust_numerator = 1,
                                                   .trust_denominator = 3,
                                                   .every_signature = true};
    if (proof_cometbft_step_verify(&result, &fact, space, &trusted, parts.validators, parts, &options) == PROOF_VALID ||
        fact.height != 0)
        __builtin_trap();
    /* the whole way through the signatures */
    proof_cometbft_first_verify(&result, &fact, space, light.header.chain_id, light.header.height,
                                light.commit.block_id.hash.len == 32 ? light.commit.block_id.hash.data : trusted.hash,
                                parts, &options);
    return 0;
}
