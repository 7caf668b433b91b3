/*
 * Keys are made of their numbers; everything else goes through the codec's writers.
 */
#include "tests/unit/proofs/cometbft_world.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "proofs/codec/secp256k1.h"
#include "proofs/codec/sha256.h"
#include "proofs/codec/sodium.h"
#include "proofs/cometbft_inside.h"

enum { SECOND = 1000000000, STEP = 1000, START = 1700000000 };

static const uint8_t chain_name[] = {'w', 'o', 'r', 'l', 'd', '-', '1'};
static const uint8_t some_hash[32] = {7, 7, 7};
const struct bytes WORLD_CHAIN = {chain_name, sizeof chain_name};

static void seed_of(uint8_t seed[32], size_t key)
{
    memset(seed, (int)(key + 1), 32);
}

void world_members(struct world_member *members, const int64_t *powers, size_t len)
{
    for (size_t i = 0; i < len; i++)
        members[i] = (struct world_member){i, powers[i]};
}

/* The public key of key number `key`; returns its length. */
static size_t make_key(uint8_t out[COMETBFT_SECP256K1_KEY_BYTES], size_t key)
{
    uint8_t seed[32], point[64];
    seed_of(seed, key);
    if (key < WORLD_SECP256K1) {
        assert_true(codec_sodium_ed25519_public(out, seed));
        return COMETBFT_ED25519_KEY_BYTES;
    }
    assert_true(codec_secp256k1_public(point, seed));
    out[0] = (uint8_t)(2 + point[63] % 2);
    memcpy(out + 1, point, 32);
    return COMETBFT_SECP256K1_KEY_BYTES;
}

void world_set_make(struct world_set *set, struct proof_cometbft_space *space, const struct world_member *members,
                    size_t len)
{
    assert_true(len <= WORLD_SET_MAX);
    *set = (struct world_set){0};
    for (size_t i = 0; i < len; i++) {
        set->list[i] = (struct cometbft_validator){.address = {set->addresses[i], 20}, .power = members[i].power};
        set->list[i].kind = members[i].key < WORLD_SECP256K1 ? COMETBFT_KEY_ED25519 : COMETBFT_KEY_SECP256K1;
        set->list[i].key = (struct bytes){set->public_keys[i], make_key(set->public_keys[i], members[i].key)};
        assert_true(proof_cometbft_address(set->addresses[i], set->list[i].kind, set->list[i].key));
    }
    cometbft_validators_sort(set->list, len);
    for (size_t i = 0; i < len; i++)
        set->keys[i] = members[(size_t)(set->list[i].key.data - set->public_keys[0]) / sizeof set->public_keys[0]].key;
    set->validators = (struct cometbft_validators){.list = set->list, .len = len};
    proof_cometbft_validators_hash(set->hash, space, set->list, len);
    struct codec_writer writer;
    codec_writer_init(&writer, set->bytes, sizeof set->bytes);
    cometbft_validators_write(&writer, &set->validators);
    assert_false(writer.failed);
    set->bytes_len = writer.len;
}

struct bytes world_set_bytes(const struct world_set *set)
{
    return (struct bytes){set->bytes, set->bytes_len};
}

void world_block_make(struct world_block *block, const struct world_set *set, const struct world_set *next,
                      int64_t height, const uint8_t *flags)
{
    memset(block, 0, sizeof *block);
    block->set = set;
    block->app_hash[0] = (uint8_t)height;
    block->app_hash[31] = 1;
    block->light.header = (struct cometbft_header){
        .version_block = 11,
        .version_app = 1,
        .chain_id = WORLD_CHAIN,
        .height = height,
        .time = {START + height * STEP, 5},
        .last_block_id = {BYTES_OF(some_hash), 1, BYTES_OF(some_hash)},
        .last_commit_hash = BYTES_OF(some_hash),
        .data_hash = BYTES_OF(some_hash),
        .validators_hash = BYTES_OF(set->hash),
        .next_validators_hash = BYTES_OF(next->hash),
        .consensus_hash = BYTES_OF(some_hash),
        .app_hash = BYTES_OF(block->app_hash),
        .last_results_hash = BYTES_OF(some_hash),
        .evidence_hash = BYTES_OF(some_hash),
        .proposer_address = {set->list[0].address.data, 20},
    };
    block->light.validators = set->validators;
    block->light.commit = (struct cometbft_commit){
        .height = height,
        .block_id = {BYTES_OF(block->hash), 1, BYTES_OF(some_hash)},
        .votes = block->votes,
        .votes_len = set->validators.len,
    };
    for (size_t i = 0; i < set->validators.len; i++) {
        struct cometbft_vote *vote = &block->votes[i];
        vote->flag = flags ? flags[i] : COMETBFT_COMMIT;
        vote->time = COMETBFT_TIME_UNSET;
        if (vote->flag == COMETBFT_ABSENT)
            continue;
        vote->address = set->list[i].address;
        vote->time = (struct cometbft_time){START + height * STEP + 1, (int32_t)i};
        vote->signature = BYTES_OF(block->signatures[i]);
    }
    world_block_sign(block);
}

void world_sign(uint8_t signature[64], size_t key, struct bytes message)
{
    uint8_t seed[32], digest[32];
    int parity;
    seed_of(seed, key);
    if (key < WORLD_SECP256K1) {
        assert_true(codec_sodium_ed25519_sign(signature, seed, message));
        return;
    }
    codec_sha256(digest, &message, 1);
    assert_true(codec_secp256k1_sign(signature, &parity, seed, digest));
}

void world_vote_sign(struct world_block *block, size_t index, struct bytes chain_id)
{
    const struct cometbft_commit *commit = &block->light.commit;
    struct cometbft_sign_bytes sign;
    uint8_t message[COMETBFT_SIGN_BYTES_MAX];
    cometbft_sign_bytes_begin(&sign, chain_id, 2, commit->height, commit->round, &commit->block_id);
    size_t len =
        cometbft_sign_bytes_of(message, &sign, commit->votes[index].time, commit->votes[index].flag == COMETBFT_COMMIT);
    world_sign(block->signatures[index], block->set->keys[index], (struct bytes){message, len});
}

void world_block_sign(struct world_block *block)
{
    assert_true(proof_cometbft_header_hash(block->hash, &block->light.header));
    for (size_t i = 0; i < block->light.commit.votes_len; i++)
        if (block->votes[i].flag != COMETBFT_ABSENT)
            world_vote_sign(block, i, WORLD_CHAIN);
}

struct cometbft_parts world_block_parts(struct world_block *block)
{
    struct codec_writer writer;
    codec_writer_init(&writer, block->bytes, sizeof block->bytes);
    cometbft_light_block_write(&writer, &block->light);
    assert_false(writer.failed);
    return cometbft_parts_of(codec_writer_bytes(&writer));
}

struct proof_cometbft_state world_state(const struct world_block *block)
{
    struct proof_cometbft_state state;
    cometbft_state_of(&state, &block->light.header, block->hash);
    return state;
}

struct proof_cometbft_options world_options(int64_t height, uint32_t numerator, uint32_t denominator)
{
    return (struct proof_cometbft_options){.now = {START + height * STEP + 2, 0},
                                           .trusting_period = INT64_C(100) * STEP * SECOND,
                                           .clock_drift = INT64_C(10) * SECOND,
                                           .trust_numerator = numerator,
                                           .trust_denominator = denominator};
}
