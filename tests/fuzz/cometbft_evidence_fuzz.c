/*
 * Evidence of a CometBFT chain: the bundle of a height, and the proofs of logs under its app hash. An input is: 1 byte (bit 0: a multistore; bits 1 and 2:
 * how many logs), length of the bundle (u16, big-endian), the bundle, the log proof.
 *
 * The header of the bundle is made the trusted one, its app hash the root that the first proof leads to, and account and logs those that the proof names: so
 * no hash and no signature keeps an input out. What is read can be written back byte for byte; what is accepted says what the proof holds, and is
 * refused for another account, another log and another root, by a chain that is frozen and by one that trusts another header.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/pack.h"
#include "proofs/cometbft_evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALIDATORS = 64, PLACES = 3, KEY_BYTES = PROOF_COMETBFT_LOG_KEY_BYTES };

static struct proof_cometbft_space *space;
static struct cometbft_validator list[VALIDATORS];
static struct ics23_proof parsed;

struct question {
    struct proof_cometbft_trust trust;
    struct proof_cometbft_app app;
    struct proof_cometbft_log_place places[PLACES];
    size_t places_len;
    struct bytes bundle, logs;
};

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void check_written(const struct proof_cometbft_height *height, struct bytes bundle)
{
    const bool same = height->next_validators.data == height->block.validators.data;
    struct codec_pack pack;
    codec_pack_init(&pack, bundle.len + 16);
    codec_pack_array(&pack, 5);
    codec_pack_uint(&pack, 1);
    codec_pack_bin(&pack, height->block.header);
    codec_pack_bin(&pack, height->block.commit);
    codec_pack_bin(&pack, height->block.validators);
    codec_pack_bin(&pack, same ? (struct bytes){NULL, 0} : height->next_validators);
    require(codec_bytes_equal(codec_pack_bytes(&pack), bundle));
    codec_pack_fini(&pack);
}

/* The root that a proof leads to, and the key that it is about; false when it leads to none. */
static bool root_of(uint8_t root[ICS23_HASH_MAX], struct bytes *key, struct bytes proof)
{
    if (!ics23_proof_read(&parsed, proof))
        return false;
    const struct ics23_existence *one = !parsed.is_absence ? &parsed.exists
                                        : parsed.has_left  ? &parsed.left
                                        : parsed.has_right ? &parsed.right
                                                           : NULL;
    if (!one || !one->has_leaf)
        return false;
    *key = parsed.is_absence ? parsed.key : parsed.exists.key;
    size_t len = ics23_leaf_hash(root, &one->leaf, one->key, one->value);
    for (size_t i = 0; i < one->path_len && len > 0; i++)
        len = ics23_inner_hash(root, &one->path[i], (struct bytes){root, len});
    return len == 32;
}

/* Fits account, logs and app hash to what the log proof is about. */
static void fit(struct question *q, bool store)
{
    static const uint8_t name[] = "isthmus";
    struct codec_unpack unpack;
    uint8_t root[ICS23_HASH_MAX];
    struct bytes key;
    codec_unpack_init(&unpack, q->logs);
    codec_unpack_array_exact(&unpack, 2);
    codec_unpack_bin_exact(q->app.account, &unpack, 32);
    codec_unpack_array(&unpack, PLACES);
    if (store)
        q->app.store = (struct bytes){name, 7};
    for (size_t i = 0; i < q->places_len; i++) {
        uint32_t ops = codec_unpack_array(&unpack, 2);
        q->places[i].kind = (uint8_t)(i + 1);
        for (uint32_t k = 0; k < ops; k++) {
            bool leads = root_of(root, &key, codec_unpack_bin(&unpack, ICS23_PROOF_BYTES_MAX));
            if (leads && k == 0 && key.len == KEY_BYTES)
                memcpy(q->places[i].log, key.data + 37, 32);
            if (leads && i == 0 && k == (store ? 1 : 0)) {
                memcpy(q->trust.latest.app_hash, root, 32);
                q->trust.latest.app_hash_len = 32;
            }
        }
    }
}

/* The state that would be trusted if the header were. */
static bool trust_header(struct question *q, const struct proof_cometbft_height *height)
{
    struct cometbft_header header;
    struct cometbft_validators next;
    uint8_t hash[32];
    if (!cometbft_header_read(&header, height->block.header) || !proof_cometbft_header_hash(hash, &header) ||
        header.chain_id.len == 0 || header.height <= 0 ||
        !cometbft_validators_read(&next, (struct cometbft_room){.validators = list, .cap = VALIDATORS},
                                  height->next_validators))
        return false;
    q->trust = (struct proof_cometbft_trust){.changes = 1};
    struct proof_cometbft_state *state = &q->trust.latest;
    memcpy(state->chain_id, header.chain_id.data, header.chain_id.len);
    state->chain_id_len = (uint8_t)header.chain_id.len;
    state->height = header.height;
    state->time = header.time;
    memcpy(state->hash, hash, 32);
    proof_cometbft_validators_hash(state->next_validators_hash, space, next.list, next.len);
    return true;
}

static bool accepted(struct proof_cometbft_evidence_fact *fact, const struct question *q)
{
    const struct proof_cometbft_options options = {
        .now = q->trust.latest.time, .trusting_period = 1000, .trust_numerator = 1, .trust_denominator = 3};
    static struct proof_cometbft_trust trust;
    struct proof_result result;
    memcpy(&trust, &q->trust, sizeof trust);
    bool valid = proof_cometbft_evidence_verify(&result, fact, &trust, space, (struct bytes){NULL, 0}, &q->app,
                                                q->places, q->places_len, q->bundle, q->logs, &options) == PROOF_VALID;
    require(valid ? result.reason == PROOF_REASON_VALID : result.reason > PROOF_REASON_VALID);
    require(valid || codec_bytes_are_zero((const uint8_t *)fact, sizeof *fact));
    require(memcmp(&trust, &q->trust, sizeof trust) == 0); /* no step was needed */
    return valid;
}

static void check_accepted(const struct question *q, const struct proof_cometbft_evidence_fact *fact)
{
    static struct proof_cometbft_evidence_fact none;
    struct question other = *q;
    require(fact->logs_len == q->places_len && fact->height == (uint64_t)q->trust.latest.height);
    for (size_t i = 0; i < fact->logs_len; i++)
        require((fact->logs[i].number == 0) == codec_bytes_are_zero(fact->logs[i].running, 32));
    other.app.account[31] ^= 1;
    require(!accepted(&none, &other));
    other = *q;
    other.places[0].log[0] ^= 1;
    require(!accepted(&none, &other));
    other = *q;
    other.trust.latest.app_hash[31] ^= 1;
    require(!accepted(&none, &other));
    other = *q;
    other.trust.attack = PROOF_COMETBFT_LUNATIC;
    require(!accepted(&none, &other));
    other = *q;
    other.trust.latest.hash[0] ^= 1;
    require(!accepted(&none, &other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct proof_cometbft_evidence_fact fact;
    struct proof_cometbft_height height;
    struct codec_reader reader;
    struct question q = {.places_len = 0};
    if (!space)
        space = proof_cometbft_space_new(VALIDATORS, 0);
    if (!space)
        abort();
    codec_reader_init(&reader, (struct bytes){data, size});
    const uint8_t how = codec_read_u8(&reader);
    q.places_len = how >> 1 & 3;
    q.bundle = codec_read_bytes(&reader, codec_read_u16(&reader));
    q.logs = codec_read_bytes(&reader, codec_reader_left(&reader));
    if (reader.failed || !proof_cometbft_height_read(&height, q.bundle))
        return 0;
    check_written(&height, q.bundle);
    if (!trust_header(&q, &height))
        return 0;
    fit(&q, how & 1);
    if (accepted(&fact, &q))
        check_accepted(&q, &fact);
    return 0;
}
