/*
 * Light blocks (header, commit, set). What is read can be written back byte for byte; what is accepted as consistent has the hash that its commit
 * names; and no step from an unrelated trusted header is ever taken. A mutated block is also shown with its hashes mended, so that what lies behind
 * them is reached: powers, indices, who signed. And once more under keys of small order, by which one signature is valid for whatever is signed: then nothing
 * but the rules of the light client can keep a block out.
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

static const struct proof_cometbft_options options = {.now = {INT64_C(4000000000), 0},
                                                      .trusting_period = INT64_MAX,
                                                      .trust_numerator = 1,
                                                      .trust_denominator = 3,
                                                      .every_signature = true};

/* What was accepted has no empty votes for a block, and two thirds for it. */
static void check_accepted(const struct cometbft_light_block *light)
{
    unsigned __int128 total = 0, signed_power = 0;
    if (light->commit.votes_len != light->validators.len)
        __builtin_trap();
    for (size_t i = 0; i < light->validators.len; i++) {
        const struct cometbft_vote *vote = &light->commit.votes[i];
        total += (uint64_t)light->validators.list[i].power;
        if (vote->flag == COMETBFT_COMMIT)
            signed_power += (uint64_t)light->validators.list[i].power;
        if (vote->flag == COMETBFT_ABSENT ? vote->signature.len != 0 : vote->signature.len != 64)
            __builtin_trap();
    }
    if (3 * signed_power <= 2 * total)
        __builtin_trap();
    for (size_t i = 0; i < light->validators.len; i++) {
        const struct cometbft_vote *vote = &light->commit.votes[i];
        if (vote->flag != COMETBFT_ABSENT && !codec_bytes_equal(vote->address, light->validators.list[i].address))
            __builtin_trap();
        if (light->validators.list[i].power <= 0)
            __builtin_trap();
        for (size_t k = 0; k < i; k++)
            if (codec_bytes_equal(light->validators.list[i].address, light->validators.list[k].address))
                __builtin_trap();
    }
}

/* Encodings of points whose order divides 8: as a key each takes ONE_FOR_ALL, whatever the message (proofs/codec/ed25519.h, ZIP-215). */
enum { SMALL_ORDERS = 10 };

static void small_order(uint8_t key[32], size_t i)
{
    memset(key, i < 4 ? 0 : 0xff, 32);
    key[0] = (uint8_t)(i < 4 ? i / 2 : 0xea + i / 2); /* y = 0, 1, and p - 1, p, p + 1 */
    key[31] = (uint8_t)((key[31] & 0x7f) | i % 2 << 7);
}

static const uint8_t ONE_FOR_ALL[64] = {1};

/* Gives the set such keys, and its votes that signature, but for those whose own begins with 0xff. Votes that named the validator at their index still do. */
static bool give_keys(struct cometbft_light_block *light)
{
    static uint8_t keys[SMALL_ORDERS][32], addresses[SMALL_ORDERS][COMETBFT_ADDRESS_BYTES];
    bool named[SMALL_ORDERS];
    struct cometbft_validators *set = &light->validators;
    struct cometbft_commit *commit = &light->commit;
    if (set->len > SMALL_ORDERS)
        return false;
    for (size_t i = 0; i < set->len; i++) {
        named[i] = i < commit->votes_len && codec_bytes_equal(commit->votes[i].address, set->list[i].address);
        set->list[i].kind = COMETBFT_KEY_ED25519;
        small_order(keys[i], i);
        set->list[i].key = BYTES_OF(keys[i]);
        proof_cometbft_address(addresses[i], COMETBFT_KEY_ED25519, set->list[i].key);
        set->list[i].address = BYTES_OF(addresses[i]);
    }
    set->has_proposer = false;
    cometbft_validators_sort(set->list, set->len);
    for (size_t i = 0; i < commit->votes_len; i++) {
        struct cometbft_vote *vote = &commit->votes[i];
        if (i < set->len && named[i])
            vote->address = set->list[i].address;
        if (vote->signature.len == 64 && vote->signature.data[0] != 0xff)
            vote->signature = BYTES_OF(ONE_FOR_ALL);
    }
    return true;
}

/* The same block with its set's hash in the header and the header's in the commit, as the next and as a later one after a header that announces the
 * set. */
static void show_mended(struct proof_cometbft_space *space, struct cometbft_light_block *light)
{
    static uint8_t set_hash[32], hash[32]; /* light keeps views of them */
    static struct cometbft_vote votes_again[VALIDATORS];
    static struct cometbft_validator validators_again[VALIDATORS];
    uint8_t *out = malloc(COMETBFT_LIGHT_BLOCK_MAX);
    struct codec_writer writer;
    struct cometbft_light_block again;
    struct proof_cometbft_state fact, trusted = {.time = {1, 0}, .hash = {1}};
    struct proof_result result;
    if (!out)
        return;
    proof_cometbft_validators_hash(set_hash, space, light->validators.list, light->validators.len);
    light->header.validators_hash = BYTES_OF(set_hash);
    light->commit.height = light->header.height;
    if (proof_cometbft_header_hash(hash, &light->header)) {
        light->commit.block_id.hash = BYTES_OF(hash);
        codec_writer_init(&writer, out, COMETBFT_LIGHT_BLOCK_MAX);
        cometbft_light_block_write(&writer, light);
        struct cometbft_parts parts = cometbft_parts_of(codec_writer_bytes(&writer));
        memcpy(trusted.chain_id, light->header.chain_id.data, light->header.chain_id.len);
        trusted.chain_id_len = (uint8_t)light->header.chain_id.len;
        memcpy(trusted.next_validators_hash, set_hash, 32);
        for (int64_t gap = 1; gap <= 2; gap++) {
            trusted.height = light->header.height > gap ? light->header.height - gap : 1;
            enum proof_verdict verdict =
                proof_cometbft_step_verify(&result, &fact, space, &trusted, parts.validators, parts, &options);
            if ((verdict == PROOF_VALID) != (fact.height != 0))
                __builtin_trap();
            if (verdict == PROOF_VALID &&
                cometbft_parts_read(&again, (struct cometbft_room){votes_again, validators_again, VALIDATORS}, parts))
                check_accepted(&again);
        }
    }
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
    if (proof_cometbft_step_verify(&result, &fact, space, &trusted, parts.validators, parts, &options) == PROOF_VALID ||
        fact.height != 0)
        __builtin_trap();
    /* the whole way through the signatures */
    proof_cometbft_first_verify(&result, &fact, space, light.header.chain_id, light.header.height,
                                light.commit.block_id.hash.len == 32 ? light.commit.block_id.hash.data : trusted.hash,
                                parts, &options);
    show_mended(space, &light);
    if (give_keys(&light))
        show_mended(space, &light);
    return 0;
}
