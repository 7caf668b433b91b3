/*
 * CometBFT: light blocks, steps of a light client with their stated verdicts, RPC answers of real nodes.
 *
 * Layouts: tendermint-rs' model-based steps (initial, input), a list of cases that name two light blocks, pairs of heights of one
 * folder, single light blocks, and RPC answers (commit, block, blockchain, validators, tx_search).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/cometbft.h"
#include "proofs/cometbft_inside.h"
#include "tests/vectors/vectors.h"
#include "tools/verify/cometbft_json.h"
#include "tools/verify/eth_json.h"

enum { VALIDATORS = 512, SECOND = 1000000000, FLIPS = 1024 };

/* A step as it is shown to the verifier. */
struct step {
    struct proof_cometbft_space *space;
    struct proof_cometbft_state trusted;
    struct bytes trusted_next;
    struct bytes block;
    struct proof_cometbft_options options;
};

struct proof_cometbft_space *vectors_cometbft_space(struct vectors *run)
{
    if (!run->cometbft)
        run->cometbft = proof_cometbft_space_new(VALIDATORS, VALIDATORS);
    if (!run->cometbft)
        exit(3);
    return run->cometbft;
}

/* With every signature, so that each bit of what is shown counts. */
static bool step_is_accepted(const void *context)
{
    const struct step *step = context;
    struct proof_cometbft_options options = step->options;
    struct proof_result result;
    struct proof_cometbft_state fact;
    options.every_signature = true;
    return proof_cometbft_step_verify(&result, &fact, step->space, &step->trusted, step->trusted_next,
                                      cometbft_parts_of(step->block), &options) == PROOF_VALID;
}

static bool first_is_accepted(const void *context)
{
    const struct step *step = context;
    struct proof_cometbft_options options = step->options;
    struct proof_result result;
    struct proof_cometbft_state fact;
    options.every_signature = true;
    return proof_cometbft_first_verify(
               &result, &fact, step->space, (struct bytes){step->trusted.chain_id, step->trusted.chain_id_len},
               step->trusted.height, step->trusted.hash, cometbft_parts_of(step->block), &options) == PROOF_VALID;
}

static void mutate(struct vectors *run, const char *id, const struct step *step, vectors_accepts *accepts)
{
    size_t every = 8 * step->block.len / FLIPS + 1;
    vectors_mutate(run, id, step->block, every | 1, accepts, step);
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

struct tools_json_doc *vectors_open_beside(struct vectors *run, const struct vectors_file *file, const char *name)
{
    char path[4096];
    size_t folder = (size_t)(file_name(file->path) - file->path);
    snprintf(path, sizeof path, "%s/%.*s%s", run->root, (int)folder, file->path, name);
    for (size_t i = 0; i < run->opened_len; i++)
        if (strcmp(run->opened[i].path, path) == 0)
            return run->opened[i].doc;
    if (run->opened_len == VECTORS_OPENED_MAX) {
        for (size_t i = 0; i < run->opened_len; i++)
            vectors_opened_close(&run->opened[i]);
        run->opened_len = 0;
    }
    struct vectors_opened *entry = &run->opened[run->opened_len++];
    *entry = (struct vectors_opened){.path = strdup(path), .doc = tools_json_open(path)};
    return entry->doc;
}

/* True the first time for a file that vectors_open_beside gave. */
static bool mutate_once(struct vectors *run, const struct tools_json_doc *doc)
{
    for (size_t i = 0; i < run->opened_len; i++) {
        if (run->opened[i].doc != doc)
            continue;
        bool first = !run->opened[i].mutated;
        run->opened[i].mutated = true;
        return first;
    }
    return false;
}

static bool text_equals(const struct tools_json *node, struct tools_json_doc *doc, const char *want)
{
    struct bytes text = tools_json_text(doc, node, "verdict");
    return text.len == strlen(want) && memcmp(text.data, want, text.len) == 0;
}

static enum proof_verdict stated_verdict(struct tools_json_doc *doc, const struct tools_json *node)
{
    if (text_equals(node, doc, "SUCCESS"))
        return PROOF_VALID;
    return text_equals(node, doc, "NOT_ENOUGH_TRUST") ? PROOF_NOT_ENOUGH_TRUST : PROOF_INVALID;
}

struct proof_cometbft_options vectors_cometbft_options(struct cometbft_time now)
{
    return (struct proof_cometbft_options){.now = now,
                                           .trusting_period = INT64_C(14) * 86400 * SECOND,
                                           .clock_drift = INT64_C(10) * SECOND,
                                           .trust_numerator = 1,
                                           .trust_denominator = 3};
}

/* Asks the verifier and compares; in a run with mutations also shows every bit flipped. */
static void check_step(struct vectors *run, const char *id, struct step *step, enum proof_verdict want, bool flip)
{
    struct proof_result result;
    struct proof_cometbft_state fact;
    step->space = vectors_cometbft_space(run);
    enum proof_verdict verdict =
        proof_cometbft_step_verify(&result, &fact, step->space, &step->trusted, step->trusted_next,
                                   cometbft_parts_of(step->block), &step->options);
    vectors_check(run, verdict == want, id, "%s (%s at %zu), stated: %s", proof_verdict_text(verdict),
                  proof_reason_text(result.reason), result.at, proof_verdict_text(want));
    if (flip && verdict == PROOF_VALID && step_is_accepted(step))
        mutate(run, id, step, step_is_accepted);
}

bool vectors_cometbft_trust(struct proof_cometbft_state *state, const struct cometbft_header *header)
{
    uint8_t hash[32];
    if (!proof_cometbft_header_hash(hash, header) || header->chain_id.len > COMETBFT_CHAIN_ID_MAX)
        return false;
    cometbft_state_of(state, header, hash);
    return true;
}

/* ---- a light block by itself ---- */

static void check_block(struct vectors *run, const char *id, struct cometbft_light_block *light, bool want)
{
    struct step step = {.space = vectors_cometbft_space(run), .options = vectors_cometbft_options(light->header.time)};
    struct proof_result result;
    struct proof_cometbft_state fact;
    light->validators.has_proposer = false;
    for (size_t i = 0; i < light->validators.len; i++)
        light->validators.list[i].priority = 0; /* hashed nowhere, as the proposer */
    step.block = tools_cometbft_light_block_bytes(run->file->doc, light);
    if (tools_json_error(run->file->doc))
        return;
    bool hashed = vectors_cometbft_trust(&step.trusted, &light->header);
    vectors_check(run, hashed, id, "header has no hash");
    enum proof_verdict verdict =
        proof_cometbft_first_verify(&result, &fact, step.space, light->header.chain_id, light->header.height,
                                    light->commit.block_id.hash.data, cometbft_parts_of(step.block), &step.options);
    vectors_check(run, (verdict == PROOF_VALID) == want, id, "%s (%s at %zu)", proof_verdict_text(verdict),
                  proof_reason_text(result.reason), result.at);
    if (verdict == PROOF_VALID)
        mutate(run, id, &step, first_is_accepted);
}

static void read_light_block(struct vectors *run, const struct tools_json *block, bool want)
{
    struct cometbft_light_block light;
    tools_cometbft_light_block(&light, run->file->doc, block);
    check_block(run, "light block", &light, want);
}

/* Beside block_H.json may lie block_H.pb, as Go wrote it: it is read strictly, and written back byte for byte. */
static void read_protobuf(struct vectors *run)
{
    char path[4096];
    size_t stem = strlen(run->file->path) - strlen(".json");
    snprintf(path, sizeof path, "%s/%.*s.pb", run->root, (int)stem, run->file->path);
    FILE *file = fopen(path, "rb");
    if (!file)
        return;
    enum { ROOM = 1 << 20 };
    uint8_t *in = tools_json_alloc(run->file->doc, 2, ROOM);
    size_t len = fread(in, 1, ROOM, file);
    fclose(file);
    struct cometbft_light_block light;
    struct codec_writer writer;
    bool read =
        cometbft_parts_read(&light, vectors_cometbft_space(run)->room, cometbft_parts_of((struct bytes){in, len}));
    codec_writer_init(&writer, in + ROOM, ROOM);
    cometbft_light_block_write(&writer, &light);
    vectors_check(run, read && codec_bytes_equal(codec_writer_bytes(&writer), (struct bytes){in, len}), "protobuf",
                  "is not read and written back as it is");
    if (read)
        check_block(run, "protobuf", &light, true);
}

/* ---- steps ---- */

/* tendermint-rs gives a vote that is not there the time 1970-01-01, where CometBFT gives it its own "no time". It is hashed and signed
 * nowhere. */
static void absent_without_time(struct cometbft_commit *commit)
{
    for (size_t i = 0; i < commit->votes_len; i++)
        if (commit->votes[i].flag == COMETBFT_ABSENT && commit->votes[i].time.seconds == 0)
            commit->votes[i].time = COMETBFT_TIME_UNSET;
}

static void read_model_steps(struct vectors *run, const struct tools_json *root)
{
    struct tools_json_doc *doc = run->file->doc;
    const struct tools_json *initial = tools_json_get(root, "initial");
    const struct tools_json *list = tools_json_get(root, "input");
    struct step step = {0};
    struct cometbft_header header;
    struct cometbft_validators next;
    tools_cometbft_header(&header, doc, tools_json_get(tools_json_get(initial, "signed_header"), "header"));
    tools_cometbft_validators(&next, doc, tools_json_get(initial, "next_validator_set"));
    uint64_t period = tools_json_u64(doc, tools_json_get(initial, "trusting_period"), "trusting_period");
    vectors_check(run, vectors_cometbft_trust(&step.trusted, &header), "initial", "header has no hash");
    for (size_t i = 0; i < tools_json_count(list) && !tools_json_error(doc); i++) {
        const struct tools_json *input = tools_json_at(list, i);
        const struct tools_json *block = tools_json_get(input, "block");
        char id[32];
        struct cometbft_light_block light;
        tools_cometbft_light_block(&light, doc, block);
        absent_without_time(&light.commit);
        light.validators.has_proposer = false;
        step.options = vectors_cometbft_options(tools_cometbft_time(doc, tools_json_get(input, "now"), "now"));
        step.options.trusting_period = (int64_t)period;
        step.options.clock_drift = SECOND;
        step.block = tools_cometbft_light_block_bytes(doc, &light);
        step.trusted_next = tools_cometbft_validators_bytes(doc, &next);
        enum proof_verdict want = stated_verdict(doc, tools_json_get(input, "verdict"));
        snprintf(id, sizeof id, "step %zu", i);
        check_step(run, id, &step, want, true);
        if (want != PROOF_VALID)
            continue;
        vectors_cometbft_trust(&step.trusted, &light.header);
        tools_cometbft_validators(&next, doc, tools_json_get(block, "next_validator_set"));
    }
}

static void trust_level(struct proof_cometbft_options *options, struct tools_json_doc *doc,
                        const struct tools_json *node)
{
    struct bytes text = tools_json_text(doc, node, "trust_level");
    unsigned numerator = 0;
    unsigned denominator = 0;
    if (text.data && sscanf((const char *)text.data, "%u/%u", &numerator, &denominator) != 2)
        tools_json_fail(doc, "trust_level", "must be a fraction such as 1/3");
    options->trust_numerator = numerator;
    options->trust_denominator = denominator;
}

/* One case of a list: two light blocks by file name, options, verdict. To be accepted a block must also pass ValidateBasic. */
static void read_case(struct vectors *run, const struct tools_json *entry)
{
    struct tools_json_doc *doc = run->file->doc;
    struct bytes name = tools_json_text(doc, tools_json_get(entry, "name"), "name");
    struct bytes trusted_name = tools_json_text(doc, tools_json_get(entry, "trusted"), "trusted");
    struct bytes block_name = tools_json_text(doc, tools_json_get(entry, "untrusted"), "untrusted");
    if (tools_json_error(doc))
        return;
    struct tools_json_doc *trusted_doc = vectors_open_beside(run, run->file, (const char *)trusted_name.data);
    const struct tools_json *trusted = tools_json_root(trusted_doc);
    struct cometbft_header header;
    struct cometbft_validators next;
    struct step step = {0};
    tools_cometbft_header(&header, trusted_doc, tools_json_get(tools_json_get(trusted, "signed_header"), "header"));
    tools_cometbft_validators(&next, trusted_doc, tools_json_get(trusted, "next_validator_set"));
    vectors_check(run, !tools_json_error(trusted_doc) && vectors_cometbft_trust(&step.trusted, &header),
                  (const char *)name.data, "trusted block is not usable: %s", tools_json_error(trusted_doc));
    struct bytes chain_id = tools_json_text(doc, tools_json_get(entry, "chain_id"), "chain_id");
    if (chain_id.len == 0 || chain_id.len > COMETBFT_CHAIN_ID_MAX)
        return;
    memset(step.trusted.chain_id, 0, sizeof step.trusted.chain_id);
    memcpy(step.trusted.chain_id, chain_id.data, chain_id.len);
    step.trusted.chain_id_len = (uint8_t)chain_id.len;
    step.options = vectors_cometbft_options(tools_cometbft_time(doc, tools_json_get(entry, "now"), "now"));
    trust_level(&step.options, doc, tools_json_get(entry, "trust_level"));
    step.options.trusting_period =
        (int64_t)tools_json_u64(doc, tools_json_get(entry, "trusting_period_s"), "trusting_period_s") * SECOND;
    step.options.clock_drift =
        (int64_t)tools_json_u64(doc, tools_json_get(entry, "max_clock_drift_s"), "max_clock_drift_s") * SECOND;
    step.trusted_next = tools_cometbft_validators_bytes(trusted_doc, &next);
    enum proof_verdict want = stated_verdict(doc, tools_json_get(entry, "verdict"));
    bool basic = text_equals(tools_json_get(entry, "validate_basic"), doc, "ok");

    struct tools_json_doc *block_doc = vectors_open_beside(run, run->file, (const char *)block_name.data);
    struct cometbft_light_block light;
    tools_cometbft_light_block(&light, block_doc, tools_json_root(block_doc));
    if (tools_json_error(block_doc)) { /* what cannot even be written down is refused */
        vectors_check(run, want != PROOF_VALID || !basic, (const char *)name.data, "%s", tools_json_error(block_doc));
        return;
    }
    if (basic)
        light.validators.has_proposer = false; /* it is hashed nowhere: without it every bit counts */
    step.block = tools_cometbft_light_block_bytes(block_doc, &light);
    /* each block once: many cases show the same */
    bool flip = mutate_once(run, block_doc);
    check_step(run, (const char *)name.data, &step, basic ? want : PROOF_INVALID, flip);
}

/* The light block of a height in a folder of signed_block or commit and validators answers. */
static struct tools_json_doc *height_block(struct vectors *run, struct cometbft_light_block *light, uint64_t height)
{
    char name[64];
    snprintf(name, sizeof name, "%llu_signed_block.json", (unsigned long long)height);
    struct tools_json_doc *doc = vectors_open_beside(run, run->file, name);
    if (!tools_json_error(doc)) {
        tools_cometbft_light_block(light, doc, tools_eth_json_result(tools_json_root(doc)));
        light->validators.has_proposer = false;
        return doc;
    }
    snprintf(name, sizeof name, "%llu_validators_1.json", (unsigned long long)height);
    struct tools_json_doc *set = vectors_open_beside(run, run->file, name);
    snprintf(name, sizeof name, "%llu_commit.json", (unsigned long long)height);
    doc = vectors_open_beside(run, run->file, name);
    const struct tools_json *answer = tools_json_get(tools_eth_json_result(tools_json_root(doc)), "signed_header");
    tools_cometbft_header(&light->header, doc, tools_json_get(answer, "header"));
    tools_cometbft_commit(&light->commit, doc, tools_json_get(answer, "commit"));
    tools_cometbft_validators(&light->validators, set, tools_eth_json_result(tools_json_root(set)));
    return doc;
}

static void read_pair(struct vectors *run, const struct tools_json *entry)
{
    struct tools_json_doc *doc = run->file->doc;
    struct step step = {0};
    struct cometbft_light_block trusted;
    struct cometbft_light_block block;
    char id[64];
    uint64_t from = tools_json_u64(doc, tools_json_get(entry, "trusted_height"), "trusted_height");
    uint64_t to = tools_json_u64(doc, tools_json_get(entry, "untrusted_height"), "untrusted_height");
    uint64_t now = tools_json_u64(doc, tools_json_get(entry, "now_unix_ns"), "now_unix_ns");
    step.options = vectors_cometbft_options((struct cometbft_time){(int64_t)(now / SECOND), (int32_t)(now % SECOND)});
    step.options.trusting_period =
        (int64_t)tools_json_u64(doc, tools_json_get(entry, "trusting_period_ns"), "trusting_period_ns");
    step.options.clock_drift = (int64_t)tools_json_u64(doc, tools_json_get(entry, "clock_drift_ns"), "clock_drift_ns");
    trust_level(&step.options, doc, tools_json_get(entry, "trust_level"));
    struct tools_json_doc *trusted_doc = height_block(run, &trusted, from);
    struct tools_json_doc *block_doc = height_block(run, &block, to);
    snprintf(id, sizeof id, "%llu to %llu", (unsigned long long)from, (unsigned long long)to);
    bool usable = !tools_json_error(trusted_doc) && !tools_json_error(block_doc) &&
                  vectors_cometbft_trust(&step.trusted, &trusted.header);
    vectors_check(run, usable, id, "a block cannot be read");
    if (!usable)
        return;
    /* where the folder holds the next height its set is the trusted next one; otherwise the set has not changed */
    if (!codec_bytes_equal(trusted.header.validators_hash, trusted.header.next_validators_hash)) {
        struct cometbft_light_block next;
        if (!tools_json_error(height_block(run, &next, from + 1)))
            trusted.validators = next.validators;
    }
    step.trusted_next = tools_cometbft_validators_bytes(trusted_doc, &trusted.validators);
    step.block = tools_cometbft_light_block_bytes(block_doc, &block);
    check_step(run, id, &step, stated_verdict(doc, tools_json_get(entry, "expected")), true);
}

/* ---- answers of nodes ---- */

static void check_header(struct vectors *run, const struct tools_json *header, const struct tools_json *block_id)
{
    struct tools_json_doc *doc = run->file->doc;
    struct cometbft_header fields;
    struct cometbft_header again;
    struct cometbft_block_id id;
    uint8_t hash[32];
    tools_cometbft_header(&fields, doc, header);
    tools_cometbft_block_id(&id, doc, block_id);
    struct bytes bytes = tools_cometbft_header_bytes(doc, &fields);
    bool same = proof_cometbft_header_hash(hash, &fields) && codec_bytes_equal(id.hash, BYTES_OF(hash));
    vectors_check(run, same, "header hash", "differs at height %lld", (long long)fields.height);
    same = cometbft_header_read(&again, bytes) && proof_cometbft_header_hash(hash, &again) &&
           codec_bytes_equal(id.hash, BYTES_OF(hash));
    vectors_check(run, same, "header hash", "is another after writing and reading, height %lld",
                  (long long)fields.height);
}

static void check_blocks(struct vectors *run, const struct tools_json *list)
{
    for (size_t i = 0; i < tools_json_count(list); i++) {
        const struct tools_json *entry = tools_json_at(list, i);
        const struct tools_json *block = tools_json_get(entry, "block");
        check_header(run, tools_json_get(block ? block : entry, "header"), tools_json_get(entry, "block_id"));
    }
}

/* The set is the one that the light block of the same height names. */
static void check_validators(struct vectors *run, const struct tools_json *answer)
{
    struct cometbft_validators set;
    struct cometbft_light_block light;
    uint8_t hash[32];
    uint64_t height = tools_json_u64(run->file->doc, tools_json_get(answer, "block_height"), "block_height");
    tools_cometbft_validators(&set, run->file->doc, answer);
    struct tools_json_doc *doc = height_block(run, &light, height);
    if (tools_json_error(doc) || set.len > VALIDATORS)
        return;
    proof_cometbft_validators_hash(hash, vectors_cometbft_space(run), set.list, set.len);
    vectors_check(run, codec_bytes_equal(light.header.validators_hash, BYTES_OF(hash)), "validators hash", "differs");
}

static bool read_answer(struct vectors *run, const struct tools_json *json)
{
    const struct tools_json *both = tools_json_get(json, "signed_header");
    if (tools_json_get(json, "block_id") && tools_json_get(json, "block"))
        check_header(run, tools_json_get(tools_json_get(json, "block"), "header"), tools_json_get(json, "block_id"));
    else if (tools_json_get(json, "block_metas"))
        check_blocks(run, tools_json_get(json, "block_metas"));
    else if (tools_json_get(json, "blocks"))
        check_blocks(run, tools_json_get(json, "blocks"));
    else if (both && tools_json_get(json, "canonical"))
        check_header(run, tools_json_get(both, "header"), tools_json_get(tools_json_get(both, "commit"), "block_id"));
    else if (tools_json_get(json, "genesis"))
        return true; /* proves nothing */
    else if (tools_json_get(json, "block_height") && tools_json_get(json, "validators"))
        check_validators(run, json);
    else
        return false;
    return true;
}

bool vectors_try_cometbft(struct vectors *run, struct vectors_file *file)
{
    const struct tools_json *json = tools_eth_json_result(tools_json_root(file->doc));
    const struct tools_json *cases = tools_json_get(json, "cases");
    const struct tools_json *first = tools_json_at(json, 0);
    if (tools_json_get(json, "initial") && tools_json_get(json, "input")) {
        read_model_steps(run, json);
    } else if (tools_json_get(first, "untrusted") && tools_json_get(first, "validate_basic")) {
        for (size_t i = 0; i < tools_json_count(json); i++)
            read_case(run, tools_json_at(json, i));
    } else if (tools_json_get(tools_json_at(cases, 0), "untrusted_height")) {
        for (size_t i = 0; i < tools_json_count(cases); i++)
            read_pair(run, tools_json_at(cases, i));
    } else if (tools_json_get(json, "commit") && tools_json_get(json, "validator_set")) {
        read_light_block(run, json, true);
    } else if (tools_json_get(json, "signed_header") && tools_json_get(json, "validator_set")) {
        read_light_block(run, json, true);
        read_protobuf(run);
    } else if (tools_json_get(json, "signed_header") && tools_json_get(json, "expected")) {
        read_light_block(run, json, !text_equals(tools_json_get(json, "expected"), file->doc, "reject"));
    } else {
        return vectors_try_cometbft_evidence(run, json) || read_answer(run, json);
    }
    return true;
}
