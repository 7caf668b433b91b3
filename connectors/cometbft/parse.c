/*
 * Answers of a CometBFT node (parse.h).
 */
#include "connectors/cometbft/parse.h"

#include <string.h>

#include "proofs/codec/ics23.h"
#include "proofs/codec/sha256.h"

/* A number, as JSON writes small ones, or as text; absent: zero. */
static bool number(int64_t *out, const struct sdk_json *object, const char *key)
{
    const struct sdk_json *value = sdk_json_member(object, key);
    *out = 0;
    return sdk_json_is_null(value) || sdk_json_integer(out, value) || sdk_json_decimal(out, value);
}

static bool digits(struct bytes *out, const struct sdk_json *object, const char *key, struct sdk_arena *arena)
{
    const struct sdk_json *value = sdk_json_member(object, key);
    *out = (struct bytes){NULL, 0};
    return sdk_json_is_null(value) || sdk_json_digits(out, value, arena);
}

static bool time_of(struct cometbft_time *out, const struct sdk_json *object, const char *key)
{
    const char *text = sdk_json_text(sdk_json_member(object, key));
    return text && cometbft_time_parse(out, text, strlen(text));
}

static bool block_id(struct cometbft_block_id *out, const struct sdk_json *id, struct sdk_arena *arena)
{
    const struct sdk_json *parts = sdk_json_member(id, "parts");
    int64_t total = 0;
    if (!digits(&out->hash, id, "hash", arena) || !number(&total, parts, "total") || total < 0 || total > UINT32_MAX ||
        !digits(&out->parts_hash, parts, "hash", arena))
        return false;
    out->parts_total = (uint32_t)total;
    return true;
}

static bool header_of(struct cometbft_header *out, const struct sdk_json *header, struct sdk_arena *arena)
{
    const struct sdk_json *version = sdk_json_member(header, "version");
    const char *chain_id = sdk_json_text(sdk_json_member(header, "chain_id"));
    int64_t block = 0, app = 0;
    if (!chain_id || !number(&block, version, "block") || !number(&app, version, "app") || block < 0 || app < 0 ||
        !number(&out->height, header, "height") || !time_of(&out->time, header, "time") ||
        !block_id(&out->last_block_id, sdk_json_member(header, "last_block_id"), arena))
        return false;
    const size_t len = strlen(chain_id);
    uint8_t *copy = sdk_arena_take(arena, len + 1, 1);
    if (!copy)
        return false;
    memcpy(copy, chain_id, len);
    out->chain_id = (struct bytes){copy, len};
    out->version_block = (uint64_t)block;
    out->version_app = (uint64_t)app;
    return digits(&out->last_commit_hash, header, "last_commit_hash", arena) &&
           digits(&out->data_hash, header, "data_hash", arena) &&
           digits(&out->validators_hash, header, "validators_hash", arena) &&
           digits(&out->next_validators_hash, header, "next_validators_hash", arena) &&
           digits(&out->consensus_hash, header, "consensus_hash", arena) &&
           digits(&out->app_hash, header, "app_hash", arena) &&
           digits(&out->last_results_hash, header, "last_results_hash", arena) &&
           digits(&out->evidence_hash, header, "evidence_hash", arena) &&
           digits(&out->proposer_address, header, "proposer_address", arena);
}

static bool vote_of(struct cometbft_vote *out, const struct sdk_json *vote, struct sdk_arena *arena)
{
    int64_t flag = 0;
    if (!number(&flag, vote, "block_id_flag") || flag < 0 || flag > UINT8_MAX ||
        !digits(&out->address, vote, "validator_address", arena) || !time_of(&out->time, vote, "timestamp") ||
        !sdk_json_base64(&out->signature, sdk_json_member(vote, "signature"), arena))
        return false;
    out->flag = (uint32_t)flag;
    return true;
}

static bool commit_of(struct cometbft_commit *out, const struct sdk_json *commit, struct sdk_arena *arena)
{
    const struct sdk_json *votes = sdk_json_member(commit, "signatures");
    int64_t round = 0;
    out->votes_len = sdk_json_length(votes);
    if (out->votes_len == 0 || out->votes_len > COMETBFT_VALIDATORS_MAX || !number(&out->height, commit, "height") ||
        !number(&round, commit, "round") || round < 0 || round > INT32_MAX ||
        !block_id(&out->block_id, sdk_json_member(commit, "block_id"), arena))
        return false;
    out->round = (int32_t)round;
    out->votes = sdk_arena_take(arena, out->votes_len, sizeof *out->votes);
    for (size_t i = 0; out->votes && i < out->votes_len; i++)
        if (!vote_of(&out->votes[i], sdk_json_element(votes, i), arena))
            return false;
    return out->votes != NULL;
}

bool cometbft_parse_signed_header(struct cometbft_header *header, struct cometbft_commit *commit,
                                  const struct sdk_json *signed_header, struct sdk_arena *arena)
{
    return header_of(header, sdk_json_member(signed_header, "header"), arena) &&
           commit_of(commit, sdk_json_member(signed_header, "commit"), arena) && header->height >= 1 &&
           header->time.seconds >= 0 && header->validators_hash.len == 32 && header->next_validators_hash.len == 32 &&
           commit->block_id.hash.len == 32;
}

bool cometbft_parse_validator(struct cometbft_kept_validator *out, const struct sdk_json *validator,
                              struct sdk_arena *arena)
{
    const struct sdk_json *key = sdk_json_member(validator, "pub_key");
    const char *type = sdk_json_text(sdk_json_member(key, "type"));
    struct bytes value, address;
    if (!type || !sdk_json_base64(&value, sdk_json_member(key, "value"), arena) ||
        !digits(&address, validator, "address", arena) || address.len != COMETBFT_ADDRESS_BYTES ||
        !number(&out->power, validator, "voting_power"))
        return false;
    if (strcmp(type, "tendermint/PubKeyEd25519") == 0 && value.len == COMETBFT_ED25519_KEY_BYTES)
        out->kind = COMETBFT_KEY_ED25519;
    else if (strcmp(type, "tendermint/PubKeySecp256k1") == 0 && value.len == COMETBFT_SECP256K1_KEY_BYTES)
        out->kind = COMETBFT_KEY_SECP256K1;
    else
        return false;
    out->key_len = (uint8_t)value.len;
    memcpy(out->key, value.data, value.len);
    memcpy(out->address, address.data, address.len);
    return true;
}

/* One proof operation: of this type, about this key (ProofOp of CometBFT, as ics23 and the Cosmos SDK fill it). */
static const char *operation(struct bytes *out, const struct sdk_json *op, const char *wanted, struct bytes key,
                             struct sdk_arena *arena)
{
    const char *type = sdk_json_text(sdk_json_member(op, "type"));
    struct bytes about;
    if (!type || strcmp(type, wanted) != 0)
        return "abci_query: proof operations of other types or in another order than ics23:iavl, ics23:simple";
    if (!sdk_json_base64(&about, sdk_json_member(op, "key"), arena) || !codec_bytes_equal(about, key))
        return "abci_query: a proof operation about another key or store";
    if (!sdk_json_base64(out, sdk_json_member(op, "data"), arena) || out->len == 0 || out->len > ICS23_PROOF_BYTES_MAX)
        return "abci_query: a proof operation without a proof, or one too large";
    return NULL;
}

const char *cometbft_parse_shown(struct cometbft_shown *out, const struct sdk_json *response, uint64_t height,
                                 struct bytes store, struct bytes key, struct sdk_arena *arena)
{
    const struct sdk_json *ops = sdk_json_member(sdk_json_member(response, "proofOps"), "ops");
    int64_t said = 0;
    *out = (struct cometbft_shown){.ops_len = store.len == 0 ? 1 : 2};
    if (!sdk_json_decimal(&said, sdk_json_member(response, "height")) || said < 0 || (uint64_t)said != height)
        return "abci_query: an answer about another height";
    if (!sdk_json_base64(&out->value, sdk_json_member(response, "value"), arena))
        return "abci_query: a value that is no base64";
    if (sdk_json_length(ops) != out->ops_len)
        return store.len == 0 ? "abci_query: not the one proof operation of a state that is one tree"
                              : "abci_query: not the two proof operations of a multistore";
    const char *wrong = operation(&out->ops[0], sdk_json_element(ops, 0), "ics23:iavl", key, arena);
    if (!wrong && out->ops_len == 2)
        wrong = operation(&out->ops[1], sdk_json_element(ops, 1), "ics23:simple", store, arena);
    return wrong;
}

static bool single_vote_of(struct cometbft_single_vote *out, const struct sdk_json *vote, struct sdk_arena *arena)
{
    int64_t type = 0, round = 0, index = 0;
    if (!number(&type, vote, "type") || !number(&round, vote, "round") || !number(&index, vote, "validator_index") ||
        type < 0 || type > UINT8_MAX || round < 0 || round > INT32_MAX || index < 0 || index > INT32_MAX ||
        !number(&out->height, vote, "height") || out->height < 1 || !time_of(&out->time, vote, "timestamp") ||
        !block_id(&out->block_id, sdk_json_member(vote, "block_id"), arena) ||
        !digits(&out->address, vote, "validator_address", arena) ||
        !sdk_json_base64(&out->signature, sdk_json_member(vote, "signature"), arena))
        return false;
    out->type = (uint32_t)type;
    out->round = (int32_t)round;
    out->index = (int32_t)index;
    return true;
}

bool cometbft_parse_double_vote(struct cometbft_double_vote *out, const struct sdk_json *evidence,
                                struct sdk_arena *arena)
{
    const char *type = sdk_json_text(sdk_json_member(evidence, "type"));
    const struct sdk_json *value = sdk_json_member(evidence, "value");
    *out = (struct cometbft_double_vote){0};
    return type && strcmp(type, "tendermint/DuplicateVoteEvidence") == 0 &&
           single_vote_of(&out->a, sdk_json_member(value, "vote_a"), arena) &&
           single_vote_of(&out->b, sdk_json_member(value, "vote_b"), arena) &&
           number(&out->total_power, value, "TotalVotingPower") && number(&out->power, value, "ValidatorPower") &&
           time_of(&out->time, value, "Timestamp");
}

bool cometbft_hash_names_evidence(struct bytes hash)
{
    uint8_t none[32];
    codec_sha256(none, NULL, 0); /* the root of a list without entries */
    return hash.len == 32 && memcmp(hash.data, none, 32) != 0;
}

bool cometbft_parse_has_evidence(const struct sdk_json *evidence_hash, struct sdk_arena *arena)
{
    struct bytes hash;
    return sdk_json_digits(&hash, evidence_hash, arena) && cometbft_hash_names_evidence(hash);
}
