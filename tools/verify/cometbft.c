/*
 * CometBFT and Cosmos: steps of a light client, a commit by itself, ICS-23 proofs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/cometbft_double_vote.h"
#include "proofs/cosmos_store.h"
#include "tools/verify/cometbft_json.h"
#include "tools/verify/eth_json.h"
#include "tools/verify/kinds.h"

enum { SECOND = 1000000000, PERIOD_MAX = INT64_MAX / SECOND };

static const struct tools_json *trusted_field(const struct tools_verify_case *c, const char *key)
{
    return tools_json_get(tools_json_root(c->trusted), key);
}

static const struct tools_json *evidence_root(const struct tools_verify_case *c)
{
    return tools_eth_json_result(tools_json_root(c->evidence[0]));
}

static bool unreadable(const struct tools_verify_case *c)
{
    return tools_json_error(c->trusted) || tools_json_error(c->evidence[0]);
}

static int64_t seconds_field(const struct tools_verify_case *c, const char *key)
{
    uint64_t seconds = tools_json_u64(c->trusted, trusted_field(c, key), key);
    if (seconds > PERIOD_MAX)
        tools_json_fail(c->trusted, key, "is longer than 292 years");
    return seconds > PERIOD_MAX ? 0 : (int64_t)seconds * SECOND;
}

static struct proof_cometbft_options read_options(const struct tools_verify_case *c)
{
    struct proof_cometbft_options options = {.trust_numerator = 1, .trust_denominator = 3};
    const struct tools_json *level = trusted_field(c, "trust_level");
    options.now = tools_cometbft_time(c->trusted, trusted_field(c, "now"), "now");
    options.trusting_period = seconds_field(c, "trusting_period_s");
    options.clock_drift = seconds_field(c, "max_clock_drift_s");
    options.every_signature = tools_json_is_true(trusted_field(c, "every_signature"));
    if (tools_json_kind(level) == TOOLS_JSON_NONE)
        return options;
    struct bytes text = tools_json_text(c->trusted, level, "trust_level");
    char end;
    if (text.data &&
        sscanf((const char *)text.data, "%u/%u%c", &options.trust_numerator, &options.trust_denominator, &end) != 2)
        tools_json_fail(c->trusted, "trust_level", "must be a fraction such as 1/3");
    return options;
}

/* The light block's bytes: as given, or written from JSON. */
static struct bytes read_block(const struct tools_verify_case *c)
{
    const struct tools_json *root = evidence_root(c);
    const struct tools_json *bytes = tools_json_get(root, "light_block");
    struct cometbft_light_block light;
    if (bytes)
        return tools_json_hex(c->evidence[0], bytes, "light_block");
    tools_cometbft_light_block(&light, c->evidence[0], root);
    return tools_cometbft_light_block_bytes(c->evidence[0], &light);
}

static void say_state(const struct tools_verify_case *c, const struct proof_cometbft_state *state)
{
    tools_json_set_integer(c->facts, "height", state->height);
    tools_json_set_integer(c->facts, "time", state->time.seconds);
    tools_json_set_hex(c->facts, "hash", BYTES_OF(state->hash));
    tools_json_set_hex(c->facts, "app_hash", (struct bytes){state->app_hash, state->app_hash_len});
    tools_json_set_hex(c->facts, "data_hash", BYTES_OF(state->data_hash));
    tools_json_set_hex(c->facts, "next_validators_hash", BYTES_OF(state->next_validators_hash));
}

static struct proof_cometbft_space *make_space(void)
{
    struct proof_cometbft_space *space = proof_cometbft_space_new(COMETBFT_VALIDATORS_MAX, 0);
    if (!space)
        exit(3);
    return space;
}

/* What the operator trusts: the header itself. Its hash is what is believed, so it is computed and not looked up. */
static void read_trusted(struct proof_cometbft_state *state, const struct tools_verify_case *c, struct bytes chain_id)
{
    const struct tools_json *block = tools_eth_json_result(trusted_field(c, "trusted"));
    const struct tools_json *both = tools_json_get(block, "signed_header");
    struct cometbft_header header;
    tools_cometbft_header(&header, c->trusted, tools_json_get(both ? both : block, "header"));
    if (!tools_json_error(c->trusted) && !proof_cometbft_state_from(state, chain_id, &header))
        tools_json_fail(c->trusted, "trusted", "is no usable header of this chain");
}

/*
 * The set that the trusted header announces: of the file that is believed, so it is that file's fault when it is not there, or
 * another set. Only a block of the next height needs none.
 */
static struct bytes read_next(const struct tools_verify_case *c, struct proof_cometbft_space *space,
                              const struct proof_cometbft_state *trusted, struct bytes block)
{
    const struct tools_json *next = tools_eth_json_result(trusted_field(c, "next_validators"));
    struct proof_result result;
    struct cometbft_header header;
    struct cometbft_validators set;
    if (unreadable(c) || !cometbft_header_read(&header, cometbft_parts_of(block).header) ||
        header.height <= trusted->height + 1)
        return (struct bytes){NULL, 0};
    if (!next) {
        tools_json_fail(c->trusted, "next_validators",
                        "is missing: a block that does not follow at once is judged by the set that the trusted header "
                        "announces for the next height (a node's answer to /validators of that height)");
        return (struct bytes){NULL, 0};
    }
    tools_cometbft_validators(&set, c->trusted, next);
    struct bytes bytes = tools_cometbft_validators_bytes(c->trusted, &set);
    if (!unreadable(c) && proof_cometbft_next_verify(&result, space, trusted, bytes) != PROOF_VALID)
        tools_json_fail(c->trusted, "next_validators",
                        "is not the set that the trusted header announces for the next height");
    return bytes;
}

enum proof_verdict tools_verify_cometbft_header(struct tools_verify_case *c)
{
    struct proof_cometbft_state trusted = {0};
    struct proof_cometbft_state fact;
    struct bytes chain_id = tools_json_text(c->trusted, trusted_field(c, "chain_id"), "chain_id");
    struct proof_cometbft_options options = read_options(c);
    read_trusted(&trusted, c, chain_id);
    struct bytes block = read_block(c);
    struct proof_cometbft_space *space = make_space();
    struct bytes next = read_next(c, space, &trusted, block);
    enum proof_verdict verdict = PROOF_INVALID;
    if (!unreadable(c))
        verdict =
            proof_cometbft_step_verify(&c->result, &fact, space, &trusted, next, cometbft_parts_of(block), &options);
    proof_cometbft_space_free(space);
    if (verdict == PROOF_VALID)
        say_state(c, &fact);
    return verdict;
}

enum proof_verdict tools_verify_cometbft_commit(struct tools_verify_case *c)
{
    struct proof_cometbft_state fact;
    uint8_t hash[32];
    struct bytes chain_id = tools_json_text(c->trusted, trusted_field(c, "chain_id"), "chain_id");
    uint64_t height = tools_json_u64(c->trusted, trusted_field(c, "height"), "height");
    struct proof_cometbft_options options = read_options(c);
    tools_json_hex_exact(hash, 32, c->trusted, trusted_field(c, "hash"), "hash");
    struct bytes block = read_block(c);
    if (unreadable(c))
        return PROOF_INVALID;
    struct proof_cometbft_space *space = make_space();
    enum proof_verdict verdict = proof_cometbft_first_verify(&c->result, &fact, space, chain_id, (int64_t)height, hash,
                                                             cometbft_parts_of(block), &options);
    proof_cometbft_space_free(space);
    if (verdict == PROOF_VALID)
        say_state(c, &fact);
    return verdict;
}

enum proof_verdict tools_verify_cometbft_votes(struct tools_verify_case *c)
{
    struct proof_cometbft_state trusted = {0};
    struct proof_cometbft_double_vote_fact fact;
    struct cometbft_validators set;
    struct bytes chain_id = tools_json_text(c->trusted, trusted_field(c, "chain_id"), "chain_id");
    struct proof_cometbft_options options = read_options(c);
    const struct tools_json *root = evidence_root(c);
    const struct tools_json *bytes = tools_json_get(root, "evidence");
    read_trusted(&trusted, c, chain_id);
    tools_cometbft_validators(&set, c->trusted,
                              tools_json_get(tools_eth_json_result(trusted_field(c, "trusted")), "validator_set"));
    struct bytes set_bytes = tools_cometbft_validators_bytes(c->trusted, &set);
    struct bytes evidence = {NULL, 0};
    if (bytes) {
        evidence = tools_json_hex(c->evidence[0], bytes, "evidence");
    } else {
        struct cometbft_double_vote votes;
        tools_cometbft_double_vote(&votes, c->evidence[0], root);
        evidence = tools_cometbft_double_vote_bytes(c->evidence[0], &votes);
    }
    if (unreadable(c))
        return PROOF_INVALID;
    struct proof_cometbft_space *space = make_space();
    enum proof_verdict verdict =
        proof_cometbft_double_vote_verify(&c->result, &fact, space, &trusted, set_bytes, evidence, &options);
    proof_cometbft_space_free(space);
    if (verdict != PROOF_VALID)
        return verdict;
    tools_json_set_hex(c->facts, "validator", BYTES_OF(fact.address));
    tools_json_set_integer(c->facts, "power", fact.power);
    tools_json_set_integer(c->facts, "total_power", fact.total_power);
    tools_json_set_integer(c->facts, "height", fact.height);
    tools_json_set_integer(c->facts, "round", fact.round);
    tools_json_set_text(c->facts, "type", fact.type == COMETBFT_PREVOTE ? "prevote" : "precommit");
    tools_json_set_hex(c->facts, "block_a", BYTES_OF(fact.hash_a));
    tools_json_set_hex(c->facts, "block_b", BYTES_OF(fact.hash_b));
    return verdict;
}

/* Proof number `index` of an abci_query answer, or the field by name. */
static struct bytes read_op(const struct tools_verify_case *c, const char *field, size_t index)
{
    const struct tools_json *root = evidence_root(c);
    const struct tools_json *response = tools_json_get(root, "response");
    const struct tools_json *ops = tools_json_get(tools_json_get(response ? response : root, "proofOps"), "ops");
    if (ops)
        return tools_cometbft_base64(c->evidence[0], tools_json_get(tools_json_at(ops, index), "data"), "proofOps");
    return tools_json_hex(c->evidence[0], tools_json_get(root, field), field);
}

static const struct proof_ics23_spec *read_spec(const struct tools_verify_case *c)
{
    static const struct {
        const char *name;
        const struct proof_ics23_spec *spec;
    } specs[] = {{"iavl", &PROOF_ICS23_IAVL}, {"tendermint", &PROOF_ICS23_TENDERMINT}, {"smt", &PROOF_ICS23_SMT}};
    struct bytes name = tools_json_text(c->trusted, trusted_field(c, "spec"), "spec");
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        if (name.data && name.len == strlen(specs[i].name) && memcmp(name.data, specs[i].name, name.len) == 0)
            return specs[i].spec;
    tools_json_fail(c->trusted, "spec", "must be iavl, tendermint or smt");
    return NULL;
}

static void say_value(const struct tools_verify_case *c, enum proof_presence presence, struct bytes value)
{
    tools_json_set_flag(c->facts, "present", presence == PROOF_PRESENT);
    if (presence == PROOF_PRESENT)
        tools_json_set_hex(c->facts, "value", value);
}

enum proof_verdict tools_verify_ics23(struct tools_verify_case *c)
{
    uint8_t root[32];
    const struct tools_json *store = trusted_field(c, "store");
    const char *root_field = trusted_field(c, "root") ? "root" : "app_hash";
    tools_json_hex_exact(root, 32, c->trusted, trusted_field(c, root_field), root_field);
    struct bytes key = tools_json_hex(c->trusted, trusted_field(c, "key"), "key");
    struct bytes proof = read_op(c, "proof", 0);
    if (store) {
        struct proof_cosmos_fact fact;
        struct bytes name = tools_json_text(c->trusted, store, "store");
        struct bytes store_proof = read_op(c, "store_proof", 1);
        if (unreadable(c))
            return PROOF_INVALID;
        enum proof_verdict verdict = proof_cosmos_store_verify(&c->result, &fact, root, name, key, proof, store_proof);
        if (verdict == PROOF_VALID)
            say_value(c, fact.presence, fact.value);
        return verdict;
    }
    struct proof_ics23_fact fact;
    const struct proof_ics23_spec *spec = read_spec(c);
    if (unreadable(c))
        return PROOF_INVALID;
    enum proof_verdict verdict = proof_ics23_verify(&c->result, &fact, spec, root, key, proof);
    if (verdict == PROOF_VALID)
        say_value(c, fact.presence, fact.value);
    return verdict;
}
