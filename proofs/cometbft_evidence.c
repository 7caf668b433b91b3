/*
 * A step of the light client, then a proof for each log under the app hash.
 */
#include "proofs/cometbft_evidence.h"

#include <string.h>

#include "proofs/codec/pack.h"
#include "proofs/cosmos_store.h"

enum { LOG_AT = 1000, BUNDLE_VERSION = 1, OPS_MAX = 2 };

void proof_cometbft_log_key(uint8_t key[PROOF_COMETBFT_LOG_KEY_BYTES], const uint8_t account[32], const uint8_t log[32])
{
    memcpy(key, "head/", 5);
    memcpy(key + 5, account, 32);
    memcpy(key + 37, log, 32);
}

bool proof_cometbft_height_read(struct proof_cometbft_height *out, struct bytes bundle)
{
    struct codec_unpack unpack;
    codec_unpack_init(&unpack, bundle);
    codec_unpack_array_exact(&unpack, 5);
    uint64_t version = codec_unpack_uint(&unpack, UINT8_MAX);
    out->block.header = codec_unpack_bin(&unpack, COMETBFT_LIGHT_BLOCK_MAX);
    out->block.commit = codec_unpack_bin(&unpack, COMETBFT_LIGHT_BLOCK_MAX);
    out->block.validators = codec_unpack_bin(&unpack, COMETBFT_LIGHT_BLOCK_MAX);
    out->next_validators = codec_unpack_bin(&unpack, COMETBFT_LIGHT_BLOCK_MAX);
    if (!codec_unpack_done(&unpack) || version != BUNDLE_VERSION) {
        *out = (struct proof_cometbft_height){0};
        return false;
    }
    if (out->next_validators.len == 0)
        out->next_validators = out->block.validators;
    return true;
}

enum proof_verdict proof_cometbft_height_verify(struct proof_result *result, struct bytes *next,
                                                struct proof_cometbft_trust *trust, struct proof_cometbft_space *space,
                                                struct bytes next_validators, struct bytes bundle,
                                                const struct proof_cometbft_options *options)
{
    struct proof_cometbft_height height;
    struct proof_cometbft_trust ahead = *trust;
    struct cometbft_header header;
    uint8_t hash[32];
    *next = (struct bytes){NULL, 0};
    if (!proof_cometbft_height_read(&height, bundle))
        return proof_refuse(result, PROOF_REASON_COMETBFT_BUNDLE, 0);
    bool known = trust->attack == PROOF_COMETBFT_NO_ATTACK && cometbft_header_read(&header, height.block.header) &&
                 proof_cometbft_header_hash(hash, &header) && memcmp(hash, trust->latest.hash, 32) == 0;
    if (!known) {
        enum proof_verdict verdict =
            proof_cometbft_trust_advance(result, &ahead, space, next_validators, height.block, options);
        if (verdict != PROOF_VALID)
            return verdict;
    }
    if (proof_cometbft_next_verify(result, space, &ahead.latest, height.next_validators) != PROOF_VALID)
        return PROOF_INVALID;
    *trust = ahead;
    *next = height.next_validators;
    proof_accept(result);
    return PROOF_VALID;
}

/* The value under a key of the application: a view, empty when the key is provably absent. */
static bool value_of(struct proof_result *result, struct bytes *value, const uint8_t app_hash[32],
                     const struct proof_cometbft_app *app, struct bytes key, const struct bytes ops[OPS_MAX])
{
    if (app->store.len == 0) {
        struct proof_ics23_fact fact;
        bool proven = proof_ics23_verify(result, &fact, &PROOF_ICS23_IAVL, app_hash, key, ops[0]) == PROOF_VALID;
        *value = fact.value;
        return proven;
    }
    struct proof_cosmos_fact fact;
    bool proven = proof_cosmos_store_verify(result, &fact, app_hash, app->store, key, ops[0], ops[1]) == PROOF_VALID;
    *value = fact.value;
    return proven;
}

static bool refused(struct proof_result *result, enum proof_reason reason)
{
    proof_refuse(result, reason, 0);
    return false;
}

static bool log_proven(struct proof_result *result, struct proof_cometbft_evidence_fact *fact, size_t i,
                       const struct proof_cometbft_state *state, const struct proof_cometbft_app *app,
                       struct codec_unpack *unpack)
{
    uint8_t key[PROOF_COMETBFT_LOG_KEY_BYTES];
    struct bytes ops[OPS_MAX] = {{NULL, 0}, {NULL, 0}};
    struct bytes value;
    uint32_t want = app->store.len == 0 ? 1 : 2;
    codec_unpack_array_exact(unpack, want);
    for (uint32_t k = 0; k < want; k++)
        ops[k] = codec_unpack_bin(unpack, ICS23_PROOF_BYTES_MAX);
    if (unpack->failed || state->app_hash_len != 32)
        return refused(result, PROOF_REASON_EVIDENCE_MALFORMED);
    proof_cometbft_log_key(key, app->account, fact->logs[i].log);
    if (!value_of(result, &value, state->app_hash, app, BYTES_OF(key), ops))
        return false;
    if (value.len == 0)
        return true;
    if (value.len != PROOF_COMETBFT_LOG_VALUE_BYTES)
        return refused(result, PROOF_REASON_COMETBFT_LOG_VALUE);
    struct codec_reader reader;
    codec_reader_init(&reader, value);
    fact->logs[i].number = codec_read_u64(&reader);
    codec_read_copy(fact->logs[i].running, &reader, 32);
    /* a log that stands somewhere has a number and a hash: only a key that is absent stands for its beginning */
    if (fact->logs[i].number == 0 || codec_bytes_are_zero(fact->logs[i].running, 32))
        return refused(result, PROOF_REASON_COMETBFT_LOG_VALUE);
    return true;
}

static bool logs_proven(struct proof_result *result, struct proof_cometbft_evidence_fact *fact,
                        const struct proof_cometbft_state *state, const struct proof_cometbft_app *app,
                        struct bytes log_proof)
{
    struct codec_unpack unpack;
    uint8_t account[32];
    codec_unpack_init(&unpack, log_proof);
    codec_unpack_array_exact(&unpack, 2);
    codec_unpack_bin_exact(account, &unpack, 32);
    codec_unpack_array_exact(&unpack, (uint32_t)fact->logs_len);
    if (unpack.failed)
        return refused(result, PROOF_REASON_EVIDENCE_MALFORMED);
    if (memcmp(account, app->account, 32) != 0)
        return refused(result, PROOF_REASON_EVIDENCE_OTHER_ACCOUNT);
    for (size_t i = 0; i < fact->logs_len; i++) {
        if (!log_proven(result, fact, i, state, app, &unpack)) {
            result->at = LOG_AT + i;
            return false;
        }
    }
    return codec_unpack_done(&unpack) || refused(result, PROOF_REASON_EVIDENCE_MALFORMED);
}

enum proof_verdict
proof_cometbft_evidence_verify(struct proof_result *result, struct proof_cometbft_evidence_fact *fact,
                               struct proof_cometbft_trust *trust, struct proof_cometbft_space *space,
                               struct bytes next_validators, const struct proof_cometbft_app *app,
                               const struct proof_cometbft_log_place *places, size_t places_len, struct bytes bundle,
                               struct bytes log_proof, const struct proof_cometbft_options *options)
{
    struct proof_cometbft_trust ahead = *trust;
    struct bytes next;
    memset(fact, 0, sizeof *fact);
    if (places_len == 0 || places_len > PROOF_COMETBFT_EVIDENCE_LOGS_MAX)
        return proof_refuse(result, PROOF_REASON_EVIDENCE_LOGS, places_len);
    enum proof_verdict verdict =
        proof_cometbft_height_verify(result, &next, &ahead, space, next_validators, bundle, options);
    if (verdict != PROOF_VALID)
        return verdict;
    fact->logs_len = places_len;
    for (size_t i = 0; i < places_len; i++) {
        memcpy(fact->logs[i].log, places[i].log, 32);
        fact->logs[i].kind = places[i].kind;
    }
    if (!logs_proven(result, fact, &ahead.latest, app, log_proof)) {
        memset(fact, 0, sizeof *fact);
        return PROOF_INVALID;
    }
    fact->height = (uint64_t)ahead.latest.height;
    fact->time = ahead.latest.time.seconds > 0 ? (uint64_t)ahead.latest.time.seconds : 0;
    memcpy(fact->header_hash, ahead.latest.hash, 32);
    fact->next_validators = next;
    *trust = ahead;
    proof_accept(result);
    return PROOF_VALID;
}
