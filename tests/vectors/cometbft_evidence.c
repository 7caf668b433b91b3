/*
 * Whole CometBFT blocks that carry evidence of double votes: it is what the header's evidence hash says, and each is proven against the header and set of its
 * own height, which lie beside it in block_H.json.
 */
#include <stdio.h>
#include <string.h>

#include "proofs/cometbft_double_vote.h"
#include "proofs/cometbft_inside.h"
#include "tests/vectors/vectors.h"
#include "tools/verify/cometbft_json.h"

enum { EVIDENCE_MAX = 16 };

struct shown {
    struct proof_cometbft_space *space;
    struct proof_cometbft_state trusted;
    struct bytes validators;
    struct bytes evidence;
    struct proof_cometbft_options options;
};

static bool is_accepted(const void *context)
{
    const struct shown *shown = context;
    struct proof_result result;
    struct proof_cometbft_double_vote_fact fact;
    return proof_cometbft_double_vote_verify(&result, &fact, shown->space, &shown->trusted, shown->validators,
                                             shown->evidence, &shown->options) == PROOF_VALID;
}

static void check_double_vote(struct vectors *run, const char *id, const struct cometbft_double_vote *votes,
                              struct bytes evidence)
{
    char name[64];
    struct cometbft_light_block light;
    struct cometbft_double_vote again;
    struct proof_result result;
    struct proof_cometbft_double_vote_fact fact;
    struct shown shown = {.space = vectors_cometbft_space(run), .evidence = evidence};
    vectors_check(run, cometbft_double_vote_read(&again, evidence), id, "is not read as it was written");
    snprintf(name, sizeof name, "block_%lld.json", (long long)votes->a.height);
    struct tools_json_doc *doc = vectors_open_beside(run, run->file, name);
    tools_cometbft_light_block(&light, doc, tools_json_root(doc));
    vectors_check(run, !tools_json_error(doc) && vectors_cometbft_trust(&shown.trusted, &light.header), id,
                  "%s beside it is not usable", name);
    if (tools_json_error(doc))
        return;
    light.validators.has_proposer = false;
    for (size_t i = 0; i < light.validators.len; i++)
        light.validators.list[i].priority = 0;
    shown.validators = tools_cometbft_validators_bytes(doc, &light.validators);
    shown.options = vectors_cometbft_options(light.header.time);
    enum proof_verdict verdict = proof_cometbft_double_vote_verify(&result, &fact, shown.space, &shown.trusted,
                                                                   shown.validators, evidence, &shown.options);
    vectors_check(run, verdict == PROOF_VALID, id, "%s (%s at %zu)", proof_verdict_text(verdict),
                  proof_reason_text(result.reason), result.at);
    if (verdict != PROOF_VALID)
        return;
    vectors_mutate(run, id, evidence, 1, is_accepted, &shown);
    vectors_mutate(run, id, shown.validators, 1, is_accepted, &shown);
}

bool vectors_try_cometbft_evidence(struct vectors *run, const struct tools_json *block)
{
    struct tools_json_doc *doc = run->file->doc;
    const struct tools_json *list = tools_json_get(tools_json_get(block, "evidence"), "evidence");
    struct cometbft_header header;
    uint8_t leaves[EVIDENCE_MAX][32], root[32];
    size_t count = tools_json_count(list);
    if (count == 0 || !tools_json_get(block, "last_commit"))
        return false;
    tools_cometbft_header(&header, doc, tools_json_get(block, "header"));
    vectors_check(run, count <= EVIDENCE_MAX, "evidence", "too much of it");
    for (size_t i = 0; i < count && i < EVIDENCE_MAX; i++) {
        struct cometbft_double_vote votes;
        tools_cometbft_double_vote(&votes, doc, tools_json_at(list, i));
        struct bytes evidence = tools_cometbft_double_vote_bytes(doc, &votes);
        if (tools_json_error(doc))
            return true;
        cometbft_merkle_leaf(leaves[i], evidence);
        check_double_vote(run, "double vote", &votes, evidence);
    }
    if (count > EVIDENCE_MAX)
        return true;
    cometbft_merkle_root(root, leaves, count);
    vectors_check(run, codec_bytes_equal(header.evidence_hash, BYTES_OF(root)), "evidence hash", "differs");
    return true;
}
