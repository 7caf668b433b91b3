/*
 * Validator sets: hash, addresses, and what must hold of a set.
 */
#include <string.h>

#include "proofs/codec/openssl.h"
#include "proofs/codec/sha256.h"
#include "proofs/cometbft_inside.h"

enum { LEAF_MAX = 64 };

bool proof_cometbft_address(uint8_t address[COMETBFT_ADDRESS_BYTES], enum cometbft_key kind, struct bytes key)
{
    uint8_t hash[32];
    codec_sha256(hash, &key, 1);
    switch (kind) {
    case COMETBFT_KEY_ED25519: memcpy(address, hash, COMETBFT_ADDRESS_BYTES); return true;
    case COMETBFT_KEY_SECP256K1:
        return codec_openssl_digest(address, CODEC_OPENSSL_RIPEMD160, &BYTES_OF(hash), 1) == COMETBFT_ADDRESS_BYTES;
    case COMETBFT_KEY_BLS12381:
    case COMETBFT_KEY_MLDSA65: break;
    }
    memset(address, 0, COMETBFT_ADDRESS_BYTES);
    return false;
}

void proof_cometbft_validators_hash(uint8_t hash[32], struct proof_cometbft_space *space,
                                    const struct cometbft_validator *list, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        /* SimpleValidator{pub_key = 1, voting_power = 2} */
        uint8_t leaf[LEAF_MAX];
        struct codec_writer writer;
        codec_writer_init(&writer, leaf, sizeof leaf);
        codec_protobuf_write_bytes(&writer, (uint32_t)list[i].kind, list[i].key);
        codec_protobuf_finish(&writer, 1, 0);
        codec_protobuf_write_i64(&writer, 2, list[i].power);
        cometbft_merkle_leaf(space->hashes[i], codec_writer_bytes(&writer));
    }
    cometbft_merkle_root(hash, space->hashes, len);
}

static int compare_at(const struct cometbft_validator *list, uint32_t a, uint32_t b)
{
    return memcmp(list[a].address.data, list[b].address.data, COMETBFT_ADDRESS_BYTES);
}

/* Merge sort from the bottom: n log n whatever the addresses are. */
static void sort_by_address(struct proof_cometbft_space *space, const struct cometbft_validator *list, size_t len)
{
    uint32_t *from = space->order;
    uint32_t *to = space->order_spare;
    for (size_t i = 0; i < len; i++)
        from[i] = (uint32_t)i;
    for (size_t width = 1; width < len; width *= 2) {
        for (size_t start = 0; start < len; start += 2 * width) {
            size_t middle = start + width < len ? start + width : len;
            size_t end = start + 2 * width < len ? start + 2 * width : len;
            size_t a = start;
            size_t b = middle;
            for (size_t at = start; at < end; at++) {
                bool left = a < middle && (b == end || compare_at(list, from[a], from[b]) <= 0);
                to[at] = left ? from[a++] : from[b++];
            }
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    space->order = from;
    space->order_spare = to;
}

size_t cometbft_validators_find(const struct proof_cometbft_space *space, const struct cometbft_validator *list,
                                size_t len, const uint8_t address[COMETBFT_ADDRESS_BYTES])
{
    size_t low = 0;
    for (size_t high = len; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(list[space->order[middle]].address.data, address, COMETBFT_ADDRESS_BYTES);
        if (order == 0)
            return space->order[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return len;
}

static enum proof_reason check_one(const struct cometbft_validator *validator)
{
    uint8_t address[COMETBFT_ADDRESS_BYTES];
    if (!proof_cometbft_address(address, validator->kind, validator->key))
        return PROOF_REASON_COMETBFT_SET_KEY_KIND;
    if (memcmp(address, validator->address.data, sizeof address) != 0)
        return PROOF_REASON_COMETBFT_SET_ADDRESS;
    if (validator->power <= 0)
        return PROOF_REASON_COMETBFT_SET_POWER;
    return PROOF_REASON_VALID;
}

enum proof_reason cometbft_validators_check(size_t *at, int64_t *total, struct proof_cometbft_space *space,
                                            const struct cometbft_validators *set)
{
    *at = 0;
    *total = 0;
    if (set->len == 0)
        return PROOF_REASON_COMETBFT_SET_EMPTY;
    for (; *at < set->len; ++*at) {
        const struct cometbft_validator *validator = &set->list[*at];
        enum proof_reason reason = check_one(validator);
        if (reason != PROOF_REASON_VALID)
            return reason;
        if (*at > 0 && !cometbft_validator_before(validator - 1, validator))
            return PROOF_REASON_COMETBFT_SET_ORDER;
        if (validator->power > PROOF_COMETBFT_POWER_MAX - *total)
            return PROOF_REASON_COMETBFT_SET_TOTAL;
        *total += validator->power;
    }
    sort_by_address(space, set->list, set->len);
    for (*at = 1; *at < set->len; ++*at)
        if (compare_at(set->list, space->order[*at - 1], space->order[*at]) == 0)
            return PROOF_REASON_COMETBFT_SET_TWICE;
    /* ValidatorSet.ValidateBasic: the proposer, where one is named, is valid and one of them */
    *at = set->len;
    if (set->has_proposer && (check_one(&set->proposer) != PROOF_REASON_VALID ||
                              cometbft_validators_find(space, set->list, set->len, set->proposer.address.data) == *at))
        return PROOF_REASON_COMETBFT_PROPOSER;
    return PROOF_REASON_VALID;
}
