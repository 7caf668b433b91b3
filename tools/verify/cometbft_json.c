/*
 * From JSON fields to CometBFT's structures, and through the codec's writers to bytes.
 */
#include "tools/verify/cometbft_json.h"

#include <string.h>

#include "proofs/codec/base64.h"

struct bytes tools_cometbft_base64(struct tools_json_doc *doc, const struct tools_json *text, const char *field)
{
    if (tools_json_kind(text) == TOOLS_JSON_NONE)
        return (struct bytes){NULL, 0};
    struct bytes in = tools_json_text(doc, text, field);
    size_t len = 0;
    uint8_t *out = tools_json_alloc(doc, in.len / 4 * 3 + 1, 1);
    if (in.data && !codec_base64_decode(out, &len, in.len / 4 * 3, (const char *)in.data, in.len))
        tools_json_fail(doc, field, "must be base64 with padding");
    return (struct bytes){out, len};
}

/* Hexadecimal text; null, a missing field and an empty text are no bytes. */
static struct bytes hex_field(struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    const struct tools_json *node = tools_json_get(object, key);
    if (tools_json_kind(node) == TOOLS_JSON_NONE)
        return (struct bytes){NULL, 0};
    return tools_json_hex(doc, node, key);
}

static uint64_t number_field(struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    const struct tools_json *node = tools_json_get(object, key);
    return tools_json_kind(node) == TOOLS_JSON_NONE ? 0 : tools_json_u64(doc, node, key);
}

/* A number that must be >= 0 to be read at all, and below 2^63. */
static int64_t int_field(struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    uint64_t value = number_field(doc, object, key);
    if (value > INT64_MAX)
        tools_json_fail(doc, key, "must be below 2^63");
    return (int64_t)value;
}

static int32_t small_field(struct tools_json_doc *doc, const struct tools_json *object, const char *key)
{
    int64_t value = int_field(doc, object, key);
    if (value > INT32_MAX)
        tools_json_fail(doc, key, "must be below 2^31");
    return (int32_t)value;
}

struct cometbft_time tools_cometbft_time(struct tools_json_doc *doc, const struct tools_json *text, const char *field)
{
    struct cometbft_time time = {0};
    struct bytes in = tools_json_text(doc, text, field);
    if (in.data && !cometbft_time_parse(&time, (const char *)in.data, in.len))
        tools_json_fail(doc, field, "must be a time such as 2006-01-02T15:04:05.999999999Z");
    return time;
}

void tools_cometbft_block_id(struct cometbft_block_id *out, struct tools_json_doc *doc, const struct tools_json *id)
{
    const struct tools_json *parts = tools_json_get(id, "parts");
    if (!parts)
        parts = tools_json_get(id, "part_set_header");
    *out = (struct cometbft_block_id){.hash = hex_field(doc, id, "hash"), .parts_hash = hex_field(doc, parts, "hash")};
    uint64_t total = number_field(doc, parts, "total");
    if (total > UINT32_MAX)
        tools_json_fail(doc, "total", "must be below 2^32");
    out->parts_total = (uint32_t)total;
}

void tools_cometbft_header(struct cometbft_header *out, struct tools_json_doc *doc, const struct tools_json *header)
{
    const struct tools_json *version = tools_json_get(header, "version");
    *out = (struct cometbft_header){0};
    out->version_block = number_field(doc, version, "block");
    out->version_app = number_field(doc, version, "app");
    out->chain_id = tools_json_text(doc, tools_json_get(header, "chain_id"), "chain_id");
    out->height = int_field(doc, header, "height");
    out->time = tools_cometbft_time(doc, tools_json_get(header, "time"), "time");
    tools_cometbft_block_id(&out->last_block_id, doc, tools_json_get(header, "last_block_id"));
    out->last_commit_hash = hex_field(doc, header, "last_commit_hash");
    out->data_hash = hex_field(doc, header, "data_hash");
    out->validators_hash = hex_field(doc, header, "validators_hash");
    out->next_validators_hash = hex_field(doc, header, "next_validators_hash");
    out->consensus_hash = hex_field(doc, header, "consensus_hash");
    out->app_hash = hex_field(doc, header, "app_hash");
    out->last_results_hash = hex_field(doc, header, "last_results_hash");
    out->evidence_hash = hex_field(doc, header, "evidence_hash");
    out->proposer_address = hex_field(doc, header, "proposer_address");
}

void tools_cometbft_commit(struct cometbft_commit *out, struct tools_json_doc *doc, const struct tools_json *commit)
{
    const struct tools_json *list = tools_json_get(commit, "signatures");
    *out = (struct cometbft_commit){.height = int_field(doc, commit, "height")};
    out->round = small_field(doc, commit, "round");
    tools_cometbft_block_id(&out->block_id, doc, tools_json_get(commit, "block_id"));
    out->votes_len = tools_json_count(list);
    out->votes = tools_json_alloc(doc, out->votes_len, sizeof *out->votes);
    for (size_t i = 0; i < out->votes_len; i++) {
        const struct tools_json *vote = tools_json_at(list, i);
        out->votes[i].flag = (uint32_t)number_field(doc, vote, "block_id_flag");
        out->votes[i].address = hex_field(doc, vote, "validator_address");
        out->votes[i].time = tools_json_kind(tools_json_get(vote, "timestamp")) == TOOLS_JSON_NONE
                                 ? COMETBFT_TIME_UNSET
                                 : tools_cometbft_time(doc, tools_json_get(vote, "timestamp"), "timestamp");
        out->votes[i].signature = tools_cometbft_base64(doc, tools_json_get(vote, "signature"), "signature");
    }
}

static bool text_is(struct bytes text, const char *want)
{
    return text.len == strlen(want) && memcmp(text.data, want, text.len) == 0;
}

static void read_validator(struct cometbft_validator *out, struct tools_json_doc *doc, const struct tools_json *entry)
{
    static const struct {
        const char *type;
        enum cometbft_key kind;
    } kinds[] = {
        {"tendermint/PubKeyEd25519", COMETBFT_KEY_ED25519},
        {"tendermint/PubKeySecp256k1", COMETBFT_KEY_SECP256K1},
        {"cometbft/PubKeyBls12_381", COMETBFT_KEY_BLS12381},
        {"tendermint/PubKeyMldsa65", COMETBFT_KEY_MLDSA65},
    };
    const struct tools_json *key = tools_json_get(entry, "pub_key");
    struct bytes type = tools_json_text(doc, tools_json_get(key, "type"), "pub_key.type");
    *out = (struct cometbft_validator){.kind = COMETBFT_KEY_ED25519};
    bool known = false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && type.data; i++)
        if (text_is(type, kinds[i].type)) {
            out->kind = kinds[i].kind;
            known = true;
        }
    if (!known)
        tools_json_fail(doc, "pub_key.type", "is a kind of key that CometBFT's protobuf does not have");
    out->key = tools_cometbft_base64(doc, tools_json_get(key, "value"), "pub_key.value");
    out->address = hex_field(doc, entry, "address");
    const char *power_field = tools_json_get(entry, "voting_power") ? "voting_power" : "power";
    out->power = int_field(doc, entry, power_field);
}

void tools_cometbft_validators(struct cometbft_validators *out, struct tools_json_doc *doc,
                               const struct tools_json *set)
{
    const struct tools_json *list = tools_json_kind(set) == TOOLS_JSON_ARRAY ? set : tools_json_get(set, "validators");
    *out = (struct cometbft_validators){.len = tools_json_count(list)};
    out->list = tools_json_alloc(doc, out->len, sizeof *out->list);
    for (size_t i = 0; i < out->len; i++)
        read_validator(&out->list[i], doc, tools_json_at(list, i));
    cometbft_validators_sort(out->list, out->len);
    const struct tools_json *proposer = tools_json_get(set, "proposer");
    out->has_proposer = tools_json_kind(proposer) == TOOLS_JSON_OBJECT;
    if (out->has_proposer)
        read_validator(&out->proposer, doc, proposer);
}

void tools_cometbft_light_block(struct cometbft_light_block *out, struct tools_json_doc *doc,
                                const struct tools_json *block)
{
    const struct tools_json *both = tools_json_get(block, "signed_header");
    const struct tools_json *set = tools_json_get(block, "validator_set");
    if (!both)
        both = block;
    tools_cometbft_header(&out->header, doc, tools_json_get(both, "header"));
    tools_cometbft_commit(&out->commit, doc, tools_json_get(both, "commit"));
    tools_cometbft_validators(&out->validators, doc, set ? set : tools_json_get(block, "validators"));
}

static void read_single_vote(struct cometbft_single_vote *out, struct tools_json_doc *doc,
                             const struct tools_json *vote)
{
    *out = (struct cometbft_single_vote){.type = (uint32_t)small_field(doc, vote, "type")};
    out->height = int_field(doc, vote, "height");
    out->round = small_field(doc, vote, "round");
    tools_cometbft_block_id(&out->block_id, doc, tools_json_get(vote, "block_id"));
    out->time = tools_cometbft_time(doc, tools_json_get(vote, "timestamp"), "timestamp");
    out->address = hex_field(doc, vote, "validator_address");
    out->index = small_field(doc, vote, "validator_index");
    out->signature = tools_cometbft_base64(doc, tools_json_get(vote, "signature"), "signature");
    out->extension = tools_cometbft_base64(doc, tools_json_get(vote, "extension"), "extension");
    out->extension_signature =
        tools_cometbft_base64(doc, tools_json_get(vote, "extension_signature"), "extension_signature");
}

void tools_cometbft_double_vote(struct cometbft_double_vote *out, struct tools_json_doc *doc,
                                const struct tools_json *evidence)
{
    const struct tools_json *value = tools_json_get(evidence, "value");
    if (!value)
        value = evidence;
    read_single_vote(&out->a, doc, tools_json_get(value, "vote_a"));
    read_single_vote(&out->b, doc, tools_json_get(value, "vote_b"));
    out->total_power = int_field(doc, value, "TotalVotingPower");
    out->power = int_field(doc, value, "ValidatorPower");
    out->time = tools_cometbft_time(doc, tools_json_get(value, "Timestamp"), "Timestamp");
}

/* Headers and commits are small beside what hashes, addresses and numbers can take; lists come on top. */
enum { HEADER_ROOM = 2048, VOTE_ROOM = 160, VALIDATOR_ROOM = 128 };

static size_t room_for(const struct cometbft_commit *commit, const struct cometbft_validators *set)
{
    size_t room = HEADER_ROOM;
    for (size_t i = 0; commit && i < commit->votes_len; i++)
        room += VOTE_ROOM + commit->votes[i].signature.len + commit->votes[i].address.len;
    for (size_t i = 0; set && i < set->len; i++)
        room += VALIDATOR_ROOM + set->list[i].key.len + set->list[i].address.len;
    return room + (set && set->has_proposer ? VALIDATOR_ROOM + set->proposer.key.len : 0);
}

static struct bytes written(struct tools_json_doc *doc, const struct codec_writer *writer)
{
    if (writer->failed)
        tools_json_fail(doc, "block", "cannot be encoded");
    return codec_writer_bytes(writer);
}

struct bytes tools_cometbft_header_bytes(struct tools_json_doc *doc, const struct cometbft_header *header)
{
    struct codec_writer writer;
    size_t room = HEADER_ROOM + header->chain_id.len + header->app_hash.len;
    codec_writer_init(&writer, tools_json_alloc(doc, room, 1), room);
    cometbft_header_write(&writer, header);
    return written(doc, &writer);
}

struct bytes tools_cometbft_validators_bytes(struct tools_json_doc *doc, const struct cometbft_validators *set)
{
    struct codec_writer writer;
    size_t room = room_for(NULL, set);
    codec_writer_init(&writer, tools_json_alloc(doc, room, 1), room);
    cometbft_validators_write(&writer, set);
    return written(doc, &writer);
}

struct bytes tools_cometbft_light_block_bytes(struct tools_json_doc *doc, const struct cometbft_light_block *block)
{
    struct codec_writer writer;
    size_t room =
        room_for(&block->commit, &block->validators) + block->header.chain_id.len + block->header.app_hash.len;
    codec_writer_init(&writer, tools_json_alloc(doc, room, 1), room);
    cometbft_light_block_write(&writer, block);
    return written(doc, &writer);
}

struct bytes tools_cometbft_double_vote_bytes(struct tools_json_doc *doc, const struct cometbft_double_vote *evidence)
{
    struct codec_writer writer;
    const struct cometbft_single_vote *votes[] = {&evidence->a, &evidence->b};
    size_t room = HEADER_ROOM;
    for (size_t i = 0; i < 2; i++)
        room += votes[i]->address.len + votes[i]->signature.len + votes[i]->extension.len +
                votes[i]->extension_signature.len;
    codec_writer_init(&writer, tools_json_alloc(doc, room, 1), room);
    cometbft_double_vote_write(&writer, evidence);
    return written(doc, &writer);
}
